"""Scheduled conferences (manual, conferences)."""

from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode, decode_all, decode_reply
from ...common.errors import UnexpectedReply
from ...common.parse import Fields, string
from .client import Functions
from .protocol import (
    CONFERENCE_FROM_CALL,
    CONFERENCE_SETTINGS,
    CONFERENCES,
    CREATE_CONFERENCE,
    DELETE_CONFERENCE,
    JOIN_CONFERENCE,
    UPDATE_CONFERENCE,
    Endpoint,
    part,
    rows,
)

# The documented values; the MX may have more.
ONCE = "Once"
NO_WEB_SESSION, UNDEFINED = "None", "Undefined"


@dataclass(frozen=True, slots=True)
class ConferenceSettings:
    """The invitation to conferences: texts with ``%Name%`` placeholders; missing values are None."""

    extension: Annotated[str | None, Key("ext")]
    did: str | None
    subject: str | None
    body: str | None
    meeting: str | None


@dataclass(frozen=True, slots=True)
class Conference:
    """A conference.

    Attributes:
        id: ID on the server; empty for a new conference.
        owner_id: ``jid`` of the owner as a number; 0 for this account.
        name: Subject.
        description: Additional text; on servers since 2018, not in the manual.
        access_id: Access code.
        type: Recurrence.
        start: Start in Unix seconds.
        duration: Minutes.
        wait_for_owner: The conference starts when the owner joins.
        delete_on_owner_leave: The conference ends when the owner leaves.
        ws: Web session of the conference.
        ws_type: Type of the web session.
        row: The conference as received: an update replaces the whole object.
    """

    id: Annotated[str, Key("Id", "id")] = ""
    owner_id: int = 0
    name: str = ""
    access_id: int = field(default=0, repr=False)
    type: Annotated[str, Key(convert=string)] = ONCE
    start: Annotated[int, Key("startDate")] = 0
    duration: int = 0
    wait_for_owner: bool = False
    delete_on_owner_leave: Annotated[bool, Key("delOnOwnerLeave")] = False
    ws: Annotated[str, Key(convert=string)] = NO_WEB_SESSION
    ws_type: Annotated[str, Key(convert=string)] = UNDEFINED
    description: str = ""
    row: Annotated[Fields, Key(row=dict)] = field(default_factory=dict, repr=False, compare=False)


class Conferences(Functions):
    """``/conferences``."""

    async def settings(self) -> ConferenceSettings:
        """Return the invitation of the server."""
        content = await self._client.call(CONFERENCE_SETTINGS)
        found = part(CONFERENCE_SETTINGS, content, "conferences")
        return decode_reply(ConferenceSettings, found, CONFERENCE_SETTINGS.path)

    async def list(self) -> tuple[Conference, ...]:
        """Return the conferences."""
        found = rows(CONFERENCES, await self._client.call(CONFERENCES), "conferences")
        return tuple(conference for conference in decode_all(Conference, found) if conference.id)

    async def create(self, conference: Conference) -> Conference:
        """Create a conference, and return it as stored, with the ID that the server assigned."""
        content = await self._client.call(CREATE_CONFERENCE, body={**_fields(conference), "Id": ""})
        return _conference_of(CREATE_CONFERENCE, content)

    async def update(self, conference: Conference) -> Conference:
        """Replace a conference, and return it as stored by the server.

        Raises:
            NoData: There is no such conference.
        """
        content = await self._client.call(UPDATE_CONFERENCE, {"id": conference.id}, body=_fields(conference))
        return _conference_of(UPDATE_CONFERENCE, content)

    async def delete(self, conference_id: str) -> None:
        """Delete a conference.

        Raises:
            NoData: There is no such conference.
        """
        await self._client.call(DELETE_CONFERENCE, {"id": conference_id})

    async def join(self, conference_id: str, access_id: int) -> None:
        """Connect the extension to a conference.

        Raises:
            NoData: There is no such conference.
            CommandFailed: The MX rejects the request, for example because of a wrong access code.
        """
        await self._client.call(JOIN_CONFERENCE, {"id": conference_id}, body={"accessId": access_id})

    async def from_call(self, call_id: int, owner_call_id: int) -> None:
        """Turn a call into a conference, together with the call of its owner.

        Raises:
            NoSuchCall: One of the calls does not exist.
        """
        await self._client.call(CONFERENCE_FROM_CALL, {"callId": call_id}, body={"ownerCallId": owner_call_id})


def _conference_of(endpoint: Endpoint, content: Fields) -> Conference:
    conference = decode_reply(Conference, content.get("conference"), endpoint.path)
    if not conference.id:
        raise UnexpectedReply(f"{endpoint.path} answered without the conference")
    return conference


def _fields(conference: Conference) -> Fields:
    """Return the conference to send: unchanged values keep the type in which they were received."""
    before = _known_fields(decode(Conference, conference.row) or Conference())
    now = _known_fields(conference)
    changed = {name: value for name, value in now.items() if name not in conference.row or value != before[name]}
    fields = {**conference.row, **changed}
    # A missing value would be cleared; the manual does not document it.
    if not conference.description and changed.get("description") == "":
        del fields["description"]
    return fields


def _known_fields(conference: Conference) -> dict[str, object]:
    return {
        "Id": conference.id,
        "ownerId": conference.owner_id,
        "name": conference.name,
        "accessId": conference.access_id,
        "type": conference.type,
        "startDate": conference.start,
        "duration": conference.duration,
        "waitForOwner": conference.wait_for_owner,
        "delOnOwnerLeave": conference.delete_on_owner_leave,
        "ws": conference.ws,
        "wsType": conference.ws_type,
        "description": conference.description,
    }
