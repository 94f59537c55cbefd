"""Pushes in another order than their events."""

from custom_components.ip_intercom.model.parts import CallState
from custom_components.ip_intercom.systems.mx_proxy.client.events import CallEvent, Kind
from custom_components.ip_intercom.systems.mx_proxy.tracker import CallTracker
from tests.common import until

from .conftest import Start


def call_event(kind: str, when: int) -> CallEvent:
    return CallEvent(kind, 7, device_id="3107", calling="3108", called="3107", timestamp=when)


def test_a_late_hold_event_is_ignored() -> None:
    tracker = CallTracker()
    tracker.extension = "3107"
    pushed = (
        (Kind.ESTABLISHED, 10, CallState.CONNECTED),
        (Kind.RETRIEVED, 15, CallState.CONNECTED),
        (Kind.HELD, 12, CallState.CONNECTED),
        (Kind.HELD, 15, CallState.HELD),
        (Kind.RETRIEVED, 14, CallState.HELD),
        (Kind.RETRIEVED, 16, CallState.CONNECTED),
    )
    for kind, when, expected in pushed:
        tracker.apply(call_event(kind, when))
        assert tracker.sessions[7].state is expected, (kind, when)
    tracker.apply(call_event(Kind.CLEARED, 1))
    assert tracker.sessions == {}, "an older end event still ends the call"


async def test_an_old_end_event_does_not_end_a_live_call(start: Start) -> None:
    """Call numbers are reused: a delayed push may be about an earlier call."""
    bench = await start()
    call = bench.sim.incoming_call("3108")
    info = bench.sim.mx.links[bench.sim.login].calls[call]
    fresh = CallEvent(Kind.DELIVERED, call, calling="3108", called="3107", timestamp=info["timestamp"])
    assert bench.system.log is not None
    bench.system.log.receive(fresh)
    await until(lambda: bench.calls() == {call: "ringing"}, "the ring")
    asked = len(bench.asked("call_info"))
    bench.system.log.receive(CallEvent(Kind.CLEARED, call, timestamp=info["timestamp"] - 3600))
    await until(lambda: len(bench.asked("call_info")) >= asked + 3, "the proxy to be asked")
    assert bench.calls() == {call: "ringing"}
    assert bench.types().count(Kind.CLEARED) == 0
