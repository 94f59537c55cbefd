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

# After these errors the device or server is not considered back.
NO_RESPONSE = (ConnectionFailed, Throttled, UnexpectedReply)
# Seconds until a failed poll is retried, unless its interval is shorter.
_RETRY = 10.0
# Consecutive failures after which a poll counts as failing.
_LASTING_FAILURES = 2
# After an outage, all polls run within this many seconds, spread out to limit the load.
_SPREAD = 2.0
# Seconds until the probe must respond; a working server answers it from memory.
_PROBE_TIMEOUT = 5.0
# Seconds for a usually faster poll while the server is away: a request that was sent before the server recovered may
# never be answered.
_AWAY_TIMEOUT = 8.0


def is_no_response(error: IntercomError) -> bool:
    """Return whether an error means that one request got no response, while others may."""
    return isinstance(error, NO_RESPONSE) and not isinstance(error, AWAY)


class _TimedOut(NoAnswer):
    """A poll took longer than it may during an outage; the server may still respond later."""


@dataclass(slots=True, eq=False)
class PollJob:
    """A periodic poll.

    Attributes:
        poll: Performs the poll.
        interval: Returns the seconds until the next poll.
        wanted: Returns whether the poll is needed now; None if it always is.
        proves: A response proves that the server works; False if it may come from memory.
        due: When the next poll is due, on the monotonic clock.
        polled_at: When the last poll succeeded.
        failures: Number of failures since.
        refused: The last failure was a rejection by a server that responds.
        paused_until: End of the pause that the server requested.
        took: Duration of the last successful poll in seconds.
        task: The poll in progress.
    """

    poll: Callable[[], Coroutine[Any, Any, None]]
    interval: Callable[[], float]
    wanted: Callable[[], bool] | None = None
    proves: bool = True
    due: float = 0.0
    polled_at: float | None = None
    failures: int = 0
    refused: bool = False
    paused_until: float = -inf
    took: float | None = None
    task: asyncio.Task[None] | None = None


class Poller:
    """Runs several periodic polls of one server.

    A single failing poll does not block the others: at its first failure, the others and the probe run to find out
    whether the server responds. If all fail, or the probe does, the connection is lost: polls in progress are canceled,
    the caller decides when to retry, and the first response makes all missed polls due.

    Args:
        jobs: The polls by name; at least one is always needed.
        wake: Ends ``wait``; set when a poll ends, and by the owner when a push arrives.
        longest: Longest interval in seconds between retries after rejections or overload.
        probe: A request that the server answers at once from memory; None if it has none.

    Attributes:
        interrupted: The server is unreachable or rejects the account.
        answers: Number of responses that prove that the server works.
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
        # The error that started the outage or showed a different cause since.
        self._outage: IntercomError | None = None
        # Polls that failed alone before the connection was lost; they may keep failing afterwards.
        self._failed_alone: frozenset[str] = frozenset()
        self._jobs = jobs
        self._wake = wake
        self._monotonic = monotonic
        self._longest = longest
        self._probe = probe
        self._probing: asyncio.Task[bool] | None = None

    def soon(self, name: str, *, delay: float = 0.0, pause: float = 0.0) -> None:
        """Make a poll due early, but not before the end of a pause that the server requested.

        Args:
            name: Name of the poll.
            delay: Seconds from now.
            pause: Minimum seconds since the last poll.
        """
        job = self._jobs[name]
        last = -inf if job.polled_at is None else job.polled_at
        job.due = min(job.due, max(self._monotonic() + delay, last + pause, job.paused_until))
        self._wake.set()

    def retry_failed(self) -> None:
        """Make all failed polls due now, except during a pause that the server requested."""
        for job in self._jobs.values():
            if job.failures:
                job.due = min(job.due, max(self._monotonic(), job.paused_until))
        self._wake.set()

    async def now(self, name: str) -> None:
        """Run a poll now, or wait for the one in progress, which continues if the caller is canceled.

        Raises:
            IntercomError: The poll failed.
        """
        job = self._jobs[name]
        task = job.task or self._start(job)
        await asyncio.wait((task,))
        if task.cancelled():
            raise NoAnswer(f"polling {name} was canceled")
        error = task.exception()
        if job.task is task:
            self._record_result(name, job, error)
        if error is not None:
            raise error

    def fails(self, name: str) -> bool:
        """Return whether the last poll failed without being rejected."""
        job = self._jobs[name]
        return bool(job.failures) and not job.refused

    def age(self, name: str) -> float:
        """Return the seconds since the last successful poll, infinity before the first one."""
        polled_at = self._jobs[name].polled_at
        return inf if polled_at is None else self._monotonic() - polled_at

    @property
    def settled(self) -> bool:
        """Return whether the server responds, and every permanent poll has succeeded or failed."""
        return (
            bool(self._jobs)
            and not self.interrupted
            and all(job.polled_at is not None or job.failures for job in self._steady)
        )

    @property
    def failing(self) -> frozenset[str]:
        """Return the polls that fail repeatedly although the server responds."""
        if self.interrupted:
            return frozenset()
        return frozenset(
            name
            for name, job in self._jobs.items()
            if job.failures >= _LASTING_FAILURES
            and (job.wanted is None or job.wanted())
            # A function that was rejected and never responded is considered absent.
            and not (job.refused and job.polled_at is None)
        )

    @property
    def _steady(self) -> list[PollJob]:
        return [job for job in self._jobs.values() if job.wanted is None]

    @property
    def _idle(self) -> list[PollJob]:
        """The needed polls that are not in progress."""
        return [job for job in self._jobs.values() if job.task is None and (job.wanted is None or job.wanted())]

    def start(self) -> None:
        """Start the polls that are due; during an outage, only one that shows whether the server is back."""
        if not self.interrupted:
            for job in self._idle:
                if job.due <= self._monotonic():
                    self._start(job)
        elif all(job.task is None for job in self._jobs.values()):
            self._start(min(self._steady, key=lambda job: job.due))

    def _start(self, job: PollJob) -> asyncio.Task[None]:
        job.due = inf  # `soon` during a poll requests another one
        timeout = max(_AWAY_TIMEOUT, 2 * job.took) if self.interrupted and job.took is not None else None
        job.task = asyncio.create_task(self._run(job, timeout))
        job.task.add_done_callback(lambda _: self._wake.set())
        return job.task

    async def _run(self, job: PollJob, timeout: float | None) -> None:
        began = self._monotonic()
        try:
            async with asyncio.timeout(timeout):
                await job.poll()
        except TimeoutError:
            raise _TimedOut(f"no answer within {timeout:g} s") from None
        job.took = self._monotonic() - began

    async def _fails_probe(self, probe: Callable[[], Coroutine[Any, Any, object]]) -> bool:
        """Return whether the server answers neither the probe nor anything else."""
        answers = self.answers
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                await probe()
        except TimeoutError, NoAnswer, NotReached:
            return answers == self.answers
        except IntercomError as err:
            _LOGGER.debug("The probe failed: %s", err)
        return False

    async def wait(self, *times: float) -> None:
        """Wait for the wake event, the next due poll, or one of these times on the monotonic clock."""
        # During an outage, `start` begins the next poll.
        dues = () if self.interrupted else (job.due for job in self._idle)
        wait = min([*dues, *times], default=inf) - self._monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wait == inf else max(0.0, wait)):
                await self._wake.wait()
        self._wake.clear()

    def finish(self) -> bool:
        """Process the polls that have ended; return whether the server is back.

        Raises:
            IntercomError: The server is unreachable or rejects the account.
        """
        failure: IntercomError | None = None
        answered: list[PollJob] = []
        failing = self.failing
        for name, job in self._jobs.items():
            if job.task is None or not job.task.done():
                continue
            error = job.task.exception()
            self._record_result(name, job, error)
            if error is not None and not isinstance(error, IntercomError):
                raise error  # an error in this code
            if job.proves and (error is None or is_refusal(error)):
                answered.append(job)
            # Of several failures, a missing response is the least specific.
            if error is not None and not self._is_isolated(error) and (failure is None or is_no_response(failure)):
                failure = error
        if self._ended_probe() and not answered and (failure is None or is_no_response(failure)):
            failure = ServerSilent("the server accepts requests and answers none")
        if failure is not None:
            if not self.interrupted:
                self._failed_alone = failing
            self.interrupted = True
            self._cancel_jobs()
            if isinstance(failure, _TimedOut) and self._outage is not None:
                raise self._outage.with_traceback(None)  # the short timeout shows no other cause
            self._outage = failure
            raise failure
        if not answered:
            return False
        was_away, self.interrupted, self._outage = self.interrupted, False, None
        if was_away:
            self._resume(answered)
        return was_away

    def _ended_probe(self) -> bool:
        """Return whether a probe has just ended without a response."""
        if self._probing is None or not self._probing.done():
            return False
        task, self._probing = self._probing, None
        return task.result()

    def _cancel_jobs(self) -> None:
        """Cancel the polls in progress: requests from before the outage may be answered late or never."""
        for job in self._jobs.values():
            if job.task is not None and not job.task.done():
                job.task.cancel()
                job.task = None
                job.due = self._monotonic()

    def _resume(self, answered: list[PollJob]) -> None:
        """Make all missed polls due soon, those of live data first."""
        now = self._monotonic()
        for name, job in self._jobs.items():
            if job not in answered and name not in self._failed_alone:
                job.failures = 0
        waiting = sorted((job for job in self._idle if job not in answered), key=lambda job: job.wanted is None)
        for place, job in enumerate(waiting):
            job.due = min(job.due, max(now + _SPREAD * place / len(waiting), job.paused_until))

    def _is_isolated(self, error: IntercomError) -> bool:
        """Return whether only this poll failed, so that the others continue."""
        if is_refusal(error):
            return True
        if self.interrupted or not is_no_response(error):
            return False
        # If every other poll fails too, the server is away.
        return not all(job.failures for job in self._steady)

    def _record_result(self, name: str, job: PollJob, error: BaseException | None) -> None:
        """Record the result of a poll, and schedule the next one."""
        now = self._monotonic()
        job.task = None
        if job.proves and (error is None or is_refusal(error)):
            self.answers += 1
        if error is None:
            had_failed = job.failures > 0
            job.failures, job.paused_until = 0, -inf
            if had_failed and not self.interrupted:
                self.retry_failed()  # the other failed polls may have recovered as well
            job.polled_at = now
            job.due = min(job.due, now + job.interval())
            return
        _LOGGER.debug("Polling %s failed: %s", name, error)
        job.refused = is_refusal(error)
        is_busy = isinstance(error, Overloaded | Throttled)
        # A rejected function that never responded may be absent: back off.
        backs_off = is_busy or (job.refused and job.polled_at is None)
        wait = min(job.interval(), _RETRY) * 2.0 ** min(job.failures, 10)
        is_alone = any(not other.failures for other in self._steady if other is not job)
        usual = max(job.interval(), _RETRY) if is_alone else _RETRY
        wait = min(wait, self._longest if backs_off else usual)
        retry_after = error.retry_after if isinstance(error, IntercomError) else None
        retry_at = now + max(wait, retry_after or 0.0)
        if is_busy or retry_after:
            # A pause that the server did not request may end sooner: when something else succeeds.
            job.paused_until = now + max(min(wait, _RETRY), retry_after or 0.0)
        job.due = max(min(job.due, retry_at), job.paused_until)
        job.failures += 1
        # Do not add load to a busy server.
        if job.failures == 1 and not job.refused and not is_busy:
            for other in self._steady:
                if not other.failures and other.task is None:
                    other.due = now
            no_response = isinstance(error, IntercomError) and is_no_response(error)
            if no_response and self._probe is not None and self._probing is None:
                self._probing = asyncio.create_task(self._fails_probe(self._probe))
                self._probing.add_done_callback(lambda _: self._wake.set())

    async def close(self) -> None:
        """Stop polling; ``start`` resumes it."""
        tasks: list[asyncio.Task[Any]] = [job.task for job in self._jobs.values() if job.task is not None]
        if self._probing is not None:
            tasks.append(self._probing)
            self._probing = None
        for job in self._jobs.values():
            job.task, job.due = None, 0.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
