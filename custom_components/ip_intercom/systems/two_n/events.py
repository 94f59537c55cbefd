"""2N log events in the neutral model, without their secrets (HTTP API 5.10.4)."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import batched
import logging

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
from ...model.features import PORTION, Delivery
from ...model.parts import Access, Alarm, CallState, Direction, Occurrence
from ..common.errors import IntercomError
from ..common.parse import Fields, flag, integer, member, text
from ..common.privacy import Privacy
from ..common.times import time_of
from .boots import Boots
from .calls import Visitors
from .client.cursor import Batch, Cursor, EventKey, Gap, GapReason, Reading
from .client.log import LogEvent
from .client.reader import LogReader
from .doors import ACCESS_POINTS
from .log_gaps import KEYPAD, Withheld
from .mapping import hold_end
from .privacy import expected, redact, shows

_LOGGER = logging.getLogger(__name__)

# The event that stands for what the device cannot tell any more.
GAP_EVENT = "LogGap"

# Alarms by the event that tells of them; the event's presence in log/caps says that the device has it.
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

# What happens and is over, by the event that tells of it.
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
# Which kind of it, where there are several.
_WORDS: Mapping[str, str] = {"DtmfEntered": "entered", "DtmfPressed": "entered", "DtmfSent": "sent"}
# What may be told of it beside the entrance.
_DETAILS = frozenset({"address", "call", "dx", "dy", "name", "type", "valid", "x", "y"})

# Firmware that knows these tells by them who was let in or refused, and why.
DECISION_EVENTS = frozenset({"UserAuthenticated", "UserRejected"})
# Older firmware tells only whether a credential was valid.
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

# After these the device may have other switches, ports, displays, cameras or events.
_CAPABILITY_EVENTS = ("CapabilitiesChanged", "ConfigurationChanged", "ExternalCameraStateChanged", "HardwareChanged")

_DOOR_STATES = {"opened": True, "closed": False}

_BUTTON_PREFIX = "%"
# Seconds in which the record of a call's session follows that of its first leg.
_SESSION_DELAY = 1


class TwoNLog:
    """The event log in the neutral model.

    Args:
        reader: Reads the device's log.
        privacy: What of it may be shown.
        reported: The event types that the device records.
        stored: The cursor of an earlier life.
    """

    local = True
    replays = True

    def __init__(
        self,
        reader: LogReader,
        privacy: Privacy,
        reported: frozenset[str],
        stored: Mapping[str, object] | None = None,
    ) -> None:
        self.reader = reader
        self._boots = Boots((stored or {}).get("boot"))
        self._portions: deque[Delivery] = deque()
        self._privacy = privacy
        self._withheld = Withheld(reported)
        self._visitors = Visitors(reported)

    async def expect(self, reported: frozenset[str]) -> None:
        """Read other event types from now on, losing none of the others; none reported changes nothing."""
        if reported:
            self._withheld.listed = self._visitors.listed = reported
            await self.reader.expect(reported)

    def trust_numbers(self, exact: bool) -> None:
        """Say whether nothing but keys and cards may be missing from the log."""
        self._withheld.exact = exact

    def presume_complete(self) -> None:
        """Forget what the silence of the device seemed to show."""
        self._withheld = Withheld(self._withheld.listed, exact=self._withheld.exact)

    async def next(self) -> Delivery:
        """Return the next log events, waiting for them for up to a minute."""
        if not self._portions:
            self._portions.extend(await self._read())
        return self._portions.popleft()

    async def _read(self) -> list[Delivery]:
        """Read the log once, and return what it brought in portions, each with the cursor behind its last event."""
        before, poll = self.reader.cursor, self.reader.poll
        self._visitors.resume(before.last if before is not None else None)
        batch = await self.reader.read()
        if batch.gap is not None:
            self._withheld.break_off()
        self._see(batch.readings)
        if batch.readings and any(
            self._visitors.awaits(reading.event) for reading in batch.readings if not reading.late
        ):
            batch = await self._with_sessions(batch)
        self._boots.see(batch, before.last.id if before is not None and before.last is not None else None)
        portions = list(batched(batch.readings, PORTION, strict=False)) or [()]
        deliveries = [
            Delivery(self._events(portion), False, self._cursor(before, portion[-1].event), more=True)
            for portion in portions[:-1]
        ]
        events = self._events(portions[-1])
        learned = self.reader.poll != poll
        deliveries.append(Delivery(events, batch.resumed, self._cursor(), self._withheld.missing, keep=learned))
        if batch.gap is not None:
            told = gap_event(batch.gap, self._boots.name)
            deliveries[0] = replace(deliveries[0], events=(told, *deliveries[0].events))
        return deliveries

    def _see(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._withheld.see(reading.event)
            keys_shown = KEYPAD not in self._withheld.missing and not self._withheld.exact
            self._visitors.see(reading.event, keys_shown=keys_shown)

    async def _with_sessions(self, batch: Batch) -> Batch:
        """Return a batch with the records that follow at once: they may tell who began a call."""
        try:
            more = await self.reader.read(_SESSION_DELAY)
        except IntercomError as err:
            _LOGGER.debug("Could not determine who started the call: %s", err)
            return batch
        self._see(more.readings)
        if any(self._visitors.awaits(reading.event) for reading in batch.readings):
            self._visitors.waited_in_vain()
        gap, resumed = batch.gap or more.gap, batch.resumed or more.resumed
        return Batch((*batch.readings, *more.readings), gap, resumed)

    def _events(self, readings: Iterable[Reading]) -> tuple[Event, ...]:
        # Where no decision follows a credential, the credential is the decision.
        credentials_decide = not self._withheld.listed & DECISION_EVENTS
        return tuple(
            self._with_visitor(neutral_event(reading, self._privacy, credentials_decide, self._boots.name))
            for reading in readings
            if shows(reading.event.event, self._privacy)
        )

    def _with_visitor(self, event: Event) -> Event:
        """Return an event that says of the calls in it what is known of who began them."""
        if not any(isinstance(fact, CallChanged) for fact in event.facts):
            return event
        visitors = self._visitors
        facts = (
            replace(fact, from_house=visitors.from_house(fact.session), untouched=visitors.untouched(fact.session))
            if isinstance(fact, CallChanged)
            else fact
            for fact in event.facts
        )
        return replace(event, facts=tuple(facts))

    def _cursor(self, before: Cursor | None = None, event: LogEvent | None = None) -> dict[str, object]:
        """Return where to go on: behind all that was read, or behind an event in the middle of it."""
        cursor = self.reader.cursor
        assert cursor is not None
        if event is not None and before is not None and cursor.last is not None:
            # As if it had been read when it happened, so that a new channel reaches back to it.
            received_at = cursor.last.received_at - max(0, cursor.last.up_time - event.up_time)
            key = EventKey(event.id, event.utc_time, event.up_time, received_at)
            cursor = Cursor(before.complete_until, key, cursor.poll)
        return {**cursor.as_json(), "boot": self._boots.as_json()}


def neutral_event(
    reading: Reading, privacy: Privacy, credentials_decide: bool = False, boot: str | None = None
) -> Event:
    """Return a log event in the neutral model.

    Args:
        reading: The event.
        privacy: What of it may be shown.
        credentials_decide: No ``DECISION_EVENTS`` follow a credential.
        boot: The start of the device that it is from.
    """
    record = reading.event
    time, clocked = time_of(datetime.fromtimestamp(record.utc_time, UTC), reading.age)
    facts, params = _FACTS.get(record.event), expected(record.event, record.params)
    return Event(
        type=record.event,
        time=time,
        data=redact(record.event, record.params, privacy),
        late=reading.late,
        facts=() if facts is None else facts(_Record(record.event, params, time, privacy, credentials_decide)),
        sequence=record.id,
        age=reading.age,
        heard=reading.heard,
        boot=boot,
        id=None if boot is None else f"{boot}-{record.id}",
        clocked=clocked,
    )


def gap_event(gap: Gap, boot: str | None = None) -> Event:
    """Return the event that tells of a time whose log the device has lost."""
    start, end = (datetime.fromtimestamp(bound, UTC) for bound in (gap.start, gap.end))
    data = {"start": start.isoformat(), "end": end.isoformat(), "reason": gap.reason.value}
    # The device's own record of its start may be lost too.
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
        return None if point is None else ACCESS_POINTS.get(point)

    @property
    def part(self) -> str | None:
        """Which of several alarms of a kind: a motion profile, an access point and what is limited there."""
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
