"""Reading what can be read: a part that cannot be had now keeps none of the others from being read."""

from collections import Counter
from collections.abc import Awaitable, Coroutine
import logging
from typing import Any, cast

from ..api.errors import (
    CertificateChanged,
    CertificateInvalid,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NotReached,
    NotSupported,
    TlsRefused,
    UnexpectedReply,
)
from ..model import UNANSWERED, Missing

_LOGGER = logging.getLogger(__name__)

# With these nothing of a device or server can be had.
AWAY = (CertificateChanged, CertificateInvalid, NotReached, TlsRefused)
# A function that never answered and refuses so many times in a row is one that the device does not have.
_REFUSALS = 3


class PartReader:
    """Asks for parts of which any may fail alone, and keeps what each answered last.

    Attributes:
        failures: Why parts could not be had since ``begin``, by name.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.failures: dict[str, IntercomError] = {}
        self._answers: dict[str, object] = {}
        self._refusals: Counter[str] = Counter()
        self._answered = False

    def begin(self) -> None:
        """Forget the failures of the time before."""
        self.failures = {}
        self._answered = False

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
            answer = await request
        except (CommandFailed, ConnectionFailed, UnexpectedReply) as err:
            if isinstance(err, AWAY):
                raise
            self._fail(name, err)
            return cast(T | None, self._answers.get(name)) if keep else None
        self._answered = True
        self._refusals[name] = 0
        self._answers[name] = answer
        return answer

    def _fail(self, name: str, err: IntercomError) -> None:
        self._refusals[name] = self._refusals[name] + 1 if isinstance(err, CommandFailed) else 0
        _LOGGER.debug("No answer from %s: %s", name, err)
        if name in self._answers or self._refusals[name] < _REFUSALS:
            self.failures[name] = err

    def require_answer(self) -> None:
        """Raise why nothing could be had, if nothing could."""
        if self.failures and not self._answered:
            raise next(iter(self.failures.values()))

    @property
    def missing(self) -> frozenset[Missing]:
        """Return what could not be had, to be asked for again."""
        return frozenset(Missing(UNANSWERED, name, vital=False) for name in self.failures)


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


async def offered[T](name: str, request: Coroutine[Any, Any, T]) -> T | None:
    """Return the answer, or None where a server that is there does not have it or refuses it.

    Raises:
        IntercomError: The server is out of reach, or refuses the account.
    """
    try:
        return await request
    except (CommandFailed, NotSupported, UnexpectedReply) as err:
        _LOGGER.debug("No %s: %s", name, err)
        return None
