"""UDP, TCP, and TLS for SIP, with one peer only (RFC 3261, 18; RFC 3581; RFC 5923).

What comes from any other address is counted and gets no answer.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
import logging
import socket
from ssl import SSLContext, create_default_context
from typing import Final, Protocol, override

from .errors import CallFailed, SipError
from .sip_messages import Request, Response, StreamParser, parse_message
from .tasks import TaskSet

_LOGGER = logging.getLogger(__name__)

# Seconds to connect, and what a peer may leave unread and keep open.
_CONNECT_TIMEOUT: Final = 10.0
_MOST_UNSENT: Final = 262_144
_MOST_CONNECTIONS: Final = 16


class Transport(StrEnum):
    """The transport protocols of SIP; the values are those of the URI parameter."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class SipPeer:
    """The device or server to talk to, and the only one that gets answers."""

    host: str
    port: int = 5060
    transport: Transport = Transport.UDP


class Flow(Protocol):
    """A way to the peer: where a message came from, or where one is to go."""

    @property
    def reliable(self) -> bool:
        """The transport repeats what is lost."""
        ...

    @property
    def accepted(self) -> bool:
        """The peer opened the connection."""
        ...

    @property
    def lost(self) -> bool:
        """The connection has ended."""
        ...

    def send(self, data: bytes) -> None:
        """Send a message; failures are reported as a lost flow."""
        ...


type OnMessage = Callable[[Request | Response, Flow, tuple[str, int]], None]
type OnLost = Callable[[Flow], None]


class SipTransport(ABC):
    """The sockets of one agent."""

    reliable: bool

    def __init__(self, peer: SipPeer, on_message: OnMessage, on_lost: OnLost) -> None:
        self.peer = peer
        self.host = ""
        self.port = 0
        # Packets and connections from other addresses.
        self.ignored = 0
        self._on_message = on_message
        self._on_lost = on_lost
        self._addresses: frozenset[str] = frozenset()
        self._address = ""

    async def open(self, host: str | None, port: int) -> None:
        """Resolve the peer, find the address that faces it, and listen; raises CallFailed."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.peer.host, self.peer.port, type=socket.SOCK_DGRAM)
            addresses = [str(entry[4][0]) for entry in found]
            self._addresses = frozenset(addresses)
            self._address = addresses[0]
            self.host = host or _facing(self._address, self.peer.port)
            self.port = port
            await self._listen()
        except OSError as err:
            raise CallFailed(f"SIP cannot start: {err}", "not_started") from err

    def is_peer(self, host: str) -> bool:
        """Detect whether an address is the peer's; any other is counted."""
        if host in self._addresses:
            return True
        self.ignored += 1
        _LOGGER.debug("SIP from %s ignored: the peer is %s", host, self.peer.host)
        return False

    @property
    def address(self) -> str:
        """The address of the peer."""
        return self._address

    @abstractmethod
    async def _listen(self) -> None:
        """Open the socket."""

    @abstractmethod
    def flow(self, port: int | None = None) -> Flow:
        """Return a way to a port of the peer, by default the one of its configuration."""

    @abstractmethod
    def close(self) -> None:
        """Close all sockets."""


def _facing(address: str, port: int) -> str:
    """Return the local address that packets to an address are sent from."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, port))
        return str(probe.getsockname()[0])


# ---- UDP ----


@dataclass(frozen=True, slots=True)
class _UdpFlow:
    transport: asyncio.DatagramTransport
    address: tuple[str, int]
    reliable: bool = False
    accepted: bool = False
    lost: bool = False

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(data, self.address)


class UdpSipTransport(SipTransport, asyncio.DatagramProtocol):
    """One UDP socket, also for all responses."""

    reliable = False
    _socket: asyncio.DatagramTransport | None = None

    @override
    async def _listen(self) -> None:
        self._socket, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(self.host, self.port)
        )
        self.port = self._socket.get_extra_info("sockname")[1]

    @override
    def flow(self, port: int | None = None) -> Flow:
        if self._socket is None:
            raise CallFailed("SIP is not started")
        return _UdpFlow(self._socket, (self._address, port or self.peer.port))

    @override
    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._socket is None or self._socket.is_closing():
            return
        if not self.is_peer(addr[0]) or not data.strip(b"\r\n\0"):
            return
        try:
            message = parse_message(data)
        except SipError as err:
            _LOGGER.debug("SIP message of %s dropped: %s", addr[0], err)
            return
        port = addr[1]
        if isinstance(message, Request):
            # Responses go to where the request came from only if it says so (RFC 3581, 4).
            with suppress(SipError):
                via = message.via
                if not any(name == "rport" for name, _ in via.parameters):
                    port = via.port or 5060
        self._on_message(message, self.flow(port), (addr[0], addr[1]))

    @override
    def error_received(self, exc: Exception) -> None:
        _LOGGER.debug("SIP port %d: %s", self.port, exc)


# ---- TCP and TLS ----


class _Connection(asyncio.Protocol):
    """A connection with the peer, opened by either side."""

    reliable = True

    def __init__(self, owner: StreamSipTransport, port: int) -> None:
        self.port = port
        # The other side opened it.
        self.accepted = False
        self.lost = False
        self._owner = owner
        self._parser = StreamParser()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._source = ("", 0)

    def send(self, data: bytes) -> None:
        """Send now, or once the connection is established."""
        if self.lost:
            self._owner.lose(self)
        elif self._transport is None:
            self._waiting.append(data)
            if len(self._waiting) > _MOST_CONNECTIONS * 4:
                self.abort()
        elif self._transport.get_write_buffer_size() > _MOST_UNSENT:
            _LOGGER.debug("SIP connection dropped: %s reads nothing", self._source[0])
            self.abort()
        else:
            self._transport.write(data)

    def abort(self) -> None:
        """Close without delay."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()
        else:
            self._owner.lose(self)

    def finish(self) -> None:
        """Close once all is sent."""
        self.lost = True
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        address = transport.get_extra_info("peername")
        self._source = (str(address[0]), int(address[1])) if address else ("", 0)
        self._transport = transport
        if self.lost or not self._owner.adopt(self, self._source[0]):
            self.lost = True
            transport.abort()
            return
        for data in self._waiting:
            transport.write(data)
        self._waiting.clear()

    @override
    def data_received(self, data: bytes) -> None:
        if self.lost:
            return
        try:
            for message in self._parser.feed(data):
                self._owner.deliver(message, self, self._source)
        except SipError as err:
            _LOGGER.debug("SIP connection of %s dropped: %s", self._source[0], err)
            self.abort()
            return
        if self._parser.pings:
            self._parser.pings = 0
            self.send(b"\r\n")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._owner.lose(self)


class StreamSipTransport(SipTransport):
    """TCP or TLS: a connection that is opened when needed, and those that the peer opens.

    Over TLS there is no server, because it would need a certificate: the peer uses the open connection.
    """

    reliable = True

    def __init__(self, peer: SipPeer, on_message: OnMessage, on_lost: OnLost, ssl: SSLContext | None) -> None:
        super().__init__(peer, on_message, on_lost)
        self._ssl = ssl
        self._server: asyncio.Server | None = None
        self._connections: list[_Connection] = []
        self._connecting = TaskSet()
        self._closed = False

    @override
    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self.peer.transport is Transport.TLS:
            # It reads certificates from disk.
            self._ssl = self._ssl or await loop.run_in_executor(None, create_default_context)
            self.port = self.port or 5061
            return
        self._server = await loop.create_server(self._accepted, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _accepted(self) -> _Connection:
        connection = _Connection(self, 0)
        connection.accepted = True
        return connection

    @override
    def flow(self, port: int | None = None) -> Flow:
        port = port or self.peer.port
        usable = [connection for connection in self._connections if not connection.lost]
        for connection in usable:
            if connection.port == port:
                return connection
        if self.peer.transport is Transport.TLS and usable:
            return usable[0]
        connection = _Connection(self, port)
        self._connections.append(connection)
        self._connecting.start(self._connect(connection))
        return connection

    async def _connect(self, connection: _Connection) -> None:
        ssl = self._ssl if self.peer.transport is Transport.TLS else None
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    self._address,
                    connection.port,
                    ssl=ssl,
                    server_hostname=self.peer.host if ssl else None,
                )
        except OSError as err:
            # TimeoutError and SSLError are OSErrors, too.
            _LOGGER.debug("SIP connection to %s port %d failed: %s", self.peer.host, connection.port, err)
            connection.lost = True
            self.lose(connection)

    def adopt(self, connection: _Connection, host: str) -> bool:
        """Decide whether a new connection stays."""
        if self._closed or not self.is_peer(host):
            return False
        if connection.accepted:
            if len(self._connections) >= _MOST_CONNECTIONS:
                _LOGGER.debug("SIP connection of %s refused: too many", host)
                return False
            self._connections.append(connection)
        return True

    def deliver(self, message: Request | Response, connection: _Connection, source: tuple[str, int]) -> None:
        """Hand on a message."""
        self._on_message(message, connection, source)

    def lose(self, connection: _Connection) -> None:
        """Forget a connection."""
        if connection in self._connections:
            self._connections.remove(connection)
        if not self._closed:
            self._on_lost(connection)

    @override
    def close(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()
        self._connecting.stop()
        for connection in list(self._connections):
            connection.finish()
        self._connections.clear()


def make_transport(peer: SipPeer, on_message: OnMessage, on_lost: OnLost, ssl: SSLContext | None) -> SipTransport:
    """Return the transport of a peer."""
    if peer.transport is Transport.UDP:
        return UdpSipTransport(peer, on_message, on_lost)
    return StreamSipTransport(peer, on_message, on_lost, ssl)
