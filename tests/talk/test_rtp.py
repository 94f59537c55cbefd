"""RTP, telephone events, RTCP, and G.711; the expected bytes are written by hand from the RFCs."""

from random import Random

import pytest

from custom_components.ip_intercom.talk.errors import RtpError
from custom_components.ip_intercom.talk.rtp import (
    DIGITS,
    ReceptionReport,
    RtcpPacket,
    RtpPacket,
    SenderReport,
    TelephoneEvent,
    digit_of,
    ntp_time,
    transcode,
)

# Version 2, marker, type 8, number 258, timestamp 0x01020304, source 0xA0B0C0D0.
PLAIN = bytes.fromhex("80880102 01020304 a0b0c0d0".replace(" ", ""))


def test_a_packet_is_read_and_written() -> None:
    packet = RtpPacket.parse(PLAIN + b"sound")
    assert packet == RtpPacket(8, 258, 0x01020304, 0xA0B0C0D0, b"sound", marker=True)
    assert packet.pack() == PLAIN + b"sound"
    assert RtpPacket(0, 1, 2, 3, b"").pack().hex() == "800000010000000200000003"


def test_sources_extension_and_padding_are_left_out() -> None:
    head = bytes([0x80 | 0x20 | 0x10 | 2]) + PLAIN[1:]
    data = head + b"srcAsrcB" + bytes.fromhex("bede0001") + b"ext!" + b"sound" + b"\0\0\x03"
    assert RtpPacket.parse(data).payload == b"sound"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],  # version 1
        b"\x80\xc8" + PLAIN[2:],  # an RTCP sender report
        b"\x84" + PLAIN[1:],  # four sources, none there
        b"\x90" + PLAIN[1:],  # an extension, none there
        b"\x90" + PLAIN[1:] + bytes.fromhex("bedeffff"),  # an extension longer than the packet
        b"\xa0" + PLAIN[1:] + b"\0",  # padding of 0 bytes
        b"\xa0" + PLAIN[1:] + b"\x09",  # more padding than payload
        PLAIN + bytes(9000),
    ],
)
def test_garbage_is_no_packet(data: bytes) -> None:
    with pytest.raises(RtpError):
        RtpPacket.parse(data)


def test_an_event_is_read_and_written() -> None:
    # RFC 4733, 2.3: event, E R volume, duration.
    assert TelephoneEvent.parse(bytes.fromhex("0b8a0320")) == TelephoneEvent(11, 800, end=True, volume=10)
    assert TelephoneEvent(0, 160).pack() == bytes.fromhex("000a00a0")
    assert TelephoneEvent(0, 70_000).pack()[2:] == b"\xff\xff"
    with pytest.raises(RtpError):
        TelephoneEvent.parse(b"\0\0\0")


def test_events_are_converted_to_digits() -> None:
    assert "".join(digit_of(event) or "" for event in range(17)) == "0123456789*#ABCD" == DIGITS


REPORT = ReceptionReport(0x01020304, 64, -2, 70_000, 5, 6, 7)
REPORT_BYTES = "01020304 40fffffe 00011170 00000005 00000006 00000007"


def test_a_sender_report_is_read_and_written() -> None:
    packet = RtcpPacket(0xAABBCCDD, SenderReport(2**40, 160, 10, 1600), (REPORT,), "me", goodbye=True)
    data = bytes.fromhex(
        ("81c8000c aabbccdd 0000010000000000 000000a0 0000000a 00000640" + REPORT_BYTES).replace(" ", "")
    )
    data += bytes.fromhex("81ca0003 aabbccdd 01026d65 00000000 81cb0001 aabbccdd".replace(" ", ""))
    assert packet.pack() == data
    assert RtcpPacket.parse(data) == RtcpPacket(0xAABBCCDD, packet.sender, (REPORT,), None, goodbye=True)


def test_a_receiver_report_is_read_and_written() -> None:
    data = bytes.fromhex(("81c90007 00000001" + REPORT_BYTES).replace(" ", ""))
    assert RtcpPacket(1, None, (REPORT,)).pack() == data
    assert RtcpPacket.parse(data) == RtcpPacket(1, None, (REPORT,))


@pytest.mark.parametrize(
    "data", [b"", b"\x80\xc9\0\x01\0\0\0", "81c9000100000001", "80c9ffff00000001", "40c9000100000001"]
)
def test_garbage_is_no_report(data: bytes | str) -> None:
    with pytest.raises(RtpError):
        RtcpPacket.parse(bytes.fromhex(data) if isinstance(data, str) else data)


def test_random_bytes_raise_only_the_typed_error() -> None:
    random = Random(4733)
    kept = 0
    for _ in range(3000):
        data = bytes([random.choice((0x80, 0x81, 0x90, 0xB2, 0xA0, random.randrange(256)))]) + random.randbytes(
            random.choice((0, 7, 11, 12, 20, 60, 172))
        )
        for parse in (RtpPacket.parse, RtcpPacket.parse):
            try:
                parse(data)
                kept += 1
            except RtpError:
                continue
    assert kept > 500


def test_ntp_time_counts_from_1900() -> None:
    # 1 January 1970 is 2208988800 seconds after 1900 (RFC 868); half a second is half of 2**32.
    assert ntp_time(0.5) == 2_208_988_800 << 32 | 1 << 31


def test_samples_are_transcoded_between_both_laws() -> None:
    # Silence, the loudest positive, and the loudest negative sample of each law (G.711, tables 1 and 2). A-law has no
    # zero: its lowest level is the second one of u-law.
    assert transcode(b"\xff\x80\x00", "PCMU", "PCMA") == b"\xd5\xaa\x2a"
    assert transcode(b"\xd5\xaa\x2a", "PCMA", "PCMU") == b"\xfe\x80\x00"
    assert transcode(b"\x01\x02", "PCMA", "PCMA") == b"\x01\x02"


@pytest.mark.parametrize(("source", "target"), [("PCMU", "PCMA"), ("PCMA", "PCMU")])
def test_transcoding_back_changes_little(source: str, target: str) -> None:
    codes = bytes(range(256))
    back = transcode(transcode(codes, source, target), target, source)
    assert sum(a == b for a, b in zip(codes, back, strict=True)) > 200
