"""A SIP telephone for tests: raw sockets and text, written from RFC 3261 without the code under test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
import hashlib
import socket
from ssl import SSLContext
from typing import Self, override

HOST = "127.0.0.1"
# Seconds on the shared clock; nothing that is expected takes longer.
PATIENCE = 400.0
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "k": "supported"}


@dataclass(frozen=True)
class Heard:
    """A message that the telephone received."""

    start: str
    fields: Mapping[str, list[str]]
    body: str
    address: tuple[str, int]

    @classmethod
    def parse(cls, data: bytes, address: tuple[str, int]) -> Self:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        fields: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            fields.setdefault(COMPACT.get(name, name.lower()), []).append(value)
        return cls(start, fields, body, address)

    @property
    def what(self) -> str:
        """The method, or the status."""
        first, second = self.start.split(" ")[:2]
        return second if first == "SIP/2.0" else first

    def __getitem__(self, name: str) -> str:
        return self.fields[name][0]

    def get(self, name: str) -> str | None:
        return self.fields.get(name, [None])[0]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1]

    @property
    def branch(self) -> str:
        return self["via"].split("branch=")[1].split(";")[0]

    @property
    def number(self) -> int:
        return int(self["cseq"].split(" ")[0])

    @property
    def port(self) -> int:
        """Port of the first medium in the description."""
        return int(self.body.split("m=audio ")[1].split(" ")[0])

    def tag(self, name: str) -> str:
        return self[name].split(";tag=")[1].split(";")[0]


class _Line:
    """What UDP and TCP share: a queue of messages."""

    name = "UDP"

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Heard] = asyncio.Queue()
        self.heard: list[Heard] = []
        # Decide whether a packet is lost on its way to or from the telephone.
        self.loses: Callable[[bytes], bool] = lambda data: False
        # Answers a check whether the telephone is still there.
        self.on_check: Callable[[Heard], None] | None = None
        self.pings = 0

    def take(self, data: bytes, address: tuple[str, int]) -> None:
        if not data.strip():
            self.pings += 1
        elif not self.loses(data):
            message = Heard.parse(data, address)
            if self.on_check is not None and message.what == "OPTIONS" and ";tag=" in message["to"]:
                self.on_check(message)
                return
            self.heard.append(message)
            self.queue.put_nowait(message)

    def put(self, data: bytes, address: tuple[str, int]) -> None:
        raise NotImplementedError


class UdpLine(_Line, asyncio.DatagramProtocol):
    def __init__(self) -> None:
        super().__init__()
        self.transport: asyncio.DatagramTransport | None = None
        self.port = 0

    async def open(self, host: str = HOST, port: int = 0) -> Self:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    def close(self) -> None:
        assert self.transport is not None
        self.transport.close()

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.take(data, addr)

    @override
    def put(self, data: bytes, address: tuple[str, int]) -> None:
        assert self.transport is not None
        if not self.loses(data):
            self.transport.sendto(data, address)


class TcpLine(_Line):
    """Accepts connections, and can open one."""

    name = "TCP"

    def __init__(self, ssl: SSLContext | None = None) -> None:
        super().__init__()
        self.ssl = ssl
        self.name = "TLS" if ssl else "TCP"
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.server: asyncio.Server | None = None
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, host: str = HOST) -> Self:
        self.server = await asyncio.start_server(self._serve, host, 0, ssl=self.ssl)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def connect(self, address: tuple[str, int], host: str = HOST) -> None:
        reader, writer = await asyncio.open_connection(*address, local_addr=(host, 0))
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        buffer = b""
        address = writer.get_extra_info("peername")
        try:
            while data := await reader.read(4096):
                buffer += data
                while b"\r\n\r\n" in buffer:
                    if buffer.startswith(b"\r\n"):
                        self.pings += 1
                        buffer = buffer.lstrip(b"\r\n")
                        continue
                    head, _, rest = buffer.partition(b"\r\n\r\n")
                    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                    if len(rest) < length:
                        break
                    self.take(head + b"\r\n\r\n" + rest[:length], address)
                    buffer = rest[length:]
                if buffer == b"\r\n":
                    self.pings += 1
                    buffer = b""
        except ConnectionError:
            pass
        finally:
            self.writers.remove(writer)
            writer.close()

    def cut(self) -> None:
        """Lose all connections."""
        for writer in list(self.writers):
            writer.transport.abort()

    def close(self) -> None:
        assert self.server is not None
        self.server.close()
        self.cut()

    @override
    def put(self, data: bytes, address: tuple[str, int]) -> None:
        self.writers[-1].write(data)


def description(port: int, formats: str = "0 8 101", host: str = HOST, *lines: str, more: str = "") -> str:
    """Return a session description with audio; ``lines`` are attributes of the audio."""
    described = "".join(f"a={line}\r\n" for line in lines)
    event = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n" if "101" in formats else ""
    return (
        f"v=0\r\no=door 1 1 IN IP4 {host}\r\ns=call\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {formats}\r\n{event}{described}{more}"
    )


class Telephone:
    """Speaks SIP over a line."""

    def __init__(self, line: UdpLine | TcpLine) -> None:
        self.line = line
        self.tag = "door1"
        self.agent: tuple[str, int] = ("", 0)
        self.numbers = 100
        # Number of checks of an established call, and the status with which they are answered; None for no response.
        self.checks = 0
        self.check_status: str | None = "200 OK"
        line.on_check = self._check

    @property
    def port(self) -> int:
        return self.line.port

    @property
    def contact(self) -> str:
        suffix = "" if self.line.name == "UDP" else f";transport={self.line.name.lower()}"
        return f"<sip:door@{HOST}:{self.port}{suffix}>"

    async def next(self) -> Heard:
        async with asyncio.timeout(PATIENCE):
            return await self.line.queue.get()

    async def expect(self, what: str) -> Heard:
        """Return the next message, which has to be a method or status."""
        message = await self.next()
        assert message.what == what, message.start
        return message

    async def until(self, what: str) -> Heard:
        """Return the next message of a method or status, and drop those before it."""
        while True:
            message = await self.next()
            if message.what == what:
                return message

    async def silence(self, seconds: float = 70) -> None:
        """Nothing arrives for a time."""
        await asyncio.sleep(seconds)
        assert self.line.queue.empty(), self.line.queue.get_nowait().start

    def send(self, text: str, address: tuple[str, int] | None = None) -> None:
        self.line.put(text.encode(), address or self.agent)

    def reply(
        self,
        request: Heard,
        status: str,
        *headers: str,
        body: str = "",
        tag: str | None = None,
        contact: bool | None = None,
    ) -> None:
        """Send a response; with a contact where a dialog needs one."""
        tag = self.tag if tag is None else tag
        to = request["to"]
        if ";tag=" not in to and not status.startswith("100") and tag:
            to += f";tag={tag}"
        method = request["cseq"].split(" ")[1]
        if contact is None:
            contact = status[0] in "12" and method in ("INVITE", "UPDATE") and not status.startswith("100")
        lines = [
            f"SIP/2.0 {status}",
            *(f"Via: {via}" for via in request.fields["via"]),
            f"From: {request['from']}",
            f"To: {to}",
            f"Call-ID: {request['call-id']}",
            f"CSeq: {request['cseq']}",
            *([f"Contact: {self.contact}"] if contact else []),
            *headers,
        ]
        self.send(self._with_body(lines, body), request.address)

    @staticmethod
    def _with_body(lines: Sequence[str], body: str) -> str:
        typed = ["Content-Type: application/sdp"] if body.startswith("v=0") else []
        return "\r\n".join([*lines, *typed, f"Content-Length: {len(body)}", "", body])

    def request(self, method: str, dialog: CallOf, *headers: str, body: str = "", **changed: str | int) -> str:
        """Send a request of a dialog, and return its branch."""
        self.numbers += 1
        branch = str(changed.get("branch", f"z9hG4bK-door-{self.numbers}"))
        number = changed.get("number")
        if number is None:
            dialog.number += method != "ACK"
            number = dialog.number
        lines = [
            f"{method} {changed.get('uri', dialog.target)} SIP/2.0",
            f"Via: SIP/2.0/{self.line.name} {HOST}:{self.port};rport;branch={branch}",
            "Max-Forwards: 70",
            f"From: {changed.get('from_', dialog.local)}",
            f"To: {changed.get('to', dialog.remote)}",
            f"Call-ID: {changed.get('call_id', dialog.call_id)}",
            f"CSeq: {number} {method}",
            *([f"Contact: {self.contact}"] if method in ("INVITE", "UPDATE") else []),
            *headers,
        ]
        self.send(self._with_body(lines, body))
        return branch

    def _check(self, request: Heard) -> None:
        self.checks += 1
        if self.check_status is not None:
            self.reply(request, self.check_status)

    # ---- Whole exchanges ----

    async def pick_up(self, body: str, *headers: str) -> tuple[Heard, CallOf]:
        """Answer the INVITE that arrives next, and return it and the call once it is acknowledged."""
        invite = await self.expect("INVITE")
        self.reply(invite, "200 OK", *headers, body=body)
        await self.expect("ACK")
        return invite, self.called(invite)

    def called(self, invite: Heard, tag: str | None = None) -> CallOf:
        """Return the dialog of a call that was received."""
        target = invite["contact"].strip("<>")
        return CallOf(invite["call-id"], f"{invite['to']};tag={tag or self.tag}", invite["from"], target)

    def calling(self, target: str = "sip:homeassistant@127.0.0.1") -> CallOf:
        """Return the dialog of a call to make."""
        self.numbers += 1
        return CallOf(f"door-call-{self.numbers}", f"<sip:door@{HOST}>;tag={self.tag}", f"<{target}>", target)

    def invite(self, body: str = "", *headers: str, call: CallOf | None = None, **changed: str | int) -> CallOf:
        """Send an INVITE for a new call."""
        call = call or self.calling()
        call.branch = self.request("INVITE", call, *headers, body=body, **changed)
        return call

    def acknowledge(self, call: CallOf, answer: Heard, body: str = "") -> None:
        """Send the ACK of an answered call."""
        call.remote = answer["to"]
        call.target = answer["contact"].strip("<>") if answer.get("contact") else call.target
        self.request("ACK", call, body=body, number=answer.number)

    def acknowledge_refusal(self, call: CallOf, answer: Heard) -> None:
        """Send the ACK of a refused call: it belongs to the transaction of the INVITE."""
        self.request("ACK", call, number=answer.number, branch=call.branch, to=answer["to"])

    def cancel(self, call: CallOf) -> None:
        self.request("CANCEL", call, number=call.number, branch=call.branch)


@dataclass
class CallOf:
    """A dialog as the telephone sees it."""

    call_id: str
    local: str
    remote: str
    target: str
    number: int = 1
    branch: str = ""


class RtpPort:
    """A UDP port for RTP."""

    def __init__(self, host: str = HOST) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def send(self, data: bytes, port: int, host: str = HOST) -> None:
        self.socket.sendto(data, (host, port))

    def receive(self) -> list[bytes]:
        """Return what has arrived."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.socket.close()


@asynccontextmanager
async def rtp_port(host: str = HOST) -> AsyncIterator[RtpPort]:
    port = RtpPort(host)
    try:
        yield port
    finally:
        port.close()


def rtp(number: int, payload: bytes = b"\xd5" * 160, kind: int = 0, ssrc: int = 7, stamp: int | None = None) -> bytes:
    """Return an RTP packet (RFC 3550, 5.1)."""
    stamp = 160 * number if stamp is None else stamp
    head = bytes([0x80, kind]) + number.to_bytes(2) + (stamp & 0xFFFFFFFF).to_bytes(4) + ssrc.to_bytes(4)
    return head + payload


def digest(
    user: str, realm: str, password: str, method: str, authorization: str, algorithm: str = "md5", body: str = ""
) -> tuple[bool, dict[str, str]]:
    """Check an Authorization header (RFC 7616, 3.4), and return its parameters, too."""
    values = {}
    for part in authorization.removeprefix("Digest ").split(", "):
        name, value = part.split("=", 1)
        values[name] = value.strip('"')

    def hashed(text: str) -> str:
        return hashlib.new(algorithm, text.encode()).hexdigest()

    first, last = hashed(f"{user}:{realm}:{password}"), f"{method}:{values['uri']}"
    if values.get("qop") == "auth-int":
        last = f"{last}:{hashed(body)}"
    if "qop" in values:
        middle = f"{values['nonce']}:{values['nc']}:{values['cnonce']}:{values['qop']}"
    else:
        middle = values["nonce"]
    return values["response"] == hashed(f"{first}:{middle}:{hashed(last)}"), values
