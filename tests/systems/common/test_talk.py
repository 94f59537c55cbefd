"""Direct talk without an address, a port, or a visitor; announcements by a call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from unittest.mock import AsyncMock, Mock

import pytest

from custom_components.ip_intercom.model.talk import LineReport, TalkReason, TalkReport, unavailable
from custom_components.ip_intercom.systems.common.errors import ConnectionFailed, NoTalk
from custom_components.ip_intercom.systems.common.talk import DirectTalk, TalkFeeds, call_for_sound, video_source
from custom_components.ip_intercom.talk.errors import CallFailed, RtspError, TalkError
from custom_components.ip_intercom.talk.line import Line, LineState
from custom_components.ip_intercom.talk.rtp import pack
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from custom_components.ip_intercom.talk.sip_agent import SipAgent
from custom_components.ip_intercom.talk.sip_invite import IncomingCall
from tests.talk.door import Door
from tests.talk.fake_call import FakeCall, Phone

SOUND = b"\x21" * 160


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():
            await asyncio.sleep(0.01)


def cameras(**methods: object) -> Mock:
    """Return cameras with streams whose requests are mocked."""
    return Mock(streams=Mock(return_value=True), **methods)


async def test_a_device_without_an_address_cannot_talk() -> None:
    talk = DirectTalk(None, 5060)
    assert await talk.check() == {"": unavailable(TalkReason.SIP_CLOSED)}
    assert talk.address is None
    assert talk.examine() == TalkReport({"": LineReport("idle", ringing=False, registered=None, failure=None)}, 0)


async def test_an_unknown_host_makes_talk_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SipAgent, "start", AsyncMock(side_effect=CallFailed("no such host")))
    talk = DirectTalk("no such host", 5060)
    assert await talk.check() == {"": unavailable(TalkReason.SIP_CLOSED)}


async def test_a_camera_without_talk_has_no_speaker() -> None:
    talk = DirectTalk("127.0.0.1", 5060)
    talk.show(cameras(), "main")
    with pytest.raises(NoTalk):
        async with talk.speaker("sub"):
            pass


async def test_answering_without_a_visitor_is_an_error() -> None:
    talk = DirectTalk("127.0.0.1", 5060)
    with pytest.raises(NoTalk):
        await talk.answer()
    assert talk.examine().lines[""].failure == "no_visitor"


@pytest.fixture
async def visited(socket_enabled: None) -> AsyncIterator[tuple[DirectTalk, Door]]:
    """A line and its door, whose visitor calls Home Assistant."""
    async with Door() as door:
        talk = DirectTalk("127.0.0.1", door.port)
        await talk.check()
        assert talk.address is not None
        door.call_home(talk.address)
        await until(lambda: door.rings > 0)
        yield talk, door
        await talk.close()


def microphone(number: int) -> bytes:
    return pack(0, number, 160 * number, 0x5EED, SOUND)


async def test_a_microphone_while_the_button_answers(
    visited: tuple[DirectTalk, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, door = visited
    slow(monkeypatch, 0.2)
    answering = asyncio.create_task(talk.answer())
    await asyncio.sleep(0.1)
    assert not talk.is_ringing
    owner = object()
    talk.line.claim(owner)
    talk.line.receive(owner, microphone(1))
    await answering
    await until(lambda: talk.line.state is LineState.TALKING)
    assert (talk.line.error, door.invites) == (None, 0)
    await talk.line.hang_up()
    await until(lambda: door.call is None)


async def test_closing_the_microphone_before_the_answer_declines_the_visitor(
    visited: tuple[DirectTalk, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, door = visited
    slow(monkeypatch, 0.2)
    owner = object()
    talk.line.claim(owner)
    talk.line.receive(owner, microphone(1))
    await asyncio.sleep(0.1)
    await talk.line.hang_up()
    await until(lambda: door.refused is not None)
    assert (talk.line.state, talk.is_ringing, door.call) == (LineState.IDLE, False, None)


def slow(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let each answer take some time."""
    answer = IncomingCall.answer

    async def answer_later(call: IncomingCall, *, video: bool = False) -> None:
        await asyncio.sleep(seconds)
        await answer(call, video=video)

    monkeypatch.setattr(IncomingCall, "answer", answer_later)


async def test_a_used_port_is_skipped(socket_enabled: None) -> None:
    async with Door() as door:
        first, second = (DirectTalk("127.0.0.1", door.port) for _ in range(2))
        await first.check()
        await second.check()
        assert first.address and second.address and first.address != second.address
        await first.close()
        await second.close()


async def test_streams_without_a_free_port_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RtspServer, "start", AsyncMock(side_effect=RtspError("no port")))
    with pytest.raises(ConnectionFailed):
        await TalkFeeds().address("main", Mock(), None)


@pytest.mark.parametrize("error", [None, ConnectionFailed("away")])
async def test_video_without_a_stream_address_and_a_still_is_an_error(error: ConnectionFailed | None) -> None:
    without = cameras(
        stream_address=AsyncMock(return_value=None, side_effect=error),
        snapshot=AsyncMock(side_effect=ConnectionFailed("away")),
    )
    video = video_source(without, "main")
    with pytest.raises(TalkError):
        await video.open()


async def test_an_announcement_calls_plays_and_hangs_up() -> None:
    phone = Phone()
    line = Line(phone.dial)
    async with call_for_sound(line) as speaker:
        assert (speaker.codec, line.state) == ("PCMU", LineState.TALKING)
        for _ in range(50):
            speaker.send(SOUND)
    assert (phone.calls[0].sent, phone.calls[0].hung_up, line.state) == ([SOUND] * 50, 1, LineState.IDLE)


async def test_the_door_hangs_up_during_an_announcement() -> None:
    phone = Phone()
    line = Line(phone.dial)

    async def announce() -> None:
        async with call_for_sound(line) as speaker:
            speaker.send(SOUND)
            phone.calls[0].end()
            await asyncio.sleep(0.01)
            speaker.send(SOUND)

    with pytest.raises(ConnectionFailed):
        await announce()
    assert (len(phone.calls[0].sent), phone.calls[0].hung_up, line.state) == (1, 0, LineState.IDLE)


async def test_canceling_an_announcement_hangs_up() -> None:
    phone = Phone()
    line = Line(phone.dial)

    async def announce() -> None:
        async with call_for_sound(line):
            await asyncio.sleep(3600)

    task = asyncio.create_task(announce())
    await asyncio.sleep(0.01)
    assert line.state is LineState.TALKING
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (phone.calls[0].hung_up, line.state) == (1, LineState.IDLE)


async def test_a_failed_hang_up_does_not_hide_the_error_of_a_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeCall, "hang_up", AsyncMock(side_effect=TalkError("no response to BYE")))
    phone = Phone()
    with pytest.raises(ZeroDivisionError):
        async with call_for_sound(Line(phone.dial)):
            raise ZeroDivisionError
    phone.calls[0].end()


@pytest.mark.parametrize("reason", ["call_failed", "line_busy"])
async def test_an_announcement_without_a_call_is_an_error(reason: str) -> None:
    phone = Phone()
    line = Line(phone.dial)
    if reason == "call_failed":
        phone.error = CallFailed("no response")
    else:
        line.adopt(FakeCall())
    with pytest.raises(NoTalk) as caught:
        async with call_for_sound(line):
            pass
    assert caught.value.reason == reason
    await line.close()
