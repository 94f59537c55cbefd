"""Key frames and packets of H.264."""

import pytest

from custom_components.ip_intercom.talk.h264 import (
    LONGEST_PAYLOAD,
    InBandSets,
    KeyFrameGate,
    packetize,
    parameter_sets,
    payload_of,
    split,
    starts_key_frame,
)

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


def test_the_payload_follows_sources_and_extension() -> None:
    packet = b"\x92" + rtp(b"")[1:] + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + unit(IDR)
    assert bytes(payload_of(packet)) == unit(IDR)
    assert starts_key_frame(packet)
    assert not payload_of(b"\x92" + rtp(b"")[1:] + bytes(9))


@pytest.mark.parametrize("packet", [b"", b"\x80", b"\x00" * 40])
def test_an_invalid_packet_has_no_payload(packet: bytes) -> None:
    assert not payload_of(packet)


def test_the_gate_waits_for_a_key_frame_again_after_a_loss() -> None:
    gate = KeyFrameGate()
    film = [SLICE, IDR, SLICE]
    passed = [gate.passes(rtp(unit(kind))) for kind in film]
    gate.close()
    assert passed + [gate.passes(rtp(unit(kind))) for kind in film] == [False, True, True] * 2


def test_units_of_a_stream_with_start_codes() -> None:
    stream = b"\x00\x00\x00\x01" + unit(SPS) + b"\x00\x00\x01" + unit(PPS) + b"\x00\x00\x00\x01" + unit(IDR) + b"\x00"
    units = split(stream)
    assert units == [unit(SPS), unit(PPS), unit(IDR)]
    assert parameter_sets([*reversed(units)]) == [unit(SPS), unit(PPS)]
    assert split(b"") == []


@pytest.mark.parametrize("size", [1, LONGEST_PAYLOAD - 1, LONGEST_PAYLOAD, 2 * LONGEST_PAYLOAD, 10_000])
def test_a_unit_is_split_into_packets(size: int) -> None:
    whole = unit(IDR, size)
    payloads = list(packetize(whole))
    assert all(len(payload) <= LONGEST_PAYLOAD for payload in payloads)
    assert [starts_key_frame(rtp(payload)) for payload in payloads] == [True] + [False] * (len(payloads) - 1)
    if len(payloads) == 1:
        assert payloads == [whole]
        return
    # Put together as RFC 6184, 5.8 says.
    assert {payload[0] for payload in payloads} == {0x60 | 28}
    assert [payload[1] >> 6 for payload in payloads] == [2] + [0] * (len(payloads) - 2) + [1]
    assert bytes((0x60 | payloads[0][1] & 0x1F,)) + b"".join(payload[2:] for payload in payloads) == whole


SETS = "profile-level-id=42C01F; sprop-parameter-sets=Z0LAH4yNQFAekIA=,aM48gA=="


@pytest.mark.parametrize(
    ("parameters", "payload", "added"),
    [
        (SETS, unit(IDR), 2),
        (SETS, fragments(IDR, 3000)[0], 2),
        (SETS, fragments(IDR, 3000)[1], 0),
        (SETS, aggregated(unit(6), unit(IDR)), 2),
        (SETS, aggregated(unit(SPS), unit(PPS), unit(IDR)), 0),
        (SETS, unit(SPS), 0),
        (SETS, unit(SLICE), 0),
        (SETS, b"", 0),
        ("profile-level-id=42C01F", unit(IDR), 0),
        ("sprop-parameter-sets=Z,aM48gA==", unit(IDR), 0),
        ("sprop-parameter-sets=Z0LA\ufffd,aM48gA==", unit(IDR), 0),
    ],
)
def test_key_frames_without_parameter_sets_get_them(parameters: str, payload: bytes, added: int) -> None:
    sets = InBandSets(parameters)
    packets = sets.complete(rtp(payload, 0xFFFF, marker=True))
    assert len(packets) == added + 1
    assert packets[-1][12:] == payload
    assert [int.from_bytes(packet[2:4]) for packet in packets] == [(0xFFFF + n) & 0xFFFF for n in range(added + 1)]
    assert [packet[1] >> 7 for packet in packets] == [0] * added + [1]
    # The next packet follows, and one of the same picture gets none.
    assert [int.from_bytes(packet[2:4]) for packet in sets.complete(rtp(unit(SLICE), 0x10000))] == [added]


def test_a_picture_gets_its_parameter_sets_once() -> None:
    sets = InBandSets(SETS)
    slices = [rtp(unit(IDR), 5), rtp(unit(IDR), 5)]
    assert [len(sets.complete(packet)) for packet in slices] == [3, 1]
    sets = InBandSets(SETS)
    assert [len(sets.complete(rtp(payload, 5))) for payload in (unit(SPS), unit(PPS), unit(IDR))] == [1, 1, 1]
    assert sets.complete(b"\x80") == [b"\x80"]
