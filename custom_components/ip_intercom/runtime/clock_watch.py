"""A repair while the clock of a device is not set."""

from homeassistant.core import callback

from ..coordinator import IntercomCoordinator
from ..model.events import Event
from ..model.state import Missing, State
from .event_stream import EventStream

CLOCK = "clock"
CLOCK_BY_HAND = "clock_by_hand"


class ClockWatch:
    """Notes whether a device has the time: by its answers, or by its events where it does not answer that.

    Args:
        coordinator: Knows the answers; its feed has the events.
    """

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream) -> None:
        self._coordinator = coordinator
        self._events = events
        self._clocked = True
        self._noted: frozenset[Missing] = frozenset()

    @callback
    def async_start(self) -> None:
        """Watch until the entry is unloaded."""
        coordinator = self._coordinator
        coordinator.config_entry.async_on_unload(coordinator.async_add_listener(self._async_look))
        coordinator.config_entry.async_on_unload(self._events.async_listen_events(self._async_hear))
        self._async_look()

    @callback
    def _async_hear(self, event: Event, _: State) -> None:
        if not event.late and event.clocked is not self._clocked:
            self._clocked = event.clocked
            self._async_look()

    @callback
    def _async_look(self) -> None:
        clock = self._coordinator.data.clock
        missing: frozenset[Missing] = frozenset()
        if not (self._clocked if clock is None else clock.set):
            settable = clock is not None and self._coordinator.features.clock is not None
            missing = frozenset({Missing(CLOCK if settable else CLOCK_BY_HAND, "time")})
        if missing != self._noted:
            self._noted = missing
            self._coordinator.device_issues.async_note(CLOCK, missing)
