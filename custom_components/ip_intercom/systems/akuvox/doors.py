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

from ...model.events import DoorMode, DoorReleased, Fact
from ...model.features import Doors, DoorTiming
from ...model.parts import OPENING, Door, DoorCommand, DoorId
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
    Throttled,
)
from .client import AkuvoxDevice
from .client.doors import Mode
from .wiring import Relay

_LOGGER = logging.getLogger(__name__)

# Maximum delay of relay/trig in seconds (Api relay trig).
_MAX_DELAY = 65535
# Minimum delay; 0 is the configured delay of the relay.
_MIN_DELAY = 1
# Seconds by which relay/status may lag behind a relay: 1 to 3 were observed. A relay that is reported open for longer
# than its configured delay plus this lag is held by another system.
_LAG = 5.0
# Seconds before the end of an opening in which a command may arrive too late to find the door open.
_MARGIN = 0.5

# Rejections after which another command may open the door, the most specific one first.
_REJECTIONS: tuple[type[IntercomError], ...] = (
    HighSecurity,
    OpeningDisabled,
    OpeningRefused,
    InvalidRequest,
    CommandFailed,
    NotSupported,
)
# Errors after which the relay certainly has not moved.
_NOT_EXECUTED: tuple[type[IntercomError], ...] = (*_REJECTIONS, NotReached, AuthenticationFailed)


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


class AkuvoxDoors(Doors):
    """Relays as doors.

    Args:
        login: Account for the legacy command, if configured.

    Attributes:
        relays: The available relays; updated with each description of the device.
    """

    longest_hold: int | None = _MAX_DELAY

    def __init__(self, device: AkuvoxDevice, login: OpeningLogin) -> None:
        self.relays: Mapping[DoorId, Relay] = {}
        self._device = device
        self._login = login
        # Commands in the order in which they are tried; the last successful one comes first.
        self._commands: list[Callable[[Relay], Awaitable[None]]] = [self._trigger, self._open, self._open_legacy]
        # Openings commanded here, and monotonic times since when doors are continuously reported open.
        self._openings: dict[DoorId, _Opening] = {}
        self._open_since: dict[DoorId, float] = {}
        # Time of the newest status request or command; an older status is ignored.
        self._newest: dict[DoorId, float] = {}

    async def read(self, door: DoorId) -> Door | None:
        """Return a relay as reported by ``relay/status``; in an unknown state if it is not reported."""
        relay = self._relay(door)
        if relay.is_security:
            return self._door(relay, None, 0.0)
        requested_at = time.monotonic()
        try:
            status = await self._device.relay.status()
        except InvalidRequest, NotSupported:
            status = {}
        return self._door(relay, status.get(door), requested_at)

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Send one command."""
        relay, opening = self._relay(door.id), self._openings.get(door.id)
        try:
            match command:
                case DoorCommand.OPEN if door.released is None and (remaining := self._remaining_hold(relay)):
                    # An ordinary opening would end the hold.
                    await self._hold(relay, remaining, None if opening is None else opening.until)
                case DoorCommand.OPEN:
                    self._record_opening(relay, relay.delay)
                    await self._release(relay)
                    self._record_response(relay, relay.delay)
                case DoorCommand.CLOSE | DoorCommand.END_HOLD:
                    await self._close(relay)
                case DoorCommand.HOLD if not relay.latching:
                    until = None
                    if seconds is not None and seconds < _MAX_DELAY:
                        until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
                    await self._hold(relay, seconds or _MAX_DELAY, until)
                case _:
                    raise NotSupported(f"a relay of an Akuvox cannot do this: {command}")
        except _NOT_EXECUTED:
            self._openings.pop(relay.door, None)
            if opening is not None:
                self._openings[relay.door] = opening
            raise

    async def _hold(self, relay: Relay, seconds: int, until: datetime | None) -> None:
        self._record_opening(relay, seconds, held=True, until=until)
        await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=seconds)
        self._record_response(relay, seconds)

    def _record_opening(
        self, relay: Relay, seconds: float, *, held: bool = False, until: datetime | None = None
    ) -> None:
        if not relay.latching:
            now = self._newest[relay.door] = time.monotonic()
            starts = now + relay.trigger_delay
            shows_by = now if relay.door in self._open_since else starts + 2 * _LAG
            self._openings[relay.door] = _Opening(starts + seconds, starts + seconds + _LAG, shows_by, held, until)

    def _record_response(self, relay: Relay, seconds: float) -> None:
        """Record that an opening may have begun as late as now."""
        if (opening := self._openings.get(relay.door)) is not None:
            now = self._newest[relay.door] = time.monotonic()
            starts = now + relay.trigger_delay
            shows_by = opening.shows_by if relay.door in self._open_since else starts + 2 * _LAG
            self._openings[relay.door] = replace(opening, over=starts + seconds + _LAG, shows_by=shows_by)

    def _remaining_hold(self, relay: Relay) -> int:
        """Return the remaining seconds of a hold; 0 if it ends before an ordinary opening would."""
        opening = self._openings.get(relay.door)
        remaining = 0.0 if opening is None or not opening.held else opening.ends - time.monotonic()
        return int(min(remaining, _MAX_DELAY)) if remaining > relay.delay else 0

    def is_safe(self, command: DoorCommand, door: Door) -> bool:
        """Return whether a command is correct under all interpretations.

        In an unknown state, only the opening of an auto-close relay is. An open relay that was not opened here may be
        held by another system with mode 1, so that any trigger could close it.
        """
        is_opening = command in OPENING
        if door.released is None:
            return is_opening and not self._relay(door.id).latching
        return not is_opening or not door.released or door.id in self._openings

    def certain_in(self, command: DoorCommand, door: Door, waited: float) -> float:
        """Return seconds until a relay reported open is certainly held or reported closed; 0 if certainly open."""
        relay, now = self._relay(door.id), time.monotonic()
        if relay.latching or not door.released:
            return 0.0
        if (opening := self._openings.get(relay.door)) is not None:
            # A second opening is correct even if it arrives too late.
            lasts = opening.ends - now > (0.0 if command is DoorCommand.OPEN else _MARGIN)
            return 0.0 if lasts else max(0.0, opening.over - now)
        held_in = max(0.0, self._held_at(relay, now) - now)
        # A door reported open that long after the request was still open then.
        return min(held_in, max(0.0, _LAG - waited)) if command is DoorCommand.OPEN else held_in

    def _held_at(self, relay: Relay, now: float) -> float:
        """Return when an open relay counts as held: later than any ordinary opening is reported."""
        return self._open_since.get(relay.door, now) + relay.delay + _LAG

    def extends(self, door: Door) -> bool:
        """Return whether a door was opened here and no hold would be shortened."""
        opening, relay = self._openings.get(door.id), self._relay(door.id)
        return opening is not None and time.monotonic() < opening.ends and not self._remaining_hold(relay)

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how fast a relay moves and is reported, and how long it stays released."""
        relay = self._relay(door)
        closing = 0 if command in OPENING else _MIN_DELAY
        return DoorTiming(relay.trigger_delay + closing + _LAG, None if relay.latching else relay.delay, _LAG)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Restore a hold of the previous run that lasts until ``until``."""
        now = time.monotonic()
        remaining = math.inf if until is None else (until - datetime.now(UTC)).total_seconds()
        self._openings[door] = _Opening(now + remaining, now + remaining + _LAG, now, held=True, until=until)

    def keeps_hold(self, door: DoorId) -> bool:
        """Return whether a hold commanded here may last."""
        opening = self._openings.get(door)
        return opening is not None and opening.held

    async def _release(self, relay: Relay) -> None:
        """Open with the first command that the device accepts: ``relay/trig``, ``/fcgi/OpenDoor``, ``/fcgi/do``."""
        rejections: list[IntercomError] = []
        for command in tuple(self._commands):
            try:
                await command(relay)
            except Throttled:
                raise  # no other command is accepted either
            except _REJECTIONS as err:
                _LOGGER.debug("Door %s: %s", relay.door, err)
                rejections.append(err)
                continue
            self._commands.remove(command)
            self._commands.insert(0, command)
            return
        raise min(
            rejections, key=lambda err: next(rank for rank, kind in enumerate(_REJECTIONS) if isinstance(err, kind))
        )

    async def _close(self, relay: Relay) -> None:
        """Close a released relay; one at rest would open under some interpretations."""
        if relay.latching:
            # A closes with the wrong contact, B toggles, C closes with mode 1.
            await self._device.relay.trig(relay.number, mode=Mode.MANUAL, level=1 - relay.level, delay=0)
        else:
            # The shortest opening replaces a longer one; a relay held by mode 1 toggles under B.
            await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=_MIN_DELAY)
        now = self._newest[relay.door] = time.monotonic()
        if (opening := self._openings.get(relay.door)) is not None:
            self._openings[relay.door] = replace(opening, shows_by=now)

    def _relay(self, door: DoorId) -> Relay:
        if (relay := self.relays.get(door)) is None:
            raise NotSupported(f"no door {door}")
        return relay

    async def _trigger(self, relay: Relay) -> None:
        # A bistable relay opens with mode 0 under B and C; under A it needs a long delay.
        delay = _MAX_DELAY if relay.latching else relay.delay
        await self._device.relay.trig(relay.number, mode=Mode.AUTO, level=relay.level, delay=delay)

    async def _open(self, relay: Relay) -> None:
        await self._device.opening.open_door(relay.fcgi_number)

    async def _open_legacy(self, relay: Relay) -> None:
        if not self._login.username:
            raise OpeningRefused("no login of Open Relay via HTTP is set")
        await self._device.opening.legacy(relay.fcgi_number, self._login.username, self._login.password)

    def doors(self, status: Mapping[str, int] | None, requested_at: float) -> Mapping[DoorId, Door]:
        """Return the doors.

        Args:
            status: Levels of ``relay/status`` by letter; None if the device does not have the function.
            requested_at: Monotonic time of the request.
        """
        return {door: self._door(relay, (status or {}).get(door), requested_at) for door, relay in self.relays.items()}

    def _door(self, relay: Relay, status: int | None, requested_at: float) -> Door:
        if status is None or relay.is_security:
            return Door(relay.door, released=None, latching=relay.latching, name=relay.name)
        # A relay that is wired normally closed and at rest releases the door (Api relay; Linux API 2025).
        released = bool(status) != bool(relay.level)
        if requested_at >= self._newest.get(relay.door, requested_at):
            self._newest[relay.door] = requested_at
            self._update(relay, released)
            if released and (opening := self._openings.get(relay.door)) is not None:
                # If it is reported closed from now on, it has closed.
                self._openings[relay.door] = replace(opening, shows_by=min(opening.shows_by, time.monotonic()))
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
        opening = self._openings.get(door)
        return None if opening is None else opening.until

    def _update(self, relay: Relay, released: bool) -> None:
        """Process the state of a relay; an opening commanded here may have ended."""
        now = time.monotonic()
        opening = self._openings.get(relay.door)
        if opening is not None and now >= (opening.over if released else opening.shows_by):
            del self._openings[relay.door]
        if released:
            self._open_since.setdefault(relay.door, now)
        else:
            self._open_since.pop(relay.door, None)

    def _is_held(self, relay: Relay) -> bool:
        """Return whether a released relay is held: by a command from here, or for longer than an opening lasts."""
        now = time.monotonic()
        opening = self._openings.get(relay.door)
        return now >= self._held_at(relay, now) if opening is None else opening.held

    def moved(self, door: DoorId, released: bool) -> tuple[Fact, ...]:
        """Return the facts for a pushed relay change."""
        relay = self.relays.get(door)
        if relay is None:
            return ()
        self._update(relay, released)
        held = released and self._is_held(relay)
        changed = DoorReleased(door, released)
        if relay.latching:
            return (changed,)
        return (changed, DoorMode(door, held_open=held, hold_until=self._hold_until(door) if held else None))
