"""What a phone system can do for one of its extensions, beyond calling: features as in ``functions``.

All methods raise ``IntercomError`` of ``systems.common.errors``; those that change something raise ``Unconfirmed``
where it may have happened all the same.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from .functions import ByteStream
from .parts import CallMode, CallSession, Conference, ConferenceId, SessionId, Voicemail, VoicemailId


class CallControl(Protocol):
    """What can be done with a call beyond answering it and hanging up."""

    async def make(self, origin: str, to: str, device: str | None) -> SessionId:
        """Call ``origin`` and connect it with ``to``; ``device`` is taken into use before, where one is named."""

    async def answer_at(self, session: SessionId, device: str, timeout: timedelta, assign: bool) -> None:
        """Answer a call that rings at a SIP device, which has so long to do so; ``assign`` takes it into use."""

    async def transfer(self, session: SessionId, to: str, device: str | None) -> None:
        """Hand a call over to another number; ``device`` has it now; None for where calls are answered."""

    async def hold(self, session: SessionId) -> None:
        """Let a call wait."""

    async def resume(self, session: SessionId) -> None:
        """Go on with a call that waits."""

    async def assign_device(self, device: str) -> None:
        """Take a phone into use for calls."""

    async def look(self, session: SessionId) -> CallSession | None:
        """Return how a call stands; None where there is no such call."""


class CallModes(Protocol):
    """Whether calls ring at the desk or somewhere else."""

    @property
    def suggested_device(self) -> str | None:
        """Return the mobile number that the exchange knows of the person."""

    async def set_mode(self, mode: CallMode) -> CallMode:
        """Set the mode and return what came of it; None in its delays for what the exchange finds right."""


class MissedCalls(Protocol):
    """The number of calls that were missed."""

    def clear(self) -> None:
        """Reset the count: the user has seen the calls. The log still lists them."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person in the address book of the phone system."""

    id: str
    name: str
    extension: str | None = None
    numbers: Mapping[str, str] | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """Something of the exchange that can be called: an automatic attendant, a queue, the mailbox."""

    id: str
    name: str
    kind: str | None
    extension: str | None


class PhoneBook(Protocol):
    """The people and services of the exchange."""

    async def contacts(self) -> tuple[Contact, ...]:
        """Return all people, by extension."""

    async def services(self) -> tuple[Service, ...]:
        """Return the services."""


class Recording(ByteStream, Protocol):
    """A recorded message. ``content_type`` is a media type."""

    content_type: str


class Voicemails(Protocol):
    """The mailbox."""

    async def query(self) -> tuple[Voicemail, ...]:
        """Return the messages, oldest first."""

    def open(self, voicemail: VoicemailId) -> AbstractAsyncContextManager[Recording]:
        """Open what was said."""

    async def mark(self, voicemail: VoicemailId, *, read: bool | None = None, note: str | None = None) -> None:
        """Mark a message as heard or not, and write a note to it; what is None stays."""

    async def delete(self, voicemail: VoicemailId) -> None:
        """Delete a message."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """How the exchange invites to its conferences: numbers, and texts with ``%Name%`` for what differs."""

    extension: str | None
    number: str | None
    subject: str
    body: str
    meeting: str


class Conferences(Protocol):
    """Conferences that people dial into."""

    async def invitation(self) -> Invitation:
        """Return how to invite."""

    async def query(self) -> tuple[Conference, ...]:
        """Return the conferences by their start."""

    async def create(
        self, name: str, start: datetime, duration: timedelta, access_code: int | None, description: str = ""
    ) -> Conference:
        """Plan a conference of our own; an access code is made up for None."""

    async def update(self, conference: Conference) -> Conference:
        """Change a conference."""

    async def delete(self, conference: ConferenceId) -> None:
        """Delete a conference."""

    async def join(self, conference: ConferenceId, access_code: int | None) -> None:
        """Have the extension called and put into a conference; the code is looked up for None."""

    async def from_call(self, session: SessionId, owner_session: SessionId) -> None:
        """Make a conference of a call, with the call of its owner."""


class PushTokens(Protocol):
    """Phones that the exchange wakes up by Apple's or Google's service."""

    async def add(self, kind: str, topic: str, token: str, sandbox: bool) -> None:
        """Register one; ``kind`` is ``apn`` or ``fcm``."""

    async def remove(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Forget one; it is known by all that it was registered with."""
