"""The token to which the server sends its pushes by Google's service (field notes 5 and 8)."""

from ...api.errors import CommandFailed, NotSupported, UnexpectedReply
from ...api.smartyard import SmartYard

_PLATFORM, _SERVICE = "android", "fcm"


class SmartYardPushService:
    """The facet ``push_service``. Our device is one of its own: the telephones of the account keep their tokens.

    Args:
        yard: Told.
    """

    def __init__(self, yard: SmartYard) -> None:
        """See the class."""
        self._user = yard.user
        self._told: str | None = None

    async def tell(self, token: str) -> None:
        """Have pushes sent to a token; nothing happens where the server knows it already."""
        if await self._known() != token:
            await self._user.register_push(token, _PLATFORM, _SERVICE)
            self._told = token

    async def _known(self) -> str | None:
        """Return what the server has, which is a word such as ``err`` where it was forgotten."""
        try:
            return (await self._user.push_tokens()).push
        except CommandFailed, NotSupported, UnexpectedReply:
            return self._told  # not every server tells
