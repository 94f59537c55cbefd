"""Elevator floors (HTTP API 5.18)."""

from .client import TwoNClient
from .endpoints import LIFT_GRANT


class Lift:
    """``/api/lift``; needs *Access Control – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def grant(self, user: str, duration: int | None = None) -> None:
        """Unlock the floors of a person for 1 to 600 seconds, by default as long as configured (HTTP API 5.18.1).

        Raises:
            InvalidRequest: There is no such entry in the directory.
        """
        # The table calls it uuid, the example and the error user.
        params = {"user": user, "uuid": user}
        if duration is not None:
            params["duration"] = str(duration)
        await self._client.call(LIFT_GRANT, params)
