"""What happens to a door after a command."""

from collections.abc import Callable
from typing import Self

from homeassistant.core import CALLBACK_TYPE, callback

from ..coordinator import IntercomCoordinator
from ..model.doors import DoorCommand
from ..model.events import DoorReleased, Event
from ..model.parts import DoorId
from ..model.state import State
from .event_stream import EventStream


class DoorWatch:
    """What happens to a door after a command: events of it, and how closely it was looked at."""

    def __init__(
        self, coordinator: IntercomCoordinator, events: EventStream, door_id: DoorId, monotonic: Callable[[], float]
    ) -> None:
        self._coordinator = coordinator
        self._events = events
        self._door_id = door_id
        self._monotonic = monotonic
        self._released: set[bool] = set()
        self._began = self._looked_at = monotonic()
        self._stop: CALLBACK_TYPE | None = None
        self.longest_gap = 0.0

    def __enter__(self) -> Self:
        """Listen."""
        self._stop = self._events.async_listen_events(self._async_hear)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        if self._stop is not None:
            self._stop()

    @property
    def elapsed(self) -> float:
        """Seconds since the command was sent."""
        return self._monotonic() - self._began

    @callback
    def _async_hear(self, event: Event, _: State) -> None:
        for fact in () if event.late else event.facts:
            if isinstance(fact, DoorReleased) and fact.door == self._door_id:
                self._released.add(fact.released)

    def note_look(self) -> None:
        """Note that the door was read."""
        now = self._monotonic()
        self.longest_gap = max(self.longest_gap, now - self._looked_at)
        self._looked_at = now

    def saw(self, step: DoorCommand) -> bool:
        """Return whether the device reported an opening: a short one may be over before a look."""
        return step is DoorCommand.OPEN and True in self._released
