"""Basic and Digest authentication on the server's side (RFC 2617)."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
import hashlib
import hmac
import secrets
import time
from urllib.request import parse_http_list, parse_keqv_list

from aiohttp import web

# A small device remembers a limited number; the oldest go first.
NONCES_KEPT = 256

ALGORITHMS: Mapping[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
DIGEST_FIELDS = frozenset({"username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"})

type Passwords = Callable[[str], str | None]


class StaleNonceError(Exception):
    """The password is right, but the nonce is old or its counter was seen before."""


@dataclass(slots=True)
class Nonce:
    """A nonce that was handed out, with the counters seen on it."""

    made: float
    seen: set[int] = field(default_factory=set)


def check_basic(credentials: str, password_of: Passwords) -> str | None:
    """Return the user name if the password is right."""
    try:
        name, colon, given = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return None
    password = password_of(name)
    if password is None or not colon:
        return None
    return name if hmac.compare_digest(password.encode(), given.encode()) else None


class Digest:
    """Issues and checks nonces; the caller has the passwords."""

    def __init__(
        self,
        realm: str,
        *,
        lifetime: float | None = None,
        algorithm: str = "MD5",
        qops: Iterable[str] = ("auth",),
        opaque: str | None = None,
    ) -> None:
        """Issue nonces with a `lifetime` in seconds; None: unlimited."""
        self.lifetime = lifetime
        # For how many requests a nonce is good; None: unlimited.
        self.uses: int | None = None
        # How many nonces are valid at a time; the oldest go first.
        self.kept = NONCES_KEPT
        self.algorithm = algorithm
        self._realm = realm
        self._qops = tuple(qops)
        self._opaque = opaque
        self._nonces: dict[str, Nonce] = {}

    def forget_nonces(self) -> None:
        """Expire every nonce."""
        self._nonces.clear()

    def challenge(self, *, stale: bool = False) -> str:
        """Return a value of WWW-Authenticate with a new nonce."""
        nonce = secrets.token_hex(16)
        while len(self._nonces) >= self.kept:
            del self._nonces[next(iter(self._nonces))]
        self._nonces[nonce] = Nonce(time.monotonic())
        parts = [f'Digest realm="{self._realm}"', f'qop="{",".join(self._qops)}"', f'nonce="{nonce}"']
        if self._opaque is not None:
            parts.append(f'opaque="{self._opaque}"')
        if self.algorithm != "MD5":
            parts.append(f"algorithm={self.algorithm}")
        if stale:
            parts.append("stale=true")
        return ", ".join(parts)

    def check(
        self, request: web.BaseRequest, credentials: str, password_of: Passwords, body_hash: str = ""
    ) -> str | None:
        """Return the name when the response is right; `body_hash` is for auth-int. Raises `StaleNonceError`."""
        try:
            given = parse_keqv_list(parse_http_list(credentials))
        except ValueError:
            return None
        if not given.keys() >= DIGEST_FIELDS or given["realm"] != self._realm or given["qop"] not in self._qops:
            return None
        # The request line and the header must name the same resource (RFC 2617 3.2.2.5).
        if given["uri"] != request.raw_path or given.get("algorithm", "MD5").upper() != self.algorithm:
            return None
        if self._opaque is not None and given.get("opaque") != self._opaque:
            return None
        name = given["username"]
        password = password_of(name)
        if password is None:
            return None
        digest = ALGORITHMS[self.algorithm]
        ha1 = digest(f"{name}:{self._realm}:{password}".encode())
        whole = f":{body_hash}" if given["qop"] == "auth-int" else ""
        ha2 = digest(f"{request.method}:{given['uri']}{whole}".encode())
        text = ":".join((ha1, given["nonce"], given["nc"], given["cnonce"], given["qop"], ha2))
        if not hmac.compare_digest(digest(text.encode()), given["response"].lower()):
            return None
        if not self._count(given["nonce"], given["nc"]):
            raise StaleNonceError
        return name

    def _count(self, text: str, nc: str) -> bool:
        """Return whether the nonce is valid and its counter new."""
        nonce = self._nonces.get(text)
        if nonce is None:
            return False
        if self.lifetime is not None and time.monotonic() - nonce.made > self.lifetime:
            del self._nonces[text]
            return False
        try:
            counter = int(nc, 16)
        except ValueError:
            return False
        if counter in nonce.seen or (self.uses is not None and len(nonce.seen) >= self.uses):
            return False
        nonce.seen.add(counter)
        return True
