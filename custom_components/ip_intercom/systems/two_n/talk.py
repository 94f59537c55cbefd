"""Talk at a 2N: the stream of ONVIF, if it has an audio track to the door, else a SIP call."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
import logging
import secrets
from ssl import SSLContext

from yarl import URL

from ...model.parts import CameraId
from ...model.talk import CallFailure, Speaker, TalkReason, TalkReport, TalkRoute, TalkStatus, unavailable
from ...talk.errors import RtspConnectionFailed, RtspRefused, RtspUnauthorized, RtspUntrusted, TalkError
from ...talk.rtp import pack
from ...talk.rtsp_client import RtspClient
from ...talk.sdp import Codec, Direction, Media, SessionDescription
from ..common.adapter import stream_url
from ..common.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NoTalk,
    NotSupported,
    UnexpectedReply,
)
from ..common.talk import DirectTalk
from .cameras import StreamAccess, TwoNCameras
from .client import TwoNDevice
from .client.onvif import NoProfile, Onvif

_LOGGER = logging.getLogger(__name__)

# The server does not know the option that ``Require`` names (RFC 2326, 11.3.14).
_OPTION_NOT_SUPPORTED = 551
# The codecs that browsers and doors have in common.
_CODECS = ("PCMU", "PCMA")

# Subclasses come first.
_ONVIF_REASONS: tuple[tuple[type[IntercomError], TalkReason], ...] = (
    (NoProfile, TalkReason.NO_H264),
    (NotSupported, TalkReason.NO_ONVIF),
    (AuthenticationFailed, TalkReason.ONVIF_LOGIN),
    (CommandFailed, TalkReason.ONVIF_FAILED),
    (UnexpectedReply, TalkReason.ONVIF_FAILED),
)


class OnvifTalk:
    """Talk by the audio backchannel of ONVIF (Streaming Specification 5.3).

    Args:
        stream: The account for RTSP and ONVIF; None if not configured.

    Attributes:
        camera: The camera that the device streams; None if not known yet.
    """

    def __init__(self, device: TwoNDevice, stream: StreamAccess | None) -> None:
        self._transport = device.client.transport
        self._stream = stream
        self._url: URL | None = None
        self.camera: CameraId | None = None

    async def check(self) -> Mapping[CameraId, TalkStatus]:
        """Look for the stream with an audio track to the door.

        Raises:
            ConnectionFailed: The device does not respond; the previous stream stays in use.
        """
        found = await self._find()
        if isinstance(found, URL):
            self._url, status = found, TalkStatus(TalkRoute.ONVIF)
        else:
            self._url, status = None, unavailable(found)
        return {self.camera or "": status}

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with talk, with its account; None if none was found at this camera."""
        return str(self._url) if self._url is not None and camera == self.camera else None

    @asynccontextmanager
    async def speaker(self, camera: CameraId) -> AsyncIterator[OnvifSpeaker]:
        """Open the audio track to the door.

        Raises:
            NoTalk: It does not exist, or the RTSP server refuses it.
        """
        if self._url is None or camera != self.camera:
            raise NoTalk(TalkReason.NO_SPEAKER)
        client = RtspClient(str(self._url), tls=self._transport.tls)
        try:
            try:
                speaker = await _open(client)
            except TalkError as err:
                raise NoTalk(_reason(err)) from err
            yield speaker
        finally:
            await client.close()

    async def _find(self) -> URL | TalkReason:
        """Return the address of the stream with its account, or the reason why there is none."""
        if (stream := self._stream) is None:
            return TalkReason.NO_ACCOUNT
        onvif = Onvif(self._transport, stream.username, stream.password)
        try:
            url = _reachable(await onvif.stream_url(), stream.path)
        except tuple(kind for kind, _ in _ONVIF_REASONS) as err:
            _LOGGER.debug("No stream by ONVIF: %s", err)
            return next(reason for kind, reason in _ONVIF_REASONS if isinstance(err, kind))
        url = url.with_user(stream.username).with_password(stream.password or None)
        try:
            description = await _describe(url, self._transport.tls)
        except TalkError as err:
            _LOGGER.debug("No description of the stream with talk: %s", err)
            return _reason(err)
        return url if speaker_of(description) is not None else TalkReason.NO_SPEAKER


class TwoNTalk:
    """Talk by ONVIF, which needs no call; else by a direct call, if the device speaks SIP."""

    def __init__(self, device: TwoNDevice, stream: StreamAccess | None, sip_port: int) -> None:
        self._onvif = OnvifTalk(device, stream)
        transport = device.client.transport
        self._direct = DirectTalk(transport.base.host, sip_port, transport.tls)
        self._way: OnvifTalk | DirectTalk = self._onvif

    def show(self, cameras: TwoNCameras, camera: CameraId | None) -> None:
        """Set the cameras, and the one at the door."""
        self._onvif.camera = camera
        self._direct.show(cameras, camera)

    async def check(self) -> Mapping[CameraId, TalkStatus]:
        """Look for a stream with an audio track to the door, then for SIP; without both, ONVIF is what to repair."""
        statuses = await self._onvif.check()
        self._way = self._onvif
        if all(status.reason is not None for status in statuses.values()):
            direct = await self._direct.check()
            if all(status.reason is None for status in direct.values()):
                self._way, statuses = self._direct, direct
        return statuses

    @property
    def called(self) -> Callable[[CameraId, CallFailure | None], None] | None:
        """As in ``CallingTalk``."""
        return self._direct.called

    @called.setter
    def called(self, listener: Callable[[CameraId, CallFailure | None], None] | None) -> None:
        self._direct.called = listener

    @property
    def is_ringing(self) -> bool:
        """Whether a visitor calls Home Assistant."""
        return self._direct.is_ringing

    @property
    def address(self) -> str | None:
        """The SIP address of Home Assistant for the button; None while ONVIF is in use."""
        return self._direct.address

    async def answer(self) -> None:
        """Answer a visitor who calls Home Assistant."""
        await self._direct.answer()

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with talk; None if there is none at this camera."""
        return await self._way.stream_address(camera)

    def speaker(self, camera: CameraId) -> AbstractAsyncContextManager[Speaker]:
        """Open a line to the door."""
        return self._way.speaker(camera)

    def examine(self) -> TalkReport:
        """Return how the line for calls is."""
        return self._direct.examine()

    async def close(self) -> None:
        """End the calls and the streams of this host."""
        await self._direct.close()


class OnvifSpeaker:
    """The audio track to the door, set up and playing.

    Args:
        track: Its number in the session.
    """

    def __init__(self, client: RtspClient, track: int, codec: Codec) -> None:
        self._client = client
        self._track = track
        self._payload = codec.payload
        self._sequence, self._timestamp, self._ssrc = (secrets.randbits(bits) for bits in (16, 32, 32))
        self._began = False
        self.codec = codec.name

    def send(self, payload: bytes) -> None:
        """Send a packet; the first one has the marker (RFC 3551, 4.1)."""
        if not self._client.is_open:
            raise ConnectionFailed("the RTSP server closed the connection")
        packet = pack(self._payload, self._sequence, self._timestamp, self._ssrc, payload, not self._began)
        self._client.send(self._track, packet)
        self._began, self._sequence, self._timestamp = True, self._sequence + 1, self._timestamp + len(payload)


async def _open(client: RtspClient) -> OnvifSpeaker:
    """Set up the audio track to the door, and those from it: without data, the connection counts as lost."""
    description = await client.describe(backchannel=True)
    if (found := speaker_of(description)) is None:
        raise RtspRefused("DESCRIBE", _OPTION_NOT_SUPPORTED, "no audio track to the door")
    media, codec = found
    for other in description.media:
        if other.direction is not Direction.SENDONLY and other.kind in {"audio", "video"}:
            await client.setup(other)
    track = await client.setup(media)
    await client.play(lambda *_: None)
    return OnvifSpeaker(client, track, codec)


async def _describe(url: URL, tls: SSLContext | None) -> SessionDescription:
    client = RtspClient(str(url), tls=tls)
    try:
        return await client.describe(backchannel=True)
    finally:
        await client.close()


def speaker_of(description: SessionDescription) -> tuple[Media, Codec] | None:
    """Return the audio track to the door and its codec, None without one; directions are those of the client."""
    for media in description.media:
        if media.kind == "audio" and media.direction is Direction.SENDONLY and (codec := media.find(*_CODECS)):
            return media, codec
    return None


def _reason(err: TalkError) -> TalkReason:
    match err:
        case RtspUntrusted():
            return TalkReason.RTSP_CERTIFICATE
        case RtspConnectionFailed():
            return TalkReason.RTSP_CLOSED
        case RtspUnauthorized():
            return TalkReason.RTSP_LOGIN
        case RtspRefused(status=status) if status == _OPTION_NOT_SUPPORTED:
            return TalkReason.NO_SPEAKER
    return TalkReason.RTSP_REFUSED  # without a license, old models refuse the stream itself


def _reachable(url: URL, path: str) -> URL:
    """Return the address with scheme, host, and port of a complete address that the user entered: ports may be forwarded."""
    if "://" not in path:
        return url
    try:
        entered = stream_url(path, "")
    except ValueError:
        return url  # an address from before the form validated it
    own = URL.build(scheme=entered.scheme, host=entered.host or "", port=entered.explicit_port)
    return URL(f"{own}{url.raw_path_qs}", encoded=True)
