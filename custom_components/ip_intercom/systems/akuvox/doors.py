"""Doors of an Akuvox: its relays, the ways to open them, and what is known of those held open.

The manual does not say what a second ``relay/trig`` does, and sources disagree (field notes 10). Each command here is
right under all readings: A, ``level`` decides and the wrong contact closes; B, any trigger of an auto-close relay opens
it, mode 1 until the next trigger, and a bistable relay toggles; C, mode 0 opens or toggles a bistable relay, and mode 1
closes it.
"""

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
from ...doors import DoorCommand
from ...events import DoorMode, DoorReleased, Fact
from ...facets import DoorTiming
from ...model import Door, DoorId
from .wiring import Relay

_LOGGER = logging.getLogger(__name__)

# The longest delay of relay/trig in seconds (Api relay trig).
_LONGEST = 65535
# The shortest one: 0 is the delay that the device is set to.
_SHORTEST = 1
# A relay that stays released so many seconds longer than it is set to is held by another system.
_HELD = 5.0
# Seconds within which a relay has moved, beside its own delays.
_SETTLES = 2.0

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


@dataclass(frozen=True, slots=True)
class _Hold:
    """A hold that was sent: when it ends, None for never, and until when the relay may not have moved yet."""

    until: datetime | None
    moves_by: float


class AkuvoxDoors:
    """Relays as doors.

    Args:
        device: The device.
        login: For the old way to open, where the user gave it.
        monotonic: A clock in seconds.

    Attributes:
        relays: What there is to command; set with each description of the device.
    """

    longest_hold: int | None = _LONGEST

    def __init__(
        self, device: AkuvoxDevice, login: OpeningLogin, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.relays: Mapping[DoorId, Relay] = {}
        self._device = device
        self._login = login
        self._monotonic = monotonic
        # Tried in this order; the one that worked last comes first.
        self._ways: list[Callable[[Relay], Awaitable[None]]] = [self._trigger, self._open, self._open_as_of_old]
        self._holds: dict[DoorId, _Hold] = {}
        self._released_at: dict[DoorId, float] = {}
        # Until when a door is open because of a command from here.
        self._opened_until: dict[DoorId, float] = {}

    # -- commands --------------------------------------------------------------------------------

    async def read(self, door: DoorId) -> Door | None:
        """Return a relay as ``relay/status`` reports it; of unknown state where that does not report it."""
        relay = self._relay(door)
        if relay.is_security:
            return self._door(relay, None)
        try:
            status = await self._device.relay.status()
        except InvalidRequest, NotSupported:
            status = {}
        return self._door(relay, status.get(door))

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Send one command.

        Raises:
            NotSupported: No relay of an Akuvox can be blocked; a bistable relay has no hold.
            IntercomError: As the client raises it; of several refusals to open, the one that tells most.
        """
        relay = self._relay(door.id)
        match command:
            case DoorCommand.OPEN:
                await self._release(relay)
                self._opened_until[relay.door] = self._monotonic() + relay.trigger_delay + relay.delay
            case DoorCommand.CLOSE | DoorCommand.END_HOLD:
                await self._close(relay)
            case DoorCommand.HOLD if not relay.latching:
                until = None
                if seconds is not None and seconds < _LONGEST:
                    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
                self._note_hold(relay, until)
                await self._device.relay.trig(
                    relay.number, mode=Mode.AUTO, level=relay.level, delay=seconds or _LONGEST
                )
            case _:
                raise NotSupported(f"a relay of an Akuvox cannot do this: {command}")

    def is_safe_unseen(self, command: DoorCommand, door: Door) -> bool:
        """Return whether a command opens a relay that closes by itself: all others may do the opposite."""
        return not self._relay(door.id).latching and command in {DoorCommand.OPEN, DoorCommand.HOLD}

    def extends(self, door: DoorId) -> bool:
        """Return whether a door is open because of a command from here: another system may hold it by mode 1."""
        return door not in self._holds and self._monotonic() < self._opened_until.get(door, 0.0)

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how fast a relay moves, and how long it stays released."""
        relay = self._relay(door)
        closing = _SHORTEST if command in {DoorCommand.CLOSE, DoorCommand.END_HOLD} else 0
        return DoorTiming(relay.trigger_delay + closing + _SETTLES, None if relay.latching else relay.delay)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Take a relay that is on for held, until then."""
        if (relay := self.relays.get(door)) is not None:
            self._note_hold(relay, until)

    def _note_hold(self, relay: Relay, until: datetime | None) -> None:
        self._holds[relay.door] = _Hold(until, self._monotonic() + relay.trigger_delay + _SETTLES)

    async def _release(self, relay: Relay) -> None:
        """Open by the first way that the device takes: ``relay/trig``, ``/fcgi/OpenDoor``, ``/fcgi/do``."""
        refusals: list[IntercomError] = []
        for way in tuple(self._ways):
            try:
                await way(relay)
            except _REFUSALS as err:
                _LOGGER.debug("Door %s: %s", relay.door, err)
                refusals.append(err)
                continue
            self._ways.remove(way)
            self._ways.insert(0, way)
            return
        raise min(refusals, key=lambda err: next(rank for rank, kind in enumerate(_REFUSALS) if isinstance(err, kind)))

    async def _close(self, relay: Relay) -> None:
        """Close a relay that is on; sent to one that is off, it would open it under some readings."""
        if relay.latching:
            # A closes by the wrong contact, B toggles, C closes by mode 1.
            await self._device.relay.trig(relay.number, mode=Mode.MANUAL, level=1 - relay.level, delay=0)
        else:
            # The shortest opening takes the place of a longer one; what mode 1 keeps open under B toggles.
            await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=_SHORTEST)
        self._opened_until.pop(relay.door, None)

    def _relay(self, door: DoorId) -> Relay:
        if (relay := self.relays.get(door)) is None:
            raise NotSupported(f"no door {door}")
        return relay

    async def _trigger(self, relay: Relay) -> None:
        # A bistable relay opens by mode 0 under B and C; under A it needs a delay that does not end soon.
        delay = _LONGEST if relay.latching else relay.delay
        await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=delay)

    async def _open(self, relay: Relay) -> None:
        await self._device.opening.open_door(relay.fcgi_number)

    async def _open_as_of_old(self, relay: Relay) -> None:
        if not self._login.username:
            raise OpeningRefused("no login of Open Relay via HTTP is set")
        await self._device.opening.legacy(relay.fcgi_number, self._login.username, self._login.password)

    # -- state -----------------------------------------------------------------------------------

    def doors(self, status: Mapping[str, int] | None) -> Mapping[DoorId, Door]:
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
            hold_until=self._hold_until(relay.door) if held else None,
            name=relay.name,
        )

    def _hold_until(self, door: DoorId) -> datetime | None:
        hold = self._holds.get(door)
        return None if hold is None else hold.until

    def _is_held(self, relay: Relay, released: bool) -> bool:
        now = self._monotonic()
        hold = self._holds.get(relay.door)
        if not released:
            self._released_at.pop(relay.door, None)
            self._opened_until.pop(relay.door, None)
            if hold is not None and now >= hold.moves_by:
                del self._holds[relay.door]
            return False
        since = self._released_at.setdefault(relay.door, now)
        return hold is not None or now - since > relay.delay + _HELD

    def moved(self, door: DoorId, released: bool) -> tuple[Fact, ...]:
        """Return what it means that the device says a relay went on or off."""
        relay = self.relays.get(door)
        if relay is None:
            return ()
        held = self._is_held(relay, released)
        changed = DoorReleased(door, released)
        if relay.latching:
            return (changed,)
        return (changed, DoorMode(door, held_open=held, hold_until=self._hold_until(door) if held else None))
