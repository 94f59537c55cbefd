"""Detect state changes that produced no event: the account then lacks a privilege."""

from collections.abc import Hashable
import time

from ..model import State
from ..model.events import DoorReleased, Event, PortChanged

# A single move may have been told of by an event that got lost between two reads.
_EVIDENCE = 2


class Silence:
    """Weighs the moves that a poll found against the events that told of them."""

    def __init__(self) -> None:
        self._heard: dict[Hashable, float] = {}
        self._unheard = 0
        self._moved_at = 0.0

    @property
    def certain(self) -> bool:
        """Return whether events are missing, beyond reasonable doubt."""
        return self._unheard >= _EVIDENCE

    def heard(self, event: Event) -> None:
        """Note an event: its data is not withheld from the account."""
        for fact in event.facts:
            match fact:
                case DoorReleased(door=door):
                    self._heard["door", door] = time.monotonic()
                case PortChanged(port=port, virtual=False):
                    self._heard["port", port] = time.monotonic()
                case _:
                    continue
            self._unheard = 0

    def moved(self, before: State, after: State) -> frozenset[Hashable]:
        """Return the doors and ports that a poll found in another state than events had left them."""
        self._moved_at = time.monotonic()
        doors = {
            ("door", door.id)
            for door in after.doors.values()
            if (old := before.doors.get(door.id)) is not None and old.released is not door.released
        }
        ports = {
            ("port", port.id)
            for port in after.ports.values()
            if (was := before.ports.get(port.id)) is not None and None is not was.on is not port.on
        }
        return frozenset(doors | ports)

    def count_unheard(self, moved: frozenset[Hashable]) -> None:
        """Count a move that no event has told of by now."""
        if not any(self._heard.get(part, 0.0) >= self._moved_at for part in moved):
            self._unheard += 1
