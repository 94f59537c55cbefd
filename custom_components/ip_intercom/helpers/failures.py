"""Failures that last: rejected logins before reauth, and an event log that cannot be read."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
import logging
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.util.dt import utcnow
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_CONTROLS, DOMAIN
from ..model.parts import Control
from ..model.state import Missing
from ..systems.common.errors import AuthenticationFailed, IntercomError
from .issues import DeviceIssues
from .scheduling import Timers

_LOGGER = logging.getLogger(__name__)

# Seconds for which the log or one of its sources may fail before an issue is created.
PATIENCE = 60.0
# Seconds to wait for the log after a user confirmed a fix.
_SETTLE = 5.0
_SOURCE = "event log"
_WHOLE_LOG = Missing("event_log", "")

REFUSALS = 3
# Seconds between attempts, and the least time that the rejections have to span: less than two pauses shortened by jitter.
RETRY_DELAY = 6.0
_SPAN = 9.0
# A device may take this many seconds to start; until then, a confirmed rejection slows attempts only by this factor.
_START = 120.0
_CERTAIN = 1.3
# Later pauses are this share of the time since the first rejection: each attempt may count towards a lockout.
# The account of a user may be locked completely after five attempts: larger pauses from the beginning.
_SHARE = 1 / 12
_SHARE_OF_ACCOUNT = 1.0
_LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class BackOff:
    """A back-off that a device requested: its end by the monotonic clock, and the error that carried it."""

    until: float
    err: IntercomError


# Requested back-offs by entry, for entries whose setup failed: Home Assistant retries setup without regard to them.
BACK_OFFS: HassKey[dict[str, BackOff]] = HassKey(f"{DOMAIN}_back_offs")


class AuthRetry:
    """Counts rejected logins since the last success.

    A device may reject single requests with correct credentials, for example when its nonces change, and all requests
    for a minute while it starts. Only several rejections spread over some seconds start reauth.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._count = 0
        self._first = 0.0
        self._confirmed = False

    def count(self) -> bool:
        """Count a rejection, and return whether the rejections are confirmed."""
        if self._count == 0:
            self._first = self._monotonic()
        self._count += 1
        self._confirmed = self._count >= REFUSALS and self._monotonic() - self._first >= _SPAN
        return self._confirmed

    def clear(self) -> None:
        """Reset the count after a success."""
        self._count, self._confirmed = 0, False

    def pause(self, err: AuthenticationFailed) -> float:
        """Return the seconds to wait before the next login attempt."""
        rejected_for = self._monotonic() - self._first
        if not self._confirmed:
            return RETRY_DELAY
        if rejected_for < _START and not err.locks:
            return RETRY_DELAY * _CERTAIN
        return min(rejected_for * (_SHARE_OF_ACCOUNT if err.locks else _SHARE), _LONGEST_PAUSE)

    async def confirmed[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of ``attempt``, retrying until a rejection is confirmed."""
        while True:
            try:
                result = await attempt()
            except AuthenticationFailed:
                if self.count():
                    raise
                await asyncio.sleep(RETRY_DELAY)
            else:
                self.clear()
                return result


def known_controls(entry: ConfigEntry[Any]) -> frozenset[Control] | None:
    """Return the controls that the account of an entry had at the last connection; None if not determined yet."""
    controls = entry.data.get(CONF_CONTROLS)
    return None if controls is None else frozenset(Control(control) for control in controls)


class LogHealth:
    """Tracks which events of a device cannot be read, and reports lasting failures as issues.

    Args:
        device_issues: Receives the failures.
        reachable: Returns whether the device responds to other requests.
        changed: Called when the availability changed.
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
        self._device_issues = device_issues
        self._reachable = reachable
        self._changed = changed
        self._failing: frozenset[Missing] = frozenset()
        self._reported: frozenset[Missing] = frozenset()
        self._known = False
        # Whether the caller has logged why no events can be read.
        self._is_logged = False
        self._recovered = asyncio.Event()
        # The last time without any events: its beginning, and its end or None while it lasts.
        self.last_gap: tuple[datetime, datetime | None] | None = None

    @property
    def working(self) -> bool | None:
        """Return whether all events can be read; None before the first response."""
        return not self._failing if self._known else None

    @property
    def lost(self) -> bool:
        """Return whether no events can be read."""
        return _WHOLE_LOG in self._failing

    @property
    def failing(self) -> tuple[str, ...]:
        """Return the API names of the sources that cannot be read."""
        return tuple(sorted(missing.name for missing in self._failing))

    @callback
    def async_lost(self, *, is_logged: bool = False) -> None:
        """Record that no events can be read; ``is_logged`` is whether the caller logs it."""
        self._is_logged = self._is_logged or is_logged
        self._async_set(self._failing | {_WHOLE_LOG})

    @callback
    def async_followed(self, failing: frozenset[str] = frozenset()) -> None:
        """Record that events can be read, except from the failing sources."""
        self._is_logged = False
        self._async_set(frozenset(Missing("event_source", source) for source in failing))

    @callback
    def _async_set(self, failing: frozenset[Missing]) -> None:
        before = self._known, self._failing
        if self._known and (_WHOLE_LOG in failing) != self.lost:
            self._set_gap(_WHOLE_LOG in failing)
        newly, self._failing, self._known = failing - self._failing, failing, True
        for missing in newly:
            self._async_wait(missing)
        if self._reported - failing:
            self._async_report(self._reported & failing)
        if failing:
            self._recovered.clear()
        else:
            self._recovered.set()
        if before != (self._known, self._failing):
            self._changed()

    def _set_gap(self, begins: bool) -> None:
        now = utcnow()
        began = now if begins or self.last_gap is None else self.last_gap[0]
        self.last_gap = began, None if begins else now

    @callback
    def async_reachable(self) -> None:
        """Restart the waiting time of failures: the device has just become reachable."""
        for missing in self._failing - self._reported:
            self._async_wait(missing)

    async def async_settle(self) -> None:
        """Wait a moment for a failing log to recover."""
        if not self._failing:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE):
                await self._recovered.wait()

    @callback
    def _async_wait(self, missing: Missing) -> None:
        async def check() -> None:
            if missing not in self._failing:
                return
            if not self._reachable():
                self._async_wait(missing)  # the whole device is unavailable, which is shown elsewhere
                return
            # One log line for sources that fail together.
            _LOGGER.log(
                logging.DEBUG if self._reported or self._is_logged else logging.WARNING,
                "%s: %s unavailable: its events are missing or late, state is polled",
                self._name,
                ", ".join(sorted(source.name or _SOURCE for source in self._failing - self._reported)),
            )
            self._async_report(self._reported | {missing})

        self._timers.async_do(PATIENCE, missing, check)

    @callback
    def _async_report(self, reported: frozenset[Missing]) -> None:
        if self._reported and not reported:
            _LOGGER.info("%s: %s available again", self._name, _SOURCE)
        self._reported = reported
        self._device_issues.async_note(_SOURCE, reported)
