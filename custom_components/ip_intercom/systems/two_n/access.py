"""Access control of a 2N: access points, elevator, license plates, Bluetooth keys."""

from collections.abc import Sequence
from time import time

from ...model.functions import Grant, MobileKeys
from ...model.parts import AccessPoint, AccessPointId, Direction
from ..common.errors import NotSupported
from ..common.parse import instant
from .client import TwoNDevice
from .client.directory import MobileKey

# HTTP API 5.17: 0 for entry, 1 for exit.
ACCESS_POINTS: dict[int, AccessPointId] = {0: "entry", 1: "exit"}
# The lprDir of firmware 2.40.
_WAYS = {Direction.INCOMING: 2, Direction.OUTGOING: 3}
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
    """Entry and exit."""

    def __init__(self, device: TwoNDevice) -> None:
        self._access = device.access

    async def is_blocked(self, access_point: AccessPointId) -> bool | None:
        """Return whether an access point is blocked now."""
        return (await self._access.blocked()).get(number_of(access_point))

    async def block(self, access_point: AccessPointId, blocked: bool) -> None:
        """Deny access to all people, or end that."""
        await self._access.block(number_of(access_point), blocked)

    async def grant(self, access_point: AccessPointId, user: str) -> Grant:
        """Grant access to a person from the directory by their rules."""
        answer = await self._access.grant(number_of(access_point), user)
        return Grant(answer.granted, answer.reason)


class TwoNLift:
    """Elevator control."""

    def __init__(self, device: TwoNDevice) -> None:
        self._lift = device.lift

    async def grant(self, user: str, seconds: int | None) -> None:
        """Unlock the floors of a person for 1 to 600 seconds, or as long as the device is configured."""
        await self._lift.grant(user, seconds)


class TwoNPlates:
    """License plate recognition."""

    def __init__(self, device: TwoNDevice) -> None:
        self._lpr = device.lpr

    async def recognize(
        self,
        access_point: AccessPointId,
        plate: str,
        *,
        event: str,
        image: bytes | None,
        arrival: int | None,
        direction: Direction | None,
    ) -> None:
        """Let a car in or refuse it by its plate; the device ignores an ``event`` that it knows."""
        way = None if direction is None else _WAYS[direction]
        await self._lpr.recognize(event, number_of(access_point), plate, image, arrival, way)

    async def image(self, plate: str) -> bytes:
        """Return the JPEG in which a plate was read last, of the last five."""
        return await self._lpr.image(plate)


class TwoNMobileAccess:
    """Bluetooth authentication."""

    def __init__(self, device: TwoNDevice) -> None:
        self._keys = device.mobilekey

    async def keys(self) -> MobileKeys:
        """Return location and ages of the keys; the keys stay where they are."""
        config = await self._keys.config()
        made = (instant(key.ctime) for key in config.keys)
        try:
            compatible = await self._keys.compatibility()
        except NotSupported:
            compatible = None  # before firmware 2.50
        return MobileKeys(config.location, tuple(made), compatible)

    async def set_keys(self, location: str | None, keys: Sequence[str] | None) -> None:
        """Set location or keys, up to four, newest first; missing ones are deleted."""
        now = int(time())
        slots = None if keys is None else tuple(MobileKey("rsa", key, now) for key in keys)
        await self._keys.set_config(location, slots)

    async def set_compatible(self, compatible: bool) -> None:
        """Set the compatibility mode (firmware 2.50)."""
        await self._keys.set_compatibility(compatible)


class TwoNDoorbell:
    """The doorbell of an answering unit."""

    def __init__(self, device: TwoNDevice) -> None:
        self._io = device.io

    async def ring(self) -> None:
        """Ring it."""
        await self._io.doorbell()
