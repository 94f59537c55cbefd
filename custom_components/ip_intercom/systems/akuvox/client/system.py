"""Who the device is, how long it runs, restart (Api system)."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...common.address import normalize_mac
from ...common.errors import UnexpectedReply
from ...common.parse import Fields, fields, integer, text
from .client import AkuvoxClient
from .endpoints import SYSTEM_INFO, SYSTEM_REBOOT, SYSTEM_STATUS

_ACCOUNT = "Account"
_DISABLED, _REGISTERED = 0, 2


@dataclass(frozen=True, slots=True)
class SipAccount:
    """A SIP account (Api system).

    Attributes:
        account: Its number, 1 or 2.
        user: The name it registers with.
        server: Where it registers.
        status: -1 unknown, 0 disabled, 1 registering, 2 registered, 3 failed; firmware says 1 for a failure, too.
    """

    account: int
    user: str | None
    server: str | None
    status: int | None

    @property
    def enabled(self) -> bool | None:
        """Whether it is in use; None where the device does not know."""
        return None if self.status is None or self.status < _DISABLED else self.status != _DISABLED

    @property
    def registered(self) -> bool:
        """Whether it is registered for certain."""
        return self.status == _REGISTERED


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """Who the device is (Api system info); None for what it does not tell. ``mac`` is lower-case with colons."""

    model: str | None
    mac: str | None
    firmware: str | None
    hardware: str | None
    accounts: tuple[SipAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """The device's clock (Unix seconds) and its seconds since the last restart (Api system status)."""

    time: int | None
    uptime: int | None


class System:
    """``/api/system``."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client

    async def info(self) -> SystemInfo:
        """Return who the device is, and its SIP accounts (Api system info).

        Raises:
            UnexpectedReply: It tells nothing of itself.
        """
        info = system_info(await self._client.call(SYSTEM_INFO))
        if info.model is None and info.mac is None:
            raise UnexpectedReply(f"{SYSTEM_INFO.path} answered neither model nor MAC address")
        return info

    async def status(self) -> SystemStatus:
        """Return clock and uptime (Api system status).

        Raises:
            UnexpectedReply: It tells neither.
        """
        data = await self._client.call(SYSTEM_STATUS)
        status = SystemStatus(time=integer(data.get("SystemTime")), uptime=integer(data.get("UpTime")))
        if status == SystemStatus(None, None):
            raise UnexpectedReply(f"{SYSTEM_STATUS.path} answered neither clock nor uptime")
        return status

    async def reboot(self) -> None:
        """Restart the device (Api system reboot)."""
        await self._client.call(SYSTEM_REBOOT)


def system_info(data: Fields) -> SystemInfo:
    """Return what ``system/info`` says."""
    status = fields(data.get("Status"))
    return versions(status, sip_accounts(data))


def versions(status: Fields, accounts: tuple[SipAccount, ...] = ()) -> SystemInfo:
    """Return model and versions from ``system/info`` or ``firmware/status``."""
    return SystemInfo(
        model=text(status.get("Model")),
        mac=normalize_mac(text(status.get("MAC"))),
        firmware=text(status.get("FirmwareVersion")),
        hardware=text(status.get("HardwareVersion")),
        accounts=accounts,
    )


def sip_accounts(data: Fields) -> tuple[SipAccount, ...]:
    """Return the accounts of ``system/info`` or ``sip/status``, by their number."""
    accounts = [
        SipAccount(
            number,
            text(values.get("UserName")),
            text(values.get("SipServer")),
            integer(values.get("Status")),
        )
        for name, values in data.items()
        if isinstance(values, Mapping) and (number := integer(name.removeprefix(_ACCOUNT))) is not None
    ]
    return tuple(sorted(accounts, key=lambda account: account.account))
