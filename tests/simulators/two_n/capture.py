"""Recording of network traffic, in the format of Wireshark (HTTP API 5.13)."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from tests.simulators.common.clock import Clock
from tests.simulators.common.pcap import HEADER, PACKET, RECORD, blocks, packets

from .envelope import ApiError, Call, Code, Handler, success
from .models import Model

# Real seconds between two pieces of a live capture, and packets in each.
BEAT = 0.02
PACKETS = 4


@dataclass(slots=True)
class Live:
    """A live capture in progress."""

    bytes_sent: int = 0
    packets_sent: int = 0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Capture:
    """The record, and at most one live capture."""

    def __init__(self, model: Model, clock: Clock) -> None:
        """Begin to record."""
        self.size = 64 * 1024
        self.recording = True
        self.live: Live | None = None
        self._growing = True
        # 5.13.1 says so, of a file for Wireshark.
        self.content_type = "application/json"
        self._model = model
        self._clock = clock
        self._since = clock.utc()
        self.handlers: dict[str, Handler] = {
            "pcap": self._download,
            "pcap/restart": self._restart,
            "pcap/stop": self._stop,
            "pcap/live": self._live,
            "pcap/live/stop": self._live_stop,
            "pcap/live/stats": self._live_stats,
        }

    def boot(self) -> None:
        """Start a new recording."""
        self._begin()
        self.live = None

    def _begin(self) -> None:
        self.recording = self._growing = True
        self.size = len(HEADER)
        self._since = self._clock.utc()

    def set_size(self, size: int) -> None:
        """Let the record have that size, until it is started again."""
        if size != len(HEADER) and size < len(HEADER) + RECORD.size:
            raise ValueError(f"a file has {len(HEADER)} bytes without, or {len(HEADER) + RECORD.size} with a packet")
        self.size = size
        self._growing = False

    def note(self) -> None:
        """Record a packet of a request."""
        if self.recording and self._growing:
            self.size += RECORD.size + PACKET

    async def _download(self, call: Call) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": self.content_type})
        response.headers["Server"] = f"HIP{self._model.info['swVersion']}"
        response.content_length = self.size
        await response.prepare(call.request)
        for piece in blocks(self._since, self.size):
            await response.write(piece)
        return response

    async def _restart(self, _: Call) -> web.StreamResponse:
        self._begin()
        return success()

    async def _stop(self, _: Call) -> web.StreamResponse:
        self.recording = False
        return success()

    async def _live(self, call: Call) -> web.StreamResponse:
        seconds = call.params.integer("duration", default=0)
        if self.live is not None:
            # "Another packet capture cannot be started"; which code says so is not known.
            raise ApiError(Code.REJECTED)
        live = self.live = Live()
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.headers["Server"] = f"HIP{self._model.info['swVersion']}"
        response.enable_chunked_encoding()
        try:
            async with asyncio.timeout(seconds / self._clock.speed if seconds else None):
                await self._stream(call.request, response, live)
        except TimeoutError:
            pass
        finally:
            if self.live is live:
                self.live = None
        return response

    async def _stream(self, request: web.BaseRequest, response: web.StreamResponse, live: Live) -> None:
        await response.prepare(request)
        await response.write(HEADER)
        live.bytes_sent = len(HEADER)
        while not live.stopped.is_set():
            piece = b"".join(packets(self._clock.utc(), PACKETS * (RECORD.size + PACKET)))
            await response.write(piece)
            live.bytes_sent += len(piece)
            live.packets_sent += PACKETS
            try:
                async with asyncio.timeout(BEAT):
                    await live.stopped.wait()
            except TimeoutError:
                continue

    async def _live_stop(self, _: Call) -> web.StreamResponse:
        if self.live is not None:
            self.live.stopped.set()
            self.live = None
        return success()

    async def _live_stats(self, _: Call) -> web.StreamResponse:
        live = self.live
        return success(
            {
                "running": live is not None,
                "bytesSent": 0 if live is None else live.bytes_sent,
                "packetsSent": 0 if live is None else live.packets_sent,
            }
        )
