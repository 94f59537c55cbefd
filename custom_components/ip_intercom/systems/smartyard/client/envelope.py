"""Replies of SmartYard: ``{code, name, message, data}``, and what its errors mean (field notes 3)."""

from collections.abc import Collection
from http import HTTPStatus

from ...common.errors import (
    CommandFailed,
    IntercomError,
    InvalidRequest,
    NoAnswer,
    NoCodePending,
    NoData,
    NotFound,
    NotPaid,
    NotSupported,
    Overloaded,
    ServerBroken,
    Throttled,
    TokenRefused,
    TooSoon,
    Unconfirmed,
    UnexpectedReply,
    WrongCode,
)
from ...common.messages import Reply, sent_on
from ...common.parse import Fields, decode_json, fields, integer, readable, row, text
from .endpoints import ACCESS, ALERT, CONFIRM_CODE, OPEN_DOOR, REGISTER_PUSH_TOKEN, REQUEST_CODE, Endpoint

SERVICE = "SmartYard"

# 555 is the server's own: its database, its cache or its configuration is not there, and no method was begun.
_BROKEN = 555
_RETRY_WITH = 449
_TOKEN_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.GONE, HTTPStatus.FAILED_DEPENDENCY, _RETRY_WITH})
# 406 elsewhere means the token as well; these refuse a value with it.
_PICKY = frozenset({REGISTER_PUSH_TOKEN, ALERT})
# Where these come with a page, the API has not spoken: nothing is known of the token, or of what is paid for.
_ON_THE_WAY = frozenset({
    HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED, *_TOKEN_REFUSED,
})  # fmt: skip
# What the sixth wrong code is answered with, in both of its languages; the status is that of the first.
_NO_MORE = ("attempts", "попыток")
_MAX_REASON = 300
# Shorter ones are in half of all sentences.
_MIN_SECRET = 4


def content(reply: Reply) -> Fields | None:
    """Return the JSON object of a reply, None for anything else."""
    found = decode_json(reply.body)
    return found if isinstance(found, dict) else None


def data(endpoint: Endpoint, reply: Reply, *, has_token: bool = True, secrets: Collection[str] = ()) -> object:
    """Return the payload of a success, None where there is none: 204, or 200 without it.

    Args:
        endpoint: What was asked.
        reply: What came.
        has_token: The request brought a token.
        secrets: What no error may tell, though the server may repeat it.

    Raises:
        IntercomError: One of its kinds, as ``error`` says.
        UnexpectedReply: It is not the API's.
    """
    if reply.status == HTTPStatus.NO_CONTENT or (reply.status == HTTPStatus.OK and not reply.body.strip()):
        return None
    found = content(reply)
    if _is_foreign(reply, found):
        raise UnexpectedReply(f"{endpoint.path}: something else answers {reply.status}")
    if not _is_success(reply.status):
        err = error(endpoint, reply.status, found, reply.location, has_token=has_token, secrets=secrets)
        err.retry_after = reply.retry_after
        raise err
    if found is None:
        raise UnexpectedReply(f"{endpoint.path} answered no JSON of its own")
    code = integer(found.get("code"))
    if code is not None and not _is_success(code):
        raise error(endpoint, code, found, has_token=has_token, secrets=secrets)
    if code is None and found and "data" not in found:
        if "error" in found:
            raise CommandFailed(_reason(found, secrets) or "error")
        raise UnexpectedReply(f"{endpoint.path} answered in no envelope")
    return found.get("data")


def _is_foreign(reply: Reply, found: Fields | None) -> bool:
    """Return whether something on the way refuses, such as a proxy or the login page of a network: the API speaks JSON."""
    return found is None and bool(reply.body.strip()) and reply.status in _ON_THE_WAY


def rows(endpoint: Endpoint, found: object) -> tuple[Fields, ...]:
    """Return the objects of a list; an empty one comes as nothing.

    Raises:
        UnexpectedReply: It is no list, or nothing in it can be read.
    """
    if isinstance(found, dict) and all(isinstance(value, dict) for value in found.values()):
        # So PHP writes a list from which something was taken.
        return tuple(found.values())
    if found is not None and not isinstance(found, list):
        raise UnexpectedReply(f"{endpoint.path} answered without a list")
    return readable(endpoint.path, found or (), row)


def record(endpoint: Endpoint, found: object) -> Fields:
    """Return an object; an empty one comes as nothing, or as an empty list.

    Raises:
        UnexpectedReply: It is something else, or has nothing of what the method needs.
    """
    if found and not isinstance(found, dict):
        raise UnexpectedReply(f"{endpoint.path} answered without an object")
    told = fields(found)
    if endpoint.needs and not endpoint.needs & told.keys():
        raise UnexpectedReply(f"{endpoint.path} answered without {' or '.join(sorted(endpoint.needs))}")
    return told


def error(
    endpoint: Endpoint,
    status: int,
    found: Fields | None,
    location: str = "",
    *,
    has_token: bool = True,
    secrets: Collection[str] = (),
) -> IntercomError:
    """Return what a refusal means; its reason is the server's own sentence for people, where there is one.

    Args:
        endpoint: What was asked.
        status: The HTTP status, which is the envelope's code.
        found: The JSON object that came with it, None for something else.
        location: Where a redirect leads.
        has_token: The request brought a token.
        secrets: What the reason may not tell.
    """
    path, said = endpoint.path, _reason(found, secrets)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return sent_on(path, location, SERVICE, lambda to: to.endswith(path))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _broken(endpoint, status, said)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return Unconfirmed(f"{path}: {status}") if endpoint.command else NoAnswer(f"{path}: {status}")
    if _is_about_token(endpoint, status, has_token):
        return TokenRefused(f"{path}: {status} {said or ''}".rstrip())
    return _refusal(endpoint, status, found, said)


def _is_about_token(endpoint: Endpoint, status: int, has_token: bool) -> bool:
    if status in _TOKEN_REFUSED:
        return True
    if endpoint.open:
        return False
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return endpoint not in _PICKY
    return not has_token and status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}


def _broken(endpoint: Endpoint, status: int, said: str | None) -> IntercomError:
    message = f"{endpoint.path}: {status} {said or ''}".rstrip()
    if status == HTTPStatus.SERVICE_UNAVAILABLE and (said is not None or not endpoint.command):
        return Overloaded(message)
    if status == _BROKEN or not endpoint.command:
        return ServerBroken(message)
    # An error from the API itself is definite; after an error from a server in front of it, the result is unknown.
    return CommandFailed(said) if said is not None else Unconfirmed(message)


def _refusal(endpoint: Endpoint, status: int, found: Fields | None, said: str | None) -> IntercomError:
    reason = said or f"{endpoint.path}: {status}"
    if endpoint == CONFIRM_CODE and status == HTTPStatus.FORBIDDEN and not _extra(found):
        return WrongCode(reason, is_last=any(word in reason.lower() for word in _NO_MORE))
    if endpoint == CONFIRM_CODE and status == HTTPStatus.NOT_FOUND:
        return NoCodePending(reason)
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return NotPaid(reason)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        is_about_command = endpoint == REQUEST_CODE or (endpoint.command and said is not None)
        return TooSoon(reason) if is_about_command else Throttled(reason)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return NotSupported(f"{endpoint.path}: {reason}")
    if status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_ACCEPTABLE}:
        return InvalidRequest(reason)
    if status == HTTPStatus.NOT_FOUND and endpoint != OPEN_DOOR:
        if found is None:
            return NotSupported(f"{endpoint.path}: {status}")
        return NoData(reason) if said is None else NotFound(said)
    if endpoint in {OPEN_DOOR, ACCESS} or said is not None:
        return CommandFailed(reason)
    return UnexpectedReply(f"{endpoint.path} answered {status} without a reason")


def _is_success(code: int) -> bool:
    return HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES


def _extra(found: Fields | None) -> str | None:
    """Return why a login with the right code is refused, such as too many devices: it comes in the payload."""
    return text(fields((found or {}).get("data")).get("error"))


def _reason(found: Fields | None, secrets: Collection[str]) -> str | None:
    said = found or {}
    reason = _extra(found) or text(said.get("message")) or text(said.get("error")) or text(said.get("name"))
    if reason is None:
        return None
    for secret in sorted((value for value in secrets if len(value) >= _MIN_SECRET), key=len, reverse=True):
        reason = reason.replace(secret, "…")
    return " ".join(reason.split())[:_MAX_REASON] or None
