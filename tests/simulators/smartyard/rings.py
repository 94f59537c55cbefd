"""Visitors who ring, and the pictures that the server keeps of them for minutes (field notes 7)."""

from collections.abc import Callable
from dataclasses import dataclass, field
import secrets

from .houses import Door, Flat

# Seconds for which pictures and SIP credentials of a call can be used.
LIFE = 180
TTL = 30


@dataclass(slots=True)
class Ring:
    """One ring at the door of a flat; `moment` is Unix time, `began` counts the seconds of the server."""

    hash: str = field(repr=False)
    door: Door
    flat: Flat
    moment: int
    began: int
    over: bool = False


class Rings:
    """The rings of the last minutes, by hash."""

    def __init__(self, now: Callable[[], int], patience: Callable[[], int]) -> None:
        """`now` is the server's clock, `patience` counts its seconds."""
        # What pushes say how long they are worth something, in seconds.
        self.ttl = TTL
        self.rows: dict[str, Ring] = {}
        self._now = now
        self._patience = patience

    def begin(self, door: Door, flat: Flat) -> Ring:
        """Let a visitor ring: one hash for all devices of the flat."""
        ring = Ring(secrets.token_hex(16), door, flat, self._now(), self._patience())
        self.rows[ring.hash] = ring
        return ring

    def get(self, name: str) -> Ring | None:
        """Find a ring while its pictures are kept."""
        ring = self.rows.get(name)
        return ring if ring is not None and self._patience() - ring.began < LIFE else None
