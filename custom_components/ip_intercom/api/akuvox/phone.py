"""Calls and SIP accounts (Api call, Api sip)."""

from ..parse import text
from .client import AkuvoxClient
from .config import Section
from .endpoints import CALL_DIAL, CALL_HANGUP, CALL_STATUS, SIP_GET, SIP_SET, SIP_STATUS
from .system import SipAccount, sip_accounts

# The only word of call/status that is documented: everything else is a call.
READY = "READY"


class Call:
    """``/api/call``."""

    def __init__(self, client: AkuvoxClient) -> None:
        """Use ``client`` for the requests."""
        self._client = client

    async def status(self) -> str | None:
        """Return the device's word, ``READY`` without a call (Api call status)."""
        return text((await self._client.call(CALL_STATUS)).get("Status"))

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
        """Use ``client`` for the requests."""
        super().__init__(client, SIP_GET, SIP_SET)

    async def status(self) -> tuple[SipAccount, ...]:
        """Return the accounts (Api sip status)."""
        return sip_accounts(await self._client.call(SIP_STATUS))
