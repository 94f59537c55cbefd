"""Announcements at a door by a call of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ...talk.errors import LineBusy, TalkError
from ...talk.line import Call, Line, LineState
from .errors import ConnectionFailed, NoTalk


class LineSpeaker:
    """The loudspeaker of a door during a call.

    Attributes:
        codec: The agreed codec, ``PCMU`` or ``PCMA``.
    """

    def __init__(self, line: Line, call: Call) -> None:
        self._line = line
        self._call = call
        self._began = False
        self.codec = call.codec.name

    def send(self, payload: bytes) -> None:
        """Send 20 ms of sound; raises ConnectionFailed once the door hung up."""
        if self._line.state is not LineState.TALKING:
            raise ConnectionFailed("the door ended the call")
        self._call.send_audio(payload, marker=not self._began)
        self._began = True


@asynccontextmanager
async def call_for_sound(line: Line) -> AsyncIterator[LineSpeaker]:
    """Call a door, and hang up at the end.

    Raises:
        NoTalk: The door is in a call, refuses it, or does not answer.
    """
    owner = object()
    try:
        call = await line.place(owner)
    except LineBusy as err:
        raise NoTalk("line_busy") from err
    except TalkError as err:
        raise NoTalk("call_failed") from err
    try:
        yield LineSpeaker(line, call)
    finally:
        with suppress(TalkError):
            await line.hang_up()
