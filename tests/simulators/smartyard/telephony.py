"""The phone server of an operator: a registrar that calls who has registered for a ring (RFC 3261, as Asterisk behaves).

An account is made for each device that a ring is pushed to, and ends three minutes later. Once a device registers it, the
server calls it with an INVITE of its own. It speaks with the telephone of ``tests/talk``, which knows nothing of the product.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
import hashlib
import re
import secrets
from typing import Self, override

from tests.talk.peer import HOST, CallOf, Heard, RtpPort, TcpLine, Telephone, UdpLine, description, rtp

from .rings import LIFE, Ring

REALM = "asterisk"
# Payload type of telephone events in the offer (RFC 4733).
EVENTS = 101
DIGITS = "0123456789*#ABCD"
VIDEO = "m=video {port} RTP/AVP 102\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1\r\n"


class _Lines(TcpLine):
    """TCP with a connection for each device."""

    @override
    async def open(self, host: str = HOST, port: int = 0) -> Self:
        self.server = await asyncio.start_server(self._serve, host, port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    @override
    def put(self, data: bytes, address: tuple[str, int]) -> None:
        for writer in self.writers:
            if writer.get_extra_info("peername") == address:
                writer.write(data)


@dataclass
class Account:
    """An account, and the call of the device that has it.

    Attributes:
        contact: Where it is registered; None if it is not.
        state: "waiting", "registered", "calling", "ringing", "talking", or "ended".
        status: The last response of the device to the INVITE.
        heard: Payloads of its sound.
        digits: What it pressed.
        updates: How often it asked for a key frame by INFO (RFC 5168).
        again: The last response to a second call.
    """

    ring: Ring
    extension: str
    password: str = field(repr=False)
    began: float
    contact: str | None = None
    registrations: int = 0
    refused: int = 0
    state: str = "waiting"
    status: str = ""
    dialog: CallOf | None = None
    address: tuple[str, int] = ("", 0)
    port: RtpPort | None = field(default=None, repr=False)
    video: RtpPort | None = field(default=None, repr=False)
    remote: int = 0
    remote_video: int = 0
    heard: list[bytes] = field(default_factory=list, repr=False)
    digits: str = ""
    updates: int = 0
    answer: str = ""
    again: str = ""
    _event: int | None = None
    _sent: int = 0

    def listen(self) -> Self:
        """Take what has arrived at the port of the call."""
        for packet in [] if self.port is None else self.port.receive():
            if packet[1] & 0x7F != EVENTS:
                self.heard.append(packet[12:])
            elif (stamp := int.from_bytes(packet[4:8])) != self._event:
                self._event = stamp
                self.digits += DIGITS[packet[12]]
        return self

    def speak(self, payload: bytes) -> None:
        """Send 20 ms of sound from the door."""
        assert self.port is not None
        self._sent += 1
        self.port.send(rtp(self._sent, payload), self.remote)

    def show(self, payload: bytes) -> None:
        """Send a packet of video from the door."""
        assert self.video is not None
        self._sent += 1
        packet = rtp(self._sent, payload, 102 | 0x80, 9, stamp=3000 * self._sent)
        self.video.send(packet, self.remote_video)


class Telephony:
    """The phone server.

    Attributes:
        accounts: All accounts, by extension, oldest first.
        offers_video: Calls have a video.
        wrong: Passwords in pushes are others than those of the accounts.
        silent: It answers nothing.
        calls: It calls who has registered.
        refuses_info: It takes no digits by INFO.
        formats: Payload types of its sound.
        changed: Other contents of fields of pushes.
    """

    def __init__(self, now: Callable[[], float], talked: Callable[[Ring], None], transport: str = "udp") -> None:
        """``talked`` gets the rings that a device has answered."""
        self.transport = transport
        self.accounts: dict[str, Account] = {}
        self.offers_video = False
        self.wrong = self.silent = False
        self.calls = True
        self.refuses_info = False
        self.formats = "8 0 101"
        self.changed: dict[str, str | None] = {}
        self.line = UdpLine() if transport == "udp" else _Lines()
        self._telephone = Telephone(self.line)
        self._now = now
        self._talked = talked
        self._nonces: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen."""
        await self.line.open()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End without a message."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self.line.close()
        for account in self.accounts.values():
            for port in (account.port, account.video):
                if port is not None:
                    port.close()

    @property
    def fields(self) -> dict[str, str | None]:
        """What pushes say of the server."""
        return {"server": HOST, "port": str(self.line.port), "transport": self.transport, **self.changed}

    def expect(self, ring: Ring, extension: str) -> None:
        """Make the account of a device for a ring."""
        password = secrets.token_hex(16) if self.wrong else ring.hash
        self.accounts[extension] = Account(ring, extension, password, self._now())

    def of(self, ring: str) -> Account:
        """Return the account of a ring."""
        return next(account for account in self.accounts.values() if account.ring.hash == ring)

    # ---- What happens at the door, and at other phones ----

    def cancel(self, ring: Ring, *, elsewhere: bool = False) -> None:
        """Stop calling; ``elsewhere`` if another phone answered."""
        for account in self.accounts.values():
            if account.ring is ring and account.state in ("calling", "ringing"):
                assert account.dialog is not None
                # As Asterisk says it (RFC 3326).
                reason = ('Reason: SIP ;cause=200 ;text="Call completed elsewhere"', "Reason: Q.850;cause=26")
                call = account.dialog
                self._telephone.agent = account.address
                self._telephone.request("CANCEL", call, *(reason if elsewhere else ()), number=1, branch=call.branch)

    def hang_up(self, account: Account) -> None:
        """The visitor hangs up."""
        assert account.dialog is not None
        self._telephone.agent = account.address
        self._telephone.request("BYE", account.dialog)
        account.state = "ended"

    def call_again(self, account: Account) -> None:
        """Call a device a second time."""
        assert account.dialog is not None
        self._telephone.agent = account.address
        call = replace(account.dialog, call_id=f"again-{account.extension}", number=0)
        self._telephone.invite(description(9, self.formats), call=call)

    # ---- SIP ----

    async def _run(self) -> None:
        while True:
            message = await self.line.queue.get()
            if self.silent:
                continue
            if message.what == "REGISTER":
                self._registered(message)
            elif message.what.isdigit():
                self._answered(message)
            else:
                self._asked(message)

    def _registered(self, message: Heard) -> None:
        """Take a registration (RFC 3261, 10.3), with the login of RFC 2617."""
        found = re.search(r"sip:([^@>]+)@", message["to"])
        account = self.accounts.get(found[1] if found else "")
        if account is not None and self._now() - account.began >= LIFE:
            account = None
        authorization = message.get("authorization")
        if authorization is None or account is None or not self._is_login(account, authorization):
            if account is not None and authorization is not None:
                account.refused += 1
            nonce = secrets.token_hex(8)
            self._nonces.add(nonce)
            challenge = f'Digest realm="{REALM}",nonce="{nonce}",opaque="1f2e",algorithm=MD5,qop="auth"'
            self._telephone.reply(message, "401 Unauthorized", f"WWW-Authenticate: {challenge}")
            return
        contact = message["contact"]
        seconds = re.search(r"expires=(\d+)", contact)
        expires = int(seconds[1] if seconds else message.get("expires") or "3600")
        account.contact = None if expires == 0 else contact.split(";expires")[0]
        account.address = message.address
        account.registrations += expires > 0
        shown = (f"Contact: {account.contact};expires={expires}",) if account.contact else ()
        self._telephone.reply(message, "200 OK", *shown, f"Expires: {expires}", contact=False)
        if account.contact is not None and account.state == "waiting":
            account.state = "registered"
            if self.calls and not account.ring.over:
                self._invite(account)

    def _is_login(self, account: Account, authorization: str) -> bool:
        values = {
            key: value.strip('"')
            for key, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', authorization.partition(" ")[2])
        }

        def hashed(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        first = hashed(account.extension, REALM, account.password)
        last = hashed("REGISTER", values.get("uri", ""))
        middle = [values.get(name, "") for name in ("nonce", "nc", "cnonce", "qop")]
        is_known = values.get("nonce") in self._nonces and values.get("username") == account.extension
        return is_known and values.get("response") == hashed(first, *middle, last)

    def _invite(self, account: Account) -> None:
        """Call a device."""
        account.port = RtpPort()
        more = ""
        if self.offers_video:
            account.video = RtpPort()
            more = VIDEO.format(port=account.video.port)
        assert account.contact is not None
        self._telephone.agent = account.address
        offer = description(account.port.port, self.formats, more=more)
        account.dialog = CallOf(
            f"ring-{account.extension}",
            f'"{account.ring.door.domophone}" <sip:{account.ring.door.domophone}@{HOST}>;tag=as{account.extension}',
            f"<sip:{account.extension}@{HOST}>",
            account.contact.strip("<>"),
            number=0,
        )
        account.state = "calling"
        self._telephone.invite(offer, call=account.dialog)

    def _account_of(self, message: Heard) -> Account | None:
        return self.accounts.get(message["call-id"].partition("-")[2])

    def _answered(self, message: Heard) -> None:
        account = self._account_of(message)
        if account is None or account.dialog is None or "INVITE" not in message["cseq"]:
            return
        if message["call-id"].startswith("again-"):
            account.again = message.what
            return
        self._telephone.agent = account.address
        account.status = message.what
        if message.what == "180":
            account.state = "ringing"
        elif message.what.startswith("2"):
            self._telephone.acknowledge(account.dialog, message)
            account.answer = message.body
            account.remote = message.port
            if (video := re.search(r"m=video (\d+)", message.body)) is not None:
                account.remote_video = int(video[1])
            if account.state != "talking":
                account.state = "talking"
                self._talked(account.ring)
        elif message.what > "299":
            self._telephone.acknowledge_refusal(account.dialog, message)
            account.state = "ended"

    def _asked(self, message: Heard) -> None:
        account = self._account_of(message)
        if message.what == "ACK" or account is None:
            return
        if message.what == "INFO" and self.refuses_info:
            self._telephone.reply(message, "415 Unsupported Media Type")
            return
        if message.what == "INFO" and (digit := re.search(r"Signal=(\S)", message.body)) is not None:
            account.digits += digit[1]
        if message.what == "INFO" and "picture_fast_update" in message.body:
            account.updates += 1
        if message.what == "BYE":
            account.listen()
            account.state = "ended"
        self._telephone.reply(message, "200 OK")
