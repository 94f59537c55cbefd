"""Access decisions, alarms, and calls of an Akuvox, from its logs, pushes, and call status; each reported once."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
import logging
import time

from ...model.events import AccessDecided, CallChanged, Event, Fact
from ...model.parts import Access, Alarm, CallState
from ..common.errors import IntercomError
from ..common.parse import Fields, text
from ..common.privacy import is_word
from .calls import CallTracker
from .client import AkuvoxDevice
from .client.directory import parts
from .client.logs import CallRecord, DoorMethod, DoorRecord
from .doors import AkuvoxDoors
from .log_reader import CALL_LOG_EVENT, DOOR_LOG_EVENT, LIVE_FOR, LogReader, aged, rings
from .push import ACCESS_EVENT
from .wiring import doors_named

_LOGGER = logging.getLogger(__name__)

# Seconds that a pushed credential waits for its record, which contains the user.
_RECORD_TIMEOUT = 6.0
# Seconds within which a late record is still matched to its credential.
_LATE_RECORD_TIMEOUT = 90.0
# Maximum number of waiting credentials, as a limit for floods.
_MAX_WAITING = 64

_PUSHED_METHODS = {"Code": "code", "Card": "card", "Face": "face", "QR": "qr_code", "QRCode": "qr_code"}
RECORDED_METHODS = {
    DoorMethod.CARD: "card",
    DoorMethod.PIN: "code",
    DoorMethod.PUBLIC_CODE: "code",
    DoorMethod.FACE: "face",
    **{
        method: method.value
        for method in (
            DoorMethod.BLUETOOTH,
            DoorMethod.NFC,
            DoorMethod.QR_CODE,
            DoorMethod.FINGER,
            DoorMethod.DTMF,
            DoorMethod.CALL,
            DoorMethod.HTTP,
        )
    },
}
# Placeholders for an unknown name, in the languages seen so far; "--" and other names without letters are, too.
_UNKNOWN_NAMES = frozenset({"unknown", "unknow", "desconhecido"})

CALL_STATUS_EVENT = "CallStatus"


def user_of(record: DoorRecord) -> str | None:
    """Return the user of a door log record, None if unknown to the device."""
    name = record.name or ""
    return name if any(map(str.isalnum, name)) and name.lower() not in _UNKNOWN_NAMES else None


def is_access_attempt(record: DoorRecord) -> bool:
    """Return whether a record is of a user who requested access.

    A command of any HTTP client is not, nor is a record with neither user nor method.
    """
    if record.method is DoorMethod.HTTP:
        return False
    is_known = record.method is not DoorMethod.UNKNOWN or user_of(record) is not None or record.code is not None
    return is_known or record.granted is False


def access_of(event: str, when: datetime) -> Access:
    """Return the access decision of a pushed credential."""
    found = ACCESS_EVENT.fullmatch(event)
    assert found is not None, event  # other push messages are handled before
    return Access(when, granted=found[1] == "Valid", method=_PUSHED_METHODS[found[2]])


@dataclass(frozen=True, slots=True)
class Credential:
    """A pushed credential; ``deadline`` is the monotonic time to report it, or to forget it."""

    event: str
    access: Access
    deadline: float


class Credentials:
    """Credentials that wait for their record, and those that were reported without it."""

    def __init__(self) -> None:
        self._waiting: list[Credential] = []
        self._reported: list[Credential] = []

    @property
    def deadlines(self) -> Collection[float]:
        """Monotonic times at which the waiting credentials are reported."""
        return [credential.deadline for credential in self._waiting]

    def push(self, event: str, access: Access, now: float) -> None:
        """Add a credential that waits for its record, unless too many do."""
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(Credential(event, access, now + _RECORD_TIMEOUT))

    def take_overdue(self, now: float) -> list[Credential]:
        """Return the credentials whose record did not arrive."""
        overdue = [credential for credential in self._waiting if credential.deadline <= now]
        self._waiting = [credential for credential in self._waiting if credential.deadline > now]
        reported = [
            *self._reported,
            *(replace(credential, deadline=now + _LATE_RECORD_TIMEOUT) for credential in overdue),
        ]
        self._reported = [credential for credential in reported if credential.deadline > now][-_MAX_WAITING:]
        return overdue

    def is_reported(self, granted: bool, method: str | None, now: float) -> bool:
        """Remove the credential of a record; return whether it was already reported."""
        self._reported = [credential for credential in self._reported if credential.deadline > now]
        for credential in self._reported:
            if credential.access.granted is granted and method in {None, credential.access.method}:
                self._reported.remove(credential)
                return True
        waiting = next((one for one in self._waiting if one.access.granted is granted), None)
        if waiting is not None:
            self._waiting.remove(waiting)
        return False


async def owner_of(device: AkuvoxDevice, code: str) -> str | None:
    """Return the name of the owner of a PIN or card; None if unknown or unreadable."""
    for lookup in (_users, _cards, _private_keys):
        try:
            users = await lookup(device, code)
        except IntercomError as err:
            _LOGGER.debug("Could not look up the user: %s", err)
            continue
        for name, codes in users:
            if name and code in codes:
                return name
    return None


async def _users(device: AkuvoxDevice, code: str) -> Iterable[tuple[str | None, Iterable[str | None]]]:
    # Some devices can search for one user instead of returning hundreds, but not all of those find cards that way.
    def has(row: Fields) -> bool:
        return text(row.get("PrivatePIN")) == code or code in parts(text(row.get("CardCode")))

    users = await device.users.get(name=code, keep=has) or await device.users.get(keep=has)
    return [(user.name, (user.pin, *user.cards)) for user in users]


async def _cards(device: AkuvoxDevice, _: str) -> Iterable[tuple[str | None, Iterable[str | None]]]:
    # An entry may have several cards (field notes 4.2).
    return [(text(card.get("Name")), parts(text(card.get("Code")))) for card in await device.cards.get()]


async def _private_keys(device: AkuvoxDevice, _: str) -> Iterable[tuple[str | None, Iterable[str | None]]]:
    return [(text(key.get("Name")), (text(key.get("Code")),)) for key in await device.private_keys.get()]


# Seconds after which an alarm ends.
_ALARM_DURATION = 60.0


class Alarms:
    """Active alarms, each of which ends after a while.

    Args:
        stored: Alarms of the previous run, from ``as_store``.
    """

    def __init__(self, stored: object, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        remaining = {
            Alarm(alarm): end - time.time()
            for alarm, end in (stored.items() if isinstance(stored, Mapping) else ())
            if alarm in Alarm and isinstance(end, int | float)
        }
        now = monotonic()
        self._ends = {alarm: now + min(seconds, _ALARM_DURATION) for alarm, seconds in remaining.items() if seconds > 0}

    def __contains__(self, alarm: Alarm) -> bool:
        """Return whether an alarm is active."""
        return alarm in self._ends

    @property
    def ends(self) -> Collection[float]:
        """Monotonic times at which the alarms end."""
        return self._ends.values()

    def begin(self, alarm: Alarm) -> None:
        """Start an alarm, or extend it."""
        self._ends[alarm] = self._monotonic() + _ALARM_DURATION

    def take_ended(self) -> list[Alarm]:
        """Return the ended alarms, once."""
        now = self._monotonic()
        ended = [alarm for alarm, end in self._ends.items() if end <= now]
        for alarm in ended:
            del self._ends[alarm]
        return ended

    def clear(self) -> None:
        """End all alarms after a restart of the device."""
        self._ends.clear()

    def as_store(self) -> dict[str, float]:
        """Return the ends of the alarms in Unix seconds."""
        to_unix = time.time() - self._monotonic()
        return {alarm.value: end + to_unix for alarm, end in self._ends.items()}


UNRECORDED_EVENT = "AccessUnrecorded"

# Maximum number of seconds that an access waits for the name of its user: the list of users may not respond.
_NAME_PATIENCE = 15.0


class Accesses:
    """Reports access decisions.

    Args:
        names: Whether names of users may be shown.
        opened: Called when a door was released, before the event is reported.
    """

    def __init__(
        self,
        device: AkuvoxDevice,
        doors: AkuvoxDoors,
        log: LogReader[DoorRecord],
        monotonic: Callable[[], float],
        *,
        names: bool,
        opened: Callable[[], None],
    ) -> None:
        self._device = device
        self._doors = doors
        self._log = log
        self._monotonic = monotonic
        self._names = names
        self._opened = opened
        self._credentials = Credentials()

    @property
    def deadlines(self) -> Collection[float]:
        """Monotonic times at which pushed credentials are reported without their record."""
        return self._credentials.deadlines

    async def read(self) -> list[Event]:
        """Return the new records; the cursor includes them after ``commit`` of the log."""
        news = await self._log.news()
        fresh = [age is not None and age <= LIVE_FOR[DOOR_LOG_EVENT] for _, age in news]
        if any(record.granted and is_fresh for (record, _), is_fresh in zip(news, fresh, strict=True)):
            self._opened()  # the relay may not be reported otherwise
        found_at = self._monotonic()
        names = [await self._name_of(record, is_fresh) for (record, _), is_fresh in zip(news, fresh, strict=True)]
        waited = self._monotonic() - found_at
        return [
            aged(self._event(record, name), None if age is None else age + waited)
            for (record, age), name in zip(news, names, strict=True)
        ]

    async def _name_of(self, record: DoorRecord, fresh: bool) -> str | None:
        """Return the name of a record's user, None if it is unknown or must not be shown."""
        if not self._names:
            return None
        known = user_of(record)
        if known is not None or not (fresh and record.granted and record.code):
            return known
        try:
            async with asyncio.timeout(_NAME_PATIENCE):
                return await owner_of(self._device, record.code)
        except TimeoutError:
            _LOGGER.debug("Access reported without a name: the user list was not read in time")
            return None

    def _event(self, record: DoorRecord, name: str | None) -> Event:
        when = self._log.clock.time_of(record.when)
        method = RECORDED_METHODS.get(record.method)
        doors = doors_named(self._doors.relays, record.relay)
        data = {"name": name, "method": method, "granted": record.granted, "doors": doors}
        granted = record.granted if is_access_attempt(record) else None
        facts: tuple[Fact, ...] = ()
        if granted is not None and not self._credentials.is_reported(granted, method, self._monotonic()):
            access = Access(when, granted, name=name, method=method, entrance=", ".join(doors) or None)
            facts = (AccessDecided(access, record.picture),)
        return Event(DOOR_LOG_EVENT, when, data, facts=facts, **self._log.numbered("door", record))

    def pushed(self, event: str, when: datetime, *, recorded: bool) -> tuple[Fact, ...]:
        """Process a pushed credential; with a door log, it waits for its record."""
        access = access_of(event, when)
        if access.granted:
            self._opened()  # the relay may have no push message of its own (field notes 4.4)
        if not recorded:
            return (AccessDecided(access),)
        self._credentials.push(event, access, self._monotonic())
        return ()

    def overdue(self) -> list[Event]:
        """Return events for the credentials whose record did not arrive."""
        return [
            Event(
                UNRECORDED_EVENT,
                credential.access.time,
                {"event": credential.event},
                facts=(AccessDecided(credential.access),),
            )
            for credential in self._credentials.take_overdue(self._monotonic())
        ]


class CallEvents:
    """Reports calls.

    Args:
        tracker: Combines the reports of all sources.
        names: Whether names may be shown.
        ended: Called when a call ended, whose record follows soon.
    """

    def __init__(
        self,
        device: AkuvoxDevice,
        tracker: CallTracker,
        log: LogReader[CallRecord],
        monotonic: Callable[[], float],
        *,
        names: bool,
        ended: Callable[[], None],
    ) -> None:
        self._device = device
        self._tracker = tracker
        self._log = log
        self._monotonic = monotonic
        self._names = names
        self._ended = ended

    async def poll(self, *, pushed: bool) -> list[Event]:
        """Poll the call status; ``pushed`` is whether the device pushes its outgoing calls."""
        asked_at = self._monotonic()
        self._tracker.pushes_calls = pushed
        word = await self._device.call.status()
        facts = self._tracker.polled(word, asked_at)
        if any(fact.state is CallState.TERMINATED for fact in facts):
            self._ended()
        data = {"status": word} if is_word(word) else {}
        return [Event(CALL_STATUS_EVENT, datetime.now(UTC), data, facts=facts)] if facts else []

    async def read(self) -> list[Event]:
        """Return the new records; the cursor includes them after ``commit`` of the log."""
        return [self._event(record, age) for record, age in await self._log.news()]

    def _event(self, record: CallRecord, age: float | None) -> Event:
        data: dict[str, object] = {"type": record.kind.value, "number": record.number}
        if self._names:
            data["name"] = record.name
        facts: tuple[CallChanged, ...] = ()
        if age is not None and age <= LIVE_FOR[CALL_LOG_EVENT]:
            tracked_for = self._tracker.tracked_for(record)
            facts = self._tracker.logged(record)
            if any(map(rings, facts)):
                age = max(age, tracked_for)  # the call was tracked as incoming until its record arrived
        when = self._log.clock.time_of(record.when)
        return aged(Event(CALL_LOG_EVENT, when, data, facts=facts, **self._log.numbered("call", record)), age)
