"""Calls and SIP accounts (Api call, Api sip)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import UnexpectedReply
from ...common.parse import Fields, integer, text
from .client import AkuvoxClient, Functions
from .config import Section
from .protocol import CALL_DIAL, CALL_HANGUP, CALL_STATUS, LIST, SIP_GET, SIP_SET, SIP_STATUS

_ACCOUNT = "account"
_DISABLED, _REGISTERED = 0, 2
# The only documented status without a call: any other word may mean a call.
READY = "READY"


@dataclass(frozen=True, slots=True)
class SipAccount:
    """A SIP account (Api system).

    Attributes:
        account: Number of the account, 1 or 2.
        user: User name of the registration.
        server: SIP server.
        status: -1 unknown, 0 disabled, 1 registering, 2 registered, 3 failed; firmware also returns 1 for a failure.
    """

    account: int
    user: Annotated[str | None, Key("UserName")]
    server: Annotated[str | None, Key("SipServer")]
    status: Annotated[int | None, Key("Status")]

    @property
    def enabled(self) -> bool | None:
        """Whether the account is enabled; None if the device does not know."""
        return None if self.status is None or self.status < _DISABLED else self.status != _DISABLED

    @property
    def registered(self) -> bool:
        """Whether the account is certainly registered."""
        return self.status == _REGISTERED


class Call(Functions):
    """``/api/call``."""

    async def status(self) -> str:
        """Return the status word, ``READY`` without a call (Api call status).

        Raises:
            UnexpectedReply: The status is missing or not a word.
        """
        data = await self._client.call(CALL_STATUS)
        word = text(data.get("Status"))
        if word is None and (data.get("Status", "") != "" or LIST in data):
            raise UnexpectedReply(f"{CALL_STATUS.path} returned no status")
        return word or READY

    async def dial(self, phone: str, display_name: str | None = None) -> None:
        """Call a number or address; never sent twice (Api call dial).

        Raises:
            CommandFailed: Another call is in progress.
        """
        data = {"Phone": phone}
        if display_name is not None:
            data["DisplayName"] = display_name
        await self._client.call(CALL_DIAL, data)

    async def hangup(self) -> None:
        """End the call, if any (Api call hangup)."""
        await self._client.call(CALL_HANGUP)


class Sip(Section):
    """``/api/sip``; ``get`` returns passwords too."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, SIP_GET, SIP_SET)

    async def status(self) -> tuple[SipAccount, ...]:
        """Return the accounts (Api sip status)."""
        return sip_accounts(await self._client.call(SIP_STATUS))


def sip_accounts(data: Fields) -> tuple[SipAccount, ...]:
    """Return the accounts of ``system/info`` or ``sip/status``, sorted by number."""
    accounts = [
        decode_reply(SipAccount, values, SIP_STATUS.path, account=number)
        for name, values in data.items()
        if isinstance(values, Mapping) and (number := integer(name.lower().removeprefix(_ACCOUNT))) is not None
    ]
    return tuple(sorted(accounts, key=lambda account: account.account))
