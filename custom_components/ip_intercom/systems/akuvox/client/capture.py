"""Recording of network traffic (Api pcap)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ...common.http import Stream
from ...common.parse import integer, text
from .client import AkuvoxClient
from .endpoints import PCAP_EXPORT, PCAP_START, PCAP_STATUS, PCAP_STOP

_RUNNING = "start"


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """Whether a recording runs, and the size of its file in bytes."""

    running: bool
    size: int


class Capture:
    """``/api/pcap``: one recording at a time."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client

    async def status(self) -> CaptureStatus:
        """Return how far it is (Api pcap status)."""
        data = await self._client.call(PCAP_STATUS)
        return CaptureStatus(text(data.get("Status")) == _RUNNING, integer(data.get("FileSize")) or 0)

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
