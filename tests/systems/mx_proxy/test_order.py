"""Pushes that come in another order than what they tell of."""

from custom_components.ip_intercom.api.mx_proxy.events import CallEvent, Kind
from custom_components.ip_intercom.model import CallState
from custom_components.ip_intercom.systems.mx_proxy.tracker import CallTracker
from tests.common import until

from .conftest import Start


def told(kind: str, when: int) -> CallEvent:
    return CallEvent(kind, 7, device_id="3107", calling="3108", called="3107", timestamp=when)


def test_a_hold_that_is_told_after_its_end_is_over() -> None:
    tracker = CallTracker()
    tracker.extension = "3107"
    for event in (told(Kind.ESTABLISHED, 10), told(Kind.RETRIEVED, 15), told(Kind.HELD, 12)):
        tracker.told(event)
    assert tracker.sessions[7].state is CallState.CONNECTED
    tracker.told(told(Kind.HELD, 15))
    assert tracker.sessions[7].state is CallState.HELD
    tracker.told(told(Kind.RETRIEVED, 14))
    assert tracker.sessions[7].state is CallState.HELD
    tracker.told(told(Kind.CLEARED, 1))
    assert tracker.sessions == {}, "an end is an end"
