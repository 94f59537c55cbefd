"""Authentication per service: None, Basic or Digest (HTTP API 3, RFC 2617)."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
import time

from aiohttp import web

from tests.simulators.common.digest import ALGORITHMS, Digest, StaleNonceError, check_basic

from .config import Account, Auth
from .envelope import ApiError, Code

__all__ = ["ALGORITHMS", "Authenticator", "Challenge"]

REALM = "HTTP API"
# A device blocks an address after this many wrong logins within a minute and logs LoginBlocked.
WRONG_LOGINS = 5
WRONG_LOGIN_WINDOW = 60.0


class Challenge(Exception):
    """HTTP 401 with error 9; a stray one has no body."""

    def __init__(self, header: str, *, empty: bool = False) -> None:
        """`header` is the value of WWW-Authenticate."""
        super().__init__(header)
        self.header = header
        self.empty = empty


class Authenticator:
    """Knows who guesses passwords; the accounts belong to the simulator."""

    def __init__(self, on_blocked: Callable[[str], None], nonce_lifetime: float | None, algorithm: str = "MD5") -> None:
        """`on_blocked` gets the address of a client that guesses passwords."""
        self.strays = 0
        self._digest = Digest(REALM, lifetime=nonce_lifetime, algorithm=algorithm)
        self._on_blocked = on_blocked
        self._wrong: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WRONG_LOGINS))

    @property
    def nonce_lifetime(self) -> float | None:
        """Real seconds a nonce lives; None is for ever."""
        return self._digest.lifetime

    @nonce_lifetime.setter
    def nonce_lifetime(self, seconds: float | None) -> None:
        self._digest.lifetime = seconds

    @property
    def nonce_uses(self) -> int | None:
        """For how many requests a nonce is good; None is for any number."""
        return self._digest.uses

    @nonce_uses.setter
    def nonce_uses(self, requests: int | None) -> None:
        self._digest.uses = requests

    @property
    def nonces_kept(self) -> int:
        """How many nonces are valid at a time."""
        return self._digest.kept

    @nonces_kept.setter
    def nonces_kept(self, count: int) -> None:
        self._digest.kept = count

    def forget_nonces(self) -> None:
        """Expire every nonce."""
        self._digest.forget_nonces()

    def challenges(self) -> tuple[str, ...]:
        """Return the challenge of a function with Digest."""
        return (self._digest.challenge(),)

    def check(self, request: web.BaseRequest, scheme: Auth, accounts: Mapping[str, Account]) -> Account | None:
        """Return the account; raises `ApiError` 8 or `Challenge`."""
        if scheme is Auth.NONE:
            return None
        header = request.headers.get("Authorization")
        if header is None:
            raise self._challenge(scheme)
        name, _, credentials = header.partition(" ")
        if name.lower() != scheme:
            # HTTP 200 and no challenge: who sends the wrong scheme never learns the right one (captures/errors.json).
            raise ApiError(Code.INVALID_AUTH_METHOD)

        def password_of(name: str) -> str | None:
            account = accounts.get(name)
            return account.password if account is not None and account.enabled else None

        try:
            if scheme is Auth.BASIC:
                found = check_basic(credentials, password_of)
            else:
                found = self._digest.check(request, credentials, password_of)
        except StaleNonceError:
            raise self._challenge(scheme, stale=True) from None
        if found is None:
            self._count_wrong(request.remote or "")
            raise self._challenge(scheme)
        if self.strays:
            self.strays -= 1
            raise self._challenge(scheme, empty=True)
        return accounts[found]

    def _challenge(self, scheme: Auth, *, stale: bool = False, empty: bool = False) -> Challenge:
        if scheme is Auth.BASIC:
            return Challenge(f'Basic realm="{REALM}"', empty=empty)
        return Challenge(self._digest.challenge(stale=stale), empty=empty)

    def _count_wrong(self, address: str) -> None:
        wrong = self._wrong[address]
        wrong.append(time.monotonic())
        if len(wrong) == WRONG_LOGINS and wrong[-1] - wrong[0] <= WRONG_LOGIN_WINDOW:
            wrong.clear()
            self._on_blocked(address)
