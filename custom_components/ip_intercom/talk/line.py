"""The line to a door: its one call, and who talks in it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
import logging
from typing import Final, Protocol

from .errors import LineBusy, TalkError
from .rtp import RtpPacket
from .sdp import Codec
from .tasks import TaskSet
from .tracks import LAWS, Microphone

_LOGGER = logging.getLogger(__name__)

# Seconds without a packet of the microphone after which a call that was placed for it ends. go2rtc keeps the backchannel
# set up for those who still watch, so only the end of the packets shows that the talk is over.
MICROPHONE_GONE: Final = 5.0
# Seconds without a packet after which a microphone counts as another one, so that it places a call again.
_PAUSE: Final = 2.0
# Seconds without a packet after which another microphone of the same session may talk.
_FLOOR: Final = 0.4
# Seconds that a call goes on without its session: go2rtc connects again whenever another viewer wants another track.
HANDOVER: Final = 1.0


class Call(Protocol):
    """What the line needs of a SIP call; ``SipCall`` has it."""

    on_audio: Callable[[RtpPacket], None] | None
    on_video: Callable[[RtpPacket], None] | None

    @property
    def codec(self) -> Codec:
        """The agreed audio codec."""

    @property
    def video(self) -> Codec | None:
        """The agreed video codec."""

    def send_audio(self, payload: bytes, *, marker: bool = False) -> None:
        """Send bytes of the agreed codec as one packet."""

    def forward(self, packet: RtpPacket, codec: str | None = None) -> None:
        """Send a packet of another stream with its timing."""

    def request_key_frame(self) -> None:
        """Ask the other side for a key frame of its video."""

    async def hang_up(self) -> None:
        """End the call."""

    async def wait_ended(self) -> None:
        """Return once the call has ended."""


class LineState(StrEnum):
    """What the line does."""

    IDLE = "idle"
    DIALING = "dialing"
    TALKING = "talking"


class Line:
    """Places the call of a door when a microphone is heard, and ends it after the microphone.

    A set-up backchannel alone places no call: go2rtc sets it up again for those who only watch, after another
    viewer has talked. The first packet of a microphone does.

    Attributes:
        state: What the line does.
        error: Why the last call that failed did so; None if none did.
        on_state: Called after each change of the state, and of the error.
        on_audio: Gets G.711 of the door, and its codec.
        on_video: Gets H.264 of the call.
    """

    def __init__(self, dial: Callable[[], Awaitable[Call]]) -> None:
        """Create a line that is idle; ``dial`` returns an established call, or raises TalkError."""
        self.state = LineState.IDLE
        self.error: TalkError | None = None
        self.on_state: Callable[[Line], None] | None = None
        self.on_audio: Callable[[str, bytes], None] | None = None
        self.on_video: Callable[[RtpPacket], None] | None = None
        self._dial = dial
        self._call: Call | None = None
        self._dialing: asyncio.Future[Call] | None = None
        self._tasks = TaskSet()
        self._microphone = Microphone(self._forward)
        self._ready: set[object] = set()
        # Whose session the call belongs to; None: all sessions may talk.
        self._holder: object | None = None
        # The call ends with its microphone.
        self._ends_itself = False
        # The microphone that was heard last, and when. The source tells one from another, not the session: go2rtc keeps it.
        self._heard: int | None = None
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._handover: asyncio.TimerHandle | None = None

    # ---- Sessions with a microphone ----

    def claim(self, owner: object) -> None:
        """Accept the microphone of a session.

        Raises:
            LineBusy: Another session is in the call.
        """
        if self._is_foreign(owner):
            if self._handover is None:
                raise LineBusy("the door is in a call with another session")
            # The session before was torn down just now.
            self._keep()
            self._holder, self._heard_at = owner, _now()
        self._ready.add(owner)

    def receive(self, owner: object, data: bytes) -> None:
        """Take an RTP packet of the microphone: it places the call, or goes into it."""
        try:
            packet = RtpPacket.parse(data)
        except TalkError:
            return
        law = LAWS.get(packet.payload_type)
        if law is None or owner not in self._ready:
            return
        source, passed = packet.ssrc, _now() - self._heard_at
        if self.state is LineState.IDLE:
            is_new = source != self._heard or passed > _PAUSE
            self._heard, self._heard_at = source, _now()
            if is_new:
                self._begin_dialing(owner)
            return
        if self._is_foreign(owner) or (source != self._heard and passed < _FLOOR):
            # One microphone talks at a time.
            return
        self._holder, self._heard, self._heard_at = owner, source, _now()
        if self._call is not None:
            self._microphone.put(packet, law)

    def release(self, owner: object) -> None:
        """Forget a session: it was torn down or lost. Its call ends unless another session takes it over."""
        self._ready.discard(owner)
        if self._holder is not owner:
            return
        if not self._ends_itself:
            self._holder = None
        elif self._handover is None:
            self._handover = asyncio.get_running_loop().call_later(HANDOVER, self._end, "the session ended")

    def _is_foreign(self, owner: object) -> bool:
        return self.state is not LineState.IDLE and self._holder is not None and self._holder is not owner

    # ---- Calls ----

    async def place(self, owner: object) -> Call:
        """Place a call for an announcement; ``hang_up`` ends it.

        Raises:
            LineBusy: The door is in a call.
            TalkError: The call failed.
        """
        if self.state is not LineState.IDLE:
            raise LineBusy("the door is in a call")
        self._holder, self._ends_itself = owner, False
        self._set_state(LineState.DIALING)
        self._dialing = asyncio.ensure_future(self._dial())
        try:
            call = await self._dialing
        except TalkError as err:
            self._rest(err)
            raise
        except BaseException:
            # ``hang_up`` or the caller canceled it.
            self._dialing.cancel()
            self._rest(None)
            raise
        self._begin(call)
        return call

    def adopt(self, call: Call) -> None:
        """Take a call that was established otherwise, as that of a visitor; all sessions may talk in it.

        Raises:
            LineBusy: The door is in a call.
        """
        if self.state is not LineState.IDLE:
            raise LineBusy("the door is in a call")
        self._holder, self._ends_itself = None, False
        self._begin(call)

    def request_key_frame(self) -> None:
        """Ask the door for a key frame of the video of the call."""
        if self._call is not None:
            self._call.request_key_frame()

    def fail(self, error: TalkError) -> None:
        """Note why a call failed that another placed or answered for this line."""
        self.error = error
        self._set_state(self.state)

    async def hang_up(self) -> None:
        """End the call, or the attempt."""
        call = self._call
        if self._dialing is not None:
            self._dialing.cancel()
        if call is not None:
            await call.hang_up()
            self._ended(call)

    async def close(self) -> None:
        """End all."""
        self._ready.clear()
        self._keep()
        self._stop_watching()
        with suppress(TalkError):
            await self.hang_up()
        await self._tasks.cancel()

    def _begin_dialing(self, owner: object) -> None:
        self._holder, self._ends_itself = owner, True
        self._set_state(LineState.DIALING)
        self._dialing = asyncio.ensure_future(self._dial())
        self._tasks.start(self._establish(self._dialing))
        self._look()

    async def _establish(self, dialing: asyncio.Future[Call]) -> None:
        call: Call | None = None
        error: TalkError | None = None
        try:
            call = await dialing
        except TalkError as err:
            _LOGGER.debug("Call for a microphone failed: %s", err)
            error = err
        finally:
            dialing.cancel()
            if call is None:
                self._rest(error)
        if call is not None:
            self._begin(call)

    def _begin(self, call: Call) -> None:
        self._dialing, self._call = None, call
        call.on_audio = self._hear_door
        call.on_video = self._see_door
        self._tasks.start(self._wait(call))
        self._set_state(LineState.TALKING)

    async def _wait(self, call: Call) -> None:
        await call.wait_ended()
        self._ended(call)

    def _ended(self, call: Call) -> None:
        if call is self._call:
            self._rest(None)

    def _rest(self, error: TalkError | None) -> None:
        """Become idle."""
        if (call := self._call) is not None:
            call.on_audio = call.on_video = None
        self._call = self._dialing = self._holder = None
        if error is not None:
            self.error = error
        self._microphone.stop()
        self._keep()
        self._stop_watching()
        self._set_state(LineState.IDLE)

    def _forward(self, packet: RtpPacket, law: str) -> None:
        if self._call is not None:
            self._call.forward(packet, law)

    def _hear_door(self, packet: RtpPacket) -> None:
        if self._call is not None and self.on_audio is not None:
            self.on_audio(self._call.codec.name, packet.payload)

    def _see_door(self, packet: RtpPacket) -> None:
        if self.on_video is not None:
            self.on_video(packet)

    # ---- The end of a microphone ----

    def _look(self) -> None:
        """End the call if its microphone is gone, else check again when that is possible."""
        self._stop_watching()
        loop = asyncio.get_running_loop()
        gone = self._heard_at + MICROPHONE_GONE
        if loop.time() >= gone:
            self._end("the microphone is gone")
        else:
            self._watch = loop.call_at(gone, self._look)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _keep(self) -> None:
        """Let the call go on: a session has taken it over, or it has ended."""
        if self._handover is not None:
            self._handover.cancel()
            self._handover = None

    def _end(self, reason: str) -> None:
        _LOGGER.debug("Call for a microphone ends: %s", reason)
        self._handover = None
        self._tasks.start(self._hang_up())

    async def _hang_up(self) -> None:
        with suppress(TalkError):
            await self.hang_up()

    def _set_state(self, state: LineState) -> None:
        self.state = state
        if self.on_state is not None:
            self.on_state(self)


def _now() -> float:
    return asyncio.get_running_loop().time()
