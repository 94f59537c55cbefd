"""Live calls: the first report counts, none is repeated, and their order is kept."""

import pytest

from custom_components.ip_intercom.model.events import CallChanged
from custom_components.ip_intercom.model.parts import CallState, Direction
from custom_components.ip_intercom.systems.mx_proxy import tracker as module
from custom_components.ip_intercom.systems.mx_proxy.client.events import CallEvent, Kind
from custom_components.ip_intercom.systems.mx_proxy.records import ServerClock, at
from custom_components.ip_intercom.systems.mx_proxy.tracker import CallTracker


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def call_event(kind: str, call: int = 7, when: int = 100, calling: str = "3108", called: str = "3107") -> CallEvent:
    return CallEvent(kind, call, device_id="3107", calling=calling, called=called, timestamp=when)


def bare(kind: str, call: int = 7, when: int = 100) -> CallEvent:
    return CallEvent(kind, call, device_id="3107", timestamp=when)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def tracker(clock: Time) -> CallTracker:
    found = CallTracker(clock)
    found.extension = "3107"
    return found


def states(tracker: CallTracker, *events: CallEvent) -> list[str | None]:
    changes = [tracker.apply(event) for event in events]
    return [None if change is None else change.state.value for change in changes]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((Kind.DELIVERED, Kind.ESTABLISHED, Kind.CLEARED), ["ringing", "connected", "terminated"]),
        ((Kind.ESTABLISHED, Kind.DELIVERED), ["connected", None]),
        ((Kind.DELIVERED, Kind.DELIVERED), ["ringing", None]),
        ((Kind.DELIVERED, Kind.HELD, Kind.ESTABLISHED), ["ringing", "held", None]),
        ((Kind.HELD, Kind.RETRIEVED, Kind.RETRIEVED), ["held", "connected", None]),
        ((Kind.ORIGINATED, Kind.DELIVERED, Kind.ESTABLISHED), ["connecting", "ringing", "connected"]),
        ((Kind.CLEARED, Kind.DELIVERED), [None, None]),
        ((Kind.DELIVERED, Kind.CLEARED, Kind.ESTABLISHED), ["ringing", "terminated", None]),
        (("RecordingState",), [None]),
    ],
)
def test_events_in_any_order_are_mapped_to_states(
    tracker: CallTracker, kinds: tuple[str, ...], expected: list[str | None]
) -> None:
    assert states(tracker, *(call_event(kind) for kind in kinds)) == expected


@pytest.mark.parametrize(
    ("event", "direction", "peer"),
    [
        (call_event(Kind.DELIVERED), Direction.INCOMING, "3108"),
        (call_event(Kind.ESTABLISHED), Direction.INCOMING, "3108"),
        (call_event(Kind.ORIGINATED, calling="3107", called="3190"), Direction.OUTGOING, "3190"),
        (call_event(Kind.ESTABLISHED, calling="3107", called="3190"), Direction.OUTGOING, "3190"),
        (CallEvent(Kind.ESTABLISHED, 7, "555", calling="555", called="3190"), Direction.OUTGOING, "3190"),
        (CallEvent(Kind.ESTABLISHED, 7), Direction.INCOMING, None),
    ],
)
def test_direction_and_peer_are_read_from_an_event(
    tracker: CallTracker, event: CallEvent, direction: Direction, peer: str | None
) -> None:
    change = tracker.apply(event)
    assert change is not None
    assert (change.direction, change.peer) == (direction, peer)


def test_a_reused_call_number_is_a_new_call(tracker: CallTracker, clock: Time) -> None:
    assert states(tracker, call_event(Kind.DELIVERED, when=100), call_event(Kind.CLEARED, when=110)) == [
        "ringing",
        "terminated",
    ]
    clock.now += 60
    late = call_event(Kind.ESTABLISHED, when=105)
    assert states(tracker, late, call_event(Kind.DELIVERED, when=200)) == [None, "ringing"]


def test_a_repeated_event_is_detected(tracker: CallTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    assert not tracker.is_repeated(bare(Kind.HELD))
    assert tracker.is_repeated(bare(Kind.HELD))
    assert not tracker.is_repeated(bare(Kind.HELD, when=101))
    assert not tracker.is_repeated(bare(Kind.HELD, when=102))
    assert not tracker.is_repeated(bare(Kind.HELD)), "old pushes are forgotten"
    assert [tracker.is_repeated(bare(Kind.HELD, when=0)) for _ in range(2)] == [False, False]


def test_polling_starts_and_ends_a_call(tracker: CallTracker, clock: Time) -> None:
    assert tracker.polled(7, None) is None
    ringing = tracker.polled(7, call_event(Kind.DELIVERED))
    assert ringing == CallChanged(7, Direction.INCOMING, CallState.RINGING, "3108")
    assert tracker.polled(7, call_event(Kind.DELIVERED)) is None
    over = tracker.polled(7, None)
    assert over == CallChanged(7, Direction.INCOMING, CallState.TERMINATED, "3108")
    assert tracker.sessions == {}


def test_an_unanswered_dialed_call_ends_after_a_timeout(tracker: CallTracker, clock: Time) -> None:
    assert tracker.made(7, "3107", "3190") == CallChanged(7, Direction.OUTGOING, CallState.CONNECTING, "3190")
    assert tracker.made(7, "3107", "3190") is None
    assert tracker.unanswered
    assert tracker.polled(7, None) is None
    assert tracker.logged("3107", "3108") is None
    assert tracker.logged("3107", None) is None
    clock.now += 600
    over = tracker.polled(7, None)
    assert over is not None
    assert over.state is CallState.TERMINATED
    assert not tracker.unanswered


def test_a_confirmed_command_changes_the_call_before_its_push(tracker: CallTracker) -> None:
    assert tracker.done(7, Kind.HELD) is None
    tracker.apply(call_event(Kind.DELIVERED))
    answered = tracker.done(7, Kind.ESTABLISHED)
    assert answered is not None
    assert answered.state is CallState.CONNECTED
    assert states(tracker, call_event(Kind.ESTABLISHED)) == [None], "the push of the command changes nothing"
    assert tracker.done(7, Kind.CLEARED) is not None
    assert states(tracker, call_event(Kind.ESTABLISHED, when=101)) == [None], (
        "a push sent before the end changes nothing"
    )


def test_events_without_numbers_need_context(tracker: CallTracker) -> None:
    assert tracker.needs_context(bare(Kind.HELD))
    assert not tracker.needs_context(bare(Kind.CLEARED))
    tracker.apply(call_event(Kind.DELIVERED))
    assert not tracker.needs_context(bare(Kind.HELD))


def test_times_and_ages_follow_the_server_clock(clock: Time) -> None:
    moment = at(1503223469)
    assert moment is not None
    assert moment.isoformat() == "2017-08-20T10:04:29+00:00"
    assert [at(None), at(0), at(10**18)] == [None, None, None]
    server = ServerClock(clock)
    assert server.age(990) == 10
    server.learn(8200)
    assert server.age(8200) == 0
    clock.now += 5
    assert server.age(8200) == 5
