"""Doors, ports and access points of a 2N."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ...model.features import Doors, DoorTiming
from ...model.parts import AccessPoint, AccessPointId, Door, DoorCommand, DoorId, Port, PortId
from ..common.errors import NotSupported
from .client import TwoNDevice
from .client.doors import SwitchAction, SwitchCaps, SwitchStatus

# Not "trigger", which toggles a bistable switch (HTTP API 5.4.3).
_ACTIONS: Mapping[DoorCommand, SwitchAction] = {
    DoorCommand.OPEN: SwitchAction.ON,
    DoorCommand.CLOSE: SwitchAction.OFF,
    DoorCommand.HOLD: SwitchAction.HOLD,
    DoorCommand.END_HOLD: SwitchAction.RELEASE,
    DoorCommand.BLOCK: SwitchAction.LOCK,
    DoorCommand.UNBLOCK: SwitchAction.UNLOCK,
}
# Seconds within which a switch reaches its state.
_SETTLES = 2.0
# The longest hold in seconds (HTTP API 5.4.3).
_MAX_HOLD = 86400


class TwoNDoors(Doors):
    """Switches as doors.

    Args:
        switches: The enabled switches by number.
    """

    def __init__(self, device: TwoNDevice, switches: Mapping[int, SwitchCaps]) -> None:
        self._switch = device.switch
        self._switches = switches

    async def read(self, door: DoorId) -> Door | None:
        """Return a switch as ``switch/status`` reports it."""
        return doors_of(await self._switch.status(), self._switches).get(door)

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Send one ``switch/ctrl``; ``seconds`` (1 to 86400) applies to a hold."""
        await self._switch.ctrl(int(door.id), _ACTIONS[command], seconds if command is DoorCommand.HOLD else None)

    def extends(self, door: Door) -> bool:
        """Return whether an open command extends the release: a switch that is not held stays on longer."""
        return not door.held_open

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how fast a switch changes, and how long a monostable one stays on."""
        caps = self._switches.get(int(door))
        return DoorTiming(_SETTLES, None if caps is None or caps.bistable else caps.on_duration)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Do nothing: the device stores and reports its holds."""


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


class TwoNOutputs:
    """Output ports."""

    def __init__(self, device: TwoNDevice) -> None:
        self._io = device.io

    async def read_output(self, port: PortId) -> bool | None:
        """Return whether an output is on."""
        return (await self._io.status()).get(port)

    async def set_output(self, port: PortId, on: bool) -> None:
        """Turn an output on or off."""
        await self._io.ctrl(port, on)


# HTTP API 5.17: 0 for entry, 1 for exit.
ACCESS_POINTS: dict[int, AccessPointId] = {0: "entry", 1: "exit"}
_NUMBERS = {name: number for number, name in ACCESS_POINTS.items()}


def access_points_of(blocked: dict[int, bool]) -> dict[AccessPointId, AccessPoint]:
    """Return the access points from the device's numbers."""
    return {name: AccessPoint(name, blocked[number]) for number, name in ACCESS_POINTS.items() if number in blocked}


def number_of(access_point: AccessPointId) -> int:
    """Return the device's number of an access point."""
    if (number := _NUMBERS.get(access_point)) is None:
        raise NotSupported(f"no access point {access_point}")
    return number


class TwoNAccessPoints:
    """Access points: entry and exit."""

    def __init__(self, device: TwoNDevice) -> None:
        self._access = device.access

    async def is_blocked(self, access_point: AccessPointId) -> bool | None:
        """Return whether an access point is blocked."""
        return (await self._access.blocked()).get(number_of(access_point))

    async def block(self, access_point: AccessPointId, blocked: bool) -> None:
        """Block or unblock an access point for all users."""
        await self._access.block(number_of(access_point), blocked)
