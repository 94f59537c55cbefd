"""Logic inputs and outputs, called ports (HTTP API 5.5)."""

from collections.abc import Mapping

from ...common.parse import fields, flag, text
from .client import TwoNClient
from .endpoints import IO_CAPS, IO_CTRL, IO_DOORBELL, IO_STATUS


class Io:
    """``/api/io``."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def caps(self) -> Mapping[str, bool]:
        """Return the ports by name: True for an output, False for an input (HTTP API 5.5.1)."""
        return dict(await self._client.rows(IO_CAPS, "ports", _kind))

    async def status(self) -> Mapping[str, bool]:
        """Return the state of the ports by name (HTTP API 5.5.2)."""
        return dict(await self._client.rows(IO_STATUS, "ports", _state, tolerant=True))

    async def ctrl(self, port: str, on: bool) -> None:
        """Set an output (HTTP API 5.5.3).

        Raises:
            InvalidRequest: The port is an input, or there is none of that name.
        """
        await self._client.call(IO_CTRL, {"port": port, "action": "on" if on else "off"})

    async def doorbell(self) -> None:
        """Ring the doorbell of an answering unit; firmware 3.3 and newer."""
        await self._client.call(IO_DOORBELL, {})


def _kind(row: object) -> tuple[str, bool] | None:
    port, kind = text(fields(row).get("port")), text(fields(row).get("type"))
    return None if port is None or kind is None else (port, kind == "output")


def _state(row: object) -> tuple[str, bool] | None:
    port, state = text(fields(row).get("port")), flag(fields(row).get("state"))
    return None if port is None or state is None else (port, state)
