"""Firmware, configuration and packet captures (HTTP API 5.2, 5.3, 5.13)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import sys
from typing import IO, Annotated

from ...common.decode import Key, decode_reply
from ...common.errors import CommandFailed, FileWaiting, NoAnswer, NotSupported
from ...common.http import Stream
from ...common.messages import Upload, json_upload
from ...common.parse import Fields, fields, texts
from .client import Functions
from .endpoints import (
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
    SYSTEM_STATUS,
)

_MAX_CONFIG = 64 * 1024 * 1024
# Timeout in seconds without data: a quiet network sends none for a while. Requests to the device are captured too.
_QUIET = 120.0
# A live capture has no size limit: the caller requested it until further notice.
_MAX_LIVE = sys.maxsize


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
            filename: Name of the file.
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
