"""The people and services of the phone system (manual, contacts and services)."""

from collections.abc import Iterable
import re

from ...model.telephony import Contact, Service
from ..common.errors import InvalidRequest
from .client import MxProxy
from .client.account import Contact as ApiContact

_PUNCTUATION = re.compile(r"[\s().\-/]+")


def plain_number(number: str) -> str:
    """Return a phone number by which two ways to write it can be compared."""
    return _PUNCTUATION.sub("", number).removeprefix("+")


def numbers_of(contact: ApiContact) -> dict[str, str]:
    """Return the outside numbers of a person, by what they are."""
    told = {"cell": contact.cell_phone, "home": contact.home_phone, "did": contact.did}
    return {kind: number for kind, number in told.items() if number}


def name_of(contact: ApiContact) -> str:
    """Return the name of a person."""
    person = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    return person or contact.extension or contact.jid or ""


def neutral_contact(contact: ApiContact) -> Contact:
    """Return a person in the neutral model."""
    return Contact(contact.jid or "", name_of(contact), contact.extension, numbers_of(contact) or None, contact.email)


class MxPhoneBook:
    """The address book; what was read last tells names without asking.

    Args:
        proxy: Asked.
    """

    def __init__(self, proxy: MxProxy) -> None:
        self._directory = proxy.directory
        self._people: dict[str, ApiContact] = {}
        self._names: dict[str, str] = {}

    @property
    def size(self) -> int:
        """Return how many people are known."""
        return len(self._people)

    async def contacts(self) -> tuple[Contact, ...]:
        """Return all people, by extension."""
        self._keep(await self._directory.contacts())
        return tuple(neutral_contact(contact) for contact in self._people.values())

    async def services(self) -> tuple[Service, ...]:
        """Return the services."""
        services = await self._directory.services()
        return tuple(
            Service(service.id or "", service.name or "", service.type, service.extension) for service in services
        )

    def _keep(self, contacts: Iterable[ApiContact]) -> None:
        self._people = {contact.jid: contact for contact in contacts if contact.jid}
        names: dict[str, str] = {}
        for contact in self._people.values():
            for number in (contact.extension, *numbers_of(contact).values()):
                if number:
                    names.setdefault(plain_number(number), name_of(contact))
        self._names = names

    def name_at(self, number: str | None) -> str | None:
        """Return who has a number, as far as that is known."""
        return None if number is None else self._names.get(plain_number(number))

    def cell_phone_of(self, jid: str) -> str | None:
        """Return the mobile number of a person."""
        contact = self._people.get(jid)
        return None if contact is None or not contact.cell_phone else plain_number(contact.cell_phone)

    async def number_of(self, jid: str) -> str:
        """Return how to call a person: by the extension, where there is one."""
        if jid not in self._people:
            await self.contacts()
        contact = self._people.get(jid)
        if contact is None:
            raise InvalidRequest("no person in the address book has this ID", "users")
        if contact.extension:
            return contact.extension
        for number in numbers_of(contact).values():
            return plain_number(number)
        raise InvalidRequest("the address book has no number for this person", "users")
