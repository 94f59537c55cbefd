"""From go2rtc's stand-in to a SIP telephone, with the user agent between."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from custom_components.ip_intercom.talk.bridge import Bridge
from custom_components.ip_intercom.talk.device_stream import DeviceStream
from custom_components.ip_intercom.talk.errors import CallRefused
from custom_components.ip_intercom.talk.line import HANDOVER, Line, LineState
from custom_components.ip_intercom.talk.rtp import transcode
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from tests.simulators.common.rtsp import RtspCamera

from .conftest import Pair
from .go2rtc import Go2rtc
from .peer import description, rtp, rtp_port

VOICE = b"\x22" * 160


@pytest.fixture
async def line(pair: Pair) -> Line:
    return Line(lambda: pair.agent.call("100"))


@pytest.fixture
async def go2rtc(line: Line) -> AsyncIterator[Go2rtc]:
    async with RtspCamera() as camera:

        async def address() -> str:
            return camera.login_url

        server, bridge = RtspServer(), Bridge(DeviceStream(address), line)
        await server.start()
        async with Go2rtc(server.add(bridge)) as viewer:
            yield viewer
        await server.stop()
        await bridge.close()


async def speak(go2rtc: Go2rtc, packets: int, size: int = 160) -> None:
    for _ in range(packets):
        await go2rtc.say(b"\x22" * size, ssrc=77)
        await asyncio.sleep(size / 8000)


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
@pytest.mark.parametrize("size", [160, 1024])
async def test_viewing_places_no_call_and_talking_does(
    go2rtc: Go2rtc, pair: Pair, line: Line, law: str, size: int
) -> None:
    await go2rtc.watch()
    await asyncio.sleep(60)
    # The backchannel alone places none, either.
    await go2rtc.talk()
    await pair.door.silence()
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        talking = group.create_task(speak(go2rtc, 16_000 // size, size))
        invite, call = await pair.door.pick_up(description(port.port, "0" if law == "PCMU" else "8"))
        await talking
        states = [line.state]
        heard = port.receive()
        assert 85 <= len(heard) <= 100
        assert {packet[12:] for packet in heard} == {transcode(VOICE, "PCMU", law)}
        numbers = [int.from_bytes(packet[2:4]) for packet in heard]
        times = [int.from_bytes(packet[4:8]) for packet in heard]
        assert [number - numbers[0] & 0xFFFF for number in numbers] == list(range(len(heard)))
        assert [time - times[0] & 0xFFFFFFFF for time in times] == [160 * number for number in range(len(heard))]
        # Only the first packet begins a talkspurt.
        assert [packet[1] >> 7 for packet in heard] == [1] + [0] * (len(heard) - 1)
        go2rtc.heard.clear()
        for number in range(10):
            port.send(rtp(number, b"\x33" * 160, 0 if law == "PCMU" else 8), invite.port)
        await asyncio.sleep(0.1)
        assert {packet[12:] for packet in go2rtc.heard[2]} == {transcode(b"\x33" * 160, law, "PCMU")}
        await go2rtc.close()
        bye = await pair.door.expect("BYE")
        pair.door.reply(bye, "200 OK")
        await asyncio.sleep(HANDOVER)
        assert [*states, line.state] == [LineState.TALKING, LineState.IDLE]
        assert call.call_id == bye["call-id"]
    assert [message.what for message in pair.door.line.heard].count("INVITE") == 1


async def test_a_rejected_call_is_not_repeated(go2rtc: Go2rtc, pair: Pair, line: Line) -> None:
    await go2rtc.talk()
    async with asyncio.TaskGroup() as group:
        group.create_task(speak(go2rtc, 50))
        invite = await pair.door.expect("INVITE")
        pair.door.reply(invite, "486 Busy Here")
        await pair.door.expect("ACK")
    assert isinstance(line.error, CallRefused)
    assert line.error.status == 486
    await pair.door.silence(2)
    assert len(go2rtc.heard[0]) > 10


async def test_a_viewer_who_leaves_during_ringing_cancels_the_call(go2rtc: Go2rtc, pair: Pair, line: Line) -> None:
    await go2rtc.talk()
    await speak(go2rtc, 1)
    invite = await pair.door.expect("INVITE")
    pair.door.reply(invite, "180 Ringing")
    await go2rtc.close()
    cancel = await pair.door.expect("CANCEL")
    pair.door.reply(cancel, "200 OK")
    pair.door.reply(invite, "487 Request Terminated")
    await pair.door.expect("ACK")
    assert (line.state, line.error) == (LineState.IDLE, None)
