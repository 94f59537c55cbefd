"""Doors of an Akuvox: its relays, the ways to open them, and what is known of those held open."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import logging
import time

from ...api.akuvox import AkuvoxDevice
from ...api.akuvox.door import Mode
from ...api.errors import (
    CommandFailed,
    HighSecurity,
    IntercomError,
    InvalidRequest,
    NotSupported,
    OpeningDisabled,
    OpeningRefused,
)
from ...events import DoorMode, DoorReleased, Fact
from ...model import Door, DoorId
from .wiring import Relay

_LOGGER = logging.getLogger(__name__)

_LONGEST = 65535
# A relay that stays released so many seconds longer than it is set to is held by somebody.
_HELD = 5.0

# Refusals after which another way may open the door, the most telling one first.
_REFUSALS: tuple[type[IntercomError], ...] = (
    HighSecurity,
    OpeningDisabled,
    OpeningRefused,
    InvalidRequest,
    CommandFailed,
    NotSupported,
)


@dataclass(frozen=True, slots=True)
class OpeningLogin:
    """The login of *Open Relay via HTTP*, which is neither that of the API nor that of the web page."""

    username: str = ""
    password: str = ""


class AkuvoxDoors:
    """Relays as doors.

    Args:
        device: The device.
        login: For the old way to open, where the user gave it.
        monotonic: A clock in seconds.

    Attributes:
        relays: What there is to command; whoever looks at the device sets it.
    """

    def __init__(
        self, device: AkuvoxDevice, login: OpeningLogin, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """See the class."""
        self.relays: Mapping[DoorId, Relay] = {}
        self._device = device
        self._login = login
        self._monotonic = monotonic
        # Tried in this order; the one that worked last comes first.
        self._ways: list[Callable[[Relay], Awaitable[None]]] = [self._trigger, self._open, self._open_as_of_old]
        self._holds: dict[DoorId, datetime | None] = {}
        self._released_at: dict[DoorId, float] = {}

    # -- commands --------------------------------------------------------------------------------

    async def release(self, door: DoorId) -> None:
        """Open by the first way that the device takes: ``relay/trig``, ``/fcgi/OpenDoor``, ``/fcgi/do``.

        Raises:
            HighSecurity: Of all refusals, the one that tells most of what to change.
            OpeningDisabled: As well.
            OpeningRefused: As well.
            CommandFailed: As well.
            NotSupported: The device has none of the ways.
        """
        relay = self._relay(door)
        refusals: list[IntercomError] = []
        for way in tuple(self._ways):
            try:
                await way(relay)
            except _REFUSALS as err:
                _LOGGER.debug("Door %s: %s", door, err)
                refusals.append(err)
                continue
            self._ways.remove(way)
            self._ways.insert(0, way)
            return
        raise min(refusals, key=lambda err: next(rank for rank, kind in enumerate(_REFUSALS) if isinstance(err, kind)))

    async def secure(self, door: DoorId) -> None:
        """Put the relay back, whatever released it."""
        relay = self._relay(door)
        # In the other mode it would go on again by itself.
        await self._device.relay.trig(relay.number, mode=Mode.MANUAL, level=1 - relay.level, delay=0)
        self._holds.pop(door, None)

    async def hold_open(self, door: DoorId, seconds: int | None = None) -> None:
        """Keep the relay on, for good or for up to 65535 seconds."""
        relay = self._relay(door)
        if seconds is None:
            await self._device.relay.trig(relay.number, mode=Mode.MANUAL, level=relay.level, delay=0)
            self._holds[door] = None
        else:
            seconds = min(seconds, _LONGEST)
            await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=seconds)
            self._holds[door] = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)

    async def let_go(self, door: DoorId) -> None:
        """End a hold."""
        await self.secure(door)

    async def block(self, door: DoorId, blocked: bool) -> None:
        """Refuse: no relay of an Akuvox can be blocked.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported("doors cannot be blocked")

    def _relay(self, door: DoorId) -> Relay:
        if (relay := self.relays.get(door)) is None:
            raise NotSupported(f"no door {door}")
        return relay

    async def _trigger(self, relay: Relay) -> None:
        mode = Mode.MANUAL if relay.latching else Mode.AUTO
        await self._device.relay.trig(relay.number, mode=mode, level=relay.level, delay=relay.delay)

    async def _open(self, relay: Relay) -> None:
        await self._device.opening.open_door(relay.fcgi_number)

    async def _open_as_of_old(self, relay: Relay) -> None:
        if not self._login.username:
            raise OpeningRefused("no login of Open Relay via HTTP is set")
        await self._device.opening.legacy(relay.fcgi_number, self._login.username, self._login.password)

    # -- state -----------------------------------------------------------------------------------

    def read(self, status: Mapping[str, int] | None) -> Mapping[DoorId, Door]:
        """Return the doors.

        Args:
            status: What ``relay/status`` tells by letter; None where the device does not have it.
        """
        return {door: self._door(relay, (status or {}).get(door)) for door, relay in self.relays.items()}

    def _door(self, relay: Relay, status: int | None) -> Door:
        if status is None or relay.is_security:
            return Door(relay.door, released=None, latching=relay.latching, name=relay.name)
        # Wired normally closed, a relay at rest is a released door (Api relay; Linux API 2025).
        released = bool(status) != bool(relay.level)
        held = self._is_held(relay, released)
        return Door(
            relay.door,
            released=released,
            latching=relay.latching,
            held_open=None if relay.latching else held,
            hold_until=self._holds.get(relay.door) if held else None,
            name=relay.name,
        )

    def _is_held(self, relay: Relay, released: bool) -> bool:
        now = self._monotonic()
        if not released:
            self._released_at.pop(relay.door, None)
            self._holds.pop(relay.door, None)
            return False
        since = self._released_at.setdefault(relay.door, now)
        return relay.door in self._holds or now - since > relay.delay + _HELD

    def moved(self, door: DoorId, released: bool) -> tuple[Fact, ...]:
        """Return what it means that the device says a relay went on or off."""
        relay = self.relays.get(door)
        if relay is None:
            return ()
        held = self._is_held(relay, released)
        changed = DoorReleased(door, released)
        if relay.latching:
            return (changed,)
        return (changed, DoorMode(door, held_open=held, hold_until=self._holds.get(door)))
