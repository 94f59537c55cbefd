"""A stand-in for go2rtc 1.9.14 as the client of an RTSP server.

Written from what the real one does (its RTSP requests recorded, WebRTC clients with and without a microphone):

- It begins with DESCRIBE, without OPTIONS, with ``Require: www.onvif.org/ver20/backchannel`` in each session. If that
  fails, it connects again and describes without ``Require``.
- It sets up only the tracks that a consumer wants, video and sound to watch; the backchannel only for a consumer that
  sends a microphone, before the sound. Channels are twice the number of the track in the description.
- PLAY is not awaited. Until a response follows it, no microphone packet is sent.
- A consumer that wants another track while the stream plays makes it tear down without waiting, connect again,
  describe, set up the tracks of before and the new one, and play.
- A refused SETUP of the backchannel makes it tear down, connect again, describe without ``Require``, set up the tracks
  to watch, and play; it asks for the backchannel no more until all consumers have left.
- When the consumer with the microphone leaves and another one still watches, the session stays as it is: only the
  packets of the microphone end. A later microphone continues on the same track, with another SSRC.
- OPTIONS with the session five seconds before the timeout of the server, or each 25 s.
- It gives up after five seconds without data, and connects again.
- PCMU and PCMA of the microphone come in packets of 1024 samples (seen in 1.9.14), or as the browser sends them.
"""

import asyncio
from contextlib import suppress
import re
import struct
from typing import Self

SILENT = 5.0


class Go2rtc:
    """One stream of go2rtc.

    Attributes:
        requests: Methods and tracks that were asked for, over all connections.
        heard: RTP and RTCP packets by channel, of the present connection.
        responses: Status codes, over all connections.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[str] = []
        self.responses: list[int] = []
        self.heard: dict[int, list[bytes]] = {}
        self.description = ""
        self.connections = 0
        self.backchannel = True
        self._wanted: list[int] = []
        self._base = url
        self._session = ""
        self._timeout = 30
        self._sequence = 0
        self._play_ok = asyncio.Event()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._said = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ---- What consumers do ----

    async def watch(self, *, sound: bool = True) -> None:
        """A consumer without a microphone."""
        await self._connect()
        await self._want(
            [index for index, (kind, way, _) in enumerate(self._media()) if way != "sendonly"][: 1 + sound]
        )

    async def talk(self) -> None:
        """A consumer with a microphone: a new one, or the one that watched before."""
        if not self._wanted:
            await self._connect()
        video, sound, microphone = 0, 1, self.track_of("sendonly")
        new = [track for track in (video, microphone, sound) if track not in self._wanted]
        if self._playing:
            await self._disconnect()
            await self._connect()
            await self._restore()
        await self._want(new)

    async def say(self, payload: bytes, *, ssrc: int = 0x4D494300, payload_type: int = 0) -> None:
        """Send one packet of the microphone."""
        async with asyncio.timeout(5):
            await self._play_ok.wait()
        track = self.track_of("sendonly")
        self._said += 1
        header = struct.pack("!BBHII", 0x80, 0x80 | payload_type, self._said & 0xFFFF, self._said * len(payload), ssrc)
        packet = header + payload
        assert self._writer is not None
        self._writer.write(struct.pack("!cBH", b"$", 2 * track, len(packet)) + packet)

    async def close(self) -> None:
        """All consumers leave."""
        await self._disconnect()
        self._wanted.clear()
        self.backchannel = True

    async def vanish(self) -> None:
        """The process is killed."""
        if self._writer is not None:
            self._writer.transport.abort()
        await self._disconnect()

    def track_of(self, way: str, kind: str = "audio") -> int:
        """Return the number of the first track of a direction and kind."""
        return next(
            index for index, (is_kind, is_way, _) in enumerate(self._media()) if (is_kind, is_way) == (kind, way)
        )

    # ---- RTSP ----

    @property
    def _playing(self) -> bool:
        return bool(self._tasks)

    def _media(self) -> list[tuple[str, str, str]]:
        """Return kind, direction, and control of each medium."""
        found = []
        for part in self.description.split("\r\nm=")[1:]:
            way = re.search(r"^a=(sendonly|recvonly|sendrecv)\r?$", part, re.MULTILINE)
            control = re.search(r"^a=control:(\S+)\r?$", part, re.MULTILINE)
            assert control is not None
            found.append((part.split()[0], way[1] if way else "recvonly", control[1]))
        return found

    async def _connect(self) -> None:
        await self._dial()
        status, head, body = await self._describe()
        if status != 200 and self.backchannel:
            self.backchannel = False
            await self._dial()
            status, head, body = await self._describe()
        if status != 200:
            await self._disconnect()
            raise ConnectionError(f"wrong response on DESCRIBE: {status}")
        self._base = head.get("content-base", self.url)
        self.description = body.decode()

    async def _dial(self) -> None:
        if self._writer is not None:
            self._writer.close()
        host, port = re.findall(r"rtsp://([^:/]+):(\d+)", self.url)[0]
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self.connections += 1
        self._base, self._session, self._sequence = self.url, "", 0
        self._play_ok.clear()
        self.heard = {}

    async def _describe(self) -> tuple[int, dict[str, str], bytes]:
        headers = {"Accept": "application/sdp", "User-Agent": "go2rtc/1.9.14"}
        if self.backchannel:
            headers["Require"] = "www.onvif.org/ver20/backchannel"
        return await self._ask("DESCRIBE", self._base, headers)

    async def _want(self, tracks: list[int]) -> None:
        for track in tracks:
            if not await self._setup(track):
                # Refused: all over again, without the backchannel.
                self.backchannel = False
                await self._disconnect()
                await self._connect()
                await self._restore()
                continue
            self._wanted.append(track)
        self._send("PLAY", self._base, {})
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]

    async def _restore(self) -> None:
        for track in self._wanted:
            assert await self._setup(track)

    async def _setup(self, track: int) -> bool:
        _, _, control = self._media()[track]
        address = control if "://" in control else f"{self._base.rstrip('/')}/{control}"
        channels = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
        status, head, _ = await self._ask("SETUP", address, {"Transport": channels})
        if status != 200:
            return False
        assert re.search(r"interleaved=(\d+)-", head["transport"])
        self._session, _, timeout = head["session"].partition(";timeout=")
        self._timeout = int(timeout) if timeout else 30
        return True

    async def _disconnect(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                await task
        self._tasks = []
        if self._writer is not None:
            if not self._writer.is_closing():
                self._send("TEARDOWN", self._base, {})
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()
        self._writer = None

    async def _ask(self, method: str, address: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self._send(method, address, headers)
        async with asyncio.timeout(5):
            return await self._response()

    def _send(self, method: str, address: str, headers: dict[str, str]) -> None:
        track = address.rpartition("/")[2]
        self.requests.append(f"{method} {track}" if method == "SETUP" else method)
        self._sequence += 1
        headers = {**headers, "CSeq": str(self._sequence)}
        if self._session:
            headers["Session"] = self._session
        lines = [f"{method} {address} RTSP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
        assert self._writer is not None
        self._writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())

    async def _response(self) -> tuple[int, dict[str, str], bytes]:
        assert self._reader is not None
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        status = int(first.split()[1])
        self.responses.append(status)
        head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(head.get("content-length", "0")))
        return status, head, body

    async def _read(self) -> None:
        """Read packets and responses until nothing comes for five seconds."""
        assert self._reader is not None and self._writer is not None
        while True:
            async with asyncio.timeout(SILENT):
                first = await self._reader.readexactly(1)
                if first == b"$":
                    channel, size = struct.unpack("!BH", await self._reader.readexactly(3))
                    self.heard.setdefault(channel, []).append(await self._reader.readexactly(size))
                    continue
                rest = await self._reader.readuntil(b"\r\n\r\n")
                assert (first + rest).startswith(b"RTSP/1.0 ")
                self.responses.append(int(rest.split()[1]))
                self._play_ok.set()

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._timeout - 5 if self._timeout > 5 else 25)
            self._send("OPTIONS", self._base, {})
