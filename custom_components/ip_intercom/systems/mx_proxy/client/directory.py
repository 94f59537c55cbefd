"""Who and what has an extension (manual, contacts and services)."""

from dataclasses import dataclass

from ...common.parse import Fields, text
from .client import MxClient
from .endpoints import CONTACTS, SERVICES
from .envelope import rows


@dataclass(frozen=True, slots=True)
class Contact:
    """A person in the address book; None for what is not reported.

    Attributes:
        jid: The MX's id of the person.
        first_name: First name.
        last_name: Last name.
        extension: Internal number.
        home_phone: Phone number at home.
        cell_phone: Number of the mobile.
        email: Address.
        home_system: Id of the MX that the person belongs to.
        did: Number by which callers from outside reach the extension.
        exchange_id: Name at a Microsoft Exchange.
    """

    jid: str | None
    first_name: str | None
    last_name: str | None
    extension: str | None
    home_phone: str | None = None
    cell_phone: str | None = None
    email: str | None = None
    home_system: str | None = None
    did: str | None = None
    exchange_id: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """Something that can be called: ``type`` is the MX's word, as ``VM``, ``AA``, ``ParkServer``."""

    id: str | None
    name: str | None
    type: str | None
    extension: str | None


class Directory:
    """``/contacts`` and ``/services``."""

    def __init__(self, client: MxClient) -> None:
        self._client = client

    async def contacts(self) -> tuple[Contact, ...]:
        """Return the address book, ordered by extension."""
        return tuple(_contact(row) for row in rows(CONTACTS, await self._client.call(CONTACTS), "contacts"))

    async def services(self) -> tuple[Service, ...]:
        """Return the services."""
        return tuple(
            Service(text(row.get("id")), text(row.get("name")), text(row.get("type")), extension(row))
            for row in rows(SERVICES, await self._client.call(SERVICES), "services")
        )


def extension(row: Fields) -> str | None:
    """Return an internal number by either of the names that the manual has for it."""
    return text(row.get("ext")) or text(row.get("extension"))


def _contact(row: Fields) -> Contact:
    return Contact(
        jid=text(row.get("jid")),
        first_name=text(row.get("firstName")),
        last_name=text(row.get("lastName")),
        extension=extension(row),
        home_phone=text(row.get("homePhone")),
        cell_phone=text(row.get("cellPhone")),
        email=text(row.get("email")),
        home_system=text(row.get("homeSystem")),
        did=text(row.get("did")),
        exchange_id=text(row.get("exchangeId")),
    )
