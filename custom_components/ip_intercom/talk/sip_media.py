"""Offers and answers of a call, and its RTP (RFC 3264; RFC 4733; RFC 6184)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
import logging
from secrets import randbelow
from typing import Final

from .errors import CallFailed, RtpError, SdpError
from .rtp import RtpPacket, TelephoneEvent, digit_of, transcode
from .rtp_session import RtpSession, Statistics
from .sdp import PCMA, PCMU, Codec, Direction, Media, SessionDescription
from .sip_answers import shown
from .sip_messages import Response
from .sip_transactions import Failure
from .tasks import TaskSet

_LOGGER = logging.getLogger(__name__)

# The body of a request for a key frame (RFC 5168, 5).
UPDATE: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><media_control><vc_primitive><to_encoder><picture_fast_update/>'
    b"</to_encoder></vc_primitive></media_control>"
)
# Seconds between two requests.
_UPDATE_PAUSE: Final = 1.0
# What the other side has to offer for requests by RTCP (RFC 4585, 4.2).
_FEEDBACK: Final = "nack pli"

G711: Final = (PCMU.name, PCMA.name)
_EVENT_NAME: Final = "TELEPHONE-EVENT"
_EVENT: Final = Codec(101, _EVENT_NAME, 8000, parameters="0-16")
# Constrained baseline 3.1, the most that every door has, in fragments.
_H264: Final = Codec(102, "H264", 90_000, parameters="profile-level-id=42e01f;packetization-mode=1")
_KNOWN: Final = {codec.name: codec for codec in (PCMU, PCMA)}
_PROTOCOLS: Final = ("RTP/AVP", "RTP/AVPF")
# A G.711 sample is a byte; a packet carries 20 ms.
_PACKET_TIME: Final = ("ptime:20",)


@dataclass(slots=True)
class _Agreed:
    """One agreed medium: the codec to send, what is received by payload type, and the type of events to send.

    ``feedback``: the other side takes requests for key frames by RTCP.
    """

    codec: Codec
    receives: dict[int, str]
    events: int | None = None
    feedback: bool = False


class CallMedia:
    """The audio of a call, and its video if wanted."""

    def __init__(self, codecs: tuple[str, ...] = G711, *, video: bool = False) -> None:
        self.on_audio: Callable[[RtpPacket], None] | None = None
        self.on_video: Callable[[RtpPacket], None] | None = None
        self.on_dtmf: Callable[[str], None] | None = None
        self._names = tuple(name for name in codecs if name in G711)
        # H.264 is received; decided before the ports are opened.
        self.wants_video = video
        self._host = ""
        self._peer = ""
        self._audio: RtpSession | None = None
        self._video: RtpSession | None = None
        self._agreed: _Agreed | None = None
        self._agreed_video: _Agreed | None = None
        self._described: SessionDescription | None = None
        self._session_id = randbelow(2**31)
        self._version = 0
        self._last_event: tuple[int, int] | None = None
        self._held = False

    async def open(self, host: str, peer: str) -> None:
        """Open the ports at a local address; ``peer`` is the address of the other side of SIP. Raises TalkError."""
        self._host, self._peer = host, peer
        self._audio = RtpSession(8000, self._hear, peer)
        await self._audio.open(host)
        if self.wants_video:
            self._video = RtpSession(90_000, self._inspect, peer)
            await self._video.open(host)

    def close(self) -> None:
        """Close the ports."""
        for session in (self._audio, self._video):
            if session is not None:
                session.close()

    # ---- What is agreed ----

    @property
    def codec(self) -> Codec | None:
        """The agreed audio codec."""
        return None if self._agreed is None else self._agreed.codec

    @property
    def video(self) -> Codec | None:
        """The agreed video codec."""
        return None if self._agreed_video is None else self._agreed_video.codec

    @property
    def has_events(self) -> bool:
        """Digits are sent as telephone events."""
        return self._agreed is not None and self._agreed.events is not None

    @property
    def held(self) -> bool:
        """The other side does not receive."""
        return self._held

    @property
    def statistics(self) -> Statistics:
        """Packets of the audio."""
        return self._audio.statistics if self._audio else Statistics()

    @property
    def video_statistics(self) -> Statistics:
        """Packets of the video."""
        return self._video.statistics if self._video else Statistics()

    @property
    def received(self) -> int:
        """Packets of both."""
        return self.statistics.received + self.video_statistics.received

    # ---- Offer and answer ----

    def offer(self) -> bytes:
        """Return an offer: the first one, or again what is agreed."""
        if self._described is None:
            codecs = (*(_KNOWN[name] for name in self._names), _EVENT)
            media = [self._medium("audio", codecs, "RTP/AVP", Direction.SENDRECV)]
            if self._video is not None:
                media.append(self._medium("video", (_H264,), "RTP/AVP", Direction.RECVONLY))
            self._describe(media)
        return self._text()

    def take_answer(self, body: bytes) -> None:
        """Take the answer to the latest offer.

        Raises:
            CallFailed: The answer is malformed, or has no common codec.
        """
        answer = _parse(body)
        offered = self._described.media if self._described else ()
        done = False
        for mine, other in zip(offered, answer.media, strict=False):
            if other.port == 0 or mine.port == 0 or mine.kind != other.kind:
                if mine.kind == "video":
                    self._agreed_video = None
                continue
            names = G711 if mine.kind == "audio" else (_H264.name,)
            codec = _pick(other, tuple(name for name in names if mine.find(name)))
            if codec is not None:
                done |= mine.kind == "audio"
                self._agree(mine, other, codec, answer)
        if not done:
            raise CallFailed("no common audio codec", "no_codec")

    def can_answer(self, body: bytes) -> bool:
        """Detect whether an offer has audio that is supported; raises CallFailed if it is malformed."""
        return any(_pick(medium, self._names) for medium in _parse(body).media if medium.kind == "audio")

    def answer(self, body: bytes) -> bytes:
        """Take an offer, and return the answer.

        Raises:
            CallFailed: The offer is malformed, or has no common codec; what was agreed before stays.
        """
        offer = _parse(body)
        if not self.can_answer(body):
            raise CallFailed("no common audio codec", "no_codec")
        media: list[Media] = []
        taken: set[str] = set()
        for other in offer.media:
            session = {"audio": self._audio, "video": self._video}.get(other.kind)
            names = self._names if other.kind == "audio" else (_H264.name,)
            codec = _pick(other, names)
            wants = Direction.SENDRECV if other.kind == "audio" else Direction.RECVONLY
            useless = other.kind == "video" and other.direction is Direction.RECVONLY
            if session is None or codec is None or other.kind in taken or useless:
                media.append(replace(other, port=0, address=None, attributes=()))
                if other.kind == "video" and "video" not in taken:
                    self._agreed_video = None
                continue
            taken.add(other.kind)
            codecs: tuple[Codec, ...] = (codec,)
            if other.kind == "audio" and (event := _event_of(other)):
                codecs = (codec, event)
            mine = self._medium(other.kind, codecs, other.protocol, _common(other.direction.reversed, wants))
            if other.kind == "video" and _takes_feedback(other, codec):
                mine = replace(mine, attributes=(f"rtcp-fb:{codec.payload} {_FEEDBACK}",))
            media.append(mine)
            self._agree(mine, other, codec, offer)
        self._describe(media)
        return self._text()

    def _agree(self, mine: Media, other: Media, codec: Codec, description: SessionDescription) -> None:
        events = _event_of(other) if mine.find(_EVENT_NAME) else None
        receives: dict[int, str] = {}
        # What was offered counts; some devices send with the number of their own answer.
        for known in (*other.codecs, *mine.codecs):
            if mine.find(known.name):
                receives[known.payload] = known.name
        feedback = mine.kind == "video" and _takes_feedback(other, codec)
        agreed = _Agreed(codec, receives, events.payload if events else None, feedback)
        address = self._address(other.address or description.address)
        sending = address is not None and other.direction in (Direction.SENDRECV, Direction.RECVONLY)
        session = self._audio if mine.kind == "audio" else self._video
        if mine.kind == "audio":
            self._agreed, self._held = agreed, not sending
        else:
            self._agreed_video = agreed
        if session is not None:
            session.set_peer(address or self._peer, other.port, sending=sending)
        _LOGGER.debug(
            "%s agreed: %s to %s port %d%s", mine.kind, codec.name, address, other.port, "" if sending else ", on hold"
        )

    def _address(self, text: str | None) -> str | None:
        """Return an address to send to; None for the one of an old hold (RFC 3264, 8.4), the peer's for a name."""
        try:
            address = ip_address(text or self._peer)
        except ValueError:
            return self._peer
        if address.is_unspecified:
            return None
        return self._peer if address.is_multicast else str(address)

    def _medium(self, kind: str, codecs: tuple[Codec, ...], protocol: str, direction: Direction) -> Media:
        session = self._audio if kind == "audio" else self._video
        port = session.port if session else 0
        return Media(kind, port, protocol, codecs, direction, attributes=_PACKET_TIME if kind == "audio" else ())

    def _describe(self, media: list[Media]) -> None:
        if self._described is None or self._described.media != tuple(media):
            self._version += 1
        self._described = SessionDescription(
            tuple(media), self._host, session_id=self._session_id, version=self._version, origin=self._host
        )

    def _text(self) -> bytes:
        assert self._described is not None
        return self._described.to_text().encode()

    # ---- RTP ----

    def request_key_frame(self) -> bool:
        """Ask for a key frame of the video by RTCP; return False if the other side takes no such request."""
        if self._video is None or self._agreed_video is None or not self._agreed_video.feedback:
            return False
        self._video.request_key_frame()
        return True

    def send_audio(self, payload: bytes, *, marker: bool) -> None:
        """Send a packet of the agreed codec."""
        if self._audio is not None and self._agreed is not None:
            self._audio.send(self._agreed.codec.payload, payload, len(payload), marker=marker)

    def forward(self, packet: RtpPacket, name: str | None) -> None:
        """Send a packet of another stream with its timing; ``name`` is its codec, None if it is the agreed one."""
        if self._audio is not None and (agreed := self._agreed) is not None:
            payload = packet.payload if name is None else transcode(packet.payload, name, agreed.codec.name)
            self._audio.forward(packet, agreed.codec.payload, payload)

    async def send_event(self, digit: str) -> None:
        """Send a digit as a telephone event."""
        if self._audio is not None and self._agreed is not None and self._agreed.events is not None:
            await self._audio.send_event(self._agreed.events, digit)

    def _hear(self, packet: RtpPacket) -> None:
        if (agreed := self._agreed) is None or (name := agreed.receives.get(packet.payload_type)) is None:
            return
        if name == agreed.codec.name:
            if self.on_audio is not None:
                self.on_audio(packet)
        elif name == _EVENT_NAME:
            self._hear_event(packet)
        elif self.on_audio is not None:
            # Each format of an answer may be sent (RFC 3264, 6.1); the owner gets the agreed one.
            payload = transcode(packet.payload, name, agreed.codec.name)
            self.on_audio(replace(packet, payload_type=agreed.codec.payload, payload=payload))

    def _hear_event(self, packet: RtpPacket) -> None:
        try:
            event = TelephoneEvent.parse(packet.payload)
        except RtpError:
            return
        # All packets of an event have its timestamp (RFC 4733, 2.5.1.1).
        heard = (packet.ssrc, packet.timestamp)
        if heard == self._last_event or (digit := digit_of(event.event)) is None:
            return
        self._last_event = heard
        if self.on_dtmf is not None:
            self.on_dtmf(digit)

    def _inspect(self, packet: RtpPacket) -> None:
        agreed = self._agreed_video
        if agreed is not None and self.on_video is not None and packet.payload_type in agreed.receives:
            self.on_video(packet)


class KeyFrameRequests:
    """Asks for key frames of the video: by RTCP if the other side takes that, else by INFO; at most once a second.

    Args:
        inform: Sends the INFO, and returns its result.
    """

    def __init__(self, media: CallMedia, inform: Callable[[], Awaitable[Response | Failure]], tasks: TaskSet) -> None:
        self._media = media
        self._inform = inform
        self._tasks = tasks
        self._next = float("-inf")
        self._informing = self._refused = False

    def request(self) -> None:
        """Ask, unless that was done just now, or there is no video."""
        now = asyncio.get_running_loop().time()
        if self._media.video is None or now < self._next:
            return
        self._next = now + _UPDATE_PAUSE
        if not self._media.request_key_frame() and not self._informing and not self._refused:
            self._informing = True
            self._tasks.start(self._ask())

    async def _ask(self) -> None:
        try:
            result = await self._inform()
        finally:
            self._informing = False
        if isinstance(result, Failure) or result.status >= 300:
            _LOGGER.debug("Key frame not requested: %s", shown(result))
            # A device that does not know the request need not be asked again.
            self._refused = not isinstance(result, Failure)


def _takes_feedback(medium: Media, codec: Codec) -> bool:
    """Return whether the other side takes requests for key frames by RTCP."""
    wanted = {f"rtcp-fb:{payload} {_FEEDBACK}" for payload in (codec.payload, "*")}
    return any(attribute.strip().lower() in wanted for attribute in medium.attributes)


def _parse(body: bytes) -> SessionDescription:
    try:
        return SessionDescription.parse(body.decode("utf-8", "replace"))
    except SdpError as err:
        raise CallFailed(f"malformed session description: {err}") from err


def _pick(medium: Media, names: tuple[str, ...]) -> Codec | None:
    """Return the codec to use of a medium, None if there is none: the first of G.711, H.264 rather in fragments."""
    if medium.port == 0 or medium.protocol.upper() not in _PROTOCOLS:
        return None
    usable = [codec for codec in medium.codecs if codec.name in names and codec.channels == 1]
    if medium.kind == "audio":
        usable = [codec for codec in usable if codec.rate == 8000]
    usable.sort(key=lambda codec: codec.name == _H264.name and "packetization-mode=1" not in codec.parameters)
    return usable[0] if usable else None


def _event_of(medium: Media) -> Codec | None:
    return next((codec for codec in medium.codecs if codec.name == _EVENT_NAME and codec.rate == 8000), None)


def _common(one: Direction, other: Direction) -> Direction:
    """Return the direction that both allow; both as this side sees it."""
    sends = {Direction.SENDRECV, Direction.SENDONLY}
    receives = {Direction.SENDRECV, Direction.RECVONLY}
    match one in sends and other in sends, one in receives and other in receives:
        case True, True:
            return Direction.SENDRECV
        case True, False:
            return Direction.SENDONLY
        case False, True:
            return Direction.RECVONLY
        case _:
            return Direction.INACTIVE
