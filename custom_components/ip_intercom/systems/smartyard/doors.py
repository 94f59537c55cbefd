"""Opening doors: for a moment, and nothing else (field notes 5, ``address/openDoor``)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
import time

from ...model.doors import DoorCommand
from ...model.features import DoorTiming
from ...model.parts import Door, DoorId
from ..common.errors import CommandFailed, NoData, NotPaid, NotSupported
from .client import SmartYard
from .topology import AccountTopology

# Seconds for which a relay opens a door, as most intercoms are set.
_OPEN_TIME = 5.0
# In a sentence of a server that refuses because a door or flat is blocked, in both of its languages.
_BLOCKED_WORDS = ("blocked", "not paid", "заблокирован", "не оплачен")
# Seconds for which such a sentence counts, unless the door opens: the block may have ended, and no list tells.
_BLOCKED_TIME = 86400.0


class SmartYardDoors:
    """The doors, gates and barriers of an account.

    Args:
        yard: Asked.
        town: Returns what there is.
        monotonic: A clock in seconds.
    """

    longest_hold: int | None = None

    def __init__(
        self, yard: SmartYard, topology: Callable[[], AccountTopology], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = yard.address
        self._topology = topology
        self._monotonic = monotonic
        # Until when a door counts as blocked because the server refused to open it.
        self._refused: dict[DoorId, float] = {}

    async def read(self, door: DoorId) -> Door | None:
        """Return a door as it is known: no server reports whether one is open."""
        return self.shown(self._topology().doors).get(door)

    def shown(self, doors: Mapping[DoorId, Door]) -> dict[DoorId, Door]:
        """Return doors of the list with the blocks that it does not tell, but only an attempt to open."""
        now = self._monotonic()
        for known in [known for known in self._refused if known in doors and doors[known].blocked]:
            del self._refused[known]  # the list tells of this one, and of its end
        return {
            known: replace(door, blocked=True) if self._refused.get(known, 0.0) > now else door
            for known, door in doors.items()
        }

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Open a door."""
        if command is not DoorCommand.OPEN:
            raise NotSupported("doors of a SmartYard can be opened only")
        if (relay := self._topology().relays.get(door.id)) is None:
            raise NoData("no such door")
        try:
            await self._address.open_door(relay.domophone, relay.door, house_id=relay.house)
        except CommandFailed as err:
            if _tells_block(err):
                self._refused[door.id] = self._monotonic() + _BLOCKED_TIME
            raise
        self._refused.pop(door.id, None)

    def is_safe(self, command: DoorCommand, door: Door) -> bool:
        """Return True: opening is all there is."""
        return True

    def certain_in(self, command: DoorCommand, door: Door, waited: float) -> float:
        """Return no time: waiting would tell no more."""
        return 0.0

    def extends(self, door: Door) -> bool:
        """Return True: the server opens a door that is open as well."""
        return True

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how long an opening lasts; there is no effect to be seen."""
        return DoorTiming(0.0, _OPEN_TIME)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Do nothing: no door can be held."""

    def keeps_hold(self, door: DoorId) -> bool:
        """Return False: no door can be held."""
        return False


def _tells_block(err: CommandFailed) -> bool:
    return isinstance(err, NotPaid) or any(word in err.reason.casefold() for word in _BLOCKED_WORDS)
