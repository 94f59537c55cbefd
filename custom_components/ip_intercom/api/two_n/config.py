"""The configuration as a file, the way back to the factory's, and holidays (HTTP API 5.3)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
import json
from typing import IO

from ..errors import NotSupported
from ..http import Stream, Upload
from ..parse import fields, texts
from .client import TwoNClient
from .endpoints import (
    CONFIG,
    CONFIG_FACTORYRESET,
    CONFIG_HOLIDAYS,
    CONFIG_HOLIDAYS_PUT,
    CONFIG_PUT,
    FIRMWARE_APPLY,
    HOLIDAYS,
    HOLIDAYS_PUT,
)


class Config:
    """``/api/config``; needs *System – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        """Use ``client`` for the requests."""
        self._client = client

    @asynccontextmanager
    async def download(self) -> AsyncIterator[Stream]:
        """Open the whole configuration, XML with passwords in it (HTTP API 5.3.1)."""
        async with self._client.download(CONFIG) as stream:
            yield stream

    async def upload(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the configuration; it takes effect some 15 seconds later (HTTP API 5.3.1).

        Raises:
            InvalidRequest: No configuration of this device.
        """
        upload = Upload("blob-cfg", filename, "application/xml", file, size, progress)
        # A harmless question of the same service tells whether the account may.
        await self._client.upload(CONFIG_PUT, upload, first=FIRMWARE_APPLY)

    async def factory_reset(self) -> None:
        """Set everything back; it takes effect some 15 seconds later (HTTP API 5.3.2)."""
        await self._client.call(CONFIG_FACTORYRESET)

    async def holidays(self) -> tuple[str, ...]:
        """Return the holidays: ``DD/MM``, or ``DD/MM/YYYY`` for one year only (HTTP API 5.3.3)."""
        try:
            result = await self._client.call(CONFIG_HOLIDAYS)
        except NotSupported:
            result = await self._client.call(HOLIDAYS)
        return texts(fields(result).get("dates"))

    async def set_holidays(self, dates: Sequence[str]) -> None:
        """Set the holidays (HTTP API 5.3.3).

        Raises:
            InvalidRequest: A date that is none.
        """
        body = json.dumps({"dates": list(dates)}).encode()
        upload = Upload("blob-json", "holidays.json", "application/json", BytesIO(body), len(body))
        try:
            await self._client.upload(CONFIG_HOLIDAYS_PUT, upload)
        except NotSupported:
            await self._client.upload(HOLIDAYS_PUT, upload)
