"""Who may talk at a door, and when its call begins and ends."""

import asyncio
from collections.abc import AsyncIterator
import struct

import pytest

from custom_components.ip_intercom.talk.errors import CallFailed, CallRefused, LineBusy, TalkError
from custom_components.ip_intercom.talk.line import HANDOVER, MICROPHONE_GONE, Line, LineState
from custom_components.ip_intercom.talk.rtp import RtpPacket

from .fake_call import H264, FakeCall, Phone
from .feeds import IDR, rtp, unit

VOICE = b"\x21" * 160
ONE, TWO = "one session", "another session"


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
async def line(phone: Phone) -> AsyncIterator[Line]:
    created = Line(phone.dial)
    yield created
    await created.close()
    await asyncio.sleep(0)


class Speaker:
    """A microphone."""

    def __init__(self, line: Line, owner: object = ONE, ssrc: int = 1, payload_type: int = 0) -> None:
        self.line, self.owner, self.ssrc, self.payload_type = line, owner, ssrc, payload_type
        self.number = 0

    async def speak(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            header = struct.pack("!BBHII", 0x80, self.payload_type, self.number, self.number * 160, self.ssrc)
            self.line.receive(self.owner, header + VOICE)
            self.number += 1
            await asyncio.sleep(0.02)


async def test_a_backchannel_that_is_set_up_places_no_call(line: Line, phone: Phone) -> None:
    line.claim(ONE)
    line.claim(TWO)
    await asyncio.sleep(60)
    assert (phone.dialed, line.state) == (0, LineState.IDLE)


async def test_the_microphone_starts_one_call_and_is_sent_in_it(line: Line, phone: Phone) -> None:
    states: list[LineState] = []
    line.on_state = lambda changed: states.append(changed.state)
    line.claim(ONE)
    await Speaker(line, payload_type=8).speak(1)
    assert (phone.dialed, line.state, states) == (1, LineState.TALKING, [LineState.DIALING, LineState.TALKING])
    # The packets until the door has answered are lost.
    heard = phone.calls[0].heard
    assert 45 <= len(heard) <= 49
    assert {law for _, law in heard} == {"PCMA"}
    assert {packet.payload for packet, _ in heard} == {VOICE}


@pytest.mark.parametrize(
    "packet", [b"", b"\x00" * 40, rtp(VOICE, payload_type=96), bytes((0x80, 200, 0, 1)) * 4], ids=range(4)
)
async def test_other_packets_start_no_call(line: Line, phone: Phone, packet: bytes) -> None:
    line.claim(ONE)
    line.receive(ONE, packet)
    line.receive(TWO, rtp(VOICE, payload_type=0))
    await asyncio.sleep(1)
    assert phone.dialed == 0


async def test_a_failed_call_is_reported_and_not_repeated(line: Line, phone: Phone) -> None:
    phone.error = CallRefused(486, "Busy Here")
    line.claim(ONE)
    speaker = Speaker(line)
    await speaker.speak(3)
    assert (phone.dialed, line.state, line.error) == (1, LineState.IDLE, phone.error)
    # Talking begins again after a pause.
    await asyncio.sleep(3)
    refusal, phone.error = phone.error, None
    await speaker.speak(1)
    assert phone.dialed == 2
    # The last failure is kept for diagnostics.
    assert line.error is refusal
    assert line.state is LineState.TALKING


async def test_a_call_that_the_door_ends_stays_ended_until_another_microphone(line: Line, phone: Phone) -> None:
    line.claim(ONE)
    speaker = Speaker(line)
    await speaker.speak(1)
    phone.calls[0].end()
    await speaker.speak(5)
    assert (phone.dialed, line.state) == (1, LineState.IDLE)
    assert phone.calls[0].on_audio is None
    # go2rtc connects again: the session is another one, the microphone is the same.
    line.release(ONE)
    line.claim(TWO)
    speaker.owner = TWO
    await speaker.speak(1)
    assert phone.dialed == 1
    await Speaker(line, TWO, ssrc=2).speak(1)
    assert phone.dialed == 2
    assert phone.calls[0].hung_up == 0


async def test_the_call_ends_after_its_microphone(line: Line, phone: Phone) -> None:
    line.claim(ONE)
    await Speaker(line).speak(10)
    await asyncio.sleep(MICROPHONE_GONE - 0.2)
    assert line.state is LineState.TALKING
    await asyncio.sleep(0.4)
    assert (line.state, phone.calls[0].hung_up) == (LineState.IDLE, 1)


async def test_an_attempt_ends_with_its_microphone(line: Line, phone: Phone) -> None:
    phone.rings = 30
    line.claim(ONE)
    await Speaker(line).speak(1)
    assert line.state is LineState.DIALING
    await asyncio.sleep(MICROPHONE_GONE + 0.1)
    assert (line.state, phone.canceled, line.error) == (LineState.IDLE, 1, None)


async def test_the_call_ends_with_its_session(line: Line, phone: Phone) -> None:
    line.claim(ONE)
    await Speaker(line).speak(1)
    line.release(TWO)
    line.release(ONE)
    line.release(ONE)
    await asyncio.sleep(HANDOVER + 0.1)
    assert (line.state, phone.calls[0].hung_up) == (LineState.IDLE, 1)


async def test_the_next_session_takes_over_the_call(line: Line, phone: Phone) -> None:
    line.claim(ONE)
    speaker = Speaker(line)
    await speaker.speak(1)
    line.release(ONE)
    await asyncio.sleep(HANDOVER / 2)
    line.claim(TWO)
    before = len(phone.calls[0].heard)
    speaker.owner = TWO
    await speaker.speak(2)
    assert (phone.dialed, phone.calls[0].hung_up) == (1, 0)
    assert len(phone.calls[0].heard) == before + 100
    # Without a microphone, it does not keep the call.
    line.release(TWO)
    line.claim(ONE)
    await asyncio.sleep(MICROPHONE_GONE + 0.1)
    assert (phone.dialed, phone.calls[0].hung_up) == (1, 1)


async def test_a_second_session_is_refused_while_the_first_one_talks(line: Line, phone: Phone) -> None:
    line.claim(TWO)
    line.claim(ONE)
    await Speaker(line).speak(1)
    # It was accepted before: its microphone is not heard.
    before = len(phone.calls[0].heard)
    await Speaker(line, TWO, ssrc=2).speak(1)
    assert len(phone.calls[0].heard) == before
    line.release(TWO)
    with pytest.raises(LineBusy):
        line.claim(TWO)
    line.claim(ONE)


async def test_two_microphones_of_a_session_talk_one_after_the_other(line: Line, phone: Phone) -> None:
    line.claim(ONE)
    first, second = Speaker(line, ssrc=1), Speaker(line, ssrc=2)
    await asyncio.gather(first.speak(2), second.speak(2))
    assert {packet.ssrc for packet, _ in phone.calls[0].heard} == {1}
    await second.speak(2)
    assert [packet.ssrc for packet, _ in phone.calls[0].heard][-70:] == [2] * 70


async def test_audio_and_video_of_the_door_are_delivered(line: Line, phone: Phone) -> None:
    heard: list[tuple[str, bytes]] = []
    seen: list[RtpPacket] = []
    line.claim(ONE)
    await Speaker(line).speak(0.1)
    phone.calls[0].speak(b"not yet")
    phone.calls[0].show(unit(IDR))
    line.on_audio = lambda law, payload: heard.append((law, payload))
    line.on_video = seen.append
    phone.calls[0].speak(b"\x33" * 160)
    phone.calls[0].show(unit(IDR))
    assert heard == [("PCMU", b"\x33" * 160)]
    assert [packet.payload for packet in seen] == [unit(IDR)]


async def test_an_announcement_occupies_the_line(line: Line, phone: Phone) -> None:
    call = await line.place("announcement")
    assert call is phone.calls[0]
    with pytest.raises(LineBusy):
        line.claim(ONE)
    with pytest.raises(LineBusy):
        await line.place("another one")
    with pytest.raises(LineBusy):
        line.adopt(FakeCall())
    await asyncio.sleep(60)
    assert line.state is LineState.TALKING
    await line.hang_up()
    assert (line.state, phone.calls[0].hung_up) == (LineState.IDLE, 1)
    line.claim(ONE)


async def test_a_failed_or_canceled_announcement_leaves_the_line_idle(line: Line, phone: Phone) -> None:
    phone.error = CallFailed("no response")
    with pytest.raises(CallFailed):
        await line.place("announcement")
    assert (line.state, line.error) == (LineState.IDLE, phone.error)
    phone.error, phone.rings = None, 30
    task = asyncio.create_task(_place(line))
    await asyncio.sleep(1)
    await line.hang_up()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (line.state, phone.canceled) == (LineState.IDLE, 1)


async def _place(line: Line) -> None:
    await line.place("announcement")


async def test_the_call_of_a_visitor_is_for_all_sessions(line: Line, phone: Phone) -> None:
    call = FakeCall(video=H264)
    line.claim(ONE)
    line.adopt(call)
    line.claim(TWO)
    await asyncio.sleep(60)
    assert line.state is LineState.TALKING
    await Speaker(line, ONE, ssrc=1).speak(1)
    await Speaker(line, TWO, ssrc=2).speak(1)
    line.release(ONE)
    # The first one has left: now the other may talk, and the call goes on.
    await Speaker(line, TWO, ssrc=2).speak(1)
    await asyncio.sleep(60)
    assert [packet.ssrc for packet, _ in call.heard] == [1] * 50 + [2] * 50
    assert (phone.dialed, call.hung_up, line.state) == (0, 0, LineState.TALKING)


async def test_hanging_up_while_it_rings(line: Line, phone: Phone) -> None:
    phone.rings = 30
    line.claim(ONE)
    speaker = Speaker(line)
    await speaker.speak(1)
    await line.hang_up()
    await speaker.speak(1)
    assert (line.state, phone.canceled, phone.dialed) == (LineState.IDLE, 1, 1)


async def test_closing_the_line_ends_its_calls(phone: Phone) -> None:
    line = Line(phone.dial)
    line.claim(ONE)
    await Speaker(line).speak(1)
    await line.close()
    assert (line.state, phone.calls[0].hung_up) == (LineState.IDLE, 1)
    await Speaker(line, ssrc=2).speak(1)
    assert phone.dialed == 1
    phone.rings = 30
    line.claim(ONE)
    await Speaker(line, ssrc=3).speak(1)
    await line.close()
    assert phone.canceled == 1


async def test_a_failed_hang_up_leaves_the_line_idle(line: Line, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(call: FakeCall) -> None:
        call.end()
        raise TalkError("no response to BYE")

    monkeypatch.setattr(FakeCall, "hang_up", fail)
    line.claim(ONE)
    await Speaker(line).speak(1)
    await asyncio.sleep(MICROPHONE_GONE + 0.1)
    assert line.state is LineState.IDLE
