"""SIP addresses: URIs, name-addr, and Via, with their parameters (RFC 3261, 19, 20, and 25)."""

from dataclasses import dataclass
import re
from typing import Final, Self, override

from .errors import SipError

# Begins every branch that follows RFC 3261 (8.1.1.7).
COOKIE: Final = "z9hG4bK"
VERSION: Final = "SIP/2.0"

type Parameters = tuple[tuple[str, str | None], ...]

_HOST: Final = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+"
_HOST_PORT: Final = re.compile(rf"({_HOST})(?:\s*:\s*(\d{{1,5}}))?", re.ASCII)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_VIA: Final = re.compile(r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+", re.IGNORECASE)


# ---- Lists and parameters ----


def split_outside(text: str, separator: str) -> list[str]:
    """Split at a character outside of quotes and angle brackets; the parts are stripped. Raises SipError."""
    if '"' not in text and "<" not in text:
        return [part.strip() for part in text.split(separator)]
    parts, begin, at, quoted, depth = [], 0, 0, False, False
    while at < len(text):
        character = text[at]
        if quoted:
            if character == "\\":
                at += 1
            elif character == '"':
                quoted = False
        elif character == '"' and not depth:
            quoted = True
        elif character == "<":
            depth = True
        elif character == ">":
            depth = False
        elif character == separator and not depth:
            parts.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    if quoted or depth:
        raise SipError("a quote or bracket does not end")
    parts.append(text[begin:].strip())
    return parts


def parse_parameters(text: str) -> Parameters:
    """Parse ``;name=value;flag``; names in lower case, quotes removed. Raises SipError."""
    found: list[tuple[str, str | None]] = []
    for part in split_outside(text, ";"):
        if not part:
            continue
        name, equals, value = part.partition("=")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        found.append((name.strip().lower(), value if equals else None))
    return tuple(found)


def _joined(parameters: Parameters) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def parameter(parameters: Parameters, name: str) -> str | None:
    """Return a parameter; "" if it has no value, None if it is absent."""
    return next((value or "" for key, value in parameters if key == name), None)


def parse_number(text: str | None, most: int = 2**32 - 1) -> int | None:
    """Return a decimal number, None if it is none or above ``most``."""
    text = (text or "").strip()
    return int(text) if len(text) < 12 and text.isascii() and text.isdigit() and int(text) <= most else None


# ---- Addresses ----


def bracketed(host: str) -> str:
    """Return a host as URIs have it: an IPv6 address in brackets, without the zone, which is valid on this machine only."""
    return f"[{host.partition('%')[0]}]" if ":" in host and not host.startswith("[") else host


@dataclass(frozen=True, slots=True)
class SipUri:
    """A sip or sips URI (RFC 3261, 19.1); ``user`` may contain a password, ``headers`` are dropped."""

    host: str
    port: int | None = None
    user: str | None = None
    parameters: Parameters = ()
    scheme: str = "sip"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URI; raises SipError."""
        scheme, colon, rest = text.partition(":")
        if not colon or scheme.lower() not in ("sip", "sips"):
            raise SipError("no SIP URI")
        user, at, rest = rest.rpartition("@")
        if any(character in text for character in ' <>"\t'):
            raise SipError("a SIP URI with spaces or brackets")
        rest = rest.partition("?")[0]
        place, _, parameters = rest.partition(";")
        if (match := _HOST_PORT.fullmatch(place)) is None:
            raise SipError("a SIP URI without a host")
        port = parse_number(match[2], 65_535)
        if match[2] and port is None:
            raise SipError("a SIP URI with an impossible port")
        return cls(match[1], port, user if at else None, parse_parameters(parameters), scheme.lower())

    @property
    def is_loose(self) -> bool:
        """The proxy of this URI routes loosely (RFC 3261, 16.12)."""
        return parameter(self.parameters, "lr") is not None

    @override
    def __str__(self) -> str:
        user = "" if self.user is None else f"{self.user}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}:{user}{self.host}{port}{_joined(self.parameters)}"

    @property
    def shown(self) -> str:
        """The URI for people and logs: without password and parameters."""
        user = "" if self.user is None else f"{self.user.partition(':')[0]}@"
        port = "" if self.port is None else f":{self.port}"
        text = f"{self.scheme}:{user}{self.host}{port}"
        return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Address:
    """The value of From, To, Contact, or a route: a URI of any scheme with display name and parameters."""

    uri: str
    parameters: Parameters = ()
    display: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an address; raises SipError."""
        text = text.strip()
        if "<" not in text:
            uri, _, rest = text.partition(";")
            if '"' in uri:
                raise SipError("an address with an unbalanced quote")
            return cls._checked(uri.strip(), rest, "")
        display, found = "", text.find("<")
        if text.startswith('"'):
            end = _quote_end(text)
            display, found = text[: end + 1], text.find("<", end)
            if text[end + 1 : found].strip():
                raise SipError("an address with two names")
        elif '"' in text[:found]:
            raise SipError("an address with an unbalanced quote")
        else:
            display = text[:found].strip()
            if ":" in display or "@" in display:
                raise SipError("an address in the place of a name")
        end = text.find(">", found)
        rest = text[end + 1 :].strip()
        if found < 0 or end < 0 or (rest and not rest.startswith(";")):
            raise SipError("an address with unbalanced brackets")
        return cls._checked(text[found + 1 : end].strip(), rest, display)

    @classmethod
    def _checked(cls, uri: str, parameters: str, display: str) -> Self:
        scheme, colon, rest = uri.partition(":")
        if not colon or not rest or not _SCHEME.fullmatch(scheme) or any(character in uri for character in ' <>"\t'):
            raise SipError("an address without a URI")
        return cls(uri, parse_parameters(parameters), display)

    @property
    def tag(self) -> str | None:
        """The tag of a dialog."""
        return parameter(self.parameters, "tag") or None

    @override
    def __str__(self) -> str:
        display = f"{self.display} " if self.display else ""
        return f"{display}<{self.uri}>{_joined(self.parameters)}"


def _quote_end(text: str) -> int:
    """Return where the quoted string at the beginning ends; raises SipError."""
    at = 1
    while at < len(text):
        if text[at] == '"':
            return at
        at += 2 if text[at] == "\\" else 1
    raise SipError("a quote does not end")


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a message (RFC 3261, 20.42)."""

    transport: str
    host: str
    port: int | None
    parameters: Parameters

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a hop; raises SipError."""
        protocol = _VIA.match(text)
        place, _, parameters = (text[protocol.end() :] if protocol else "").partition(";")
        match = _HOST_PORT.fullmatch(place.strip())
        if protocol is None or match is None:
            raise SipError("a malformed Via")
        return cls(protocol[1].upper(), match[1], parse_number(match[2], 65_535), parse_parameters(parameters))

    @property
    def branch(self) -> str:
        """The branch; "" without one."""
        return parameter(self.parameters, "branch") or ""

    def answered(self, host: str, port: int) -> Via:
        """Return the hop as a response carries it, with the address of the sender (RFC 3581, 4)."""
        rest = tuple(item for item in self.parameters if item[0] not in ("received", "rport"))
        seen: list[tuple[str, str | None]] = []
        asked = parameter(self.parameters, "rport") is not None
        if asked or host != self.host.strip("[]"):
            seen.append(("received", host))
        if asked:
            seen.append(("rport", str(port)))
        return Via(self.transport, self.host, self.port, (*rest, *seen))

    @override
    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{VERSION}/{self.transport} {self.host}{port}{_joined(self.parameters)}"
