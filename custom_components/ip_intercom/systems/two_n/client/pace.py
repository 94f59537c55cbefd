"""How long the reader of an event log waits for what."""

from dataclasses import dataclass
import logging
from math import inf

from ...common.errors import AnswerStalled, ConnectionFailed, NoAnswer, NotReached

_LOGGER = logging.getLogger(__name__)

# Connections in a row that break before an answer, and are to be kept shorter.
_SILENCES = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what.

    Attributes:
        polls: Seconds the device may hold back its answer while nothing happens: the first, and shorter ones for a
            network that forgets connections on which nothing is said.
        patience: Seconds that the answer may take besides; None for the client's own.
        reach: Seconds for a connection to a device that was out of reach.
        revive: Seconds for the first answer of one that did not answer, attempt by attempt: mostly short, for it may be
            back in between, but a slow one gets its time.
        tell: Seconds that an event waits for the device to say how old it is.
    """

    polls: tuple[int, ...] = (55, 25, 15, 8)
    patience: float | None = None
    reach: float = 1.5
    revive: tuple[float, ...] = (2.5, 2.5, 2.5, 10.0)
    tell: float = 2.0


class PollLength:
    """For how many seconds a poll waits: shorter ones where a network drops connections that are idle.

    Args:
        polls: Lengths to choose from, the longest first.
        first: The one to begin with, None for the longest.
    """

    def __init__(self, polls: tuple[int, ...], first: int | None) -> None:
        self.seconds = polls[0] if first is None else first
        self._polls = polls
        # After how many seconds without a word the last poll was lost, and how many were lost like that in a row.
        self._silent_for: float | None = None
        self._silences = 0

    @property
    def found(self) -> int | None:
        """The length as far as something was found out, None for the longest."""
        return None if self.seconds == self._polls[0] else self.seconds

    def answered(self) -> None:
        """Note that a poll got its answer."""
        self._silences = 0

    def lost(self, err: BaseException, idle: float) -> None:
        """Note that a poll was lost; whether the silence was to blame shows when the device is asked again.

        Args:
            err: Why.
            idle: Seconds since the last answer.
        """
        if not isinstance(err, ConnectionFailed) or isinstance(err, NotReached | AnswerStalled):
            self._silent_for = None  # the device is away, or answers, or began to
        else:
            self._silent_for = inf if isinstance(err, NoAnswer) else idle

    def forget(self) -> None:
        """Note that the device was away."""
        self._silent_for = None

    def learn(self) -> None:
        """Poll for a shorter time from now on, where polls are lost though the device was there all the while."""
        silent, self._silent_for = self._silent_for, None
        shorter = [poll for poll in self._polls if poll < min(self.seconds, silent or 0.0)]
        if not shorter or silent is None:
            self._silences = 0
            return
        # A poll without an answer leaves no doubt; a connection that breaks may do so for once.
        self._silences = self._silences + 1 if silent != inf else _SILENCES
        if self._silences >= _SILENCES:
            self.seconds, self._silences = shorter[0], 0
            _LOGGER.debug("Connections are dropped while idle: polls last %s s from now on", self.seconds)
