"""Pushes that come by way of somebody who forwards them: the server itself sends to push services only."""

from collections.abc import Callable, Mapping

from ..facets import PushMessage
from ..model import Missing


class ForwardedPush[E]:
    """The facet ``push`` of a server that cannot be told any address.

    Args:
        parse: Returns what was pushed, None where it makes no sense.
        hear: Takes what was pushed.
    """

    local = False

    def __init__(self, parse: Callable[[PushMessage], E | None], hear: Callable[[E], None]) -> None:
        """See the class."""
        self._parse = parse
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
        pushed = self._parse(message)
        if pushed is None:
            return False
        self._hear(pushed)
        return True
