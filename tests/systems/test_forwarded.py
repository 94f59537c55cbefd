"""Whether pushes arrive, as far as that shows."""

from datetime import UTC, datetime

import pytest

from custom_components.ip_intercom.model import Pushes, State
from custom_components.ip_intercom.model.events import Event, PushesCame, reduce
from custom_components.ip_intercom.systems.common.push_monitor import Arrivals


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def event(kind: str) -> Event:
    return Event(kind, datetime.now(UTC))


@pytest.mark.parametrize(
    ("expected", "arrived", "state"),
    [
        (False, False, Pushes.OFF),
        # After they were turned off there are none, with any previous state.
        (False, True, Pushes.OFF),
        (True, False, Pushes.EXPECTED),
        (True, True, Pushes.ARRIVING),
    ],
)
def test_what_an_earlier_life_knew(*, expected: bool, arrived: bool, state: Pushes) -> None:
    assert Arrivals(expected=expected, arrived=arrived).state is state


def test_something_that_was_not_pushed_ends_them_unless_a_push_was_near(clock: Clock) -> None:
    arrivals = Arrivals(expected=True, arrived=False, monotonic=clock)
    arrivals.missed(60)
    seen = [arrivals.state]
    arrivals.heard()
    seen.append(arrivals.state)
    for seconds in (60, 1):
        clock.now += seconds
        arrivals.missed(60)
        seen.append(arrivals.state)
    assert seen == [Pushes.EXPECTED, Pushes.ARRIVING, Pushes.ARRIVING, Pushes.EXPECTED]
    assert not arrivals


def test_the_last_event_tells_how_it_stands(clock: Clock) -> None:
    arrivals = Arrivals(expected=True, arrived=False, monotonic=clock)
    arrivals.heard()
    assert arrivals.tell([]) == []
    first, second = event("a"), event("b")
    told = arrivals.tell([first, second])
    assert told[0] is first
    assert told[1].facts == (PushesCame(Pushes.ARRIVING),)
    assert reduce(State(pushes=Pushes.EXPECTED), told[1]).pushes is Pushes.ARRIVING


def test_what_a_description_has_told_meanwhile_is_put_right(clock: Clock) -> None:
    arrivals = Arrivals(expected=True, arrived=False, monotonic=clock)
    arrivals.heard()  # of a push that made no event
    state = State(pushes=arrivals.state)
    clock.now += 61
    arrivals.missed(60)
    for told in arrivals.tell([event("a")]):
        state = reduce(state, told)
    assert state.pushes is arrivals.state is Pushes.EXPECTED
