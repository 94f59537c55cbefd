"""Firmware files: sent, looked at by the device, then applied or rejected (HTTP API 5.2)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from ...common.errors import CommandFailed, FileWaiting, NoAnswer, UnexpectedReply
from ...common.parse import fields, flag, text
from ...common.upload import Upload
from .client import TwoNClient
from .endpoints import FIRMWARE, FIRMWARE_APPLY, FIRMWARE_REJECT


@dataclass(frozen=True, slots=True)
class FirmwareFile:
    """What the device says of a file that it holds for five minutes (HTTP API 5.2.1)."""

    id: str
    version: str
    downgrade: bool
    note: str | None


class Firmware:
    """``/api/firmware``; needs *System – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def upload(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> FirmwareFile:
        """Send a file and return what the device makes of it (HTTP API 5.2.1).

        Args:
            file: The file, open and seekable.
            filename: Its name.
            size: Its size in bytes.
            progress: Hears how many bytes are sent.

        Raises:
            InvalidRequest: No firmware, or of another model.
            FileTooOld: Older than the device allows.
            FileWaiting: The device answers everything but this: it holds another file.
            NoAnswer: The device answers nothing.
        """
        upload = Upload("blob-fw", filename, "application/octet-stream", file, size, progress)
        try:
            # Without its parameter it does nothing; and were it to do something, that would be no harm.
            result = fields(await self._client.upload(FIRMWARE, upload, first=FIRMWARE_REJECT))
        except NoAnswer as err:
            with suppress(CommandFailed):
                await self._client.call(FIRMWARE_REJECT)
            raise FileWaiting("another firmware file waits at the device") from err
        # The table of the manual spells it fileid, its example fileId.
        number = text(result.get("fileId")) or text(result.get("fileid"))
        version = text(result.get("version"))
        if number is None or version is None:
            raise UnexpectedReply("the device took the file and did not say what it is")
        return FirmwareFile(number, version, flag(result.get("downgrade")) is True, text(result.get("note")))

    async def apply(self, file_id: str) -> None:
        """Install a file; the device restarts with it (HTTP API 5.2.2).

        Raises:
            CommandFailed: The file is not there any more.
        """
        await self._client.call(FIRMWARE_APPLY, {"fileId": file_id})

    async def reject(self, file_id: str) -> None:
        """Discard a file (HTTP API 5.2.3).

        Raises:
            CommandFailed: The file is not there any more.
        """
        await self._client.call(FIRMWARE_REJECT, {"fileId": file_id})
