"""Counts the bus events of the last hour, for system health."""

from collections import Counter

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, EVENT_LOG

_MINUTES = 60


class EventCounter:
    """Counts the events of all devices by minutes."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._minutes: Counter[int] = Counter()
        hass.bus.async_listen(EVENT_LOG, self._async_count)

    @callback
    def _async_count(self, _: Event) -> None:
        self._minutes[_minute()] += 1
        if len(self._minutes) > _MINUTES:
            self._drop_old()

    def _drop_old(self) -> None:
        oldest = _minute() - _MINUTES
        for minute in [minute for minute in self._minutes if minute <= oldest]:
            del self._minutes[minute]

    def last_hour(self) -> int:
        """Return the number of events in the last hour."""
        self._drop_old()
        return self._minutes.total()


def _minute() -> int:
    return int(dt_util.utcnow().timestamp() // 60)


EVENT_COUNTER: HassKey[EventCounter] = HassKey(f"{DOMAIN}_event_counter")
