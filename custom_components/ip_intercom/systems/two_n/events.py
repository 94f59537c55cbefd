"""2N log events in the neutral model, without secrets (HTTP API 5.10.4)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ...model.events import (
    AccessDecided,
    AccessPointBlocked,
    AlarmChanged,
    ButtonPressed,
    CallChanged,
    CapabilitiesChanged,
    DirectoryChanged,
    DoorMode,
    DoorReleased,
    Event,
    EventsLost,
    Fact,
    FloorsOpened,
    LineChanged,
    Occurred,
    PortChanged,
    Restarted,
)
from ...model.parts import Access, Alarm, CallState, Direction, Occurrence
from ..common.parse import Fields, flag, integer, member, text, time_of
from ..common.privacy import Privacy
from .client.cursor import Gap, GapReason, LogEvent, Reading
from .doors import ACCESS_POINTS, hold_end
from .privacy import ShownParams, expected, redact

# Type of the event for a gap in the log.
GAP_EVENT = "LogGap"

# Alarms by event type; a device with the alarm lists the type in log/caps.
ALARM_EVENTS: Mapping[str, Alarm] = {
    "AccessLimited": Alarm.ACCESS_LIMITED,
    "ApLockStateChanged": Alarm.LOCKDOWN,
    "DoorOpenTooLong": Alarm.DOOR_HELD_OPEN,
    "DoorStateChanged": Alarm.DOOR_OPEN,
    "ErrorStateChanged": Alarm.DEVICE_ERROR,
    "LiftStatusChanged": Alarm.LIFT,
    "MotionDetected": Alarm.MOTION,
    "NoiseDetected": Alarm.NOISE,
    "RescueStateChanged": Alarm.RESCUE,
    "SwitchesBlocked": Alarm.SWITCHES_BLOCKED,
    "TamperSwitchActivated": Alarm.TAMPER,
    "UnauthorizedDoorOpen": Alarm.DOOR_FORCED,
}

# Occurrences by event type.
OCCURRENCE_EVENTS: Mapping[str, Occurrence] = {
    "AudioLoopTest": Occurrence.AUDIO_TEST,
    "DisplayTouched": Occurrence.TOUCH,
    "DtmfEntered": Occurrence.TONE,
    "DtmfPressed": Occurrence.TONE,
    "DtmfSent": Occurrence.TONE,
    "LoginBlocked": Occurrence.LOGIN_BLOCKED,
    "RexActivated": Occurrence.EXIT_BUTTON,
    "SilentAlarm": Occurrence.SILENT_ALARM,
}
# Kinds of an occurrence with several event types.
_WORDS: Mapping[str, str] = {"DtmfEntered": "entered", "DtmfPressed": "entered", "DtmfSent": "sent"}
# Fields that an occurrence shows beside the entrance.
_DETAILS = frozenset({"address", "call", "dx", "dy", "name", "type", "valid", "x", "y"})

# Firmware with these events reports the access decision, its user and its reason.
DECISION_EVENTS = frozenset({"UserAuthenticated", "UserRejected"})
# Type of the codes of users. Codes of other types, such as universal ones, open without a user.
_USER_CODE = "user"
# Older firmware reports only whether a credential was valid.
CREDENTIAL_EVENTS = frozenset(
    {
        "CardEntered",
        "CodeEntered",
        "FingerEntered",
        "LicensePlateRecognized",
        "MobKeyEntered",
    }
)
_METHODS: Mapping[str, str] = {
    "CardEntered": "card",
    "CodeEntered": "code",
    "FingerEntered": "finger",
    "LicensePlateRecognized": "license_plate",
    "MobKeyEntered": "mobkey",
}
# Longest delay in seconds between a credential and the decision about it; a second factor may come in between.
DECISION_DELAY = 30

# After these events the device may have other switches, ports, displays, cameras or event types.
_CAPABILITY_EVENTS = ("CapabilitiesChanged", "ConfigurationChanged", "ExternalCameraStateChanged", "HardwareChanged")

_DOOR_STATES = {"opened": True, "closed": False}

_BUTTON_PREFIX = "%"


class Credentials:
    """Pairs each access decision with its credential, which the device records as an event of its own."""

    def __init__(self) -> None:
        # Method, session, and time of the last credential at each access point.
        self._last: dict[int | None, tuple[str, str | None, int]] = {}
        # Session and time of the last credential at each access point that was reported as the decision.
        self._decided: dict[int | None, tuple[str | None, int]] = {}

    def method(self, record: LogEvent) -> str | None:
        """Return the method of a credential event, or of the credential before a decision; None if unknown."""
        method = _METHODS.get(record.event)
        if method is None and record.event not in DECISION_EVENTS:
            return None  # a ring waits for this
        point, session = _point_and_session(record)
        if method is not None:
            self._last[point] = method, session, record.utc_time
            return method
        if (last := self._last.pop(point, None)) is None:
            return None
        method, before, time = last
        return method if _is_same(before, session) and 0 <= record.utc_time - time <= DECISION_DELAY else None

    def decide(self, record: LogEvent) -> None:
        """Remember a credential that is reported as the decision, as none followed."""
        point, session = _point_and_session(record)
        self._decided[point] = session, record.utc_time

    def is_repeated(self, record: LogEvent) -> bool:
        """Return whether a decision came too late: its credential was reported as the decision."""
        if record.event not in DECISION_EVENTS or not self._decided:
            return False
        point, session = _point_and_session(record)
        if (decided := self._decided.pop(point, None)) is None:
            return False
        before, time = decided
        return _is_same(before, session) and 0 <= record.utc_time - time <= DECISION_DELAY


def undecided(records: Iterable[LogEvent]) -> tuple[LogEvent, ...]:
    """Return the credentials of no user that no decision follows: invalid ones, and universal codes."""
    waiting: list[LogEvent] = []
    for record in records:
        if record.event in DECISION_EVENTS:
            point, session = _point_and_session(record)
            waiting = [
                other
                for other in waiting
                if not (_is_same(other.params.get("ap"), point) and _is_same(other.params.get("session"), session))
            ]
        elif record.event in CREDENTIAL_EVENTS and _is_of_no_user(record):
            waiting.append(record)
    return tuple(waiting)


def _is_of_no_user(record: LogEvent) -> bool:
    """Return whether a credential is invalid, or a code that opens without a user."""
    valid = flag(record.params.get("valid"))
    if record.event != "CodeEntered" or not valid:
        return valid is False
    return text(record.params.get("type")) not in {None, _USER_CODE}


def _point_and_session(record: LogEvent) -> tuple[int | None, str | None]:
    """Return the access point of a record, and the number that its events of one person share."""
    return integer(record.params.get("ap")), text(record.params.get("session"))


def _is_same(one: object, other: object) -> bool:
    """Return whether two values are the same, as far as known."""
    return one is None or other is None or text(one) == text(other)


def neutral_event(
    reading: Reading,
    privacy: Privacy,
    credentials_decide: bool = False,
    boot: str | None = None,
    method: str | None = None,
) -> Event:
    """Return a log event in the neutral model.

    Args:
        reading: The event.
        privacy: Fields that may be shown.
        credentials_decide: Whether a credential event is the access decision, as none of ``DECISION_EVENTS`` follows.
        boot: Name of the boot that recorded the event.
        method: Method of the credential that an access decision is about.
    """
    record = reading.event
    time, clocked = time_of(datetime.fromtimestamp(record.utc_time, UTC), reading.age)
    facts: tuple[Fact, ...] = ()
    if (mapper := _FACTS.get(record.event)) is not None:
        params = expected(record.event, record.params)
        facts = mapper(_Record(record.event, params, time, privacy, credentials_decide, method))
    return Event(
        type=record.event,
        time=time,
        data=ShownParams(record.event, record.params, privacy),
        late=reading.late,
        facts=facts,
        sequence=record.id,
        age=reading.age,
        live=reading.live,
        boot=boot,
        id=None if boot is None else f"{boot}-{record.id}",
        clocked=clocked,
    )


def gap_event(gap: Gap, boot: str | None = None) -> Event:
    """Return the event for a period that the device's log no longer covers."""
    start, end = (datetime.fromtimestamp(bound, UTC) for bound in (gap.start, gap.end))
    data = {"start": start.isoformat(), "end": end.isoformat(), "reason": gap.reason.value}
    # The device's own record of its start may be missing too.
    facts: tuple[Fact, ...] = (Restarted(),) if gap.reason is GapReason.RESTART else (EventsLost(),)
    return Event(
        type=GAP_EVENT,
        time=end,
        data=data,
        late=True,
        facts=facts,
        boot=boot,
        id=None if boot is None else f"{boot}-gap",
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """Input of the mappers."""

    event: str
    params: Fields
    time: datetime
    privacy: Privacy
    credentials_decide: bool
    method: str | None

    @property
    def entrance(self) -> str | None:
        """Name of the access point (HTTP API 5.10.4: 0 = entry, 1 = exit)."""
        point = integer(self.params.get("ap"))
        return None if point is None else ACCESS_POINTS.get(point)

    @property
    def part(self) -> str | None:
        """Distinguishes alarms of one type: a motion profile, or an access point and its limit."""
        named = (text(self.params.get("id")), self.entrance, text(self.params.get("type")))
        return " ".join(name for name in named if name is not None) or None


type _Mapper = Callable[[_Record], tuple[Fact, ...]]


def _alarm(record: _Record) -> tuple[Fact, ...]:
    state = text(record.params.get("state"))
    on = _DOOR_STATES.get(state or "", flag(record.params.get("state")))
    return () if on is None else (AlarmChanged(ALARM_EVENTS[record.event], on, record.part),)


def _lift(record: _Record) -> tuple[Fact, ...]:
    ready = flag(record.params.get("ready"))
    return () if ready is None else (AlarmChanged(Alarm.LIFT, not ready, text(record.params.get("module"))),)


def _floors(record: _Record) -> tuple[Fact, ...]:
    floors = record.params.get("floors")
    if text(record.params.get("type")) != "public" or not isinstance(floors, list):
        return ()
    return (FloorsOpened(tuple(number for item in floors if (number := integer(item)) is not None)),)


def _virtual_port(record: _Record) -> tuple[Fact, ...]:
    port, on = text(record.params.get("port")), flag(record.params.get("state"))
    kind = "virtual_input" if record.event == "VirtualInput" else "virtual_output"
    return () if port is None or on is None else (PortChanged(f"{kind}_{port}", on, virtual=True),)


def _access_blocked(record: _Record) -> tuple[Fact, ...]:
    blocked = flag(record.params.get("state"))
    return () if blocked is None or record.entrance is None else (AccessPointBlocked(record.entrance, blocked),)


def _occurrence(record: _Record) -> tuple[Fact, ...]:
    event = record.event
    word = _WORDS.get(event)
    if event == "AudioLoopTest":
        word = text(record.params.get("result"))
    shown = redact(event, record.params, record.privacy)
    details = {name: shown[name] for name in shown if name in _DETAILS}
    if record.entrance is not None:
        details["entrance"] = record.entrance
    return (Occurred(OCCURRENCE_EVENTS[event], word, details),)


def _switch_state(record: _Record) -> tuple[Fact, ...]:
    switch, on = integer(record.params.get("switch")), flag(record.params.get("state"))
    return () if switch is None or on is None else (DoorReleased(str(switch), on),)


def _switch_operation(record: _Record) -> tuple[Fact, ...]:
    if (switch := integer(record.params.get("switch"))) is None:
        return ()
    mode = DoorMode(
        str(switch),
        held_open=flag(record.params.get("held")),
        blocked=flag(record.params.get("locked")),
        hold_until=hold_end(record.time, integer(record.params.get("hold_timeout"))),
    )
    return (mode,) if "enabled" not in record.params else (mode, CapabilitiesChanged())


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
                method=record.method,
                reason=text(record.params.get("reason")),
                entrance=record.entrance,
            )
        ),
    )


def _credential(record: _Record) -> tuple[Fact, ...]:
    valid = flag(record.params.get("valid"))
    if valid is None or not record.credentials_decide:
        return ()
    access = Access(record.time, granted=valid, method=_METHODS[record.event], entrance=record.entrance)
    return (AccessDecided(access),)


def _directory(_: _Record) -> tuple[Fact, ...]:
    return (DirectoryChanged(),)


def _capabilities(_: _Record) -> tuple[Fact, ...]:
    return (CapabilitiesChanged(),)


def _device_state(record: _Record) -> tuple[Fact, ...]:
    return (Restarted(),) if text(record.params.get("state")) == "startup" else ()


_FACTS: Mapping[str, _Mapper] = {
    **dict.fromkeys(ALARM_EVENTS, _alarm),
    **dict.fromkeys(CREDENTIAL_EVENTS, _credential),
    **dict.fromkeys(DECISION_EVENTS, _user),
    **dict.fromkeys(OCCURRENCE_EVENTS, _occurrence),
    **dict.fromkeys(_CAPABILITY_EVENTS, _capabilities),
    "AccessBlocked": _access_blocked,
    "CallSessionStateChanged": _call_session,
    "CallStateChanged": _call,
    "DeviceState": _device_state,
    "DirectoryChanged": _directory,
    "InputChanged": _port,
    "KeyPressed": _key,
    "LiftFloorsEnabled": _floors,
    "LiftStatusChanged": _lift,
    "OutputChanged": _port,
    "RegistrationStateChanged": _registration,
    "SwitchOperationChanged": _switch_operation,
    "SwitchStateChanged": _switch_state,
    "VirtualInput": _virtual_port,
    "VirtualOutput": _virtual_port,
}
