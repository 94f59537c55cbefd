"""The mailbox: its messages, notes, marks, and messages as files."""

from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model import Voicemail, VoicemailId
from ..model.telephony import Voicemails
from ..runtime import IntercomRuntime
from .base import Action, Data, Fields, Needs
from .capture import async_save
from .files import TARGET

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
ACTIONS = (
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
