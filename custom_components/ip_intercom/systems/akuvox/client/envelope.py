"""JSON envelope and return codes of the Akuvox HTTP API (HTTP API Reply, Negative Reply)."""

from dataclasses import dataclass
import re

from ...common.errors import CommandFailed, IntercomError, InvalidRequest, NotSupported, UnexpectedReply
from ...common.parse import Fields, decode_json_prefix, fields, integer, text
from .endpoints import Endpoint

# Bytes that are not UTF-8, as escaped by Python.
_FOREIGN = re.compile("[\udc80-\udcff]")
_ESCAPED = 0xDC00
_FIRST_LATIN = 0xA0
# Key of the rows of a list in ``data``; also used if ``data`` itself is a list.
LIST = "item"
_BAD_PARAM = -100
_BAD_PARAM_TEXT = "error param"
# Spellings of devices: "unsupport action", "Api unsupported", "No hanlders for this request".
_UNSUPPORTED = re.compile(r"unsupport|not support|no ha(nl|nd)", re.IGNORECASE)


class CorruptReply(UnexpectedReply):
    """A reply that begins as JSON but is invalid: mixed with another reply, or truncated."""


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object, and whether the reply contained nothing else and no invalid bytes."""

    content: Fields
    clean: bool


def read(path: str, body: bytes) -> Document:
    """Decode a reply as UTF-8, invalid characters as Latin-1; ignore data after the JSON object.

    Raises:
        CorruptReply: The JSON is invalid or truncated.
        UnexpectedReply: The reply is something else, such as an HTML page.
    """
    decoded = body.decode("utf-8", "surrogateescape").lstrip("\ufeff \t\r\n")
    if decoded.startswith("<"):
        raise UnexpectedReply(f"{path} returned an HTML page")
    mended = mend(decoded)
    try:
        content, end = decode_json_prefix(mended)
    except ValueError as err:
        raise CorruptReply(f"{path} returned invalid JSON") from err
    if not isinstance(content, dict):
        raise UnexpectedReply(f"{path} returned unexpected JSON")
    return Document(content, clean=mended[:end] == decoded[:end] and not decoded[end:].strip())


def mend(decoded: str) -> str:
    """Return a text whose non-UTF-8 bytes are decoded as Latin-1."""
    return _FOREIGN.sub(_as_latin, decoded)


def _as_latin(foreign: re.Match[str]) -> str:
    """Return a byte decoded as Latin-1; control characters become the replacement character."""
    byte = ord(foreign[0]) - _ESCAPED
    return chr(byte) if byte >= _FIRST_LATIN else "\N{REPLACEMENT CHARACTER}"


def result(endpoint: Endpoint, content: Fields) -> Fields:
    """Return ``data`` of a reply; its ``action`` is unreliable (field notes 5).

    Raises:
        IntercomError: A subclass, by return code and message.
    """
    code = retcode(content)
    if code is None:
        raise UnexpectedReply(f"{endpoint.path} returned unexpected JSON")
    if code < 0:
        raise error(endpoint.path, code, text(content.get("message")), fields(content.get("data")))
    data = content.get("data")
    if isinstance(data, list):
        return {LIST: data}
    found = fields(data)
    # A list with one row may be returned as that row.
    return {**found, LIST: [found[LIST]]} if isinstance(found.get(LIST), dict) else found


def retcode(content: Fields) -> int | None:
    """Return the code of a reply; 0 or more is success, for users the number of changes."""
    return integer(content.get("retcode"))


def error(path: str, code: int, message: str | None, details: Fields) -> IntercomError:
    """Return the error of a negative reply."""
    reason = message or f"error {code}"
    if _UNSUPPORTED.search(reason):
        return NotSupported(f"{path}: {reason}")
    if code == _BAD_PARAM or reason.strip().lower() == _BAD_PARAM_TEXT:
        return InvalidRequest(reason, details=details)
    return CommandFailed(reason, details=details)
