"""Voicemails of a user, and their files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
import math
import struct

from .envelope import CstaError, File, Json, lean

# 8 bits, mono.
RATE = 8000
CHUNK = 4096
TONE = bytes(128 + round(60 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(RATE))


def wave(seconds: int) -> bytes:
    """Return a WAV file of that length, with a tone."""
    size = RATE * seconds
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, RATE, RATE, 1, 8, b"data", size
    )
    return head + TONE * seconds


@dataclass(slots=True)
class Mail:
    """One message; `caller_name` is there for calls from outside the account only."""

    id: str
    caller: str
    from_name: str
    to: str
    received: int
    duration: int
    caller_name: str = ""
    read: bool = False
    note: str = ""

    def row(self) -> Json:
        """Return the row of the list."""
        row = {
            "from": self.caller,
            "fromName": self.from_name,
            "callerName": self.caller_name,
            "to": self.to,
            "ownerType": "user",
            "id": self.id,
            "received": self.received,
            "duration": self.duration,
            "read": self.read or None,
            "note": self.note,
        }
        return lean(**row)


class Mailbox:
    """The messages of one user, by id."""

    def __init__(self, jid: str) -> None:
        """The jid is in the names of the files."""
        self.mails: dict[str, Mail] = {}
        # What the proxy says of the files; tests change it.
        self.media_type = "audio/wave"
        self._jid = jid
        self._next = 82

    def add(self, mail: Mail) -> Mail:
        """Take a message and number it; ids grow, but not by one."""
        mail.id = str(self._next)
        self._next += 7
        self.mails[mail.id] = mail
        return mail

    def rows(self) -> list[Json]:
        """Return the list, ordered by id."""
        return [mail.row() for mail in self.mails.values()]

    def get(self, number: str) -> Mail:
        """Find a message."""
        if (mail := self.mails.get(number)) is None:
            raise CstaError("not found")
        return mail

    def file(self, number: str) -> File:
        """Return the file of a message, which is sent piece by piece."""
        content = wave(self.get(number).duration)

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), CHUNK):
                yield content[start : start + CHUNK]

        return File(f"u{self._jid:0>20}/m{int(number):04}.wav", chunks, self.media_type)

    def delete(self, number: str) -> None:
        """Delete a message."""
        self.get(number)
        del self.mails[number]

    def change(self, number: str, used: Json) -> Json:
        """Write the note, the mark or both."""
        mail = self.get(number)
        mail.note = used.get("note", mail.note)
        mail.read = used.get("read", mail.read)
        return used
