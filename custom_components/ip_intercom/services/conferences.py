"""Conferences: scheduling them, inviting to them, and connecting a participant."""

from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
import re
from typing import Any, cast

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.parts import Conference, ConferenceId
from ..model.telephony import Conferences, Invitation
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .calls import ATTR_SESSION, SESSION
from .phone_system import async_find_session

ATTR_ACCESS_CODE = "access_code"
ATTR_CONFERENCE = "conference"
ATTR_DESCRIPTION = "description"
ATTR_DURATION = "duration"
ATTR_ENDS_WITH_OWNER = "ends_with_owner"
ATTR_NAME = "name"
ATTR_OWNER_SESSION = "owner_session"
ATTR_START = "start"
ATTR_WAIT_FOR_OWNER = "wait_for_owner"

_CONFERENCE: Fields = {vol.Required(ATTR_CONFERENCE): cv.string}
_NAME = vol.All(cv.string, vol.Length(min=1))
# Planned in whole minutes.
_DURATION = vol.All(cv.positive_time_period, vol.Range(min=timedelta(minutes=1), max=timedelta(days=31)))
_CODE: Fields = {vol.Optional(ATTR_ACCESS_CODE): vol.All(vol.Coerce(int), vol.Range(min=1, max=999_999_999))}

# What an invitation leaves open.
_BLANK = re.compile(r"%([A-Za-z]+)%")


def async_conferences(runtime: IntercomRuntime) -> Conferences:
    """Return the conferences of a device."""
    return require_feature(runtime.coordinator, runtime.coordinator.features.conferences, "no_conferences")


async def async_create(
    runtime: IntercomRuntime,
    name: str,
    start: datetime,
    duration: timedelta,
    access_code: int | None = None,
    description: str = "",
) -> Conference:
    """Plan a conference and show it."""
    conferences = async_conferences(runtime)
    return await _async_change(runtime, conferences.create(name, start, duration, access_code, description))


async def async_update(runtime: IntercomRuntime, conference: ConferenceId, **changes: object) -> Conference:
    """Change fields of a conference of our own, and show it."""
    conferences = async_conferences(runtime)
    before = await _async_find_own(runtime, conference)
    after = replace(before, **changes)  # type: ignore[arg-type]
    return await _async_change(runtime, conferences.update(after))


async def async_delete(runtime: IntercomRuntime, conference: ConferenceId) -> None:
    """Delete a conference of our own."""
    conferences = async_conferences(runtime)
    await _async_find_own(runtime, conference)
    await _async_change(runtime, conferences.delete(conference))


async def _async_find(runtime: IntercomRuntime, conference: ConferenceId) -> Conference:
    # Read again: do not undo what others have changed meanwhile.
    for known in await runtime.coordinator.async_command(async_conferences(runtime).query()):
        if known.id == conference:
            return known
    raise request_refused("no_such_conference", device=runtime.coordinator.name)


async def _async_find_own(runtime: IntercomRuntime, conference: ConferenceId) -> Conference:
    found = await _async_find(runtime, conference)
    if not found.own:
        raise request_refused("foreign_conference", name=found.name)
    return found


async def _async_change[T](runtime: IntercomRuntime, command: Coroutine[Any, Any, T]) -> T:
    """Run a command that changes conferences, and read them again."""
    try:
        result = await runtime.coordinator.async_command(command)
    except HomeAssistantError:
        runtime.coordinator.async_read_soon()  # it may have happened all the same
        raise

    async def ask() -> dict[ConferenceId, Conference]:
        return {conference.id: conference for conference in await async_conferences(runtime).query()}

    await runtime.coordinator.async_read_again("conferences", ask)
    return result


def render(invitation: Invitation, conference: Conference) -> dict[str, str]:
    """Return the texts of an invitation with everything filled in; times as they are here."""
    start = dt_util.as_local(conference.start)
    hours, minutes = divmod(conference.duration // timedelta(minutes=1), 60)
    values = {
        "date": f"{start:%Y-%m-%d}",
        "time": f"{start:%H:%M}",
        "timezone": start.tzname() or "",
        "subject": conference.name,
        "duration": f"{hours}:{minutes:02}",
        "id": str(conference.access_code),
        "did": invitation.number or "",
        "extension": invitation.extension or "",
    }

    def fill(text: str) -> str:
        return _BLANK.sub(lambda blank: values.get(blank[1].lower(), blank[0]), text)

    return {
        "subject": fill(invitation.subject),
        "body": fill(invitation.body),
        "meeting": fill(invitation.meeting),
    }


def _shown(conference: Conference, *, code: bool) -> JsonObjectType:
    """Return a conference for a response, with or without what lets people in."""
    shown: JsonObjectType = {
        "id": conference.id,
        "name": conference.name,
        "start": conference.start.isoformat(),
        "duration": conference.duration // timedelta(minutes=1),
        "own": conference.own,
        "wait_for_owner": conference.wait_for_owner,
        "ends_with_owner": conference.ends_with_owner,
        "description": conference.description,
    }
    return shown | {ATTR_ACCESS_CODE: conference.access_code} if code else shown


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    conferences = await runtime.coordinator.async_command(async_conferences(runtime).query())
    return {"conferences": cast(JsonArrayType, [_shown(conference, code=True) for conference in conferences])}


async def _invitation(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    conferences = async_conferences(runtime)
    conference = await _async_find(runtime, data[ATTR_CONFERENCE])
    invitation = await runtime.coordinator.async_command(conferences.invitation())
    return {**render(invitation, conference), "extension": invitation.extension, "number": invitation.number}


async def _create(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    start = dt_util.as_utc(data[ATTR_START])
    conference = await async_create(
        runtime,
        data[ATTR_NAME],
        start,
        data[ATTR_DURATION],
        data.get(ATTR_ACCESS_CODE),
        data.get(ATTR_DESCRIPTION, ""),
    )
    return _shown(conference, code=True)


async def _update(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    changes = {key: data[key] for key in _CHANGES if key in data}
    if ATTR_START in changes:
        changes[ATTR_START] = dt_util.as_utc(changes[ATTR_START])
    return _shown(await async_update(runtime, data[ATTR_CONFERENCE], **changes), code=False)


async def _delete(runtime: IntercomRuntime, data: Data) -> None:
    await async_delete(runtime, data[ATTR_CONFERENCE])


async def _join(runtime: IntercomRuntime, data: Data) -> None:
    joining = async_conferences(runtime).join(data[ATTR_CONFERENCE], data.get(ATTR_ACCESS_CODE))
    await runtime.coordinator.async_command(joining)


async def _from_call(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    conferences = async_conferences(runtime)
    session = async_find_session(runtime, data.get(ATTR_SESSION))
    owner = data.get(ATTR_OWNER_SESSION, session)
    await runtime.coordinator.async_command(conferences.from_call(session, owner))
    return {ATTR_SESSION: session, ATTR_OWNER_SESSION: owner}


_CHANGES = (
    ATTR_NAME,
    ATTR_DESCRIPTION,
    ATTR_START,
    ATTR_DURATION,
    ATTR_ACCESS_CODE,
    ATTR_WAIT_FOR_OWNER,
    ATTR_ENDS_WITH_OWNER,
)

# A code gives access to a conference: only administrators and the person who has just created it get it.
ACTIONS = (
    Action("conference_query", _query, Needs.ADMIN),
    Action("conference_invitation", _invitation, Needs.ADMIN, _CONFERENCE),
    Action(
        "conference_create",
        _create,
        Needs.CONTROL,
        {
            vol.Required(ATTR_NAME): _NAME,
            vol.Required(ATTR_START): cv.datetime,
            vol.Required(ATTR_DURATION): _DURATION,
            vol.Optional(ATTR_DESCRIPTION): cv.string,
            **_CODE,
        },
    ),
    Action(
        "conference_update",
        _update,
        Needs.CONTROL,
        {
            **_CONFERENCE,
            vol.Optional(ATTR_NAME): _NAME,
            vol.Optional(ATTR_START): cv.datetime,
            vol.Optional(ATTR_DURATION): _DURATION,
            vol.Optional(ATTR_DESCRIPTION): cv.string,
            **_CODE,
            vol.Optional(ATTR_WAIT_FOR_OWNER): cv.boolean,
            vol.Optional(ATTR_ENDS_WITH_OWNER): cv.boolean,
        },
        rules=(cv.has_at_least_one_key(*_CHANGES),),
    ),
    Action("conference_delete", _delete, Needs.CONTROL, _CONFERENCE),
    Action("conference_join", _join, Needs.CONTROL, {**_CONFERENCE, **_CODE}),
    Action(
        "conference_from_call",
        _from_call,
        Needs.CONTROL,
        {**SESSION, vol.Optional(ATTR_OWNER_SESSION): cv.positive_int},
    ),
)
