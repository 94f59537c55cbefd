"""The connection over which messages come: login, messages, acknowledgements, heartbeats (MCS, version 41)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from firebase_messaging.proto.mcs_pb2 import (
    Close,
    DataMessageStanza,
    HeartbeatAck,
    HeartbeatPing,
    IqStanza,
    LoginRequest,
    LoginResponse,
    SelectiveAck,
)

from .registry import Device

VERSION = 41
TAGS: dict[type[Any], int] = {
    HeartbeatPing: 0,
    HeartbeatAck: 1,
    LoginRequest: 2,
    LoginResponse: 3,
    Close: 4,
    IqStanza: 7,
    DataMessageStanza: 8,
}
KINDS = {tag: kind for kind, tag in TAGS.items()}
SELECTIVE_ACK = 12
UNAUTHORIZED = 401


class Connection:
    """One connection; `device` is whose it is once it has logged in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Nothing is said yet."""
        self.device: Device | None = None
        self.writer = writer
        self._reader = reader
        self._begun = False

    async def serve(self, login: Callable[[LoginRequest], Device | None], *, mute: Callable[[], bool]) -> None:
        """Speak until either side has enough."""
        await self._reader.readexactly(1)  # the version
        while True:
            asked = await self._receive()
            if isinstance(asked, LoginRequest):
                if mute():
                    continue
                self.device = login(asked)
                if self.device is None:
                    refused = LoginResponse(id=asked.id)
                    refused.error.code = UNAUTHORIZED
                    refused.error.message = "Authentication failed"
                    self.send(refused)
                    return
                self.send(LoginResponse(id=asked.id, stream_id=1))
                self.deliver()
            elif isinstance(asked, HeartbeatPing):
                self.send(HeartbeatAck())
            elif isinstance(asked, IqStanza) and asked.extension.id == SELECTIVE_ACK:
                self._acknowledge(set(SelectiveAck.FromString(asked.extension.data).id))

    def deliver(self) -> None:
        """Send what waits."""
        for message in [] if self.device is None else self.device.messages:
            if not message.acknowledged:
                message.sent += 1
                self.send(message.stanza)

    def send(self, what: Any) -> None:
        """Send one message."""
        payload = what.SerializeToString()
        head = bytes([TAGS[type(what)]]) + varint(len(payload))
        self.writer.write((b"" if self._begun else bytes([VERSION])) + head + payload)
        self._begun = True

    def _acknowledge(self, numbers: set[str]) -> None:
        for message in [] if self.device is None else self.device.messages:
            message.acknowledged |= message.id in numbers

    async def _receive(self) -> Any:
        [tag] = await self._reader.readexactly(1)
        size = shift = 0
        while True:
            [byte] = await self._reader.readexactly(1)
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return KINDS[tag].FromString(await self._reader.readexactly(size))


def varint(number: int) -> bytes:
    """Write a number as protocol buffers do."""
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(found) + bytes([number])


class Mcs:
    """The listening side."""

    def __init__(self, login: Callable[[LoginRequest], Device | None]) -> None:
        """`login` identifies the device, None for an unknown one."""
        self.connections: list[Connection] = []
        # So many logins were answered; where it is mute, none is.
        self.logins = 0
        self.mute = False
        self._login = login
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        task = asyncio.get_running_loop().create_task(self._serve(Connection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all of it."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _count(self, asked: LoginRequest) -> Device | None:
        device = self._login(asked)
        self.logins += 1
        return device

    async def _serve(self, connection: Connection) -> None:
        self.connections.append(connection)
        try:
            with suppress(OSError, EOFError):
                await connection.serve(self._count, mute=lambda: self.mute)
                await connection.writer.drain()
        finally:
            self.connections.remove(connection)
            connection.writer.close()
            with suppress(OSError):
                await connection.writer.wait_closed()
