"""2N Automation (HTTP API 5.19)."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from ..errors import NotSupported
from .client import TwoNClient
from .endpoints import AUTOMATION_TRIGGER


class Automation:
    """``/api/automation``; needs *Access to Automation*."""

    def __init__(self, client: TwoNClient) -> None:
        """Use ``client`` for the requests."""
        self._client = client

    async def trigger(self, trigger: str, params: Mapping[str, str]) -> None:
        """Set off an ``HttpTrigger`` with parameters of its own (HTTP API 5.19.1).

        2N OS (firmware 3) takes the trigger as part of the path.

        Raises:
            InvalidRequest: There is no such trigger.
        """
        try:
            await self._client.call(AUTOMATION_TRIGGER, {**params, "triggerId": trigger})
        except NotSupported:
            path = f"{AUTOMATION_TRIGGER.path}/{quote(trigger, safe='')}"
            await self._client.call(replace(AUTOMATION_TRIGGER, method="POST", path=path), dict(params))
