"""The people and services that the phone system can call."""

from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model.telephony import Contact, PhoneBook
from ..runtime import IntercomRuntime
from .base import Action, Data, Needs

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


ACTIONS = (
    Action("contacts_query", _contacts, Needs.READ, {vol.Optional(ATTR_FILTER): cv.string}),
    Action("services_query", _services, Needs.READ),
)
