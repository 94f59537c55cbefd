"""JSON envelope and error codes of the 2N HTTP API (HTTP API 2.3)."""

from collections.abc import Mapping

from ...common.errors import (
    AuthenticationFailed,
    CommandFailed,
    FileTooOld,
    IntercomError,
    InvalidRequest,
    NoData,
    NotSupported,
    PermissionDenied,
    Rejected,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ...common.messages import Reply, overload, redirect
from ...common.parse import Fields, decode_json, fields, integer, text
from .endpoints import Endpoint

JSON_TYPES = frozenset({"application/json", "text/json", "text/plain"})

WRONG_SCHEME = 8
_NOT_SUPPORTED = frozenset({1, 2, 3})
_INVALID = frozenset({11, 12, 13, 17})
_COMMAND_ERRORS: Mapping[int | None, type[CommandFailed]] = {15: NoData, 18: Rejected, 19: FileTooOld}


def error_code(reply: Reply) -> int | None:
    """Return the code of an error response, without raising it."""
    # Long responses are results: error objects are short, and the check costs a second parse.
    if len(reply.body) > 1024 or b'"error"' not in reply.body:
        return None
    return integer(fields(fields(decode_json(reply.body)).get("error")).get("code"))


def result(endpoint: Endpoint, reply: Reply) -> Fields | list[object]:
    """Return the ``result`` of a response.

    Raises:
        IntercomError: A subclass, by the error code.
    """
    document = decode_json(reply.body)
    if isinstance(document, list):
        return document  # firmware 3.x answers some functions with a bare array without an envelope
    envelope = fields(document)
    if endpoint.bare and envelope and "success" not in envelope:
        return envelope
    if "success" not in envelope:
        if (busy := overload(endpoint.path, reply)) is not None:
            raise busy
        if (moved := redirect(reply)) is not None:
            raise moved
        raise UnexpectedReply(f"{endpoint.path} returned {reply.content_type} without an API response")
    if envelope["success"] is not True:
        raise _error(endpoint, fields(envelope.get("error")))
    value = envelope.get("result")
    return value if isinstance(value, list) else fields(value)


def _error(endpoint: Endpoint, error: Fields) -> IntercomError:
    code = integer(error.get("code"))
    reason = text(error.get("description")) or f"error {code}"
    if code in _NOT_SUPPORTED:
        return NotSupported(f"{endpoint.path}: {reason}")
    if code == 4:
        return ServiceDisabled(endpoint.service)
    if code == 7:
        return SecureConnectionRequired(endpoint.service)
    if code in {WRONG_SCHEME, 9}:
        return AuthenticationFailed(f"{endpoint.path}: {reason}")
    if code == 10:
        return PermissionDenied(endpoint.privilege or endpoint.service)
    details = fields(error.get("data"))  # firmware 2.50
    if code in _INVALID:
        return InvalidRequest(reason, text(error.get("param")), details=details)
    return _COMMAND_ERRORS.get(code, CommandFailed)(reason, details=details)
