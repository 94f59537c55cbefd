"""The parts of an upload, of which a device keeps only the bytes that it needs."""

from dataclasses import dataclass, field
import hashlib
from typing import NamedTuple

KIB, MIB = 2**10, 2**20


class Limit(NamedTuple):
    """How many bytes of a part are held, and how many it may have."""

    held: int
    most: int


@dataclass(slots=True)
class Blob:
    """The beginning of a part, with the size and the hash of all of it."""

    limit: Limit
    size: int = 0
    hash: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)
    _held: bytearray = field(default_factory=bytearray, repr=False)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        self.hash.update(chunk)
        if room := self.limit.held - len(self._held):
            self._held += chunk[:room]

    @property
    def too_big(self) -> bool:
        """Is it more than the device takes?"""
        return self.size > self.limit.most

    @property
    def data(self) -> bytes:
        """The beginning, as much as is held."""
        return bytes(self._held)
