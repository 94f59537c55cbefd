"""2N intercoms, access units and indoor units in the neutral model."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from ..api.errors import (
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ..api.http import HttpTransport
from ..api.parse import Fields, integer, objects, text
from ..api.two_n import TwoNClient, TwoNDevice, find_device
from ..api.two_n.directory import DirectoryAnswer
from ..api.two_n.endpoints import CALL_DIAL, IO_CTRL, SWITCH_CTRL
from ..api.two_n.phone import SipAccount
from ..api.two_n.reader import Cursor, LogReader
from ..api.two_n.switch import SwitchCaps, SwitchStatus
from ..api.two_n.system import SystemInfo
from ..const import (
    CONF_FINGERPRINT,
    CONF_PASSWORD,
    CONF_SHOW_CARDS,
    CONF_SHOW_NAMES,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    DEFAULT_STREAM_PATH,
)
from ..facets import Bells, Calls, Cameras, Directory, Doors, Outputs
from ..model import (
    Alarm,
    Bell,
    BellId,
    Camera,
    Control,
    Description,
    Door,
    DoorId,
    Identity,
    Line,
    LineId,
    Missing,
    Port,
    PortId,
    Reading,
    State,
)
from ..rings import CALL_BELL, peer_number
from .two_n_events import ALARM_EVENTS, CREDENTIAL_EVENTS, DECISION_EVENTS, Privacy, TwoNLog
from .two_n_facets import StreamAccess, TwoNCalls, TwoNCameras, TwoNDirectory, TwoNDoors, TwoNOutputs, neutral_calls

_LOGGER = logging.getLogger(__name__)

MANUFACTURER = "2N"

_TAMPER_PORT = "tamper"
_BELL_FIELDS = ("name", "buttons", "callPos.peer")
_PROBES = {Control.DOORS: SWITCH_CTRL, Control.OUTPUTS: IO_CTRL, Control.CALLS: CALL_DIAL}


class TwoNSystem:
    """One 2N device.

    Args:
        device: Its client.
        cursor: How far the log was read before, as ``Delivery.cursor``; None begins now.
        privacy: What the user wants kept of people and cards.
        stream: The RTSP account, where the user gave one.
    """

    def __init__(
        self,
        device: TwoNDevice,
        cursor: Mapping[str, object] | None = None,
        privacy: Privacy | None = None,
        stream: StreamAccess | None = None,
    ) -> None:
        """See the class."""
        self._device = device
        self._cursor = Cursor.from_json(cursor) if cursor is not None else None
        self._privacy = privacy or Privacy()
        self._stream = stream
        self._missing: set[Missing] = set()
        self._refusal: IntercomError | None = None
        self._switches: Mapping[int, SwitchCaps] = {}
        self._ports: Mapping[PortId, bool] = {}
        self._has_phone = True
        self.log: TwoNLog | None = None
        self.doors: Doors | None = None
        self.outputs: Outputs | None = None
        self.calls: Calls | None = None
        self.cameras: Cameras | None = None
        self.directory: Directory | None = None

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Find out what the device is and has; what is out of reach is left out and named.

        Raises:
            IntercomError: The device is out of reach, or refuses user name and password.
        """
        device = self._device
        self._missing = set()
        self._has_phone = True
        await self.close()  # of an attempt before
        self.log = None
        # The log's first request meets the challenge for all; the others follow in two rounds.
        info, events = await _together(device.system.info(), self._attempt(device.log.caps()))
        reported = events or frozenset()
        if reported:
            reader = LogReader(device.log, reported, self._cursor)
            self.log = TwoNLog(reader, self._privacy, credentials_decide=not reported & DECISION_EVENTS)
        switches, ports, cameras, bells, _ = await _together(
            self._attempt(device.switch.caps()),
            self._attempt(device.io.caps()),
            self._attempt(device.camera.caps()),
            self._bells_if_readable(),
            self._attempt(self._open_log()),
        )
        self._switches = {caps.switch: caps for caps in switches or () if caps.enabled}
        self._ports = ports or {}
        sources = {source: Camera(source, cameras.sizes) for source in cameras.sources} if cameras else {}
        if controls is None:
            controls = await self.probe_controls()
        failures: list[IntercomError] = []
        reading = await self._read(failures)
        if failures:
            raise failures[0]  # what the device has is decided here
        phone = reading.lines is not None
        self._has_phone = phone or reading.calls is not None
        self.doors = TwoNDoors(device) if self._switches and Control.DOORS in controls else None
        self.outputs = TwoNOutputs(device) if any(self._ports.values()) and Control.OUTPUTS in controls else None
        self.calls = TwoNCalls(device) if phone and Control.CALLS in controls else None
        self.cameras = TwoNCameras(device, sources, self._stream) if sources else None
        self.directory = TwoNDirectory(device) if bells is not None else None
        alarms: dict[Alarm, bool | None] = {ALARM_EVENTS[name]: None for name in reported if name in ALARM_EVENTS}
        return Description(
            identity=_identity(info, self._device.client.transport.base.host),
            state=State(
                alarms=alarms | dict(reading.alarms or {}),
                doors=reading.doors or {},
                ports=reading.ports or {},
                lines=reading.lines or {},
                calls=reading.calls or {},
                cameras=sources,
                bells=_known_bells(bells, phone),
            ),
            controls=controls,
            missing=frozenset(self._missing),
            peers=bells.peers if bells is not None else {},
            reports_access=bool(reported & (DECISION_EVENTS | CREDENTIAL_EVENTS)),
            has_phone=phone,
            pushes=self.log is not None,
        )

    async def read(self) -> Reading:
        """Read switches, ports, SIP accounts and calls once; a part that cannot be read now is left out.

        Raises:
            IntercomError: Not one of them could be read, or user name and password are refused.
        """
        failures: list[IntercomError] = []
        reading = await self._read(failures)
        if failures and reading == Reading():
            raise failures[0]
        return reading

    async def _read(self, failures: list[IntercomError]) -> Reading:
        device = self._device
        switches, ports, accounts, calls = await _together(
            self._part(device.switch.status(), failures) if self._switches else _nothing(),
            self._part(device.io.status(), failures) if self._ports else _nothing(),
            self._part(device.phone.status(), failures) if self._has_phone else _nothing(),
            self._part(device.call.status(), failures) if self._has_phone else _nothing(),
        )
        return Reading(
            doors=None if switches is None else self._doors_of(switches),
            ports=None if ports is None else self._ports_of(ports),
            alarms={Alarm.TAMPER: ports[_TAMPER_PORT]} if ports and _TAMPER_PORT in ports else None,
            lines=None if accounts is None else _lines_of(accounts),
            calls=None if calls is None else neutral_calls(calls),
        )

    async def read_bells(self) -> Bells | None:
        """Read names and buttons from the directory; None where the account may not."""
        bells = await self._attempt(self._query_bells())
        if bells is None:
            return None
        return Bells(_known_bells(bells, self._has_phone), bells.peers)

    async def probe_controls(self) -> frozenset[Control]:
        """Find out what the account may command, by commands without their parameters."""
        wanted = [
            control
            for control, there in (
                (Control.DOORS, bool(self._switches)),
                (Control.OUTPUTS, any(self._ports.values())),
                (Control.CALLS, self._has_phone),
            )
            if there
        ]
        allowed = await _together(*(self._device.client.permits(_PROBES[control]) for control in wanted))
        return frozenset(control for control, may in zip(wanted, allowed, strict=True) if may)

    async def close(self) -> None:
        """Close the log channel."""
        if self.log is not None:
            await self.log.reader.close()

    async def _open_log(self) -> None:
        # Opened before the state is read: what happens in between is in the channel.
        if self.log is not None:
            await self.log.reader.open()

    async def _query_bells(self) -> Bells:
        return _bells_of(await self._device.directory.query(_BELL_FIELDS))

    async def _bells_if_readable(self) -> Bells | None:
        """Return the bells; none where the device is too busy for it, or the directory too large."""
        try:
            return await self._attempt(self._query_bells())
        except (CommandFailed, UnexpectedReply) as err:
            _LOGGER.debug("The directory cannot be read: %s", err)
            return Bells({}, {})

    async def _attempt[T](self, request: Coroutine[Any, Any, T]) -> T | None:
        """Return the answer, or None where the device or the account does not have the function."""
        try:
            return await request
        except ServiceDisabled as err:
            self._refuse(Missing("service", err.service), err)
        except SecureConnectionRequired as err:
            self._refuse(Missing("secure", err.service), err)
        except PermissionDenied as err:
            self._refuse(Missing("privilege", err.privilege), err)
        except NotSupported:
            pass
        return None

    async def _part[T](self, request: Coroutine[Any, Any, T], failures: list[IntercomError]) -> T | None:
        """Return the answer, or None where there is none; a failure is noted."""
        try:
            return await self._attempt(request)
        except (CommandFailed, ConnectionFailed, UnexpectedReply) as err:
            failures.append(err)
            return None

    def _refuse(self, missing: Missing, err: IntercomError) -> None:
        self._missing.add(missing)
        # HTTPS is the one thing that a person has to mend for all services at once.
        if self._refusal is None or isinstance(err, SecureConnectionRequired):
            self._refusal = err

    def require_something(self) -> None:
        """Raise why nothing can be used, or why one part insists on HTTPS that was not found."""
        usable = self._switches or self._ports or self.log or self.cameras or self.directory or self.calls
        if self._refusal is not None and (not usable or isinstance(self._refusal, SecureConnectionRequired)):
            raise self._refusal

    def _doors_of(self, switches: tuple[SwitchStatus, ...]) -> Mapping[DoorId, Door]:
        now = datetime.now(UTC).replace(microsecond=0)
        return {
            str(status.switch): Door(
                id=str(status.switch),
                released=status.active,
                latching=self._switches[status.switch].bistable,
                held_open=status.held,
                hold_until=now + timedelta(seconds=status.hold_timeout) if status.hold_timeout else None,
                blocked=status.locked,
            )
            for status in switches
            if status.switch in self._switches
        }

    def _ports_of(self, states: Mapping[PortId, bool]) -> Mapping[PortId, Port]:
        return {port: Port(port, output, states.get(port)) for port, output in self._ports.items()}


async def _together(*requests: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run requests side by side; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def _nothing() -> None:
    """Stand for a request that is not made."""


def _identity(info: SystemInfo, host: str | None) -> Identity:
    model = info.variant
    return Identity(
        id=info.mac or info.serial or "",
        mac=info.mac,
        serial=info.serial,
        manufacturer=MANUFACTURER,
        model=model,
        name=info.name or model or host or MANUFACTURER,
        firmware=info.firmware,
        hardware=info.hardware,
    )


def _lines_of(accounts: tuple[SipAccount, ...]) -> Mapping[LineId, Line]:
    return {
        str(account.account): Line(
            id=str(account.account),
            number=account.number,
            registered=account.registered if account.enabled and account.registration_enabled else None,
            enabled=account.enabled,
        )
        for account in accounts
    }


def _bells_of(answer: DirectoryAnswer) -> Bells:
    """Return the bells of the directory: a button rings whoever has it in their entry (HTTP API 5.14.1)."""
    names: dict[int, list[str]] = {}
    peers: dict[str, BellId] = {}
    for entry in answer.entries:
        buttons = _buttons_of(entry.fields)
        for button in () if entry.deleted else buttons:
            names.setdefault(button, []).append(text(entry.fields.get("name")) or "")
            for position in objects(entry.fields.get("callPos")):
                if (peer := text(position.get("peer"))) is not None:
                    peers.setdefault(peer_number(peer), str(button))
    bells = {
        str(button): Bell(str(button), " / ".join(name for name in who if name) or None, button)
        for button, who in sorted(names.items())
    }
    return Bells(bells, peers)


def _buttons_of(entry: Fields) -> tuple[int, ...]:
    """Return the buttons of an entry: numbers separated by commas, or an array of them."""
    value = entry.get("buttons")
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(number for item in listed if (number := integer(item)) is not None)


def _known_bells(bells: Bells | None, phone: bool) -> Mapping[BellId, Bell]:
    """Return the bells, or where none is known one for any call that a visitor makes.

    A device without a telephone has a directory with buttons too, but no buttons.
    """
    if not phone:
        return {}
    return (bells.bells if bells is not None else {}) or {CALL_BELL: Bell(CALL_BELL)}


async def find(
    session: ClientSession, address: str, username: str, password: str, verify: bool, pinned: str | None = None
) -> tuple[dict[str, Any], Description]:
    """Find the device at an address that a person typed, and log in; ``pinned`` is the certificate to insist on.

    Returns:
        What an entry has to keep to connect again (``const``: entry data), and what was found.

    Raises:
        IntercomError: One of its kinds; ``ServiceDisabled``, ``PermissionDenied`` or
            ``SecureConnectionRequired`` only where nothing at all can be used.
        ValueError: The address names no host.
    """
    found = await find_device(
        session,
        address,
        username=username,
        password=password,
        verify=verify,
        pinned=bytes.fromhex(pinned) if pinned else None,
    )
    data = {
        CONF_URL: str(found.base.origin()),
        CONF_USERNAME: username,
        CONF_PASSWORD: password,
        CONF_VERIFY_SSL: verify,
        CONF_FINGERPRINT: found.fingerprint.hex() if found.fingerprint is not None and not verify else None,
    }
    system = create(session, data, {}, None)
    try:
        description = await system.connect(None)
        system.require_something()
    finally:
        await system.close()
    return data, description


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> TwoNSystem:
    """Return the system of an entry from its data and options (``const``)."""
    fingerprint = data.get(CONF_FINGERPRINT)
    transport = HttpTransport(
        session,
        URL(data[CONF_URL]),
        fingerprint=bytes.fromhex(fingerprint) if fingerprint else None,
        verify=data.get(CONF_VERIFY_SSL, False),
    )
    stream = StreamAccess(
        options.get(CONF_STREAM_USERNAME, ""),
        options.get(CONF_STREAM_PASSWORD, ""),
        options.get(CONF_STREAM_PATH, DEFAULT_STREAM_PATH),
    )
    return TwoNSystem(
        TwoNDevice(TwoNClient(transport, data.get(CONF_USERNAME, ""), data.get(CONF_PASSWORD, ""))),
        cursor,
        Privacy(names=options.get(CONF_SHOW_NAMES, True), cards=options.get(CONF_SHOW_CARDS, False)),
        stream if stream.username else None,
    )
