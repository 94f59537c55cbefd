"""Availability of the event log: it may fail while everything else works."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
import logging

from homeassistant.core import callback

from ..model.state import Missing
from .issues import DeviceIssues
from .timers import Timers

_LOGGER = logging.getLogger(__name__)

# Seconds that the log, or a source of it, may fail before a person is asked to look.
PATIENCE = 60.0
# Seconds that a person who says that it is mended waits for the log.
_SETTLE = 5.0
_SOURCE = "event log"
_WHOLE_LOG = Missing("event_log", "")


class LogHealth:
    """What of a device's events cannot be read, as a repair once it lasts.

    Args:
        name: Of the device.
        later: For the repair.
        shortcomings: Takes it.
        reachable: Returns whether the device answers anything at all.
        changed: Is called when ``working`` has changed.
    """

    def __init__(
        self,
        name: str,
        timers: Timers,
        device_issues: DeviceIssues,
        reachable: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._name = name
        self._timers = timers
        self._shortcomings = device_issues
        self._reachable = reachable
        self._changed = changed
        self._failing: frozenset[Missing] = frozenset()
        self._noted: frozenset[Missing] = frozenset()
        self._known = False
        self._all_well = asyncio.Event()

    @property
    def working(self) -> bool | None:
        """Return whether all events can be read, None before the first answer."""
        return not self._failing if self._known else None

    @property
    def lost(self) -> bool:
        """Return whether no events can be read."""
        return _WHOLE_LOG in self._failing

    @property
    def failing(self) -> tuple[str, ...]:
        """Return the sources that cannot be read, as the API names them."""
        return tuple(sorted(missing.name for missing in self._failing))

    @callback
    def async_lost(self) -> None:
        """Note that no events can be read."""
        self._async_show(self._failing | {_WHOLE_LOG})

    @callback
    def async_followed(self, failing: frozenset[str] = frozenset()) -> None:
        """Note that events can be read again, except from the sources that fail."""
        self._async_show(frozenset(Missing("event_source", source) for source in failing))

    @callback
    def _async_show(self, failing: frozenset[Missing]) -> None:
        before = self._known, self._failing
        newly, self._failing, self._known = failing - self._failing, failing, True
        for missing in newly:
            self._async_wait(missing)
        if self._noted - failing:
            self._async_note(self._noted & failing)
        if failing:
            self._all_well.clear()
        else:
            self._all_well.set()
        if before != (self._known, self._failing):
            self._changed()

    @callback
    def async_reachable(self) -> None:
        """Note that the device answers again: its log gets the same time as any other to do so."""
        for missing in self._failing - self._noted:
            self._async_wait(missing)

    async def async_settle(self) -> None:
        """Wait a moment for the log where it fails."""
        if not self._failing:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE):
                await self._all_well.wait()

    @callback
    def _async_wait(self, missing: Missing) -> None:
        async def judge() -> None:
            if missing not in self._failing:
                return
            if not self._reachable():
                self._async_wait(missing)  # everything fails, which is shown elsewhere
                return
            _LOGGER.warning(
                "%s: %s unavailable: its events are missing or late, state is polled",
                self._name,
                missing.name or _SOURCE,
            )
            self._async_note(self._noted | {missing})

        self._timers.async_do(PATIENCE, missing, judge)

    @callback
    def _async_note(self, noted: frozenset[Missing]) -> None:
        for missing in self._noted - noted:
            _LOGGER.info("%s: %s available again", self._name, missing.name or _SOURCE)
        self._noted = noted
        self._shortcomings.async_note(_SOURCE, noted)
