"""The error hierarchy of all systems.

Messages are for logs and tests; they never contain credentials, codes, or card numbers.
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit


class IntercomError(Exception):
    """Base class of all errors that the clients raise.

    Attributes:
        retry_after: Seconds to wait before the next request, as the device or server asks; None if not given.
    """

    retry_after: float | None = None


def without_frames[E: BaseException](err: E) -> E:
    """Return an error that is kept, without its tracebacks: they would keep the frames of the failed request."""
    chain: BaseException | None = err
    while chain is not None:
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__
    return err


class ConnectionFailed(IntercomError):
    """The device did not respond: unreachable, connection refused, reset, or timeout."""


class NotReached(ConnectionFailed):
    """No connection was established: the request was not carried out."""


class NoAnswer(ConnectionFailed):
    """The device is reachable, but does not respond or stops reading an upload; it may have carried out the request."""


class AnswerStalled(NoAnswer):
    """The response stalled before its end."""


class ExchangeUnreachable(ConnectionFailed):
    """The server responds, but cannot reach the phone system behind it."""


class ExchangeSilent(NoAnswer):
    """The server responds, but the phone system behind it did not respond in time."""


class ServerSilent(NoAnswer):
    """The server accepts connections but answers no request, not even the probe that needs no other component."""


class ServerBroken(ConnectionFailed):
    """The server responds with an internal failure."""


class TokenNotTaken(ServerBroken):
    """The server accepts the login, then rejects the token that it has just issued."""


class Overloaded(ServerBroken):
    """HTTP 503: the device or server is temporarily unable to respond (RFC 9110, 15.6.4)."""


class CertificateChanged(ConnectionFailed):
    """The certificate differs from the one that was pinned at first use; both are SHA-256."""

    def __init__(self, pinned: bytes, shown: bytes) -> None:
        super().__init__("another certificate than before is shown")
        self.pinned = pinned
        self.shown = shown


class CertificateInvalid(ConnectionFailed):
    """Certificate verification is required, and the certificate fails it."""


class TlsRefused(ConnectionFailed):
    """The port is open, but TLS cannot be established: no TLS, or only an outdated version."""


class ExchangeInsecure(IntercomError):
    """The phone system accepts only connections without TLS, and the server requires TLS."""


class Unconfirmed(IntercomError):
    """The request was not confirmed in time, but may have been carried out. Check before repeating it."""


class NotApplied(IntercomError):
    """The server reported success, but its state has not changed."""


class WrongTime(IntercomError):
    """The server stored a different time, and the request was undone; ``shift`` is stored minus requested."""

    def __init__(self, shift: timedelta) -> None:
        super().__init__(f"another time was stored, by {shift}")
        self.shift = shift


class UnexpectedReply(IntercomError):
    """The response is not one of the API: HTML, broken JSON, or too much data."""


class NoTalk(IntercomError):
    """Sound does not reach the door; ``reason`` is one of ``model.talk``."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no sound reaches the door: {reason}")
        self.reason = reason


class FunctionRefused(UnexpectedReply):
    """The device rejects the login for one function and accepts it for others; ``function`` is its path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} rejects the login that other functions accept")
        self.function = path.removeprefix("/api/")


class Redirected(UnexpectedReply):
    """The device redirects requests to another address.

    Attributes:
        location: The ``Location`` header.
        address: The same for display: scheme, host, and port, or only the path on the same host.
    """

    def __init__(self, location: str) -> None:
        super().__init__("requests are sent on to another address")
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
        self.location = location
        self.address = f"{parts.scheme}://{host}" if host else parts.path


class WrongDevice(IntercomError):
    """The address responds, but not as a device of this system."""


class NoIdentity(WrongDevice):
    """A device of this system that reports nothing to identify it by."""


class UnsupportedProduct(WrongDevice):
    """The right manufacturer, but a product with another API; ``product`` is its name."""

    def __init__(self, product: str) -> None:
        super().__init__(f"{product} has another API")
        self.product = product


class AuthenticationFailed(IntercomError):
    """The credentials were rejected.

    Attributes:
        locks: The credentials are a user's account, which too many failed logins lock.
    """

    locks: bool = False


class LoginRefused(AuthenticationFailed):
    """The device rejected the login of its API, or requires one and none was given."""


class PersonRefused(LoginRefused):
    """The server rejected the credentials of a user account; too many attempts lock the account everywhere."""

    locks = True


class AppRefused(AuthenticationFailed):
    """The server rejected the client ID or the client secret of the application."""


class NotProvisioned(AuthenticationFailed):
    """The credentials belong to no user of the server."""


class TokenRefused(AuthenticationFailed):
    """The token from the login is not valid any more, or not at that address."""


class ExchangeRefused(AuthenticationFailed):
    """The phone system behind the server rejects the user account."""

    locks = True


class AddressRefused(IntercomError):
    """The device rejects this address, or all addresses; ``address`` is the local address as the device sees it."""

    def __init__(self, address: str) -> None:
        super().__init__(f"the device does not answer {address}")
        self.address = address


class SecureConnectionRequired(IntercomError):
    """The device accepts this request only over HTTPS; ``service`` is the service that requires it."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} requires HTTPS")
        self.service = service


class ServiceDisabled(IntercomError):
    """A service of the device's API is disabled; ``service`` is its name."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} is disabled")
        self.service = service


class PermissionDenied(IntercomError):
    """The account lacks a privilege; ``privilege`` is its name on the web page of the device."""

    def __init__(self, privilege: str) -> None:
        super().__init__(f"the account lacks the privilege {privilege}")
        self.privilege = privilege


class NotPushed(IntercomError):
    """The request would not arrive through the current push route."""


class NotSupported(IntercomError):
    """This model or firmware lacks the function."""


class NoSuchPath(NotSupported):
    """HTTP 404: the model or firmware lacks the function, or has not started it yet."""


class FileUnreadable(IntercomError):
    """A file to upload cannot be read from disk, or was truncated."""


class CommandFailed(IntercomError):
    """The device understood the request and rejected it.

    Attributes:
        reason: The reason as the device reports it.
        details: Other fields of the response, not parsed and not part of the message.
    """

    def __init__(self, reason: str, *, details: Mapping[str, object] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details or {}


class InvalidRequest(CommandFailed):
    """The device rejected a value; ``parameter`` is its name, if the device reports it."""

    def __init__(
        self, reason: str, parameter: str | None = None, *, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{reason} ({parameter})" if parameter else reason, details=details)
        self.reason = reason
        self.parameter = parameter


class FileTooOld(CommandFailed):
    """The device rejects a file because its version is too low."""


class FileWaiting(CommandFailed):
    """An earlier file waits to be applied or rejected; until then the device accepts no other."""


class NoData(CommandFailed):
    """The device has no data for the request."""


class NotFound(NoData):
    """The server does not know the requested object; ``reason`` is its message for users."""


class NotReady(NoData):
    """The requested data is still being prepared."""


class RecordingUnclear(NoData):
    """A recording is ready, but several match and the server does not report which one it is."""


class NoSuchCall(CommandFailed):
    """The call does not exist or has ended."""


class Rejected(CommandFailed):
    """The device rejects the request in its current state."""


class DoorsNotKept(CommandFailed):
    """The device did not store a code for the given doors; the code was deleted again."""


class PinNotKept(CommandFailed):
    """The device stored another PIN for a code, for example without leading zeros; the code was deleted again."""


class CodeLeft(CommandFailed):
    """The device still holds a code that it must not hold, and the deletion failed.

    Attributes:
        id: ID on the device.
        name: Name as stored on the device.
    """

    def __init__(self, number: str, name: str | None = None) -> None:
        super().__init__("a code is left")
        self.id = number
        self.name = name


class ButtonRefused(CommandFailed):
    """A button cannot call Home Assistant; ``reason`` is one of ``model.talk``."""


class OpeningDisabled(CommandFailed):
    """The device opens no door over HTTP: *Open Relay via HTTP* is disabled."""


class HighSecurity(CommandFailed):
    """The device opens no door over HTTP while High Security Mode is on."""


class OpeningRefused(CommandFailed):
    """The device rejects the login of *Open Relay via HTTP*, or the relay."""


class WrongCode(CommandFailed):
    """The login code is wrong; ``is_last`` if the server accepts no further attempt."""

    def __init__(self, reason: str, *, is_last: bool = False) -> None:
        super().__init__(reason)
        self.is_last = is_last


class NoCodePending(CommandFailed):
    """No login code is pending; a new one must be requested."""


class TooSoon(CommandFailed):
    """The request was repeated too soon; the server requires a pause."""


class Throttled(CommandFailed):
    """HTTP 429: too many requests (RFC 6585, 4)."""


class NotPaid(CommandFailed):
    """The service is not paid for."""


class StreamRefused(CommandFailed):
    """A camera server rejects the token of a camera; the token may have been renewed."""
