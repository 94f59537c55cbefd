"""Firmware files: the device is prepared, takes the file, then installs it (Api firmware)."""

from collections.abc import Callable
from typing import IO

from ...common.upload import Upload
from .client import AkuvoxClient
from .endpoints import FIRMWARE_PREPARE, FIRMWARE_STATUS, FIRMWARE_UPGRADE, FIRMWARE_UPLOAD
from .system import SystemInfo, versions

_FIELD = "file"


class Firmware:
    """``/api/firmware``: ``prepare``, ``upload`` and ``upgrade`` in this order."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client

    async def status(self) -> SystemInfo:
        """Return model and versions, without accounts (Api firmware status)."""
        return versions(await self._client.call(FIRMWARE_STATUS))

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
