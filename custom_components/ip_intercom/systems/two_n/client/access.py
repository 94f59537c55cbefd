"""Access points: blocking them, and letting people in (HTTP API 5.17)."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...common.parse import fields, flag, integer, text
from .client import TwoNClient
from .endpoints import ACCESS_BLOCKING_CTRL, ACCESS_BLOCKING_STATUS, ACCESS_GRANT


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether access was granted; else ``invalidAp``, ``invalidCredential`` or ``accessBlocked``."""

    granted: bool
    reason: str | None


class AccessPoints:
    """``/api/accesspoint``; 0 is the entry and 1 the exit."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def blocked(self) -> Mapping[int, bool]:
        """Return by number which access points are blocked (HTTP API 5.17.2)."""
        return dict(await self._client.rows(ACCESS_BLOCKING_STATUS, "accessPoints", _blocked))

    async def block(self, point: int, blocked: bool) -> None:
        """Block an access point, or end that (HTTP API 5.17.1).

        Raises:
            Rejected: The access point is out of service.
        """
        await self._client.call(ACCESS_BLOCKING_CTRL, {"id": str(point), "action": "on" if blocked else "off"})

    async def grant(self, point: int, user: str) -> Grant:
        """Grant access to a person from the directory by their rules (HTTP API 5.17.3).

        Args:
            point: 0 to come in, 1 to go out.
            user: uuid of the entry.

        Raises:
            Rejected: The access point is out of service.
        """
        result = fields(await self._client.call(ACCESS_GRANT, {"id": str(point), "user": user}))
        # A success without details is a grant: the reason is told where there is none.
        return Grant(flag(result.get("accessGranted")) is not False, text(result.get("reason")))


def _blocked(row: object) -> tuple[int, bool] | None:
    number, blocked = integer(fields(row).get("id")), flag(fields(row).get("blocked"))
    return None if number is None or blocked is None else (number, blocked)
