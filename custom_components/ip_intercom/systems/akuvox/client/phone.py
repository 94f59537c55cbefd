"""Calls and SIP accounts (Api call, Api sip)."""

from ...common.errors import UnexpectedReply
from ...common.parse import text
from .client import AkuvoxClient
from .config import Section
from .endpoints import CALL_DIAL, CALL_HANGUP, CALL_STATUS, SIP_GET, SIP_SET, SIP_STATUS
from .envelope import LIST
from .system import SipAccount, sip_accounts

# The only word of call/status that is documented: everything else is a call.
READY = "READY"


class Call:
    """``/api/call``."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client

    async def status(self) -> str:
        """Return the device's word, ``READY`` without a call (Api call status).

        Raises:
            UnexpectedReply: It answers no word.
        """
        data = await self._client.call(CALL_STATUS)
        word = text(data.get("Status"))
        if word is None and (data.get("Status", "") != "" or LIST in data):
            raise UnexpectedReply(f"{CALL_STATUS.path} answered no word")
        return word or READY

    async def dial(self, phone: str, display_name: str | None = None) -> None:
        """Call a number or address; never sent twice (Api call dial).

        Raises:
            CommandFailed: There is a call already.
        """
        data = {"Phone": phone}
        if display_name is not None:
            data["DisplayName"] = display_name
        await self._client.call(CALL_DIAL, data)

    async def hangup(self) -> None:
        """End the call, if there is one (Api call hangup)."""
        await self._client.call(CALL_HANGUP)


class Sip(Section):
    """``/api/sip``; passwords are among the values of ``get``."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, SIP_GET, SIP_SET)

    async def status(self) -> tuple[SipAccount, ...]:
        """Return the accounts (Api sip status)."""
        return sip_accounts(await self._client.call(SIP_STATUS))
