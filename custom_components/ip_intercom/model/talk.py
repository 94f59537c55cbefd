"""How to talk to a visitor: the route to the door, or the reason why there is none."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from .parts import BellId, CameraId


class TalkRoute(StrEnum):
    """A way in which sound reaches the door."""

    ONVIF = "onvif"
    SIP_DIRECT = "sip_direct"
    SIP_ACCOUNT = "sip_account"
    NONE = "none"


class TalkReason(StrEnum):
    """Why there is no route; each has texts that say what to do (``talk_*`` of the translations)."""

    NO_ACCOUNT = "no_account"
    NO_ONVIF = "no_onvif"
    ONVIF_FAILED = "onvif_failed"
    ONVIF_LOGIN = "onvif_login"
    NO_H264 = "no_h264"
    RTSP_CLOSED = "rtsp_closed"
    RTSP_CERTIFICATE = "rtsp_certificate"
    RTSP_LOGIN = "rtsp_login"
    RTSP_REFUSED = "rtsp_refused"
    NO_SPEAKER = "no_speaker"
    SIP_CLOSED = "sip_closed"
    NO_PUSHES = "no_pushes"
    ACCOUNT_REFUSED = "account_refused"
    ACCOUNT_UNREACHABLE = "account_unreachable"


class ButtonReason(StrEnum):
    """Why a button cannot call Home Assistant; each has a text (``button_*`` of the translations)."""

    FULL = "full"
    NO_CALLS = "no_calls"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"


# Reasons that may pass by themselves, such as while a device starts.
PASSING = frozenset({TalkReason.ONVIF_FAILED, TalkReason.RTSP_CLOSED, TalkReason.RTSP_REFUSED, TalkReason.SIP_CLOSED})


class CallFailure(StrEnum):
    """What went wrong with a call; each has a text at the sensor *Talk*."""

    BUSY = "busy"
    DECLINED = "declined"
    REFUSED = "refused"
    NOT_AVAILABLE = "not_available"
    NO_ANSWER = "no_answer"
    NO_RESPONSE = "no_response"
    NO_CODEC = "no_codec"
    NO_VISITOR = "no_visitor"
    NO_CALL = "no_call"
    NOT_STARTED = "not_started"
    FAILED = "failed"


# Other words of errors that say the same to users.
_SAME = {
    "canceled": CallFailure.NO_VISITOR,
    "connection_lost": CallFailure.NO_RESPONSE,
    "no_address": CallFailure.NO_RESPONSE,
    "not_found": CallFailure.NOT_AVAILABLE,
}


def call_failure(word: str) -> CallFailure:
    """Return the failure for the word of an error."""
    known = _SAME.get(word, word)
    return CallFailure(known) if known in CallFailure else CallFailure.FAILED


@dataclass(frozen=True, slots=True)
class TalkStatus:
    """How to talk at a camera; ``reason`` is None exactly if there is a route.

    ``ready`` is False while the route needs a visitor who calls, and none does.
    """

    route: TalkRoute
    reason: TalkReason | None = None
    ready: bool = True

    @property
    def state(self) -> str:
        """The route, or the reason for none."""
        return self.reason or self.route


@dataclass(frozen=True, slots=True)
class LineReport:
    """The line to a door now, for diagnostics.

    Attributes:
        line: What the line does: ``idle``, ``dialing``, or ``talking``.
        ringing: A visitor calls Home Assistant.
        registered: The account of the visitor's call is registered; None if calls need no account.
        failure: Why the last call that failed did so, as a word; None if none did.
    """

    line: str
    ringing: bool
    registered: bool | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class TalkReport:
    """The state of talk, for diagnostics: without addresses, names, and numbers.

    Attributes:
        lines: By camera.
        ignored: Packets and connections of unknown senders, those of SIP and RTP.
    """

    lines: Mapping[CameraId, LineReport]
    ignored: int


def unavailable(reason: TalkReason) -> TalkStatus:
    """Return the status of a camera without a route."""
    return TalkStatus(TalkRoute.NONE, reason)


def best(statuses: Iterable[TalkStatus]) -> TalkStatus | None:
    """Return the first status with a route, else the first one; None without cameras."""
    return min(statuses, key=lambda status: status.reason is not None, default=None)


class Speaker(Protocol):
    """An open line to the loudspeaker of a door.

    Attributes:
        codec: G.711 at 8 kHz: "PCMU" or "PCMA".
    """

    codec: str

    def send(self, payload: bytes) -> None:
        """Send 20 ms of sound; raises ``ConnectionFailed`` if the line is lost."""


class Talk(Protocol):
    """Talking to a visitor, with sound in both directions."""

    async def check(self) -> Mapping[CameraId, TalkStatus]:
        """Find out how to talk at each camera now. Must work without a description, for options that are not stored yet."""

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return the address of the stream with sound to the door, with its own credentials; None without one."""

    def speaker(self, camera: CameraId) -> AbstractAsyncContextManager[Speaker]:
        """Open a line to the loudspeaker at the door of a camera, and close it at the end.

        Raises:
            NoTalk: Sound does not reach the door.
        """

    def examine(self) -> TalkReport:
        """Return the current state of talk; nothing is requested."""


@runtime_checkable
class CallingTalk(Talk, Protocol):
    """Talk by calls.

    Attributes:
        called: Called with the camera of a call: None once the call is established, else why it failed.
    """

    called: Callable[[CameraId, CallFailure | None], None] | None


@runtime_checkable
class ChangingTalk(Talk, Protocol):
    """Talk whose statuses change by themselves, as with a ring.

    Attributes:
        changed: Called after a change.
    """

    changed: Callable[[], None] | None


@runtime_checkable
class CalledTalk(Talk, Protocol):
    """Talk with a device that calls Home Assistant for its visitors, if its button has the address."""

    @property
    def is_ringing(self) -> bool:
        """Whether a visitor calls Home Assistant; answering takes that call."""

    async def answer(self) -> None:
        """Answer the visitor who calls Home Assistant; raises ``NoTalk`` if the visitor hung up."""

    @property
    def address(self) -> str | None:
        """The SIP address of Home Assistant for the button of the device; None while it is not in use."""


@dataclass(frozen=True, slots=True)
class ButtonNumber:
    """A number of Home Assistant at a button.

    Attributes:
        bell: The button.
        place: Where the device keeps it, in its own terms.
        number: The SIP address of Home Assistant.
        written: Whether the device confirmed it.
    """

    bell: BellId
    place: str
    number: str
    written: bool = False


class ButtonNumbers(Protocol):
    """The numbers that the buttons of a device call; those that a user entered stay as they are."""

    def serves(self, bell: BellId) -> bool:
        """Return whether a bell is a button that can have numbers."""

    async def find(self, bell: BellId, address: str) -> ButtonNumber | None:
        """Return the number to write so that a button calls an address; None if it does already. Changes nothing.

        Raises:
            ButtonRefused: There is no such button, or no room for a number.
        """

    async def write(self, number: ButtonNumber) -> None:
        """Write a number that was just found; it rings together with the others of the button.

        Raises:
            ButtonRefused: As ``find``; nothing has changed.
        """

    async def remove(self, number: ButtonNumber) -> None:
        """Remove a number, if it is there unchanged."""


def is_at(number: str, address: str) -> bool:
    """Return whether a number calls the host and port of a SIP address."""
    return _host(number) == _host(address)


def _host(number: str) -> str:
    bare = number.strip().partition(";")[0].lower()
    return bare.removeprefix("sip:").rpartition("@")[2]
