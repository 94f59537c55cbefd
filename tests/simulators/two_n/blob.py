"""Large parameters: what a `blob-` part of a request brought (HTTP API 2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import hashlib
from typing import NamedTuple

PREFIX = "blob-"
KIB, MIB = 2**10, 2**20


class Limit(NamedTuple):
    """How many bytes of a parameter are held, and how many it may have."""

    held: int
    most: int


# Of a firmware only the header is looked at. The other limits are guesses; a BMP for 1280 x 800 pixels must fit.
LIMITS: Mapping[str, Limit] = {
    "blob-fw": Limit(KIB, 256 * MIB),
    "blob-cfg": Limit(8 * MIB, 8 * MIB),
    "blob-json": Limit(64 * KIB, 64 * KIB),
    "blob-image": Limit(4 * MIB, 4 * MIB),
    "blob-video": Limit(8 * MIB, 8 * MIB),
}


@dataclass(slots=True)
class Blob:
    """The beginning of a parameter, with the size and the hash of all of it."""

    limit: Limit
    size: int = 0
    _held: bytearray = field(default_factory=bytearray, repr=False)
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        self._hash.update(chunk)
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

    @property
    def sha256(self) -> str:
        """The hash of everything."""
        return self._hash.hexdigest()
