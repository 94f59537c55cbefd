"""Features of a system beyond its state: small protocols that an adapter may implement.

A platform makes entities of a feature that is there. An action for one that is not fails with a sentence
that names the device and what it lacks. All methods raise ``IntercomError`` of ``systems.common.errors``.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from .doors import DoorCommand
from .events import Event
from .functions import (
    AccessPoints,
    AccountSettings,
    ByteStream,
    CallLog,
    Capture,
    Clocks,
    Codes,
    Displays,
    FirmwareControl,
    FlatCodes,
    Maintenance,
    Messages,
    Settings,
    Visitors,
)
from .parts import (
    Bell,
    BellId,
    CallMode,
    CallSession,
    CameraId,
    Conference,
    ConferenceId,
    Control,
    Door,
    DoorId,
    PortId,
    SessionId,
    VoicemailId,
)
from .state import Description, Missing, Reading

# So many events are handed on at once; then everything else in Home Assistant has its turn.
PORTION = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """Events in the order they happened.

    Attributes:
        events: What was read, oldest first; empty where nothing happened for a while.
        missed: State may have changed unseen before these events and has to be read once.
        cursor: Where to go on after a restart, as JSON.
        withheld: What the account lacks, as the device's silence shows.
        live: Events come by themselves as they happen, so that reading the state is only a safety net.
        keep: The cursor is worth writing down although nothing happened.
        answered: The device itself has told. False for what others tell of it while it does not answer or refuses.
        failing: Sources of events that cannot be read now, as the API names them.
        again: Seconds after which there is more to tell, whether the device answers then or not; None for nothing yet.
        more: The rest of a backlog follows at once; the state in between is an old one, and is not shown.
    """

    events: tuple[Event, ...]
    missed: bool
    cursor: Mapping[str, object]
    withheld: frozenset[Missing] = frozenset()
    live: bool = True
    keep: bool = False
    answered: bool = True
    failing: frozenset[str] = frozenset()
    again: float | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Bells:
    """The bells of a device, and which of them rings when a number is called."""

    bells: Mapping[BellId, Bell]
    peers: Mapping[str, BellId]


@dataclass(frozen=True, slots=True)
class DoorTiming:
    """Seconds within which a door command shows its effect, and how long an opening lasts, None for good.

    ``doubtful`` is for how many seconds more the reported state may be older than a command whose effect was not seen.
    """

    settles: float
    lasts: float | None = None
    doubtful: float = 0.0


class EventLog(Protocol):
    """The events of a device, each once and in order.

    Attributes:
        local: They come from a device in the house, which may be asked again and again while it is away; not from a
            server of many.
        replays: It also tells of what happened while Home Assistant did not listen, with its age: a call that is in progress now,
            from its beginning on.
    """

    local: bool
    replays: bool

    async def next(self) -> Delivery:
        """Return the next events, waiting for them for a while; after an error the next call starts again."""

    def presume_complete(self) -> None:
        """Forget what the silence of the device seemed to show, and look again at what could not be read."""


class Doors(Protocol):
    """Relays that drive strikes and gates. All commands go through ``door_commands``, which reads and verifies.

    Attributes:
        longest_hold: Seconds after which a hold ends by itself, unless it is renewed; None where it does not.
    """

    longest_hold: int | None

    async def read(self, door: DoorId) -> Door | None:
        """Return a door as the device reports it now; None where there is no such door any more."""

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Send one command, once: ``seconds`` of a hold, None for one without end. ``door`` is as just read."""

    def is_safe(self, command: DoorCommand, door: Door) -> bool:
        """Return whether a command cannot do the opposite of what is asked.

        ``door`` is as just read; where its ``released`` is None, its state is unknown.
        """

    def certain_in(self, command: DoorCommand, door: Door, waited: float) -> float:
        """Return the seconds until a door that was just read is certain enough to decide on a command; 0 for now.

        ``waited`` is how many seconds ago the command was asked for.
        """

    def extends(self, door: Door) -> bool:
        """Return whether opening an open door again is certain to prolong the time, not to shorten or end it."""

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how long a command takes to show its effect, and how long that lasts."""

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Take a door that is open for held, until then: it was held before a restart."""

    def keeps_hold(self, door: DoorId) -> bool:
        """Return whether a hold from here may last: nothing that was read or pushed since says that the door shut."""


class Outputs(Protocol):
    """Logic outputs."""

    async def read_output(self, port: PortId) -> bool | None:
        """Return whether an output is on now; None where the device does not tell."""

    async def set_output(self, port: PortId, on: bool) -> None:
        """Turn an output on or off."""


class Calls(Protocol):
    """Phone calls of the intercom."""

    @property
    def answers(self) -> bool:
        """Whether the device can be told to answer a call that comes in."""

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number or directory entries by their uuid."""

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call."""

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call; it is for the caller to see whether it did end."""

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls that there are now."""


class CallControl(Protocol):
    """What a phone system can do with calls beyond answering them and hanging up."""

    @property
    def suggested_device(self) -> str | None:
        """Return the mobile number that the user or the exchange knows of the person."""

    async def answer_at(self, session: SessionId, device: str, timeout: timedelta, assign: bool) -> None:
        """Answer a call that rings at a SIP device, which has so long to do so; ``assign`` takes it into use."""

    async def set_mode(self, mode: CallMode) -> CallMode:
        """Set where calls ring and return what came of it; None in its delays for what the exchange finds right."""

    def clear_missed(self) -> None:
        """Reset the count of missed calls: the user has seen the calls. The log still lists them."""


class Recording(ByteStream, Protocol):
    """A recorded message. ``content_type`` is a media type."""

    content_type: str


class Voicemails(Protocol):
    """The mailbox."""

    def open(self, voicemail: VoicemailId, /) -> AbstractAsyncContextManager[Recording]:
        """Open what was said."""


class Conferences(Protocol):
    """Conferences that people dial into."""

    async def query(self) -> tuple[Conference, ...]:
        """Return the conferences by their start."""

    async def create(
        self, name: str, start: datetime, duration: timedelta, access_code: int | None, description: str = ""
    ) -> Conference:
        """Plan a conference of our own; an access code is made up for None."""

    async def update(self, conference: Conference) -> Conference:
        """Change a conference."""

    async def delete(self, conference: ConferenceId, /) -> None:
        """Delete a conference."""


class MjpegStream(ByteStream, Protocol):
    """An endless motion JPEG answer."""

    content_type: str


class Cameras(Protocol):
    """Video sources."""

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return a JPEG of the size nearest to the one asked for, as old as asked for if the device can.

        It may be an MP4 as well, whose first frame is the picture.
        """

    def mjpeg(self, camera: CameraId) -> AbstractAsyncContextManager[MjpegStream]:
        """Open motion JPEG."""

    def streams(self, camera: CameraId) -> bool:
        """Return whether there is a video stream, as far as is known without asking."""

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the video stream with its own credentials, None where none are set."""


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What became of one directory entry: its fields, or why the device refused it."""

    uuid: str | None
    fields: Mapping[str, object] = field(repr=False)
    errors: tuple[Mapping[str, str], ...]
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class DirectoryResult:
    """Entries in the order of the request, and where an incremental query can go on."""

    entries: tuple[EntryResult, ...]
    series: str | None
    timestamp: int | None
    complete: bool = True


class Directory(Protocol):
    """The people and flats that the intercom knows."""

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the fields that are returned only when requested by name."""

    async def query(self, wanted: Sequence[str] | None, since: int, series: str | None) -> DirectoryResult:
        """Return the entries changed since a timestamp of a series, all for 0."""

    async def get(self, uuids: Sequence[str], wanted: Sequence[str] | None) -> DirectoryResult:
        """Return entries by uuid."""

    async def create(self, entries: Sequence[Mapping[str, object]], overwrite: bool) -> DirectoryResult:
        """Create entries; with ``overwrite`` replace those of the same uuid."""

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryResult:
        """Set the given fields of entries."""

    async def delete(self, uuids: Iterable[str], owner: str | None) -> DirectoryResult:
        """Delete entries by uuid, or all of an owner, in the system's own words for owners."""


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A request to the push address of a device; the sender is untrusted."""

    method: str
    query: Mapping[str, str]
    body: bytes = b""


# Why something is not taken that makes no sense.
NO_EVENT = "it is no event"


class Push(Protocol):
    """Events that the device sends by itself to an address in Home Assistant, after it is told to.

    Attributes:
        local: The sender is in the local network; all others get no response.
        lossy: HTTP methods by which some of them do not arrive: the sender is to use another.
    """

    local: bool
    lossy: frozenset[str]

    async def originals(self) -> Mapping[str, str]:
        """Return the settings that subscribing changes beside the addresses, to be put back some day."""

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Have events sent to ``address``, and return what is in the way; a second time changes nothing.

        ``marker`` is the part of the address that is ours alone.
        """

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """End that, and put back what was there before."""

    def receive(self, message: PushMessage) -> str | None:
        """Take what was sent, and return None; its events come by the log. What is not taken, return why, for the log."""


class PushService(Protocol):
    """A server that sends its events to a token of a push service: that of Google, which gives such tokens."""

    async def tell(self, token: str) -> None:
        """Have events sent to a token; nothing happens where the server knows it already."""


class Session(Protocol):
    """What a server keeps open for an account."""

    async def log_out(self) -> None:
        """End it; other users of the account there have to log in again."""


@dataclass(slots=True)
class Features:
    """What a device can be asked to do. One is None where the device lacks it or the account may not use it."""

    access_points: AccessPoints | None = None
    call_control: CallControl | None = None
    call_log: CallLog | None = None
    calls: Calls | None = None
    cameras: Cameras | None = None
    capture: Capture | None = None
    clock: Clocks | None = None
    codes: Codes | None = None
    conferences: Conferences | None = None
    directory: Directory | None = None
    displays: Displays | None = None
    doors: Doors | None = None
    firmware: FirmwareControl | None = None
    flat_codes: FlatCodes | None = None
    maintenance: Maintenance | None = None
    messages: Messages | None = None
    outputs: Outputs | None = None
    account_settings: AccountSettings | None = None
    push: Push | None = None
    push_service: PushService | None = None
    session: Session | None = None
    settings: Settings | None = None
    visitors: Visitors | None = None
    voicemails: Voicemails | None = None


class System(Protocol):
    """One intercom or account."""

    features: Features

    @property
    def log(self) -> EventLog | None:
        """The events of the device, None where it tells none to this account."""

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Find out what the device is and has, and begin to keep its events.

        Args:
            controls: What the account may command as found before; None to find out.
        """

    async def describe(self) -> Description:
        """Read the identity and capabilities of the device, and the privileges of the account, again."""

    async def read(self) -> Reading:
        """Read the state once."""

    async def read_bells(self) -> Bells | None:
        """Read the bells and their names; None where the account may not."""

    async def examine(self) -> Mapping[str, object]:
        """Return, as JSON without secrets, what helps to find a fault and nothing else needs."""

    async def close(self) -> None:
        """Give back what the device holds for us."""
