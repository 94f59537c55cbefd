"""Phones that the server wakes up by Apple's or Google's service (manual, device tokens)."""

from collections.abc import Mapping

from .client import MxClient
from .endpoints import ADD_TOKEN, REMOVE_TOKEN


class Tokens:
    """``/tokens``. A token lets others send to the phone: no error and no log tells it."""

    def __init__(self, client: MxClient) -> None:
        self._client = client

    async def add(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Register a phone; once is enough.

        Args:
            kind: ``apn`` or ``fcm``.
            topic: Topic of Apple's service, or application of Google's, that the server is set up for.
            token: Its token, of 20 characters at least.
            sandbox: Of Apple's service for developers.

        Raises:
            InvalidRequest: The server refuses the kind, the topic or the token.
        """
        await self._client.call(ADD_TOKEN, _parts(kind, topic, token), params=_params(sandbox))

    async def remove(self, kind: str, topic: str, token: str, sandbox: bool = False) -> None:
        """Forget a phone; the arguments are those of ``add``.

        Raises:
            NoData: It is not registered.
            InvalidRequest: As ``add``.
        """
        await self._client.call(REMOVE_TOKEN, _parts(kind, topic, token), params=_params(sandbox))


def _parts(kind: str, topic: str, token: str) -> Mapping[str, str]:
    return {"type": kind, "topic": topic, "token": token}


def _params(sandbox: bool) -> Mapping[str, str] | None:
    # The server looks whether it is there (field notes 4).
    return {"sandbox": "true"} if sandbox else None
