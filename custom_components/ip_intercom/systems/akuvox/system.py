"""One Akuvox device in the neutral model: capabilities and state, from its responses."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
import logging
from math import inf
import time
from typing import TYPE_CHECKING, Any

from ...model.features import Bells, Features
from ...model.parts import (
    Alarm,
    Bell,
    Clock,
    Control,
    DoorId,
    Firmware,
    Identity,
    Line,
    LineId,
    Port,
    PortId,
    short_name,
)
from ...model.ring_detector import CALL_BELL
from ...model.state import Description, Missing, Reading, State
from ..common.errors import (
    AuthenticationFailed,
    CommandFailed,
    IntercomError,
    NoSuchPath,
    NotSupported,
    UnexpectedReply,
)
from ..common.parse import is_set
from ..common.parts import PartReader, part
from ..common.privacy import Privacy
from . import push
from .calls import AkuvoxCalls, CallTracker
from .cameras import CAMERAS, NO_STREAM, AkuvoxCameras, StreamAccess
from .client import AkuvoxCamera, AkuvoxDevice
from .client.logs import CallKind, CallRecord
from .client.phone import SipAccount
from .client.system import SystemInfo, SystemStatus
from .codes import AkuvoxCodes
from .directory import AkuvoxButtonNumbers, AkuvoxDirectory
from .doors import AkuvoxDoors, OpeningLogin
from .log import AkuvoxLog
from .maintenance import LOCATION, AkuvoxCapture, AkuvoxFirmware, AkuvoxMaintenance, AkuvoxSettings
from .push import AkuvoxPush
from .records import AkuvoxAccessLog, AkuvoxCallLog, neutral_call
from .wiring import INPUT, RELAY, Input, inputs_of, relays_of

if TYPE_CHECKING:
    from ..common.talk import DirectTalk

_LOGGER = logging.getLogger(__name__)

_SECTIONS = (RELAY.rstrip("."), INPUT.rstrip("."), push.SECTION, LOCATION.rpartition(".")[0])
# All accounts have the same permissions.
_CONTROLS = frozenset({Control.CALLS, Control.DOORS, Control.MAINTENANCE})
# Parts of the state that are unread if a function does not respond.
_UNREAD = {"relay/status": "doors", "input/status": "ports"}
# Number of successive absences after which a function counts as missing.
_MAX_ABSENCES = 3
# Seconds that the setup of an entry waits for the name of the device.
_NAME_PATIENCE = 5.0
# The clock is read with every twelfth poll only, as it drifts slowly.
_READINGS_PER_CLOCK = 12
# Seconds between two readings of the SIP accounts.
_INFO_INTERVAL = 240.0

MANUFACTURER = "Akuvox"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of an entry that the device does not report.

    Attributes:
        names: Whether names of users may be shown.
        inverted: Doors with inverted relays.
        security: Connected security relays.
        opening: The account of *Open Relay via HTTP*.
        stream: The RTSP server.
        pushes: Whether Home Assistant may write Action URLs.
    """

    names: bool = True
    inverted: Collection[DoorId] = ()
    security: Collection[DoorId] = ()
    opening: OpeningLogin = field(default_factory=OpeningLogin)
    stream: StreamAccess = NO_STREAM
    pushes: bool = False


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of a device that are polled."""

    inputs: Mapping[str, Input] = field(default_factory=dict)
    relay_status: bool = False
    clock: bool = False
    call_status: bool = False
    makes_calls: bool = False
    has_camera: bool = False


class _AvailableFunctions:
    """Available functions; one that is absent for a moment, such as after a restart, still counts as available."""

    def __init__(self) -> None:
        self._absences: dict[str, int] = {}

    def update(self, available: Mapping[str, bool]) -> None:
        """Record which functions are available, without those that failed just now."""
        for name in [name for name, is_available in available.items() if is_available]:
            self._absences[name] = 0
        for name in self._absences.keys() & {name for name, is_available in available.items() if not is_available}:
            self._absences[name] += 1
            if self._absences[name] < _MAX_ABSENCES:
                raise CommandFailed(f"the function {name} does not respond")
            del self._absences[name]


def _has_dialed(records: Collection[CallRecord]) -> bool:
    return any(record.kind is CallKind.DIALED for record in records)


class AkuvoxSystem:
    """One Akuvox device.

    Args:
        camera: Client of its image server.
        cursor: Stored position in the logs, from ``Delivery.cursor``; None begins now.
        talk: The line to the device; None if the user does not want to talk to visitors.
    """

    def __init__(
        self,
        device: AkuvoxDevice,
        camera: AkuvoxCamera,
        cursor: Mapping[str, object] | None = None,
        options: Options | None = None,
        talk: DirectTalk | None = None,
    ) -> None:
        self.device = device
        self._camera = camera
        self._options = options or Options()
        self._privacy = Privacy(names=self._options.names)
        self._tracker = CallTracker()
        self._doors = AkuvoxDoors(device, self._options.opening)
        self._log = AkuvoxLog(device, self._doors, self._tracker, names=self._options.names, stored=cursor)
        self._push = AkuvoxPush(device, self._log.receive_push, self._log.expect_pushes)
        self._codes = AkuvoxCodes(device)
        self._firmware = AkuvoxFirmware(device)
        self._talk = talk
        self._functions = _AvailableFunctions()
        self._reader = PartReader()
        self._parts = _Parts()
        self._readings = 0
        self._info_at = -inf
        # The identity until the first description, if the device was just found.
        self._found: SystemInfo | None = None
        self.log: AkuvoxLog | None = None
        self.features = Features(
            button_numbers=AkuvoxButtonNumbers(device), local_clock=self._log.clock, talk=self._talk
        )
        self.access_log: AkuvoxAccessLog | None = None

    async def introduce(self, info: SystemInfo) -> Description:
        """Return only the identity of a device that was just found; ``connect`` reads the rest.

        Only the name is requested; the fallback is the model.
        """
        self._found = info
        config: Mapping[str, str] = {}
        try:
            async with asyncio.timeout(_NAME_PATIENCE):
                config = await self.device.config.get(items=[LOCATION])
        except (TimeoutError, IntercomError) as err:
            _LOGGER.debug("Could not read the device name: %s", err)
        return Description(self._identity(info, config), State(), _CONTROLS)

    def _identity(self, info: SystemInfo, config: Mapping[str, str]) -> Identity:
        return identity_of(info, config.get(LOCATION), self.device.client.transport.base.host)

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Read the identity and capabilities of the device."""
        await self.close()  # of a previous attempt
        return await self._describe(first=True)

    async def complete(self) -> Description:
        """Describe it again: no description is incomplete."""
        return await self.describe()

    async def describe(self) -> Description:
        """Refresh identity and capabilities with one request at a time, as many devices support no more."""
        return await self._describe(first=False)

    async def _describe(self, *, first: bool) -> Description:
        device, ask = self.device, self._reader.ask
        self._reader.begin()
        info, self._found = self._found or await device.system.info(), None
        self._info_at, requested_at = time.monotonic(), time.time()
        status = await ask("system/status", self._if_available(device.system.status()), keep=False)
        if status is not None:
            self._log.note_device(status, requested_at)
        config = await ask("config/get", self._if_available(device.config.get(sections=_SECTIONS)))
        relays_requested_at = time.monotonic()
        relays = await ask("relay/status", self._if_available(device.relay.status()))
        levels = await ask("input/status", self._if_available(device.input.status()))
        phone = self._parts.call_status
        if not phone:
            word = await ask("call/status", self._if_available(device.call.status()), keep=False)
            phone = word is not None
            # Later, a call found here would not be reported.
            if word is not None and first:
                self._tracker.polled(word, self._tracker.monotonic())
        call_log = await ask("calllog/get", self._if_available(device.call_log.get(page=1)))
        door_log = await ask("doorlog/get", self._if_available(device.door_log.get(page=1)))
        self._reader.require_answer()
        failures = self._reader.failures
        if not failures:
            self._log.note_reading(())
        answers: Mapping[str, object] = {
            "config/get": config,
            "relay/status": relays,
            "input/status": levels,
            "calllog/get": call_log,
            "doorlog/get": door_log,
        }
        self._functions.update({name: answers[name] is not None for name in answers.keys() - failures.keys()})
        config = config or {}
        has_camera, login_missing = await self._find_camera()
        self._doors.relays = relays_of(
            config,
            relays,
            self._options.security,
            self._options.inverted,
            opens_otherwise=bool(self._options.opening.username),
        )
        events = push.events_of(config)
        pushed = frozenset(events if self._options.pushes else ())
        # Without a call status, the call log reports the calls of a device that makes some.
        logs_calls = call_log is not None and (push.CALL_EVENT in events or _has_dialed(call_log))
        makes_calls = phone or logs_calls or push.CALL_EVENT in pushed or self._parts.makes_calls
        self._parts = _Parts(
            inputs_of(config, levels or ()), relays is not None, status is not None, phone, makes_calls, has_camera
        )
        self._log.inputs = self._parts.inputs
        # An indoor monitor makes calls too, but not for visitors.
        visitors = relays is not None or door_log is not None
        self._log.follow(
            device=status is not None,
            call_status=phone,
            call_log=call_log is not None and makes_calls,
            door_log=door_log is not None,
        )
        has_log = makes_calls or door_log is not None or bool(pushed)
        self.log = self._log if has_log else None
        self.features = self._features(
            phone=phone,
            has_camera=has_camera,
            pushes_events=bool(events),
            call_log=call_log is not None,
        )
        self.access_log = (
            AkuvoxAccessLog(device, self._privacy, self._log.clock.utc, lambda: self._doors.relays)
            if door_log is not None
            else None
        )
        self.features.record_pictures = self.access_log
        reading = self._reading(info, relays, relays_requested_at, levels, status)
        return Description(
            identity=self._identity(info, config),
            state=State(
                doors=reading.doors or {},
                ports=reading.ports or {},
                lines=reading.lines or {},
                alarms=self._alarms(pushed),
                calls=self._tracker.sessions,
                cameras=CAMERAS if has_camera else {},
                clock=reading.clock,
                firmware=Firmware(info.firmware) if self.features.firmware is not None else None,
                last_call=neutral_call(call_log[0], self._privacy, self._log.clock.utc) if call_log else None,
                bells={CALL_BELL: Bell(CALL_BELL)} if makes_calls and visitors else {},
            ),
            controls=_CONTROLS,
            retry_after=self._reader.retry_after,
            missing=self._reader.missing | ({Missing("stream_login", "RTSP")} if login_missing else frozenset()),
            unread=frozenset(part for function, part in _UNREAD.items() if function in failures),
            reports_access=door_log is not None or any(map(push.ACCESS_EVENT.fullmatch, pushed)),
            has_phone=phone,
            visitors=visitors,
        )

    def _features(self, *, phone: bool, has_camera: bool, pushes_events: bool, call_log: bool) -> Features:
        device = self.device
        host = device.client.transport.base.host
        privacy = self._privacy
        return Features(
            call_log=AkuvoxCallLog(device, privacy, self._log.clock.utc) if call_log else None,
            calls=AkuvoxCalls(device, self._tracker, self._talk) if phone else None,
            cameras=AkuvoxCameras(self._camera, host, self._options.stream) if has_camera else None,
            doors=self._doors if self._doors.relays else None,
            push=self._push if pushes_events else None,
            # Not detectable in advance: the device rejects these functions if it lacks them.
            button_numbers=AkuvoxButtonNumbers(device),
            capture=AkuvoxCapture(device),
            codes=self._codes,
            directory=AkuvoxDirectory(device),
            firmware=self._firmware,
            local_clock=self._log.clock,
            maintenance=AkuvoxMaintenance(device),
            settings=AkuvoxSettings(device),
            talk=self._talk if has_camera else None,
        )

    def _alarms(self, events: Collection[str]) -> dict[Alarm, bool | None]:
        """Return the alarms that the device pushes; there is no other source for them."""
        alarms = {push.alarm_of(event) for event in events} - {None}
        return {alarm: self._log.is_alarmed(alarm) for alarm in Alarm if alarm in alarms}

    async def _find_camera(self) -> tuple[bool, bool]:
        """Return whether there is a camera, and whether it requires a login that is missing or rejected."""
        try:
            await self._camera.find()
        except AuthenticationFailed:
            return True, True
        except NotSupported:
            return False, False
        except IntercomError as err:
            _LOGGER.debug("Images unavailable: %s", err)
            return self._parts.has_camera, False
        return True, False

    async def _if_available[T](self, request: Coroutine[Any, Any, T]) -> T | None:
        """Return the response, None if the device reports that it does not have the function."""
        try:
            return await request
        except NoSuchPath:
            raise
        except NotSupported:
            return None

    async def read(self) -> Reading:
        """Poll relays, inputs and SIP accounts; unreadable parts are left out."""
        device, parts = self.device, self._parts
        failures: dict[str, list[IntercomError]] = {"relay/status": [], "input/status": [], "system/info": []}
        clock_is_due = parts.clock and self._readings % _READINGS_PER_CLOCK == 0
        self._readings += 1
        relays_requested_at = time.monotonic()
        relays = await part(device.relay.status(), failures["relay/status"]) if parts.relay_status else None
        levels = await part(device.input.status(), failures["input/status"]) if parts.inputs else None
        # The registration of the SIP accounts is not urgent, unless nothing else shows that the device responds.
        now = time.monotonic()
        info_is_due = now - self._info_at >= _INFO_INTERVAL or (relays is None and levels is None)
        info = await part(device.system.info(), failures["system/info"]) if info_is_due else None
        self._info_at = self._info_at if info is None else now
        status = await part(device.system.status(), []) if clock_is_due else None
        failed = [name for name, found in failures.items() if found]
        if failed and relays is None and levels is None and info is None:
            raise failures[failed[0]][0]
        self._log.note_reading(failed)
        return self._reading(info, relays, relays_requested_at, levels, status)

    def _reading(
        self,
        info: SystemInfo | None,
        relays: Mapping[str, int] | None,
        relays_requested_at: float,
        levels: Mapping[str, int] | None,
        status: SystemStatus | None,
    ) -> Reading:
        known = relays is not None or not self._parts.relay_status
        return Reading(
            doors=self._doors.doors(relays, relays_requested_at) if known else None,
            ports=None if levels is None else ports_of(levels, self._parts.inputs),
            lines=None if info is None else lines_of(info.accounts),
            clock=None if status is None else clock_of(status),
        )

    async def read_bells(self) -> Bells | None:
        """Return None, as no list of an Akuvox contains the numbers that its button calls."""
        return None

    async def examine(self) -> Mapping[str, object]:
        """Return request mode, uptime, Action URL states and skipped rows for diagnostics."""
        try:
            uptime = (await self.device.system.status()).uptime
        except CommandFailed, NotSupported, UnexpectedReply:
            uptime = None
        client = self.device.client
        return {
            "fragile": client.fragile,
            "uptime": uptime,
            "pushes": {event: status.value for event, status in sorted(self._push.statuses.items())},
            "skipped": {path: count for path, count in sorted(client.skipped.items()) if count},
        }

    async def close(self) -> None:
        """Stop polling."""
        await self._log.close()
        if self._talk is not None:
            await self._talk.close()


def identity_of(info: SystemInfo, location: str | None, host: str | None) -> Identity:
    """Return the identity of the device; ``location`` has priority as its name, since a user entered it."""
    return Identity(
        id=info.mac or "",
        mac=info.mac,
        serial=None,
        manufacturer=MANUFACTURER,
        model=info.model,
        name=short_name(location, info.model, host, MANUFACTURER),
        firmware=info.firmware,
        hardware=info.hardware,
    )


def lines_of(accounts: tuple[SipAccount, ...]) -> Mapping[LineId, Line]:
    """Return the SIP accounts."""
    return {
        str(account.account): Line(
            id=str(account.account),
            number=account.user,
            registered=account.registered if account.enabled else None,
            enabled=bool(account.enabled),
        )
        for account in accounts
    }


def ports_of(levels: Mapping[str, int], inputs: Mapping[str, Input]) -> Mapping[PortId, Port]:
    """Return the enabled inputs; an input is on if its pin has the trigger level."""
    return {
        known.port: Port(known.port, output=False, on=levels[letter] == known.level if letter in levels else None)
        for letter, known in inputs.items()
    }


def clock_of(status: SystemStatus) -> Clock | None:
    """Return the offset of the device's clock; half a second is added because the device reports whole seconds."""
    if status.time is None:
        return None
    return Clock(round(status.time + 0.5 - time.time()), set=is_set(datetime.fromtimestamp(status.time, UTC)))
