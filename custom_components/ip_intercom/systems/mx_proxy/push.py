"""What the proxy tells by itself: pushes that somebody forwards, and the telephones that it wakes up (manual, tokens)."""

from collections.abc import Callable, Mapping

from ...api.mx_proxy import MxProxy
from ...api.mx_proxy.events import CallEvent, MailEvent
from ...api.mx_proxy.push import parse
from ...facets import PushMessage
from ...model import Missing


class MxPush:
    """Pushes that come by way of a forwarder: the proxy itself sends to Apple and Google only.

    Args:
        hear: Takes what was pushed.
    """

    local = False

    def __init__(self, hear: Callable[[CallEvent | MailEvent], None]) -> None:
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
        if not message.body or (event := parse(message.body)) is None:
            return False
        self._hear(event)
        return True


class MxPushTokens:
    """Telephones that the proxy wakes up by Apple's or Google's service.

    Args:
        proxy: Keeps them.
    """

    def __init__(self, proxy: MxProxy) -> None:
        """See the class."""
        self._tokens = proxy.tokens

    async def add(self, kind: str, topic: str, token: str, sandbox: bool) -> None:
        """Register one; ``kind`` is ``apn`` or ``fcm``."""
        await self._tokens.add(kind, topic, token, sandbox)

    async def remove(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Forget one."""
        await self._tokens.remove(kind, topic, token, sandbox)
