"""Repair issue while the clock of a device is not set."""

from homeassistant.core import callback

from ..coordinator import IntercomCoordinator
from ..model.events import Event
from ..model.state import Missing, State
from .event_stream import EventStream

CLOCK = "clock"
CLOCK_BY_HAND = "clock_by_hand"


class ClockWatch:
    """Tracks whether the clock of a device is set, from its state or, without that, from its events."""

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream) -> None:
        self._coordinator = coordinator
        self._events = events
        self._clocked = True
        self._reported: frozenset[Missing] = frozenset()

    @callback
    def async_start(self) -> None:
        """Track the clock until the entry is unloaded."""
        coordinator = self._coordinator
        coordinator.config_entry.async_on_unload(coordinator.async_add_listener(self._async_check))
        coordinator.config_entry.async_on_unload(self._events.async_listen_events(self._async_process))
        self._async_check()

    @callback
    def _async_process(self, event: Event, _: State) -> None:
        if not event.late and event.clocked is not self._clocked:
            self._clocked = event.clocked
            self._async_check()

    @callback
    def _async_check(self) -> None:
        clock = self._coordinator.data.clock
        missing: frozenset[Missing] = frozenset()
        if not (self._clocked if clock is None else clock.set):
            settable = clock is not None and self._coordinator.features.clock is not None
            missing = frozenset({Missing(CLOCK if settable else CLOCK_BY_HAND, "time")})
        if missing != self._reported:
            self._reported = missing
            self._coordinator.device_issues.async_note(CLOCK, missing)
