"""The configuration of an Akuvox: names and values, all of them text (Api config)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from ...model.functions import Guard
from ..common.errors import NotSupported, Rejected
from .client import AkuvoxDevice
from .privacy import ACTION_URLS, API_LOGIN, is_secret_key

# The name of the device on its web page.
LOCATION = "Config.DoorSetting.DEVICENODE.Location"
_ACCOUNT = "Config.Account"


class AkuvoxConfiguration:
    """Every value that the device has a name for."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._config = device.config

    def is_secret(self, key: str) -> bool:
        """Return whether a value is returned only when requested by name."""
        return is_secret_key(key)

    def guard(self, key: str) -> Guard:
        """Return what stands before changing a value: Action URLs are ours, the API's login lets us in."""
        if key.startswith(ACTION_URLS):
            return Guard.OWNED
        return Guard.OWN_ACCESS if key.startswith(API_LOGIN) else Guard.NONE

    async def read(self, keys: Sequence[str] = (), sections: Sequence[str] = ()) -> Mapping[str, str]:
        """Return values by key or by section, such as ``Config.DoorSetting.RELAY``; all without any."""
        if not keys and not sections:
            return await self._config.get()
        within = [section.rstrip(".") for section in sections]
        found = await self._config.get(sections=within) if within else {}
        return found | (await self._config.get(items=keys) if keys else {})

    async def write(self, values: Mapping[str, str]) -> None:
        """Set values; the device leaves out without a word what it does not know."""
        await self._config.set(values)


class AkuvoxSettings:
    """The name of the device, and its SIP accounts."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._config = device.config
        self._sip = device.sip

    async def name(self) -> str | None:
        """Return the name on the web page of the device."""
        return (await self._config.get(items=[LOCATION])).get(LOCATION) or None

    async def set_name(self, name: str) -> None:
        """Name the device."""
        await _set_existing(await self._config.get(items=[LOCATION]), {LOCATION: name}, self._config.set)
        if await self.name() != name:
            raise Rejected("a different name was stored")

    async def sip_accounts(self) -> Sequence[Mapping[str, object]]:
        """Return the values of each account by the end of their keys, such as ``GENERAL.UserName`` (Api sip get)."""
        accounts: dict[int, dict[str, object]] = {}
        for key, value in (await self._sip.get()).items():
            number, _, name = key.removeprefix(_ACCOUNT).partition(".")
            if number.isdecimal() and name and not is_secret_key(key):
                accounts.setdefault(int(number), {"account": int(number)})[name] = value
        return [accounts[number] for number in sorted(accounts)]

    async def set_sip_account(self, account: int, settings: Mapping[str, object]) -> None:
        """Set values of an account by the end of their keys (Api sip set)."""
        values = {f"{_ACCOUNT}{account}.{name}": str(value) for name, value in settings.items()}
        await _set_existing(await self._sip.get(), values, self._sip.set)
        now = await self._sip.get()
        if kept := [key for key, value in values.items() if now.get(key) != value]:
            raise Rejected(f"not accepted: {', '.join(kept)}")


async def _set_existing(
    there: Mapping[str, str], values: Mapping[str, str], write: Callable[[Mapping[str, str]], Awaitable[None]]
) -> None:
    if unknown := values.keys() - there.keys():
        raise NotSupported(f"no {', '.join(sorted(unknown))}")
    await write(values)
