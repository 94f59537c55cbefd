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
        looks: By name; there is always something to see for one of them at least.
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
        poller: Mapping[str, PollJob],
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
        self._poller = poller
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
        look = self._poller[name]
        last = -inf if look.looked_at is None else look.looked_at
        look.due = min(look.due, max(self._monotonic() + delay, last + pause, look.patient_until))
        self._wake.set()

    def hasten(self) -> None:
        """Have everything that failed looked at at once, unless the server wants to be left alone with it."""
        for look in self._poller.values():
            if look.failures:
                look.due = min(look.due, max(self._monotonic(), look.patient_until))
        self._wake.set()

    async def now(self, name: str) -> None:
        """Look at something now, or wait for the look that goes on; it goes on if nothing waits for it any more.

        Raises:
            IntercomError: It failed.
        """
        look = self._poller[name]
        task = look.task or self._start(look)
        await asyncio.wait((task,))
        if task.cancelled():
            raise NoAnswer(f"the look at {name} was given up")
        error = task.exception()
        if look.task is task:
            self._reckon(name, look, error)
        if error is not None:
            raise error

    def fails(self, name: str) -> bool:
        """Return whether the last look at something was in vain, but not refused."""
        look = self._poller[name]
        return bool(look.failures) and not look.refused

    def age(self, name: str) -> float:
        """Return how many seconds ago something was looked at, infinitely many before the first time."""
        looked_at = self._poller[name].looked_at
        return inf if looked_at is None else self._monotonic() - looked_at

    # -- following -------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Return whether the server is there, and everything was looked at, or that failed."""
        return not self.interrupted and all(look.looked_at is not None or look.failures for look in self._steady)

    @property
    def failing(self) -> frozenset[str]:
        """Return what cannot be looked at, again and again, at a server that is there."""
        if self.interrupted:
            return frozenset()
        return frozenset(
            name
            for name, look in self._poller.items()
            if look.failures >= _LASTING
            and (look.wanted is None or look.wanted())
            # What a server refuses and never gave, it does not have.
            and not (look.refused and look.looked_at is None)
        )

    @property
    def _steady(self) -> list[PollJob]:
        return [look for look in self._poller.values() if look.wanted is None]

    @property
    def _idle(self) -> list[PollJob]:
        """What is due now and not being polled yet."""
        return [look for look in self._poller.values() if look.task is None and (look.wanted is None or look.wanted())]

    def start(self) -> None:
        """Begin the looks that are due; where the server was away, one that shows whether it is back."""
        if not self.interrupted:
            for look in self._idle:
                if look.due <= self._monotonic():
                    self._start(look)
        elif all(look.task is None for look in self._poller.values()):
            self._start(min(self._steady, key=lambda look: look.due))

    def _start(self, look: PollJob) -> asyncio.Task[None]:
        look.due = inf  # `soon` during the look asks for another one
        patience = max(_AWAY_PATIENCE, 2 * look.took) if self.interrupted and look.took is not None else None
        look.task = asyncio.create_task(self._take(look, patience))
        look.task.add_done_callback(lambda _: self._wake.set())
        return look.task

    async def _take(self, look: PollJob, patience: float | None) -> None:
        began = self._monotonic()
        try:
            async with asyncio.timeout(patience):
                await look.take()
        except TimeoutError:
            raise NoAnswer(f"no answer within {patience:g} s") from None
        look.took = self._monotonic() - began

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
        dues = () if self.interrupted else (look.due for look in self._idle)
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
        for name, look in self._poller.items():
            if look.task is None or not look.task.done():
                continue
            error = look.task.exception()
            self._reckon(name, look, error)
            if error is not None and not isinstance(error, IntercomError):
                raise error  # a fault of ours
            if look.proves and (error is None or is_refusal(error)):
                answered.append(look)
            # Of several failures, a silence tells the least.
            if error is not None and not self._is_mere_hiccup(error) and (failure is None or is_silence(failure)):
                failure = error
        if self._ended_probe() and not answered and (failure is None or is_silence(failure)):
            failure = ServerSilent("the server takes requests and answers none")
        if failure is not None:
            if not self.interrupted:
                self._failed_alone = failing
            self.interrupted = True
            self._give_up_looks()
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

    def _give_up_looks(self) -> None:
        """End the looks in progress: what was asked before the server was lost may be answered late, or never."""
        for look in self._poller.values():
            if look.task is not None and not look.task.done():
                look.task.cancel()
                look.task = None
                look.due = self._monotonic()

    def _resume(self, answered: list[PollJob]) -> None:
        """Have everything looked at soon that could not be while the server was away, live things first."""
        now = self._monotonic()
        for name, look in self._poller.items():
            if look not in answered and name not in self._failed_alone:
                look.failures = 0
        waiting = sorted((look for look in self._idle if look not in answered), key=lambda look: look.wanted is None)
        for place, look in enumerate(waiting):
            look.due = min(look.due, max(now + _SPREAD * place / len(waiting), look.patient_until))

    def _is_mere_hiccup(self, error: IntercomError) -> bool:
        """Return whether only one look has failed, and the others are worth taking all the same."""
        if is_refusal(error):
            return True
        if self.interrupted or not is_silence(error):
            return False
        # Where nothing else works either, it is away.
        return not all(look.failures for look in self._steady)

    def _reckon(self, name: str, look: PollJob, error: BaseException | None) -> None:
        """Note what became of a look, and when it is to be taken again."""
        now = self._monotonic()
        look.task = None
        if look.proves and (error is None or is_refusal(error)):
            self.answers += 1
        if error is None:
            had_failed = look.failures > 0
            look.failures, look.patient_until = 0, -inf
            if had_failed and not self.interrupted:
                self.hasten()  # what failed beside it may have recovered as well
            look.looked_at = now
            look.due = min(look.due, now + look.interval())
            return
        _LOGGER.debug("Polling %s failed: %s", name, error)
        look.refused = is_refusal(error)
        is_busy = isinstance(error, Overloaded | Throttled)
        # What is refused and was never given may not be there at all: it is asked for ever less.
        is_patient = is_busy or (look.refused and look.looked_at is None)
        wait = min(look.interval(), _RETRY) * 2.0 ** min(look.failures, 10)
        is_alone = any(not other.failures for other in self._steady if other is not look)
        usual = max(look.interval(), _RETRY) if is_alone else _RETRY
        wait = min(wait, self._longest if is_patient else usual)
        wish = error.retry_after if isinstance(error, IntercomError) else None
        again = now + max(wait, wish or 0.0)
        if is_busy or wish:
            look.patient_until = again
        look.due = max(min(look.due, again), look.patient_until)
        look.failures += 1
        # A server that has too much to do is not asked more for that.
        if look.failures == 1 and not look.refused and not is_busy:
            for other in self._steady:
                if not other.failures and other.task is None:
                    other.due = now
            silent = isinstance(error, IntercomError) and is_silence(error)
            if silent and self._probe is not None and self._probing is None:
                self._probing = asyncio.create_task(self._is_silent(self._probe))
                self._probing.add_done_callback(lambda _: self._wake.set())

    async def close(self) -> None:
        """Stop polling; a new request starts again."""
        tasks: list[asyncio.Task[Any]] = [look.task for look in self._poller.values() if look.task is not None]
        if self._probing is not None:
            tasks.append(self._probing)
            self._probing = None
        for look in self._poller.values():
            look.task, look.due = None, 0.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
