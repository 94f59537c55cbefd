"""A clock of door commands that runs as fast as that of a simulated device."""

import time

import pytest

from custom_components.ip_intercom.runtime import door_commands
from custom_components.ip_intercom.runtime.door_commands import DoorCommands
from custom_components.ip_intercom.systems.akuvox.doors import AkuvoxDoors


class DoorClock:
    """Seconds of a device with this ``speed``."""

    def __init__(self, speed: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have all doors go by this clock."""
        self.speed = speed
        self._skipped = 0.0
        for timed in (DoorCommands, AkuvoxDoors):
            monkeypatch.setattr(timed.__init__, "__defaults__", (self,))
        monkeypatch.setattr(door_commands, "_READ_INTERVAL", 0.25 / speed)

    def __call__(self) -> float:
        """Return the time."""
        return time.monotonic() * self.speed + self._skipped

    def skip(self, seconds: float) -> None:
        """Let time pass at once."""
        self._skipped += seconds
