"""Firmware, log files and recordings of network traffic (Api firmware, Api log, Api pcap)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Annotated

from ...common.decode import Key, decode_reply
from ...common.http import Stream
from ...common.parse import integer, text
from ...common.upload import Upload
from .client import Functions
from .endpoints import (
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
)
from .system import SystemInfo

_LEVEL = "Config.Settings.LOGLEVEL.Level"
_FIELD = "file"


class Firmware(Functions):
    """``/api/firmware``: ``prepare``, ``upload`` and ``upgrade`` in this order."""

    async def status(self) -> SystemInfo:
        """Return model and versions, without accounts (Api firmware status)."""
        return decode_reply(SystemInfo, await self._client.call(FIRMWARE_STATUS), FIRMWARE_STATUS.path)

    async def prepare(self) -> None:
        """Bring the device into upgrade mode, which a restart ends (Api firmware prepare)."""
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
            filename: Its name.
            size: Its size in bytes.
            progress: Hears how many bytes are sent.
            silent: Show nothing of it on the device's display.

        Raises:
            CommandFailed: The device was not prepared, or this is no firmware for it.
        """
        upload = Upload(_FIELD, filename, "application/octet-stream", file, size, progress)
        await self._client.upload(FIRMWARE_UPLOAD, upload, {"silent": str(int(silent))})

    async def upgrade(self, md5: str | None = None) -> None:
        """Install the file that was sent; the device restarts with it (Api firmware upgrade).

        Args:
            md5: Its MD5 in hexadecimal, for the device to check.

        Raises:
            CommandFailed: There is no file, or it has another MD5.
        """
        await self._client.call(FIRMWARE_UPGRADE, None if md5 is None else {"md5": md5})


class LogKind(StrEnum):
    """Files that the device logs into; ``log_debug`` is Android's only."""

    LOG = "log"
    KERNEL = "kmsg"
    DEBUG = "log_debug"


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """Whether a recording runs, and the size of its file in bytes."""

    running: Annotated[bool, Key("Status", convert=lambda status: text(status) == "start")]
    size: Annotated[int, Key("FileSize")] = 0


class Capture(Functions):
    """``/api/pcap``: one recording at a time."""

    async def status(self) -> CaptureStatus:
        """Return how far it is (Api pcap status)."""
        return decode_reply(CaptureStatus, await self._client.call(PCAP_STATUS), PCAP_STATUS.path)

    async def start(self, *, seconds: int | None = None, size: int | None = None) -> None:
        """Begin; the recording before is overwritten (Api pcap start).

        Args:
            seconds: How long, 1 to 180; None until it is stopped or full.
            size: Bytes at which it is full, None for the device's 1 MiB.

        Raises:
            CommandFailed: A recording runs.
        """
        data = {"type": "manual"} if seconds is None else {"type": "auto", "time": str(seconds)}
        if size is not None:
            data["size"] = str(size)
        await self._client.call(PCAP_START, data)

    async def stop(self) -> int:
        """End it, and return its size in bytes (Api pcap stop).

        Raises:
            CommandFailed: There is none.
        """
        return integer((await self._client.call(PCAP_STOP)).get("FileSize")) or 0

    @asynccontextmanager
    async def export(self) -> AsyncIterator[Stream]:
        """Open the recording (Api pcap export).

        Raises:
            CommandFailed: There is none.
        """
        async with self._client.download(PCAP_EXPORT) as stream:
            yield stream


class Log(Functions):
    """``/api/log``."""

    async def level(self) -> int | None:
        """Return how much is logged: 0 emergencies to 7 everything (Api log get)."""
        return integer((await self._client.call(LOG_GET)).get(_LEVEL))

    async def set_level(self, level: int) -> None:
        """Set how much is logged (Api log set).

        Raises:
            InvalidRequest: Not 0 to 7.
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
