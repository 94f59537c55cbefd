"""The configuration as a file, the way back to the factory's, and holidays (HTTP API 5.3)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import IO

from ...common.errors import NotSupported
from ...common.http import Stream
from ...common.parse import Fields, fields, texts
from ...common.upload import Upload, json_upload
from .client import TwoNClient
from .endpoints import (
    CONFIG,
    CONFIG_FACTORYRESET,
    CONFIG_HOLIDAYS,
    CONFIG_HOLIDAYS_PUT,
    CONFIG_PUT,
    HOLIDAYS,
    HOLIDAYS_PUT,
    SYSTEM_STATUS,
)

_MAX_CONFIG = 64 * 1024 * 1024


class Config:
    """``/api/config``; needs *System – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    @asynccontextmanager
    async def download(self) -> AsyncIterator[Stream]:
        """Open the whole configuration, XML with passwords in it (HTTP API 5.3.1)."""
        async with self._client.download(CONFIG, max_bytes=_MAX_CONFIG) as stream:
            yield stream

    async def upload(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the configuration; it takes effect some 15 seconds later (HTTP API 5.3.1).

        Raises:
            InvalidRequest: No configuration of this device.
        """
        upload = Upload("blob-cfg", filename, "application/xml", file, size, progress)
        await self._client.upload(CONFIG_PUT, upload, first=SYSTEM_STATUS)

    async def factory_reset(self) -> None:
        """Set everything back; it takes effect some 15 seconds later (HTTP API 5.3.2)."""
        await self._client.call(CONFIG_FACTORYRESET)

    async def holidays(self) -> tuple[str, ...]:
        """Return the holidays: ``DD/MM``, or ``DD/MM/YYYY`` for one year only (HTTP API 5.3.3)."""
        # The example of the manual 2.38 has backslashes.
        return tuple(date.replace("\\", "/") for date in texts((await self._holidays()).get("dates")))

    async def set_holidays(self, dates: Sequence[str]) -> None:
        """Set the holidays, and send back what else the device tells with them (HTTP API 5.3.3).

        Raises:
            InvalidRequest: A date that is none.
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
