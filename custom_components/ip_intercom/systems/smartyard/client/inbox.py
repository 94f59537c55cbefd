"""Messages to the person (field notes 5, ``inbox``)."""

from dataclasses import dataclass

from ...common.errors import NotSupported, UnexpectedReply
from ...common.parse import integer
from .client import SmartYardClient
from .endpoints import ALERT, CHAT_READ, DELIVERED, INBOX, READ, UNREAD
from .ext import Page, page


@dataclass(frozen=True, slots=True)
class Unread:
    """How much was not read yet: messages, and what was said in the chat."""

    messages: int
    chat: int


class Inbox:
    """``/inbox``."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def unread(self) -> Unread:
        """Return how much was not read yet.

        Raises:
            UnexpectedReply: The answer has no number.
        """
        found = await self._client.record(UNREAD)
        if (messages := integer(found.get("count"))) is None:
            raise UnexpectedReply(f"{UNREAD.path} answered without a number")
        return Unread(messages, integer(found.get("chat")) or 0)

    async def page(self) -> Page | None:
        """Return the messages as a page, whereby all of them count as read: it is never to be polled."""
        return page(await self._client.record(INBOX))

    async def read(self, message_id: str | None = None) -> None:
        """Mark a message as read, or all of them."""
        await self._client.call(READ, messageId=message_id)

    async def delivered(self, message_id: str) -> bool:
        """Tell that a message has arrived; False where the server does not want to know (field notes 5)."""
        try:
            await self._client.call(DELIVERED, messageId=message_id)
        except NotSupported:
            return False
        return True

    async def alert(self, message: str, action: str) -> None:
        """Send a message to ourselves, which comes as a push as well.

        Args:
            message: Its text.
            action: The action of the push, such as ``inbox``.

        Raises:
            InvalidRequest: One of them is empty.
        """
        await self._client.call(ALERT, msg=message, action=action)

    async def chat_read(self) -> None:
        """Mark the chat as read."""
        await self._client.call(CHAT_READ)
