"""Voicemails and their files (manual, voicemails)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode
from ...common.parse import readable
from .client import Functions
from .protocol import CHANGE_VOICEMAIL, DELETE_VOICEMAIL, VOICEMAIL_FILE, VOICEMAILS, rows

# One hour of 16-bit audio at 8 kHz has 58 MB.
MAX_FILE = 64 * 1024 * 1024
_AUDIO = "audio/wave"


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A voicemail; missing values are None.

    Attributes:
        id: ID of the voicemail.
        sender: Number of the caller.
        sender_name: Name of that number at the MX.
        caller_name: Name that was sent with the call.
        to: Called number.
        owner_type: Type of the mailbox owner, such as ``user``.
        received: Time in Unix seconds; 0 if unknown.
        duration: Seconds.
        read: The voicemail has been played.
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
    """A recording as a WAV file: ``content_type`` is its media type, ``size`` in bytes."""

    def __init__(self, content_type: str, pieces: tuple[bytes, ...]) -> None:
        self.content_type = content_type
        self.size = sum(len(piece) for piece in pieces)
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the data of the file."""
        for piece in self._pieces:
            yield piece


class Voicemails(Functions):
    """``/voicemails``."""

    async def list(self) -> tuple[Voicemail, ...]:
        """Return the voicemails, ordered by ID."""
        found = rows(VOICEMAILS, await self._client.call(VOICEMAILS), "voiceMails")
        return readable(VOICEMAILS.path, found, partial(decode, Voicemail))

    @asynccontextmanager
    async def open(self, voicemail_id: str) -> AsyncIterator[Recording]:
        """Open the file of a voicemail.

        It is downloaded completely first, so that a slow reader does not block other requests.

        Raises:
            NoData: There is no such voicemail.
            UnexpectedReply: The file is larger than ``MAX_FILE``.
        """
        parts = {"id": voicemail_id}
        async with self._client.download(VOICEMAIL_FILE, parts, max_bytes=MAX_FILE) as stream:
            content_type = stream.content_type.partition(";")[0].strip().lower() or _AUDIO
            pieces = tuple([piece async for piece in stream.chunks()])
        yield Recording(content_type, pieces)

    async def update(self, voicemail_id: str, *, note: str | None = None, read: bool | None = None) -> None:
        """Set the note or the read state of a voicemail; None keeps the current value.

        Raises:
            NoData: There is no such voicemail.
            InvalidRequest: Both values are None.
        """
        body: dict[str, object] = {}
        if note is not None:
            body["note"] = note
        if read is not None:
            body["read"] = read
        await self._client.call(CHANGE_VOICEMAIL, {"id": voicemail_id}, body=body)

    async def delete(self, voicemail_id: str) -> None:
        """Delete a voicemail.

        Raises:
            NoData: There is no such voicemail.
        """
        await self._client.call(DELETE_VOICEMAIL, {"id": voicemail_id})
