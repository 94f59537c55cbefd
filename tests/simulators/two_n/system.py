"""What the device says of itself (HTTP API 5.1)."""

from collections.abc import Callable

from aiohttp import web

from tests.simulators.common.clock import Clock, Timer

from .config import Timing
from .envelope import INT_MAX, ApiError, Call, Code, Handler, success
from .models import Model

LICENSED = frozenset({"noiseDetection", "automation", "audioLoopTest", "smtpClient", "liftControl"})
# Nothing can have happened before the firmware was built.
BUILD_TIME = 1_577_836_800
MAX_NAME = 63
FROM_NETWORK = "ntp"


class System:
    """Identity, time and restart."""

    def __init__(
        self,
        model: Model,
        clock: Clock,
        timing: Timing,
        restart: Callable[[], None],
        configured: Callable[[], None],
    ) -> None:
        """`restart` begins a reboot and returns before it; `configured` logs a change of the configuration."""
        self.options = list(model.options)
        self.time_source = FROM_NETWORK
        self.automatic_time = True
        self.time_server = "pool.ntp.org"
        self._model = model
        self._clock = clock
        self._timing = timing
        self._restart = restart
        self._configured = configured
        self._synchronising: Timer | None = None
        self.handlers: dict[str, Handler] = {
            "system/info": self._info,
            "system/status": self._status,
            "system/restart": self._reboot,
            "system/caps": self._caps,
            "system/time": self._time,
            "system/time/set": self._set_time,
            "system/devicename": self._device_name,
        }

    def boot(self) -> None:
        """Ask for the time again."""
        if self.automatic_time:
            self._synchronise()

    def take_time_from_network(self, automatic: bool) -> None:
        """Follow a time server, or be set by hand."""
        self.automatic_time = automatic
        if automatic:
            self._synchronise()

    async def _info(self, _: Call) -> web.StreamResponse:
        return success(dict(self._model.info))

    async def _status(self, _: Call) -> web.StreamResponse:
        return success({"systemTime": self._clock.utc(), "upTime": self._clock.uptime()})

    async def _reboot(self, _: Call) -> web.StreamResponse:
        self._restart()
        return success()

    async def _caps(self, _: Call) -> web.StreamResponse:
        options = self.options
        return success({"options": {name: "active,licensed" if name in LICENSED else "active" for name in options}})

    async def _time(self, call: Call) -> web.StreamResponse:
        if call.request.method == "PUT":
            self._configure_time(call)
            self._configured()
            return success()
        automatic = self.automatic_time
        return success({"utcTime": self._clock.utc(), "source": self.time_source, "automatic": automatic})

    def _configure_time(self, call: Call) -> None:
        params = call.params
        automatic = params.flag("automatic")
        if automatic:
            # "No more parameters are entered."
            for name in ("utcTime", "server"):
                if name in params:
                    raise ApiError(Code.UNEXPECTED_PARAMETER, name)
        utc = params.integer("utcTime", BUILD_TIME) if "utcTime" in params else None
        server = params.get("server", self.time_server)
        if not server or " " in server:
            raise ApiError(Code.INVALID_VALUE, "server")
        self.time_server = server
        self.take_time_from_network(automatic)
        if utc is not None:
            self._step_to(utc)

    async def _set_time(self, call: Call) -> web.StreamResponse:
        self._step_to(call.params.integer("time", 0, INT_MAX))
        return success()

    def _step_to(self, utc: int) -> None:
        self._clock.step(utc - self._clock.utc())
        self.time_source = "api"
        if self._synchronising is not None:
            self._synchronising.cancel()
        if self.automatic_time:
            # "The time value is overwritten with a value from the NTP server" (5.1.6).
            self._synchronising = self._clock.later(self._timing.time_from_network, self._synchronise)

    def _synchronise(self) -> None:
        if self.time_source != FROM_NETWORK:
            self.time_source = FROM_NETWORK
            self._clock.synchronise()

    async def _device_name(self, call: Call) -> web.StreamResponse:
        if (name := call.params.get("deviceName")) is None:
            return success({"deviceName": self._model.info["deviceName"]})
        if not 0 < len(name) <= MAX_NAME:
            raise ApiError(Code.INVALID_VALUE, "deviceName")
        self._model.info["deviceName"] = name
        self._configured()
        return success()
