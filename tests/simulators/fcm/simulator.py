"""Google on 127.0.0.1: the registry over HTTP, messages over TLS, and a push service that an operator asks."""

import asyncio
import contextlib
from itertools import count
import json
from pathlib import Path
import socket
import ssl
import tempfile
from typing import Any, Self

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from firebase_messaging.proto.mcs_pb2 import Close, DataMessageStanza, LoginRequest

from tests.simulators.common.network import HOST, Network, reset, self_signed

from .mcs import Mcs
from .messages import Message, Spoilt, deleted, stanza
from .registry import SENDER, Device, Registration, Registry

SEND = "/send"
LARGEST = 4096


class Simulator:
    """Google's side; `folder` is where its certificate is written, for clients that should trust it."""

    def __init__(self) -> None:
        """It listens from `start` on."""
        self.registry = Registry()
        self.mcs = Mcs(self._login)
        self.certificate = Path()
        self._folder = tempfile.TemporaryDirectory()
        self._network = Network(self._respond, "Google")
        self._numbers = count(1)
        self._context: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        """Start."""
        await asyncio.to_thread(self._certify)
        await self._network.start((0, False))
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.shut()
        await self._network.stop()
        await asyncio.to_thread(self._folder.cleanup)

    def _certify(self) -> None:
        self.certificate = Path(self._folder.name, "google.pem")
        self.certificate.write_bytes(self_signed("Google", ec.generate_private_key(ec.SECP256R1())))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate)

    # ---- Where it is ----

    @property
    def url(self) -> str:
        """The registry."""
        return f"http://{self._network.address(0)}"

    @property
    def send_url(self) -> str:
        """Where an operator's server asks to have something pushed: JSON with a `token`."""
        return f"{self.url}{SEND}"

    @property
    def mcs_address(self) -> tuple[str, int]:
        """Where messages come from."""
        return HOST, self._port

    # ---- What comes in ----

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != SEND:
            return await self.registry.respond(request)
        asked = json.loads(await request.read())
        if asked.pop("token") not in self.registry.registrations:
            return web.Response(text="ERR:broken")
        self.push(json.dumps({"data": asked["data"], "from": SENDER, "priority": "high"}).encode())
        return web.Response(text="OK")

    def _login(self, asked: LoginRequest) -> Device | None:
        device = self.registry.devices.get(int(asked.user))
        if device is None or str(device.security_token) != asked.auth_token:
            return None
        for message in device.messages:
            message.acknowledged |= message.id in asked.received_persistent_id
        return device

    # ---- What goes out ----

    @property
    def registration(self) -> Registration:
        """The newest registration."""
        return list(self.registry.registrations.values())[-1]

    def push(self, data: bytes | dict[str, Any], spoilt: Spoilt = Spoilt.NOT) -> Message:
        """Send something to the newest registration."""
        whole = data if isinstance(data, bytes) else json.dumps(data).encode()
        if len(whole) > LARGEST:
            raise ValueError("too long for a push")
        to, number = self.registration, f"0:{next(self._numbers)}%message"
        return self._send(stanza(number, to.subtype, to.keys, whole, SENDER, spoilt))

    def push_deleted(self) -> Message:
        """Tell the newest registration that messages were thrown away."""
        return self._send(deleted(f"0:{next(self._numbers)}%deleted", SENDER))

    def _send(self, content: DataMessageStanza) -> Message:
        device = self.registration.device
        message = Message(content.persistent_id, content)
        device.messages.append(message)
        for connection in self.mcs.connections:
            if connection.device is device:
                message.sent += 1
                connection.send(content)
        return message

    # ---- What goes wrong ----

    def say_close(self) -> None:
        """Tell all devices to reconnect."""
        for connection in self.mcs.connections:
            connection.send(Close())

    def break_connections(self) -> None:
        """Reset every connection; who comes again is welcome."""
        for connection in self.mcs.connections:
            reset(connection.writer.transport)

    async def shut(self) -> None:
        """Refuse connections for messages."""
        if self._server is not None:
            self._server.close()
            self.break_connections()
            await self.mcs.stop()
            self._server = None

    async def open(self) -> None:
        """Take connections for messages."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((HOST, self._port))
            stack.pop_all()
        self._port = sock.getsockname()[1]
        self._server = await asyncio.start_server(self.mcs.handle, sock=sock, ssl=self._context)
