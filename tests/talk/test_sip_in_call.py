"""Requests within a call: hold, new addresses and codecs, digits, and what comes at the wrong moment."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import pairwise
import socket

import pytest

from custom_components.ip_intercom.talk.errors import TalkError
from custom_components.ip_intercom.talk.rtp import RtpPacket
from custom_components.ip_intercom.talk.sip_agent import CallState, EndReason, SipCall

from .conftest import Pair
from .peer import HOST, CallOf, RtpPort, Telephone, description, rtp, rtp_port


@dataclass
class Talk:
    """A call that is established, the telephone's view of it, and the RTP port of the agent."""

    call: SipCall
    door: Telephone
    dialog: CallOf
    port: RtpPort
    agent_port: int


async def _call(pair: Pair, port: RtpPort, body: str | None = None, *headers: str, video: bool = False) -> Talk:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(pair.agent.call("100", video=video))
        invite, dialog = await pair.door.pick_up(body or description(port.port), *headers)
    return Talk(calling.result(), pair.door, dialog, port, invite.port)


@pytest.fixture
async def talk(pair: Pair) -> AsyncGenerator[Talk]:
    """A call of the agent that the door has answered."""
    async with rtp_port() as port:
        yield await _call(pair, port)


def _body(talk: Talk, *lines: str, formats: str = "0 8 101", host: str = HOST) -> str:
    return description(talk.port.port, formats, host, *lines)


async def test_a_held_call_sends_no_sound_until_it_is_resumed(talk: Talk) -> None:
    talk.door.request("INVITE", talk.dialog, body=_body(talk, "sendonly"))
    held = await talk.door.expect("200")
    assert "a=recvonly" in held.body
    talk.door.acknowledge(talk.dialog, held)
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(0.1)
    was_held = talk.call.held
    assert talk.port.receive() == []
    talk.door.request("INVITE", talk.dialog, body=_body(talk))
    resumed = await talk.door.expect("200")
    assert "a=sendrecv" in resumed.body
    talk.door.acknowledge(talk.dialog, resumed)
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(0.1)
    assert len(talk.port.receive()) == 1
    assert (was_held, talk.call.held) == (True, False)
    # The description has a new version each time that it changes (RFC 3264, 8).
    versions = [int(answer.body.split("\r\n")[1].split(" ")[2]) for answer in (held, resumed)]
    assert versions[0] < versions[1]


@pytest.mark.parametrize(
    ("attribute", "host", "answer"), [("inactive", HOST, "a=inactive"), ("sendrecv", "0.0.0.0", "a=sendrecv")]
)
async def test_other_kinds_of_hold(talk: Talk, attribute: str, host: str, answer: str) -> None:
    talk.door.request("UPDATE", talk.dialog, body=_body(talk, attribute, host=host))
    assert answer in (await talk.door.expect("200")).body
    assert talk.call.held
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(0.1)
    assert talk.port.receive() == []


async def test_a_new_offer_changes_the_codec(talk: Talk) -> None:
    assert talk.call.codec.name == "PCMU"
    talk.door.request("INVITE", talk.dialog, body=_body(talk, formats="8"))
    talk.door.acknowledge(talk.dialog, await talk.door.expect("200"))
    assert talk.call.codec.name == "PCMA"
    talk.call.send_audio(b"\xd5" * 160)
    await asyncio.sleep(0.1)
    assert talk.port.receive()[0][1] & 0x7F == 8


async def test_a_new_offer_changes_the_media_address(talk: Talk) -> None:
    heard: list[bytes] = []
    talk.call.on_audio = lambda packet: heard.append(packet.payload)
    talk.port.send(rtp(1, b"old"), talk.agent_port)
    async with rtp_port("127.0.0.3") as other:
        talk.door.request("INVITE", talk.dialog, body=description(other.port, "0", "127.0.0.3"))
        talk.door.acknowledge(talk.dialog, await talk.door.expect("200"))
        other.send(rtp(2, b"new"), talk.agent_port)
        talk.port.send(rtp(3, b"old"), talk.agent_port)
        talk.call.send_audio(b"\xff")
        await asyncio.sleep(0.1)
        assert heard == [b"old", b"new"]
        assert len(other.receive()) == 1
        assert talk.port.receive() == []
    assert talk.call.statistics.foreign == 1


async def test_bye_is_sent_to_the_first_contact(talk: Talk) -> None:
    talk.door.request("UPDATE", talk.dialog, "Contact: <sip:ignored@192.0.2.1>")
    await talk.door.expect("200")
    async with asyncio.TaskGroup() as group:
        group.create_task(talk.call.hang_up())
        bye = await talk.door.expect("BYE")
        # The first contact counts; the telephone sends its own first.
        assert bye.uri == talk.door.contact.strip("<>")
        talk.door.reply(bye, "200 OK")


async def test_an_offer_without_a_common_codec_changes_nothing(talk: Talk) -> None:
    talk.door.request("INVITE", talk.dialog, body=_body(talk, formats="18"))
    refusal = await talk.door.expect("488")
    talk.dialog.branch = talk.door.line.heard[-1].branch
    talk.door.acknowledge_refusal(talk.dialog, refusal)
    assert talk.call.codec.name == "PCMU"
    assert talk.call.state is CallState.ESTABLISHED


async def test_an_offer_before_the_ack_is_put_off(talk: Talk) -> None:
    talk.door.request("INVITE", talk.dialog, body=_body(talk))
    await talk.door.expect("200")
    talk.door.request("INVITE", talk.dialog, body=_body(talk))
    refusal = await talk.door.expect("500")
    assert refusal["retry-after"] == "1"


async def test_an_offer_without_a_description_gets_one(talk: Talk) -> None:
    talk.door.request("INVITE", talk.dialog)
    ok = await talk.door.expect("200")
    assert f"m=audio {talk.agent_port} RTP/AVP 0 8 101" in ok.body
    talk.door.acknowledge(talk.dialog, ok, _body(talk, formats="8"))
    await asyncio.sleep(0.1)
    assert talk.call.codec.name == "PCMA"


async def test_an_answer_without_a_common_codec_ends_the_call(talk: Talk) -> None:
    talk.door.request("INVITE", talk.dialog)
    talk.door.acknowledge(talk.dialog, await talk.door.expect("200"), _body(talk, formats="18"))
    talk.door.reply(await talk.door.expect("BYE"), "200 OK")
    assert talk.call.end_reason is EndReason.FAILED


async def test_a_new_offer_that_is_never_acknowledged_ends_the_call(talk: Talk) -> None:
    talk.door.request("INVITE", talk.dialog, body=_body(talk))
    talk.door.reply(await talk.door.until("BYE"), "200 OK")
    assert talk.call.end_reason is EndReason.FAILED


async def test_more_media_is_refused_one_by_one(talk: Talk) -> None:
    more = "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 5002 RTP/AVP 0\r\nm=application 9 TCP/X x\r\n"
    talk.door.request("INVITE", talk.dialog, body=_body(talk) + more)
    ok = await talk.door.expect("200")
    lines = [line.split(" ")[:2] for line in ok.body.split("\r\n") if line.startswith("m=")]
    assert lines == [["m=audio", str(talk.agent_port)], ["m=video", "0"], ["m=audio", "0"], ["m=application", "0"]]
    talk.door.acknowledge(talk.dialog, ok)


async def test_requests_out_of_order_are_refused(talk: Talk) -> None:
    talk.door.request("OPTIONS", talk.dialog, number=50)
    await talk.door.expect("200")
    talk.door.request("OPTIONS", talk.dialog, number=49)
    await talk.door.expect("500")


@pytest.mark.parametrize(("changed", "value"), [("from_", "<sip:x@127.0.0.1>;tag=other"), ("call_id", "other")])
async def test_a_request_of_another_call_is_refused(talk: Talk, changed: str, value: str) -> None:
    talk.door.request("BYE", talk.dialog, **{changed: value})
    await talk.door.expect("481")
    assert talk.call.state is CallState.ESTABLISHED


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", "200"), ("REFER", "501"), ("CANCEL", "481")])
async def test_other_requests_are_answered_with_their_status(talk: Talk, method: str, status: str) -> None:
    talk.door.request(method, talk.dialog)
    await talk.door.expect(status)


async def test_both_hang_up_at_once(talk: Talk) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(talk.call.hang_up())
        bye = await talk.door.expect("BYE")
        talk.door.request("BYE", talk.dialog)
        await talk.door.expect("200")
        # An offer comes too late.
        talk.door.request("INVITE", talk.dialog, body=_body(talk))
        await talk.door.expect("481")
        talk.door.reply(bye, "481 Gone")
    assert talk.call.end_reason is EndReason.LOCAL


async def test_an_unanswered_bye_is_repeated(talk: Talk) -> None:
    await talk.call.hang_up()
    await asyncio.sleep(40)
    # Timer E: 0, 0.5, 1.5, 3.5, 7.5, 11.5, ... 31.5 s (RFC 3261, 17.1.2.2).
    assert [message.what for message in talk.door.line.heard[2:]] == ["BYE"] * 11


# ---- Digits ----


async def test_digits_are_sent_as_events(talk: Talk) -> None:
    await talk.call.send_dtmf("1#")
    packets = talk.port.receive()
    assert {packet[1] & 0x7F for packet in packets} == {101}
    first = [packet for packet in packets if packet[12] == 1]
    second = [packet for packet in packets if packet[12] == 11]
    assert len(first) == len(second) == 10
    # One timestamp, a marker at the beginning, rising durations, the end three times (RFC 4733, 2.5).
    assert len({packet[4:8] for packet in first}) == 1
    assert [packet[1] >> 7 for packet in first] == [1] + [0] * 9
    durations = [int.from_bytes(packet[14:16]) for packet in first]
    assert durations == [160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280]
    assert [packet[13] >> 7 for packet in first] == [0] * 7 + [1] * 3
    numbers = [int.from_bytes(packet[2:4]) for packet in packets]
    assert all((after - before) & 0xFFFF == 1 for before, after in pairwise(numbers))
    assert second[0][4:8] != first[0][4:8]


async def test_audio_is_left_out_during_an_event(talk: Talk) -> None:
    talk.call.send_audio(b"\xff" * 160)
    async with asyncio.TaskGroup() as group:
        pressing = group.create_task(talk.call.send_dtmf("5"))
        await asyncio.sleep(0.05)
        talk.call.send_audio(b"\xff" * 160)
        await pressing
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(0.1)
    assert [packet[1] & 0x7F for packet in talk.port.receive()] == [0, *[101] * 10, 0]


async def test_each_digit_is_reported_once(talk: Talk) -> None:
    heard: list[str] = []
    talk.call.on_dtmf = heard.append
    for number, (event, end) in enumerate([(1, 0), (1, 0), (1, 128), (1, 128), (10, 128), (16, 128)]):
        payload = bytes([event, end | 10, 0, 160])
        talk.port.send(rtp(number, payload, 101, stamp=event * 1000), talk.agent_port)
    talk.port.send(rtp(9, b"\x01", 101), talk.agent_port)
    # The same digit again.
    talk.port.send(rtp(10, bytes([1, 10, 0, 160]), 101, stamp=90_000), talk.agent_port)
    await asyncio.sleep(0.1)
    assert heard == ["1", "*", "1"]


async def test_digits_are_sent_by_info_without_events(pair: Pair) -> None:
    async with rtp_port() as port:
        talk = await _call(pair, port, description(port.port, "0"))
        async with asyncio.TaskGroup() as group:
            pressing = group.create_task(talk.call.send_dtmf("1*"))
            for digit in "1*":
                info = await pair.door.expect("INFO")
                assert info["content-type"] == "application/dtmf-relay"
                assert info.body == f"Signal={digit}\r\nDuration=160\r\n"
                pair.door.reply(info, "200 OK")
            await pressing
        async with asyncio.TaskGroup() as group:
            group.create_task(_not_accepted(talk.call))
            pair.door.reply(await pair.door.expect("INFO"), "415 Unsupported Media Type")


async def _not_accepted(call: SipCall) -> None:
    with pytest.raises(TalkError, match="415"):
        await call.send_dtmf("1")


@pytest.mark.parametrize(
    ("kind", "body", "status", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "200", "5"),
        ("application/dtmf-relay", "signal = *\n", "200", "*"),
        ("Application/DTMF-Relay; x=y", "Signal=11\r\n", "200", "#"),
        ("application/dtmf", "d", "200", "D"),
        ("application/dtmf-relay", "Signal=77\r\n", "400", None),
        ("application/dtmf-relay", "nothing", "400", None),
        ("application/media_control+xml", "<media_control/>", "200", None),
        ("text/plain", "hello", "415", None),
        ("text/plain", "", "200", None),
    ],
)
async def test_digits_are_received_by_info(talk: Talk, kind: str, body: str, status: str, digit: str | None) -> None:
    heard: list[str] = []
    talk.call.on_dtmf = heard.append
    talk.door.request("INFO", talk.dialog, f"Content-Type: {kind}", body=body)
    await talk.door.expect(status)
    assert heard == ([] if digit is None else [digit])


@pytest.mark.parametrize("digits", ["", "1x", "1 2"])
async def test_digits_are_checked(talk: Talk, digits: str) -> None:
    with pytest.raises(TalkError, match="digits are"):
        await talk.call.send_dtmf(digits)


async def test_digits_need_a_call(talk: Talk) -> None:
    talk.door.request("BYE", talk.dialog)
    await talk.door.expect("200")
    with pytest.raises(TalkError, match="not established"):
        await talk.call.send_dtmf("1")


# ---- RTP ----


async def test_audio_of_unknown_senders_is_ignored(pair: Pair, talk: Talk) -> None:
    heard: list[bytes] = []
    talk.call.on_audio = lambda packet: heard.append(packet.payload)
    async with rtp_port("127.0.0.2") as stranger, rtp_port() as second, rtp_port() as third:
        stranger.send(rtp(1, b"no"), talk.agent_port)
        # The port is learned once, from the same host.
        second.send(rtp(1, b"yes"), talk.agent_port)
        third.send(rtp(2, b"no"), talk.agent_port)
        talk.port.send(rtp(2, b"no"), talk.agent_port)
        await asyncio.sleep(0.1)
        assert heard == [b"yes"]
        talk.call.send_audio(b"\xff")
        await asyncio.sleep(0.1)
        assert (len(second.receive()), talk.port.receive(), stranger.receive()) == (1, [], [])
    assert talk.call.statistics.foreign == 3
    assert pair.agent.ignored == 3
    talk.door.request("BYE", talk.dialog)
    await talk.door.expect("200")
    assert pair.agent.ignored == 3


async def test_a_door_may_send_from_another_of_its_addresses(pair: Pair) -> None:
    """RTP comes from the SIP address of the door instead of the described one."""
    heard: list[bytes] = []
    async with rtp_port("127.0.0.3") as named, rtp_port() as port:
        talk = await _call(pair, named, description(named.port, "0", "127.0.0.3"))
        talk.call.on_audio = lambda packet: heard.append(packet.payload)
        port.send(rtp(1, b"yes"), talk.agent_port)
        named.send(rtp(2, b"no"), talk.agent_port)
        await asyncio.sleep(0.1)
        talk.call.send_audio(b"\xff")
        await asyncio.sleep(0.1)
        assert heard == [b"yes"]
        assert (len(port.receive()), named.receive()) == (1, [])
        assert talk.call.statistics.foreign == 1


async def test_losses_are_counted(talk: Talk) -> None:
    for number in (65_530, 65_531, 65_534, 65_533, 1, 2):
        talk.port.send(rtp(number), talk.agent_port)
    talk.port.send(b"garbage", talk.agent_port)
    await asyncio.sleep(0.1)
    # Missing: 65532, 65535, and 0.
    assert (talk.call.statistics.received, talk.call.statistics.lost) == (6, 3)
    # Another source starts its own numbers.
    talk.port.send(rtp(100, ssrc=8), talk.agent_port)
    talk.port.send(rtp(102, ssrc=8), talk.agent_port)
    await asyncio.sleep(0.1)
    assert (talk.call.statistics.received, talk.call.statistics.lost) == (8, 4)


async def test_another_format_of_the_answer_is_transcoded(talk: Talk) -> None:
    heard: list[tuple[int, bytes]] = []
    talk.call.on_audio = lambda packet: heard.append((packet.payload_type, packet.payload))
    talk.port.send(rtp(1, b"\xaa\x2a", 8), talk.agent_port)
    talk.port.send(rtp(2, b"unknown", 50), talk.agent_port)
    await asyncio.sleep(0.1)
    assert heard == [(0, b"\x80\x00")]


async def test_the_timestamp_follows_a_pause(talk: Talk) -> None:
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(0.02)
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(1)
    talk.call.send_audio(b"\xff" * 160)
    await asyncio.sleep(0.1)
    packets = talk.port.receive()
    stamps = [int.from_bytes(packet[4:8]) for packet in packets]
    assert [packet[1] >> 7 for packet in packets] == [1, 0, 1]
    assert (stamps[1] - stamps[0]) % 2**32 == 160
    assert 8000 <= (stamps[2] - stamps[1]) % 2**32 < 8200


async def test_forwarding_keeps_timing_and_gaps(talk: Talk) -> None:
    talk.call.send_audio(b"\xff" * 160)
    for number in (10, 11, 14, 13):
        talk.call.forward(RtpPacket(0, number, 160 * number, 99, b"x" * 160))
    talk.call.forward(RtpPacket(8, 1, 0, 98, b"\x2a"), "PCMA")
    await asyncio.sleep(0.1)
    packets = talk.port.receive()
    base = int.from_bytes(packets[0][2:4])
    stamp = int.from_bytes(packets[0][4:8])
    numbers = [(int.from_bytes(packet[2:4]) - base) & 0xFFFF for packet in packets]
    stamps = [(int.from_bytes(packet[4:8]) - stamp) % 2**32 for packet in packets]
    assert numbers == [0, 1, 2, 5, 4, 6]
    assert stamps == [0, 160, 320, 800, 640, 960]
    assert packets[-1][12:] == b"\x00"
    assert len({packet[8:12] for packet in packets}) == 1


async def test_forwarding_stops_on_hold(talk: Talk) -> None:
    talk.door.request("UPDATE", talk.dialog, body=_body(talk, "sendonly"))
    await talk.door.expect("200")
    talk.call.forward(RtpPacket(0, 1, 160, 99, b"x" * 160))
    await talk.call.send_dtmf("1")
    await asyncio.sleep(0.1)
    assert [packet[1] & 0x7F for packet in talk.port.receive()] == [101] * 10


async def test_reports_are_sent_and_read(talk: Talk) -> None:
    """RTCP goes to the port above that of RTP, each 5 s (RFC 3550, 6)."""
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    control.bind((HOST, talk.port.port + 1))
    control.setblocking(False)
    talk.call.send_audio(b"\xff" * 160)
    for number in (1, 2, 4):
        talk.port.send(rtp(number), talk.agent_port)
    report = bytes.fromhex("80c80006 00000007 0000000100000002 00000000 00000003 00000004".replace(" ", ""))
    control.sendto(report, (HOST, talk.agent_port + 1))
    control.sendto(b"garbage", (HOST, talk.agent_port + 1))
    async with rtp_port("127.0.0.2") as stranger:
        stranger.send(report, talk.agent_port + 1)
        await asyncio.sleep(6)
    data = control.recv(2000)
    control.close()
    # A sender report about one packet with a report about the source 7: one lost of four, a quarter of 256.
    assert data[:2] == b"\x81\xc8"
    assert int.from_bytes(data[20:24]) == 1
    assert data[28:32] == (7).to_bytes(4)
    assert (data[32], int.from_bytes(data[33:36]), int.from_bytes(data[36:40])) == (64, 1, 4)
    # The middle of the time in its report.
    assert int.from_bytes(data[44:48]) == 0x00010000
    assert b"@ip-intercom" in data
    assert talk.call.statistics.foreign == 1


# ---- Video ----

H264 = "m=video 5000 RTP/AVP 98 99\r\na=rtpmap:98 H264/90000\r\na=rtpmap:99 H264/90000\r\na=fmtp:99 packetization-mode=1\r\n"


async def test_video_is_received(pair: Pair) -> None:
    seen: list[bytes] = []
    async with rtp_port() as port, rtp_port() as camera:
        video = H264.replace("5000", str(camera.port)) + "a=sendonly\r\n"
        talk = await _call(pair, port, description(port.port) + video, video=True)
        offer = pair.door.line.heard[0].body
        assert "H264/90000" in offer and "a=recvonly" in offer
        assert talk.call.video is not None and talk.call.video.payload == 99
        talk.call.on_video = lambda packet: seen.append(packet.payload)
        target = int(offer.split("m=video ")[1].split(" ")[0])
        camera.send(rtp(1, b"frame", 99), target)
        camera.send(rtp(2, b"other", 50), target)
        await asyncio.sleep(0.1)
        assert seen == [b"frame"]
        assert talk.call.video_statistics.received == 2
        # The door ends the video.
        pair.door.request("INVITE", talk.dialog, body=description(port.port) + H264.replace("5000", "0"))
        pair.door.acknowledge(talk.dialog, await pair.door.expect("200"))
        assert talk.call.video is None


async def test_video_may_be_refused(pair: Pair) -> None:
    async with rtp_port() as port:
        talk = await _call(pair, port, description(port.port) + "m=video 0 RTP/AVP 0\r\n", video=True)
        assert talk.call.video is None


@pytest.mark.parametrize(("more", "payload"), [(H264, 99), (H264 + "a=recvonly\r\n", None), ("", None)])
async def test_the_video_of_a_caller_is_accepted_on_request(pair: Pair, more: str, payload: int | None) -> None:
    async with rtp_port() as port, asyncio.TaskGroup() as group:
        call = pair.door.invite(description(port.port) + more)
        await pair.door.expect("100")
        answering = group.create_task(pair.calls[0].answer(video=True))
        ok = await pair.door.expect("200")
        pair.door.acknowledge(call, ok)
        await answering
        video = pair.calls[0].video
        assert (video and video.payload) == payload
        ports = [line.split(" ")[1] for line in ok.body.split("\r\n") if line.startswith("m=video")]
        assert [port != "0" for port in ports] == ([] if not more else [payload is not None])


def _pictures_lost(control: socket.socket) -> list[tuple[int, int]]:
    """Return the sender and the source of each PLI that has arrived (RFC 4585, 6.3.1); it follows a report (6.1)."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            data = control.recv(2000)
        except BlockingIOError:
            return found
        assert data[1] in (200, 201)
        at = 0
        while at < len(data):
            if data[at + 1] == 206:
                assert (data[at], int.from_bytes(data[at + 2 : at + 4])) == (0x81, 2)
                found.append((int.from_bytes(data[at + 4 : at + 8]), int.from_bytes(data[at + 8 : at + 12])))
                assert int.from_bytes(data[4:8]) == found[-1][0]
            at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4])


@pytest.mark.parametrize("feedback", ["a=rtcp-fb:99 nack pli\r\n", "a=rtcp-fb:* NACK PLI\r\n"])
async def test_a_key_frame_is_requested_by_rtcp(pair: Pair, feedback: str) -> None:
    async with rtp_port() as port, rtp_port() as camera:
        more = H264.replace("5000", str(camera.port)) + feedback
        async with asyncio.TaskGroup() as group:
            door = pair.door.invite(description(port.port) + more)
            await pair.door.expect("100")
            [call] = pair.calls
            answering = group.create_task(call.answer(video=True))
            ok = await pair.door.expect("200")
            pair.door.acknowledge(door, ok)
            await answering
        assert "a=rtcp-fb:99 nack pli\r\n" in ok.body
        target = int(ok.body.split("m=video ")[1].split(" ")[0])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            control.bind((HOST, camera.port + 1))
            control.setblocking(False)
            call.request_key_frame()  # nothing has come of which one could be missing
            await asyncio.sleep(1.1)
            assert _pictures_lost(control) == []
            camera.send(rtp(1, b"frame", 99, 0xCA), target)
            await asyncio.sleep(0.1)
            for _ in range(5):
                call.request_key_frame()
            await asyncio.sleep(0.1)
            [(_, source)] = _pictures_lost(control)
            assert source == 0xCA
            await asyncio.sleep(1)
            call.request_key_frame()
            await asyncio.sleep(0.1)
            assert len(_pictures_lost(control)) == 1
            ending = asyncio.create_task(call.hang_up())
            pair.door.reply(await pair.door.expect("BYE"), "200 OK")
            await ending
            await asyncio.sleep(1)
            call.request_key_frame()
            await pair.door.silence(1)
            assert _pictures_lost(control) == []


@pytest.mark.parametrize("feedback", ["", "a=rtcp-fb:98 nack pli\r\n", "a=rtcp-fb:99 nack\r\n"])
async def test_a_key_frame_is_requested_by_info_without_feedback(tcp_pair: Pair, feedback: str) -> None:
    async with rtp_port() as port:
        talk = await _call(tcp_pair, port, description(port.port) + H264 + feedback, video=True)
        assert "rtcp-fb" not in tcp_pair.door.line.heard[0].body
        for _ in range(5):
            talk.call.request_key_frame()
        info = await talk.door.expect("INFO")
        assert info["content-type"] == "application/media_control+xml"
        assert "<picture_fast_update" in info.body
        # As long as there is no answer, there is no other request.
        await asyncio.sleep(2)
        talk.call.request_key_frame()
        talk.door.reply(info, "200 OK")
        await asyncio.sleep(1.1)
        talk.call.request_key_frame()
        info = await talk.door.expect("INFO")
        talk.door.reply(info, "415 Unsupported Media Type")
        await asyncio.sleep(1.1)
        # A door that does not know it is not asked again.
        talk.call.request_key_frame()
        await talk.door.silence(1)


async def test_a_call_without_video_has_no_key_frames(talk: Talk) -> None:
    talk.call.request_key_frame()
    await talk.door.silence(1)


async def test_the_codec_is_unknown_before_the_answer(pair: Pair) -> None:
    pair.door.invite(description(4000))
    await pair.door.expect("100")
    [call] = pair.calls
    call.send_audio(b"\xff")
    assert call.video is None
    assert call.statistics.sent == 0
    with pytest.raises(TalkError):
        _ = call.codec
