"""Opening doors: for a moment, and nothing else (field notes 5, ``address/openDoor``)."""

from collections.abc import Callable
from datetime import datetime

from ...api.errors import NoData, NotSupported
from ...api.smartyard import SmartYard
from ...doors import DoorCommand
from ...facets import DoorTiming
from ...model import Door, DoorId
from .places import Town


class SmartYardDoors:
    """The doors, gates and barriers of an account.

    Args:
        yard: Asked.
        town: Returns what there is.
    """

    longest_hold: int | None = None

    def __init__(self, yard: SmartYard, town: Callable[[], Town]) -> None:
        self._address = yard.address
        self._town = town

    async def read(self, door: DoorId) -> Door | None:
        """Return a door as it is known: no server reports whether one is open."""
        return self._town().doors.get(door)

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Open a door.

        Raises:
            NoData: There is no such door, or no more.
            CommandFailed: The server refuses, with its own sentence.
            NotSupported: Anything else than opening.
        """
        if command is not DoorCommand.OPEN:
            raise NotSupported("doors of a SmartYard can be opened only")
        if (relay := self._town().relays.get(door.id)) is None:
            raise NoData("no such door")
        await self._address.open_door(relay.domophone, relay.door, house_id=relay.house)

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
        """Return no time: there is no effect to be seen."""
        return DoorTiming(0.0)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Do nothing: no door can be held."""

    def keeps_hold(self, door: DoorId) -> bool:
        """Return False: no door can be held."""
        return False
