"""The network of a simulator: listening sockets, connections, and ways to interrupt them."""

import asyncio
from collections.abc import Awaitable, Callable
import ctypes
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
import os
from pathlib import Path
import socket
import ssl
import struct
from threading import Thread
import time
from typing import Any, override

from aiohttp import web
from aiohttp.web_protocol import RequestHandler as Protocol
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

type RequestHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

HOST = "127.0.0.1"
# Closing with this option sends RST instead of FIN.
RESET = struct.pack("ii", 1, 0)
# Linux socket options that Python does not name (socket(7)).
SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27


def self_signed(name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Make a self-signed certificate with its key, as PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


class Certificate:
    """The server's TLS context, whose certificate can be replaced while it serves."""

    def __init__(self, name: str) -> None:
        """`name` becomes the common name."""
        self._name = name
        self._contexts: list[ssl.SSLContext] = []
        # All that were ever shown, as PEM with their keys.
        self._made: list[bytes] = []
        self._file: Path | None = None

    def keep(self, file: Path | None) -> None:
        """Keep the newest certificate in a file, and begin with the one that is there; before the first use."""
        self._file = file
        if file is not None and file.exists():
            self._made.append(file.read_bytes())

    @property
    def first(self) -> str:
        """The certificate that was shown first, as PEM."""
        _, begin, rest = self._made[0].decode().partition("-----BEGIN CERTIFICATE-----")
        return begin + rest

    @property
    def context(self) -> ssl.SSLContext:
        """The context, made at the first use."""
        if not self._contexts:
            if not self._made:
                self.renew()
            else:
                self._show(self._made[-1])
        return self._contexts[0]

    def renew(self) -> None:
        """Sign a new certificate; connections made from now on show it."""
        self._made.append(self._certificate())
        if self._file is not None:
            self._file.write_bytes(self._made[-1])
        self._show(self._made[-1])

    def restore(self) -> None:
        """Show the first certificate again, such as when an interception ends."""
        self._show(self._made[0])

    def _show(self, pem: bytes) -> None:
        # Reading files belongs into a thread: Home Assistant's tests watch their event loop for it.
        worker = Thread(target=self._load, args=(pem,))
        worker.start()
        worker.join()

    def _context(self) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def _load(self, pem: bytes) -> None:
        if not self._contexts:
            self._contexts.append(self._context())
            self._contexts[0].set_ecdh_curve("X25519")  # without OpenSSL's post-quantum exchange, which no device has
        # OpenSSL reads files only; this one is in memory.
        with os.fdopen(os.memfd_create("server.pem"), "wb", buffering=0) as file:
            file.write(pem)
            self._contexts[0].load_cert_chain(f"/proc/self/fd/{file.fileno()}")

    def _certificate(self) -> bytes:
        return self_signed(self._name, ec.generate_private_key(ec.SECP256R1()))


class Wire(asyncio.Transport):
    """Transport of one connection that can delay bytes or drop them silently."""

    def __init__(self, transport: asyncio.Transport, path: Way) -> None:
        """Wrap a transport; ``path`` determines what happens to its bytes."""
        super().__init__()
        self._transport = transport
        self._path = path
        self._heard_at = time.monotonic()
        self._lost = False

    def passes(self) -> bool:
        """Return whether bytes still arrive; after too long a silence, the connection is lost."""
        now = time.monotonic()
        self._lost = self._lost or (self._path.idle is not None and now - self._heard_at > self._path.idle)
        self._heard_at = now
        return not self._lost

    def lose(self) -> None:
        """Drop all further bytes in both directions silently."""
        self._lost = True

    def go_dark(self) -> None:
        """Drop all bytes and acknowledge none, like a device without power."""
        self._lost = True
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            go_dark(sock)

    @override
    def write(self, data: Any) -> None:
        if not self.passes():
            return
        if self._path.held:
            asyncio.get_running_loop().call_later(self._path.held, self._arrive, bytes(data))
        else:
            self._transport.write(data)

    def _arrive(self, data: bytes) -> None:
        if not self._lost and not self._transport.is_closing():
            self._transport.write(data)

    @override
    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    @override
    def close(self) -> None:
        if self._lost:
            return  # its end would be reported
        if self._path.held:
            asyncio.get_running_loop().call_later(self._path.held, self._transport.close)
        else:
            self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()


class Way:
    """Faults of the network, and the connections that they affect.

    Attributes:
        idle: Seconds without a byte after which a connection is dropped silently; None for never.
        held: Seconds by which everything that the device sends is delayed.
    """

    def __init__(self) -> None:
        """Start without faults."""
        self.idle: float | None = None
        self.held = 0.0
        self.wires: dict[Protocol, Wire] = {}


class Line(Protocol):
    """Server side of a connection through a ``Wire``."""

    __slots__ = ("_path", "_wire")

    def __init__(self, server: web.Server, path: Way, **settings: Any) -> None:
        """Accept a connection over ``path``."""
        super().__init__(server, **settings)
        self._path = path
        self._wire: Wire | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = self._path.wires[self] = Wire(transport, self._path)
        super().connection_made(self._wire)

    @override
    def data_received(self, data: bytes) -> None:
        if not data or self._wire is None or self._wire.passes():
            super().data_received(data)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self._path.wires.pop(self, None)
        super().connection_lost(exc)


class WiredServer(web.Server):
    """HTTP server whose connections lead over a ``Way``."""

    def __init__(self, handler: RequestHandler, path: Way, **settings: Any) -> None:
        """Answer requests with ``handler``."""
        super().__init__(handler, **settings)
        self._path = path

    @override
    def __call__(self) -> Protocol:
        return Line(self, self._path, loop=self._loop, **self._kwargs)


class Listener:
    """One address; while it is down, a bound socket keeps the port and connections are refused."""

    def __init__(self, port: int, certificate: Certificate | None) -> None:
        """Reserve the port; 0: any free port."""
        self._place = self._bind(port)
        self.port: int = self._place.getsockname()[1]
        self._certificate = certificate
        self._server: asyncio.Server | None = None
        self._dark = False

    @staticmethod
    def _bind(port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        return sock

    @property
    def is_open(self) -> bool:
        """Return whether connections are accepted."""
        return self._server is not None and not self._dark

    async def open(self, server: web.Server) -> None:
        """Accept connections."""
        await _rounds()
        if self._dark and self._server is not None:
            for listening in self._server.sockets:
                listening.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        self._dark = False
        if self._server is None:
            context = None if self._certificate is None else self._certificate.context
            sock = self._bind(self.port)
            self._server = await asyncio.get_running_loop().create_server(server, sock=sock, ssl=context, backlog=128)

    def close(self) -> None:
        """Refuse connections, and close the existing ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        loop = asyncio.get_running_loop()
        for sock in server.sockets:
            loop.remove_reader(sock.fileno())
        server.abort_clients()
        # asyncio forgets to close a connection whose server is closed between its accept and its first round.
        loop.call_soon(loop.call_soon, loop.call_soon, _end, server)

    def moved(self) -> Listener:
        """Return the same at another port."""
        return Listener(0, self._certificate)

    def go_dark(self) -> None:
        """Do not answer new connections; the existing ones stay."""
        for sock in () if self._server is None else self._server.sockets:
            go_dark(sock)
        self._dark = True

    def ignore(self) -> None:
        """Refuse new connections; the existing ones stay."""
        if self._server is not None:
            server, self._server = self._server, None
            for sock in server.sockets:
                asyncio.get_running_loop().remove_reader(sock.fileno())
            server.close()

    def release(self) -> None:
        """Release the port."""
        self.close()
        self._place.close()


class Network:
    """The listeners and every connection on them."""

    def __init__(self, handler: RequestHandler, name: str, certificate: Certificate | None = None) -> None:
        """`handler` answers a request, `name` is written into the certificate unless there is a special one."""
        self.certificate = certificate or Certificate(name)
        self._handler = handler
        self._listeners: list[Listener] = []
        # Those at addresses from before.
        self._left: list[Listener] = []
        self._server: web.Server | None = None
        self._connecting = asyncio.Lock()
        self.way = Way()

    @property
    def up(self) -> bool:
        """Return whether the network is connected and the device listens."""
        return all(listener.is_open for listener in self._listeners)

    def address(self, index: int) -> str:
        """Return host and port of a listener, in the order of `start`."""
        return f"{HOST}:{self._listeners[index].port}"

    def port(self, index: int) -> int:
        """Return the port of a listener."""
        return self._listeners[index].port

    async def start(self, *doors: tuple[int, bool]) -> None:
        """Listen on ports, each a number (0: any) and whether it uses TLS."""
        # Each request is read to its end, so none lingers.
        self._server = WiredServer(self._handler, self.way, access_log=None, lingering_time=0)
        self._listeners = [Listener(port, self.certificate if tls else None) for port, tls in doors]
        await self.connect()

    async def connect(self) -> None:
        """Plug the cable in."""
        async with self._connecting:
            if self._server is not None:
                for listener in self._listeners:
                    await listener.open(self._server)

    async def move(self) -> None:
        """Listen on other ports; the old ones stay taken, and refuse connections."""
        self._left += self._listeners
        self._listeners = [listener.moved() for listener in self._listeners]
        await self.connect()

    def cut(self) -> None:
        """Pull the cable: every connection is reset, new ones are refused."""
        self.reset_all()
        for listener in self._listeners:
            listener.close()

    def cut_silently(self) -> None:
        """Pull the cable: existing connections drop all bytes, new ones are refused."""
        for wire in self.way.wires.values():
            wire.lose()
        for listener in self._listeners:
            listener.ignore()

    def cut_power(self) -> None:
        """Switch the device off: no packet is answered, not even by its network stack."""
        for wire in self.way.wires.values():
            wire.go_dark()
        for listener in self._listeners:
            listener.go_dark()

    def reset_all(self) -> None:
        """Reset every connection."""
        for connection in [] if self._server is None else self._server.connections:
            if connection.transport is not None:
                reset(connection.transport)

    async def stop(self) -> None:
        """Close everything."""
        self.cut()
        if self._server is not None:
            await self._server.shutdown(0)
            self._server = None
        for listener in (*self._listeners, *self._left):
            listener.release()
        # Aborted transports report their end in the next rounds of the loop.
        await _rounds()


def go_dark(sock: Any) -> None:
    """Drop every packet for a socket before its TCP sees it: nothing is acknowledged, nothing refused."""
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # classic BPF: keep 0 bytes
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(drop)))


def _end(server: asyncio.Server) -> None:
    server.close()
    server.abort_clients()


async def _rounds() -> None:
    """Let the loop finish closing connections."""
    for _ in range(6):
        await asyncio.sleep(0)


def reset(transport: asyncio.BaseTransport) -> None:
    """Reset one connection."""
    # A TLS transport that was closed twice has no peer left to ask.
    sock = None if transport.is_closing() else transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    if isinstance(transport, asyncio.Transport):
        transport.abort()
