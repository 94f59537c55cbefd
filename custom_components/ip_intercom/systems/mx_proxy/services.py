"""The actions that only an extension of an MX has: contacts, voicemails, conferences, push tokens, and calls."""

from datetime import timedelta
import re
from typing import TYPE_CHECKING, cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ...entity import require_feature
from ...model.parts import Conference, Voicemail, VoicemailId
from ...runtime import IntercomRuntime
from ...services.base import Action, Data, Fields, Needs
from ...services.calls import ATTR_SESSION, SESSION, async_create, async_delete, async_find, async_update
from ...services.files import TARGET, async_save
from . import call_services
from .call_services import async_find_session, system_of

if TYPE_CHECKING:
    from .calls import MxConferences
    from .client import ConferenceSettings, Contact
    from .records import MxVoicemails

ATTR_FILTER = "filter"


async def _contacts(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    contacts = await runtime.coordinator.async_command(system_of(runtime).book.contacts())
    wanted = data.get(ATTR_FILTER, "").casefold()
    shown = [
        {
            "id": contact.jid,
            "name": contact.name,
            "extension": contact.extension,
            "numbers": contact.numbers,
            "email": contact.email,
        }
        for contact in contacts
        if any(wanted in text.casefold() for text in _texts(contact))
    ]
    return {"contacts": cast(JsonArrayType, shown)}


def _texts(contact: Contact) -> tuple[str, ...]:
    """Return the searchable texts of a contact."""
    return (contact.name, contact.extension or "", contact.email or "", *contact.numbers.values())


async def _services(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    services = await runtime.coordinator.async_command(system_of(runtime).proxy.directory.services())
    shown = [
        {
            "id": service.id or "",
            "name": service.name or "",
            "kind": service.type,
            "extension": service.extension,
        }
        for service in services
    ]
    return {"services": cast(JsonArrayType, shown)}


_PHONE_BOOK_ACTIONS = (
    Action("contacts_query", _contacts, Needs.READ, {vol.Optional(ATTR_FILTER): cv.string}, lacking="no_phone_book"),
    Action("services_query", _services, Needs.READ, lacking="no_phone_book"),
)


ATTR_NOTE = "note"
ATTR_READ = "read"
ATTR_VOICEMAIL = "voicemail"

_VOICEMAIL: Fields = {vol.Required(ATTR_VOICEMAIL): cv.string}


def _mailbox(runtime: IntercomRuntime) -> MxVoicemails:
    return require_feature(runtime.coordinator, system_of(runtime).mailbox, "no_voicemails")


async def _async_read_again(runtime: IntercomRuntime, mailbox: MxVoicemails) -> None:
    async def ask() -> dict[VoicemailId, Voicemail]:
        return {voicemail.id: voicemail for voicemail in await mailbox.query()}

    await runtime.coordinator.async_read_part("voicemails", ask)


async def _query_voicemails(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
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


async def _update_voicemail(runtime: IntercomRuntime, data: Data) -> None:
    mailbox = _mailbox(runtime)
    await runtime.coordinator.async_command(
        mailbox.mark(data[ATTR_VOICEMAIL], read=data.get(ATTR_READ), note=data.get(ATTR_NOTE))
    )
    await _async_read_again(runtime, mailbox)


async def _delete_voicemail(runtime: IntercomRuntime, data: Data) -> None:
    mailbox = _mailbox(runtime)
    await runtime.coordinator.async_command(mailbox.delete(data[ATTR_VOICEMAIL]))
    await _async_read_again(runtime, mailbox)


async def _download_voicemail(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return await async_save(runtime, _mailbox(runtime).open(data[ATTR_VOICEMAIL]), data)


# Deletion is final, and a saved file may be readable by others: for administrators only.
_VOICEMAILS_ACTIONS = (
    Action("voicemail_query", _query_voicemails, Needs.READ, lacking="no_voicemails"),
    Action(
        "voicemail_update",
        _update_voicemail,
        Needs.CONTROL,
        {**_VOICEMAIL, vol.Optional(ATTR_READ): cv.boolean, vol.Optional(ATTR_NOTE): cv.string},
        rules=(cv.has_at_least_one_key(ATTR_READ, ATTR_NOTE),),
        lacking="no_voicemails",
    ),
    Action("voicemail_delete", _delete_voicemail, Needs.ADMIN, _VOICEMAIL, lacking="no_voicemails"),
    Action(
        "voicemail_download",
        _download_voicemail,
        Needs.ADMIN,
        {**_VOICEMAIL, **TARGET},
        lacking="no_voicemails",
    ),
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


async def _add_token(runtime: IntercomRuntime, data: Data) -> None:
    tokens = system_of(runtime).proxy.tokens
    adding = tokens.add(data[ATTR_KIND], data[ATTR_TOPIC], data[ATTR_TOKEN], data[ATTR_SANDBOX])
    await runtime.coordinator.async_command(adding)


async def _remove_token(runtime: IntercomRuntime, data: Data) -> None:
    tokens = system_of(runtime).proxy.tokens
    removing = tokens.remove(data[ATTR_KIND], data[ATTR_TOPIC], data[ATTR_TOKEN], data[ATTR_SANDBOX])
    await runtime.coordinator.async_command(removing)


_PUSH_TOKENS_ACTIONS = (
    Action("push_token_add", _add_token, Needs.ADMIN, _TOKEN, lacking="no_push_tokens"),
    Action("push_token_remove", _remove_token, Needs.ADMIN, _TOKEN, lacking="no_push_tokens"),
)


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
_DURATION = vol.All(cv.positive_time_period, vol.Range(min=timedelta(minutes=1), max=timedelta(days=31)))
_CODE: Fields = {vol.Optional(ATTR_ACCESS_CODE): vol.All(vol.Coerce(int), vol.Range(min=1, max=999_999_999))}

# Placeholders of an invitation.
_BLANK = re.compile(r"%([A-Za-z]+)%")


def _conferences(runtime: IntercomRuntime) -> MxConferences:
    return require_feature(runtime.coordinator, system_of(runtime).conferences, "no_conferences")


def render(invitation: ConferenceSettings, conference: Conference) -> dict[str, str]:
    """Return the texts of an invitation with all placeholders replaced; times are local."""
    start = dt_util.as_local(conference.start)
    hours, minutes = divmod(conference.duration // timedelta(minutes=1), 60)
    values = {
        "date": f"{start:%Y-%m-%d}",
        "time": f"{start:%H:%M}",
        "timezone": start.tzname() or "",
        "subject": conference.name,
        "duration": f"{hours}:{minutes:02}",
        "id": str(conference.access_code),
        "did": invitation.did or "",
        "extension": invitation.extension or "",
    }

    def fill(text: str) -> str:
        return _BLANK.sub(lambda blank: values.get(blank[1].lower(), blank[0]), text)

    return {
        "subject": fill(invitation.subject or ""),
        "body": fill(invitation.body or ""),
        "meeting": fill(invitation.meeting or ""),
    }


def _shown_conference(conference: Conference, *, code: bool) -> JsonObjectType:
    """Return a conference for a response, with or without its access code."""
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


async def _query_conferences(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    conferences = await runtime.coordinator.async_command(_conferences(runtime).query())
    return {
        "conferences": cast(JsonArrayType, [_shown_conference(conference, code=True) for conference in conferences])
    }


async def _invitation(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    _conferences(runtime)
    conference = await async_find(runtime, data[ATTR_CONFERENCE])
    invitation = await runtime.coordinator.async_command(system_of(runtime).proxy.conferences.settings())
    return {**render(invitation, conference), "extension": invitation.extension, "number": invitation.did}


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
    return _shown_conference(conference, code=True)


async def _update(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    changes = {key: data[key] for key in _CHANGES if key in data}
    if ATTR_START in changes:
        changes[ATTR_START] = dt_util.as_utc(changes[ATTR_START])
    return _shown_conference(await async_update(runtime, data[ATTR_CONFERENCE], **changes), code=False)


async def _delete(runtime: IntercomRuntime, data: Data) -> None:
    await async_delete(runtime, data[ATTR_CONFERENCE])


async def _join(runtime: IntercomRuntime, data: Data) -> None:
    joining = _conferences(runtime).join(data[ATTR_CONFERENCE], data.get(ATTR_ACCESS_CODE))
    await runtime.coordinator.async_command(joining)


async def _from_call(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    _conferences(runtime)
    session = async_find_session(runtime, data.get(ATTR_SESSION))
    owner = data.get(ATTR_OWNER_SESSION, session)
    await runtime.coordinator.async_command(system_of(runtime).proxy.conferences.from_call(session, owner))
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

# An access code admits anyone to a conference: only administrators and its creator receive it.
_CONFERENCE_ACTIONS = (
    Action("conference_query", _query_conferences, Needs.ADMIN, lacking="no_conferences"),
    Action("conference_invitation", _invitation, Needs.ADMIN, _CONFERENCE, lacking="no_conferences"),
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
        lacking="no_conferences",
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
        lacking="no_conferences",
    ),
    Action("conference_delete", _delete, Needs.CONTROL, _CONFERENCE, lacking="no_conferences"),
    Action("conference_join", _join, Needs.CONTROL, {**_CONFERENCE, **_CODE}, lacking="no_conferences"),
    Action(
        "conference_from_call",
        _from_call,
        Needs.CONTROL,
        {**SESSION, vol.Optional(ATTR_OWNER_SESSION): cv.positive_int},
        lacking="no_conferences",
    ),
)


ACTIONS = (
    *call_services.ACTIONS,
    *_PHONE_BOOK_ACTIONS,
    *_VOICEMAILS_ACTIONS,
    *_CONFERENCE_ACTIONS,
    *_PUSH_TOKENS_ACTIONS,
)
