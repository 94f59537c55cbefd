"""2N Automation (HTTP API 5.19)."""

from collections.abc import Mapping
from dataclasses import replace

from ...common.errors import InvalidRequest, NotSupported
from .client import TwoNClient
from .endpoints import AUTOMATION_TRIGGER, AUTOMATION_TRIGGER_BY_PATH


class Automation:
    """``/api/automation``; needs *Access to Automation*."""

    def __init__(self, client: TwoNClient) -> None:
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
            if "/" in trigger or trigger in {"", ".", ".."}:
                # It would be the path of another function.
                raise InvalidRequest("not a valid trigger name", "triggerId") from None
            path = AUTOMATION_TRIGGER_BY_PATH.path.format(triggerId=trigger)
            await self._client.call(replace(AUTOMATION_TRIGGER_BY_PATH, path=path), params)
