"""Sound files as G.711, decoded again."""

import asyncio
import io
from itertools import pairwise
import math
from pathlib import Path
import struct
import wave

import av
import pytest

from custom_components.ip_intercom.talk import sound
from custom_components.ip_intercom.talk.sound import SAMPLES, SoundUnreadable, packets, say


def tone(seconds: float, *, hertz: float = 1000, rate: int = 44_100, channels: int = 2) -> bytes:
    """Return a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        levels = (round(8000 * math.sin(2 * math.pi * hertz * at / rate)) for at in range(round(seconds * rate)))
        writer.writeframes(b"".join(struct.pack("<h", level) * channels for level in levels))
    return file.getvalue()


def as_mp3(data: bytes) -> bytes:
    file = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(file, "w", format="mp3") as target:
        stream = target.add_stream("libmp3lame", rate=44_100)
        assert isinstance(stream, av.AudioStream)
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return file.getvalue()


def samples(data: bytes, law: str) -> list[int]:
    """Decode G.711 by PyAV."""
    name = {"PCMU": "mulaw", "PCMA": "alaw"}[law]
    with av.open(io.BytesIO(data), "r", format=name, options={"sample_rate": "8000"}) as container:
        return [int(level) for frame in container.decode(audio=0) for level in frame.to_ndarray().flatten()]


def pitch(levels: list[int]) -> float:
    """Return the frequency of a tone at 8 kHz by its zero crossings."""
    rises = sum(before < 0 <= after for before, after in pairwise(levels))
    return rises * 8000 / len(levels)


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
@pytest.mark.parametrize("kind", ["wav", "mp3", "path", "8 kHz mono"])
def test_a_tone_of_any_file_is_the_same_tone(tmp_path: Path, kind: str, law: str) -> None:
    data = tone(1, rate=8000, channels=1) if kind == "8 kHz mono" else tone(1)
    if kind == "path":
        (tmp_path / "tone.wav").write_bytes(data)
    files: dict[str, bytes | Path] = {"mp3": as_mp3(data), "path": tmp_path / "tone.wav"}
    found = list(packets(files.get(kind, data), law))
    # MP3 begins and ends with some silence.
    assert 50 <= len(found) <= (54 if kind == "mp3" else 50)
    assert {len(packet) for packet in found} == {SAMPLES}
    levels = samples(b"".join(found[5:45]), law)
    assert 990 < pitch(levels) < 1010
    assert 7000 < max(levels) < 9000


def test_the_last_packet_is_filled_with_silence() -> None:
    found = list(packets(tone(0.03, rate=8000), "PCMA"))
    assert len(found) == 2
    assert found[1].endswith(b"\xd5" * 80)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk" * 100,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '{}'\n",
    ],
)
def test_an_unreadable_sound_is_an_error(tmp_path: Path, data: bytes) -> None:
    """A playlist is rejected because it could name any local file."""
    (tmp_path / "tone.wav").write_bytes(tone(0.1))
    with pytest.raises(SoundUnreadable):
        list(packets(data.replace(b"{}", str(tmp_path / "tone.wav").encode()), "PCMU"))


def test_a_file_without_sound_is_an_error(tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as target:
        stream = target.add_stream("mpeg2video", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        target.mux(stream.encode(av.VideoFrame(64, 64)))
        target.mux(stream.encode(None))
    with pytest.raises(SoundUnreadable, match="no sound"):
        list(packets(file.getvalue(), "PCMU"))
    with pytest.raises(SoundUnreadable, match="cannot be read"):
        list(packets(tmp_path / "missing.wav", "PCMU"))


def test_sound_is_limited_in_length_and_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = tone(1)
    monkeypatch.setattr(sound, "LONGEST", 0.5)
    assert len(list(packets(data, "PCMU"))) == 25
    monkeypatch.setattr(sound, "LARGEST", 1000)
    (tmp_path / "tone.wav").write_bytes(data)
    for source in (data, tmp_path / "tone.wav"):
        with pytest.raises(SoundUnreadable, match="too large"):
            list(packets(source, "PCMU"))


async def test_packets_are_sent_at_the_pace_of_the_clock() -> None:
    loop = asyncio.get_running_loop()
    sent: list[tuple[float, bytes]] = []
    data = tone(3)
    assert await say(data, lambda packet: sent.append((loop.time(), packet)), law="PCMU") == pytest.approx(3)
    assert [packet for _, packet in sent] == list(packets(data, "PCMU"))
    assert 2.8 < sent[-1][0] - sent[0][0] < 3.2


async def test_an_announcement_can_be_canceled() -> None:
    sent: list[bytes] = []
    task = asyncio.create_task(_said(tone(30), sent))
    while len(sent) < 20:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    count = len(sent)
    await asyncio.sleep(1)
    assert len(sent) == count < 100


async def _said(data: bytes, sent: list[bytes]) -> None:
    await say(data, sent.append, law="PCMA")


async def test_an_unreadable_announcement_is_an_error() -> None:
    with pytest.raises(SoundUnreadable):
        await say(b"junk", lambda packet: None, law="PCMA")
