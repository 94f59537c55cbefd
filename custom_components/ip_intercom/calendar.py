"""Conferences as a calendar that can create, change, and delete them."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, override

from homeassistant.components.calendar import (
    EVENT_DESCRIPTION,
    EVENT_END,
    EVENT_LOCATION,
    EVENT_RRULE,
    EVENT_START,
    EVENT_SUMMARY,
    CalendarEntity,
    CalendarEntityFeature,
    CalendarEvent,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .entity import IntercomEntity, async_add_as_found
from .helpers.errors import request_refused
from .model.parts import Conference
from .model.state import State
from .runtime import IntercomConfigEntry
from .services.calls import async_create, async_delete, async_update

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the calendar if the account has conferences."""
    runtime = entry.runtime_data

    def find(_: State) -> dict[str, Callable[[], CalendarEntity]]:
        supported = runtime.coordinator.features.conferences is not None
        return {"conferences": partial(ConferenceCalendar, runtime, "conferences")} if supported else {}

    async_add_as_found(Platform.CALENDAR, entry, async_add_entities, find)


class ConferenceCalendar(IntercomEntity, CalendarEntity):
    """The known conferences; only actions return their access codes."""

    shows = frozenset({"conferences"})

    _attr_translation_key = "conferences"
    _attr_supported_features = (
        CalendarEntityFeature.CREATE_EVENT | CalendarEntityFeature.UPDATE_EVENT | CalendarEntityFeature.DELETE_EVENT
    )

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the current conference, or the next one."""
        now = dt_util.utcnow()
        return next((_event(conference) for conference in self._by_start if _end(conference) > now), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the conferences in a time range."""
        return [
            _event(conference)
            for conference in self._by_start
            if conference.start < end_date and _end(conference) > start_date
        ]

    @override
    async def async_create_event(self, **kwargs: Any) -> None:
        """Create a conference with a generated access code."""
        start, duration = _span(kwargs)
        description = kwargs.get(EVENT_DESCRIPTION) or ""
        await async_create(self.runtime, kwargs[EVENT_SUMMARY], start, duration, description=description)

    @override
    async def async_update_event(
        self,
        uid: str,
        event: dict[str, Any],
        recurrence_id: str | None = None,
        recurrence_range: str | None = None,
    ) -> None:
        """Change name, description, and time of a conference; its access code stays."""
        start, duration = _span(event)
        changes: dict[str, object] = {"name": event[EVENT_SUMMARY], "start": start, "duration": duration}
        if (description := event.get(EVENT_DESCRIPTION)) is not None:
            changes["description"] = description
        await async_update(self.runtime, uid, **changes)

    @override
    async def async_delete_event(
        self, uid: str, recurrence_id: str | None = None, recurrence_range: str | None = None
    ) -> None:
        """Delete a conference."""
        await async_delete(self.runtime, uid)

    @property
    def _by_start(self) -> list[Conference]:
        conferences = self.coordinator.data.conferences or {}
        return sorted(conferences.values(), key=lambda conference: (conference.start, conference.id))


def _end(conference: Conference) -> datetime:
    return conference.start + conference.duration


def _event(conference: Conference) -> CalendarEvent:
    """Return a conference as a calendar event, without its access code."""
    start, end = dt_util.as_local(conference.start), dt_util.as_local(_end(conference))
    description = conference.description or None
    return CalendarEvent(start=start, end=end, summary=conference.name, description=description, uid=conference.id)


def _span(event: dict[str, Any]) -> tuple[datetime, timedelta]:
    """Return the start in UTC and the duration of an event that the user entered."""
    if event.get(EVENT_RRULE):
        raise request_refused("conference_recurs")
    if event.get(EVENT_LOCATION):
        raise request_refused("conference_location")
    start, end = _moment(event[EVENT_START]), _moment(event[EVENT_END])
    return start, end - start


def _moment(value: date) -> datetime:
    """Return a time in UTC; for a date, the start of the day in local time."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
    return dt_util.as_utc(moment)
