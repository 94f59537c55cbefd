"""Accounts for SIP phones: that of the operator's support, and that of a call at a door (field notes 5 and 7).

The one of a call comes with its push and is good for three minutes. It opens the door as well: it is kept for as long, and
returned on request only.
"""

from collections.abc import Callable, Collection
import time

from ...model.parts import BellId
from ...model.residence import SipAccount
from ..common.errors import NoSuchCall
from .client import CallPush, SmartYard
from .push_filter import LONGEST

# What a SIP phone takes for granted.
_PORT, _TRANSPORT = 5060, "udp"


class SmartYardSip:
    """Phones.

    Args:
        yard: Asked for that of the support.
        monotonic: A clock in seconds.
    """

    def __init__(self, yard: SmartYard, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sip = yard.sip
        self._monotonic = monotonic
        self._calls: dict[BellId, tuple[float, CallPush]] = {}

    async def support(self) -> SipAccount:
        """Return the account by which the operator's support is called; what is called is in ``more``."""
        found = await self._sip.credentials()
        return _account(
            found.server, found.port, found.transport, found.extension, found.password, dial=found.dial, stun=found.stun
        )

    def rang(self, bell: BellId, push: CallPush) -> None:
        """Remember the account of a call, in place of those that are good no more."""
        oldest = self._monotonic() - LONGEST
        self._calls = {known: call for known, call in self._calls.items() if call[0] > oldest and known != bell}
        self._calls[bell] = self._monotonic(), push

    async def visitor(self, bells: Collection[BellId]) -> SipAccount:
        """Return the account that takes the latest call; with ``dtmf`` of ``more``, the phone opens."""
        oldest = self._monotonic() - LONGEST
        calls = [call for bell, call in self._calls.items() if bell in bells and call[0] > oldest]
        _, push = max(calls, key=lambda call: call[0], default=(0.0, CallPush()))
        if push.server is None or push.extension is None or push.password is None:
            raise NoSuchCall("no active ring")
        return _account(
            push.server,
            push.port,
            push.transport,
            push.extension,
            push.password,
            dtmf=push.dtmf,
            stun=push.stun,
            stun_transport=push.stun_transport,
            turn=push.turn,
            turn_transport=push.turn_transport,
            turn_username=push.turn_username,
            turn_password=push.turn_password,
        )


def _account(
    server: str, port: int | None, transport: str | None, extension: str, password: str, **more: str | None
) -> SipAccount:
    told = {name: value for name, value in more.items() if value is not None}
    return SipAccount(server, port or _PORT, transport or _TRANSPORT, extension, password, told)
