"""What a 2N can be told to do, in the neutral words."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from yarl import URL

from ..api.errors import NotSupported
from ..api.parse import Fields, fields, member
from ..api.two_n import TwoNDevice
from ..api.two_n.directory import DirectoryAnswer
from ..api.two_n.phone import CallSession as ApiCallSession
from ..api.two_n.switch import SwitchAction
from ..facets import DirectoryResult, EntryResult, MjpegStream
from ..model import CallSession, CallState, Camera, CameraId, Direction, DoorId, PortId, SessionId

# The size asked for where nobody names one: more is not returned by any model (HTTP API 5.8.2).
_DEFAULT_SIZE = (1280, 960)
_STREAM_SIZE = (640, 480)
_STREAM_FPS = 10


class TwoNDoors:
    """Switches as doors."""

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._switch = device.switch

    async def release(self, door: DoorId) -> None:
        """Turn the switch on: a monostable one falls back, a bistable one stays."""
        # Not "trigger": that toggles a bistable switch.
        await self._switch.ctrl(int(door), SwitchAction.ON)

    async def secure(self, door: DoorId) -> None:
        """Let a held switch go and turn it off."""
        await self._switch.ctrl(int(door), SwitchAction.OFF)

    async def hold_open(self, door: DoorId, seconds: int | None = None) -> None:
        """Hold the switch on, for good or for 1 to 86400 seconds."""
        await self._switch.ctrl(int(door), SwitchAction.HOLD, seconds)

    async def let_go(self, door: DoorId) -> None:
        """Release the hold."""
        await self._switch.ctrl(int(door), SwitchAction.RELEASE)

    async def block(self, door: DoorId, blocked: bool) -> None:
        """Lock the switch off, or unlock it."""
        await self._switch.ctrl(int(door), SwitchAction.LOCK if blocked else SwitchAction.UNLOCK)


class TwoNOutputs:
    """Output ports."""

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._io = device.io

    async def set_output(self, port: PortId, on: bool) -> None:
        """Turn an output on or off."""
        await self._io.ctrl(port, on)


class TwoNCalls:
    """Calls by SIP."""

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._call = device.call

    async def dial(self, number: str | None, users: Sequence[str]) -> SessionId:
        """Call a number or SIP URI, or directory entries by uuid."""
        return await self._call.dial(number, users)

    async def answer(self, session: SessionId) -> None:
        """Answer an incoming call that rings."""
        await self._call.answer(session)

    async def hang_up(self, session: SessionId, reason: str | None = None) -> None:
        """End a call."""
        await self._call.hangup(session, reason)

    async def in_progress(self) -> Mapping[SessionId, CallSession]:
        """Return the calls that there are now."""
        return neutral_calls(await self._call.status())


def neutral_calls(sessions: Iterable[ApiCallSession]) -> Mapping[SessionId, CallSession]:
    """Return calls in progress in the neutral model; one in a state that is unknown is passed over."""
    calls: dict[SessionId, CallSession] = {}
    for session in sessions:
        direction, state = member(Direction, session.direction), member(CallState, session.state)
        if direction is None or state is None:
            continue
        legs = {
            leg.id: leg_state
            for leg in session.legs
            if leg.id is not None and (leg_state := member(CallState, leg.state)) is not None
        }
        peer = next((leg.peer for leg in session.legs if leg.peer is not None), None)
        calls[session.session] = CallSession(session.session, direction, state, peer, legs)
    return calls


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """Credentials and path of the RTSP server: it has users of its own, not those of the API."""

    username: str = ""
    password: str = ""
    path: str = "h264_stream"


class TwoNCameras:
    """Snapshots, motion JPEG and the RTSP stream."""

    def __init__(self, device: TwoNDevice, cameras: Mapping[CameraId, Camera], stream: StreamAccess | None) -> None:
        """Command ``device``; ``stream`` is None where the user gave no RTSP account."""
        self._camera = device.camera
        self._host = device.client.transport.base.host
        self._cameras = cameras
        self._stream = stream

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None) -> bytes:
        """Return a JPEG of the smallest size that is large enough."""
        return await self._camera.snapshot(camera, self._size(camera, width, height))

    @asynccontextmanager
    async def mjpeg(self, camera: CameraId) -> AsyncIterator[MjpegStream]:
        """Open motion JPEG; works without the licence that RTSP needs on older models."""
        async with self._camera.stream(camera, self._size(camera, *_STREAM_SIZE), _STREAM_FPS) as stream:
            yield stream

    def stream_address(self, camera: CameraId) -> str | None:
        """Return the RTSP address with its account; the device streams its first source only."""
        if self._stream is None or self._host is None or camera != next(iter(self._cameras), None):
            return None
        path, _, query = self._stream.path.lstrip("/").partition("?")
        return str(
            URL.build(
                scheme="rtsp",
                user=self._stream.username or None,
                password=self._stream.password or None,
                host=self._host,
                port=554,
                path=f"/{path}",
                query_string=query,
            )
        )

    def _size(self, camera: CameraId, width: int | None, height: int | None) -> tuple[int, int]:
        known = self._cameras.get(camera)
        if known is None or not known.sizes:
            raise NotSupported(f"no camera {camera}")
        return fitting_size(known.sizes, width, height)


def fitting_size(sizes: Sequence[tuple[int, int]], width: int | None, height: int | None) -> tuple[int, int]:
    """Return the smallest size that covers the one asked for, else the largest.

    The device knows only the sizes of its caps and refuses any other. ``sizes`` is sorted by area.
    """
    if width is None and height is None:
        fitting = [size for size in sizes if size[0] <= _DEFAULT_SIZE[0] and size[1] <= _DEFAULT_SIZE[1]]
        return (fitting or list(sizes))[-1]
    for size in sizes:
        if size[0] >= (width or 0) and size[1] >= (height or 0):
            return size
    return sizes[-1]


class TwoNDirectory:
    """The directory."""

    secrets = frozenset({"pin", "code", "card", "virtCard", "mobkey", "fpt", "licensePlates"})

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._directory = device.directory
        self._template: Fields | None = None

    async def query(self, wanted: Sequence[str] | None, since: int, series: str | None) -> DirectoryResult:
        """Return the entries changed since a timestamp of a series, all for 0."""
        return _result(await self._directory.query(wanted, since, series))

    async def get(self, uuids: Sequence[str], wanted: Sequence[str] | None) -> DirectoryResult:
        """Return entries by uuid."""
        return _result(await self._directory.get(uuids, wanted))

    async def create(self, entries: Sequence[Mapping[str, object]], overwrite: bool) -> DirectoryResult:
        """Create entries; with ``overwrite`` replace those of the same uuid."""
        template = await self._known_template()
        wanted = [without_defaults(fit(entry, template), template) for entry in entries]
        return _result(await self._directory.create(wanted, overwrite))

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryResult:
        """Set the given fields of entries."""
        template = await self._known_template()
        return _result(await self._directory.update([fit(entry, template) for entry in entries]))

    async def delete(self, uuids: Iterable[str], owner: str | None) -> DirectoryResult:
        """Delete entries by uuid, or all of an owner."""
        return _result(await self._directory.delete(uuids, owner))

    async def _known_template(self) -> Fields:
        if self._template is None:
            self._template = await self._directory.template()
        return self._template


def fit(entry: Fields, template: Fields) -> dict[str, object]:
    """Return an entry with its values in the types of the device's template.

    YAML makes a number of a PIN where the device wants text. Fields that the template does not have
    are left as they are: the device refuses them with its own reason.
    """
    return {name: _fitting(value, _default(name, template)) for name, value in entry.items()}


def _default(name: str, template: Fields) -> object:
    """Return the default of a field, also of one named like ``access.pin`` (HTTP API 5.14.3)."""
    value: object = template
    for part in name.split("."):
        value = fields(value).get(part)
    return value


def _fitting(value: object, default: object) -> object:
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return fit(value, default)
    if isinstance(value, list) and isinstance(default, list) and default:
        return [_fitting(item, default[min(place, len(default) - 1)]) for place, item in enumerate(value)]
    if not isinstance(default, str) or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    # An empty value where the default is another one: firmware answers error 3 to treepath "" and the like.
    return default if value == "" else value


def without_defaults(entry: Fields, template: Fields) -> dict[str, object]:
    """Return an entry without the fields that a new one has anyway; empty ones are refused by firmware."""
    kept: dict[str, object] = {}
    for name, value in entry.items():
        default = template.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            if inner := without_defaults(value, default):
                kept[name] = inner
        elif name not in template or value != default:
            kept[name] = value
    return kept


def _result(answer: DirectoryAnswer) -> DirectoryResult:
    return DirectoryResult(
        entries=tuple(
            EntryResult(
                uuid=entry.uuid,
                fields=entry.fields,
                errors=tuple(
                    {"code": error.code} | ({"field": error.field} if error.field is not None else {})
                    for error in entry.errors
                ),
                timestamp=entry.timestamp,
            )
            for entry in answer.entries
        ),
        series=answer.series,
        timestamp=answer.timestamp,
        complete=answer.invalid is None,
    )
