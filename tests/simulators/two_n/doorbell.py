"""The doorbell of an answering unit (HTTP API 5.5.4 of the later manuals)."""

from aiohttp import web

from tests.simulators.common.clock import Clock

from .calllog import CallLog
from .envelope import Call, Handler, success


class Doorbell:
    """Rings inside the flat.

    The manual speaks of a logical activation: no key is pressed and no input changes, so the log has no event. The only
    trace that is documented is the record of the call log (5.6.2).
    """

    def __init__(self, clock: Clock, call_log: CallLog) -> None:
        """Each ring is recorded."""
        self.rings = 0
        self._clock = clock
        self._call_log = call_log
        self.handlers: dict[str, Handler] = {"io/doorbell": self._ring}

    def ring(self) -> None:
        """Ring."""
        self.rings += 1
        self._call_log.doorbell(self._clock.utc())

    async def _ring(self, _: Call) -> web.StreamResponse:
        self.ring()
        return success()
