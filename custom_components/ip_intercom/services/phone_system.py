"""Actions of an extension of a phone system: call control, phone book, voicemails, push tokens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.parts import CallMode, CallSession, CallState, SessionId, Voicemail, VoicemailId
from ..model.telephony import CallControl, Contact, PhoneBook, PushTokens, Voicemails
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .calls import ATTR_DEVICE, ATTR_SESSION, SESSION
from .captures import async_save
from .files import TARGET

ATTR_FROM = "from"
ATTR_MODE = "mode"
ATTR_RING_DELAY = "ring_delay"
ATTR_TO = "to"
ATTR_VOICEMAIL_DELAY = "voicemail_delay"

LOCAL = "local"
REMOTE = "remote"

_NUMBER = vol.All(cv.string, vol.Length(min=1))
_DELAY = vol.All(cv.positive_time_period, vol.Range(max=timedelta(minutes=10)))

# Which calls an action is for, where none is named.
_TALKING = frozenset({CallState.CONNECTED})
_WAITING = frozenset({CallState.HELD})
_ANY = frozenset(CallState)


def async_find_session(
    runtime: IntercomRuntime, session: SessionId | None, states: frozenset[CallState] = _ANY
) -> SessionId:
    """Return the call that is named, or the only one there is in one of these states."""
    if session is not None:
        return session
    fitting = sorted(call.id for call in runtime.coordinator.data.calls.values() if call.state in states)
    if not fitting:
        raise request_refused("no_fitting_call", device=runtime.coordinator.name)
    if len(fitting) > 1:
        raise request_refused("which_call", device=runtime.coordinator.name, sessions=", ".join(map(str, fitting)))
    return fitting[0]


async def async_set_mode(runtime: IntercomRuntime, mode: CallMode) -> CallMode:
    """Say where calls ring, show it, and return what came of it.

    A number that ``mode`` leaves open is the one that is suggested, or that of before.
    """
    modes = require_feature(runtime.coordinator, runtime.coordinator.features.call_modes, "no_call_modes")
    before = runtime.coordinator.data.call_mode
    if mode.remote and not mode.device:
        device = modes.suggested_device or (before and before.device)
        if not device:
            raise request_refused("no_mobile_number", device=runtime.coordinator.name)
        mode = replace(mode, device=device)
    now = await runtime.coordinator.async_command(modes.set_mode(mode))
    if before is not None and now.device is None:
        now = replace(now, device=before.device)  # the desk needs none, but the next change may
    runtime.coordinator.async_change(call_mode=now)
    return now


def mode_attributes(mode: CallMode) -> Mapping[str, str | int | None]:
    """Return what belongs to a mode: the number that rings, and delays in seconds."""
    return {
        ATTR_DEVICE: mode.device,
        ATTR_RING_DELAY: mode.ring_delay,
        ATTR_VOICEMAIL_DELAY: mode.voicemail_delay,
    }


def _control(runtime: IntercomRuntime) -> CallControl:
    return require_feature(runtime.coordinator, runtime.coordinator.features.call_control, "no_call_control")


async def _transfer(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    control = _control(runtime)
    session = async_find_session(runtime, data.get(ATTR_SESSION))
    await runtime.coordinator.async_command(control.transfer(session, data[ATTR_TO], data.get(ATTR_DEVICE)))
    return {ATTR_SESSION: session}


async def _hold(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    control = _control(runtime)
    session = async_find_session(runtime, data.get(ATTR_SESSION), _TALKING)
    await runtime.coordinator.async_command(control.hold(session))
    _show(runtime, session, CallState.HELD)
    return {ATTR_SESSION: session}


async def _resume(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    control = _control(runtime)
    session = async_find_session(runtime, data.get(ATTR_SESSION), _WAITING)
    await runtime.coordinator.async_command(control.resume(session))
    _show(runtime, session, CallState.CONNECTED)
    return {ATTR_SESSION: session}


def _show(runtime: IntercomRuntime, session: SessionId, state: CallState) -> None:
    """Show the result of a call immediately, without waiting for an event."""
    if (call := runtime.coordinator.data.calls.get(session)) is not None:
        runtime.coordinator.async_change(calls={**runtime.coordinator.data.calls, session: replace(call, state=state)})


async def _make_call(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    control = _control(runtime)
    origin = data.get(ATTR_FROM) or runtime.coordinator.data.extension
    if origin is None:
        raise request_refused("from_whom", device=runtime.coordinator.name)
    return {
        ATTR_SESSION: await runtime.async_dial(control.make(origin, data[ATTR_TO], data.get(ATTR_DEVICE))),
    }


async def _call_info(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    control = _control(runtime)
    session = async_find_session(runtime, data.get(ATTR_SESSION))
    return {"call": _shown(await runtime.coordinator.async_command(control.look(session)))}


def _shown(call: CallSession | None) -> JsonObjectType | None:
    if call is None:
        return None
    return {ATTR_SESSION: call.id, "direction": call.direction, "state": call.state, "peer": call.peer}


async def _assign_device(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_control(runtime).assign_device(data[ATTR_DEVICE]))


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

_CALL_CONTROL_ACTIONS = (
    Action("transfer", _transfer, Needs.CONTROL, {**SESSION, vol.Required(ATTR_TO): _NUMBER, **_DEVICE}),
    Action("hold", _hold, Needs.CONTROL, SESSION),
    Action("resume", _resume, Needs.CONTROL, SESSION),
    Action(
        "make_call",
        _make_call,
        Needs.CONTROL,
        {vol.Optional(ATTR_FROM): _NUMBER, vol.Required(ATTR_TO): _NUMBER, **_DEVICE},
    ),
    Action("call_info", _call_info, Needs.READ, SESSION),
    Action("assign_device", _assign_device, Needs.CONTROL, {vol.Required(ATTR_DEVICE): _NUMBER}),
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
    ),
)


ATTR_FILTER = "filter"


def _phone_book(runtime: IntercomRuntime) -> PhoneBook:
    return require_feature(runtime.coordinator, runtime.coordinator.features.phone_book, "no_phone_book")


async def _contacts(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    contacts = await runtime.coordinator.async_command(_phone_book(runtime).contacts())
    wanted = data.get(ATTR_FILTER, "").casefold()
    shown = [
        {
            "id": contact.id,
            "name": contact.name,
            "extension": contact.extension,
            "numbers": dict(contact.numbers or {}),
            "email": contact.email,
        }
        for contact in contacts
        if any(wanted in text.casefold() for text in _texts(contact))
    ]
    return {"contacts": cast(JsonArrayType, shown)}


def _texts(contact: Contact) -> tuple[str, ...]:
    """Return what a contact may be found by."""
    return (contact.name, contact.extension or "", contact.email or "", *(contact.numbers or {}).values())


async def _services(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    services = await runtime.coordinator.async_command(_phone_book(runtime).services())
    shown = [
        {"id": service.id, "name": service.name, "kind": service.kind, "extension": service.extension}
        for service in services
    ]
    return {"services": cast(JsonArrayType, shown)}


_PHONE_BOOK_ACTIONS = (
    Action("contacts_query", _contacts, Needs.READ, {vol.Optional(ATTR_FILTER): cv.string}),
    Action("services_query", _services, Needs.READ),
)


ATTR_NOTE = "note"
ATTR_READ = "read"
ATTR_VOICEMAIL = "voicemail"

_VOICEMAIL: Fields = {vol.Required(ATTR_VOICEMAIL): cv.string}


def _mailbox(runtime: IntercomRuntime) -> Voicemails:
    return require_feature(runtime.coordinator, runtime.coordinator.features.voicemails, "no_voicemails")


async def _async_read_again(runtime: IntercomRuntime, mailbox: Voicemails) -> None:
    async def ask() -> dict[VoicemailId, Voicemail]:
        return {voicemail.id: voicemail for voicemail in await mailbox.query()}

    await runtime.coordinator.async_read_again("voicemails", ask)


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    voicemails = await runtime.coordinator.async_command(_mailbox(runtime).query())
    shown = [
        {
            "id": voicemail.id,
            "received": voicemail.received.isoformat(),
            "duration": voicemail.duration,
            "number": voicemail.number,
            "name": voicemail.name,
            "read": voicemail.read,
            "note": voicemail.note,
        }
        for voicemail in reversed(voicemails)
    ]
    return {"voicemails": cast(JsonArrayType, shown)}


async def _update(runtime: IntercomRuntime, data: Data) -> None:
    mailbox = _mailbox(runtime)
    await runtime.coordinator.async_command(
        mailbox.mark(data[ATTR_VOICEMAIL], read=data.get(ATTR_READ), note=data.get(ATTR_NOTE))
    )
    await _async_read_again(runtime, mailbox)


async def _delete(runtime: IntercomRuntime, data: Data) -> None:
    mailbox = _mailbox(runtime)
    await runtime.coordinator.async_command(mailbox.delete(data[ATTR_VOICEMAIL]))
    await _async_read_again(runtime, mailbox)


async def _download(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _mailbox(runtime).open(data[ATTR_VOICEMAIL]), data)


# What is deleted is gone, and a file may be read by others: for administrators.
_VOICEMAILS_ACTIONS = (
    Action("voicemail_query", _query, Needs.READ),
    Action(
        "voicemail_update",
        _update,
        Needs.CONTROL,
        {**_VOICEMAIL, vol.Optional(ATTR_READ): cv.boolean, vol.Optional(ATTR_NOTE): cv.string},
        rules=(cv.has_at_least_one_key(ATTR_READ, ATTR_NOTE),),
    ),
    Action("voicemail_delete", _delete, Needs.ADMIN, _VOICEMAIL),
    Action("voicemail_download", _download, Needs.ADMIN, {**_VOICEMAIL, **TARGET}),
)


ATTR_KIND = "kind"
ATTR_SANDBOX = "sandbox"
ATTR_TOKEN = "token"
ATTR_TOPIC = "topic"

KINDS = ("apn", "fcm")

_TOKEN: Fields = {
    vol.Required(ATTR_KIND): vol.In(KINDS),
    vol.Required(ATTR_TOPIC): cv.string,
    vol.Required(ATTR_TOKEN): cv.string,
    vol.Optional(ATTR_SANDBOX, default=False): cv.boolean,
}


def _tokens(runtime: IntercomRuntime) -> PushTokens:
    return require_feature(runtime.coordinator, runtime.coordinator.features.push_tokens, "no_push_tokens")


async def _add(runtime: IntercomRuntime, data: Data) -> None:
    adding = _tokens(runtime).add(data[ATTR_KIND], data[ATTR_TOPIC], data[ATTR_TOKEN], data[ATTR_SANDBOX])
    await runtime.coordinator.async_command(adding)


async def _remove(runtime: IntercomRuntime, data: Data) -> None:
    removing = _tokens(runtime).remove(data[ATTR_KIND], data[ATTR_TOPIC], data[ATTR_TOKEN], data[ATTR_SANDBOX])
    await runtime.coordinator.async_command(removing)


_PUSH_TOKENS_ACTIONS = (
    Action("push_token_add", _add, Needs.ADMIN, _TOKEN),
    Action("push_token_remove", _remove, Needs.ADMIN, _TOKEN),
)


ACTIONS = (*_CALL_CONTROL_ACTIONS, *_PHONE_BOOK_ACTIONS, *_VOICEMAILS_ACTIONS, *_PUSH_TOKENS_ACTIONS)
