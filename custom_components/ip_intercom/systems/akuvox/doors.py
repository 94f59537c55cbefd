"""Doors of an Akuvox: relays, the commands that open them, and the tracking of held ones.

The manual does not define a second ``relay/trig``, and sources contradict each other (field notes 10). Each command
here is correct under all interpretations: A, ``level`` decides, and the wrong contact closes; B, any trigger opens an
auto-close relay, with mode 1 until the next trigger, and toggles a bistable relay; C, mode 0 opens or toggles a
bistable relay, and mode 1 closes it.

``relay/status`` lags behind the relays. A door is therefore certainly open only while an opening commanded here lasts,
or after it was reported open for longer than any ordinary opening; in between it may already be closed.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
import logging
import math
import time

from ...model.doors import DoorCommand
from ...model.events import DoorMode, DoorReleased, Fact
from ...model.features import DoorTiming
from ...model.parts import Door, DoorId
from ..common.errors import (
    AuthenticationFailed,
    CommandFailed,
    HighSecurity,
    IntercomError,
    InvalidRequest,
    NotReached,
    NotSupported,
    OpeningDisabled,
    OpeningRefused,
)
from .client import AkuvoxDevice
from .client.doors import Mode
from .wiring import Relay

_LOGGER = logging.getLogger(__name__)

# Maximum delay of relay/trig in seconds (Api relay trig).
_LONGEST = 65535
# Minimum delay; 0 is the configured delay of the relay.
_SHORTEST = 1
# Seconds by which relay/status may lag behind a relay: 1 to 3 were observed. A relay that is reported open for longer
# than its configured delay plus this lag is held by another system.
_LAG = 5.0
# Seconds before the end of an opening in which a command may arrive too late to find the door open.
_MARGIN = 0.5
_OPENING = frozenset({DoorCommand.OPEN, DoorCommand.HOLD})

# Rejections after which another command may open the door, the most specific one first.
_REFUSALS: tuple[type[IntercomError], ...] = (
    HighSecurity,
    OpeningDisabled,
    OpeningRefused,
    InvalidRequest,
    CommandFailed,
    NotSupported,
)
# Errors after which the relay certainly has not moved.
_NOT_CARRIED_OUT: tuple[type[IntercomError], ...] = (*_REFUSALS, NotReached, AuthenticationFailed)


@dataclass(frozen=True, slots=True)
class OpeningLogin:
    """The account of *Open Relay via HTTP*, which is neither the API's nor the web page's."""

    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class _Opening:
    """An opening or a hold that was sent.

    ``until`` is the end of a hold, None for a permanent one. ``ends`` is its earliest monotonic end, which is reported
    by ``over``. A status before ``shows_by`` may be older than the command.
    """

    ends: float
    over: float
    shows_by: float
    held: bool = False
    until: datetime | None = None


class AkuvoxDoors:
    """Relays as doors.

    Args:
        device: The device.
        login: Account for the legacy command, if configured.
        monotonic: Monotonic clock in seconds.

    Attributes:
        relays: The available relays; updated with each description of the device.
    """

    longest_hold: int | None = _LONGEST

    def __init__(
        self, device: AkuvoxDevice, login: OpeningLogin, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.relays: Mapping[DoorId, Relay] = {}
        self._device = device
        self._login = login
        self._monotonic = monotonic
        # Commands in the order in which they are tried; the last successful one comes first.
        self._ways: list[Callable[[Relay], Awaitable[None]]] = [self._trigger, self._open, self._open_as_of_old]
        # Openings commanded here, and monotonic times since when doors are continuously reported open.
        self._ours: dict[DoorId, _Opening] = {}
        self._open_since: dict[DoorId, float] = {}
        # Time of the newest status request or command; an older status is ignored.
        self._newest: dict[DoorId, float] = {}

    # -- commands --------------------------------------------------------------------------------

    async def read(self, door: DoorId) -> Door | None:
        """Return a relay as reported by ``relay/status``; in an unknown state if it is not reported."""
        relay = self._relay(door)
        if relay.is_security:
            return self._door(relay, None, 0.0)
        asked = self.now()
        try:
            status = await self._device.relay.status()
        except InvalidRequest, NotSupported:
            status = {}
        return self._door(relay, status.get(door), asked)

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Send one command."""
        relay, ours = self._relay(door.id), self._ours.get(door.id)
        try:
            match command:
                case DoorCommand.OPEN if door.released is None and (left := self._hold_left(relay)):
                    # An ordinary opening would end the hold.
                    await self._hold(relay, left, None if ours is None else ours.until)
                case DoorCommand.OPEN:
                    self._note(relay, relay.delay)
                    await self._release(relay)
                    self._note_answer(relay, relay.delay)
                case DoorCommand.CLOSE | DoorCommand.END_HOLD:
                    await self._close(relay)
                case DoorCommand.HOLD if not relay.latching:
                    until = None
                    if seconds is not None and seconds < _LONGEST:
                        until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
                    await self._hold(relay, seconds or _LONGEST, until)
                case _:
                    raise NotSupported(f"a relay of an Akuvox cannot do this: {command}")
        except _NOT_CARRIED_OUT:
            self._ours.pop(relay.door, None)
            if ours is not None:
                self._ours[relay.door] = ours
            raise

    async def _hold(self, relay: Relay, seconds: int, until: datetime | None) -> None:
        self._note(relay, seconds, held=True, until=until)
        await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=seconds)
        self._note_answer(relay, seconds)

    def _note(self, relay: Relay, seconds: float, *, held: bool = False, until: datetime | None = None) -> None:
        if not relay.latching:
            now = self._newest[relay.door] = self._monotonic()
            starts = now + relay.trigger_delay
            shows_by = now if relay.door in self._open_since else starts + 2 * _LAG
            self._ours[relay.door] = _Opening(starts + seconds, starts + seconds + _LAG, shows_by, held, until)

    def _note_answer(self, relay: Relay, seconds: float) -> None:
        """Record that an opening may have begun as late as now."""
        if (ours := self._ours.get(relay.door)) is not None:
            now = self._newest[relay.door] = self._monotonic()
            starts = now + relay.trigger_delay
            shows_by = ours.shows_by if relay.door in self._open_since else starts + 2 * _LAG
            self._ours[relay.door] = replace(ours, over=starts + seconds + _LAG, shows_by=shows_by)

    def _hold_left(self, relay: Relay) -> int:
        """Return the remaining seconds of a hold; 0 if it ends before an ordinary opening would."""
        ours = self._ours.get(relay.door)
        left = 0.0 if ours is None or not ours.held else ours.ends - self._monotonic()
        return int(min(left, _LONGEST)) if left > relay.delay else 0

    def is_safe(self, command: DoorCommand, door: Door) -> bool:
        """Return whether a command is correct under all interpretations.

        In an unknown state, only the opening of an auto-close relay is. An open relay that was not opened here may be
        held by another system with mode 1, so that any trigger could close it.
        """
        opens = command in _OPENING
        if door.released is None:
            return opens and not self._relay(door.id).latching
        return not opens or not door.released or door.id in self._ours

    def certain_in(self, command: DoorCommand, door: Door, waited: float) -> float:
        """Return seconds until a relay reported open is certainly held or reported closed; 0 if certainly open."""
        relay, now = self._relay(door.id), self._monotonic()
        if relay.latching or not door.released:
            return 0.0
        if (ours := self._ours.get(relay.door)) is not None:
            # A second opening is correct even if it arrives too late.
            lasts = ours.ends - now > (0.0 if command is DoorCommand.OPEN else _MARGIN)
            return 0.0 if lasts else max(0.0, ours.over - now)
        held_in = max(0.0, self._held_at(relay, now) - now)
        # A door reported open that long after the request was still open then.
        return min(held_in, max(0.0, _LAG - waited)) if command is DoorCommand.OPEN else held_in

    def _held_at(self, relay: Relay, now: float) -> float:
        """Return when an open relay counts as held: later than any ordinary opening is reported."""
        return self._open_since.get(relay.door, now) + relay.delay + _LAG

    def extends(self, door: Door) -> bool:
        """Return whether a door was opened here and no hold would be shortened."""
        ours, relay = self._ours.get(door.id), self._relay(door.id)
        return ours is not None and self._monotonic() < ours.ends and not self._hold_left(relay)

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how fast a relay moves and is reported, and how long it stays released."""
        relay = self._relay(door)
        closing = 0 if command in _OPENING else _SHORTEST
        return DoorTiming(relay.trigger_delay + closing + _LAG, None if relay.latching else relay.delay, _LAG)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Restore a hold of the previous run that lasts until ``until``."""
        now = self._monotonic()
        left = math.inf if until is None else (until - datetime.now(UTC)).total_seconds()
        self._ours[door] = _Opening(now + left, now + left + _LAG, now, held=True, until=until)

    def keeps_hold(self, door: DoorId) -> bool:
        """Return whether a hold commanded here may last."""
        ours = self._ours.get(door)
        return ours is not None and ours.held

    async def _release(self, relay: Relay) -> None:
        """Open with the first command that the device accepts: ``relay/trig``, ``/fcgi/OpenDoor``, ``/fcgi/do``."""
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
        """Close a released relay; one at rest would open under some interpretations."""
        if relay.latching:
            # A closes with the wrong contact, B toggles, C closes with mode 1.
            await self._device.relay.trig(relay.number, mode=Mode.MANUAL, level=1 - relay.level, delay=0)
        else:
            # The shortest opening replaces a longer one; a relay held by mode 1 toggles under B.
            await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=_SHORTEST)
        now = self._newest[relay.door] = self._monotonic()
        if (ours := self._ours.get(relay.door)) is not None:
            self._ours[relay.door] = replace(ours, shows_by=now)

    def _relay(self, door: DoorId) -> Relay:
        if (relay := self.relays.get(door)) is None:
            raise NotSupported(f"no door {door}")
        return relay

    async def _trigger(self, relay: Relay) -> None:
        # A bistable relay opens with mode 0 under B and C; under A it needs a long delay.
        delay = _LONGEST if relay.latching else relay.delay
        await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=delay)

    async def _open(self, relay: Relay) -> None:
        await self._device.opening.open_door(relay.fcgi_number)

    async def _open_as_of_old(self, relay: Relay) -> None:
        if not self._login.username:
            raise OpeningRefused("no login of Open Relay via HTTP is set")
        await self._device.opening.legacy(relay.fcgi_number, self._login.username, self._login.password)

    # -- state -----------------------------------------------------------------------------------

    def now(self) -> float:
        """Return the time of the monotonic clock."""
        return self._monotonic()

    def doors(self, status: Mapping[str, int] | None, asked: float) -> Mapping[DoorId, Door]:
        """Return the doors.

        Args:
            status: Levels of ``relay/status`` by letter; None if the device does not have the function.
            asked: Time of the request, from ``now``.
        """
        return {door: self._door(relay, (status or {}).get(door), asked) for door, relay in self.relays.items()}

    def _door(self, relay: Relay, status: int | None, asked: float) -> Door:
        if status is None or relay.is_security:
            return Door(relay.door, released=None, latching=relay.latching, name=relay.name)
        # A relay that is wired normally closed and at rest releases the door (Api relay; Linux API 2025).
        released = bool(status) != bool(relay.level)
        if asked >= self._newest.get(relay.door, asked):
            self._newest[relay.door] = asked
            self._take(relay, released)
            if released and (ours := self._ours.get(relay.door)) is not None:
                # If it is reported closed from now on, it has closed.
                self._ours[relay.door] = replace(ours, shows_by=min(ours.shows_by, self._monotonic()))
        held = released and self._is_held(relay)
        return Door(
            relay.door,
            released=released,
            latching=relay.latching,
            held_open=None if relay.latching else held,
            hold_until=self._hold_until(relay.door) if held else None,
            name=relay.name,
        )

    def _hold_until(self, door: DoorId) -> datetime | None:
        ours = self._ours.get(door)
        return None if ours is None else ours.until

    def _take(self, relay: Relay, released: bool) -> None:
        """Process the state of a relay; an opening commanded here may have ended."""
        now = self._monotonic()
        ours = self._ours.get(relay.door)
        if ours is not None and now >= (ours.over if released else ours.shows_by):
            del self._ours[relay.door]
        if released:
            self._open_since.setdefault(relay.door, now)
        else:
            self._open_since.pop(relay.door, None)

    def _is_held(self, relay: Relay) -> bool:
        """Return whether a released relay is held: by a command from here, or for longer than an opening lasts."""
        now = self._monotonic()
        ours = self._ours.get(relay.door)
        return now >= self._held_at(relay, now) if ours is None else ours.held

    def moved(self, door: DoorId, released: bool) -> tuple[Fact, ...]:
        """Return the facts for a pushed relay change."""
        relay = self.relays.get(door)
        if relay is None:
            return ()
        self._take(relay, released)
        held = released and self._is_held(relay)
        changed = DoorReleased(door, released)
        if relay.latching:
            return (changed,)
        return (changed, DoorMode(door, held_open=held, hold_until=self._hold_until(door) if held else None))
