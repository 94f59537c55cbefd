"""One 2N device in the neutral model: capabilities and state."""

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import replace
import logging
from typing import TYPE_CHECKING, Any

from ...model.features import Bells, Features
from ...model.parts import Camera, Control
from ...model.state import Description, Missing, Reading
from ..common.errors import (
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NoIdentity,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ..common.parts import AWAY, PartReader, nothing, part, retrieve, together
from ..common.privacy import Privacy
from .calls import TwoNCallLog, TwoNCalls
from .cameras import StreamAccess, TwoNCameras
from .client import TwoNDevice
from .client.client import is_permitted
from .client.cursor import Cursor
from .client.log import LogReader
from .client.protocol import ACCESS_BLOCKING_CTRL, CALL_DIAL, IO_CTRL, SWITCH_CTRL, SYSTEM_STATUS, Privilege
from .client.system import SystemInfo
from .directory import TwoNButtonNumbers, TwoNCodes, TwoNDirectory
from .doors import TwoNAccessPoints, TwoNDoors, TwoNOutputs
from .events import CREDENTIAL_EVENTS, DECISION_EVENTS, OCCURRENCE_EVENTS
from .log import TwoNLog
from .maintenance import TwoNClocks, TwoNFirmware, TwoNMaintenance, TwoNSettings
from .privacy import shows
from .reading import (
    ENTRANCE,
    DeviceParts,
    MainParts,
    OtherParts,
    bells_of,
    cameras_of,
    hides_phone,
    identity_of,
    is_indoor,
    reading_of,
    state_of,
)

if TYPE_CHECKING:
    from .talk import TwoNTalk

_LOGGER = logging.getLogger(__name__)

_BELL_FIELDS = ("name", "buttons", "callPos.peer")
# Commands that fail without a parameter if the account may use them, and have no effect.
_PROBES = {
    Control.ACCESS_POINTS: ACCESS_BLOCKING_CTRL,
    Control.CALLS: CALL_DIAL,
    Control.DOORS: SWITCH_CTRL,
    Control.MAINTENANCE: SYSTEM_STATUS,
    Control.OUTPUTS: IO_CTRL,
}
# Changes of inputs, outputs and switches are not recorded without this privilege (HTTP API 5.10.2).
_STATE_EVENTS = Missing("privilege", Privilege.IO_MONITORING)
# Event types of such changes; old firmware lacks some of them.
_STATE_EVENT_TYPES = frozenset({"InputChanged", "OutputChanged", "SwitchStateChanged"})
# Seconds that the setup waits for the directory after everything else is read.
_DIRECTORY_PATIENCE = 1.0
_DIRECTORY = "dir/query"
_BLOCKED = "accesspoint/blocking/status"
# Parts of the state that are unread if a function does not respond.
_UNREAD = {
    "switch/status": "doors",
    "io/status": "ports",
    "phone/status": "lines",
    "call/status": "calls",
    _BLOCKED: "access_points",
    _DIRECTORY: "bells",
}
# The clock is read with every twelfth poll only, as it drifts slowly.
_READINGS_PER_CLOCK = 12


class TwoNSystem:
    """One 2N device.

    Args:
        cursor: Stored position in the log, from ``Delivery.cursor``; None begins now.
        privacy: Options about names and cards.
        stream: The RTSP account, None if not configured.
        talk: Talk; None if the user does not want it.
    """

    def __init__(
        self,
        device: TwoNDevice,
        cursor: Mapping[str, object] | None = None,
        privacy: Privacy | None = None,
        stream: StreamAccess | None = None,
        talk: TwoNTalk | None = None,
    ) -> None:
        self.device = device
        self._stored = cursor
        self._privacy = privacy or Privacy()
        self._stream = stream
        self._talk = talk
        self._firmware = TwoNFirmware(device)
        self._missing: set[Missing] = set()
        self._rejection: IntercomError | None = None
        self._parts = DeviceParts()
        self._main: MainParts | None = None
        self._rest = OtherParts()
        self._found: Description | None = None
        self._reader = PartReader()
        self._controls: frozenset[Control] = frozenset()
        self._directory: asyncio.Task[Bells | None] | None = None
        self._readings = 0
        self.log: TwoNLog | None = None
        self.features = Features(button_numbers=TwoNButtonNumbers(device), talk=self._talk)

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Read the identity, the main capabilities, and the state; functions that do not respond are left out and named.

        The description is incomplete: `complete` reads the rest. If the system has just been found, nothing is read.
        """
        if (description := self._found) is not None:
            self._found = None
            return description
        return await self._connect(controls)

    async def find(self, info: SystemInfo) -> Description:
        """Connect to a device that was just identified; the next `connect` returns the same description."""
        self._found = await self._connect(None, info)
        return self._found

    async def _connect(self, controls: frozenset[Control] | None, info: SystemInfo | None = None) -> Description:
        await self.close()  # of a previous attempt
        self.log = self._main = None
        return await self._describe(controls, main=True, rest=False, info=info)

    async def describe(self) -> Description:
        """Refresh capabilities and permissions; functions that do not respond keep their previous value."""
        return await self._describe(None, main=True, rest=True)

    async def complete(self) -> Description:
        """Read what `connect` left out."""
        return await self._describe(None, main=self._main is None, rest=True)

    async def _describe(
        self, controls: frozenset[Control] | None, *, main: bool, rest: bool, info: SystemInfo | None = None
    ) -> Description:
        before = set(self._missing)
        try:
            if main:
                self._missing.clear()
                self._readings = 0
                self._reader.begin()
                self._main = await self._read_main(controls, info)
            if rest:
                self._rest = await self._read_rest()
            self._reader.require_answer()
        except BaseException:
            self._missing = before
            raise
        assert self._main is not None
        description = self._description(self._main, self._rest, is_new=main)
        return description if rest else replace(description, incomplete=True)

    async def _read_main(self, controls: frozenset[Control] | None, info: SystemInfo | None) -> MainParts:
        """Read what most entities need, in as few round trips as possible."""
        device, ask, attempt = self.device, self._reader.ask, self._attempt
        # The log's first request handles the authentication challenge; the others follow in a few rounds.
        identity, events = await together(self._identify(info), ask("log/caps", attempt(device.log.caps())))
        reported: frozenset[str] = events or frozenset()
        _, switches, ports, cameras = await together(
            ask("log/subscribe", attempt(self._open_log(reported))) if reported else nothing(),
            ask("switch/caps", attempt(device.switch.caps())),
            ask("io/caps", attempt(device.io.caps())),
            ask("camera/caps", attempt(device.camera.caps())),
        )
        enabled = {caps.switch: caps for caps in switches or () if caps.enabled}
        parts = DeviceParts(enabled, ports or {}, polls_phone=True)
        directory = self._query_in_background()
        permitted, reading = await together(
            self._probe(parts) if controls is None else nothing(), self._read_first(parts)
        )
        bells, pending = await self._available_bells(directory)
        failures, previous = self._reader.failures, self._parts
        self._controls = permitted if controls is None else controls
        keeps_phone = "phone/status" in failures and (previous.polls_phone or reading.calls is not None)
        phone = reading.lines is not None or keeps_phone
        self._parts = replace(
            parts, has_phone=phone, polls_phone=phone or reading.calls is not None, access_points=previous.access_points,
            bells=bells or Bells({}, {}), phone_hidden=hides_phone(self._missing, reported),
            indoor=previous.indoor if failures.keys() & ENTRANCE else is_indoor(switches, cameras, self._missing),
        )  # fmt: skip
        if self.log is not None:
            self.log.set_exact(not any(missing.vital for missing in self._missing))
        maintained = Control.MAINTENANCE in self._controls
        return MainParts(identity, reported, cameras, reading, maintained, bells, pending)

    async def _read_rest(self) -> OtherParts:
        """Read the parts that few devices have or few users need."""
        device, ask, attempt = self.device, self._reader.ask, self._attempt
        displays, blocked, clock, call_log = await together(
            ask("display/caps", attempt(device.display.caps(), vital=False)),
            ask(_BLOCKED, attempt(device.access.blocked(), vital=False), keep=False),
            self._extra(device.system.time()),
            ask("phone/calllog", attempt(device.phone.call_log(), vital=False)),
        )
        has_access_points = blocked is not None or (_BLOCKED in self._reader.failures and self._parts.access_points)
        self._parts = replace(self._parts, access_points=has_access_points)
        return OtherParts(displays or (), blocked, clock, call_log)

    def _description(self, main: MainParts, rest: OtherParts, *, is_new: bool) -> Description:
        """Return the description; unless the main part ``is_new``, its state is older than that of the events."""
        parts, reported, failures = self._parts, main.reported, self._reader.failures
        lost = failures.keys() | ({_DIRECTORY} if main.bells is None else set())
        unread = frozenset(part for function, part in _UNREAD.items() if function in lost)
        if not is_new:
            unread |= frozenset(_UNREAD.values()) - {_UNREAD[_BLOCKED]}
        self.features = self._features(self._controls, parts.has_phone, cameras_of(main))
        if main.bells is None:
            self.features.codes = self.features.directory = None
        if not rest.displays:
            self.features.displays = None
        if rest.call_log is None:
            self.features.call_log = None
        return Description(
            identity=identity_of(main.info, self.device.client.transport.base.host),
            state=state_of(parts, main, rest, unread, is_new=is_new, names=self._privacy.names),
            controls=self._controls,
            missing=frozenset(self._missing) | self._reader.missing,
            bells_pending=main.bells_pending,
            unread=unread,
            peers=main.bells.peers if main.bells is not None else {},
            reports_access=bool(reported & (DECISION_EVENTS | CREDENTIAL_EVENTS)),
            has_phone=parts.has_phone,
            visitors=not parts.indoor,
            pushes=self.log is not None,
            occurrences=frozenset(
                OCCURRENCE_EVENTS[name] for name in reported if name in OCCURRENCE_EVENTS and shows(name, self._privacy)
            ),
            state_events=_STATE_EVENTS if reported >= _STATE_EVENT_TYPES else None,
        )

    def _features(self, controls: frozenset[Control], phone: bool, cameras: Mapping[str, Camera]) -> Features:
        device, switches = self.device, self._parts.switches
        maintained = Control.MAINTENANCE in controls
        pictures = TwoNCameras(device, cameras, self._stream)
        if self._talk is not None:
            self._talk.show(pictures, next(iter(cameras), None))
        return Features(
            access_points=TwoNAccessPoints(device) if Control.ACCESS_POINTS in controls else None,
            calls=TwoNCalls(device, self._talk) if phone and Control.CALLS in controls else None,
            cameras=pictures if cameras else None,
            clock=TwoNClocks(device) if maintained else None,
            doors=TwoNDoors(device, switches) if switches and Control.DOORS in controls else None,
            firmware=self._firmware if maintained else None,
            maintenance=TwoNMaintenance(device) if maintained else None,
            outputs=TwoNOutputs(device) if any(self._parts.ports.values()) and Control.OUTPUTS in controls else None,
            call_log=TwoNCallLog(device, self._privacy.names),
            directory=TwoNDirectory(device),
            displays=device.display,
            # Not detectable in advance: the device rejects these functions if it lacks them.
            button_numbers=TwoNButtonNumbers(device),
            capture=device.capture,
            codes=TwoNCodes(device),
            settings=TwoNSettings(device),
            talk=self._talk if cameras else None,
        )

    async def _identify(self, info: SystemInfo | None) -> SystemInfo:
        info = info or await self.device.system.info()
        if not info.mac and not info.serial:
            raise NoIdentity("the device reports neither serial number nor MAC address")
        return info

    async def _probe(self, parts: DeviceParts) -> frozenset[Control]:
        """Determine the permissions of the account by sending commands without their parameters."""
        wanted = [
            control
            for control, there in (
                (Control.ACCESS_POINTS, True),
                (Control.CALLS, parts.polls_phone),
                (Control.DOORS, bool(parts.switches)),
                (Control.MAINTENANCE, True),
                (Control.OUTPUTS, any(parts.ports.values())),
            )
            if there
        ]
        allowed = await together(*(self._is_permitted(control) for control in wanted))
        return frozenset(control for control, may in zip(wanted, allowed, strict=True) if may)

    async def _is_permitted(self, control: Control) -> bool:
        """Return whether the account may use a command; the previous value if the device does not respond."""
        probe = _PROBES[control]
        function = probe.path.removeprefix("/api/")
        if control is Control.MAINTENANCE and self.log is not None:
            request: Awaitable[object] = self.log.reader.ages.read_status(self.device.system)  # the log needs it, too
        else:
            request = self.device.client.call(probe)
        allowed = await self._reader.ask(function, is_permitted(request), keep=False)
        return control in self._controls if function in self._reader.failures else bool(allowed)

    async def _open_log(self, reported: frozenset[str]) -> None:
        """Open the log, or update the event types of the open one."""
        # Open it before the state is read, so that the channel contains all later changes.
        if self.log is not None:
            await self.log.set_event_types(reported)
        elif reported:
            cursor = None if self._stored is None else Cursor.from_json(self._stored)
            reader = LogReader(self.device.log, reported, cursor, system=self.device.system)
            self.log = TwoNLog(reader, self._privacy, reported, self._stored)
            await self.log.reader.open()

    async def read(self) -> Reading:
        """Poll switches, ports, SIP accounts and calls; unreadable parts are left out."""
        failures, missing = list[IntercomError](), set(self._missing)
        reading = await self._read(self._parts, failures)
        if failures and replace(reading, access_points=None, clock=None) == Reading():
            raise failures[0]  # optional parts alone do not make the device usable
        return replace(reading, outdated=not self._missing <= missing)

    async def _read_first(self, parts: DeviceParts) -> Reading:
        """Read the state; the responses also determine some capabilities."""
        device, ask, attempt = self.device, self._reader.ask, self._attempt
        self._readings += 1
        switches, ports, accounts, calls = await together(
            ask("switch/status", attempt(device.switch.status()), keep=False) if parts.switches else nothing(),
            ask("io/status", attempt(device.io.status()), keep=False) if parts.ports else nothing(),
            ask("phone/status", attempt(device.phone.status()), keep=False),
            ask("call/status", attempt(device.call.status()), keep=False),
        )
        return reading_of(parts, switches, ports, accounts, calls, None, None)

    async def _read(self, parts: DeviceParts, failures: list[IntercomError]) -> Reading:
        device = self.device
        # A restart ended all calls, events report later ones, and the description that follows reads the access points.
        restarted = self.log is not None and self.log.take_restart()
        clock_is_due = self._readings % _READINGS_PER_CLOCK == 0
        self._readings += 1
        switches, ports, accounts, calls, blocked, clock = await together(
            part(self._attempt(device.switch.status()), failures) if parts.switches else nothing(),
            part(self._attempt(device.io.status()), failures) if parts.ports else nothing(),
            part(self._attempt(device.phone.status()), failures) if parts.polls_phone else nothing(),
            part(self._attempt(device.call.status()), failures) if parts.polls_phone and not restarted else nothing(),
            self._extra(device.access.blocked()) if parts.access_points and not restarted else nothing(),
            self._extra(device.system.time()) if clock_is_due else nothing(),
        )
        return reading_of(parts, switches, ports, accounts, calls, blocked, clock)

    async def read_bells(self) -> Bells | None:
        """Read names and buttons from the directory; None if the account may not."""
        bells = await asyncio.shield(self._query_in_background())
        if self._main is not None:
            self._main = replace(self._main, bells=bells, bells_pending=False)
        if bells is None:
            return None
        self._parts = replace(self._parts, bells=bells)
        return Bells(self._parts.known_bells(bells), bells.peers)

    async def examine(self) -> Mapping[str, object]:
        """Return functions, uptime and skipped rows for diagnostics (HTTP API 5.1.2, 5.1.4)."""
        system = self.device.system
        caps, status = await together(self._extra(system.caps()), self._extra(system.status()))
        return {
            "functions": None if caps is None else {name: ",".join(sorted(words)) for name, words in caps.items()},
            "uptime": None if status is None else status.uptime,
            "skipped": {path: count for path, count in sorted(self.device.client.skipped.items()) if count},
        }

    async def close(self) -> None:
        """Close the log channel, and discard a firmware file that can no longer be installed."""
        if self._directory is not None:
            self._directory.cancel()
            await asyncio.gather(self._directory, return_exceptions=True)
        if self.log is not None:
            await self.log.reader.close()
        if self._talk is not None:
            await self._talk.close()
        try:
            await self._firmware.discard()
        except IntercomError as err:
            _LOGGER.debug("Could not discard the firmware file, it expires on the device: %s", err)

    async def _query_bells(self) -> Bells:
        return bells_of(await self.device.directory.query(_BELL_FIELDS))

    def _query_in_background(self) -> asyncio.Task[Bells | None]:
        """Return the running query of the directory, or start one: a large directory takes long."""
        if self._directory is None or self._directory.done():
            self._directory = asyncio.create_task(self._attempt(self._query_bells(), vital=False))
            self._directory.add_done_callback(retrieve)
        return self._directory

    async def _available_bells(self, directory: asyncio.Task[Bells | None]) -> tuple[Bells | None, bool]:
        """Return the bells, the previous ones if they are unreadable, and whether the query is still running."""
        await asyncio.wait((directory,), timeout=_DIRECTORY_PATIENCE)
        if directory.done():
            found = await self._reader.ask(_DIRECTORY, directory)
            return (self._parts.bells if _DIRECTORY in self._reader.failures else found), False
        return self._parts.bells, True

    async def _attempt[T](self, request: Coroutine[Any, Any, T], *, vital: bool = True) -> T | None:
        """Return the response, None if the device or the account lacks the function."""
        try:
            return await request
        except ServiceDisabled as err:
            self._add_missing(Missing("service", err.service, vital), err)
        except SecureConnectionRequired as err:
            self._add_missing(Missing("secure", err.service, vital), err)
        except PermissionDenied as err:
            self._add_missing(Missing("privilege", err.privilege, vital), err)
        except NotSupported:
            pass
        return None

    async def _extra[T](self, request: Coroutine[Any, Any, T]) -> T | None:
        """Return the response of an optional function, None if there is none."""
        try:
            return await self._attempt(request, vital=False)
        except (CommandFailed, ConnectionFailed, UnexpectedReply) as err:
            if isinstance(err, AWAY):
                raise
            _LOGGER.debug("Optional function unavailable: %s", err)
            return None

    def _add_missing(self, missing: Missing, err: IntercomError) -> None:
        twin = replace(missing, vital=not missing.vital)
        if missing.vital:
            self._missing.discard(twin)
        if twin not in self._missing:
            self._missing.add(missing)
        if not missing.vital and isinstance(err, SecureConnectionRequired):
            return
        # HTTPS has priority: the user has to enable it once for all services.
        if self._rejection is None or isinstance(err, SecureConnectionRequired):
            self._rejection = err

    def require_usable(self) -> None:
        """Raise the error that makes the device unusable, or that makes one part require HTTPS."""
        parts, features = self._parts, self.features
        usable = parts.switches or parts.ports or self.log or features.cameras or features.directory or features.calls
        if self._rejection is not None and (not usable or isinstance(self._rejection, SecureConnectionRequired)):
            raise self._rejection
