"""Identity, clock, restart, firmware, log files, and packet captures (Api system, firmware, log, pcap)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Annotated

from ...common.decode import Key, decode_reply
from ...common.discovery import normalize_mac
from ...common.errors import UnexpectedReply
from ...common.http import Stream
from ...common.messages import Upload
from ...common.parse import Fields, integer, text
from .client import Functions
from .phone import SipAccount, sip_accounts
from .protocol import (
    FIRMWARE_PREPARE,
    FIRMWARE_STATUS,
    FIRMWARE_UPGRADE,
    FIRMWARE_UPLOAD,
    LOG_CLEAR,
    LOG_EXPORT,
    LOG_GET,
    LOG_SET,
    PCAP_EXPORT,
    PCAP_START,
    PCAP_STATUS,
    PCAP_STOP,
    SYSTEM_INFO,
    SYSTEM_REBOOT,
    SYSTEM_STATUS,
)

_LEVEL = "Config.Settings.LOGLEVEL.Level"
_FIELD = "file"


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


class Firmware(Functions):
    """``/api/firmware``: ``prepare``, ``upload`` and ``upgrade`` in this order."""

    async def status(self) -> SystemInfo:
        """Return model and versions, without accounts (Api firmware status)."""
        return decode_reply(SystemInfo, await self._client.call(FIRMWARE_STATUS), FIRMWARE_STATUS.path)

    async def prepare(self) -> None:
        """Enter upgrade mode, which ends with a restart (Api firmware prepare)."""
        await self._client.call(FIRMWARE_PREPARE)

    async def upload(
        self,
        file: IO[bytes],
        filename: str,
        size: int,
        progress: Callable[[int], None] | None = None,
        *,
        silent: bool = True,
    ) -> None:
        """Send a file (Api firmware upload).

        Args:
            file: The file, open and seekable.
            size: Size in bytes.
            progress: Called with the number of bytes sent.
            silent: Show no progress on the device's display.

        Raises:
            CommandFailed: The device is not in upgrade mode, or the firmware is not for this device.
        """
        upload = Upload(_FIELD, filename, "application/octet-stream", file, size, progress)
        await self._client.upload(FIRMWARE_UPLOAD, upload, {"silent": str(int(silent))})

    async def upgrade(self, md5: str | None = None) -> None:
        """Install the uploaded file; the device restarts (Api firmware upgrade).

        Args:
            md5: MD5 of the file in hexadecimal, checked by the device.

        Raises:
            CommandFailed: No file was uploaded, or its MD5 differs.
        """
        await self._client.call(FIRMWARE_UPGRADE, None if md5 is None else {"md5": md5})


class LogKind(StrEnum):
    """Log files of the device; ``log_debug`` exists on Android devices only."""

    LOG = "log"
    KERNEL = "kmsg"
    DEBUG = "log_debug"


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """Whether a capture is running, and the size of its file in bytes."""

    running: Annotated[bool, Key("Status", convert=lambda status: text(status) == "start")]
    size: Annotated[int, Key("FileSize")] = 0


class Capture(Functions):
    """``/api/pcap``: one capture at a time."""

    async def status(self) -> CaptureStatus:
        """Return the progress of the capture (Api pcap status)."""
        return decode_reply(CaptureStatus, await self._client.call(PCAP_STATUS), PCAP_STATUS.path)

    async def start(self, *, seconds: int | None = None, size: int | None = None) -> None:
        """Start a capture; overwrites the previous one (Api pcap start).

        Args:
            seconds: Duration, 1 to 180; None until it is stopped or full.
            size: Maximum size in bytes, None for the device's default of 1 MiB.

        Raises:
            CommandFailed: A capture is running.
        """
        data = {"type": "manual"} if seconds is None else {"type": "auto", "time": str(seconds)}
        if size is not None:
            data["size"] = str(size)
        await self._client.call(PCAP_START, data)

    async def stop(self) -> int:
        """Stop the capture and return its size in bytes (Api pcap stop).

        Raises:
            CommandFailed: No capture is running.
        """
        return integer((await self._client.call(PCAP_STOP)).get("FileSize")) or 0

    @asynccontextmanager
    async def export(self) -> AsyncIterator[Stream]:
        """Open the capture file (Api pcap export).

        Raises:
            CommandFailed: There is no capture.
        """
        async with self._client.download(PCAP_EXPORT) as stream:
            yield stream


class Log(Functions):
    """``/api/log``."""

    async def level(self) -> int | None:
        """Return the log level, from 0 (emergencies) to 7 (everything) (Api log get)."""
        return integer((await self._client.call(LOG_GET)).get(_LEVEL))

    async def set_level(self, level: int) -> None:
        """Set the log level (Api log set).

        Raises:
            InvalidRequest: The level is not 0 to 7.
        """
        await self._client.call(LOG_SET, {_LEVEL: str(level)})

    @asynccontextmanager
    async def export(self, kind: LogKind = LogKind.LOG) -> AsyncIterator[Stream]:
        """Open a log file (Api log export).

        Raises:
            InvalidRequest: The device has no such file.
        """
        async with self._client.download(LOG_EXPORT, {"type": kind.value}) as stream:
            yield stream

    async def clear(self, kind: LogKind = LogKind.LOG) -> None:
        """Empty a log file (Api log clear).

        Raises:
            InvalidRequest: The device has no such file.
        """
        await self._client.call(LOG_CLEAR, {"type": kind.value})
