"""Who may use the API: the modes of `Config.DoorSetting.APIFCGI.AuthMode` (HTTP API Authentication Method)."""

import secrets

from aiohttp import web

from tests.simulators.common.digest import Digest, StaleNonceError, check_basic

from .config import Config
from .config_keys import APIFCGI
from .dialects import Auth

# The manual prints "HTTPAPI"; devices say this.
REALM = "HTTP API"
DIGESTS = (Auth.DIGEST, Auth.DIGEST_SERVER, Auth.BASIC_DIGEST)
BASICS = (Auth.BASIC, Auth.BASIC_DIGEST)


class Denied(Exception):
    """HTTP 401 with challenges, or 403 without."""

    def __init__(self, status: int, challenges: tuple[str, ...] = ()) -> None:
        """`challenges` are values of WWW-Authenticate."""
        super().__init__(status)
        self.status = status
        self.challenges = challenges


class Authenticator:
    """Looks its settings up in the configuration at each request."""

    def __init__(self, config: Config) -> None:
        """Nonces live until the next boot, or until a test expires them."""
        self.digest = Digest(REALM, qops=("auth", "auth-int"), opaque=secrets.token_hex(16))
        self._config = config

    @property
    def mode(self) -> str:
        """The number of the mode."""
        return self._config[f"{APIFCGI}AuthMode"]

    def check(self, request: web.BaseRequest, body_hash: str) -> str | None:
        """Return the user name of the request; raises `Denied`."""
        if self._config[f"{APIFCGI}Enable"] != "1":
            raise Denied(403)
        mode = self.mode
        if mode == Auth.NONE:
            return None
        if mode == Auth.WHITELIST:
            listed = {self._config[f"{APIFCGI}WhiteListIP0{number}"] for number in range(1, 6)}
            if (request.remote or "unknown") in listed:
                return None
            raise Denied(403)
        if mode not in (*BASICS, *DIGESTS):
            # Normal and Token are reserved: their login is unknown.
            raise Denied(403)
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        found: str | None = None
        stale = False
        try:
            if scheme.lower() == "basic" and mode in BASICS:
                found = check_basic(credentials, self._password_of)
            elif scheme.lower() == "digest" and mode in DIGESTS:
                found = self.digest.check(request, credentials, self._password_of, body_hash)
        except StaleNonceError:
            stale = True
        if found is None:
            raise Denied(401, self.challenges(stale=stale))
        return found

    def challenges(self, *, stale: bool = False) -> tuple[str, ...]:
        """Return the challenges of the mode; a whitelist has none."""
        challenges: tuple[str, ...] = ()
        if self.mode in DIGESTS:
            challenges += (self.digest.challenge(stale=stale),)
        if self.mode in BASICS:
            challenges += (f'Basic realm="{REALM}"',)
        return challenges

    def _password_of(self, name: str) -> str | None:
        return self._config[f"{APIFCGI}Password"] if name == self._config[f"{APIFCGI}UserName"] else None
