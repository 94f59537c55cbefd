"""Features of a system beyond its state: small protocols that an adapter may implement.

A platform adds entities for the available features. An action for a missing feature fails with a translated error.
All methods raise ``IntercomError`` of ``systems.common.errors``.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

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
    LocalClock,
    Maintenance,
    Messages,
    RecordPictures,
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
    DoorCommand,
    DoorId,
    PortId,
    SessionId,
    VoicemailId,
)
from .state import Description, Missing, Reading
from .talk import ButtonNumbers, Talk

# Events that are dispatched at once, before other work of Home Assistant gets its turn.
PORTION = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """Events in the order in which they happened.

    Attributes:
        events: The events, oldest first; empty if a long poll timed out.
        missed: Earlier events may be missing, so the state has to be read once.
        cursor: The position at which to continue after a restart, as JSON.
        withheld: Functions that the account lacks, inferred from gaps in the log.
        live: Events arrive as they happen, so a slow poll of the state is enough.
        keep: The cursor has to be stored even without events.
        answered: The device itself responded. False for events from another source while the device does not respond.
        failing: API names of the event sources that cannot be read now.
        again: Seconds after which the log has more events, even without a response of the device; None if unknown.
        more: The rest of a backlog follows at once; the state in between is outdated and is not published.
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
    """The bells of a device, and the bell for each called number."""

    bells: Mapping[BellId, Bell]
    peers: Mapping[str, BellId]


@dataclass(frozen=True, slots=True)
class DoorTiming:
    """The timing of a door command, in seconds.

    Attributes:
        settles: The time within which the effect is reported.
        lasts: The duration of an opening; None for no end.
        doubtful: The additional time for which the reported state may be older than a command without a visible effect.
    """

    settles: float
    lasts: float | None = None
    doubtful: float = 0.0


class EventLog(Protocol):
    """The events of a device, each once and in order.

    Attributes:
        local: The source is a device in the local network, which can be polled often while it is unreachable; not a
            shared server.
        replays: The log also has events from before the connection, with their age, including the beginning of calls
            in progress.
    """

    local: bool
    replays: bool

    async def next(self) -> Delivery:
        """Return the next events, waiting for some time; after an error, the next call reconnects."""

    async def reach(self) -> None:
        """Check that a local device accepts connections, without a request; called after an error.

        Raises:
            NotReached: It does not.
        """

    def recheck(self) -> None:
        """Reset what gaps in the log seemed to show, and retry the sources that could not be read."""


class Doors(Protocol):
    """Relays that drive strikes and gates. All commands go through ``door_commands``, which reads and verifies.

    The defaults are those of a device that stores its holds, and reports its doors as they are.

    Attributes:
        longest_hold: Seconds after which a hold ends unless it is renewed; None if it does not end.
    """

    longest_hold: int | None = None

    async def read(self, door: DoorId) -> Door | None:
        """Read a door; None if the door does not exist any more."""

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Send one command once. ``door`` is as just read; ``seconds`` is the duration of a hold, None for no end."""

    def is_safe(self, command: DoorCommand, door: Door) -> bool:
        """Return whether a command certainly does not have the opposite effect on a door; its state may be unknown."""
        return True

    def certain_in(self, command: DoorCommand, door: Door, waited: float) -> float:
        """Return the seconds until the state of a door is reliable enough for a command; 0 for now.

        ``door`` is as just read; ``waited`` is the number of seconds since the request of the command.
        """
        return 0.0

    def extends(self, door: Door) -> bool:
        """Return whether opening an open door again certainly extends the opening, and neither shortens nor ends it."""

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return the timing of a command."""

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Treat an open door as held until the given time: the hold began before a restart."""

    def keeps_hold(self, door: DoorId) -> bool:
        """Return whether a hold of Home Assistant may still last: the door has not been reported closed since."""
        return True


class Outputs(Protocol):
    """Logic outputs."""

    async def read_output(self, port: PortId) -> bool | None:
        """Return whether an output is on now; None if the device does not report it."""

    async def set_output(self, port: PortId, on: bool) -> None:
        """Turn an output on or off."""


class Calls(Protocol):
    """Phone calls of the intercom."""

    @property
    def answers(self) -> bool:
        """Whether the device can answer an incoming call on request."""

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number, or directory entries by uuid."""

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call."""

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call, without a check whether it ended."""

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls in progress."""


class CallControl(Protocol):
    """Call functions of a phone system beyond answering and hanging up."""

    @property
    def suggested_device(self) -> str | None:
        """Return the mobile number of the user, as configured or as the exchange reports it."""

    async def answer_at(self, session: SessionId, device: str, timeout: timedelta, assign: bool) -> None:
        """Answer a ringing call at a SIP device within a timeout; ``assign`` makes it the current device."""

    async def set_mode(self, mode: CallMode) -> CallMode:
        """Set where calls ring, and return the resulting mode; None in its delays for the defaults of the exchange."""

    def clear_missed(self) -> None:
        """Reset the count of missed calls; the log still lists them."""


class Recording(ByteStream, Protocol):
    """A recorded message. ``content_type`` is a media type."""

    content_type: str


class Voicemails(Protocol):
    """The mailbox."""

    def open(self, voicemail: VoicemailId, /) -> AbstractAsyncContextManager[Recording]:
        """Open the recording of a voicemail."""


class Conferences(Protocol):
    """Conferences with dial-in."""

    async def query(self) -> tuple[Conference, ...]:
        """Return the conferences, sorted by start."""

    async def create(
        self, name: str, start: datetime, duration: timedelta, access_code: int | None, description: str = ""
    ) -> Conference:
        """Create a conference of the user; None generates an access code."""

    async def update(self, conference: Conference) -> Conference:
        """Change a conference."""

    async def delete(self, conference: ConferenceId, /) -> None:
        """Delete a conference."""


class MjpegStream(ByteStream, Protocol):
    """An endless motion JPEG response."""

    content_type: str


class Cameras(Protocol):
    """Video sources.

    Attributes:
        memory: Seconds of past images from which ``snapshot`` can return one.
    """

    memory: int

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return a JPEG of the nearest available size, from ``seconds_back`` if the device supports that.

        The content may also be an MP4 whose first frame is the image.
        """

    def mjpeg(self, camera: CameraId) -> AbstractAsyncContextManager[MjpegStream]:
        """Open motion JPEG."""

    def streams(self, camera: CameraId) -> bool:
        """Return whether there is a video stream, as far as known without a request."""

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the video stream with its own credentials; None if they are not configured."""


@dataclass(frozen=True, slots=True)
class EntryResult:
    """The result for one directory entry: its fields, or the errors of the device."""

    uuid: str | None
    fields: Mapping[str, object] = field(repr=False)
    errors: tuple[Mapping[str, str], ...]
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class DirectoryResult:
    """Entries in the order of the request, and the position for an incremental query."""

    entries: tuple[EntryResult, ...]
    series: str | None
    timestamp: int | None
    complete: bool = True


class Directory(Protocol):
    """The directory of the intercom: people and apartments."""

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the fields that are returned only when requested by name."""

    async def query(self, wanted: Sequence[str] | None, since: int, series: str | None) -> DirectoryResult:
        """Return the entries changed since a timestamp of a series; all for 0."""

    async def get(self, uuids: Sequence[str], wanted: Sequence[str] | None) -> DirectoryResult:
        """Return entries by uuid."""

    async def create(self, entries: Sequence[Mapping[str, object]], overwrite: bool) -> DirectoryResult:
        """Create entries; ``overwrite`` replaces entries with the same uuid."""

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryResult:
        """Set the given fields of entries."""

    async def delete(self, uuids: Iterable[str], owner: str | None) -> DirectoryResult:
        """Delete entries by uuid, or all of an owner as the system names it."""


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A request to the push address of a device; the sender is untrusted."""

    method: str
    query: Mapping[str, str]
    body: bytes = b""


# The reason for ignoring a message that is no event.
NO_EVENT = "it is no event"


class Push(Protocol):
    """Events that the device sends to a configured address of Home Assistant.

    Attributes:
        local: The sender is in the local network; other senders get no response.
        lossy: HTTP methods by which pushes may get lost; the sender should use a different one.
    """

    local: bool
    lossy: frozenset[str]

    async def originals(self) -> Mapping[str, str]:
        """Return the settings that ``subscribe`` changes beside the addresses, for ``unsubscribe``."""

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Set the push address, and return the obstacles; repeated calls change nothing.

        ``marker`` is the unique part of the address.
        """

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """Remove the push address, and restore the original settings."""

    def receive(self, message: PushMessage) -> str | None:
        """Process a push message; return None, or the reason for ignoring it. Its events arrive through the log."""


class PushService(Protocol):
    """A server that sends its events through Google's push service."""

    async def register(self, token: str) -> None:
        """Register a push token at the server, unless the server has it already."""


class Session(Protocol):
    """The session of an account at a server."""

    async def log_out(self) -> None:
        """Log out; other clients of the account have to log in again."""


@dataclass(slots=True)
class Features:
    """The features of a device; None if the device lacks one or the account may not use it."""

    access_points: AccessPoints | None = None
    button_numbers: ButtonNumbers | None = None
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
    local_clock: LocalClock | None = None
    maintenance: Maintenance | None = None
    messages: Messages | None = None
    outputs: Outputs | None = None
    account_settings: AccountSettings | None = None
    push: Push | None = None
    push_service: PushService | None = None
    record_pictures: RecordPictures | None = None
    session: Session | None = None
    settings: Settings | None = None
    talk: Talk | None = None
    visitors: Visitors | None = None
    voicemails: Voicemails | None = None


class System(Protocol):
    """One intercom or account."""

    features: Features

    @property
    def log(self) -> EventLog | None:
        """The events of the device; None if this account cannot read them."""

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Read the description of the device, and start to collect its events.

        Called right after the device was found, it does not read anything again.

        Args:
            controls: The controls of the account from the last connection; None to determine them.
        """

    async def describe(self) -> Description:
        """Read the description of the device again, including the privileges of the account."""

    async def complete(self) -> Description:
        """Read what an incomplete description lacks, in the background."""

    async def read(self) -> Reading:
        """Poll the state once."""

    async def read_bells(self) -> Bells | None:
        """Read the bells and their names; None if the account may not."""

    async def examine(self) -> Mapping[str, object]:
        """Return details for diagnostics, as JSON without secrets."""

    async def close(self) -> None:
        """Release the resources that the device holds for this client."""
