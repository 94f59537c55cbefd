"""The errors of two-way audio. Messages are for logs and tests; they never contain credentials."""


class TalkError(Exception):
    """Base class of all errors that this package raises."""


class SdpError(TalkError):
    """A session description is malformed or too large (RFC 8866)."""


class RtspError(TalkError):
    """RTSP failed: a message is malformed or too large (RFC 2326)."""


class RtspConnectionFailed(RtspError):
    """The server did not respond: unreachable, reset, closed, or timeout."""


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
