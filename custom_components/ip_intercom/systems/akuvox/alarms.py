"""The alarms of an Akuvox: it reports only their beginning."""

from collections.abc import Callable, Collection, Mapping
import time

from ...model.parts import Alarm

# Seconds after which an alarm is over.
_LASTS = 60.0


class Alarms:
    """Those that last.

    Args:
        stored: Those of an earlier life, as ``as_store``.
        monotonic: A clock in seconds.
    """

    def __init__(self, stored: object, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        left = {
            Alarm(alarm): end - time.time()
            for alarm, end in (stored.items() if isinstance(stored, Mapping) else ())
            if alarm in Alarm and isinstance(end, int | float)
        }
        now = monotonic()
        self._ends = {alarm: now + min(seconds, _LASTS) for alarm, seconds in left.items() if seconds > 0}

    def __contains__(self, alarm: Alarm) -> bool:
        """Return whether an alarm has begun not long ago."""
        return alarm in self._ends

    @property
    def ends(self) -> Collection[float]:
        """When they end, by the monotonic clock."""
        return self._ends.values()

    def begin(self, alarm: Alarm) -> None:
        """Note that the device told of an alarm."""
        self._ends[alarm] = self._monotonic() + _LASTS

    def take_ended(self) -> list[Alarm]:
        """Return those that are over, once."""
        now = self._monotonic()
        over = [alarm for alarm, end in self._ends.items() if end <= now]
        for alarm in over:
            del self._ends[alarm]
        return over

    def clear(self) -> None:
        """End all of them: the device has restarted."""
        self._ends.clear()

    def as_store(self) -> dict[str, float]:
        """Return when they end, in Unix seconds."""
        ahead = time.time() - self._monotonic()
        return {alarm.value: end + ahead for alarm, end in self._ends.items()}
