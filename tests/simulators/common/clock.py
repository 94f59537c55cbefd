"""The device's two clocks (utcTime, upTime) and its timers."""

import asyncio
from collections.abc import Callable, Mapping
import time
from typing import NamedTuple

# A device needs about this long before its first log entry (the manual's DeviceState has upTime 8).
BOOT_UPTIME = 8


class Stamp(NamedTuple):
    """The time of an event on both clocks."""

    utc: int
    uptime: int


class Timer:
    """A running timer, in device seconds."""

    def __init__(self, clock: Clock, seconds: float, callback: Callable[[], object]) -> None:
        """Start the timer on the running loop."""
        self._clock = clock
        self._callback = callback
        self._due = clock.now() + seconds
        self._handle = asyncio.get_running_loop().call_later(max(0.0, seconds) / clock.speed, self._fire)

    def _fire(self) -> None:
        self._clock.forget(self)
        self._callback()

    @property
    def remaining(self) -> float:
        """Return the device seconds left."""
        return max(0.0, self._due - self._clock.now())

    def cancel(self) -> None:
        """Stop the timer; no effect if it has fired."""
        self._clock.forget(self)
        self._handle.cancel()


class Clock:
    """Clock of a device: `utcTime` can be set, `upTime` only grows until the next boot."""

    def __init__(self, speed: float = 1.0, uptime: float = 0.0) -> None:
        """Start at boot; `speed` is the number of device seconds per second."""
        self.speed = speed
        self._origin = time.monotonic()
        self._epoch = time.time()
        self._booted = -uptime
        self._step = 0.0
        self._timers: set[Timer] = set()
        self._keeps_time = True
        # Seconds after which upTime starts over without a restart; 4294967 where milliseconds are counted in 32 bits.
        self.wraps: int | None = None

    def now(self) -> float:
        """Device seconds since the simulator was made; steps and boots do not touch it."""
        return (time.monotonic() - self._origin) * self.speed

    def uptime(self) -> int:
        """Seconds since the boot."""
        seconds = int(self.now() - self._booted)
        return seconds if self.wraps is None else seconds % self.wraps

    def since_boot(self, moment: float) -> float:
        """Return the exact upTime of a moment of `now()`."""
        return moment - self._booted

    def utc(self, moment: float | None = None) -> int:
        """Unix time of a moment of `now()`."""
        return int(self._epoch + self._step + (self.now() if moment is None else moment))

    def stamp(self, uptime: int | None = None) -> Stamp:
        """Return both clocks, now or when `upTime` had that value."""
        if uptime is None:
            return Stamp(self.utc(), self.uptime())
        return Stamp(self.utc(self._booted + uptime), uptime)

    def skip(self, seconds: float) -> None:
        """Advance both clocks at once; timers still take as long."""
        self._origin -= seconds / self.speed

    def step(self, seconds: float) -> None:
        """Set the clock forward or back: utcTime moves, upTime does not."""
        self._step += seconds

    def lose_time(self) -> None:
        """Lose battery and time server: after each boot, utcTime starts at 1970."""
        self._keeps_time = False
        self._begin_in_1970()

    def _begin_in_1970(self) -> None:
        self._step = -self._epoch - self._booted

    def synchronise(self) -> None:
        """Take the right time from the time server, if there is one."""
        if self._keeps_time:
            self._step = 0.0

    def moment(self) -> dict[str, float]:
        """Return both clocks, for `resume` in another process."""
        return {"at": time.time(), "utc": self._epoch + self._step + self.now(), "uptime": self.now() - self._booted}

    def resume(self, moment: Mapping[str, float]) -> None:
        """Continue as if the clocks had not stopped since then."""
        passed = max(0.0, time.time() - moment["at"]) * self.speed
        self._booted = self.now() - moment["uptime"] - passed
        self._step += moment["utc"] + passed - (self._epoch + self._step + self.now())

    def boot(self) -> None:
        """Begin a new upTime; pending items are gone."""
        self.cancel_timers()
        self._booted = self.now() - BOOT_UPTIME
        if not self._keeps_time:
            self._begin_in_1970()

    def later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back after device seconds, unless the device boots or stops first."""
        timer = Timer(self, seconds, callback)
        self._timers.add(timer)
        return timer

    def forget(self, timer: Timer) -> None:
        """Drop a timer that has fired or was cancelled."""
        self._timers.discard(timer)

    def cancel_timers(self) -> None:
        """Stop everything pending."""
        for timer in tuple(self._timers):
            timer.cancel()
