"""The errors of two-way audio. Messages are for logs and tests; they never contain credentials."""


class TalkError(Exception):
    """Base class of all errors that this package raises.

    Attributes:
        word: What failed, for diagnostics.
    """

    word = "failed"


class SdpError(TalkError):
    """A session description is malformed or too large (RFC 8866)."""


class RtspError(TalkError):
    """RTSP failed: a message is malformed or too large (RFC 2326)."""


class RtspConnectionFailed(RtspError):
    """The server did not respond: unreachable, reset, closed, or timeout."""


class RtspUntrusted(RtspConnectionFailed):
    """The certificate of the server is not trusted."""


class RtspRefused(RtspError):
    """The server rejected a request.

    Attributes:
        status: Status code of the response.
        reason: Its reason phrase.
    """

    def __init__(self, method: str, status: int, reason: str) -> None:
        super().__init__(f"{method} was rejected: {status} {reason}")
        self.status = status
        self.reason = reason


class RtspUnauthorized(RtspRefused):
    """The server rejected the credentials, or requires some and none were given."""


class RtspRedirected(RtspRefused):
    """The server redirects to another address; redirects are not followed."""


class LineBusy(TalkError):
    """The door is in a call already."""

    word = "busy"


class RtpError(TalkError):
    """A malformed RTP or RTCP packet."""


class SipError(TalkError):
    """A malformed SIP message, or one above the limits of size and number."""


class CallFailed(TalkError):
    """The call was not established: no response, connection lost, canceled, or no common codec."""

    def __init__(self, message: str, word: str = "failed") -> None:
        super().__init__(message)
        self.word = word


_REFUSALS = {404: "not_found", 480: "not_available", 486: "busy", 488: "no_codec", 600: "busy", 603: "declined"}


class CallRefused(CallFailed):
    """The other side refused the call; ``status`` is of SIP (RFC 3261, 21)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"call refused: {status} {reason}", _REFUSALS.get(status, "refused"))
        self.status = status
        self.reason = reason


class RegistrationFailed(TalkError):
    """The registrar did not accept the account; ``status`` is its response, None without one."""

    word = "not_registered"

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
