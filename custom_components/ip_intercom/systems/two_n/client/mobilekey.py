"""Keys for Bluetooth authentication (HTTP API 5.15)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...common.errors import PermissionDenied
from ...common.parse import Fields, fields, flag, integer, objects, text
from .client import TwoNClient
from .endpoints import MOBILEKEY_COMPATIBILITY, MOBILEKEY_COMPATIBILITY_PUT, MOBILEKEY_CONFIG, MOBILEKEY_CONFIG_PUT


@dataclass(frozen=True, slots=True)
class MobileKey:
    """An encryption key (DER in Base64), never shown; ``ctime`` in Unix seconds."""

    type: str | None
    key: str = field(repr=False)
    ctime: int | None


@dataclass(frozen=True, slots=True)
class MobileKeyConfig:
    """The device's location for phones, and its keys, newest first."""

    location: str | None
    keys: tuple[MobileKey, ...]


class MobileKeys:
    """``/api/mobilekey``."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def config(self) -> MobileKeyConfig:
        """Return location and keys; of its four slots, the empty ones are left out (HTTP API 5.15.1)."""
        result = fields(await self._client.call(MOBILEKEY_CONFIG))
        keys = tuple(
            MobileKey(text(item.get("type")), key, integer(item.get("ctime")))
            for item in objects(result.get("keys"))
            if (key := text(item.get("key"))) is not None
        )
        return MobileKeyConfig(text(result.get("location")), keys)

    async def set_config(self, location: str | None = None, keys: Sequence[MobileKey] | None = None) -> None:
        """Set location or keys; what is None stays, keys that are not given are deleted (HTTP API 5.15.1).

        What the device tells of itself and of a key that it has is sent back as it came. It leaves out a key that is
        none, without a word.
        """
        try:
            there = fields(await self._client.call(MOBILEKEY_CONFIG))
        except PermissionDenied:  # an account may write only
            there = {}
        body: dict[str, object] = {**there}
        if location is not None:
            body["location"] = location
        if keys is not None:
            known = {text(item.get("key")): item for item in objects(there.get("keys"))}
            body["keys"] = [known.get(key.key) or _item(key) for key in keys]
        await self._client.call(MOBILEKEY_CONFIG_PUT, body=body)

    async def compatibility(self) -> bool:
        """Return whether phones with the old way are let in; firmware 2.50 and newer."""
        result = fields(await self._client.call(MOBILEKEY_COMPATIBILITY))
        return flag(result.get("compatibilityMode")) is True

    async def set_compatibility(self, compatible: bool) -> None:
        """Let phones with the old way in, or not; firmware 2.50 and newer."""
        await self._client.call(MOBILEKEY_COMPATIBILITY_PUT, body={"compatibilityMode": compatible})


def _item(key: MobileKey) -> Fields:
    return {"type": key.type or "rsa", "key": key.key} | ({} if key.ctime is None else {"ctime": key.ctime})
