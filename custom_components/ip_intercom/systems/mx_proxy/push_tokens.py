"""Phones that the proxy wakes up by Apple's or Google's service (manual, tokens)."""

from .client import MxProxy


class MxPushTokens:
    """Phones that the proxy wakes up by Apple's or Google's service.

    Args:
        proxy: Keeps them.
    """

    def __init__(self, proxy: MxProxy) -> None:
        self._tokens = proxy.tokens

    async def add(self, kind: str, topic: str, token: str, sandbox: bool) -> None:
        """Register one; ``kind`` is ``apn`` or ``fcm``."""
        await self._tokens.add(kind, topic, token, sandbox)

    async def remove(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Forget one."""
        await self._tokens.remove(kind, topic, token, sandbox)
