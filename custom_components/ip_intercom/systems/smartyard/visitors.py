"""Pictures of visitors: a key gives access to one, so that it never leaves the adapter (field notes 7)."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
import secrets
import time

from ..common.errors import InvalidRequest, NoData
from .client import CallPush, SmartYard, TextPush

# Seconds; the server keeps a picture for some three minutes.
_KEPT = 600.0
_MANY = 64


class SmartYardVisitors:
    """Pictures that pushes tell of, each by a word of our own.

    Args:
        yard: Has them; no other server is ever asked.
        monotonic: A clock in seconds.
    """

    def __init__(self, yard: SmartYard, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._images = yard.images
        self._monotonic = monotonic
        self._keys: OrderedDict[str, tuple[float, str | None, str]] = OrderedDict()

    def name_of(self, push: CallPush | TextPush) -> str | None:
        """Return a word for the picture of a push, None where there is none that may be fetched."""
        address = push.image if isinstance(push, CallPush) else None
        if push.hash is None and (address is None or not self._images.has(address)):
            return None
        name = secrets.token_hex(16)
        self._keys[name] = self._monotonic(), push.hash, address or ""
        while len(self._keys) > _MANY:
            self._keys.popitem(last=False)
        return name

    async def picture(self, name: str) -> bytes:
        """Return the JPEG that a word stands for."""
        told_at, key, address = self._keys.get(name, (0.0, None, ""))
        if not (key or address) or self._monotonic() - told_at > _KEPT:
            self._keys.pop(name, None)
            raise NoData("no such picture")
        if key is None:
            return await self._images.at(address)
        try:
            return await self._images.camshot(key)
        except NoData:  # where no picture was taken, there is one of now
            return await self._images.live(key)

    async def is_current(self, key: str) -> bool:
        """Return whether the server still has a call, which it forgets after minutes."""
        # A server that shows a picture for any key proves nothing.
        return await self._has(key) and not await self._has(secrets.token_hex(16))

    async def _has(self, key: str) -> bool:
        for picture in (self._images.camshot, self._images.live):
            with suppress(NoData, InvalidRequest):
                await picture(key)
                return True
        return False
