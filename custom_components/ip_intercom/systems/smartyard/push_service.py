"""The token to which the server sends our pushes: by Google's service, or by one of the operator (field notes 5 and 8)."""

import hashlib

from ..common.parts import part
from .client import SmartYard

_PLATFORM, _SERVICE = "android", "fcm"


class SmartYardPushService:
    """The facet ``push_service``. Our device is one of its own: the phones of the account keep their tokens.

    Args:
        yard: Told.
    """

    def __init__(self, yard: SmartYard) -> None:
        self._user = yard.user
        self._told: str | None = None

    async def tell(self, token: str, bundle: str | None = None) -> None:
        """Have pushes sent to a token; nothing happens where the server knows it already.

        Args:
            token: To which.
            bundle: By which the operator knows a service of its own; None for Google's.
        """
        if await self._known() != token:
            await self._user.register_push(token, _PLATFORM, _SERVICE, bundle=bundle)
            self._told = token

    async def route(self, bundle: str, secret: str) -> None:
        """Have pushes sent to a service of the operator, with a token that is made up: it knows where to send them.

        Args:
            bundle: By which the operator knows it.
            secret: Ours alone; it cannot be read from the token.
        """
        await self.tell(hashlib.sha256(f"{bundle} {secret}".encode()).hexdigest(), bundle)

    async def _known(self) -> str | None:
        """Return what the server has, which is a word such as ``err`` where it was forgotten."""
        found = await part(self._user.push_tokens(), [])
        return self._told if found is None else found.push  # not every server tells
