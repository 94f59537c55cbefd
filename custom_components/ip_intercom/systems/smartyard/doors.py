"""Opening doors: for a moment, and nothing else (field notes 5, ``address/openDoor``)."""

from collections.abc import Callable

from ...api.errors import NoData, NotSupported
from ...api.smartyard import SmartYard
from ...model import DoorId
from .places import Town


class SmartYardDoors:
    """The doors, gates and barriers of an account.

    Args:
        yard: Asked.
        town: Returns what there is.
    """

    def __init__(self, yard: SmartYard, town: Callable[[], Town]) -> None:
        """See the class."""
        self._address = yard.address
        self._town = town

    async def release(self, door: DoorId) -> None:
        """Open a door.

        Raises:
            NoData: There is no such door, or no more.
            CommandFailed: The server refuses, with its own sentence.
        """
        relay = self._town().relays.get(door)
        if relay is None:
            raise NoData("no such door")
        await self._address.open_door(relay.domophone, relay.door, house_id=relay.house)

    async def secure(self, door: DoorId) -> None:
        """Refuse: a door falls shut by itself.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported("doors of a SmartYard can be opened only")

    async def hold_open(self, door: DoorId, seconds: int | None = None) -> None:
        """Refuse, as ``secure`` does.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported("doors of a SmartYard can be opened only")

    async def let_go(self, door: DoorId) -> None:
        """Refuse, as ``secure`` does.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported("doors of a SmartYard can be opened only")

    async def block(self, door: DoorId, blocked: bool) -> None:
        """Refuse: that is for the operator.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported("doors of a SmartYard can be opened only")
