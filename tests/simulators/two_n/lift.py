"""Elevator floors (HTTP API 5.18)."""

from collections.abc import Iterable

from aiohttp import web

from tests.simulators.common.clock import Clock, Timer

from .config import Timing
from .directory import Directory
from .entry import valid_uuid
from .envelope import ApiError, Call, Code, Handler, Json, success
from .eventlog import EventLog
from .profiles import Profiles

MAX_DURATION = 600


class Lift:
    """Enables floors for a time."""

    def __init__(self, clock: Clock, log: EventLog, timing: Timing, directory: Directory, profiles: Profiles) -> None:
        """Who may go where stands in the directory."""
        self._clock = clock
        self._log = log
        self._timing = timing
        self._directory = directory
        self._profiles = profiles
        self._active: dict[int, Timer] = {}
        self.handlers: dict[str, Handler] = {"lift/grantaccess": self._grant}

    def boot(self) -> None:
        """Enable no floor."""
        self._active.clear()

    @property
    def floors(self) -> dict[int, float]:
        """Floors that are enabled, with the device seconds that remain."""
        return {floor: timer.remaining for floor, timer in sorted(self._active.items())}

    def serve(self, entry: Json, seconds: float | None = None) -> None:
        """Enable the floors of an entry, if it has any; a floor keeps its longer time (5.18.1)."""
        floors = self._profiles.floors(entry["access"]["liftFloors"])
        if not floors:
            return
        seconds = self._timing.lift_floors if seconds is None else seconds
        for floor in floors:
            self._enable(floor, seconds)
        self._log.record("LiftFloorsEnabled", {"type": "user", "floors": floors, "uuid": entry["uuid"].lower()})

    def _enable(self, floor: int, seconds: float) -> None:
        running = self._active.get(floor)
        if running is not None:
            if running.remaining >= seconds:
                return
            running.cancel()
        self._active[floor] = self._clock.later(seconds, lambda: self._active.pop(floor))

    def open_to_public(self, floors: Iterable[int]) -> None:
        """Change the public floors."""
        self._log.record("LiftFloorsEnabled", {"type": "public", "floors": list(floors)})

    def module(self, module: int, ready: bool) -> None:
        """An elevator module is connected or goes."""
        self._log.record("LiftStatusChanged", {"module": module, "ready": ready})

    def configure(self, config_hash: int) -> None:
        """Change the elevator control's configuration."""
        self._log.record("LiftConfigChanged", {"hash": config_hash})

    async def _grant(self, call: Call) -> web.StreamResponse:
        # The table has `uuid`, the example and the error `user`.
        name = "user" if "user" in call.params else "uuid"
        user = call.params.required(name)
        if not valid_uuid(user):
            raise ApiError(Code.INVALID_VALUE, name)
        seconds = call.params.integer("duration", 1, MAX_DURATION) if "duration" in call.params else None
        try:
            entry = self._directory.by_uuid(user)
        except KeyError:
            raise ApiError(Code.INVALID_VALUE, "user", "User not found") from None
        self.serve(entry, seconds)
        return success()
