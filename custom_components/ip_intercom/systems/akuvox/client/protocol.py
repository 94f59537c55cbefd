"""Endpoints of the Akuvox HTTP API (HTTP API Functions), and its JSON envelope with return codes (HTTP API Reply)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
import re
from typing import Any, override

from ...common.errors import (
    CommandFailed,
    HighSecurity,
    IntercomError,
    InvalidRequest,
    NotSupported,
    OpeningDisabled,
    UnexpectedReply,
)
from ...common.parse import Fields, decode_json_prefix, fields, integer, text

GET, POST = "GET", "POST"


class Patience(StrEnum):
    """Timeout class of a function; ``TIMEOUTS`` has the seconds."""

    # States and commands. Old devices need 2 s for a TLS handshake.
    QUICK = "quick"
    USUAL = "usual"
    # Complete logs of devices without pages, the configuration, and writes to flash memory.
    SLOW = "slow"
    # Lists of up to 50,000 users, and files that the device compresses first.
    LIST = "list"
    # Firmware and complete configurations, which the device checks before it responds.
    FILE = "file"


TIMEOUTS: dict[Patience, float] = {
    Patience.QUICK: 8.0,
    Patience.USUAL: 15.0,
    Patience.SLOW: 30.0,
    Patience.LIST: 60.0,
    Patience.FILE: 90.0,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function of the API.

    ``methods`` are those of the manual, the preferred one first. ``repeatable`` is False if a second execution has
    another effect: such a request is not sent again once it may have arrived.
    """

    target: str
    action: str
    methods: tuple[str, ...] = (GET, POST)
    repeatable: bool = True
    patience: Patience = Patience.USUAL

    @property
    def path(self) -> str:
        """Absolute path."""
        return f"/api/{self.target}/{self.action}"

    @property
    def timeout(self) -> float:
        """Timeout in seconds; for a long response, until it begins and between its parts."""
        return TIMEOUTS[self.patience]

    @property
    def is_command(self) -> bool:
        """Whether a user waits for the effect, such as an open door."""
        return not self.repeatable and self.patience is Patience.QUICK


def by(method: str, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with this method only."""
    return replace(endpoint, methods=(method,))


def _quick(target: str, action: str) -> Endpoint:
    return Endpoint(target, action, patience=Patience.QUICK)


def _slow(target: str, action: str) -> Endpoint:
    return Endpoint(target, action, patience=Patience.SLOW)


def _list(target: str, action: str) -> Endpoint:
    return Endpoint(target, action, patience=Patience.LIST)


def _once(target: str, action: str, patience: Patience = Patience.USUAL) -> Endpoint:
    return Endpoint(target, action, repeatable=False, patience=patience)


def _post(target: str, action: str, patience: Patience = Patience.USUAL) -> Endpoint:
    return Endpoint(target, action, (POST,), patience=patience)


def _post_once(target: str, action: str, patience: Patience = Patience.USUAL) -> Endpoint:
    return Endpoint(target, action, (POST,), repeatable=False, patience=patience)


SYSTEM_INFO = _quick("system", "info")
SYSTEM_STATUS = _quick("system", "status")
SYSTEM_REBOOT = _once("system", "reboot")

FIRMWARE_STATUS = _quick("firmware", "status")
FIRMWARE_PREPARE = Endpoint("firmware", "prepare", patience=Patience.FILE)
FIRMWARE_UPLOAD = _post_once("firmware", "upload", Patience.FILE)
FIRMWARE_UPGRADE = _once("firmware", "upgrade", Patience.FILE)

CONFIG_GET = _slow("config", "get")
CONFIG_SET = _post("config", "set", Patience.SLOW)
# An E16C rejects the manual's method; with this one it accepts one key per request.
CONFIG_SET_ONE = by(GET, CONFIG_SET)
CONFIG_EXPORT = _list("config", "export")
CONFIG_IMPORT = _post_once("config", "import", Patience.FILE)
CONFIG_RESET_FACTORY = _once("config", "reset_factory", Patience.SLOW)

RELAY_GET = Endpoint("relay", "get")
RELAY_SET = _post("relay", "set")
RELAY_STATUS = _quick("relay", "status")
RELAY_TRIG = _once("relay", "trig", Patience.QUICK)

INPUT_GET = Endpoint("input", "get")
INPUT_SET = _post("input", "set")
INPUT_STATUS = _quick("input", "status")

PUBLICCODE_GET = Endpoint("publiccode", "get")
PUBLICCODE_SET = _post("publiccode", "set")

CALL_STATUS = _quick("call", "status")
CALL_DIAL = _once("call", "dial", Patience.QUICK)
CALL_HANGUP = _once("call", "hangup", Patience.QUICK)

SIP_GET = Endpoint("sip", "get")
SIP_SET = _post("sip", "set")
SIP_STATUS = _quick("sip", "status")

LOG_GET = Endpoint("log", "get")
LOG_SET = _post("log", "set")
LOG_EXPORT = _list("log", "export")
LOG_CLEAR = Endpoint("log", "clear")

# The manual's table spells it callog, its examples and devices calllog.
CALLLOG_GET = _slow("calllog", "get")
CALLLOG_DEL = _post_once("calllog", "del")
CALLLOG_CLEAR = _once("calllog", "clear")
CALLLOG_EXPORT = _list("calllog", "export")

DOORLOG_GET = _slow("doorlog", "get")
DOORLOG_DEL = _post_once("doorlog", "del")
DOORLOG_CLEAR = _once("doorlog", "clear")
DOORLOG_EXPORT = _list("doorlog", "export")

PCAP_STATUS = _quick("pcap", "status")
PCAP_START = _once("pcap", "start")
PCAP_STOP = _once("pcap", "stop")
PCAP_EXPORT = _list("pcap", "export")

USER_INFO = _quick("user", "info")
USER_SCAN = _post("user", "scan")
USER_EXPORT = _list("user", "export")


@dataclass(frozen=True, slots=True)
class ListEndpoints:
    """Endpoints of a list of items with an ID."""

    get: Endpoint
    add: Endpoint
    set: Endpoint
    delete: Endpoint
    clear: Endpoint
    export: Endpoint
    import_: Endpoint

    @classmethod
    def of(cls, target: str) -> ListEndpoints:
        """Return the endpoints of a target; a repeated ``add`` would add the item twice."""
        return cls(
            _list(target, "get"),
            _post_once(target, "add", Patience.SLOW),
            _post(target, "set", Patience.SLOW),
            _post_once(target, "del", Patience.SLOW),
            _once(target, "clear", Patience.SLOW),
            _list(target, "export"),
            _post_once(target, "import", Patience.FILE),
        )


PRIVATEKEY = ListEndpoints.of("privatekey")
RFKEY = ListEndpoints.of("rfkey")
CONTACT = ListEndpoints.of("contact")
# The example in the manual's introduction adds one contact with a query.
CONTACT_ADD_ONE = by(GET, CONTACT.add)
GROUP = ListEndpoints.of("group")
DIALREPLACE = ListEndpoints.of("dialreplace")
USER = ListEndpoints.of("user")

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
# Messages of devices that open no door over HTTP (captures/error_envelopes.md).
_NOT_SAFE = re.compile(r"not\s*safe", re.IGNORECASE)
_NOT_ENABLED = re.compile(r"not\s*enable", re.IGNORECASE)
_OPENING_PATHS = (RELAY_TRIG.path, "/fcgi/")


class AnyCase[V](dict[str, V]):
    """A JSON object whose keys may be written in another letter case than in the manual; an exact key comes first."""

    __slots__ = ("_spelled",)

    def __missing__(self, name: str) -> V:
        """Return the value of a key in another letter case."""
        if (spelled := self.spelling(name)) == name:
            raise KeyError(name)
        return self[spelled]

    @override
    def __contains__(self, name: object) -> bool:
        """Return whether a key is there in any letter case."""
        return super().__contains__(name) or (isinstance(name, str) and super().__contains__(self.spelling(name)))

    @override
    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a key in any letter case."""
        try:
            return self[name]
        except KeyError:
            return default

    def spelling(self, name: str) -> str:
        """Return a key as the device writes it; a key that the device does not have is unchanged."""
        if super().__contains__(name):
            return name
        try:
            spelled = self._spelled
        except AttributeError:
            self._spelled: dict[str, str] = {key.lower(): key for key in self}
            spelled = self._spelled
        return spelled.get(name.lower(), name)


def any_case(value: object) -> Any:
    """Return a JSON value whose objects have keys in any letter case."""
    if isinstance(value, dict):
        return AnyCase({name: any_case(item) for name, item in value.items()})
    return [any_case(item) for item in value] if isinstance(value, list) else value


def changed(row: Fields, changes: Mapping[str, object]) -> dict[str, object]:
    """Return an object with changed values, under the keys that the device uses."""
    known = row if isinstance(row, AnyCase) else AnyCase(row)
    return {**row, **{known.spelling(name): value for name, value in changes.items()}}


def without(row: Fields, names: Iterable[str]) -> AnyCase[object]:
    """Return an object without some keys, in any letter case."""
    dropped = {name.lower() for name in names}
    return AnyCase({name: value for name, value in row.items() if name.lower() not in dropped})


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
    return Document(any_case(content), clean=mended[:end] == decoded[:end] and not decoded[end:].strip())


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
        return AnyCase({LIST: data})
    found = fields(data)
    rows = found.get(LIST, ())
    # An empty list may be returned as null, an empty text, or an empty object.
    if not rows and not integer(found.get("num")):
        return AnyCase({**found, LIST: []}) if LIST in found else found
    # A list with one row may be returned as that row.
    return AnyCase({**found, LIST: [rows]}) if isinstance(rows, dict) else found


def is_moved(body: bytes) -> bool:
    """Return whether a reply refers to another command, which is all that some firmware has."""
    return b"please use new interface" in body.lower()


def retcode(content: Fields) -> int | None:
    """Return the code of a reply; 0 or more is success, for users the number of changes."""
    return integer(content.get("retcode"))


def error(path: str, code: int, message: str | None, details: Fields) -> IntercomError:
    """Return the error of a negative reply."""
    reason = message or f"error {code}"
    if _NOT_SAFE.search(reason):
        return HighSecurity(reason)
    if _NOT_ENABLED.search(reason) and path.startswith(_OPENING_PATHS):
        return OpeningDisabled(reason)
    if _UNSUPPORTED.search(reason):
        return NotSupported(f"{path}: {reason}")
    if code == _BAD_PARAM or reason.strip().lower() == _BAD_PARAM_TEXT:
        return InvalidRequest(reason, details=details)
    return CommandFailed(reason, details=details)


def rejection(path: str, body: bytes) -> IntercomError | None:
    """Return why a device rejects a request for safety; None if a rejection may be due to the login (HTTP API Reply)."""
    try:
        content = read(path, body).content
    except UnexpectedReply:
        return None
    found = error(path, retcode(content) or 0, text(content.get("message")), {})
    return found if isinstance(found, HighSecurity | OpeningDisabled) else None
