"""Endpoints of MX Proxy, in the order of its manual, and its responses and errors (field notes 3)."""

from dataclasses import dataclass
from http import HTTPStatus

from ...common.decode import Key
from ...common.errors import (
    AppRefused,
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ExchangeInsecure,
    ExchangeRefused,
    ExchangeSilent,
    ExchangeUnreachable,
    IntercomError,
    InvalidRequest,
    NoData,
    NoSuchCall,
    NotProvisioned,
    NotSupported,
    Overloaded,
    PersonRefused,
    Throttled,
    Unconfirmed,
    UnexpectedReply,
)
from ...common.messages import Reply, overload, sent_on
from ...common.parse import Fields, decode_json, fields, readable, row, text

GET, POST, PUT, PATCH, DELETE = "GET", "POST", "PUT", "PATCH", "DELETE"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; placeholders of its path are in braces.

    A ``command`` changes something: it is never repeated if it may have been carried out.
    """

    method: str
    path: str

    @property
    def command(self) -> bool:
        """Whether the request changes something."""
        return self.method != GET

    @property
    def part(self) -> str:
        """First part of the path, such as ``calls``."""
        return self.path.split("/")[1]

    @property
    def of_call(self) -> bool:
        """Whether the request is about one call."""
        return "{callId}" in self.path


LOGIN = Endpoint(POST, "/auth")
USER_INFO = Endpoint(GET, "/auth")
LOGOUT = Endpoint(DELETE, "/auth/logout")
# The servers (2.1, 2.3) use this path instead of the manual's.
REAL_LOGOUT = Endpoint(DELETE, "/auth")

CONTACTS = Endpoint(GET, "/contacts")
SERVICES = Endpoint(GET, "/services")

CALL_LOG = Endpoint(GET, "/calls")
CALL_MODE = Endpoint(PATCH, "/calls")
ASSIGN_DEVICE = Endpoint(PATCH, "/calls/{name}")
MAKE_CALL = Endpoint(POST, "/calls")
ANSWER_CALL = Endpoint(PUT, "/calls/{callId}")
TRANSFER_CALL = Endpoint(POST, "/calls/{callId}")
CLEAR_CALL = Endpoint(DELETE, "/calls/{callId}")
HOLD_CALL = Endpoint(PUT, "/calls/{callId}/hold")
UNHOLD_CALL = Endpoint(PUT, "/calls/{callId}/unhold")
CALL_INFO = Endpoint(GET, "/calls/{callId}")

VOICEMAILS = Endpoint(GET, "/voicemails")
VOICEMAIL_FILE = Endpoint(GET, "/voicemails/{id}")
DELETE_VOICEMAIL = Endpoint(DELETE, "/voicemails/{id}")
CHANGE_VOICEMAIL = Endpoint(PATCH, "/voicemails/{id}")

CONFERENCE_SETTINGS = Endpoint(GET, "/conferences/info")
CONFERENCES = Endpoint(GET, "/conferences")
DELETE_CONFERENCE = Endpoint(DELETE, "/conferences/{id}")
CREATE_CONFERENCE = Endpoint(POST, "/conferences")
UPDATE_CONFERENCE = Endpoint(PUT, "/conferences/{id}")
JOIN_CONFERENCE = Endpoint(POST, "/conferences/{id}")
CONFERENCE_FROM_CALL = Endpoint(POST, "/calls/{callId}/conference")

ADD_TOKEN = Endpoint(PUT, "/tokens/{type}/{topic}/{token}")
REMOVE_TOKEN = Endpoint(DELETE, "/tokens/{type}/{topic}/{token}")

SERVICE = "MX Proxy"
# The manual uses two names for an internal number.
EXTENSION = Key("ext", "extension")

# Error of the MX for an unknown call, with any status.
_UNKNOWN_CALL = "invalidCallIdentifier"
_NOT_FOUND = "not found"
# The token is valid, but the link to the MX is lost; the proxy restores it within about a minute.
_NO_LINK = "active mx connection unavailable"
# Errors of the proxy itself, matched by prefix, with the name of the invalid parameter.
_INVALID: tuple[tuple[str, str | None], ...] = (
    ("bad timestamp format", "timestamp"),
    ("bad push token", "token"),
    ("unsupported push type", "type"),
    ("unsupported FCM application ID", "topic"),
    ("unsupported APNS topic ID", "topic"),
    ("bad request", None),
    ("empty content type", None),
    ("unsupported content type", None),
    ("unexpected EOF", None),
    ("EOF", None),
    ("invalid character", None),
    ("json:", None),
    ("strconv.", None),
)
_UNREACHABLE = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


def result(endpoint: Endpoint, reply: Reply) -> Fields:
    """Return the JSON object of a success, an empty one if it has no content (204).

    Raises:
        IntercomError: The error of any other response.
    """
    if reply.status == HTTPStatus.NO_CONTENT:
        return {}
    content = decoded(reply)
    if reply.status != HTTPStatus.OK:
        raise refusal(endpoint, reply, content)
    if content is None:
        raise UnexpectedReply(f"{endpoint.path} answered without a JSON object")
    return content


def refusal(endpoint: Endpoint, reply: Reply, content: Fields | None) -> IntercomError:
    """Return the error of a failed response; ``content`` is its JSON object."""
    reason = text((content or {}).get("error"))
    busy = overload(endpoint.path, reply) if reason is None else None
    if busy is not None and not (endpoint.command and endpoint != LOGIN and isinstance(busy, Overloaded)):
        return busy  # from a reverse proxy; a command may have been carried out all the same
    err = error(endpoint, reply.status, content, reply.location)
    err.retry_after = reply.retry_after
    return err


def refuses_token(reply: Reply) -> bool:
    """Return whether the proxy itself rejected the token; a reverse proxy may respond with 401 as well."""
    reason = _reason(reply)
    return reply.status == HTTPStatus.UNAUTHORIZED and reason is not None and reason != _NO_LINK


def lacks_link(reply: Reply) -> bool:
    """Return whether the proxy has lost or ended its link to the MX."""
    return reply.status == HTTPStatus.UNAUTHORIZED and _reason(reply) == _NO_LINK


def _reason(reply: Reply) -> str | None:
    return text((decoded(reply) or {}).get("error"))


def part(endpoint: Endpoint, content: Fields, name: str) -> Fields:
    """Return an object of a response by name.

    Raises:
        UnexpectedReply: The object is missing.
    """
    if not (found := fields(content.get(name))):
        raise UnexpectedReply(f"{endpoint.path} answered without {name}")
    return found


def rows(endpoint: Endpoint, content: Fields, name: str) -> tuple[Fields, ...]:
    """Return the objects of a list of a response by name; an empty list is sent as null.

    Raises:
        UnexpectedReply: The list is missing or no row is readable.
    """
    found = content.get(name)
    if name not in content or not isinstance(found, list | None):
        raise UnexpectedReply(f"{endpoint.path} answered without {name}")
    return readable(endpoint.path, found or (), row)


def error(endpoint: Endpoint, status: int, content: Fields | None, location: str = "") -> IntercomError:
    """Return the error of a failed response.

    Args:
        content: JSON object of the response, None for anything else.
        location: Target of a redirect.
    """
    path, reason = endpoint.path, text((content or {}).get("error"))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return sent_on(path, location, SERVICE, lambda to: to.split("/")[1:2] == path.split("/")[1:2])
    if status in _UNREACHABLE and reason is None and endpoint != LOGIN:
        # From a reverse proxy.
        return _no_response(endpoint, f"{path}: {status}", ConnectionFailed)
    if endpoint == LOGIN:
        return _login_error(status, reason)
    if status in _UNREACHABLE:
        return _no_response(endpoint, f"{path}: {status} {reason}", ExchangeUnreachable)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return _no_response(endpoint, f"{path}: {reason or status}", ExchangeSilent)
    if status == HTTPStatus.UNAUTHORIZED and reason is not None:
        kind = ExchangeUnreachable if reason == _NO_LINK else AuthenticationFailed
        return kind(f"{path}: {reason}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(f"{path}: {reason or status}")
    if status == HTTPStatus.METHOD_NOT_ALLOWED or (status == HTTPStatus.NOT_FOUND and reason is None):
        return NotSupported(f"{path}: {reason or status}")
    if reason is None:
        return UnexpectedReply(f"{path} answered {status} without a reason")
    return _refusal(endpoint, status, reason)


def _no_response(endpoint: Endpoint, message: str, kind: type[IntercomError]) -> IntercomError:
    """Return the error of a request whose result is unknown."""
    return Unconfirmed(message) if endpoint.command else kind(message)


def _refusal(endpoint: Endpoint, status: int, reason: str) -> IntercomError:
    if endpoint.of_call and (reason == _UNKNOWN_CALL or (status == HTTPStatus.NOT_FOUND and reason == _NOT_FOUND)):
        return NoSuchCall(reason)
    if status == HTTPStatus.NOT_FOUND and reason == _NOT_FOUND:
        return NoData(reason) if "{" in endpoint.path else NotSupported(f"{endpoint.path}: {reason}")
    for beginning, parameter in _INVALID:
        if reason.startswith(beginning):
            return InvalidRequest(reason, parameter)
    return CommandFailed(reason)


def _login_error(status: int, reason: str | None) -> IntercomError:
    """Return the error of a failed login (field notes 3, status table)."""
    words = (reason or "").lower()
    message = f"the login was rejected: {status} {reason or ''}".rstrip()
    if status in _UNREACHABLE or status == HTTPStatus.REQUEST_TIMEOUT:
        return ExchangeUnreachable(f"{LOGIN.path}: {status} {reason or ''}".rstrip())
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message)
    if status == HTTPStatus.UNAUTHORIZED and reason is not None:
        return PersonRefused(message)
    if status == HTTPStatus.FORBIDDEN and reason is not None:
        if "client-id" in words or "secret" in words or "grant_type" in words:
            return AppRefused(message)
        if "provisioning" in words or "provisioned" in words:
            return NotProvisioned(message)
        if "tls" in words:
            return ExchangeInsecure(message)
        return ExchangeRefused(message)
    if status == HTTPStatus.NOT_FOUND:
        return NotSupported(f"{LOGIN.path}: {status}")
    return UnexpectedReply(f"{LOGIN.path} answered {status}")


def decoded(reply: Reply) -> Fields | None:
    """Return the JSON object of a response, None for anything else."""
    content = decode_json(reply.body)
    return content if isinstance(content, dict) else None
