"""2N log events in the neutral model, without their secrets (HTTP API 5.10.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..api.parse import Fields, fields, flag, integer, member, text
from ..api.two_n.log import LogEvent
from ..api.two_n.reader import Gap, GapReason, LogReader, Reading
from ..events import (
    AccessDecided,
    AlarmChanged,
    ButtonPressed,
    CallChanged,
    DirectoryChanged,
    DoorMode,
    DoorReleased,
    Event,
    Fact,
    LineChanged,
    PortChanged,
    Restarted,
)
from ..facets import Delivery
from ..model import Access, Alarm, CallState, Direction

REDACTED = "**REDACTED**"

# The event that stands for what the device cannot tell any more.
GAP_EVENT = "LogGap"

# Alarms by the event that tells of them; the event's presence in log/caps says that the device has it.
ALARM_EVENTS: Mapping[str, Alarm] = {
    "ApLockStateChanged": Alarm.LOCKDOWN,
    "DoorOpenTooLong": Alarm.DOOR_HELD_OPEN,
    "DoorStateChanged": Alarm.DOOR_OPEN,
    "MotionDetected": Alarm.MOTION,
    "NoiseDetected": Alarm.NOISE,
    "SwitchesBlocked": Alarm.SWITCHES_BLOCKED,
    "TamperSwitchActivated": Alarm.TAMPER,
    "UnauthorizedDoorOpen": Alarm.DOOR_FORCED,
}

# Firmware that knows these tells by them who was let in or refused, and why.
DECISION_EVENTS = frozenset({"UserAuthenticated", "UserRejected"})
# Older firmware tells only whether a credential was valid.
CREDENTIAL_EVENTS = frozenset({"CardEntered", "CodeEntered", "FingerEntered", "MobKeyEntered"})

_SECRET_PARAMS = frozenset({"authid", "code", "fpt", "licenseplate", "mobkey", "password", "pin"})
# Tones of a call open doors; which parameter has them differs, and is not documented for all.
_TONE_EVENTS = frozenset({"DtmfEntered", "DtmfPressed", "DtmfSent"})
_OPEN_TONE_PARAMS = frozenset({"ap", "call", "direction", "session", "type", "uuid", "valid"})
_CARD_PARAMS = frozenset({"uid", "card", "virtcard"})
_DOOR_STATES = {"opened": True, "closed": False}
_MAX_HOLD = 86400
_ENTRANCES = {0: "entry", 1: "exit"}
_BUTTON_PREFIX = "%"


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the user wants kept: names of people, and the last four characters of card numbers."""

    names: bool = True
    cards: bool = False


class TwoNLog:
    """The event log in the neutral model.

    Args:
        reader: Reads the device's log.
        privacy: What of it may be shown.
        credentials_decide: No ``DECISION_EVENTS`` follow a credential.
    """

    def __init__(self, reader: LogReader, privacy: Privacy, credentials_decide: bool) -> None:
        """See the class."""
        self.reader = reader
        self._privacy = privacy
        self._credentials_decide = credentials_decide

    async def next(self) -> Delivery:
        """Return the next log events, waiting for them for up to a minute.

        Raises:
            IntercomError: The device is out of reach or refuses; the next call begins anew.
        """
        batch = await self.reader.read()
        events = [neutral_event(reading, self._privacy, self._credentials_decide) for reading in batch.readings]
        if batch.gap is not None:
            events.insert(0, gap_event(batch.gap))
        assert self.reader.cursor is not None
        return Delivery(tuple(events), batch.resumed, self.reader.cursor.as_json())


def neutral_event(reading: Reading, privacy: Privacy, credentials_decide: bool = False) -> Event:
    """Return a log event in the neutral model.

    Args:
        reading: The event.
        privacy: What of it may be shown.
        credentials_decide: No ``DECISION_EVENTS`` follow a credential.
    """
    record = reading.event
    time = datetime.fromtimestamp(record.utc_time, UTC)
    facts = _FACTS.get(record.event)
    return Event(
        type=record.event,
        time=time,
        data=redact(record, privacy),
        late=reading.late,
        facts=() if facts is None else facts(_Record(record.event, record.params, time, privacy, credentials_decide)),
        sequence=record.id,
    )


def gap_event(gap: Gap) -> Event:
    """Return the event that tells of a time whose log the device has lost."""
    start, end = (datetime.fromtimestamp(bound, UTC) for bound in (gap.start, gap.end))
    data = {"start": start.isoformat(), "end": end.isoformat(), "reason": gap.reason.value}
    # The device's own record of its start may be lost too.
    facts = (Restarted(),) if gap.reason is GapReason.RESTART else ()
    return Event(type=GAP_EVENT, time=end, data=data, late=True, facts=facts)


def redact(record: LogEvent, privacy: Privacy) -> Mapping[str, object]:
    """Return the parameters of an event without codes, keypad digits, card numbers and the like."""
    if record.event in _TONE_EVENTS:
        return {name: value if name in _OPEN_TONE_PARAMS else REDACTED for name, value in record.params.items()}
    return {name: _shown(name, value, privacy) for name, value in record.params.items()}


def _shown(name: str, value: object, privacy: Privacy) -> object:
    if isinstance(value, list):
        return [_shown(name, item, privacy) for item in value]
    lower = name.lower()
    if lower in _SECRET_PARAMS:
        return REDACTED
    if lower in _CARD_PARAMS:
        return f"…{str(value)[-4:]}" if privacy.cards and len(str(value)) > 4 else REDACTED
    if lower == "name" and not privacy.names:
        return REDACTED
    # PINs pass through KeyPressed digit by digit; only quick-dial buttons are shown.
    if lower == "key" and str(value).isdigit():
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _shown(key, inner, privacy) for key, inner in fields(value).items()}
    return value


@dataclass(frozen=True, slots=True)
class _Record:
    """What a mapper may look at."""

    event: str
    params: Fields
    time: datetime
    privacy: Privacy
    credentials_decide: bool

    @property
    def entrance(self) -> str | None:
        """The access point in words (HTTP API 5.10.4: 0 = entry, 1 = exit)."""
        point = integer(self.params.get("ap"))
        return None if point is None else _ENTRANCES.get(point)


type _Mapper = Callable[[_Record], tuple[Fact, ...]]


def _alarm(record: _Record) -> tuple[Fact, ...]:
    state = text(record.params.get("state"))
    on = _DOOR_STATES.get(state or "", flag(record.params.get("state")))
    return () if on is None else (AlarmChanged(ALARM_EVENTS[record.event], on),)


def _switch_state(record: _Record) -> tuple[Fact, ...]:
    switch, on = integer(record.params.get("switch")), flag(record.params.get("state"))
    return () if switch is None or on is None else (DoorReleased(str(switch), on),)


def _switch_operation(record: _Record) -> tuple[Fact, ...]:
    if (switch := integer(record.params.get("switch"))) is None:
        return ()
    timeout = integer(record.params.get("hold_timeout"))
    if timeout is not None and not 0 < timeout <= _MAX_HOLD:
        timeout = None
    return (
        DoorMode(
            str(switch),
            held_open=flag(record.params.get("held")),
            blocked=flag(record.params.get("locked")),
            hold_until=record.time + timedelta(seconds=timeout) if timeout else None,
        ),
    )


def _port(record: _Record) -> tuple[Fact, ...]:
    port, on = text(record.params.get("port")), flag(record.params.get("state"))
    return () if port is None or on is None else (PortChanged(port, on),)


def _key(record: _Record) -> tuple[Fact, ...]:
    key = text(record.params.get("key")) or ""
    number = integer(key.removeprefix(_BUTTON_PREFIX)) if key.startswith(_BUTTON_PREFIX) else None
    return () if number is None else (ButtonPressed(str(number), number),)


def _call(record: _Record) -> tuple[Fact, ...]:
    session = integer(record.params.get("session"))
    state = member(CallState, record.params.get("state"))
    if session is None or state is None:
        return ()
    return (
        CallChanged(
            session,
            member(Direction, record.params.get("direction")),
            state,
            text(record.params.get("peer")),
            integer(record.params.get("call")),
            text(record.params.get("reason")),
        ),
    )


def _call_session(record: _Record) -> tuple[Fact, ...]:
    session = integer(record.params.get("session"))
    if session is None or text(record.params.get("state")) != CallState.TERMINATED:
        return ()
    return (CallChanged(session, None, CallState.TERMINATED),)


def _registration(record: _Record) -> tuple[Fact, ...]:
    account, state = integer(record.params.get("sipAccount")), text(record.params.get("state"))
    if account is None or state not in {"registered", "unregistered"}:
        return ()
    return (LineChanged(str(account), state == "registered"),)


def _user(record: _Record) -> tuple[Fact, ...]:
    return (
        AccessDecided(
            Access(
                time=record.time,
                granted=record.event == "UserAuthenticated",
                name=text(record.params.get("name")) if record.privacy.names else None,
                reason=text(record.params.get("reason")),
                entrance=record.entrance,
            )
        ),
    )


def _credential(record: _Record) -> tuple[Fact, ...]:
    valid = flag(record.params.get("valid"))
    if valid is None or not record.credentials_decide:
        return ()
    method = record.event.removesuffix("Entered").lower()
    return (AccessDecided(Access(record.time, granted=valid, method=method, entrance=record.entrance)),)


def _directory(_: _Record) -> tuple[Fact, ...]:
    return (DirectoryChanged(),)


def _device_state(record: _Record) -> tuple[Fact, ...]:
    return (Restarted(),) if text(record.params.get("state")) == "startup" else ()


_FACTS: Mapping[str, _Mapper] = {
    **dict.fromkeys(ALARM_EVENTS, _alarm),
    **dict.fromkeys(CREDENTIAL_EVENTS, _credential),
    **dict.fromkeys(DECISION_EVENTS, _user),
    "CallSessionStateChanged": _call_session,
    "CallStateChanged": _call,
    "DeviceState": _device_state,
    "DirectoryChanged": _directory,
    "InputChanged": _port,
    "KeyPressed": _key,
    "OutputChanged": _port,
    "RegistrationStateChanged": _registration,
    "SwitchOperationChanged": _switch_operation,
    "SwitchStateChanged": _switch_state,
}
