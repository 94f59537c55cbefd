"""The call actions that only an extension of an MX has: make, transfer, hold, resume, and call mode."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ...helpers.errors import request_refused
from ...model.parts import CallMode, CallSession, CallState, SessionId
from ...runtime import IntercomRuntime
from ...services.base import Action, Data, Fields, Needs
from ...services.calls import (
    ATTR_DEVICE,
    ATTR_RING_DELAY,
    ATTR_SESSION,
    ATTR_VOICEMAIL_DELAY,
    LOCAL,
    REMOTE,
    SESSION,
    async_set_mode,
    mode_attributes,
)

if TYPE_CHECKING:
    from .system import MxSystem

ATTR_FROM = "from"
ATTR_MODE = "mode"
ATTR_TO = "to"

_NUMBER = vol.All(cv.string, vol.Length(min=1))
_DELAY = vol.All(cv.positive_time_period, vol.Range(max=timedelta(minutes=10)))

# Call states to which an action applies if no session is given.
_TALKING = frozenset({CallState.CONNECTED})
_WAITING = frozenset({CallState.HELD})
_ANY = frozenset(CallState)


def system_of(runtime: IntercomRuntime) -> MxSystem:
    """Return the system of an extension."""
    return cast("MxSystem", runtime.coordinator.system)


def async_find_session(
    runtime: IntercomRuntime, session: SessionId | None, states: frozenset[CallState] = _ANY
) -> SessionId:
    """Return the given session, or the only call in one of these states."""
    if session is not None:
        return session
    fitting = sorted(call.id for call in runtime.coordinator.data.calls.values() if call.state in states)
    if not fitting:
        raise request_refused("no_fitting_call", device=runtime.coordinator.name)
    if len(fitting) > 1:
        raise request_refused("which_call", device=runtime.coordinator.name, sessions=", ".join(map(str, fitting)))
    return fitting[0]


async def _transfer(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    session = async_find_session(runtime, data.get(ATTR_SESSION))
    await runtime.coordinator.async_command(
        system_of(runtime).calls.transfer(session, data[ATTR_TO], data.get(ATTR_DEVICE))
    )
    return {ATTR_SESSION: session}


async def _hold(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    session = async_find_session(runtime, data.get(ATTR_SESSION), _TALKING)
    await runtime.coordinator.async_command(system_of(runtime).calls.hold(session))
    _show(runtime, session, CallState.HELD)
    return {ATTR_SESSION: session}


async def _resume(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    session = async_find_session(runtime, data.get(ATTR_SESSION), _WAITING)
    await runtime.coordinator.async_command(system_of(runtime).calls.resume(session))
    _show(runtime, session, CallState.CONNECTED)
    return {ATTR_SESSION: session}


def _show(runtime: IntercomRuntime, session: SessionId, state: CallState) -> None:
    """Show the result of a call immediately, without waiting for an event."""
    if (call := runtime.coordinator.data.calls.get(session)) is not None:
        runtime.coordinator.async_change(calls={**runtime.coordinator.data.calls, session: replace(call, state=state)})


async def _make_call(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    origin = data.get(ATTR_FROM) or runtime.coordinator.data.extension
    if origin is None:
        raise request_refused("from_whom", device=runtime.coordinator.name)
    return {
        ATTR_SESSION: await runtime.async_dial(
            system_of(runtime).calls.make(origin, data[ATTR_TO], data.get(ATTR_DEVICE))
        ),
    }


async def _call_info(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    session = async_find_session(runtime, data.get(ATTR_SESSION))
    return {"call": _shown(await runtime.coordinator.async_command(system_of(runtime).calls.current(session)))}


def _shown(call: CallSession | None) -> JsonObjectType | None:
    if call is None:
        return None
    return {ATTR_SESSION: call.id, "direction": call.direction, "state": call.state, "peer": call.peer}


async def _assign_device(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(system_of(runtime).proxy.calls.assign(data[ATTR_DEVICE]))


async def _set_call_mode(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    mode = CallMode(
        data[ATTR_MODE] == REMOTE,
        data.get(ATTR_DEVICE),
        _seconds(data.get(ATTR_RING_DELAY)),
        _seconds(data.get(ATTR_VOICEMAIL_DELAY)),
    )
    now = await async_set_mode(runtime, mode)
    return {ATTR_MODE: REMOTE if now.remote else LOCAL, **mode_attributes(now)}


def _seconds(delay: timedelta | None) -> int | None:
    return None if delay is None else round(delay.total_seconds())


_DEVICE: Fields = {vol.Optional(ATTR_DEVICE): _NUMBER}

ACTIONS = (
    Action(
        "transfer",
        _transfer,
        Needs.CONTROL,
        {**SESSION, vol.Required(ATTR_TO): _NUMBER, **_DEVICE},
        lacking="no_call_control",
    ),
    Action("hold", _hold, Needs.CONTROL, SESSION, lacking="no_call_control"),
    Action("resume", _resume, Needs.CONTROL, SESSION, lacking="no_call_control"),
    Action(
        "make_call",
        _make_call,
        Needs.CONTROL,
        {vol.Optional(ATTR_FROM): _NUMBER, vol.Required(ATTR_TO): _NUMBER, **_DEVICE},
        lacking="no_call_control",
    ),
    Action("call_info", _call_info, Needs.READ, SESSION, lacking="no_call_control"),
    Action(
        "assign_device", _assign_device, Needs.CONTROL, {vol.Required(ATTR_DEVICE): _NUMBER}, lacking="no_call_control"
    ),
    Action(
        "set_call_mode",
        _set_call_mode,
        Needs.CONTROL,
        {
            vol.Required(ATTR_MODE): vol.In((LOCAL, REMOTE)),
            **_DEVICE,
            vol.Optional(ATTR_RING_DELAY): _DELAY,
            vol.Optional(ATTR_VOICEMAIL_DELAY): _DELAY,
        },
        lacking="no_call_modes",
    ),
)
