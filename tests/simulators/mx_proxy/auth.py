"""Client applications, logins and tokens (JWT, ES256)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
import hmac
import json
import secrets
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.simulators.common.digest import check_basic

from .envelope import ApiError, Json
from .users import User

APP_REALM = 'Basic realm="MXProxy client application"'
USER_REALM = 'Bearer realm="MXProxy"'
TOKEN_TTL = 3600
# The server dates its tokens back a little (both tokens of the manual and the captures).
BACKDATED = 10
ES256 = ec.ECDSA(hashes.SHA256())


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unauthorized(text: str = "unauthorized") -> ApiError:
    """Reject a request without a valid token or link."""
    return ApiError(401, text, USER_REALM)


class Tokens:
    """Signs tokens and checks them; nothing of a token is kept."""

    def __init__(self, now: Callable[[], int], issuer: Callable[[], str]) -> None:
        """`now` is the server's clock in Unix time."""
        self.ttl = TOKEN_TTL
        self.refuse = False
        self._now = now
        self._issuer = issuer
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key, which ends all tokens there are."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._kid = secrets.token_hex(3)

    def issue(self, login: str) -> str:
        """Return a token for a user."""
        now = self._now()
        claims = {
            "exp": now + self.ttl,
            "iat": now - BACKDATED,
            "iss": self._issuer(),
            "jti": secrets.token_urlsafe(6),
            "sub": login,
        }
        head = {"alg": "ES256", "typ": "JWT", "kid": self._kid}
        signed = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
        r, s = utils.decode_dss_signature(self._key.sign(signed.encode(), ES256))
        return f"{signed}.{_b64(r.to_bytes(32) + s.to_bytes(32))}"

    def login_of(self, authorization: str) -> str:
        """Return the owner of a token."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized()
        try:
            head, body, signature = token.split(".")
            head_claims, claims = (self._read(part) for part in (head, body))
            raw = _unb64(signature)
        except ValueError as error:
            raise unauthorized(f"invalid token: {error}") from None
        if head_claims.get("kid") != self._kid:
            raise unauthorized("invalid token: unknown key")
        der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        try:
            self._key.public_key().verify(der, f"{head}.{body}".encode(), ES256)
        except InvalidSignature:
            raise unauthorized("invalid token: invalid signature") from None
        if self.refuse:
            raise unauthorized("invalid token: token used before issued")
        if claims["exp"] <= self._now():
            raise unauthorized("invalid token: token is expired")
        return str(claims["sub"])

    @staticmethod
    def _read(part: str) -> dict[str, Any]:
        data = _unb64(part)
        try:
            content = json.loads(data)
        except ValueError:
            first = data[:1].decode("latin-1")
            raise ValueError(f"invalid character '{first}' looking for beginning of value") from None
        if not isinstance(content, dict):
            raise ValueError("not an object")  # noqa: TRY004  # it is a value of the request
        return content


class Door:
    """Lets applications and users in."""

    def __init__(self, apps: dict[str, str], users: Mapping[str, User]) -> None:
        """`apps` are secrets by client-id; both may be changed by whom they belong to."""
        self.apps = apps
        self._users = users

    def check(self, headers: Mapping[str, str], body: bytes) -> User:
        """Return the user of POST /auth if the proxy accepts the credentials; the MX may still reject them."""
        scheme, _, credentials = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise ApiError(401, "unauthorized", APP_REALM)
        if check_basic(credentials, self.apps.get) is None:
            raise ApiError(403, "bad client-id or app secret")
        form = self._form(headers, body)
        if form.get("grant_type") != "password":
            raise ApiError(403, "bad grant_type")
        user = self._users.get(form.get("username", ""))
        if user is None or not hmac.compare_digest(user.password.encode(), form.get("password", "").encode()):
            # The status of the provisioning server, passed on.
            raise ApiError(401, "Unauthorized")
        if not user.provisioned:
            raise ApiError(403, "mx provisioning is not configured")
        if not user.mx_takes_password:
            raise ApiError(403, "Wrong password")
        return user

    @staticmethod
    def _form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            return {}
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def token_reply(token: str, ttl: int) -> Json:
    """Return the reply of POST /auth."""
    return {"token_type": "Bearer", "access_token": token, "expires_in": ttl}
