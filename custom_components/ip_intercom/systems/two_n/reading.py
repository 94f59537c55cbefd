"""Identity, description and polled state of a 2N, combined from several responses."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ...model.features import Bells
from ...model.parts import (
    Alarm,
    Bell,
    BellId,
    Camera,
    Display,
    Firmware,
    Identity,
    Line,
    LineId,
    PortId,
    one_line,
    short_name,
)
from ...model.ring_detector import CALL_BELL, peer_number
from ...model.state import Missing, Reading, State
from ..common.parse import Fields, integer, objects, text
from .calls import KEY_EVENT, neutral_call, neutral_calls
from .client.directory import DirectoryAnswer
from .client.doors import SwitchCaps, SwitchStatus
from .client.media import CameraCaps, DisplayCaps
from .client.phone import CallRecord, CallSession, SipAccount
from .client.protocol import Privilege, Service
from .client.system import DeviceTime, SystemInfo
from .doors import access_points_of, doors_of, ports_of, unread_doors
from .events import ALARM_EVENTS
from .maintenance import clock_of

_TAMPER_PORT = "tamper"
# Functions that a device at an entrance has, and what hides them.
ENTRANCE = frozenset({"switch/caps", "camera/caps"})
_HIDING = frozenset({Service.SWITCH, Service.CAMERA, Privilege.SWITCH_MONITORING, Privilege.CAMERA_MONITORING})

MANUFACTURER = "2N"


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """Parts of a device that are polled.

    ``has_phone`` is whether it reports SIP accounts; ``polls_phone`` is false once neither they nor calls are available;
    ``phone_hidden`` is whether the account may not see them; ``indoor`` is whether it is an indoor unit.
    """

    switches: Mapping[int, SwitchCaps] = field(default_factory=dict)
    ports: Mapping[PortId, bool] = field(default_factory=dict)
    has_phone: bool = False
    polls_phone: bool = False
    access_points: bool = False
    bells: Bells = field(default_factory=lambda: Bells({}, {}))
    phone_hidden: bool = False
    indoor: bool = False

    def known_bells(self, bells: Bells | None) -> Mapping[BellId, Bell]:
        """Return the bells; if none is known, one bell for any call of a visitor.

        The directory of a device without a phone contains buttons too, but the device has none. The buttons of an
        indoor unit are for residents.
        """
        if self.indoor or not (self.has_phone or self.phone_hidden):
            return {}
        return (bells.bells if bells is not None else {}) or {CALL_BELL: Bell(CALL_BELL)}


@dataclass(frozen=True, slots=True)
class MainParts:
    """What `connect` reads of a device; ``bells`` is None if the account may not read the directory."""

    info: SystemInfo
    reported: frozenset[str]
    cameras: CameraCaps | None
    reading: Reading
    maintained: bool
    bells: Bells | None
    bells_pending: bool


@dataclass(frozen=True, slots=True)
class OtherParts:
    """What `connect` leaves out; None for functions that the device or the account lacks."""

    displays: tuple[DisplayCaps, ...] = ()
    blocked: Mapping[int, bool] | None = None
    clock: DeviceTime | None = None
    call_log: tuple[CallRecord, ...] | None = None


def reading_of(
    parts: DeviceParts,
    switches: tuple[SwitchStatus, ...] | None,
    ports: Mapping[str, bool] | None,
    accounts: tuple[SipAccount, ...] | None,
    calls: tuple[CallSession, ...] | None,
    blocked: Mapping[int, bool] | None,
    clock: DeviceTime | None,
) -> Reading:
    """Return the state from the responses of the device; a part without a response is None."""
    return Reading(
        doors=None if switches is None else doors_of(switches, parts.switches),
        ports=None if ports is None else ports_of(ports, parts.ports),
        alarms={Alarm.TAMPER: ports[_TAMPER_PORT]} if ports and _TAMPER_PORT in ports else None,
        lines=None if accounts is None else lines_of(accounts),
        calls=None if calls is None else neutral_calls(calls),
        access_points=None if blocked is None else access_points_of(dict(blocked)),
        clock=None if clock is None else clock_of(clock),
    )


def cameras_of(main: MainParts) -> dict[str, Camera]:
    """Return the cameras by source."""
    return {source: Camera(source, main.cameras.sizes) for source in main.cameras.sources} if main.cameras else {}


def state_of(
    parts: DeviceParts, main: MainParts, rest: OtherParts, unread: frozenset[str], *, is_new: bool, names: bool
) -> State:
    """Return the state of a description.

    Args:
        parts: The parts of the device.
        main: What `connect` reads.
        rest: What `connect` leaves out.
        unread: Parts of the state of which only the keys are known.
        is_new: Whether `main` was just read; otherwise events have changed its state since.
        names: Whether to show names.
    """
    reading = main.reading if is_new else Reading()
    extra = reading_of(parts, None, None, None, None, rest.blocked, rest.clock)
    alarms: dict[Alarm, bool | None] = {ALARM_EVENTS[name]: None for name in main.reported if name in ALARM_EVENTS}
    pending = {} if parts.indoor else parts.bells.bells
    return State(
        alarms=alarms | dict(reading.alarms or {}),
        doors=unread_doors(parts.switches) if "doors" in unread else reading.doors or {},
        ports=ports_of({}, parts.ports) if "ports" in unread else reading.ports or {},
        lines=reading.lines or {},
        calls=reading.calls or {},
        cameras=cameras_of(main),
        displays={caps.id: Display(caps.id, caps.width, caps.height) for caps in rest.displays},
        access_points=extra.access_points or {},
        clock=extra.clock,
        firmware=Firmware(main.info.firmware) if main.maintained else None,
        bells=pending if main.bells_pending else parts.known_bells(main.bells),
        last_call=neutral_call(rest.call_log[0], names) if rest.call_log else None,
    )


def identity_of(info: SystemInfo, host: str | None) -> Identity:
    """Return the identity of the device; ``host`` is the fallback for its name."""
    model = info.variant
    return Identity(
        id=info.mac or info.serial or "",
        mac=info.mac,
        serial=info.serial,
        manufacturer=MANUFACTURER,
        model=model,
        name=short_name(info.name, model, host, MANUFACTURER),
        firmware=info.firmware,
        hardware=info.hardware,
    )


def lines_of(accounts: tuple[SipAccount, ...]) -> Mapping[LineId, Line]:
    """Return the SIP accounts."""
    return {
        str(account.account): Line(
            id=str(account.account),
            number=account.number,
            registered=account.registered if account.enabled and account.registration_enabled else None,
            enabled=account.enabled,
        )
        for account in accounts
    }


def bells_of(answer: DirectoryAnswer) -> Bells:
    """Return the bells of the directory: a button calls the entries that have it (HTTP API 5.14.1)."""
    names: dict[int, list[str]] = {}
    peers: dict[str, BellId] = {}
    for entry in answer.entries:
        buttons = buttons_of(entry.fields)
        for button in () if entry.deleted else buttons:
            names.setdefault(button, []).append(one_line(text(entry.fields.get("name")) or ""))
            for position in objects(entry.fields.get("callPos")):
                if (peer := text(position.get("peer"))) is not None:
                    peers.setdefault(peer_number(peer), str(button))
    bells = {
        str(button): Bell(str(button), " / ".join(name for name in who if name) or None, button)
        for button, who in sorted(names.items())
    }
    return Bells(bells, peers)


def buttons_of(entry: Fields) -> tuple[int, ...]:
    """Return the buttons of an entry, from a comma-separated text or an array."""
    value = entry.get("buttons")
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(number for item in listed if (number := integer(item)) is not None)


def hides_phone(missing: Iterable[Missing], reported: frozenset[str]) -> bool:
    """Return whether a device with buttons may have a phone that the account may not see."""
    return KEY_EVENT in reported and any(one.name in {Service.PHONE, Privilege.PHONE_MONITORING} for one in missing)


def is_indoor(switches: Collection[object] | None, cameras: CameraCaps | None, missing: Iterable[Missing]) -> bool:
    """Return whether a device is an indoor unit, which has neither switches nor cameras: residents call with it."""
    return not switches and not (cameras and cameras.sources) and all(one.name not in _HIDING for one in missing)
