"""Pictures of visitors, and SIP accounts for calls, whose keys do not leave the adapter (field notes 7).

The SIP account of a call comes with its push and is valid for three minutes. It can also open the door, so it is kept
only as long, and returned only on request.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
import secrets
import time

from ...model.parts import BellId
from ..common.discovery import parse_address
from ..common.errors import IntercomError, InvalidRequest, NoData, NoSuchCall
from ..common.parse import present
from .client import CallPush, SmartYard, TextPush
from .push_filter import LONGEST

# Defaults of SIP phones.
_PORT, _TRANSPORT = 5060, "udp"


@dataclass(frozen=True, slots=True)
class SipAccount:
    """SIP account to answer or make a call; the password opens doors."""

    server: str
    port: int
    transport: str
    extension: str = field(repr=False)
    password: str = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict, repr=False)


class SmartYardSip:
    """SIP accounts."""

    def __init__(self, yard: SmartYard, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sip = yard.sip
        self._monotonic = monotonic
        self._calls: dict[BellId, tuple[float, CallPush]] = {}
        self._expiry: asyncio.TimerHandle | None = None

    async def support(self) -> SipAccount:
        """Return the account to call the operator's support; ``more`` has the number to dial."""
        found = await self._sip.credentials()
        return _account(
            found.server, found.port, found.transport, found.extension, found.password, dial=found.dial, stun=found.stun
        )

    def rang(self, bell: BellId, push: CallPush) -> None:
        """Store the account of a call, for as long as it is valid."""
        self._calls[bell] = self._monotonic(), push
        self._expire()

    def close(self) -> None:
        """Forget all accounts."""
        self._calls.clear()
        self._expire()

    def _expire(self) -> None:
        """Remove expired accounts now, and the next one in time."""
        oldest = self._monotonic() - LONGEST
        self._calls = {bell: call for bell, call in self._calls.items() if call[0] > oldest}
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(LONGEST + 1, self._expire) if self._calls else None

    async def visitor(self, bells: Collection[BellId]) -> SipAccount:
        """Return the account to answer the latest call; ``dtmf`` in ``more`` opens the door."""
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
    host, named = phone_server(server) or (server, None)
    return SipAccount(host, port or named or _PORT, transport or _TRANSPORT, extension, password, present(more))


def phone_server(server: str | None) -> tuple[str, int | None] | None:
    """Return host and port of a phone server, which may be an IPv6 address and name its port; None if malformed."""
    name = (server or "").strip()
    if any(char.isspace() or char in "/@?#" for char in name):
        return None
    try:
        url = parse_address(name)
    except ValueError:
        return None
    return url.host or "", url.explicit_port


# Seconds; the server keeps a picture for about three minutes.
_KEPT = 600.0
_MANY = 64


class SmartYardVisitors:
    """Pictures of pushes, each with a random name.

    Args:
        yard: Client of the server; pictures are not requested from other servers.
    """

    def __init__(self, yard: SmartYard) -> None:
        self._images = yard.images
        self._keys: OrderedDict[str, tuple[float, str | None, str]] = OrderedDict()

    def prune(self) -> None:
        """Forget the keys of pictures that the server has no longer."""
        oldest = time.monotonic() - _KEPT
        while self._keys and next(iter(self._keys.values()))[0] < oldest:
            self._keys.popitem(last=False)

    def name_of(self, push: CallPush | TextPush) -> str | None:
        """Return a name for the picture of a push, None if it has none that may be requested."""
        address = push.image if isinstance(push, CallPush) else None
        if push.hash is None and (address is None or not self._images.has(address)):
            return None
        name = secrets.token_hex(16)
        self._keys[name] = time.monotonic(), push.hash, address or ""
        while len(self._keys) > _MANY:
            self._keys.popitem(last=False)
        return name

    async def picture(self, name: str, *, live: bool = True) -> bytes:
        """Return the JPEG with a name; ``live`` allows one of now if the server has no stored one."""
        received_at, key, address = self._keys.get(name, (0.0, None, ""))
        if not (key or address) or time.monotonic() - received_at > _KEPT:
            self._keys.pop(name, None)
            raise NoData("no such picture")
        if key is None:
            return await self._images.at(address)
        try:
            return await self._images.camshot(key)
        except NoData:
            if not live:
                raise
            return await self._images.live(key)

    async def is_current(self, key: str) -> bool:
        """Return whether the server still knows a call, which it forgets after some minutes."""
        # A server that returns a picture for any key proves nothing.
        return await self._has(key) and not await self._has(secrets.token_hex(16))

    async def _has(self, key: str) -> bool:
        for picture in (self._images.camshot, self._images.live):
            with suppress(NoData, InvalidRequest):
                await picture(key)
                return True
        return False


async def is_of_operator(yard: SmartYard, visitors: SmartYardVisitors, push: CallPush) -> bool:
    """Return whether the phone server of a call is the operator's: a push can come from any sender.

    It is the server of the API, or that server knows the call or names the same phone server.
    """
    if (server := phone_server(push.server)) is None:
        return False
    if server[0] == yard.transport.base.host:
        return True
    with suppress(IntercomError):
        if push.hash is not None and await visitors.is_current(push.hash):
            return True
    with suppress(IntercomError):
        known = phone_server((await yard.sip.credentials()).server)
        return known is not None and known[0] == server[0]
    return False
