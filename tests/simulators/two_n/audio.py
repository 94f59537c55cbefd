"""The automatic test of loudspeaker and microphone (HTTP API 5.11)."""

from aiohttp import web

from tests.simulators.common.clock import Clock

from .config import Timing
from .envelope import Call, Handler, success
from .eventlog import EventLog

RESULTS = frozenset({"passed", "failed"})


class Audio:
    """Plays a tone and listens for it."""

    def __init__(self, clock: Clock, log: EventLog, timing: Timing) -> None:
        """The result comes in the log, a moment later."""
        self.result = "passed"
        self._clock = clock
        self._log = log
        self._timing = timing
        self.handlers: dict[str, Handler] = {"audio/test": self._test}

    async def _test(self, _: Call) -> web.StreamResponse:
        self._clock.later(self._timing.audio_test, lambda: self._log.record("AudioLoopTest", {"result": self.result}))
        return success()
