"""G.711 of a media file, in packets of 20 ms at the pace of the clock: announcements."""

import asyncio
from collections.abc import Callable, Iterator
import io
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import TalkError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

SAMPLES: Final = 160
_RATE: Final = 8000
_SECONDS: Final = SAMPLES / _RATE
_CODECS: Final = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}
_SILENCE: Final = {"PCMU": b"\xff", "PCMA": b"\xd5"}
# Packets that are decoded ahead: a second.
_AHEAD: Final = 50
# Bytes of the file, and seconds of sound, at most.
LARGEST: Final = 64 * 1024 * 1024
LONGEST: Final = 600.0


class SoundUnreadable(TalkError):
    """The file is no sound, is damaged, or is too large."""


def packets(data: bytes | Path, law: str) -> Iterator[bytes]:
    """Decode a file of any kind, and return its sound in G.711 packets of 20 ms; it blocks.

    Args:
        data: The file, or its path. No address: it would be fetched by FFmpeg.
        law: "PCMU" or "PCMA".

    Raises:
        SoundUnreadable: The file has no sound that can be decoded.
    """
    import av  # noqa: PLC0415  # a large library, imported in the executor for the first sound

    try:
        if (len(data) if isinstance(data, bytes) else data.stat().st_size) > LARGEST:
            raise SoundUnreadable("the sound is too large")
        # Playlists and other containers that name further files are not followed.
        with (
            io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as file,
            av.open(file, "r", options={"protocol_whitelist": "none"}) as container,
        ):
            yield from _encoded(container, law)
    except (av.FFmpegError, OSError, ValueError) as err:
        raise SoundUnreadable("the sound cannot be read") from err


def _encoded(container: InputContainer, law: str) -> Iterator[bytes]:
    import av  # noqa: PLC0415

    if not container.streams.audio:
        raise SoundUnreadable("the file has no sound")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    encoder = av.CodecContext.create(_CODECS[law], "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = _RATE, "mono", "s16"
    waiting, most = b"", int(LONGEST / _SECONDS)
    count = 0
    for frame in _frames(container, resampler):
        frame.pts = None
        for packet in encoder.encode(frame):
            waiting += bytes(packet)
        while len(waiting) >= SAMPLES and count < most:
            yield waiting[:SAMPLES]
            waiting, count = waiting[SAMPLES:], count + 1
        if count >= most:
            return
    if waiting:
        yield waiting.ljust(SAMPLES, _SILENCE[law])


def _frames(container: InputContainer, resampler: av.AudioResampler) -> Iterator[av.AudioFrame]:
    for frame in container.decode(audio=0):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


async def say(data: bytes | Path, send: Callable[[bytes], None], *, law: str) -> float:
    """Play a file: send a packet each 20 ms, and return after the last one, with the seconds that it took.

    Cancel it to stop.

    Args:
        data: As for ``packets``.
        send: Gets each packet.
        law: "PCMU" or "PCMA".

    Raises:
        SoundUnreadable: As for ``packets``; what came before was sent.
    """
    loop = asyncio.get_running_loop()
    source = packets(data, law)
    sent, due = 0, 0.0
    batch = await loop.run_in_executor(None, _batch, source)
    while batch:
        # The next second is decoded while this one is played.
        following = loop.run_in_executor(None, _batch, source)
        try:
            for packet in batch:
                # Late timers are made up for, pauses are not.
                due = max(due, loop.time() - 0.1)
                await asyncio.sleep(due - loop.time())
                send(packet)
                due += _SECONDS
                sent += 1
        except BaseException:
            following.cancel()
            raise
        batch = await following
    return sent * _SECONDS


def _batch(source: Iterator[bytes]) -> list[bytes]:
    """Return the packets of the next second."""
    return list(islice(source, _AHEAD))
