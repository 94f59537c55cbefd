"""Replies of MX Proxy, and what its errors mean: ``{"error": text}`` under an HTTP status (field notes 3)."""

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
from .endpoints import LOGIN, Endpoint

SERVICE = "MX Proxy"
# The manual has two names for an internal number.
EXTENSION = Key("ext", "extension")

# What the MX says of a call that it does not know, with any status.
_UNKNOWN_CALL = "invalidCallIdentifier"
_NOT_FOUND = "not found"
# The token is right, but the link to the MX is lost; the proxy itself connects again within a minute or so.
_NO_LINK = "active mx connection unavailable"
# What the proxy itself says of a request, and which parameter is wrong; matched at the beginning.
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
    """Return the JSON object of a success, an empty one where there is nothing to say (204).

    Raises:
        IntercomError: One of its kinds, by status and text.
    """
    if reply.status == HTTPStatus.NO_CONTENT:
        return {}
    content = decoded(reply)
    if reply.status != HTTPStatus.OK:
        raise refusal(endpoint, reply, content)
    if content is None:
        raise UnexpectedReply(f"{endpoint.path} answered no JSON of its own")
    return content


def refusal(endpoint: Endpoint, reply: Reply, content: Fields | None) -> IntercomError:
    """Return what an answer means that is no success; ``content`` is the JSON object that came with it."""
    said = text((content or {}).get("error"))
    busy = overload(endpoint.path, reply) if said is None else None
    if busy is not None and not (endpoint.command and endpoint != LOGIN and isinstance(busy, Overloaded)):
        return busy  # something in front of the proxy; but it is unknown whether a command was carried out
    err = error(endpoint, reply.status, content, reply.location)
    err.retry_after = reply.retry_after
    return err


def refuses_token(reply: Reply) -> bool:
    """Return whether the proxy itself does not take a token; something in front of it may answer 401 as well."""
    said = _said(reply)
    return reply.status == HTTPStatus.UNAUTHORIZED and said is not None and said != _NO_LINK


def lacks_link(reply: Reply) -> bool:
    """Return whether the proxy has lost its link to the MX, or was told to end it."""
    return reply.status == HTTPStatus.UNAUTHORIZED and _said(reply) == _NO_LINK


def _said(reply: Reply) -> str | None:
    return text((decoded(reply) or {}).get("error"))


def part(endpoint: Endpoint, content: Fields, name: str) -> Fields:
    """Return the object of that name in a reply.

    Raises:
        UnexpectedReply: There is none.
    """
    if not (found := fields(content.get(name))):
        raise UnexpectedReply(f"{endpoint.path} answered without {name}")
    return found


def rows(endpoint: Endpoint, content: Fields, name: str) -> tuple[Fields, ...]:
    """Return the objects of the list of that name in a reply; an empty one comes as null.

    Raises:
        UnexpectedReply: There is none, or nothing in it can be read.
    """
    found = content.get(name)
    if name not in content or not isinstance(found, list | None):
        raise UnexpectedReply(f"{endpoint.path} answered without {name}")
    return readable(endpoint.path, found or (), row)


def error(endpoint: Endpoint, status: int, content: Fields | None, location: str = "") -> IntercomError:
    """Return what a refusal means.

    Args:
        endpoint: What was asked.
        status: The HTTP status.
        content: The JSON object that came with it, None for something else.
        location: Where a redirect leads.
    """
    path, said = endpoint.path, text((content or {}).get("error"))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return sent_on(path, location, SERVICE, lambda to: to.split("/")[1:2] == path.split("/")[1:2])
    if status in _UNREACHABLE and said is None and endpoint != LOGIN:
        # Not the proxy, but something in front of it.
        return _silence(endpoint, f"{path}: {status}", ConnectionFailed)
    if endpoint == LOGIN:
        return _login_error(status, said)
    if status in _UNREACHABLE:
        return _silence(endpoint, f"{path}: {status} {said}", ExchangeUnreachable)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return _silence(endpoint, f"{path}: {said or status}", ExchangeSilent)
    if status == HTTPStatus.UNAUTHORIZED and said is not None:
        kind = ExchangeUnreachable if said == _NO_LINK else AuthenticationFailed
        return kind(f"{path}: {said}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(f"{path}: {said or status}")
    if status == HTTPStatus.METHOD_NOT_ALLOWED or (status == HTTPStatus.NOT_FOUND and said is None):
        return NotSupported(f"{path}: {said or status}")
    if said is None:
        return UnexpectedReply(f"{path} answered {status} without a reason")
    return _refusal(endpoint, status, said)


def _silence(endpoint: Endpoint, message: str, kind: type[IntercomError]) -> IntercomError:
    """Return the error for a request whose result is unknown."""
    return Unconfirmed(message) if endpoint.command else kind(message)


def _refusal(endpoint: Endpoint, status: int, said: str) -> IntercomError:
    if endpoint.of_call and (said == _UNKNOWN_CALL or (status == HTTPStatus.NOT_FOUND and said == _NOT_FOUND)):
        return NoSuchCall(said)
    if status == HTTPStatus.NOT_FOUND and said == _NOT_FOUND:
        return NoData(said) if "{" in endpoint.path else NotSupported(f"{endpoint.path}: {said}")
    for beginning, parameter in _INVALID:
        if said.startswith(beginning):
            return InvalidRequest(said, parameter)
    return CommandFailed(said)


def _login_error(status: int, said: str | None) -> IntercomError:
    """Return why there is no token (field notes 3, status table)."""
    words = (said or "").lower()
    message = f"the login was refused: {status} {said or ''}".rstrip()
    if status in _UNREACHABLE or status == HTTPStatus.REQUEST_TIMEOUT:
        return ExchangeUnreachable(f"{LOGIN.path}: {status} {said or ''}".rstrip())
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message)
    if status == HTTPStatus.UNAUTHORIZED and said is not None:
        return PersonRefused(message)
    if status == HTTPStatus.FORBIDDEN and said is not None:
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
    """Return the JSON object of a reply, None where it is something else."""
    content = decode_json(reply.body)
    return content if isinstance(content, dict) else None
