"""Reads independent parts of a state, so that an unavailable part does not block the others."""

from abc import ABC, abstractmethod
import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine
import logging
from typing import Any, cast

from ...model.features import Bells
from ...model.parts import Control
from ...model.state import UNANSWERED, Description, Missing
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
    without_frames,
)

_LOGGER = logging.getLogger(__name__)

# After these errors no part of the device or server is readable.
AWAY = (
    CertificateChanged,
    CertificateInvalid,
    ExchangeUnreachable,
    NotReached,
    ServerSilent,
    TlsRefused,
    TokenNotTaken,
)
# A function that never responded and rejects this many requests in a row is considered absent.
_REFUSALS = 3
# Seconds to wait for each part of a server while connecting, and later; a slow part is read again later.
_FIRST_TIMEOUT = 10.0
TIMEOUT = 20.0


class PartReader:
    """Reads parts that can fail independently, and keeps the last response of each.

    Attributes:
        failures: Errors since ``begin``, by name of the part.
    """

    def __init__(self) -> None:
        self.failures: dict[str, IntercomError] = {}
        self._answers: dict[str, object] = {}
        self._refusals: Counter[str] = Counter()
        self._answered = False
        self._patience: float | None = None

    def begin(self, patience: float | None = None) -> None:
        """Clear the failures; from now on, each part has ``patience`` seconds to respond."""
        self.failures = {}
        self._answered = False
        self._patience = patience

    async def ask[T](self, name: str, request: Awaitable[T], *, keep: bool = True) -> T | None:
        """Return the response; after a failure the last one, if ``keep`` is set.

        Args:
            name: Name of the function in the API.
            keep: The last response stays valid, because the value does not change by itself.

        Raises:
            IntercomError: No part is readable: the device is unreachable or rejects the account.
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
            self.failures[name] = without_frames(err)

    def has(self, name: str) -> bool:
        """Return whether a function has ever responded."""
        return name in self._answers

    def lacks(self, name: str) -> bool:
        """Return whether a function rejects requests and never responded, so the device may lack it."""
        return name not in self._answers and self._refusals[name] > 0

    def require_answer(self) -> None:
        """Raise the first failure if no part responded."""
        if self.failures and not self._answered:
            raise next(iter(self.failures.values()))

    @property
    def missing(self) -> frozenset[Missing]:
        """Return the parts that failed, to be requested again."""
        return frozenset(Missing(UNANSWERED, name, vital=False) for name in self.failures)

    @property
    def retry_after(self) -> float:
        """Return the longest pause in seconds that a part requested."""
        return max((err.retry_after or 0.0 for err in self.failures.values()), default=0.0)


def is_refusal(err: BaseException | None) -> bool:
    """Return whether a device or server understood a request but rejected it."""
    return isinstance(err, CommandFailed | NotSupported) and not isinstance(err, Throttled)


async def part[T](request: Coroutine[Any, Any, T], failures: list[IntercomError]) -> T | None:
    """Return the response, or None after a failure, which is added to ``failures``.

    Raises:
        IntercomError: The account is rejected, so no other part is readable either.
    """
    try:
        return await request
    except (CommandFailed, ConnectionFailed, NotSupported, UnexpectedReply) as err:
        failures.append(err)
        return None


async def together(*requests: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run requests concurrently; the first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except ExceptionGroup as failed:
        failure = failed.exceptions[0]
    else:
        return tuple(task.result() for task in tasks)
    raise failure  # outside of the handler, else it would keep the other failures


async def nothing() -> None:
    """Return nothing, in place of a request that is not needed."""


def retrieve(task: asyncio.Task[Any]) -> None:
    """Retrieve the exception of a task that may not be awaited any more, so that it is not logged."""
    if not task.cancelled():
        task.exception()


class ServerSystem(ABC):
    """An account at a server: no description is incomplete, and the bells come with the doors, if there are any."""

    @abstractmethod
    async def close(self) -> None:
        """Stop polling."""

    @abstractmethod
    async def _describe(self, timeout: float) -> Description:
        """Describe the account; parts that do not respond in time keep their previous state."""

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Describe the account, after ending a previous attempt."""
        await self.close()
        return await self._describe(_FIRST_TIMEOUT)

    async def describe(self) -> Description:
        """Describe the account again."""
        return await self._describe(TIMEOUT)

    async def complete(self) -> Description:
        """Describe the account again."""
        return await self.describe()

    async def read_bells(self) -> Bells | None:
        """Return None: the bells are in the description."""
        return None
