"""Authentication per service: None, Basic or Digest (HTTP API 3, RFC 2617)."""

from base64 import b64decode
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import hashlib
import hmac
import secrets
import time
from urllib.request import parse_http_list, parse_keqv_list

from aiohttp import web

from .config import Account, Auth
from .envelope import ApiError, Code

REALM = "HTTP API"
# A device blocks an address after this many wrong logins within a minute and logs LoginBlocked.
WRONG_LOGINS = 5
WRONG_LOGIN_WINDOW = 60.0
# A small device remembers a limited number; the oldest go first.
NONCES_KEPT = 256

ALGORITHMS: Mapping[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
DIGEST_FIELDS = frozenset({"username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"})


class Challenge(Exception):
    """HTTP 401 with error 9; a stray one has no body."""

    def __init__(self, header: str, *, empty: bool = False) -> None:
        """`header` is the value of WWW-Authenticate."""
        super().__init__(header)
        self.header = header
        self.empty = empty


@dataclass(slots=True)
class Nonce:
    """A nonce that was handed out, with the counters seen on it."""

    made: float
    seen: set[int] = field(default_factory=set)


class Authenticator:
    """Knows the nonces; the accounts belong to the simulator."""

    def __init__(self, on_blocked: Callable[[str], None], nonce_lifetime: float | None, algorithm: str = "MD5") -> None:
        """`on_blocked` gets the address of a client that guesses passwords."""
        self.nonce_lifetime = nonce_lifetime
        self.algorithm = algorithm
        self.strays = 0
        self._on_blocked = on_blocked
        self._nonces: dict[str, Nonce] = {}
        self._wrong: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WRONG_LOGINS))

    def forget_nonces(self) -> None:
        """Expire every nonce."""
        self._nonces.clear()

    def check(self, request: web.BaseRequest, scheme: Auth, accounts: Mapping[str, Account]) -> Account | None:
        """Give the account; raises `ApiError` 8 or `Challenge`."""
        if scheme is Auth.NONE:
            return None
        header = request.headers.get("Authorization")
        if header is None:
            raise self._challenge(scheme)
        name, _, credentials = header.partition(" ")
        if name.lower() != scheme:
            # HTTP 200 and no challenge: who sends the wrong scheme never learns the right one (captures/errors.json).
            raise ApiError(Code.INVALID_AUTH_METHOD)
        check = self._basic if scheme is Auth.BASIC else self._digest
        account = check(request, credentials, accounts)
        if account is None:
            self._count_wrong(request.remote or "")
            raise self._challenge(scheme)
        if self.strays:
            self.strays -= 1
            raise self._challenge(scheme, empty=True)
        return account

    def _challenge(self, scheme: Auth, *, stale: bool = False, empty: bool = False) -> Challenge:
        if scheme is Auth.BASIC:
            return Challenge(f'Basic realm="{REALM}"', empty=empty)
        nonce = secrets.token_hex(16)
        if len(self._nonces) >= NONCES_KEPT:
            del self._nonces[next(iter(self._nonces))]
        self._nonces[nonce] = Nonce(time.monotonic())
        parts = [f'Digest realm="{REALM}"', 'qop="auth"', f'nonce="{nonce}"']
        if self.algorithm != "MD5":
            parts.append(f"algorithm={self.algorithm}")
        if stale:
            parts.append("stale=true")
        return Challenge(", ".join(parts), empty=empty)

    def _count_wrong(self, address: str) -> None:
        wrong = self._wrong[address]
        wrong.append(time.monotonic())
        if len(wrong) == WRONG_LOGINS and wrong[-1] - wrong[0] <= WRONG_LOGIN_WINDOW:
            wrong.clear()
            self._on_blocked(address)

    @staticmethod
    def _basic(_: web.BaseRequest, credentials: str, accounts: Mapping[str, Account]) -> Account | None:
        try:
            name, colon, password = b64decode(credentials, validate=True).decode().partition(":")
        except ValueError:
            return None
        account = accounts.get(name)
        if account is None or not account.enabled or not colon:
            return None
        return account if hmac.compare_digest(account.password.encode(), password.encode()) else None

    def _digest(self, request: web.BaseRequest, credentials: str, accounts: Mapping[str, Account]) -> Account | None:
        try:
            given = parse_keqv_list(parse_http_list(credentials))
        except ValueError:
            return None
        if not given.keys() >= DIGEST_FIELDS or given["realm"] != REALM or given["qop"] != "auth":
            return None
        # The request line and the header must name the same resource (RFC 2617 3.2.2.5).
        if given["uri"] != request.raw_path or given.get("algorithm", "MD5").upper() != self.algorithm:
            return None
        account = accounts.get(given["username"])
        if account is None or not account.enabled:
            return None
        digest = ALGORITHMS[self.algorithm]
        ha1 = digest(f"{account.name}:{REALM}:{account.password}".encode())
        ha2 = digest(f"{request.method}:{given['uri']}".encode())
        text = ":".join((ha1, given["nonce"], given["nc"], given["cnonce"], given["qop"], ha2))
        if not hmac.compare_digest(digest(text.encode()), given["response"].lower()):
            return None
        if not self._count(given["nonce"], given["nc"]):
            raise self._challenge(Auth.DIGEST, stale=True)
        return account

    def _count(self, text: str, nc: str) -> bool:
        """Is the nonce alive and its counter new?"""
        nonce = self._nonces.get(text)
        if nonce is None:
            return False
        if self.nonce_lifetime is not None and time.monotonic() - nonce.made > self.nonce_lifetime:
            del self._nonces[text]
            return False
        try:
            counter = int(nc, 16)
        except ValueError:
            return False
        if counter in nonce.seen:
            return False
        nonce.seen.add(counter)
        return True
