"""An account: settings of apartments, notifications, messages of the operator, and watched events (field notes 5)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from ...model.parts import PlaceId, Setting, SettingId
from ..common.errors import InvalidRequest, NoData, NotApplied, NotPushed, WrongTime
from ..common.parse import present
from ..common.privacy import Privacy
from .client import OFF, Action, IntercomChanges, IntercomSettings, LogEvent, Notification, SmartYard, Tracked, Unread
from .clocks import ServerTime
from .topology import AccountTopology, flat_place


class RingSwitches:
    """Tracks whether calls of apartments are pushed, and since when, in server times without a time zone."""

    def __init__(self) -> None:
        self._off: set[str] = set()
        self._on_since: dict[str, datetime] = {}

    def record(self, flat: str, on: bool | None, now: datetime) -> None:
        """Record the reported setting of an apartment; None if it was not reported."""
        if on is False:
            self._off.add(flat)
        elif flat in self._off:
            self._off.remove(flat)
            self._on_since[flat] = now

    def rang(self, flat: str, when: datetime | None) -> bool:
        """Return whether a call at that time should have been pushed."""
        began = self._on_since.get(flat)
        return flat not in self._off and (began is None or when is None or when >= began)


# Boolean settings, by their names in the client.
_SWITCHES: Mapping[str, Callable[[bool], IntercomChanges]] = {
    "allow_door_code": lambda on: IntercomChanges(allow_door_code=on),
    "cms": lambda on: IntercomChanges(cms=on),
    "voip": lambda on: IntercomChanges(voip=on),
    "hidden_log": lambda on: IntercomChanges(hidden_log=on),
    "disable_log": lambda on: IntercomChanges(disable_log=on),
    "frs_disabled": lambda on: IntercomChanges(frs_disabled=on),
    "lprs_disabled": lambda on: IntercomChanges(lprs_disabled=on),
    "paranoid": lambda on: IntercomChanges(paranoid=on),
    "paper_bill": lambda on: IntercomChanges(paper_bill=on),
}
_WHITE_RABBIT, _GUESTS = "white_rabbit", "open_for_guests"
# Minutes that the server accepts; it treats other values as 0.
_MINUTES = ("0", "1", "2", "3", "5", "7", "10")
# Duration for which the apps let guests in.
_GUEST_TIME = timedelta(hours=1)
# Larger than the difference of any two time zones, and a past time that stays past in all of them.
_ZONES, _PAST = timedelta(hours=27), timedelta(hours=48)
# Tolerance for servers that round times.
_MINUTE = timedelta(minutes=1)
_TEXTS, _MONEY = "text_messages", "money_messages"


def flat_settings(flat: str, found: IntercomSettings, time: ServerTime) -> dict[SettingId, Setting]:
    """Return the available settings of an apartment."""
    place = flat_place(flat)
    settings = [
        Setting(f"{place}_{kind}", kind, value, place=place)
        for kind in _SWITCHES
        if (value := getattr(found, kind)) is not None
    ]
    if found.white_rabbit is not None:
        minutes = str(found.white_rabbit)
        options = _MINUTES if minutes in _MINUTES else (*_MINUTES, minutes)
        settings.append(Setting(f"{place}_{_WHITE_RABBIT}", _WHITE_RABBIT, minutes, options, place))
    if found.auto_open is not None:
        is_open = found.auto_open > time.now()
        settings.append(Setting(f"{place}_{_GUESTS}", _GUESTS, is_open, place=place))
    return {setting.id: setting for setting in settings}


def account_settings(found: Notification) -> dict[SettingId, Setting]:
    """Return the settings of the account."""
    values = {_TEXTS: found.enable, _MONEY: found.money}
    return {kind: Setting(kind, kind, value) for kind, value in values.items() if value is not None}


class SmartYardAccountSettings:
    """Changes settings of apartments and of the account.

    Args:
        codes: Lets guests in.
        time: Time of the server.
        switches: Records whether calls of an apartment are pushed.
    """

    def __init__(
        self,
        yard: SmartYard,
        topology: Callable[[], AccountTopology],
        codes: SmartYardCodes,
        time: ServerTime,
        switches: RingSwitches,
    ) -> None:
        self._yard = yard
        self._topology = topology
        self._codes = codes
        self._time = time
        self._switches = switches

    async def set(self, setting: SettingId, value: bool | str) -> None:
        """Set a boolean setting or select an option."""
        if setting in {_TEXTS, _MONEY}:
            is_text = setting == _TEXTS
            found = await self._yard.user.notification(**{"enable" if is_text else "money": bool(value)})
            if (found.enable if is_text else found.money) is None:
                found = await self._yard.user.notification()  # an empty response is not authoritative
            if (found.enable if is_text else found.money) not in {None, bool(value)}:
                raise NotApplied(setting)
            return
        for flat in self._topology().flats:
            kind = setting.removeprefix(f"{flat_place(flat)}_")
            if kind != setting and kind in {*_SWITCHES, _WHITE_RABBIT, _GUESTS}:
                await self._set(flat, kind, value)
                return
        raise NoData("no such setting")

    async def _set(self, flat: str, kind: str, value: bool | str) -> None:
        if kind == _GUESTS:
            await self._codes.let_guests_in(flat_place(flat), datetime.now(UTC) + _GUEST_TIME if value else None)
            return
        if kind == _WHITE_RABBIT:
            if value not in _MINUTES:
                raise InvalidRequest("not one of the options", kind)
            changes = IntercomChanges(white_rabbit=int(value))
        else:
            changes = _SWITCHES[kind](bool(value))
        found = await self._yard.address.intercom(flat, changes)
        if not _shows(found, changes):
            found = await self._yard.address.intercom(flat)  # the response may predate the change
            if not _shows(found, changes, unless_hidden=True):
                raise NotApplied(kind)
        self._switches.record(flat, found.voip, self._time.now())


def _shows(found: IntercomSettings, changes: IntercomChanges, *, unless_hidden: bool = False) -> bool:
    """Return whether the settings have the changed values; missing ones are accepted only with ``unless_hidden``."""
    asked = present(asdict(changes))
    values = {name: getattr(found, name) for name in asked}
    return all(values[name] == value or (unless_hidden and values[name] is None) for name, value in asked.items())


class SmartYardCodes:
    """Door codes of apartments, and guest access.

    Args:
        time: Time of the server.
    """

    def __init__(self, yard: SmartYard, topology: Callable[[], AccountTopology], time: ServerTime) -> None:
        self._address = yard.address
        self._topology = topology
        self._time = time
        # Stored minus requested time: the server may read and write times in different time zones.
        self._shift: timedelta | None = None

    async def renew(self, flat: PlaceId) -> str:
        """Generate a new door code, and return it."""
        return await self._address.reset_code(flat_of(self._topology(), flat))

    async def let_guests_in(self, flat: PlaceId, until: datetime | None) -> None:
        """Let guests in to an apartment until a time; None ends it."""
        known = flat_of(self._topology(), flat)
        if until is None:
            await self._end(known)
            return
        wanted = self._time.local(until).replace(microsecond=0)
        if self._shift is None:
            self._shift = await self._measure(known)
        stored = await self._store(known, wanted - self._shift)
        whole = wanted.replace(second=0)
        if timedelta() < stored - wanted < _MINUTE and whole > self._time.now():
            stored = await self._store(known, whole - self._shift)  # the server rounds up: request less
        if abs(stored - wanted) >= _MINUTE:
            self._shift = None
            await self._end(known)
            raise WrongTime(stored - wanted)

    async def _store(self, flat: str, until: datetime) -> datetime:
        """Store a time, and return it as stored by the server."""
        found = await self._address.intercom(flat, IntercomChanges(auto_open=until))
        if found.auto_open is None:
            found = await self._address.intercom(flat)  # an empty response is not authoritative
        if found.auto_open is None:
            raise NotApplied(_GUESTS)
        return found.auto_open

    async def _measure(self, flat: str) -> timedelta:
        """Return the offset of stored times, measured with a past time that opens nothing."""
        # Some servers store whole minutes.
        asked = self._time.now().replace(second=0, microsecond=0) - _PAST
        shift = await self._store(flat, asked) - asked
        return shift if abs(shift) < _ZONES else timedelta()

    async def _end(self, flat: str) -> None:
        if await self._store(flat, OFF) > self._time.now():
            raise NotApplied(_GUESTS)


def flat_of(topology: AccountTopology, place: PlaceId) -> str:
    """Return the apartment of a place."""
    for flat in topology.flats:
        if flat_place(flat) == place:
            return flat
    raise NoData("no such flat")


_WATCHED: Mapping[str, LogEvent] = {
    "key": LogEvent.KEY,
    "app": LogEvent.APP,
    "face": LogEvent.FACE,
    "code": LogEvent.CODE,
    "vehicle": LogEvent.VEHICLE,
}
_WORDS: Mapping[int, str] = {int(event): word for word, event in _WATCHED.items()}


class SmartYardMessages:
    """The messages of the operator.

    Args:
        changed: Called when the number of unread messages may have changed.
        counted: Called with that number.
    """

    def __init__(self, yard: SmartYard, changed: Callable[[], None], counted: Callable[[Unread], None]) -> None:
        self._inbox = yard.inbox
        self._changed = changed
        self._counted = counted

    async def unread(self) -> int:
        """Return the number of unread messages."""
        found = await self._inbox.unread()
        self._counted(found)
        return found.messages

    async def mark_read(self, message: str | None) -> None:
        """Mark a message as read, or all for None."""
        try:
            await self._inbox.read(message)
        finally:  # an unconfirmed request may have been carried out
            self._changed()

    async def send_test(self, text: str) -> None:
        """Let the server send a message to this account."""
        await self._inbox.alert(text, Action.INBOX)


@dataclass(frozen=True, slots=True)
class Watch:
    """An event of a flat that a user wants to be notified of immediately."""

    id: str
    flat: PlaceId
    event: str
    detail: str | None = None
    comment: str | None = None


class SmartYardWatches:
    """Events that are reported immediately, by a ``paranoid`` message.

    Args:
        routed: Pushes arrive through a route of the operator, which lacks these messages (field notes 8).
    """

    def __init__(self, yard: SmartYard, topology: Callable[[], AccountTopology], *, routed: bool) -> None:
        self._address = yard.address
        self._topology = topology
        self._routed = routed

    async def query(self) -> tuple[Watch, ...]:
        """Return the watches of this device, without door codes and with only the last digits of keys."""
        return tuple(
            Watch(
                watch.id,
                flat_place(watch.flat_id or ""),
                _WORDS.get(watch.event, str(watch.event)),
                _detail(watch),
                watch.comments,
            )
            for watch in await self._address.tracked()
        )

    async def add(self, flat: PlaceId, event: str, detail: str | None, comment: str | None) -> None:
        """Watch an event: ``key``, ``app``, ``face``, ``code``, or ``vehicle``; ``detail`` selects which one."""
        if self._routed:
            raise NotPushed("the operator's push route lacks watched events")
        if (kind := _WATCHED.get(event)) is None:
            raise InvalidRequest("this event cannot be watched", "event")
        if not detail:
            raise InvalidRequest("a detail is required", "detail")
        await self._address.track(flat_of(self._topology(), flat), kind, detail, comment or "")


def _detail(watch: Tracked) -> str | None:
    """Return the watched detail, without credentials."""
    if watch.event == LogEvent.CODE or watch.detail is None:
        return None
    return Privacy(cards=True).card(watch.detail) if watch.event == LogEvent.KEY else watch.detail
