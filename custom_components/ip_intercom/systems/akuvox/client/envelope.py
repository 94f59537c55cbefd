"""The JSON envelope of the Akuvox HTTP API, and what its return codes mean (HTTP API Reply, Negative Reply)."""

from dataclasses import dataclass
import re

from ...common.errors import CommandFailed, IntercomError, InvalidRequest, NotSupported, UnexpectedReply
from ...common.parse import Fields, decode_json_prefix, fields, integer, text
from .endpoints import Endpoint

# Bytes that are no UTF-8, as Python marks them.
_FOREIGN = re.compile("[\udc80-\udcff]")
_ESCAPED = 0xDC00
_FIRST_LATIN = 0xA0
# Where the rows of a list are in ``data``; also where ``data`` is a list.
LIST = "item"
_BAD_PARAM = -100
_BAD_PARAM_TEXT = "error param"
# "unsupport action", "Api unsupported", "No hanlders for this request": as devices spell it.
_UNSUPPORTED = re.compile(r"unsupport|not support|no ha(nl|nd)", re.IGNORECASE)


class Spoiled(UnexpectedReply):
    """A reply that began as JSON and is none: the device mixed it with another one, or cut it off."""


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object, and whether it came as cleanly as from a device that is well."""

    content: Fields
    clean: bool


def read(path: str, body: bytes) -> Document:
    """Read a reply and ignore what follows the JSON object: UTF-8, or Latin-1 where a character is none.

    Raises:
        Spoiled: It is no JSON, or cut off.
        UnexpectedReply: It is something else, such as a page.
    """
    decoded = body.decode("utf-8", "surrogateescape").lstrip("\ufeff \t\r\n")
    if decoded.startswith("<"):
        raise UnexpectedReply(f"{path} answered with a page")
    mended = mend(decoded)
    try:
        content, end = decode_json_prefix(mended)
    except ValueError as err:
        raise Spoiled(f"{path} answered no JSON") from err
    if not isinstance(content, dict):
        raise UnexpectedReply(f"{path} answered JSON that is not its own")
    return Document(content, clean=mended[:end] == decoded[:end] and not decoded[end:].strip())


def mend(decoded: str) -> str:
    """Return a text in which bytes that are no UTF-8 are Latin-1."""
    return _FOREIGN.sub(_as_latin, decoded)


def _as_latin(foreign: re.Match[str]) -> str:
    """Return what a byte is in Latin-1; the control characters there are broken ones."""
    byte = ord(foreign[0]) - _ESCAPED
    return chr(byte) if byte >= _FIRST_LATIN else "\N{REPLACEMENT CHARACTER}"


def result(endpoint: Endpoint, content: Fields) -> Fields:
    """Return ``data`` of a reply; ``action`` in it is not to be relied on (field notes 5).

    Raises:
        IntercomError: One of its kinds, by return code and message.
    """
    code = retcode(content)
    if code is None:
        raise UnexpectedReply(f"{endpoint.path} answered JSON that is not its own")
    if code < 0:
        raise error(endpoint.path, code, text(content.get("message")), fields(content.get("data")))
    data = content.get("data")
    if isinstance(data, list):
        return {LIST: data}
    found = fields(data)
    # A list of one row may come as that row.
    return {**found, LIST: [found[LIST]]} if isinstance(found.get(LIST), dict) else found


def retcode(content: Fields) -> int | None:
    """Return the code of a reply: 0 or more is success, for users how many were changed."""
    return integer(content.get("retcode"))


def error(path: str, code: int, message: str | None, details: Fields) -> IntercomError:
    """Return what a negative reply means."""
    reason = message or f"error {code}"
    if _UNSUPPORTED.search(reason):
        return NotSupported(f"{path}: {reason}")
    if code == _BAD_PARAM or reason.strip().lower() == _BAD_PARAM_TEXT:
        return InvalidRequest(reason, details=details)
    return CommandFailed(reason, details=details)
