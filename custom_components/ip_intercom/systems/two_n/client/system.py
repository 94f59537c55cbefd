"""Identity, clock, restart, firmware, configuration, and packet captures (HTTP API 5.1 to 5.3 and 5.13)."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import sys
from typing import IO, Annotated

from ...common.decode import Key, decode_reply
from ...common.discovery import normalize_mac
from ...common.errors import CommandFailed, FileWaiting, NoAnswer, NotSupported
from ...common.http import Stream
from ...common.messages import Upload, json_upload
from ...common.parse import Fields, fields, flag, text, texts
from .client import Functions
from .protocol import (
    CONFIG,
    CONFIG_FACTORYRESET,
    CONFIG_HOLIDAYS,
    CONFIG_HOLIDAYS_PUT,
    CONFIG_PUT,
    FIRMWARE,
    FIRMWARE_APPLY,
    FIRMWARE_REJECT,
    HOLIDAYS,
    HOLIDAYS_PUT,
    PCAP,
    PCAP_LIVE,
    PCAP_LIVE_STATS,
    PCAP_LIVE_STOP,
    PCAP_RESTART,
    PCAP_STOP,
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

_MAX_CONFIG = 64 * 1024 * 1024
# Timeout in seconds without data: a quiet network sends none for a while. Requests to the device are captured too.
_QUIET = 120.0
# A live capture has no size limit: the caller requested it until further notice.
_MAX_LIVE = sys.maxsize


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


@dataclass(frozen=True, slots=True)
class FirmwareFile:
    """A firmware file that the device keeps for five minutes (HTTP API 5.2.1)."""

    # The manual's table spells the key fileid, its example fileId.
    id: Annotated[str, Key("fileId", "fileid")]
    version: str
    downgrade: bool = False
    note: str | None = None


class Firmware(Functions):
    """``/api/firmware``; needs *System – Control*."""

    async def upload(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> FirmwareFile:
        """Send a file and return the device's description of it (HTTP API 5.2.1).

        Args:
            file: The file, open and seekable.
            size: Size in bytes.
            progress: Called with the number of bytes sent.

        Raises:
            InvalidRequest: Not a firmware file, or for another model.
            FileTooOld: The device does not allow a downgrade to this version.
            FileWaiting: The device responds to other requests only: it keeps another file.
            NoAnswer: The device does not respond at all.
        """
        upload = Upload("blob-fw", filename, "application/octet-stream", file, size, progress)
        try:
            # Without its parameter, this request has no effect; discarding a file would do no harm.
            result = await self._client.upload(FIRMWARE, upload, first=FIRMWARE_REJECT)
        except NoAnswer as err:
            with suppress(CommandFailed):
                await self._client.call(FIRMWARE_REJECT)
            raise FileWaiting("the device already keeps a firmware file") from err
        return decode_reply(FirmwareFile, result, FIRMWARE.path)

    async def apply(self, file_id: str) -> None:
        """Install a file; the device restarts with it (HTTP API 5.2.2).

        Raises:
            CommandFailed: The device no longer has the file.
        """
        await self._client.call(FIRMWARE_APPLY, {"fileId": file_id})

    async def reject(self, file_id: str) -> None:
        """Discard a file (HTTP API 5.2.3).

        Raises:
            CommandFailed: The device no longer has the file.
        """
        await self._client.call(FIRMWARE_REJECT, {"fileId": file_id})


class Config(Functions):
    """``/api/config``; needs *System – Control*."""

    @asynccontextmanager
    async def download(self) -> AsyncIterator[Stream]:
        """Open the complete configuration: XML that contains passwords (HTTP API 5.3.1)."""
        async with self._client.download(CONFIG, max_bytes=_MAX_CONFIG) as stream:
            yield stream

    async def upload(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the configuration; takes effect about 15 seconds later (HTTP API 5.3.1).

        Raises:
            InvalidRequest: Not a configuration of this device.
        """
        upload = Upload("blob-cfg", filename, "application/xml", file, size, progress)
        await self._client.upload(CONFIG_PUT, upload, first=SYSTEM_STATUS)

    async def factory_reset(self) -> None:
        """Reset to factory defaults; takes effect about 15 seconds later (HTTP API 5.3.2)."""
        await self._client.call(CONFIG_FACTORYRESET)

    async def holidays(self) -> tuple[str, ...]:
        """Return the holidays: ``DD/MM``, or ``DD/MM/YYYY`` for a single year (HTTP API 5.3.3)."""
        # The example of manual 2.38 has backslashes.
        return tuple(date.replace("\\", "/") for date in texts((await self._holidays()).get("dates")))

    async def set_holidays(self, dates: Sequence[str]) -> None:
        """Set the holidays; send the other fields back unchanged (HTTP API 5.3.3).

        Raises:
            InvalidRequest: A date is invalid.
        """
        upload = json_upload("blob-json", {**await self._holidays(), "dates": list(dates)})
        try:
            await self._client.upload(CONFIG_HOLIDAYS_PUT, upload)
        except NotSupported:
            await self._client.upload(HOLIDAYS_PUT, upload)

    async def _holidays(self) -> Fields:
        try:
            return fields(await self._client.call(CONFIG_HOLIDAYS))
        except NotSupported:
            return fields(await self._client.call(HOLIDAYS))


@dataclass(frozen=True, slots=True)
class CaptureStats:
    """Progress of a live capture (HTTP API 5.13.6)."""

    running: bool = False
    bytes_sent: int = 0
    packets_sent: int = 0


class Capture(Functions):
    """``/api/pcap``; needs *System – Control*."""

    @asynccontextmanager
    async def download(self) -> AsyncIterator[Stream]:
        """Open the recorded capture (HTTP API 5.13.1)."""
        async with self._client.download(PCAP) as stream:
            yield stream

    async def restart(self) -> None:
        """Discard the recording and start a new one (HTTP API 5.13.2)."""
        await self._client.call(PCAP_RESTART)

    async def stop(self) -> None:
        """Stop recording (HTTP API 5.13.3)."""
        await self._client.call(PCAP_STOP)

    @asynccontextmanager
    async def live(self, duration: int | None = None) -> AsyncIterator[Stream]:
        """Capture live, for ``duration`` seconds or until stopped (HTTP API 5.13.4).

        Raises:
            CommandFailed: Another live capture is running.
        """
        params = {} if duration is None else {"duration": str(duration)}
        async with self._client.download(PCAP_LIVE, params, stall=_QUIET, max_bytes=_MAX_LIVE) as stream:
            yield stream

    async def stop_live(self) -> None:
        """Stop the live capture, if any (HTTP API 5.13.5)."""
        await self._client.call(PCAP_LIVE_STOP)

    async def stats(self) -> CaptureStats:
        """Return the progress of the live capture (HTTP API 5.13.6)."""
        return decode_reply(CaptureStats, await self._client.call(PCAP_LIVE_STATS), PCAP_LIVE_STATS.path)
