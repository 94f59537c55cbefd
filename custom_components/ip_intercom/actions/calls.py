"""Calls: which call is meant, whether the device did what it said, and the log of them."""

import asyncio
from typing import cast

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..coordinator import IntercomCoordinator
from ..entity import need
from ..exceptions import refused, told
from ..facets import Calls
from ..functions import CallLog
from ..model import CallState, Direction, SessionId
from .action import TEXTS, Action, Data, Fields

ATTR_ALL = "all"
ATTR_NUMBER = "number"
ATTR_REASON = "reason"
ATTR_RECORDS = "records"
ATTR_SESSION = "session"
ATTR_USERS = "users"

# Records of a log by their ids, or all of them; a slip must not empty it.
RECORDS_OR_ALL: Fields = {
    vol.Exclusive(ATTR_RECORDS, "records"): vol.All(TEXTS, vol.Length(min=1)),
    vol.Exclusive(ATTR_ALL, "records"): vol.Equal(True),
}
ONE_OR_ALL = (cv.has_at_least_one_key(ATTR_RECORDS, ATTR_ALL),)

HANG_UP_REASONS = ("normal", "rejected", "busy")
_SESSION: Fields = {vol.Optional(ATTR_SESSION): cv.positive_int}

# Seconds between looks whether a call has ended: devices answer success and go on ringing.
_LOOKS = (0.1, 0.4, 1.0, 2.0)


async def async_dial(coordinator: IntercomCoordinator, number: str | None, users: list[str]) -> SessionId:
    """Call a number or directory entries and return the session.

    Raises:
        HomeAssistantError: The intercom cannot or will not call.
    """
    _calls(coordinator)
    return await coordinator.async_dial(number, users)


async def async_answer(coordinator: IntercomCoordinator, session: SessionId | None = None) -> SessionId:
    """Answer a call that comes in and rings, by default the only one, and return its session.

    Raises:
        ServiceValidationError: There is none.
        HomeAssistantError: The intercom refuses.
    """
    calls = _calls(coordinator)
    if session is None:
        in_progress = await coordinator.async_command(calls.in_progress())
        session = next(
            (
                call.id
                for call in in_progress.values()
                if call.direction is Direction.INCOMING and call.state is CallState.RINGING
            ),
            None,
        )
        if session is None:
            raise refused("no_incoming_call", device=coordinator.name)
    await coordinator.async_command(calls.answer(session))
    return session


async def async_hang_up(
    coordinator: IntercomCoordinator, session: SessionId | None = None, reason: str | None = None
) -> list[SessionId]:
    """End a call, or all there are, see that they did end, and return their sessions.

    Raises:
        ServiceValidationError: There is none.
        HomeAssistantError: The intercom refuses, or says it did and goes on.
    """
    calls = _calls(coordinator)
    if session is not None:
        sessions = [session]
    elif not (sessions := list(await coordinator.async_command(calls.in_progress()))):
        raise refused("no_call", device=coordinator.name)
    for ending in sessions:
        await coordinator.async_command(calls.hang_up(ending, reason))
    for delay in _LOOKS:
        await asyncio.sleep(delay)
        if not set(sessions) & set(await coordinator.async_command(calls.in_progress())):
            return sessions
    raise told(HomeAssistantError, "call_goes_on", device=coordinator.name)


def _calls(coordinator: IntercomCoordinator) -> Calls:
    return need(coordinator, coordinator.facets.calls, "no_calls")


def _call_log(coordinator: IntercomCoordinator) -> CallLog:
    return need(coordinator, coordinator.facets.call_log, "no_call_log")


async def _dial(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    return {ATTR_SESSION: await async_dial(coordinator, data.get(ATTR_NUMBER), data.get(ATTR_USERS, []))}


async def _answer(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    return {ATTR_SESSION: await async_answer(coordinator, data.get(ATTR_SESSION))}


async def _hang_up(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    return {"sessions": list(await async_hang_up(coordinator, data.get(ATTR_SESSION), data.get(ATTR_REASON)))}


async def _query_log(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    records = await coordinator.async_command(_call_log(coordinator).query())
    calls = [
        {
            "id": record.id,
            "type": record.type,
            "time": None if record.time is None else record.time.isoformat(),
            "name": record.name,
            "duration": record.duration,
        }
        for record in records
    ]
    return {"calls": cast(JsonArrayType, calls)}


async def _delete_log(coordinator: IntercomCoordinator, data: Data) -> JsonObjectType:
    log = _call_log(coordinator)
    try:
        for record in data.get(ATTR_RECORDS) or [None]:
            await coordinator.async_command(log.delete(record))
    finally:  # some may be gone although another was refused
        await coordinator.async_read_last_call()
    return {"left": len(await coordinator.async_command(log.query()))}


ACTIONS = (
    Action(
        "dial",
        _dial,
        {vol.Exclusive(ATTR_NUMBER, "callee"): cv.string, vol.Exclusive(ATTR_USERS, "callee"): TEXTS},
        rules=(cv.has_at_least_one_key(ATTR_NUMBER, ATTR_USERS),),
    ),
    Action("answer", _answer, _SESSION),
    Action("hang_up", _hang_up, {**_SESSION, vol.Optional(ATTR_REASON): vol.In(HANG_UP_REASONS)}),
    Action("call_log_query", _query_log),
    Action("call_log_delete", _delete_log, RECORDS_OR_ALL, admin=True, rules=ONE_OR_ALL),
)
