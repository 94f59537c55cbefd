"""Calls started and controlled from Home Assistant (manual, calls)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...model.events import CallChanged
from ...model.parts import CallMode, CallSession, SessionId
from ..common.errors import InvalidRequest, NoSuchCall
from .client import Kind, MxProxy
from .directory import MxPhoneBook
from .tracker import CallTracker

type Tell = Callable[[str, CallChanged | None], None]


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
    """Calls as any intercom has them.

    Args:
        proxy: Asked.
        tracker: What is known of live calls.
        book: Knows the numbers of people.
        desk: Where the person is.
        tell: Takes what is done here, as an event.
    """

    answers = True

    def __init__(
        self, proxy: MxProxy, tracker: CallTracker, book: MxPhoneBook, phone_settings: PhoneSettings, tell: Tell
    ) -> None:
        self._calls = proxy.calls
        self._tracker = tracker
        self._book = book
        self._phone_settings = phone_settings
        self._tell = tell

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number, or a person in the address book by the ID."""
        if number is None:
            if len(users) != 1:
                raise InvalidRequest("an extension calls one person at a time", "users")
            number = await self._book.number_of(users[0])
        made = await self._calls.make(self._phone_settings.origin, number)
        self._tell(Kind.ORIGINATED, self._tracker.made(made.call_id, self._phone_settings.origin, number))
        return made.call_id

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call where the person is."""
        await self._calls.answer(session, self._phone_settings.origin)
        self._tell(Kind.ESTABLISHED, self._tracker.done(session, Kind.ESTABLISHED))

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call; the exchange knows no reasons."""
        try:
            await self._calls.clear(session)
        except NoSuchCall:
            self._tell(Kind.CLEARED, self._tracker.done(session, Kind.CLEARED))
            raise
        self._tell(Kind.CLEARED, self._tracker.done(session, Kind.CLEARED))

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls that are known: the proxy does not list others."""
        return self._tracker.sessions


class MxCallControl:
    """What can be done with a call beyond that.

    Args:
        proxy: Asked.
        tracker: What is known of live calls.
        desk: Where the person is.
        tell: Takes what is done here, as an event.
        look: Has the calls looked at soon.
    """

    def __init__(
        self, proxy: MxProxy, tracker: CallTracker, phone_settings: PhoneSettings, tell: Tell, look: Callable[[], None]
    ) -> None:
        self._calls = proxy.calls
        self._tracker = tracker
        self._phone_settings = phone_settings
        self._tell = tell
        self._look = look

    async def make(self, origin: str, to: str, device: str | None) -> SessionId:
        """Call ``origin`` and connect it with ``to``; ``device`` is taken into use before, where one is named."""
        made = await self._calls.make(origin, to, device)
        self._tell(Kind.ORIGINATED, self._tracker.made(made.call_id, origin, to))
        return made.call_id

    async def answer_at(self, session: SessionId, device: str, timeout: timedelta, assign: bool) -> None:
        """Answer a call that rings at a SIP device, which has so long to do so; ``assign`` takes it into use."""
        await self._calls.answer(session, device, int(timeout.total_seconds()), assign)
        self._tell(Kind.ESTABLISHED, self._tracker.done(session, Kind.ESTABLISHED))

    async def transfer(self, session: SessionId, to: str, device: str | None) -> None:
        """Hand a call over to another number; it leaves the extension once the other side has taken it."""
        await self._calls.transfer(session, device or self._phone_settings.origin, to)
        self._look()

    async def hold(self, session: SessionId) -> None:
        """Let a call wait."""
        await self._calls.hold(session)
        self._tell(Kind.HELD, self._tracker.done(session, Kind.HELD))

    async def resume(self, session: SessionId) -> None:
        """Go on with a call that waits."""
        await self._calls.unhold(session)
        self._tell(Kind.RETRIEVED, self._tracker.done(session, Kind.RETRIEVED))

    async def assign_device(self, device: str) -> None:
        """Take a phone into use for calls."""
        await self._calls.assign(device)

    async def look(self, session: SessionId) -> CallSession | None:
        """Return how a call stands; None where there is no such call."""
        try:
            info = await self._calls.info(session)
        except NoSuchCall:
            self._tell(Kind.CLEARED, self._tracker.looked(session, None))
        else:
            self._tell(info.type, self._tracker.looked(session, info))
        # One that goes out is there although the proxy does not know it yet.
        return self._tracker.sessions.get(session)


class MxCallModes:
    """Whether calls ring at the desk or at the mobile phone as well.

    Args:
        proxy: Asked.
        desk: Where the person is.
    """

    def __init__(self, proxy: MxProxy, phone_settings: PhoneSettings) -> None:
        self._calls = proxy.calls
        self._phone_settings = phone_settings

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
