"""One hierarchy of intercom errors for all systems.

Messages are for logs and tests: they never carry credentials, codes or card numbers.
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit


class IntercomError(Exception):
    """Base of everything the clients raise.

    Attributes:
        retry_after: Seconds for which the device or server asks to be left alone; None where it does not say.
    """

    retry_after: float | None = None


class ConnectionFailed(IntercomError):
    """The device did not answer: unreachable, refused, reset or out of time."""


class NotReached(ConnectionFailed):
    """No connection came about: the request was certainly not carried out."""


class NoAnswer(ConnectionFailed):
    """The device is reached, but says nothing, or takes no more of a file; it may have carried out the request."""


class AnswerStalled(NoAnswer):
    """The answer began, but did not go on."""


class ExchangeUnreachable(ConnectionFailed):
    """The server answers, but it does not reach the phone system behind it."""


class ExchangeSilent(NoAnswer):
    """The server answers, but the phone system behind it said nothing in time."""


class ServerSilent(NoAnswer):
    """The server takes connections and answers nothing, not even what it knows by itself."""


class ServerBroken(ConnectionFailed):
    """The server answers, but only that it cannot do its work now."""


class TokenNotTaken(ServerBroken):
    """The server accepts the login and then refuses the token that it has just issued."""


class Overloaded(ServerBroken):
    """HTTP 503: the device or server cannot answer now, and expects to be able to again (RFC 9110, 15.6.4)."""


class CertificateChanged(ConnectionFailed):
    """The device shows another certificate than the one pinned at first use; both are SHA-256."""

    def __init__(self, pinned: bytes, shown: bytes) -> None:
        super().__init__("another certificate than before is shown")
        self.pinned = pinned
        self.shown = shown


class CertificateInvalid(ConnectionFailed):
    """Verification was asked for and the device's certificate does not pass it."""


class TlsRefused(ConnectionFailed):
    """The port is open, but no TLS connection can be established: no TLS there, or only an outdated version."""


class ExchangeInsecure(IntercomError):
    """The phone system takes connections without TLS only, and the server insists on it."""


class Unconfirmed(IntercomError):
    """The request was not confirmed in time, but may have been carried out. Never repeat it without checking."""


class NotApplied(IntercomError):
    """The server answered that it did what was asked for, and did not: what it tells is as before."""


class WrongTime(IntercomError):
    """The server stored another time than it was told, and what was asked for is off; ``shift`` is how much later."""

    def __init__(self, shift: timedelta) -> None:
        super().__init__(f"another time was stored, by {shift}")
        self.shift = shift


class UnexpectedReply(IntercomError):
    """The device answered something that is not its API: HTML, broken JSON, too much data."""


class FunctionRefused(UnexpectedReply):
    """The device refuses the login for one function, and takes it for others; ``function`` is its path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} refuses the login that others take")
        self.function = path.removeprefix("/api/")


class Redirected(UnexpectedReply):
    """The device sends requests on to another address.

    Attributes:
        location: Where to, as it says it.
        address: The same for people: scheme, host and port, or the path alone where the host stays.
    """

    def __init__(self, location: str) -> None:
        super().__init__("requests are sent on to another address")
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
        self.location = location
        self.address = f"{parts.scheme}://{host}" if host else parts.path


class WrongDevice(IntercomError):
    """Something answers at the address, but it is not a device of this system."""


class NoIdentity(WrongDevice):
    """A device of this system that tells nothing by which it could be known again."""


class UnsupportedProduct(WrongDevice):
    """The right manufacturer, but a product with another API; ``product`` names it."""

    def __init__(self, product: str) -> None:
        super().__init__(f"{product} has another API")
        self.product = product


class AuthenticationFailed(IntercomError):
    """User name or password were refused.

    Attributes:
        locks: It is the account of a person, which too many wrong logins lock for everything.
    """

    locks: bool = False


class LoginRefused(AuthenticationFailed):
    """The login of the device's API was refused, or none was given where it asks for one."""


class PersonRefused(LoginRefused):
    """User name or password of a person were refused, who uses them for everything: too many tries lock the account."""

    locks = True


class AppRefused(AuthenticationFailed):
    """Client id or client secret of the application were refused."""


class NotProvisioned(AuthenticationFailed):
    """The username and password belong to no user of the server."""


class TokenRefused(AuthenticationFailed):
    """What the server gave at the login is not valid any more, or at that address."""


class ExchangeRefused(AuthenticationFailed):
    """The phone system behind the server refuses the account of a person."""

    locks = True


class AddressRefused(IntercomError):
    """The device rejects this address, or all addresses; ``address`` is ours as the device sees it."""

    def __init__(self, address: str) -> None:
        super().__init__(f"the device does not answer {address}")
        self.address = address


class SecureConnectionRequired(IntercomError):
    """The device takes this request over HTTPS only; ``service`` names the part that insists."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} requires HTTPS")
        self.service = service


class ServiceDisabled(IntercomError):
    """A service of the device's API is switched off; ``service`` names it."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} is disabled")
        self.service = service


class PermissionDenied(IntercomError):
    """The account lacks a privilege; ``privilege`` names it as the device's own page does."""

    def __init__(self, privilege: str) -> None:
        super().__init__(f"the account lacks the privilege {privilege}")
        self.privilege = privilege


class NotPushed(IntercomError):
    """What was to be sent to us would not arrive by the way that pushes take."""


class NotSupported(IntercomError):
    """This model or firmware does not have the function."""


class NoSuchPath(NotSupported):
    """HTTP 404: the model or firmware does not have the function, or has not started it yet."""


class FileUnreadable(IntercomError):
    """A file to be sent cannot be read from disk, or has become shorter meanwhile."""


class CommandFailed(IntercomError):
    """The device understood the request and refused it.

    Attributes:
        reason: Its own word for why.
        details: What else it says, unread; no part of the message.
    """

    def __init__(self, reason: str, *, details: Mapping[str, object] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details or {}


class InvalidRequest(CommandFailed):
    """The device refused a value; ``parameter`` names it where the device does."""

    def __init__(
        self, reason: str, parameter: str | None = None, *, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{reason} ({parameter})" if parameter else reason, details=details)
        self.reason = reason
        self.parameter = parameter


class FileTooOld(CommandFailed):
    """The device refuses a file because its version is lower than it allows."""


class FileWaiting(CommandFailed):
    """A file that was sent before waits to be applied or rejected; until then the device takes no other."""


class NoData(CommandFailed):
    """The device has nothing of what was asked for."""


class NotFound(NoData):
    """The server knows no such thing, and says so to people; ``reason`` is its own sentence."""


class NotReady(NoData):
    """What was asked for is still in preparation."""


class RecordingUnclear(NoData):
    """A recording is ready, and the server does not tell which of several it is."""


class NoSuchCall(CommandFailed):
    """There is no such call, or no more."""


class Rejected(CommandFailed):
    """The device cannot do this now."""


class DoorsNotKept(CommandFailed):
    """The device does not keep a code for the doors that were named; it does not have the code any more."""


class PinNotKept(CommandFailed):
    """The device made another PIN of a code, such as one without leading zeros; it does not have it any more."""


class CodeLeft(CommandFailed):
    """The device holds a code that it was not to hold, and does not let it be deleted now.

    Attributes:
        id: Its ID of it.
        name: The name as it writes it.
    """

    def __init__(self, number: str, name: str | None = None) -> None:
        super().__init__("a code is left")
        self.id = number
        self.name = name


class OpeningDisabled(CommandFailed):
    """The device opens no door over HTTP: *Open Relay via HTTP* is not ticked."""


class HighSecurity(CommandFailed):
    """The device opens no door over HTTP while its High Security Mode is on."""


class OpeningRefused(CommandFailed):
    """The device refuses the login of *Open Relay via HTTP*, or that relay."""


class WrongCode(CommandFailed):
    """The code is not the one that was sent to log in with; ``is_last`` where no further one is looked at."""

    def __init__(self, reason: str, *, is_last: bool = False) -> None:
        super().__init__(reason)
        self.is_last = is_last


class NoCodePending(CommandFailed):
    """No code is awaited, or no more: a new one has to be requested."""


class TooSoon(CommandFailed):
    """The same was asked for a moment ago; the server wants to be left in peace for a while."""


class Throttled(CommandFailed):
    """HTTP 429: the device or server gets too many requests (RFC 6585, 4)."""


class NotPaid(CommandFailed):
    """The service is not paid for."""


class StreamRefused(CommandFailed):
    """A server of cameras refuses the token of a camera: there may be a new one by now."""
