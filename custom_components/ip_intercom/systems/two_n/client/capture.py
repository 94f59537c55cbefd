"""Recording of network packets, as pcap (HTTP API 5.13)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import sys

from ...common.http import Stream
from ...common.parse import fields, flag, integer
from .client import TwoNClient
from .endpoints import PCAP, PCAP_LIVE, PCAP_LIVE_STATS, PCAP_LIVE_STOP, PCAP_RESTART, PCAP_STOP

# A quiet network sends nothing for a while. What is asked of the device meanwhile is recorded as well.
_QUIET = 120.0
# A caller that records until further notice has requested it.
_MAX_LIVE = sys.maxsize


@dataclass(frozen=True, slots=True)
class CaptureStats:
    """How a live capture goes (HTTP API 5.13.6)."""

    running: bool
    bytes_sent: int
    packets_sent: int


class Capture:
    """``/api/pcap``; needs *System – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    @asynccontextmanager
    async def download(self) -> AsyncIterator[Stream]:
        """Open what was recorded (HTTP API 5.13.1)."""
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
        """Record from now on, for seconds or until stopped (HTTP API 5.13.4).

        Raises:
            CommandFailed: A live recording runs already.
        """
        params = {} if duration is None else {"duration": str(duration)}
        async with self._client.download(PCAP_LIVE, params, stall=_QUIET, max_bytes=_MAX_LIVE) as stream:
            yield stream

    async def stop_live(self) -> None:
        """End a live recording, if there is one (HTTP API 5.13.5)."""
        await self._client.call(PCAP_LIVE_STOP)

    async def stats(self) -> CaptureStats:
        """Return how a live recording goes (HTTP API 5.13.6)."""
        result = fields(await self._client.call(PCAP_LIVE_STATS))
        return CaptureStats(
            running=flag(result.get("running")) is True,
            bytes_sent=integer(result.get("bytesSent")) or 0,
            packets_sent=integer(result.get("packetsSent")) or 0,
        )
