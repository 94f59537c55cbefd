"""Digest authentication for HTTP, RTSP, and SIP clients, and Basic for HTTP and RTSP (RFC 7616, RFC 8760, RFC 7617).

It imports nothing of talk: every client of a device uses it.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
import hashlib
import re
from secrets import token_hex
from typing import Final

_TOKEN: Final = r"[!#$%&'*+.^_`|~\w-]+"
# Small devices leave out the quotes even if the value has spaces.
_UNQUOTED: Final = r'[^\s,"]*(?:(?:[ \t]+[^\s,"=]+)+(?=[ \t]*(?:,|$)))?'
_PARAMETER: Final = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_UNQUOTED}))', re.ASCII)
_SCHEME: Final = re.compile(_TOKEN, re.ASCII)
_COMMA: Final = re.compile(r"\s*,")
_BETWEEN: Final = re.compile(r"[\s,]*")
_ESCAPED: Final = re.compile(r"\\(.)")
# Characters of one header and challenges of one response.
_LONGEST: Final = 8192
_MOST: Final = 16
# Hashes by algorithm, the strongest first (RFC 8760, 2.4). Python may lack SHA-512/256.
_HASHES: Final = {
    algorithm: name
    for algorithm, name in (("SHA-512-256", "sha512_256"), ("SHA-256", "sha256"), ("MD5", "md5"))
    if name in hashlib.algorithms_available
}
_STRENGTH: Final = [*_HASHES]


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a server.

    Attributes:
        scheme: "digest" or "basic".
        algorithm: As the server writes it: "MD5", "SHA-256", "MD5-sess".
        qop: The server accepts "auth" or "auth-int".
        integrity: It accepts only "auth-int", which hashes the body of the request.
        stale: Only the nonce was rejected.
    """

    scheme: str
    realm: str
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = ""
    qop: bool = False
    stale: bool = False
    integrity: bool = False

    @property
    def hash(self) -> str:
        """Name of the hash without "-sess"; MD5 if the server names none."""
        return self.algorithm.upper().removesuffix("-SESS") or "MD5"


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the supported challenges of ``WWW-Authenticate`` headers, the strongest first."""
    found: list[Challenge] = []
    for header in headers:
        for scheme, values in _split(header[:_LONGEST]):
            if (challenge := _challenge(scheme, values)) is not None and len(found) < _MOST:
                found.append(challenge)
    return tuple(sorted(found, key=_rank))


def _rank(challenge: Challenge) -> int:
    return len(_STRENGTH) if challenge.scheme == "basic" else _STRENGTH.index(challenge.hash)


def _split(header: str) -> list[tuple[str, dict[str, str]]]:
    """Split a header into schemes and their parameters."""
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while match := _BETWEEN.match(header, position):
        position = match.end()
        if found and (match := _PARAMETER.match(header, position)):
            name, quoted, plain = match.groups()
            value = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
        elif match := _SCHEME.match(header, position):
            # A word without a value among the parameters is not a scheme.
            if not found or not _COMMA.match(header, match.end()):
                found.append((match[0].lower(), {}))
        else:
            break
        position = match.end()
    return found


def _challenge(scheme: str, values: dict[str, str]) -> Challenge | None:
    """Return a challenge; None if it is not supported."""
    realm = values.get("realm", "")
    if scheme == "basic":
        return Challenge("basic", realm)
    qops = {word.strip().lower() for word in values.get("qop", "").split(",")} - {""}
    challenge = Challenge(
        scheme,
        realm,
        values.get("nonce", ""),
        values.get("opaque"),
        values.get("algorithm", ""),
        bool(qops),
        values.get("stale", "").lower() == "true",
        bool(qops) and "auth" not in qops,
    )
    known = not qops or bool(qops & {"auth", "auth-int"})
    usable = scheme == "digest" and challenge.nonce and challenge.hash in _HASHES and known
    return challenge if usable else None


@dataclass(slots=True)
class Authenticator:
    """Answers the challenges of one server.

    Attributes:
        basic: Basic is accepted if the server offers nothing better; not in SIP (RFC 3261, 22).
        bodies: The bodies of requests are known, as "auth-int" needs.
        challenge: The stored challenge; None before the first one.
    """

    username: str
    password: str = field(repr=False)
    basic: bool = False
    bodies: bool = field(default=False, repr=False)
    challenge: Challenge | None = field(default=None, repr=False)
    _count: int = field(default=0, repr=False)

    def take(self, headers: Iterable[str]) -> bool:
        """Store the strongest challenge of a 401 or 407, and return whether it can be answered.

        The caller limits how often it repeats a request: a server sends a new nonce to a wrong password, too.

        Args:
            headers: All values of ``WWW-Authenticate`` or ``Proxy-Authenticate``.
        """
        return self.choose(parse_challenges(headers))

    def choose(self, offered: Iterable[Challenge]) -> bool:
        """Store the first challenge that can be answered, and return whether there is one."""
        usable = (
            challenge
            for challenge in offered
            if (self.basic or challenge.scheme == "digest") and (self.bodies or not challenge.integrity)
        )
        if (challenge := next(usable, None)) is None:
            return False
        self.challenge, self._count = challenge, 0
        return True

    @property
    def stale(self) -> bool:
        """The latest challenge rejects only the nonce of the answer before."""
        return self.challenge is not None and self.challenge.stale

    def answer(self, method: str, uri: str, body: bytes = b"") -> str | None:
        """Return the value of ``Authorization`` for a request; None before the first challenge."""
        if (challenge := self.challenge) is None:
            return None
        if challenge.scheme == "basic":
            return f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        self._count += 1
        return self._digest(challenge, (method, uri, body), f"{self._count:08x}", token_hex(16))

    def _digest(self, challenge: Challenge, request: tuple[str, str, bytes], count: str, cnonce: str) -> str:
        def digest_of(data: bytes) -> str:
            return hashlib.new(_HASHES[challenge.hash], data, usedforsecurity=False).hexdigest()

        def hashed(*parts: str) -> str:
            return digest_of(":".join(parts).encode("utf-8", "surrogateescape"))

        secret = hashed(self.username, challenge.realm, self.password)
        session = challenge.algorithm.upper().endswith("-SESS")
        if session:
            secret = hashed(secret, challenge.nonce, cnonce)
        method, uri, body = request
        qop = "auth-int" if challenge.integrity else "auth"
        between = (challenge.nonce, count, cnonce, qop) if challenge.qop else (challenge.nonce,)
        whole = (digest_of(body),) if challenge.integrity else ()
        values = {
            "username": self.username,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": uri,
            "response": hashed(secret, *between, hashed(method, uri, *whole)),
        }
        if challenge.qop or session:
            values["cnonce"] = cnonce
        if challenge.opaque is not None:
            values["opaque"] = challenge.opaque
        plain = [f"algorithm={challenge.algorithm}"] if challenge.algorithm else []
        if challenge.qop:
            plain += [f"qop={qop}", f"nc={count}"]
        return "Digest " + ", ".join([*(f'{name}="{_quoted(value)}"' for name, value in values.items()), *plain])


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
