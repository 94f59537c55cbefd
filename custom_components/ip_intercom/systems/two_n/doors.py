"""Doors and outputs of a 2N: its switches and ports."""

from ...api.two_n import TwoNDevice
from ...api.two_n.switch import SwitchAction
from ...model import DoorId, PortId


class TwoNDoors:
    """Switches as doors."""

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._switch = device.switch

    async def release(self, door: DoorId) -> None:
        """Turn the switch on: a monostable one falls back, a bistable one stays."""
        # Not "trigger": that toggles a bistable switch.
        await self._switch.ctrl(int(door), SwitchAction.ON)

    async def secure(self, door: DoorId) -> None:
        """Let a held switch go and turn it off."""
        await self._switch.ctrl(int(door), SwitchAction.OFF)

    async def hold_open(self, door: DoorId, seconds: int | None = None) -> None:
        """Hold the switch on, for good or for 1 to 86400 seconds."""
        await self._switch.ctrl(int(door), SwitchAction.HOLD, seconds)

    async def let_go(self, door: DoorId) -> None:
        """Release the hold."""
        await self._switch.ctrl(int(door), SwitchAction.RELEASE)

    async def block(self, door: DoorId, blocked: bool) -> None:
        """Lock the switch off, or unlock it."""
        await self._switch.ctrl(int(door), SwitchAction.LOCK if blocked else SwitchAction.UNLOCK)


class TwoNOutputs:
    """Output ports."""

    def __init__(self, device: TwoNDevice) -> None:
        """Command ``device``."""
        self._io = device.io

    async def set_output(self, port: PortId, on: bool) -> None:
        """Turn an output on or off."""
        await self._io.ctrl(port, on)
