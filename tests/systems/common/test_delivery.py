"""Detection of pushes that do not arrive."""

from datetime import UTC, datetime

import pytest

from custom_components.ip_intercom.model.events import Event, PushesCame
from custom_components.ip_intercom.model.parts import Pushes
from custom_components.ip_intercom.model.reducer import reduce
from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.systems.common.delivery import PushMonitor


class Clock:
    """A clock that a test advances."""

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
def test_the_first_push_state_depends_on_the_stored_one(*, expected: bool, arrived: bool, state: Pushes) -> None:
    assert PushMonitor(expected=expected, arrived=arrived).state is state


def test_a_missing_push_without_a_recent_one_is_a_lost_push(clock: Clock) -> None:
    push_monitor = PushMonitor(expected=True, arrived=False, monotonic=clock)
    push_monitor.missed(60)
    seen = [push_monitor.state]
    push_monitor.received()
    seen.append(push_monitor.state)
    for seconds in (60, 1):
        clock.now += seconds
        push_monitor.missed(60)
        seen.append(push_monitor.state)
    assert seen == [Pushes.EXPECTED, Pushes.ARRIVING, Pushes.ARRIVING, Pushes.EXPECTED]
    assert not push_monitor


def test_the_last_event_carries_the_push_state(clock: Clock) -> None:
    push_monitor = PushMonitor(expected=True, arrived=False, monotonic=clock)
    push_monitor.received()
    assert push_monitor.with_state([]) == []
    first, second = event("a"), event("b")
    delivered = push_monitor.with_state([first, second])
    assert delivered[0] is first
    assert delivered[1].facts == (PushesCame(Pushes.ARRIVING),)
    assert reduce(State(pushes=Pushes.EXPECTED), delivered[1]).pushes is Pushes.ARRIVING


def test_events_correct_a_push_state_of_a_description(clock: Clock) -> None:
    push_monitor = PushMonitor(expected=True, arrived=False, monotonic=clock)
    push_monitor.received()  # of a push that made no event
    state = State(pushes=push_monitor.state)
    clock.now += 61
    push_monitor.missed(60)
    for delivered in push_monitor.with_state([event("a")]):
        state = reduce(state, delivered)
    assert state.pushes is push_monitor.state is Pushes.EXPECTED
