"""Calls started and controlled from Home Assistant, and where they ring (manual, calls)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...model.parts import CallMode, CallSession, SessionId
from ..common.errors import InvalidRequest, NoSuchCall
from .client import Kind, MxProxy
from .directory import MxPhoneBook
from .log import CALLS, MxLog


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Where the person of an extension is to be reached, and where from.

    Attributes:
        extension: Its number.
        device: The phone or number that calls are made from and answered at; None for the extension.
        mobile: The number for the remote mode, None if unknown.
        ring_delay: Seconds until that rings, None for what the exchange finds right.
        voicemail_delay: Seconds until the voicemail takes a call, likewise.
    """

    extension: str
    device: str | None = None
    mobile: str | None = None
    ring_delay: int | None = None
    voicemail_delay: int | None = None

    @property
    def origin(self) -> str:
        """Return what calls are made from and answered at."""
        return self.device or self.extension


class MxCalls:
    """The calls of an extension, and where they ring.

    Args:
        proxy: Asked.
        log: Knows the live calls, and takes what is done here, as events.
        book: Knows the numbers of people.
        phone_settings: Where the person is.
    """

    answers = True

    def __init__(self, proxy: MxProxy, log: MxLog, book: MxPhoneBook, phone_settings: PhoneSettings) -> None:
        self._calls = proxy.calls
        self._log = log
        self._tracker = log.tracker
        self._book = book
        self._phone_settings = phone_settings

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number, or a person in the address book by the ID."""
        if number is None:
            if len(users) != 1:
                raise InvalidRequest("an extension calls one person at a time", "users")
            number = await self._book.number_of(users[0])
        return await self.make(self._phone_settings.origin, number)

    async def make(self, origin: str, to: str, device: str | None = None) -> SessionId:
        """Call ``origin`` and connect it with ``to``; ``device`` is taken into use before, where one is named."""
        made = await self._calls.make(origin, to, device)
        self._log.tell(Kind.ORIGINATED, self._tracker.made(made.call_id, origin, to))
        return made.call_id

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call where the person is."""
        await self._calls.answer(session, self._phone_settings.origin)
        self._done(session, Kind.ESTABLISHED)

    async def answer_at(self, session: SessionId, device: str, timeout: timedelta, assign: bool) -> None:
        """Answer a call that rings at a SIP device, which has so long to do so; ``assign`` takes it into use."""
        await self._calls.answer(session, device, int(timeout.total_seconds()), assign)
        self._done(session, Kind.ESTABLISHED)

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call; the exchange knows no reasons."""
        try:
            await self._calls.clear(session)
        except NoSuchCall:
            self._done(session, Kind.CLEARED)
            raise
        self._done(session, Kind.CLEARED)

    async def transfer(self, session: SessionId, to: str, device: str | None = None) -> None:
        """Hand a call over to another number; it leaves the extension once the other side has taken it.

        ``device`` has the call now; None for where calls are answered.
        """
        await self._calls.transfer(session, device or self._phone_settings.origin, to)
        self._log.poller.soon(CALLS)

    async def hold(self, session: SessionId) -> None:
        """Put a call on hold."""
        await self._calls.hold(session)
        self._done(session, Kind.HELD)

    async def resume(self, session: SessionId) -> None:
        """Resume a held call."""
        await self._calls.unhold(session)
        self._done(session, Kind.RETRIEVED)

    def _done(self, session: SessionId, kind: Kind) -> None:
        self._log.tell(kind, self._tracker.done(session, kind))

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls that are known: the proxy does not list others."""
        return self._tracker.sessions

    async def look(self, session: SessionId) -> CallSession | None:
        """Return how a call stands; None where there is no such call."""
        try:
            info = await self._calls.info(session)
        except NoSuchCall:
            self._log.tell(Kind.CLEARED, self._tracker.looked(session, None))
        else:
            self._log.tell(info.type, self._tracker.looked(session, info))
        # One that goes out is there although the proxy does not know it yet.
        return self._tracker.sessions.get(session)

    def clear_missed(self) -> None:
        """Reset the count of missed calls."""
        self._log.journal.missed = 0
        self._log.keep()

    @property
    def suggested_device(self) -> str | None:
        """Return the mobile number that the user or the exchange knows of the person."""
        return self._phone_settings.mobile

    async def set_mode(self, mode: CallMode) -> CallMode:
        """Set the mode and return what came of it; None in its delays for what the user or the exchange finds right."""
        phone_settings = self._phone_settings
        device = mode.device or (phone_settings.mobile if mode.remote else None)
        if mode.remote and not device:
            raise InvalidRequest("the number of the second phone is unknown", "device")
        ring_delay = phone_settings.ring_delay if mode.ring_delay is None else mode.ring_delay
        voicemail_delay = phone_settings.voicemail_delay if mode.voicemail_delay is None else mode.voicemail_delay
        came = await self._calls.set_mode(mode.remote, device or "", ring_delay, voicemail_delay)
        return CallMode(came.remote, came.device or None, came.ring_delay, came.voicemail_delay)
