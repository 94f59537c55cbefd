"""Where a decoder can start."""

import pytest

from custom_components.ip_intercom.talk.h264 import KeyFrameGate, payload_of, starts_key_frame

from .feeds import IDR, PPS, SLICE, SPS, fragments, rtp, unit


def aggregated(*units: bytes) -> bytes:
    """Return a STAP-A payload (RFC 6184, 5.7.1)."""
    return bytes((0x60 | 24,)) + b"".join(len(part).to_bytes(2) + part for part in units)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (unit(IDR), True),
        (unit(SPS), True),
        (unit(PPS), False),
        (unit(SLICE), False),
        (fragments(IDR, 3000)[0], True),
        (fragments(IDR, 3000)[1], False),
        (fragments(SLICE, 3000)[0], False),
        (aggregated(unit(9), unit(SPS), unit(PPS)), True),
        (aggregated(unit(6), unit(SLICE)), False),
        (aggregated(b"", unit(IDR)), True),
        (b"\x78\xff\xff", False),
        (b"\x78\x00", False),
        (b"\x65", False),
        (b"", False),
    ],
)
def test_start_of_a_key_frame(payload: bytes, starts: bool) -> None:
    assert starts_key_frame(rtp(payload)) is starts


def test_payload_behind_sources_and_extension() -> None:
    packet = b"\x92" + rtp(b"")[1:] + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + unit(IDR)
    assert bytes(payload_of(packet)) == unit(IDR)
    assert starts_key_frame(packet)
    assert not payload_of(b"\x92" + rtp(b"")[1:] + bytes(9))


@pytest.mark.parametrize("packet", [b"", b"\x80", b"\x00" * 40])
def test_no_packet_has_no_payload(packet: bytes) -> None:
    assert not payload_of(packet)


def test_the_gate_waits_for_a_key_frame_again_after_a_loss() -> None:
    gate = KeyFrameGate()
    film = [SLICE, IDR, SLICE]
    passed = [gate.passes(rtp(unit(kind))) for kind in film]
    gate.close()
    assert passed + [gate.passes(rtp(unit(kind))) for kind in film] == [False, True, True] * 2
