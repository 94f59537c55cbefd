"""What the device says of itself (HTTP API 5.1)."""

from collections.abc import Callable

from aiohttp import web

from .clock import Clock
from .envelope import INT_MAX, Call, Handler, success
from .models import Model

LICENSED = frozenset({"noiseDetection", "automation", "audioLoopTest"})


class System:
    """Identity, time and restart."""

    def __init__(self, model: Model, clock: Clock, restart: Callable[[], None]) -> None:
        """`restart` begins a reboot and returns before it."""
        self._model = model
        self._clock = clock
        self._restart = restart
        self.time_source = "ntp"
        self.handlers: dict[str, Handler] = {
            "system/info": self._info,
            "system/status": self._status,
            "system/restart": self._reboot,
            "system/caps": self._caps,
            "system/time": self._time,
            "system/time/set": self._set_time,
        }

    async def _info(self, _: Call) -> web.StreamResponse:
        return success(dict(self._model.info))

    async def _status(self, _: Call) -> web.StreamResponse:
        return success({"systemTime": self._clock.utc(), "upTime": self._clock.uptime()})

    async def _reboot(self, _: Call) -> web.StreamResponse:
        self._restart()
        return success()

    async def _caps(self, _: Call) -> web.StreamResponse:
        options = self._model.options
        return success({"options": {name: "active,licensed" if name in LICENSED else "active" for name in options}})

    async def _time(self, _: Call) -> web.StreamResponse:
        automatic = self.time_source == "ntp"
        return success({"utcTime": self._clock.utc(), "source": self.time_source, "automatic": automatic})

    async def _set_time(self, call: Call) -> web.StreamResponse:
        self._clock.step(call.params.integer("time", 0, INT_MAX) - self._clock.utc())
        self.time_source = "api"
        return success()
