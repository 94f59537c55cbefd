"""Momentary door opening, the only door function (field notes 5, ``address/openDoor``)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
import logging
import time
from typing import TYPE_CHECKING

from ...model.features import Doors, DoorTiming
from ...model.parts import Door, DoorCommand, DoorId
from ...talk.errors import TalkError
from ..common.errors import CommandFailed, ConnectionFailed, NoData, NotPaid, NotSupported, UnexpectedReply
from .client import SmartYard
from .topology import AccountTopology, Relay

if TYPE_CHECKING:
    from .visitor_calls import VisitorCalls

_LOGGER = logging.getLogger(__name__)

# Seconds for which a relay opens a door, the setting of most intercoms.
_OPEN_TIME = 5.0
# In the error of a server that rejects a command because a door or apartment is blocked, in both languages.
_BLOCKED_WORDS = ("blocked", "not paid", "заблокирован", "не оплачен")
# Seconds for which such an error marks a door as blocked; the block may end, but no list reports this.
_BLOCKED_TIME = 86400.0


class SmartYardDoors(Doors):
    """The doors, gates, and barriers of an account."""

    def __init__(
        self, yard: SmartYard, topology: Callable[[], AccountTopology], calls: VisitorCalls | None = None
    ) -> None:
        self._address = yard.address
        self._topology = topology
        self._calls = calls
        # Until when a door counts as blocked after a rejected command.
        self._refused: dict[DoorId, float] = {}

    async def read(self, door: DoorId) -> Door | None:
        """Return a door without its position, which no server reports."""
        return self.shown(self._topology().doors).get(door)

    def shown(self, doors: Mapping[DoorId, Door]) -> dict[DoorId, Door]:
        """Return doors of the list, marked as blocked if a command was rejected for that reason."""
        now = time.monotonic()
        for known in [known for known in self._refused if known in doors and doors[known].blocked]:
            del self._refused[known]  # the list reports this block and its end
        return {
            known: replace(door, blocked=True) if self._refused.get(known, 0.0) > now else door
            for known, door in doors.items()
        }

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Open a door."""
        if command is not DoorCommand.OPEN:
            raise NotSupported("doors of a SmartYard support only opening")
        if (relay := self._topology().relays.get(door.id)) is None:
            raise NoData("no such door")
        try:
            await self._address.open_door(relay.domophone, relay.door, house_id=relay.house)
        except CommandFailed as err:
            if _reports_block(err):
                self._refused[door.id] = time.monotonic() + _BLOCKED_TIME
                raise
            if not await self._open_in_call(relay):
                raise
        except ConnectionFailed, UnexpectedReply:
            if not await self._open_in_call(relay):
                raise
        self._refused.pop(door.id, None)

    async def _open_in_call(self, relay: Relay) -> bool:
        """Open the door of a call that was answered here, by its digits; they open the first door of the intercom."""
        others = [other.door for other in self._topology().relays.values() if other.domophone == relay.domophone]
        if self._calls is None or relay.door != min(others):
            return False
        try:
            is_sent = await self._calls.send_dtmf(relay.domophone)
        except TalkError as err:
            _LOGGER.debug("Door not opened in its call: %s", err)
            return False
        if is_sent:
            _LOGGER.debug("Door opened in its call: the server did not open it")
        return is_sent

    def extends(self, door: Door) -> bool:
        """Return True: the server also opens a door that is open."""
        return True

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return the duration of an opening, which has no visible effect."""
        return DoorTiming(0.0, _OPEN_TIME)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Do nothing: no door can be held."""

    def keeps_hold(self, door: DoorId) -> bool:
        """Return False: no door can be held."""
        return False


def _reports_block(err: CommandFailed) -> bool:
    return isinstance(err, NotPaid) or any(word in err.reason.casefold() for word in _BLOCKED_WORDS)
