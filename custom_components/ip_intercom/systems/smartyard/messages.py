"""Messages of the operator, and watched events (field notes 5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...model.parts import PlaceId
from ..common.errors import InvalidRequest, NotPushed
from ..common.privacy import Privacy
from .account_settings import flat_of
from .client import Action, LogEvent, SmartYard, Tracked, Unread
from .topology import AccountTopology, flat_place

_WATCHED: Mapping[str, LogEvent] = {
    "key": LogEvent.KEY,
    "app": LogEvent.APP,
    "face": LogEvent.FACE,
    "code": LogEvent.CODE,
    "vehicle": LogEvent.VEHICLE,
}
_WORDS: Mapping[int, str] = {int(event): word for word, event in _WATCHED.items()}


class SmartYardMessages:
    """The messages of the operator.

    Args:
        changed: Called when the number of unread messages may have changed.
        counted: Called with that number.
    """

    def __init__(self, yard: SmartYard, changed: Callable[[], None], counted: Callable[[Unread], None]) -> None:
        self._inbox = yard.inbox
        self._changed = changed
        self._counted = counted

    async def unread(self) -> int:
        """Return the number of unread messages."""
        found = await self._inbox.unread()
        self._counted(found)
        return found.messages

    async def mark_read(self, message: str | None) -> None:
        """Mark a message as read, or all for None."""
        try:
            await self._inbox.read(message)
        finally:  # an unconfirmed request may have been carried out
            self._changed()

    async def send_test(self, text: str) -> None:
        """Let the server send a message to this account."""
        await self._inbox.alert(text, Action.INBOX)


@dataclass(frozen=True, slots=True)
class Watch:
    """An event of a flat that a user wants to be notified of immediately."""

    id: str
    flat: PlaceId
    event: str
    detail: str | None = None
    comment: str | None = None


class SmartYardWatches:
    """Events that are reported immediately, by a ``paranoid`` message.

    Args:
        routed: Pushes arrive through a route of the operator, which lacks these messages (field notes 8).
    """

    def __init__(self, yard: SmartYard, topology: Callable[[], AccountTopology], *, routed: bool) -> None:
        self._address = yard.address
        self._topology = topology
        self._routed = routed

    async def query(self) -> tuple[Watch, ...]:
        """Return the watches of this device, without door codes and with only the last digits of keys."""
        return tuple(
            Watch(
                watch.id,
                flat_place(watch.flat_id or ""),
                _WORDS.get(watch.event, str(watch.event)),
                _detail(watch),
                watch.comments,
            )
            for watch in await self._address.tracked()
        )

    async def add(self, flat: PlaceId, event: str, detail: str | None, comment: str | None) -> None:
        """Watch an event: ``key``, ``app``, ``face``, ``code``, or ``vehicle``; ``detail`` selects which one."""
        if self._routed:
            raise NotPushed("the operator's push route lacks watched events")
        if (kind := _WATCHED.get(event)) is None:
            raise InvalidRequest("this event cannot be watched", "event")
        if not detail:
            raise InvalidRequest("a detail is required", "detail")
        await self._address.track(flat_of(self._topology(), flat), kind, detail, comment or "")


def _detail(watch: Tracked) -> str | None:
    """Return the watched detail, without credentials."""
    if watch.event == LogEvent.CODE or watch.detail is None:
        return None
    return Privacy(cards=True).card(watch.detail) if watch.event == LogEvent.KEY else watch.detail
