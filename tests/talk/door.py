"""A door that answers calls by itself, plays given sound, and records what it receives; written from RFC 3261 and 3550."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from .peer import CallOf, RtpPort, Telephone, UdpLine, description, rtp, rtp_port


class Door:
    """The SIP side of an intercom on 127.0.0.1.

    Attributes:
        invites: Number of calls that arrived.
        refusal: The status with which calls are refused; None if they are answered.
        call: The call in progress.
        rings: Number of times that this side said that it rings.
        refused: The status with which the last call of a visitor was refused.
        heard: Payloads of the sound that arrived.
    """

    def __init__(self) -> None:
        self.invites = 0
        self.refusal: str | None = None
        self.call: CallOf | None = None
        self.rings = 0
        self.refused: int | None = None
        self.heard: list[bytes] = []
        self._calling: CallOf | None = None
        self._said = 0
        self._line = UdpLine()
        self._telephone = Telephone(self._line)
        self._rtp: RtpPort | None = None
        self._far: int | None = None
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._line.open()
        self._telephone.numbers = self.port  # calls of two doors differ
        self._rtp = await self._stack.enter_async_context(rtp_port())
        self._task = asyncio.create_task(self._serve())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._stack.aclose()
        self._line.close()

    @property
    def port(self) -> int:
        return self._line.port

    def say(self, payload: bytes) -> None:
        """Send a packet of sound."""
        assert self._rtp is not None and self._far is not None
        self._said += 1
        self._rtp.send(rtp(self._said, payload), self._far)

    def listen(self) -> list[bytes]:
        """Return all payloads that were heard."""
        assert self._rtp is not None
        self.heard += [packet[12:] for packet in self._rtp.receive()]
        return self.heard

    def call_home(self, address: str) -> None:
        """Call a SIP address, as for a visitor who pressed the button."""
        assert self._rtp is not None
        host, _, port = address.partition("@")[2].partition(":")
        self._telephone.agent = host, int(port)
        self._calling = self._telephone.invite(description(self._rtp.port, "0"), call=self._telephone.calling(address))

    def give_up(self) -> None:
        """End the call of a visitor who was not answered."""
        assert self._calling is not None
        self._telephone.cancel(self._calling)

    def hang_up(self) -> None:
        """End the call at the door."""
        assert self.call is not None
        self._telephone.request("BYE", self.call)
        self.call = None

    def restart(self) -> None:
        """Lose the power for a moment: the call is forgotten without a word."""
        self.call = self._calling = None
        self._telephone.check_status = "481 Call/Transaction Does Not Exist"

    async def _serve(self) -> None:
        while True:
            message = await self._line.queue.get()
            match message.what:
                case "OPTIONS":
                    self._telephone.reply(message, "200 OK")
                case "INVITE":
                    self.invites += 1
                    if self.refusal is not None:
                        self._telephone.reply(message, self.refusal)
                        continue
                    assert self._rtp is not None
                    self._far, self._telephone.agent = message.port, message.address
                    self._telephone.reply(message, "200 OK", body=description(self._rtp.port, "0"))
                    self.call = self._telephone.called(message)
                case "180":
                    self.rings += 1
                case "200" if message["cseq"].endswith("INVITE") and self._calling is not None:
                    self._far = message.port
                    self._telephone.acknowledge(self._calling, message)
                    self.call, self._calling = self._calling, None
                case status if status.isdigit() and int(status) >= 300 and self._calling is not None:
                    self._telephone.acknowledge_refusal(self._calling, message)
                    self._calling, self.refused = None, int(status)
                case "BYE":
                    self._telephone.reply(message, "200 OK")
                    self.call = None
