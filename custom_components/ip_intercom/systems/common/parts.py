"""Reading independent parts: a part that is unavailable does not keep the others from being read."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine
import logging
from typing import Any, cast

from ...model.state import UNANSWERED, Missing
from .errors import (
    CertificateChanged,
    CertificateInvalid,
    CommandFailed,
    ConnectionFailed,
    ExchangeUnreachable,
    IntercomError,
    NoAnswer,
    NotReached,
    NotSupported,
    ServerSilent,
    Throttled,
    TlsRefused,
    TokenNotTaken,
    UnexpectedReply,
)

_LOGGER = logging.getLogger(__name__)

# With these nothing of a device or server can be had.
AWAY = (
    CertificateChanged,
    CertificateInvalid,
    ExchangeUnreachable,
    NotReached,
    ServerSilent,
    TlsRefused,
    TokenNotTaken,
)
# A function that never answered and refuses so many times in a row is one that the device does not have.
_REFUSALS = 3


class PartReader:
    """Asks for parts of which any may fail alone, and keeps what each answered last.

    Attributes:
        failures: Why parts could not be had since ``begin``, by name.
    """

    def __init__(self) -> None:
        self.failures: dict[str, IntercomError] = {}
        self._answers: dict[str, object] = {}
        self._refusals: Counter[str] = Counter()
        self._answered = False
        self._patience: float | None = None

    def begin(self, patience: float | None = None) -> None:
        """Forget the failures of the time before; from now on, each part is waited for so many seconds at most."""
        self.failures = {}
        self._answered = False
        self._patience = patience

    async def ask[T](self, name: str, request: Awaitable[T], *, keep: bool = True) -> T | None:
        """Return the answer; where there is none, that of the time before, if it is to be kept.

        Args:
            name: The function, as the API names it.
            request: Asks for it.
            keep: The answer does not change by itself.

        Raises:
            IntercomError: Nothing can be had: the device is out of reach, or refuses the account.
        """
        try:
            async with asyncio.timeout(self._patience):
                answer = await request
        except TimeoutError:
            self._fail(name, NoAnswer(f"no answer from {name} in time"))
        except (CommandFailed, ConnectionFailed, NotSupported, UnexpectedReply) as err:
            if isinstance(err, AWAY):
                raise
            self._fail(name, err)
        else:
            self._answered = True
            self._refusals[name] = 0
            self._answers[name] = answer
            return answer
        return cast(T | None, self._answers.get(name)) if keep else None

    def _fail(self, name: str, err: IntercomError) -> None:
        self._refusals[name] = self._refusals[name] + 1 if is_refusal(err) else 0
        _LOGGER.debug("No response from %s: %s", name, err)
        if name in self._answers or self._refusals[name] < _REFUSALS:
            self.failures[name] = err

    def has(self, name: str) -> bool:
        """Return whether a function has answered at any time."""
        return name in self._answers

    def lacks(self, name: str) -> bool:
        """Return whether a function refuses and never answered: the device may not have it."""
        return name not in self._answers and self._refusals[name] > 0

    def require_answer(self) -> None:
        """Raise why nothing could be had, if nothing could."""
        if self.failures and not self._answered:
            raise next(iter(self.failures.values()))

    @property
    def missing(self) -> frozenset[Missing]:
        """Return what could not be had, to be asked for again."""
        return frozenset(Missing(UNANSWERED, name, vital=False) for name in self.failures)

    @property
    def wish(self) -> float:
        """Return for how many seconds a part asks not to be asked again."""
        return max((err.retry_after or 0.0 for err in self.failures.values()), default=0.0)


def is_refusal(err: BaseException | None) -> bool:
    """Return whether a device or server understood a request, and does not do it."""
    return isinstance(err, CommandFailed | NotSupported) and not isinstance(err, Throttled)


async def part[T](request: Coroutine[Any, Any, T], failures: list[IntercomError]) -> T | None:
    """Return the answer, or None where there is none; the failure is noted.

    Raises:
        IntercomError: The account is refused: no other part will be had either.
    """
    try:
        return await request
    except (CommandFailed, ConnectionFailed, NotSupported, UnexpectedReply) as err:
        failures.append(err)
        return None


async def together(*requests: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run requests side by side; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def nothing() -> None:
    """Stand for a request that is not made."""
