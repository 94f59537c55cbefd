"""Faults of the whole server, and of single functions."""

from dataclasses import dataclass
from enum import StrEnum
import json

from aiohttp import web

from .envelope import ApiError, Json


class Breakage(StrEnum):
    """How a broken server answers (field notes 3)."""

    REDIS = "redis"
    PDO = "PDO"
    NO_CONFIG = "noConfig"
    # Of other servers: no name, or nothing at all.
    NAMELESS = "nameless"
    EMPTY = "empty"


class Dates(StrEnum):
    """Whose clock the `Date` of replies is of."""

    OWN = "own"
    # Of a proxy whose clock is right.
    PROXY = "proxy"
    NONE = "none"


class Undated(web.Response):
    """A reply without `Date`."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall("Date", None)


def broken(how: Breakage) -> web.Response:
    """Answer as a broken server."""
    if how is Breakage.EMPTY:
        return web.Response(status=500)
    status = 555
    body: Json = {"error": how.value}
    if how is Breakage.NAMELESS:
        status, body = 520, {"code": 520, "message": "Unknown error"}
    return web.Response(body=json.dumps(body).encode(), status=status, headers={"Content-Type": "application/json"})


@dataclass(slots=True)
class Refusal:
    """A status that a function answers; `left` counts down, None is for ever."""

    status: int
    left: int | None


class Trouble:
    """The troubles of the moment."""

    def __init__(self) -> None:
        """Begin without any."""
        self.breakage: Breakage | None = None
        # By path below the base.
        self.refusals: dict[str, Refusal] = {}
        # Paths that lead elsewhere, and where.
        self.moved: dict[str, str] = {}

    def check(self, path: str) -> None:
        """Refuse what does not work now; `path` is that below the base."""
        refusal = self.refusals.get(path)
        if refusal is None or refusal.left == 0:
            return
        if refusal.left is not None:
            refusal.left -= 1
        raise ApiError(refusal.status)

    def heal(self) -> None:
        """End all of it."""
        self.breakage = None
        self.refusals.clear()
        self.moved.clear()
