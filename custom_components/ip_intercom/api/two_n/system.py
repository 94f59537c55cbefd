"""System functions: who the device is, how long it runs, what it can do, restart (HTTP API 5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
import re

from ..parse import fields, integer, text
from .client import TwoNClient
from .endpoints import SYSTEM_CAPS, SYSTEM_INFO, SYSTEM_RESTART, SYSTEM_STATUS

_MAC_DIGITS = 12


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """Who the device is (HTTP API 5.1.1); None for what its firmware does not tell.

    ``mac`` is lower-case with colons. On rebranded devices ``serial`` may be a part number, and
    firmware before about 2.20 has no ``mac``.
    """

    variant: str | None
    name: str | None
    serial: str | None
    mac: str | None
    hardware: str | None
    firmware: str | None
    build: str | None


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """The device's clock (Unix seconds) and its seconds since the last restart (HTTP API 5.1.2)."""

    time: int | None
    uptime: int | None


class System:
    """``/api/system``."""

    def __init__(self, client: TwoNClient) -> None:
        """Use ``client`` for the requests."""
        self._client = client

    async def info(self) -> SystemInfo:
        """Return who the device is; answered without an account (HTTP API 5.1.1)."""
        result = fields(await self._client.call(SYSTEM_INFO))
        return SystemInfo(
            variant=text(result.get("variant")),
            name=text(result.get("deviceName")),
            serial=text(result.get("serialNumber")),
            mac=normalize_mac(text(result.get("macAddr"))),
            hardware=text(result.get("hwVersion")),
            firmware=text(result.get("swVersion")),
            build=text(result.get("buildType")),
        )

    async def status(self) -> SystemStatus:
        """Return clock and uptime; needs *System – Control* (HTTP API 5.1.2)."""
        result = fields(await self._client.call(SYSTEM_STATUS))
        return SystemStatus(time=integer(result.get("systemTime")), uptime=integer(result.get("upTime")))

    async def caps(self) -> Mapping[str, frozenset[str]]:
        """Return the functions by name with their words, ``active`` and ``licensed`` (HTTP API 5.1.4)."""
        options = fields(fields(await self._client.call(SYSTEM_CAPS)).get("options"))
        return {name: frozenset(words.split(",")) for name, words in options.items() if isinstance(words, str)}

    async def restart(self) -> None:
        """Restart the device (HTTP API 5.1.3)."""
        await self._client.call(SYSTEM_RESTART)


def normalize_mac(address: str | None) -> str | None:
    """Return a MAC address in lower case with colons, None where it is not one."""
    digits = re.sub(r"[^0-9a-f]", "", (address or "").lower())
    if len(digits) != _MAC_DIGITS or not int(digits, 16):
        return None
    return ":".join(digits[place : place + 2] for place in range(0, _MAC_DIGITS, 2))
