"""Visitors: what becomes of each ring, and the pictures of the last visitors, stored across restarts."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
import logging
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import CONF_PLAIN_SWITCHES, DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.storage import async_load_stored, parse_items
from ..model.events import Event
from ..model.parts import DoorId, VisitOutcome
from ..model.ring_detector import Ring
from ..model.state import State
from ..model.visits import Progress, Visit, advance, opened
from .event_stream import EventStream

_LOGGER = logging.getLogger(__name__)

# Seconds after a ring without a known end after which the visitor counts as missed, and the shortest time for late rings.
_LONGEST = 90.0
_SHORTEST = 10.0
# Seconds to wait for the record of a visit in the history: servers write it minutes later.
_RECORDED = 600.0

type VisitListener = Callable[[Visit], None]

# Of the stored pictures.
STORAGE_VERSION = 1


class Visits:
    """Follows each ring of a device until the visitor is let in, answered, or missed."""

    def __init__(self, coordinator: IntercomCoordinator, events: EventStream) -> None:
        self._coordinator = coordinator
        self._events = events
        self._plain: frozenset[DoorId] = frozenset(coordinator.config_entry.options.get(CONF_PLAIN_SWITCHES, ()))
        self._visits: tuple[Visit, ...] = ()
        self._released: frozenset[DoorId] = frozenset()
        self._listeners: list[VisitListener] = []

    @callback
    def async_start(self) -> None:
        """Start to follow rings until the entry is unloaded."""
        entry = self._coordinator.config_entry
        self._released = self._released_doors()
        entry.async_on_unload(self._events.rings.async_listen(None, self._async_rang))
        entry.async_on_unload(self._events.rings.async_listen_late(self._async_rang))
        entry.async_on_unload(self._events.async_listen_events(self._async_process))
        entry.async_on_unload(self._coordinator.async_add_listener(self._async_compare_doors))

    @callback
    def async_listen(self, listener: VisitListener) -> CALLBACK_TYPE:
        """Call ``listener`` for each visit that begins, and for each new outcome."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def async_opened(self, door: DoorId) -> None:
        """Record that a door was opened, for doors that do not report it."""
        self._async_apply(opened(Progress(self._visits), door, self._coordinator.data.doors))

    @callback
    def _async_rang(self, ring: Ring) -> None:
        visit = Visit(ring, ring.session)
        self._visits = (*self._visits, visit)
        self._async_tell(visit)
        longest = _RECORDED if self._coordinator.description.records_visits else _LONGEST
        delay = max(longest - ring.age, _SHORTEST)
        self._coordinator.timers.async_do(delay, ("visit", visit.id), partial(self._async_expire, visit.id))

    @callback
    def _async_process(self, event: Event, state: State) -> None:
        recorded = self._coordinator.description.records_visits
        self._async_apply(advance(self._visits, event, state, plain=self._plain, recorded=recorded))

    @callback
    def _async_compare_doors(self) -> None:
        """Apply the doors that opened without an event."""
        released = self._released_doors()
        newly, self._released = released - self._released, released
        for door in newly:
            self.async_opened(door)

    def _released_doors(self) -> frozenset[DoorId]:
        doors = self._coordinator.data.doors.values()
        return frozenset(door.id for door in doors if door.released and door.id not in self._plain)

    async def _async_expire(self, visit_id: str) -> None:
        """End a visit whose end was not reported; with a history that has no record of it, its outcome is unknown."""
        for visit in self._visits:
            if visit.id == visit_id and visit.session not in self._coordinator.data.calls:
                if self._coordinator.description.records_visits:
                    self._visits = tuple(other for other in self._visits if other is not visit)
                    continue
                self._async_apply(Progress(self._visits).with_outcome(visit, VisitOutcome.MISSED, ends=True))

    @callback
    def _async_apply(self, progress: Progress) -> None:
        self._visits = progress.current
        for visit in progress.changed:
            _LOGGER.debug("%s: visitor at bell %s %s", self._coordinator.name, visit.ring.bell.id, visit.outcome)
            self._async_tell(visit)

    @callback
    def _async_tell(self, visit: Visit) -> None:
        for listener in tuple(self._listeners):
            listener(visit)


@dataclass(frozen=True, slots=True)
class VisitorPicture:
    """A JPEG and the time at which it was taken."""

    taken: datetime
    content: bytes = field(repr=False)


def picture_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return the storage of the pictures of an entry."""
    return Store(
        hass,
        STORAGE_VERSION,
        f"{DOMAIN}.{entry_id}.visitors",
        private=True,
        atomic_writes=True,
        serialize_in_event_loop=False,
    )


class VisitorPictures:
    """The last picture for each image entity of an entry, by the key of the entity."""

    def __init__(self, hass: HomeAssistant, store: Store[dict[str, Any]], device: str) -> None:
        self._hass = hass
        self._store = store
        self._device = device
        self._pictures: dict[str, VisitorPicture] = {}

    async def async_load(self) -> None:
        """Read the stored pictures, without unreadable ones."""
        self._pictures, lost = await async_load_stored(self._hass, self._store, self._device, _parse)
        if lost:
            await self.async_save()

    def get(self, key: str) -> VisitorPicture | None:
        """Return the last picture; None without one."""
        return self._pictures.get(key)

    def put(self, key: str, picture: VisitorPicture | None) -> None:
        """Replace a picture, or remove it for None; ``async_save`` stores it."""
        self._pictures.pop(key, None)
        if picture is not None:
            self._pictures[key] = picture

    async def async_save(self) -> None:
        """Store the pictures."""
        await self._store.async_save(
            {
                key: [picture.taken.isoformat(), b64encode(picture.content).decode("ascii")]
                for key, picture in self._pictures.items()
            }
        )


def _parse(content: Mapping[str, Any], errors: list[Exception]) -> dict[str, VisitorPicture]:
    return dict(parse_items(content.items(), _parse_picture, errors))


def _parse_picture(item: tuple[str, Any]) -> tuple[str, VisitorPicture]:
    key, (taken, content) = item
    return key, VisitorPicture(dt_util.as_utc(datetime.fromisoformat(taken)), b64decode(content, validate=True))
