"""Periodic polling, and the handling of failed polls."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
import logging
from math import inf
from typing import Any

from .errors import (
    ConnectionFailed,
    IntercomError,
    NoAnswer,
    NotReached,
    Overloaded,
    ServerSilent,
    Throttled,
    UnexpectedReply,
)
from .parts import AWAY, is_refusal

_LOGGER = logging.getLogger(__name__)

# After these errors the device or server itself has not answered: it is not back yet.
SAYS_NOTHING = (ConnectionFailed, Throttled, UnexpectedReply)
# A look that failed is taken again after so many seconds, unless its time is earlier.
_RETRY = 10.0
# So many failures in a row are more than a hiccup.
_LASTING = 2
# After an outage everything is looked at within so many seconds: at once, but not all in the same moment.
_SPREAD = 2.0
# A server that works answers the probe from memory within so many seconds.
_PROBE_PATIENCE = 5.0
# While the server is away, a look that used to take less than this is given so many seconds: a request that was sent
# before the server came back may never be answered.
_AWAY_PATIENCE = 8.0


def is_silence(error: IntercomError) -> bool:
    """Return whether one thing was not answered, which others may be."""
    return isinstance(error, SAYS_NOTHING) and not isinstance(error, AWAY)


@dataclass(slots=True, eq=False)
class PollJob:
    """Something to look at.

    Attributes:
        take: How.
        interval: Returns the seconds until the next time.
        wanted: Returns whether there is anything to see now; None where there always is.
        proves: An answer shows that the server works; False where it answers from memory.
        due: When, by the monotonic clock.
        looked_at: When that was last.
        failures: How often it has failed since.
        refused: The last failure was a refusal by a server that is there.
        patient_until: Until when the server wants to be left alone with it.
        took: Seconds that it took when it was answered last.
        task: While it is being done.
    """

    take: Callable[[], Coroutine[Any, Any, None]]
    interval: Callable[[], float]
    wanted: Callable[[], bool] | None = None
    proves: bool = True
    due: float = 0.0
    looked_at: float | None = None
    failures: int = 0
    refused: bool = False
    patient_until: float = -inf
    took: float | None = None
    task: asyncio.Task[None] | None = None


class Poller:
    """All that is looked at.

    One that fails alone keeps none of the others from being taken: whether it is alone, the others are asked at its first
    failure, and the probe as well. Where all fail, or the probe does, the connection is lost: the looks in progress end,
    the caller decides how often to try again, and the first answer has everything looked at that could not be.

    Args:
        jobs: By name; there is always something to see for one of them at least.
        wake: Ends the waiting; set when a look is done, and when something was pushed.
        monotonic: A clock in seconds.
        longest: Seconds at the most between two tries of what the server refuses, or is too busy for.
        probe: Asks what the server answers at once and by itself; None where there is no such thing.

    Attributes:
        interrupted: The server is out of reach, or refuses.
        answers: How often the server has shown that it works.
    """

    def __init__(
        self,
        jobs: Mapping[str, PollJob],
        wake: asyncio.Event,
        monotonic: Callable[[], float],
        *,
        longest: float,
        probe: Callable[[], Coroutine[Any, Any, object]] | None = None,
    ) -> None:
        self.interrupted = False
        self.answers = 0
        # What failed alone when the connection was lost: it may fail afterwards as well.
        self._failed_alone: frozenset[str] = frozenset()
        self._jobs = jobs
        self._wake = wake
        self._monotonic = monotonic
        self._longest = longest
        self._probe = probe
        self._probing: asyncio.Task[bool] | None = None

    # -- asking for looks ------------------------------------------------------------------------

    def soon(self, name: str, *, delay: float = 0.0, pause: float = 0.0) -> None:
        """Have something looked at before its time, as soon as the server may be asked for it.

        Args:
            name: What to look at.
            delay: Seconds from now.
            pause: Seconds after the last look, at the earliest.
        """
        job = self._jobs[name]
        last = -inf if job.looked_at is None else job.looked_at
        job.due = min(job.due, max(self._monotonic() + delay, last + pause, job.patient_until))
        self._wake.set()

    def hasten(self) -> None:
        """Have everything that failed looked at at once, unless the server wants to be left alone with it."""
        for job in self._jobs.values():
            if job.failures:
                job.due = min(job.due, max(self._monotonic(), job.patient_until))
        self._wake.set()

    async def now(self, name: str) -> None:
        """Look at something now, or wait for the look that goes on; it goes on if nothing waits for it any more.

        Raises:
            IntercomError: It failed.
        """
        job = self._jobs[name]
        task = job.task or self._start(job)
        await asyncio.wait((task,))
        if task.cancelled():
            raise NoAnswer(f"the look at {name} was given up")
        error = task.exception()
        if job.task is task:
            self._reckon(name, job, error)
        if error is not None:
            raise error

    def fails(self, name: str) -> bool:
        """Return whether the last look at something was in vain, but not refused."""
        job = self._jobs[name]
        return bool(job.failures) and not job.refused

    def age(self, name: str) -> float:
        """Return how many seconds ago something was looked at, infinitely many before the first time."""
        looked_at = self._jobs[name].looked_at
        return inf if looked_at is None else self._monotonic() - looked_at

    # -- following -------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Return whether the server is there, and everything was looked at, or that failed."""
        return (
            bool(self._jobs)
            and not self.interrupted
            and all(job.looked_at is not None or job.failures for job in self._steady)
        )

    @property
    def failing(self) -> frozenset[str]:
        """Return what cannot be looked at, again and again, at a server that is there."""
        if self.interrupted:
            return frozenset()
        return frozenset(
            name
            for name, job in self._jobs.items()
            if job.failures >= _LASTING
            and (job.wanted is None or job.wanted())
            # What a server refuses and never gave, it does not have.
            and not (job.refused and job.looked_at is None)
        )

    @property
    def _steady(self) -> list[PollJob]:
        return [job for job in self._jobs.values() if job.wanted is None]

    @property
    def _idle(self) -> list[PollJob]:
        """What is due now and not being polled yet."""
        return [job for job in self._jobs.values() if job.task is None and (job.wanted is None or job.wanted())]

    def start(self) -> None:
        """Begin the looks that are due; where the server was away, one that shows whether it is back."""
        if not self.interrupted:
            for job in self._idle:
                if job.due <= self._monotonic():
                    self._start(job)
        elif all(job.task is None for job in self._jobs.values()):
            self._start(min(self._steady, key=lambda job: job.due))

    def _start(self, job: PollJob) -> asyncio.Task[None]:
        job.due = inf  # `soon` during the look asks for another one
        patience = max(_AWAY_PATIENCE, 2 * job.took) if self.interrupted and job.took is not None else None
        job.task = asyncio.create_task(self._take(job, patience))
        job.task.add_done_callback(lambda _: self._wake.set())
        return job.task

    async def _take(self, job: PollJob, patience: float | None) -> None:
        began = self._monotonic()
        try:
            async with asyncio.timeout(patience):
                await job.take()
        except TimeoutError:
            raise NoAnswer(f"no answer within {patience:g} s") from None
        job.took = self._monotonic() - began

    async def _is_silent(self, probe: Callable[[], Coroutine[Any, Any, object]]) -> bool:
        """Return whether the server answers nothing at all."""
        answers = self.answers
        try:
            async with asyncio.timeout(_PROBE_PATIENCE):
                await probe()
        except TimeoutError, NoAnswer, NotReached:
            return answers == self.answers
        except IntercomError as err:
            _LOGGER.debug("The probe failed: %s", err)
        return False

    async def wait(self, *moments: float) -> None:
        """Wait for the wake event, the time of the next look, or one of these moments by the monotonic clock."""
        # While the server is away, a new request starts again.
        dues = () if self.interrupted else (job.due for job in self._idle)
        wait = min([*dues, *moments], default=inf) - self._monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wait == inf else max(0.0, wait)):
                await self._wake.wait()
        self._wake.clear()

    def finish(self) -> bool:
        """See what became of the looks; return whether the server is back.

        Raises:
            IntercomError: It is out of reach, or refuses the account.
        """
        failure: IntercomError | None = None
        answered: list[PollJob] = []
        failing = self.failing
        for name, job in self._jobs.items():
            if job.task is None or not job.task.done():
                continue
            error = job.task.exception()
            self._reckon(name, job, error)
            if error is not None and not isinstance(error, IntercomError):
                raise error  # a fault of ours
            if job.proves and (error is None or is_refusal(error)):
                answered.append(job)
            # Of several failures, a silence tells the least.
            if error is not None and not self._is_mere_hiccup(error) and (failure is None or is_silence(failure)):
                failure = error
        if self._ended_probe() and not answered and (failure is None or is_silence(failure)):
            failure = ServerSilent("the server takes requests and answers none")
        if failure is not None:
            if not self.interrupted:
                self._failed_alone = failing
            self.interrupted = True
            self._give_up_jobs()
            raise failure
        if not answered:
            return False
        was_away, self.interrupted = self.interrupted, False
        if was_away:
            self._resume(answered)
        return was_away

    def _ended_probe(self) -> bool:
        """Return whether a probe has just shown that the server answers nothing."""
        if self._probing is None or not self._probing.done():
            return False
        task, self._probing = self._probing, None
        return task.result()

    def _give_up_jobs(self) -> None:
        """End the looks in progress: what was asked before the server was lost may be answered late, or never."""
        for job in self._jobs.values():
            if job.task is not None and not job.task.done():
                job.task.cancel()
                job.task = None
                job.due = self._monotonic()

    def _resume(self, answered: list[PollJob]) -> None:
        """Have everything looked at soon that could not be while the server was away, live things first."""
        now = self._monotonic()
        for name, job in self._jobs.items():
            if job not in answered and name not in self._failed_alone:
                job.failures = 0
        waiting = sorted((job for job in self._idle if job not in answered), key=lambda job: job.wanted is None)
        for place, job in enumerate(waiting):
            job.due = min(job.due, max(now + _SPREAD * place / len(waiting), job.patient_until))

    def _is_mere_hiccup(self, error: IntercomError) -> bool:
        """Return whether only one look has failed, and the others are worth taking all the same."""
        if is_refusal(error):
            return True
        if self.interrupted or not is_silence(error):
            return False
        # Where nothing else works either, it is away.
        return not all(job.failures for job in self._steady)

    def _reckon(self, name: str, job: PollJob, error: BaseException | None) -> None:
        """Note what became of a look, and when it is to be taken again."""
        now = self._monotonic()
        job.task = None
        if job.proves and (error is None or is_refusal(error)):
            self.answers += 1
        if error is None:
            had_failed = job.failures > 0
            job.failures, job.patient_until = 0, -inf
            if had_failed and not self.interrupted:
                self.hasten()  # what failed beside it may have recovered as well
            job.looked_at = now
            job.due = min(job.due, now + job.interval())
            return
        _LOGGER.debug("Polling %s failed: %s", name, error)
        job.refused = is_refusal(error)
        is_busy = isinstance(error, Overloaded | Throttled)
        # What is refused and was never given may not be there at all: it is asked for ever less.
        is_patient = is_busy or (job.refused and job.looked_at is None)
        wait = min(job.interval(), _RETRY) * 2.0 ** min(job.failures, 10)
        is_alone = any(not other.failures for other in self._steady if other is not job)
        usual = max(job.interval(), _RETRY) if is_alone else _RETRY
        wait = min(wait, self._longest if is_patient else usual)
        wish = error.retry_after if isinstance(error, IntercomError) else None
        again = now + max(wait, wish or 0.0)
        if is_busy or wish:
            job.patient_until = again
        job.due = max(min(job.due, again), job.patient_until)
        job.failures += 1
        # A server that has too much to do is not asked more for that.
        if job.failures == 1 and not job.refused and not is_busy:
            for other in self._steady:
                if not other.failures and other.task is None:
                    other.due = now
            silent = isinstance(error, IntercomError) and is_silence(error)
            if silent and self._probe is not None and self._probing is None:
                self._probing = asyncio.create_task(self._is_silent(self._probe))
                self._probing.add_done_callback(lambda _: self._wake.set())

    async def close(self) -> None:
        """Stop polling; a new request starts again."""
        tasks: list[asyncio.Task[Any]] = [job.task for job in self._jobs.values() if job.task is not None]
        if self._probing is not None:
            tasks.append(self._probing)
            self._probing = None
        for job in self._jobs.values():
            job.task, job.due = None, 0.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
