"""Identity, clock, uptime and restart of the device (Api system)."""

from dataclasses import dataclass
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.discovery import normalize_mac
from ...common.errors import UnexpectedReply
from ...common.parse import Fields, text
from .client import Functions
from .endpoints import SYSTEM_INFO, SYSTEM_REBOOT, SYSTEM_STATUS
from .phone import SipAccount, sip_accounts


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """Identity of the device (Api system info); unreported fields are None. ``mac`` is lowercase with colons."""

    model: Annotated[str | None, Key("Model")]
    mac: Annotated[str | None, Key("MAC", convert=lambda mac: normalize_mac(text(mac)))]
    firmware: Annotated[str | None, Key("FirmwareVersion")]
    hardware: Annotated[str | None, Key("HardwareVersion")]
    accounts: tuple[SipAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """Clock in Unix seconds, and uptime in seconds (Api system status)."""

    time: Annotated[int | None, Key("SystemTime")]
    uptime: Annotated[int | None, Key("UpTime")]


class System(Functions):
    """``/api/system``."""

    async def info(self) -> SystemInfo:
        """Return the identity of the device, and its SIP accounts (Api system info).

        Raises:
            UnexpectedReply: The reply contains no identity.
        """
        info = system_info(await self._client.call(SYSTEM_INFO))
        if info.model is None and info.mac is None:
            raise UnexpectedReply(f"{SYSTEM_INFO.path} returned neither model nor MAC address")
        return info

    async def status(self) -> SystemStatus:
        """Return clock and uptime (Api system status).

        Raises:
            UnexpectedReply: The reply contains neither.
        """
        status = decode_reply(SystemStatus, await self._client.call(SYSTEM_STATUS), SYSTEM_STATUS.path)
        if status == SystemStatus(None, None):
            raise UnexpectedReply(f"{SYSTEM_STATUS.path} returned neither clock nor uptime")
        return status

    async def reboot(self) -> None:
        """Restart the device (Api system reboot)."""
        await self._client.call(SYSTEM_REBOOT)


def system_info(data: Fields) -> SystemInfo:
    """Return the identity from a ``system/info`` reply."""
    return decode_reply(SystemInfo, data.get("Status"), SYSTEM_INFO.path, accounts=sip_accounts(data))
