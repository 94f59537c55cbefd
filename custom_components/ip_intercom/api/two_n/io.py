"""Logic inputs and outputs, called ports (HTTP API 5.5)."""

from collections.abc import Mapping

from ..parse import fields, flag, objects, text
from .client import TwoNClient
from .endpoints import IO_CAPS, IO_CTRL, IO_DOORBELL, IO_STATUS


class Io:
    """``/api/io``."""

    def __init__(self, client: TwoNClient) -> None:
        """Use ``client`` for the requests."""
        self._client = client

    async def caps(self) -> Mapping[str, bool]:
        """Return the ports by name: True for an output, False for an input (HTTP API 5.5.1)."""
        result = fields(await self._client.call(IO_CAPS))
        return {
            port: text(item.get("type")) == "output"
            for item in objects(result.get("ports"))
            if (port := text(item.get("port"))) is not None
        }

    async def status(self) -> Mapping[str, bool]:
        """Return the state of the ports by name (HTTP API 5.5.2)."""
        result = fields(await self._client.call(IO_STATUS))
        return {
            port: state
            for item in objects(result.get("ports"))
            if (port := text(item.get("port"))) is not None and (state := flag(item.get("state"))) is not None
        }

    async def ctrl(self, port: str, on: bool) -> None:
        """Set an output (HTTP API 5.5.3).

        Raises:
            InvalidRequest: The port is an input, or there is none of that name.
        """
        await self._client.call(IO_CTRL, {"port": port, "action": "on" if on else "off"})

    async def doorbell(self) -> None:
        """Ring the doorbell of an answering unit; firmware 3.3 and newer."""
        await self._client.call(IO_DOORBELL, {})
