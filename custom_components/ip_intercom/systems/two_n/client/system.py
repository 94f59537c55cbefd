"""Identity, uptime, capabilities, clock and restart (HTTP API 5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from ...common.decode import Key, decode_reply
from ...common.discovery import normalize_mac
from ...common.errors import NotSupported
from ...common.parse import fields, flag, text, texts
from .client import Functions
from .endpoints import (
    SYSTEM_CAPS,
    SYSTEM_DEVICENAME,
    SYSTEM_DEVICENAME_POST,
    SYSTEM_INFO,
    SYSTEM_RESTART,
    SYSTEM_STATUS,
    SYSTEM_TIME,
    SYSTEM_TIME_PUT,
    SYSTEM_TIME_SET,
    SYSTEM_TIMEZONE,
    SYSTEM_TIMEZONE_CAPS,
    SYSTEM_TIMEZONE_PUT,
)


def _serial(value: object) -> str | None:
    """Return a serial number, None for a placeholder such as 00-0000-0000."""
    number = text(value)
    return number if number is not None and number.strip(" 0-") else None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """Identity of the device (HTTP API 5.1.1); None for fields that its firmware does not report.

    ``mac`` is lowercase with colons. On rebranded devices ``serial`` may be a part number, and
    firmware before about 2.20 has no ``mac``.
    """

    variant: str | None
    name: Annotated[str | None, Key("deviceName")]
    serial: Annotated[str | None, Key("serialNumber", convert=_serial)]
    mac: Annotated[str | None, Key("macAddr", convert=lambda mac: normalize_mac(text(mac)))]
    hardware: Annotated[str | None, Key("hwVersion")]
    firmware: Annotated[str | None, Key("swVersion")]
    build: Annotated[str | None, Key("buildType")]


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """Clock in Unix seconds, and uptime in seconds (HTTP API 5.1.2)."""

    time: Annotated[int | None, Key("systemTime")]
    uptime: Annotated[int | None, Key("upTime")]


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """Clock in Unix seconds, its source, and whether the device synchronizes it."""

    utc: Annotated[int, Key("utcTime")]
    source: str | None
    automatic: bool | None


@dataclass(frozen=True, slots=True)
class TimeZone:
    """A time zone by name, or ``custom`` as an offset such as ``UTC-08:00`` (manual 2.50)."""

    zone: str | None
    automatic: bool | None
    custom: str | None


# Name of the zone for a custom offset.
_CUSTOM_ZONE = "custom"


class System(Functions):
    """``/api/system``."""

    async def info(self) -> SystemInfo:
        """Return the identity of the device; needs no account (HTTP API 5.1.1)."""
        return decode_reply(SystemInfo, await self._client.call(SYSTEM_INFO), SYSTEM_INFO.path)

    async def status(self) -> SystemStatus:
        """Return clock and uptime; needs *System – Control* (HTTP API 5.1.2)."""
        return decode_reply(SystemStatus, await self._client.call(SYSTEM_STATUS), SYSTEM_STATUS.path)

    async def caps(self) -> Mapping[str, frozenset[str]]:
        """Return the features by name with their states, ``active`` and ``licensed`` (HTTP API 5.1.4)."""
        options = fields(fields(await self._client.call(SYSTEM_CAPS)).get("options"))
        return {name: frozenset(words.split(",")) for name, words in options.items() if isinstance(words, str)}

    async def restart(self) -> None:
        """Restart the device (HTTP API 5.1.3)."""
        await self._client.call(SYSTEM_RESTART)

    async def time(self) -> DeviceTime:
        """Return the clock; firmware 2.35 and newer (HTTP API 5.1.5)."""
        return decode_reply(DeviceTime, await self._client.call(SYSTEM_TIME), SYSTEM_TIME.path)

    async def set_time(self, unix: int, *, keep_server: bool = False) -> None:
        """Set the clock (HTTP API 5.1.6).

        Firmware 2.44 and newer has a new function, which disables the time server, and keeps the old one for now.
        ``keep_server`` tries the old one first, so that the device continues to use its time server.
        """
        if keep_server:
            try:
                await self._client.call(SYSTEM_TIME_SET, {"time": str(unix)})
            except NotSupported:
                pass
            else:
                return
        try:
            await self._client.call(SYSTEM_TIME_PUT, form={"automatic": "0", "utcTime": str(unix)})
        except NotSupported:
            await self._client.call(SYSTEM_TIME_SET, {"time": str(unix)})

    async def device_name(self) -> str | None:
        """Return the name of the device; firmware 2.50 and newer."""
        return text(fields(await self._client.call(SYSTEM_DEVICENAME)).get("deviceName"))

    async def set_device_name(self, name: str) -> None:
        """Set the name of the device; firmware 2.50 and newer."""
        await self._client.call(SYSTEM_DEVICENAME_POST, {"deviceName": name})

    async def time_zone(self) -> TimeZone:
        """Return the time zone; firmware 2.44 and newer."""
        result = fields(await self._client.call(SYSTEM_TIMEZONE))
        custom = text(result.get("custom"))
        zone = None if custom is not None else text(result.get("zone"))
        return TimeZone(zone, flag(result.get("automatic")), custom)

    async def set_time_zone(
        self, zone: str | None = None, *, automatic: bool = False, custom: str | None = None
    ) -> None:
        """Set the time zone by name or offset, or let the device detect it; firmware 2.44 and newer."""
        form = {"automatic": str(int(automatic))}
        if not automatic and custom is not None:
            # The manual prints a minus sign, the device expects a hyphen.
            form |= {"zone": _CUSTOM_ZONE, "custom": custom.replace("\N{MINUS SIGN}", "-")}
        elif not automatic and zone is not None:
            form["zone"] = zone
        await self._client.call(SYSTEM_TIMEZONE_PUT, form=form)

    async def time_zones(self) -> tuple[str, ...]:
        """Return the names of the time zones; firmware 2.44 and newer."""
        return texts(fields(await self._client.call(SYSTEM_TIMEZONE_CAPS)).get("timezones"))
