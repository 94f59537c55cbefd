"""Voicemails and their files (manual, voicemails)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode
from ...common.parse import readable
from .client import Functions
from .endpoints import CHANGE_VOICEMAIL, DELETE_VOICEMAIL, VOICEMAIL_FILE, VOICEMAILS
from .envelope import rows

# An hour of 16 bits at 8 kHz has 58 MB.
MAX_FILE = 64 * 1024 * 1024
_AUDIO = "audio/wave"


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A message; None for what is not told.

    Attributes:
        id: Its id.
        sender: Number of who spoke.
        sender_name: The MX's name for that number.
        caller_name: Name that came with the call.
        to: Number that was called.
        owner_type: Whose mailbox it is, such as ``user``.
        received: When, in Unix time; 0 where that is not told.
        duration: Seconds.
        read: The message has been heard.
        note: The note of a user.
    """

    id: str
    sender: Annotated[str | None, Key("from")] = None
    sender_name: Annotated[str | None, Key("fromName")] = None
    caller_name: str | None = None
    to: str | None = None
    owner_type: str | None = None
    received: int = 0
    duration: int = 0
    read: bool = False
    note: str | None = None


class Recording:
    """A recorded message, as a WAV file. ``content_type`` is a media type, ``size`` in bytes."""

    def __init__(self, content_type: str, pieces: tuple[bytes, ...]) -> None:
        self.content_type = content_type
        self.size = sum(len(piece) for piece in pieces)
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the file."""
        for piece in self._pieces:
            yield piece


class Voicemails(Functions):
    """``/voicemails``."""

    async def list(self) -> tuple[Voicemail, ...]:
        """Return the messages, ordered by id."""
        found = rows(VOICEMAILS, await self._client.call(VOICEMAILS), "voiceMails")
        return readable(VOICEMAILS.path, found, partial(decode, Voicemail))

    @asynccontextmanager
    async def open(self, voicemail_id: str) -> AsyncIterator[Recording]:
        """Open the file of a message.

        It is fetched completely: a listener may take their time, and no other request waits for them.

        Raises:
            NoData: There is no such message.
            UnexpectedReply: The file is larger than ``MAX_FILE``.
        """
        parts = {"id": voicemail_id}
        async with self._client.download(VOICEMAIL_FILE, parts, max_bytes=MAX_FILE) as stream:
            content_type = stream.content_type.partition(";")[0].strip().lower() or _AUDIO
            pieces = tuple([piece async for piece in stream.chunks()])
        yield Recording(content_type, pieces)

    async def update(self, voicemail_id: str, *, note: str | None = None, read: bool | None = None) -> None:
        """Write a note to a message, or mark it as heard or not; what is None stays.

        Raises:
            NoData: There is no such message.
            InvalidRequest: Nothing is to be changed.
        """
        body: dict[str, object] = {}
        if note is not None:
            body["note"] = note
        if read is not None:
            body["read"] = read
        await self._client.call(CHANGE_VOICEMAIL, {"id": voicemail_id}, body=body)

    async def delete(self, voicemail_id: str) -> None:
        """Delete a message.

        Raises:
            NoData: There is no such message.
        """
        await self._client.call(DELETE_VOICEMAIL, {"id": voicemail_id})
