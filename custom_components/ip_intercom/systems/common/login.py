"""HTTP authentication with the scheme that the device requires: none, Basic, or Digest.

Unlike aiohttp's middleware, this one chooses among several challenges, and avoids ``auth-int``, which hashes the
whole body: a firmware file would have to be held in memory.
"""

from dataclasses import replace

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from ...talk.digest import Authenticator, Challenge, parse_challenges
from .errors import AuthenticationFailed


def challenges(header: str) -> tuple[Challenge, ...]:
    """Return the supported challenges of ``WWW-Authenticate``, the most secure first."""
    # Devices expect the name of the hash in the answer, and nothing empty.
    return tuple(
        replace(challenge, algorithm=challenge.algorithm or challenge.hash, opaque=challenge.opaque or None)
        for challenge in parse_challenges([header])
        if not challenge.integrity
    )


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
        self._authenticator = Authenticator(username, password, basic=True)

    def take(self, header: str, sent: str) -> bool:
        """Store the challenge of a 401 response, and return whether a retry can succeed.

        Args:
            header: ``WWW-Authenticate`` of the response.
            sent: ``Authorization`` of the rejected request.
        """
        authenticator = self._authenticator
        before = authenticator.challenge
        if not authenticator.username or not authenticator.choose(challenges(header)):
            return False
        # Repeating Basic is futile; Digest may succeed with a new nonce.
        return not sent or authenticator.challenge != before

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request with the credentials."""
        if (answer := self._authenticator.answer(request.method, request.url.raw_path_qs)) is not None:
            request.headers["Authorization"] = answer
        return await handler(request)
