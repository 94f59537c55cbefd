"""What a SmartYard tells by itself, in whatever form somebody forwards it (field notes 7, 8)."""

from collections.abc import Callable, Mapping

from ...api.smartyard import CallPush, TextPush
from ...api.smartyard.push import parse
from ...facets import PushMessage
from ...model import Missing


class SmartYardPush:
    """Pushes that come by way of a forwarder: the server itself sends to push services only.

    Args:
        hear: Takes what was pushed.
    """

    local = False

    def __init__(self, hear: Callable[[CallPush | TextPush], None]) -> None:
        """See the class."""
        self._hear = hear

    async def originals(self) -> Mapping[str, str]:
        """Return nothing: there is nothing that subscribing would change."""
        return {}

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Tell nobody: the address is for a person to enter at the forwarder."""
        return frozenset()

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """Leave everything as it is: the forwarder is not ours."""

    def receive(self, message: PushMessage) -> bool:
        """Take what was sent; return whether it made sense. Its events come by the log."""
        push = parse(message.query, message.body)
        if push is None:
            return False
        self._hear(push)
        return True
