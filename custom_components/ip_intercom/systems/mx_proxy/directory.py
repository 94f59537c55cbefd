"""The address book of the phone system (manual, contacts)."""

from collections.abc import Iterable
import re

from ..common.errors import InvalidRequest
from .client import Contact, MxProxy

_PUNCTUATION = re.compile(r"[\s().\-/]+")


def plain_number(number: str) -> str:
    """Return a phone number without punctuation, for comparison."""
    return _PUNCTUATION.sub("", number).removeprefix("+")


class MxPhoneBook:
    """The address book; the last response provides names without another request."""

    def __init__(self, proxy: MxProxy) -> None:
        self._directory = proxy.directory
        self._people: dict[str, Contact] = {}
        self._names: dict[str, str] = {}

    @property
    def size(self) -> int:
        """Return the number of known contacts."""
        return len(self._people)

    async def contacts(self) -> tuple[Contact, ...]:
        """Return all contacts, ordered by extension."""
        self._keep(await self._directory.contacts())
        return tuple(self._people.values())

    def _keep(self, contacts: Iterable[Contact]) -> None:
        self._people = {contact.jid: contact for contact in contacts if contact.jid}
        names: dict[str, str] = {}
        for contact in self._people.values():
            for number in (contact.extension, *contact.numbers.values()):
                if number:
                    names.setdefault(plain_number(number), contact.name)
        self._names = names

    def name_at(self, number: str | None) -> str | None:
        """Return the name of the owner of a number, if known."""
        return None if number is None else self._names.get(plain_number(number))

    def cell_phone_of(self, jid: str) -> str | None:
        """Return the mobile number of a contact."""
        contact = self._people.get(jid)
        return None if contact is None or not contact.cell_phone else plain_number(contact.cell_phone)

    async def number_of(self, jid: str) -> str:
        """Return the number to call a contact: the extension, if there is one."""
        if jid not in self._people:
            await self.contacts()
        contact = self._people.get(jid)
        if contact is None:
            raise InvalidRequest("no contact has this ID", "users")
        if contact.extension:
            return contact.extension
        for number in contact.numbers.values():
            return plain_number(number)
        raise InvalidRequest("this contact has no number", "users")
