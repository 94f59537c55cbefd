"""HTTP authentication with the scheme that the device requires: none, Basic, or Digest (RFC 7616, RFC 7617).

Unlike aiohttp's middleware, this one chooses among several challenges, and avoids ``auth-int``, which hashes the
whole body: a firmware file would have to be held in memory.
"""

from dataclasses import dataclass
import hashlib
import re
import secrets
from urllib.request import parse_http_list, parse_keqv_list

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, encode_basic_auth

from .errors import AuthenticationFailed

_SCHEME = re.compile(r"(?:^|,)\s*(Basic|Digest)\s+", re.IGNORECASE)
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a device: ``scheme`` is ``basic`` or ``digest``."""

    scheme: str
    realm: str
    nonce: str = ""
    opaque: str = ""
    algorithm: str = "MD5"
    qop: bool = False


def challenges(header: str) -> tuple[Challenge, ...]:
    """Return the supported challenges of ``WWW-Authenticate``, the most secure first."""
    found: list[Challenge] = []
    places = list(_SCHEME.finditer(header))
    ends = [place.start() for place in places[1:]] + [len(header)]
    for place, end in zip(places, ends, strict=False):
        parts = [part for part in parse_http_list(header[place.end() : end]) if part.partition("=")[2]]
        values = {name.lower(): value for name, value in parse_keqv_list(parts).items()}
        qops = {word.strip() for word in values.get("qop", "").split(",")} - {""}
        challenge = Challenge(
            place[1].lower(),
            values.get("realm", ""),
            values.get("nonce", ""),
            values.get("opaque", ""),
            values.get("algorithm", "MD5"),
            bool(qops),
        )
        if challenge.scheme == "basic" or (
            challenge.nonce and challenge.algorithm.upper() in _HASHES and (not qops or "auth" in qops)
        ):
            found.append(challenge)
    return tuple(sorted(found, key=lambda challenge: challenge.scheme, reverse=True))


class Login:
    """A middleware that answers the latest challenge of the device; without a challenge, it sends no credentials.

    Args:
        username: User name of the account; empty for none.

    Raises:
        AuthenticationFailed: The user name contains a colon.
    """

    def __init__(self, username: str, password: str) -> None:
        if ":" in username:
            raise AuthenticationFailed("a user name cannot contain a colon (RFC 7617)")
        self._username = username
        self._password = password
        self._challenge: Challenge | None = None
        self._count = 0

    def take(self, header: str, sent: str) -> bool:
        """Store the challenge of a 401 response, and return whether a retry can succeed.

        Args:
            header: ``WWW-Authenticate`` of the response.
            sent: ``Authorization`` of the rejected request.
        """
        offered = challenges(header)
        if not offered or not self._username:
            return False
        before, self._challenge = self._challenge, offered[0]
        self._count = 0
        # Repeating Basic is futile; Digest may succeed with a new nonce.
        return not sent or offered[0] != before

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request with the credentials."""
        if (challenge := self._challenge) is not None:
            request.headers["Authorization"] = (
                encode_basic_auth(self._username, self._password, "utf-8")
                if challenge.scheme == "basic"
                else self._digest(challenge, request.method, request.url.raw_path_qs)
            )
        return await handler(request)

    def _digest(self, challenge: Challenge, method: str, path: str) -> str:
        def hashed(*parts: str) -> str:
            data = ":".join(parts).encode()
            return hashlib.new(_HASHES[challenge.algorithm.upper()], data, usedforsecurity=False).hexdigest()

        self._count += 1
        count, cnonce = f"{self._count:08x}", secrets.token_hex(8)
        secret = hashed(self._username, challenge.realm, self._password)
        between = (challenge.nonce, count, cnonce, "auth") if challenge.qop else (challenge.nonce,)
        values = {
            "username": self._username,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": path,
            "response": hashed(secret, *between, hashed(method, path)),
        }
        if challenge.opaque:
            values["opaque"] = challenge.opaque
        if challenge.qop:
            values["cnonce"] = cnonce
        quoted = [f'{name}="{_escaped(value)}"' for name, value in values.items()]
        plain = [f"algorithm={challenge.algorithm}", *(["qop=auth", f"nc={count}"] if challenge.qop else [])]
        return f"Digest {', '.join([*quoted, *plain])}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
