"""Timings of the event log reader."""

from dataclasses import dataclass
import logging
from math import inf

from ...common.errors import AnswerStalled, ConnectionFailed, NoAnswer, NotReached

_LOGGER = logging.getLogger(__name__)

# Connections in a row that break without a response before polls become shorter.
_IDLE_LOSSES = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Timings of the event log reader, in seconds.

    Attributes:
        polls: Time that the device may hold back a response without events: the default, and shorter ones for a
            network that drops idle connections.
        patience: Time that the response may take in addition; None for the default of the client.
        reach: Timeout of the connection to a device that was unreachable.
        reopen: Timeouts of the first response of a device that did not respond, by attempt: mostly short, as the
            device may recover in between, but long enough for a slow device now and then.
        uptime: Time that an event is held back while the uptime is read.
    """

    polls: tuple[int, ...] = (55, 25, 15, 8)
    patience: float | None = None
    reach: float = 1.5
    reopen: tuple[float, ...] = (2.5, 2.5, 2.5, 10.0)
    uptime: float = 2.0


class PollLength:
    """Length of a poll in seconds; shorter in a network that drops idle connections.

    Args:
        polls: Available lengths, longest first.
        first: Length to begin with, None for the longest.
    """

    def __init__(self, polls: tuple[int, ...], first: int | None) -> None:
        self.seconds = polls[0] if first is None else first
        self._polls = polls
        # Idle seconds before the last poll was lost, and the number of polls lost that way in a row.
        self._idle_for: float | None = None
        self._idle_losses = 0

    @property
    def found(self) -> int | None:
        """The detected length, None for the longest."""
        return None if self.seconds == self._polls[0] else self.seconds

    def answered(self) -> None:
        """Record that a poll was answered."""
        self._idle_losses = 0

    def lost(self, err: BaseException, idle: float) -> None:
        """Record that a poll was lost; the next requests show whether idleness was the reason.

        Args:
            err: The error.
            idle: Seconds since the last response.
        """
        if not isinstance(err, ConnectionFailed) or isinstance(err, NotReached | AnswerStalled):
            self._idle_for = None  # the device is unreachable, or responds, or began to
        else:
            self._idle_for = inf if isinstance(err, NoAnswer) else idle

    def forget(self) -> None:
        """Record that the device was unreachable."""
        self._idle_for = None

    def learn(self) -> None:
        """Shorten the polls if they are lost although the device was running."""
        idle, self._idle_for = self._idle_for, None
        shorter = [poll for poll in self._polls if poll < min(self.seconds, idle or 0.0)]
        if not shorter or idle is None:
            self._idle_losses = 0
            return
        # A poll without a response is conclusive; a broken connection may be accidental.
        self._idle_losses = self._idle_losses + 1 if idle != inf else _IDLE_LOSSES
        if self._idle_losses >= _IDLE_LOSSES:
            self.seconds, self._idle_losses = shorter[0], 0
            _LOGGER.debug("Connections are dropped while idle: polls last %s s from now on", self.seconds)
