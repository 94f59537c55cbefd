"""Observation of a door after a command."""

import time
from typing import Self

from homeassistant.core import CALLBACK_TYPE, callback

from ..coordinator import IntercomCoordinator
from ..model.events import DoorReleased, Event
from ..model.parts import DoorCommand, DoorId
from ..model.state import State
from .event_stream import EventStream


class DoorWatch:
    """Records the events of a door and the gaps between its reads after a command."""

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream, door_id: DoorId) -> None:
        self._coordinator = coordinator
        self._events = events
        self._door_id = door_id
        self._released: set[bool] = set()
        self._began = self._read_at = time.monotonic()
        self._stop: CALLBACK_TYPE | None = None
        self.longest_gap = 0.0

    def __enter__(self) -> Self:
        """Subscribe to events."""
        self._stop = self._events.async_listen_events(self._async_process)
        return self

    def __exit__(self, *_: object) -> None:
        """Unsubscribe from events."""
        if self._stop is not None:
            self._stop()

    @property
    def elapsed(self) -> float:
        """Seconds since the command was sent."""
        return time.monotonic() - self._began

    @callback
    def _async_process(self, event: Event, _: State) -> None:
        for fact in () if event.late else event.facts:
            if isinstance(fact, DoorReleased) and fact.door == self._door_id:
                self._released.add(fact.released)

    def record_read(self) -> None:
        """Record a read of the door."""
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self._read_at)
        self._read_at = now

    def saw(self, step: DoorCommand) -> bool:
        """Return whether an event reported the opening: a short one may end before the next read."""
        return step is DoorCommand.OPEN and True in self._released
