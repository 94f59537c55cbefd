"""Pushes that arrive through a forwarder: the server itself sends to push services only."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from math import inf
import time

from ...model.events import Event, PushesCame
from ...model.features import NO_EVENT, PushMessage
from ...model.parts import Pushes
from ...model.state import Missing


class ForwardedPush[E]:
    """The feature ``push`` of a server that cannot be told any address.

    Args:
        parse: Returns what was pushed, None where it makes no sense.
        hear: Takes what was pushed, and returns None; else why not.
        route: Has the server send its pushes to the forwarder; its argument is a secret that is ours alone. None where
            that is nothing to be told.
    """

    local = False
    # Home Assistant refuses a query with a line break, and writes it to its log with the secret of the address.
    lossy = frozenset({"GET"})

    def __init__(
        self,
        parse: Callable[[PushMessage], E | None],
        hear: Callable[[E], str | None],
        route: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._parse = parse
        self._hear = hear
        self._route = route

    async def originals(self) -> Mapping[str, str]:
        """Return nothing: there is nothing that subscribing would change."""
        return {}

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Tell the server which forwarder it is; the address is for a person to enter there."""
        if self._route is not None:
            await self._route(marker)
        return frozenset()

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """Leave everything as it is: the forwarder is not ours."""

    def receive(self, message: PushMessage) -> str | None:
        """Take what was sent, and return None; what makes no sense or is no news, return why."""
        pushed = self._parse(message)
        return NO_EVENT if pushed is None else self._hear(pushed)


class PushMonitor:
    """Whether pushes arrive, as far as that shows: by those that came, and by what happened and was not pushed.

    Args:
        expected: A forwarder was set up.
        arrived: They did in an earlier life.
        monotonic: A clock in seconds.
    """

    def __init__(self, *, expected: bool, arrived: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._expected = expected
        self._arrive = expected and arrived
        self._monotonic = monotonic
        self._heard_at = -inf

    def __bool__(self) -> bool:
        """Return whether they arrive."""
        return self._arrive

    @property
    def state(self) -> Pushes:
        """Return the same for people."""
        if self._arrive:
            return Pushes.ARRIVING
        return Pushes.EXPECTED if self._expected else Pushes.OFF

    def heard(self) -> None:
        """Note that one has come."""
        self._arrive = True
        self._heard_at = self._monotonic()

    def interrupted(self) -> None:
        """Note that the server hears of nothing itself now: only the next push shows that they arrive again."""
        self._arrive = False

    def missed(self, seconds: float) -> None:
        """Note that something happened which would have been pushed within so many seconds before now."""
        self._arrive = self._arrive and self._monotonic() - self._heard_at <= seconds

    def tell(self, events: list[Event]) -> list[Event]:
        """Return events, the last of which tells how it stands: a description may have told something else meanwhile."""
        if not events:
            return events
        return [*events[:-1], replace(events[-1], facts=(*events[-1].facts, PushesCame(self.state)))]
