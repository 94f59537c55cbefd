"""Call actions: dial, answer, hang up, call mode, the call log, and conferences."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.devices import parts_around, place_names
from ..helpers.errors import request_refused, translated_error
from ..model.features import CallControl, Calls, Conferences
from ..model.functions import CallLog
from ..model.parts import CallMode, CallSession, CallState, Conference, ConferenceId, Direction, PlaceId, SessionId
from ..model.talk import CalledTalk
from ..runtime import IntercomRuntime
from .base import TEXTS, Action, Data, Fields, Needs, target_place

ATTR_ALL = "all"
ATTR_ASSIGN_DEVICE = "assign_device"
ATTR_DEVICE = "device"
ATTR_NUMBER = "number"
ATTR_REASON = "reason"
ATTR_RECORDS = "records"
ATTR_RING_DELAY = "ring_delay"
ATTR_SESSION = "session"
ATTR_TIMEOUT = "timeout"
ATTR_USERS = "users"
ATTR_VOICEMAIL_DELAY = "voicemail_delay"

# Call modes: the desk phone only, or a second phone as well.
LOCAL = "local"
REMOTE = "remote"

# Records of a log by id, or explicitly all: an empty call must not clear the log.
RECORDS_OR_ALL: Fields = {
    vol.Exclusive(ATTR_RECORDS, "records"): vol.All(TEXTS, vol.Length(min=1)),
    vol.Exclusive(ATTR_ALL, "records"): vol.Equal(True),
}
ONE_OR_ALL = (cv.has_at_least_one_key(ATTR_RECORDS, ATTR_ALL),)

HANG_UP_REASONS = ("normal", "rejected", "busy")
SESSION: Fields = {vol.Optional(ATTR_SESSION): cv.positive_int}
# The range of the answer timeout, and its default.
_ANSWER_TIMEOUTS = timedelta(seconds=1), timedelta(minutes=5)
_ANSWER_TIMEOUT = timedelta(seconds=30)

# Seconds between checks whether a call ended: devices may report success and continue to ring.
_CHECK_DELAYS = (0.1, 0.4, 1.0, 2.0)


async def async_dial(runtime: IntercomRuntime, number: str | None, users: list[str]) -> SessionId:
    """Call a number or directory entries, and return the session."""
    return await runtime.async_dial(_calls(runtime).dial(number, users))


async def async_answer(
    runtime: IntercomRuntime, session: SessionId | None = None, place: PlaceId | None = None
) -> SessionId:
    """Answer a ringing incoming call, by default the first one at a place, and return its session."""
    calls = _calls(runtime)
    if session is None:
        session = await _async_find_ringing(runtime, place)
    await runtime.coordinator.async_command(calls.answer(session))
    return session


async def async_answer_at(
    runtime: IntercomRuntime, session: SessionId | None, device: str, timeout: timedelta, assign: bool
) -> SessionId:
    """Answer a call at a given SIP device, otherwise as ``async_answer``."""
    control = _control(runtime)
    if session is None:
        session = await _async_find_ringing(runtime)
    await runtime.coordinator.async_command(control.answer_at(session, device, timeout, assign))
    return session


async def _async_find_ringing(runtime: IntercomRuntime, place: PlaceId | None = None) -> SessionId:
    talk = runtime.coordinator.features.talk
    # A device that calls Home Assistant reports the call of its visitor as outgoing.
    called = isinstance(talk, CalledTalk) and talk.is_ringing

    def is_ringing(call: CallSession) -> bool:
        if call.state is CallState.RINGING and call.direction is Direction.INCOMING:
            return True
        return called and call.state in {CallState.CONNECTING, CallState.RINGING}

    return (await _async_find_calls(runtime, is_ringing, place, "no_incoming_call"))[0]


async def _async_find_calls(
    runtime: IntercomRuntime, fits: Callable[[CallSession], bool], place: PlaceId | None, lack: str
) -> list[SessionId]:
    """Return the calls at one door: that of the place, or the only one with a call; raise the error ``lack`` without any."""
    coordinator = runtime.coordinator
    in_progress = await coordinator.async_command(_calls(runtime).in_progress())
    places, bells = coordinator.data.places, coordinator.data.bells
    there = parts_around(place, places, {bell.id: bell.place for bell in bells.values()})
    found = [call for call in in_progress.values() if fits(call) and (call.bell is None or call.bell in there)]
    names = place_names(places)
    if not found:
        raise request_refused(lack, device=names.get(place or "", coordinator.name))
    if len({call.bell for call in found}) > 1:
        at = {bell.id: names.get(bell.place or "", bell.id) for bell in bells.values()}
        listed = ", ".join(
            f"{at.get(call.bell or '', call.peer)} ({call.id})" for call in sorted(found, key=lambda call: call.id)
        )
        raise request_refused("which_door", device=coordinator.name, calls=listed)
    return [call.id for call in found]


async def async_hang_up(
    runtime: IntercomRuntime,
    session: SessionId | None = None,
    reason: str | None = None,
    place: PlaceId | None = None,
) -> list[SessionId]:
    """End a call, or all calls at a place, verify that they ended, and return their sessions."""
    calls = _calls(runtime)
    sessions = [session] if session is not None else await _async_find_calls(runtime, lambda _: True, place, "no_call")
    for ending in sessions:
        try:
            await runtime.coordinator.async_command(calls.hang_up(ending, reason))
        except HomeAssistantError as err:
            # When ending all calls, one that has already ended is no error.
            if session is not None or err.translation_key != "no_such_call":
                raise
    for delay in _CHECK_DELAYS:
        await asyncio.sleep(delay)
        if not set(sessions) & set(await runtime.coordinator.async_command(calls.in_progress())):
            return sessions
    raise translated_error(HomeAssistantError, "call_goes_on", device=runtime.coordinator.name)


async def async_clear_missed(runtime: IntercomRuntime) -> None:
    """Reset the count of missed calls."""
    _control(runtime, "no_missed_calls").clear_missed()
    runtime.coordinator.async_change(missed_calls=0)


async def async_set_mode(runtime: IntercomRuntime, mode: CallMode) -> CallMode:
    """Set the call mode, publish it, and return the resulting mode.

    A missing number in ``mode`` defaults to the suggested or the previous one.
    """
    control = _control(runtime, "no_call_modes")
    before = runtime.coordinator.data.call_mode
    if mode.remote and not mode.device:
        device = control.suggested_device or (before and before.device)
        if not device:
            raise request_refused("no_mobile_number", device=runtime.coordinator.name)
        mode = replace(mode, device=device)
    now = await runtime.coordinator.async_command(control.set_mode(mode))
    if before is not None and now.device is None:
        now = replace(now, device=before.device)  # kept for the next change to remote
    runtime.coordinator.async_change(call_mode=now)
    return now


def mode_attributes(mode: CallMode) -> Mapping[str, str | int | None]:
    """Return the attributes of a mode: the number of the second phone, and the delays in seconds."""
    return {
        ATTR_DEVICE: mode.device,
        ATTR_RING_DELAY: mode.ring_delay,
        ATTR_VOICEMAIL_DELAY: mode.voicemail_delay,
    }


def _calls(runtime: IntercomRuntime) -> Calls:
    return require_feature(runtime.coordinator, runtime.coordinator.features.calls, "no_calls")


def _control(runtime: IntercomRuntime, lack: str = "no_call_control") -> CallControl:
    return require_feature(runtime.coordinator, runtime.coordinator.features.call_control, lack)


def _call_log(runtime: IntercomRuntime) -> CallLog:
    return require_feature(runtime.coordinator, runtime.coordinator.features.call_log, "no_call_log")


async def _dial(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {ATTR_SESSION: await async_dial(runtime, data.get(ATTR_NUMBER), data.get(ATTR_USERS, []))}


async def _answer(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    session = data.get(ATTR_SESSION)
    if (device := data.get(ATTR_DEVICE)) is None:
        return {ATTR_SESSION: await async_answer(runtime, session, target_place(runtime.coordinator, data))}
    timeout, assign = data.get(ATTR_TIMEOUT, _ANSWER_TIMEOUT), data.get(ATTR_ASSIGN_DEVICE, False)
    return {ATTR_SESSION: await async_answer_at(runtime, session, device, timeout, assign)}


async def _hang_up(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    session, reason = data.get(ATTR_SESSION), data.get(ATTR_REASON)
    return {"sessions": list(await async_hang_up(runtime, session, reason, target_place(runtime.coordinator, data)))}


def _require_device(data: dict[str, Any]) -> dict[str, Any]:
    """Reject fields that require a device if there is none."""
    if ATTR_DEVICE not in data and not data.keys().isdisjoint({ATTR_TIMEOUT, ATTR_ASSIGN_DEVICE}):
        raise vol.Invalid(f"{ATTR_TIMEOUT} and {ATTR_ASSIGN_DEVICE} need a {ATTR_DEVICE}")
    return data


async def _query_log(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    records = await runtime.coordinator.async_command(_call_log(runtime).query())
    calls = [
        {
            "id": record.id,
            "type": record.type,
            "time": None if record.time is None else record.time.isoformat(),
            "name": record.name,
            "duration": record.duration,
        }
        | ({} if record.number is None else {"number": record.number})
        for record in records
    ]
    return {"calls": cast(JsonArrayType, calls)}


async def _delete_log(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    log = _call_log(runtime)
    try:
        for record in data.get(ATTR_RECORDS) or [None]:
            await runtime.coordinator.async_command(log.delete(record))
    finally:  # some records may be deleted although one failed
        await runtime.coordinator.async_read_last_call()
    return {"left": len(await runtime.coordinator.async_command(log.query()))}


ACTIONS = (
    Action(
        "dial",
        _dial,
        Needs.CONTROL,
        {vol.Exclusive(ATTR_NUMBER, "callee"): cv.string, vol.Exclusive(ATTR_USERS, "callee"): TEXTS},
        rules=(cv.has_at_least_one_key(ATTR_NUMBER, ATTR_USERS),),
    ),
    Action(
        "answer",
        _answer,
        Needs.CONTROL,
        {
            **SESSION,
            vol.Optional(ATTR_DEVICE): cv.string,
            vol.Optional(ATTR_TIMEOUT): vol.All(cv.positive_time_period, vol.Range(*_ANSWER_TIMEOUTS)),
            vol.Optional(ATTR_ASSIGN_DEVICE): cv.boolean,
        },
        rules=(_require_device,),
    ),
    Action("hang_up", _hang_up, Needs.CONTROL, {**SESSION, vol.Optional(ATTR_REASON): vol.In(HANG_UP_REASONS)}),
    Action("call_log_query", _query_log, Needs.READ),
    Action("call_log_delete", _delete_log, Needs.ADMIN, RECORDS_OR_ALL, rules=ONE_OR_ALL),
)


def _conferences(runtime: IntercomRuntime) -> Conferences:
    return require_feature(runtime.coordinator, runtime.coordinator.features.conferences, "no_conferences")


async def async_create(
    runtime: IntercomRuntime,
    name: str,
    start: datetime,
    duration: timedelta,
    access_code: int | None = None,
    description: str = "",
) -> Conference:
    """Create a conference and publish it."""
    conferences = _conferences(runtime)
    return await _async_change(runtime, conferences.create(name, start, duration, access_code, description))


async def async_update(runtime: IntercomRuntime, conference: ConferenceId, **changes: object) -> Conference:
    """Change fields of a conference of the user, and publish it."""
    conferences = _conferences(runtime)
    before = await _async_find_own(runtime, conference)
    after = replace(before, **changes)  # type: ignore[arg-type]
    return await _async_change(runtime, conferences.update(after))


async def async_delete(runtime: IntercomRuntime, conference: ConferenceId) -> None:
    """Delete a conference of the user."""
    conferences = _conferences(runtime)
    await _async_find_own(runtime, conference)
    await _async_change(runtime, conferences.delete(conference))


async def async_find(runtime: IntercomRuntime, conference: ConferenceId) -> Conference:
    """Read a conference."""
    # Read again, so that an update does not revert changes by other clients.
    for known in await runtime.coordinator.async_command(_conferences(runtime).query()):
        if known.id == conference:
            return known
    raise request_refused("no_such_conference", device=runtime.coordinator.name)


async def _async_find_own(runtime: IntercomRuntime, conference: ConferenceId) -> Conference:
    found = await async_find(runtime, conference)
    if not found.own:
        raise request_refused("foreign_conference", name=found.name)
    return found


async def _async_change[T](runtime: IntercomRuntime, command: Coroutine[Any, Any, T]) -> T:
    """Run a command that changes conferences, and read them again."""
    try:
        result = await runtime.coordinator.async_command(command)
    except HomeAssistantError:
        runtime.coordinator.async_read_soon()  # the change may have been made
        raise

    async def ask() -> dict[ConferenceId, Conference]:
        return {conference.id: conference for conference in await _conferences(runtime).query()}

    await runtime.coordinator.async_read_part("conferences", ask)
    return result
