"""The clock by which pushes tell their time: that of the server's replies, or as far from it as pushes have shown.

Replies may come by way of a proxy with a clock of its own, or tell no time at all.
"""

from collections import deque
from collections.abc import Callable
import time

from ..common.parse import fields

# Seconds by which two pushes of the same clock may differ.
_SAME = 15.0
# Pushes that were held back arrive together. Those that are off by the same, and arrive so many seconds apart, were not.
_APART = 60.0
# So many pushes of a wrong time are remembered.
_MANY = 16


class PushClock:
    """Tells how old a push is.

    Args:
        stored: What ``as_json`` returned in an earlier life.
        replies_ahead: Returns by how many seconds the clock of the server's replies is ahead of ours; None for unknown.
        now: Our clock in seconds since 1970.
    """

    def __init__(
        self,
        stored: object = None,
        replies_ahead: Callable[[], float | None] = lambda: 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        shift = fields(stored).get("shift")
        # By how much the times of pushes are ahead of those of replies; None where no push has shown it.
        self._shift = float(shift) if isinstance(shift, int | float) else None
        self._replies_ahead = replies_ahead
        self._now = now
        # When pushes of a wrong time arrived, and by how much they were ahead of replies.
        self._odd: deque[tuple[float, float]] = deque(maxlen=_MANY)

    def as_json(self) -> dict[str, object]:
        """Return what is to be kept."""
        return {} if self._shift is None else {"shift": self._shift}

    @property
    def ahead(self) -> float:
        """Return by how many seconds the clock is ahead of ours."""
        return (self._replies_ahead() or 0.0) + (self._shift or 0.0)

    @property
    def is_known(self) -> bool:
        """Return whether a reply or a push has told the time there."""
        return self._shift is not None or self.replies_tell

    @property
    def replies_tell(self) -> bool:
        """Return whether replies have told the time."""
        return self._replies_ahead() is not None

    def age(self, timestamp: float) -> float:
        """Return how many seconds ago a push was sent."""
        return self._now() + self.ahead - timestamp

    def shift_of(self, timestamp: float) -> float:
        """Return by how many seconds a push that is sent just now is ahead of replies, or of us where they do not tell."""
        return timestamp - self._now() - (self._replies_ahead() or 0.0)

    def adopt(self, shift: float) -> None:
        """Take it that pushes are ahead of replies by so many seconds."""
        self._shift = shift
        self._odd.clear()

    def is_constant(self, timestamp: float) -> bool:
        """Return whether an earlier push was off by the same; this one is remembered."""
        now, shift = self._now(), self.shift_of(timestamp)
        is_constant = any(now - at >= _APART and abs(shift - before) <= _SAME for at, before in self._odd)
        self._odd.append((now, shift))
        return is_constant
