"""Maintenance of an Akuvox: restart, configuration as a file, packets, the card reader."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic

from ...model.functions import ByteStream, CaptureStats, Download, Payload
from ..common.errors import CommandFailed, IntercomError
from .client import AkuvoxDevice

# Seconds that the device records by itself at most (Api pcap start).
_LONGEST = 180
_LOOK = 1.0


class AkuvoxMaintenance:
    """Restart, factory reset and configuration."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._system = device.system
        self._config = device.config

    async def restart(self) -> None:
        """Restart the device."""
        await self._system.reboot()

    async def factory_reset(self) -> None:
        """Reset the device; afterwards its API rejects all requests until it is configured on the web page."""
        await self._config.reset_factory()

    def download_config(self) -> Download:
        """Open the configuration, encrypted by the device."""
        return self._config.export()

    async def upload_config(self, file: Payload) -> None:
        """Replace the configuration; the device restarts."""
        await self._config.import_(file.file, file.name, file.size, file.progress)


class AkuvoxCapture:
    """Recording of packets: into the device's memory first, and from there to a file."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._capture = device.capture

    def download(self) -> Download:
        """Open what was recorded."""
        return self._capture.export()

    @asynccontextmanager
    async def live(self, seconds: int | None) -> AsyncIterator[ByteStream]:
        """Record for a while, then open it; earlier if the memory is full or the recording is stopped."""
        by_itself = seconds is not None and seconds <= _LONGEST
        over = None if by_itself or seconds is None else monotonic() + seconds
        begun = True
        try:
            try:
                await self._capture.start(seconds=seconds if by_itself else None)
            except CommandFailed:
                begun = False  # a recording of a different client continues
                raise
            while (await self._capture.status()).running:
                if over is not None and monotonic() >= over:
                    await self._capture.stop()
                    break
                await asyncio.sleep(_LOOK)
        except BaseException:
            if begun:  # or may have: who gives up before the device has answered leaves nothing behind either
                with suppress(IntercomError):
                    await self._capture.stop()
            raise
        async with self._capture.export() as stream:
            yield stream

    async def stop_live(self) -> None:
        """End a recording; the caller that waits for it gets what there is."""
        with suppress(CommandFailed):  # there is none
            await self._capture.stop()

    async def stats(self) -> CaptureStats:
        """Return how a recording goes, in bytes recorded; the device counts no packets."""
        status = await self._capture.status()
        return CaptureStats(status.running, status.size, None)

    async def restart(self) -> None:
        """Discard the recording and record again, until it is stopped or full."""
        await self.stop_live()
        await self._capture.start()

    async def stop(self) -> None:
        """Stop recording."""
        await self._capture.stop()


class AkuvoxCardReader:
    """The reader for cards."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._users = device.users

    async def scan(self) -> str | None:
        """Return the number of the card that was held before it last (Api user scan)."""
        return await self._users.scan()
