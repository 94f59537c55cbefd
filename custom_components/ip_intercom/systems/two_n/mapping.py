"""Pure functions that map 2N responses to the neutral model."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ...model.features import Bells
from ...model.parts import Bell, BellId, Door, DoorId, Identity, Line, LineId, Port, PortId
from ...model.ring_detector import CALL_BELL, peer_number
from ..common.parse import Fields, integer, objects, text
from .client.directory import DirectoryAnswer
from .client.doors import SwitchCaps, SwitchStatus
from .client.phone import SipAccount
from .client.system import SystemInfo

MANUFACTURER = "2N"
# Seconds (HTTP API 5.4.3).
_MAX_HOLD = 86400


def identity_of(info: SystemInfo, host: str | None) -> Identity:
    """Return the identity of the device; ``host`` is the fallback for its name."""
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
    """Return the buttons of an entry, from a comma-separated text or an array."""
    value = entry.get("buttons")
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(number for item in listed if (number := integer(item)) is not None)


def known_bells(bells: Bells | None, phone: bool) -> Mapping[BellId, Bell]:
    """Return the bells; if none is known, one bell for any call of a visitor.

    The directory of a device without a phone contains buttons too, but the device has none.
    """
    if not phone:
        return {}
    return (bells.bells if bells is not None else {}) or {CALL_BELL: Bell(CALL_BELL)}


def hold_end(begin: datetime, seconds: int | None) -> datetime | None:
    """Return when a hold ends, None for a permanent one or an invalid duration."""
    return begin + timedelta(seconds=seconds) if seconds is not None and 0 < seconds <= _MAX_HOLD else None


def doors_of(switches: tuple[SwitchStatus, ...], known: Mapping[int, SwitchCaps]) -> Mapping[DoorId, Door]:
    """Return the enabled (``known``) switches as doors."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        str(status.switch): Door(
            id=str(status.switch),
            released=status.active,
            latching=known[status.switch].bistable,
            held_open=status.held,
            hold_until=hold_end(now, status.hold_timeout),
            blocked=status.locked,
        )
        for status in switches
        if status.switch in known
    }


def unread_doors(known: Mapping[int, SwitchCaps]) -> Mapping[DoorId, Door]:
    """Return the switches as doors in an unknown state."""
    return {str(switch): Door(id=str(switch), released=None, latching=caps.bistable) for switch, caps in known.items()}


def ports_of(states: Mapping[PortId, bool], known: Mapping[PortId, bool]) -> Mapping[PortId, Port]:
    """Return the ``known`` ports: outputs (True) and inputs."""
    return {port: Port(port, output, states.get(port)) for port, output in known.items()}
