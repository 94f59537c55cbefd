"""Call control, call mode, and scheduled conferences of an extension (manual, calls and conferences)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
import secrets

from ...model.parts import CallMode, CallSession, Conference, ConferenceId, SessionId
from ..common.errors import InvalidRequest, NoData, NoSuchCall
from .client import Kind, MxProxy
from .client.conferences import Conference as ApiConference
from .directory import MxPhoneBook
from .log import CALLS, MxLog
from .records import at


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """The phones of the extension's user.

    Attributes:
        extension: Number of the extension.
        device: Phone or number to make and answer calls with; None for the extension.
        mobile: Number for the remote mode, None if unknown.
        ring_delay: Seconds until that number rings; None for the default of the exchange.
        voicemail_delay: Seconds until the voicemail answers; None for the default of the exchange.
    """

    extension: str
    device: str | None = None
    mobile: str | None = None
    ring_delay: int | None = None
    voicemail_delay: int | None = None

    @property
    def origin(self) -> str:
        """Return the phone to make and answer calls with."""
        return self.device or self.extension


class MxCalls:
    """Call control of an extension.

    Args:
        log: Provides the live calls, and reports commands as events.
        book: Provides numbers of people.
        phone_settings: Phones of the user.
    """

    answers = True

    def __init__(self, proxy: MxProxy, log: MxLog, book: MxPhoneBook, phone_settings: PhoneSettings) -> None:
        self._calls = proxy.calls
        self._log = log
        self._tracker = log.tracker
        self._book = book
        self._phone_settings = phone_settings

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number, or a contact by ID."""
        if number is None:
            if len(users) != 1:
                raise InvalidRequest("an extension calls one contact at a time", "users")
            number = await self._book.number_of(users[0])
        return await self.make(self._phone_settings.origin, number)

    async def make(self, origin: str, to: str, device: str | None = None) -> SessionId:
        """Call ``origin`` and connect it to ``to``; a given ``device`` is assigned first."""
        made = await self._calls.make(origin, to, device)
        self._log.report(Kind.ORIGINATED, self._tracker.made(made.call_id, origin, to))
        return made.call_id

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call with the configured phone."""
        await self._calls.answer(session, self._phone_settings.origin)
        self._done(session, Kind.ESTABLISHED)

    async def answer_at(self, session: SessionId, device: str, timeout: timedelta, assign: bool) -> None:
        """Answer a ringing call with a SIP device within ``timeout``; ``assign`` also assigns the device."""
        await self._calls.answer(session, device, int(timeout.total_seconds()), assign)
        self._done(session, Kind.ESTABLISHED)

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call; the exchange has no reasons."""
        try:
            await self._calls.clear(session)
        except NoSuchCall:
            self._done(session, Kind.CLEARED)
            raise
        self._done(session, Kind.CLEARED)

    async def transfer(self, session: SessionId, to: str, device: str | None = None) -> None:
        """Transfer a call to another number; it leaves the extension when the other party answers.

        ``device`` is the phone that has the call; None for the configured one.
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
        self._log.report(kind, self._tracker.done(session, kind))

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the known calls: the proxy has no list of calls."""
        return self._tracker.sessions

    async def current(self, session: SessionId) -> CallSession | None:
        """Return the current state of a call; None if there is no such call."""
        try:
            info = await self._calls.info(session)
        except NoSuchCall:
            self._log.report(Kind.CLEARED, self._tracker.polled(session, None))
        else:
            self._log.report(info.type, self._tracker.polled(session, info))
        # The proxy does not know an outgoing call before it is answered.
        return self._tracker.sessions.get(session)

    def clear_missed(self) -> None:
        """Reset the count of missed calls."""
        self._log.journal.missed = 0
        self._log.keep()

    @property
    def suggested_device(self) -> str | None:
        """Return the mobile number from the options or the address book."""
        return self._phone_settings.mobile

    async def set_mode(self, mode: CallMode) -> CallMode:
        """Set the call mode and return the result; None delays use the options or the defaults of the exchange."""
        phone_settings = self._phone_settings
        device = mode.device or (phone_settings.mobile if mode.remote else None)
        if mode.remote and not device:
            raise InvalidRequest("the number of the second phone is unknown", "device")
        ring_delay = phone_settings.ring_delay if mode.ring_delay is None else mode.ring_delay
        voicemail_delay = phone_settings.voicemail_delay if mode.voicemail_delay is None else mode.voicemail_delay
        result = await self._calls.set_mode(mode.remote, device or "", ring_delay, voicemail_delay)
        return CallMode(result.remote, result.device or None, result.ring_delay, result.voicemail_delay)


_EPOCH = datetime.fromtimestamp(0, UTC)
_MINUTE = timedelta(minutes=1)
# Minutes; a calendar with longer or negative durations shows no events.
_LONGEST = 366 * 24 * 60
# Eight digits, as in the manual.
_LOWEST_CODE, _HIGHEST_CODE = 10_000_000, 99_999_999


def new_access_code() -> int:
    """Return a random access code."""
    return _LOWEST_CODE + secrets.randbelow(_HIGHEST_CODE - _LOWEST_CODE + 1)


def neutral_conference(conference: ApiConference, own_id: int | None) -> Conference:
    """Return a conference as its model type; ``own_id`` is the user ID of the extension."""
    return Conference(
        id=conference.id,
        name=conference.name,
        start=at(conference.start) or _EPOCH,
        duration=min(max(0, conference.duration), _LONGEST) * _MINUTE,
        access_code=conference.access_id,
        own=conference.owner_id == own_id,
        wait_for_owner=conference.wait_for_owner,
        ends_with_owner=conference.delete_on_owner_leave,
        description=conference.description,
    )


def by_start(conferences: Iterable[ApiConference], own_id: int | None) -> dict[ConferenceId, Conference]:
    """Return conferences by ID, ordered by start."""
    neutral = (neutral_conference(conference, own_id) for conference in conferences)
    return {conference.id: conference for conference in sorted(neutral, key=lambda conference: conference.start)}


class MxConferences:
    """The conferences of an extension.

    Args:
        own_id: User ID of the extension, as in the owner of a conference.
    """

    def __init__(self, proxy: MxProxy, own_id: int | None) -> None:
        self._conferences = proxy.conferences
        self.delete = proxy.conferences.delete
        self._own_id = own_id

    async def query(self) -> tuple[Conference, ...]:
        """Return the conferences, ordered by start."""
        return tuple(by_start(await self._conferences.list(), self._own_id).values())

    async def create(
        self, name: str, start: datetime, duration: timedelta, access_code: int | None, description: str = ""
    ) -> Conference:
        """Create a conference; a random access code is used for None."""
        created = await self._conferences.create(
            ApiConference(
                owner_id=self._own_id or 0,
                name=name,
                access_id=new_access_code() if access_code is None else access_code,
                start=int(start.timestamp()),
                duration=_minutes(duration),
                description=description,
            )
        )
        return neutral_conference(created, self._own_id)

    async def update(self, conference: Conference) -> Conference:
        """Update a conference, keeping the fields that the model does not have."""
        changed = replace(
            await self._find(conference.id),
            name=conference.name,
            access_id=conference.access_code,
            start=int(conference.start.timestamp()),
            duration=_minutes(conference.duration),
            wait_for_owner=conference.wait_for_owner,
            delete_on_owner_leave=conference.ends_with_owner,
            description=conference.description,
        )
        return neutral_conference(await self._conferences.update(changed), self._own_id)

    async def join(self, conference: ConferenceId, access_code: int | None) -> None:
        """Call the extension and connect it to a conference; the access code is retrieved for None."""
        code = (await self._find(conference)).access_id if access_code is None else access_code
        await self._conferences.join(conference, code)

    async def _find(self, conference: ConferenceId) -> ApiConference:
        for found in await self._conferences.list():
            if found.id == conference:
                return found
        raise NoData("there is no such conference")


def _minutes(duration: timedelta) -> int:
    """Return a duration in whole minutes, at least one."""
    return max(1, -(-duration // _MINUTE))
