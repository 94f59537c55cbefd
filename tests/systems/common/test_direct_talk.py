"""Direct talk without a device that helps: no address, no port, no visitor."""

from unittest.mock import AsyncMock, Mock

import pytest

from custom_components.ip_intercom.model.talk import TalkReason, unavailable
from custom_components.ip_intercom.systems.common.direct_talk import DirectTalk
from custom_components.ip_intercom.systems.common.errors import ConnectionFailed, NoTalk
from custom_components.ip_intercom.systems.common.talk_feeds import TalkFeeds, video_source
from custom_components.ip_intercom.talk.errors import CallFailed, RtspError, TalkError
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from custom_components.ip_intercom.talk.sip_agent import SipAgent
from tests.talk.door import Door


def cameras(**methods: object) -> Mock:
    """Return cameras with streams whose requests are mocked."""
    return Mock(streams=Mock(return_value=True), **methods)


async def test_a_device_without_an_address() -> None:
    talk = DirectTalk(None, 5060)
    assert await talk.check() == {"": unavailable(TalkReason.SIP_CLOSED)}
    assert (talk.address, talk.ignored) == (None, 0)


async def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SipAgent, "start", AsyncMock(side_effect=CallFailed("no such host")))
    talk = DirectTalk("no such host", 5060)
    assert await talk.check() == {"": unavailable(TalkReason.SIP_CLOSED)}


async def test_another_camera_has_no_speaker() -> None:
    talk = DirectTalk("127.0.0.1", 5060)
    talk.show(cameras(), "main")
    with pytest.raises(NoTalk):
        async with talk.speaker("sub"):
            pass


async def test_without_a_visitor_there_is_no_answer() -> None:
    with pytest.raises(NoTalk):
        await DirectTalk("127.0.0.1", 5060).answer()


async def test_a_port_that_is_taken_is_left_out(socket_enabled: None) -> None:
    async with Door() as door:
        first, second = (DirectTalk("127.0.0.1", door.port) for _ in range(2))
        await first.check()
        await second.check()
        assert first.address and second.address and first.address != second.address
        await first.close()
        await second.close()


async def test_no_port_for_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RtspServer, "start", AsyncMock(side_effect=RtspError("no port")))
    with pytest.raises(ConnectionFailed):
        await TalkFeeds().address("main", Mock(), None)


@pytest.mark.parametrize("error", [None, ConnectionFailed("away")])
async def test_a_camera_without_an_address_of_its_stream(error: ConnectionFailed | None) -> None:
    without = cameras(
        stream_address=AsyncMock(return_value=None, side_effect=error),
        snapshot=AsyncMock(side_effect=ConnectionFailed("away")),
    )
    video = video_source(without, "main")
    with pytest.raises(TalkError):
        await video.open()
