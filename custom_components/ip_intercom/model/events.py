"""Events of an intercom.

A system maps each record of its log to an ``Event``: the record for users and automations, without secrets, and the
facts that this integration uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .parts import (
    Access,
    AccessPointId,
    Alarm,
    BellId,
    CallOutcome,
    CallRecord,
    CallState,
    Direction,
    DoorId,
    LineId,
    Occurrence,
    PortId,
    Pushes,
    SessionId,
    VisitOutcome,
    Voicemail,
    VoicemailId,
)


@dataclass(frozen=True, slots=True)
class DoorReleased:
    """A door relay turned on or off."""

    door: DoorId
    released: bool


@dataclass(frozen=True, slots=True)
class DoorMode:
    """The hold or block of a door changed; None for values that the record does not report."""

    door: DoorId
    held_open: bool | None = None
    blocked: bool | None = None
    hold_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PortChanged:
    """An input or output changed."""

    port: PortId
    on: bool
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """An alarm began or ended, as a whole or for one ``part``."""

    alarm: Alarm
    on: bool
    part: str | None = None


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A visitor pressed the button of a bell.

    ``picture`` is the name of the visitor's picture for the feature ``visitors``; ``details`` are further attributes
    of the ring. ``session`` is the call of the ring, if it is known already.
    """

    bell: BellId
    button: int | None
    picture: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    session: SessionId | None = None


@dataclass(frozen=True, slots=True)
class BellRings:
    """A bell started or stopped ringing."""

    bell: BellId
    on: bool


@dataclass(frozen=True, slots=True)
class VisitRecorded:
    """The history of the device or account has the outcome of a visit; ``id`` is that of the record."""

    bell: BellId
    outcome: VisitOutcome
    id: str | None = None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The user received a message. ``kind`` is a neutral word, ``other`` for unknown kinds.

    ``details`` has title, text, and the id that marks it as read, as far as known.
    """

    kind: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessagesCounted:
    """The number of unread messages changed."""

    unread: int


@dataclass(frozen=True, slots=True)
class RecordingsListed:
    """The requested recordings changed; the values are whether each is ready."""

    recordings: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class CallChanged:
    """One party of a call changed its state; ``leg`` is None for the whole call.

    ``bell``: the bell of its visitor, as in ``CallSession``.
    ``from_house``: a different system started the call. ``untouched``: the device was certainly not touched before.
    ``recorded``: only a record in a log reports the end, without its time and without whether the call was answered.
    """

    session: SessionId
    direction: Direction | None
    state: CallState
    peer: str | None = None
    leg: int | None = None
    reason: str | None = None
    from_house: bool = False
    untouched: bool = False
    recorded: bool = False
    bell: BellId | None = None


@dataclass(frozen=True, slots=True)
class CallLogged:
    """A call ended with this outcome. ``missed`` is the number of missed calls since the count was cleared."""

    record: CallRecord
    outcome: CallOutcome
    missed: int


@dataclass(frozen=True, slots=True)
class VoicemailReceived:
    """A caller left a message."""

    voicemail: Voicemail


@dataclass(frozen=True, slots=True)
class VoicemailsListed:
    """The list of voicemails changed: some may have been played or deleted."""

    voicemails: Mapping[VoicemailId, Voicemail]


@dataclass(frozen=True, slots=True)
class LineChanged:
    """A SIP account registered or lost its registration."""

    line: LineId
    registered: bool


@dataclass(frozen=True, slots=True)
class AccessDecided:
    """Access was granted or denied; ``picture`` is the name of its picture for the feature ``record_pictures``."""

    access: Access
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class AccessPointBlocked:
    """An access point was blocked or unblocked."""

    access_point: AccessPointId
    blocked: bool


@dataclass(frozen=True, slots=True)
class FloorsOpened:
    """The public floors changed."""

    floors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Occurred:
    """A momentary event. ``word`` is its kind, if there are several."""

    occurrence: Occurrence
    word: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PushesCame:
    """The arrival of pushes changed."""

    pushes: Pushes


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """Names or buttons may have changed."""


@dataclass(frozen=True, slots=True)
class CapabilitiesChanged:
    """Capabilities or settings of the device may have changed."""


@dataclass(frozen=True, slots=True)
class EventsLost:
    """The device lost events: values that only events report are unknown now."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The device restarted: calls have ended, and sensors report again."""


type Fact = (
    DoorReleased
    | DoorMode
    | PortChanged
    | AlarmChanged
    | ButtonPressed
    | BellRings
    | VisitRecorded
    | MessageReceived
    | MessagesCounted
    | RecordingsListed
    | CallChanged
    | CallLogged
    | VoicemailReceived
    | VoicemailsListed
    | LineChanged
    | AccessDecided
    | AccessPointBlocked
    | FloorsOpened
    | Occurred
    | PushesCame
    | DirectoryChanged
    | CapabilitiesChanged
    | EventsLost
    | Restarted
)


@dataclass(frozen=True, slots=True)
class Event:
    """One record of a device's log.

    Attributes:
        type: The device's name of the event.
        time: The time of the event in UTC, by the device's clock if that is set.
        data: Its parameters without secrets, as JSON.
        late: The event is old: it changes states and fires the bus event, but is no ring and triggers no event entity.
        facts: The facts that this integration uses.
        sequence: The device's number of the record, counted from its restart.
        age: Seconds between the event and its arrival, as far as known.
        boot: The start of the device, if ``sequence`` counts from 1 after each start.
        id: The unique id of the event, the same if it is repeated after an unclean stop; None for events that are
            never repeated.
        clocked: The clock of the device is set; otherwise ``time`` is from the system clock.
        live: The event arrived live, so the previous run cannot have delivered it.
    """

    type: str
    time: datetime
    data: Mapping[str, object] = field(default_factory=dict)
    late: bool = False
    facts: tuple[Fact, ...] = ()
    sequence: int | None = None
    age: float = 0.0
    boot: str | None = None
    id: str | None = None
    clocked: bool = True
    live: bool = False
