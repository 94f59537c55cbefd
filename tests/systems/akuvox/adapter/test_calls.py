"""One call from three routes, in any order, with a clock of the test."""

from datetime import datetime
import time
from typing import Any

import pytest
from yarl import URL

from custom_components.ip_intercom.model.events import CallChanged
from custom_components.ip_intercom.model.features import PushMessage
from custom_components.ip_intercom.model.parts import CallState, Direction
from custom_components.ip_intercom.systems.akuvox.calls import CallTracker
from custom_components.ip_intercom.systems.akuvox.client.logs import CallKind, CallRecord
from custom_components.ip_intercom.systems.akuvox.push import parse


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracker(clock: Clock) -> CallTracker:
    return CallTracker(monotonic=clock)


def record(number: str = "101", kind: CallKind = CallKind.DIALED, second: int = 0) -> CallRecord:
    return CallRecord("1", kind, datetime(2026, 11, 21, 12, 0, second), number, number, None)


def steps(changes: tuple[CallChanged, ...]) -> list[tuple[CallState, Direction | None]]:
    return [(change.state, change.direction) for change in changes]


def rings(*answers: tuple[CallChanged, ...]) -> int:
    """Return how many calls would ring: each session once, outgoing, before it is answered."""
    return len(
        {
            change.session
            for changes in answers
            for change in changes
            if change.direction is Direction.OUTGOING and change.state in {CallState.CONNECTING, CallState.RINGING}
        }
    )


def test_a_call_that_is_pushed_polled_and_logged_rings_once(tracker: CallTracker, clock: Clock) -> None:
    pushed = tracker.pushed_call("101")
    clock.now += 2
    looked = tracker.polled("CALLING", clock.now)
    talking = tracker.polled("TALKING", clock.now)
    clock.now += 30
    hung = tracker.pushed_hang_up()
    clock.now += 2
    assert tracker.polled("READY", clock.now) == ()
    assert tracker.logged(record()) == ()
    assert rings(pushed, looked, talking, hung) == 1
    assert steps(talking) == [(CallState.CONNECTED, Direction.OUTGOING)]
    assert steps(hung) == [(CallState.TERMINATED, Direction.OUTGOING)]
    assert tracker.unpushed == 0


def test_a_call_polled_before_its_push_rings_once(tracker: CallTracker, clock: Clock) -> None:
    looked = tracker.polled("RINGING", clock.now)
    clock.now += 1
    pushed = tracker.pushed_call("101")
    assert rings(looked, pushed) == 1
    assert tracker.sessions[looked[0].session].peer == "101"


def test_a_poll_that_began_before_the_push_is_ignored(tracker: CallTracker, clock: Clock) -> None:
    asked = clock.now
    clock.now += 0.5
    pushed = tracker.pushed_call("101")
    clock.now += 0.5
    assert tracker.polled("READY", asked) == ()
    assert tracker.sessions.keys() == {pushed[0].session}
    hung_at = clock.now
    tracker.pushed_hang_up()
    assert tracker.polled("CALLING", hung_at - 0.1) == (), "a poll from before the end starts no call"


def test_ready_just_after_a_push_does_not_end_the_call(tracker: CallTracker, clock: Clock) -> None:
    tracker.pushed_call("101")
    clock.now += 1
    assert tracker.polled("READY", clock.now) == ()
    clock.now += 5
    assert steps(tracker.polled("READY", clock.now)) == [(CallState.TERMINATED, Direction.OUTGOING)]


def test_a_call_answered_before_the_first_poll_rings_by_its_record(tracker: CallTracker, clock: Clock) -> None:
    """The device may have answered an incoming call; the record shows whether it was a visitor."""
    assert steps(tracker.polled("TALKING", clock.now)) == [
        (CallState.RINGING, Direction.INCOMING),
        (CallState.CONNECTED, Direction.INCOMING),
    ]
    clock.now += 10
    tracker.polled("READY", clock.now)
    assert rings(tracker.logged(record())) == 1


def test_unpushed_calls_of_a_pushing_device_do_not_ring(tracker: CallTracker, clock: Clock) -> None:
    tracker.pushes_calls = True
    assert rings(tracker.polled("RINGING", clock.now)) == 0
    clock.now += 10
    tracker.polled("READY", clock.now)
    assert tracker.logged(record(kind=CallKind.MISSED)) == ()
    clock.now += 10
    assert rings(tracker.polled("CALLING", clock.now)) == 0
    assert rings(tracker.pushed_call("101")) == 1, "the push was a little late"
    clock.now += 30
    tracker.pushed_hang_up()
    clock.now += 200
    assert rings(tracker.polled("CALLING", clock.now), tracker.logged(record("102"))) == 1, "the push was lost"


def test_a_call_known_from_the_log_alone_rings(tracker: CallTracker) -> None:
    assert steps(tracker.logged(record())) == [
        (CallState.RINGING, Direction.OUTGOING),
        (CallState.TERMINATED, Direction.OUTGOING),
    ]
    assert not tracker.in_call
    assert tracker.unpushed == 1
    assert rings(tracker.logged(record())) == 1, "the same number again is another visitor"


def test_a_record_ends_a_call_whose_end_was_not_polled(tracker: CallTracker, clock: Clock) -> None:
    tracker.polled("RINGING", clock.now)
    clock.now += 41
    assert steps(tracker.logged(record())) == [(CallState.TERMINATED, Direction.OUTGOING)]
    assert not tracker.in_call


def test_a_record_does_not_end_a_pushed_call_that_the_status_will_show(tracker: CallTracker, clock: Clock) -> None:
    tracker.polled("READY", clock.now)
    clock.now += 20
    pushed = tracker.pushed_call("101")
    clock.now += 1
    assert rings(pushed, tracker.logged(record())) == 1
    clock.now += 10
    assert steps(tracker.polled("TALKING", clock.now)) == [(CallState.CONNECTED, Direction.OUTGOING)]
    assert steps(tracker.pushed_hang_up()) == [(CallState.TERMINATED, Direction.OUTGOING)]


def test_an_end_that_only_the_log_reports_is_marked(tracker: CallTracker, clock: Clock) -> None:
    """It says neither when the call ended nor whether it was answered."""
    tracker.pushed_call("101")
    assert [change.recorded for change in tracker.logged(record())] == [True]
    clock.now += 300
    assert [change.recorded for change in tracker.logged(record("102"))] == [False, True]
    clock.now += 300
    tracker.pushed_call("103")
    assert [change.recorded for change in tracker.pushed_hang_up()] == [False]


@pytest.mark.parametrize("word", ["RINGING", "TALKING"])
def test_a_record_during_the_call_does_not_end_it(tracker: CallTracker, clock: Clock, word: str) -> None:
    seen = tracker.polled(word, clock.now)
    clock.now += 2
    tracker.polled(word, clock.now)
    logged = tracker.logged(record())
    assert rings(seen, logged) == 1
    clock.now += 2
    assert tracker.polled(word, clock.now) == ()
    clock.now += 2
    assert steps(tracker.polled("READY", clock.now)) == [(CallState.TERMINATED, Direction.OUTGOING)]


def test_a_group_is_one_visit(tracker: CallTracker, clock: Clock) -> None:
    """The numbers are called at once or in turn, with a push and a record for each."""
    first, second = tracker.pushed_call("101"), tracker.pushed_call("102")
    clock.now += 20
    ended = tracker.pushed_hang_up()
    clock.now += 1
    third = tracker.pushed_call("103")
    clock.now += 20
    tracker.pushed_hang_up()
    assert rings(first, second, third) == 1
    assert steps(ended) == [(CallState.TERMINATED, Direction.OUTGOING)]
    for number in ("101", "102", "103"):
        assert tracker.logged(record(number)) == ()


def test_one_push_of_a_group_call_covers_all_its_records(tracker: CallTracker, clock: Clock) -> None:
    """One push for all of its numbers, and a record for each."""
    tracker.pushed_call("101")
    clock.now += 20
    tracker.pushed_hang_up()
    assert tracker.logged(record("101")) == ()
    assert tracker.logged(record("102", second=1)) == ()
    assert rings(tracker.logged(record("103", second=40))) == 1, "another visitor"


def test_visitors_known_from_the_log_alone_ring(tracker: CallTracker) -> None:
    assert rings(tracker.logged(record("101")), tracker.logged(record("102", second=1))) == 1
    assert rings(tracker.logged(record("103", second=30))) == 1


def test_the_next_visitor_rings_again(tracker: CallTracker, clock: Clock) -> None:
    first = tracker.pushed_call("101")
    clock.now += 10
    tracker.pushed_hang_up()
    clock.now += 10
    second = tracker.pushed_call("101")
    assert rings(first, second) == 2


def test_a_new_push_ends_a_call_whose_end_was_lost(tracker: CallTracker, clock: Clock) -> None:
    first = tracker.pushed_call("101")
    clock.now += 600
    second = tracker.pushed_call("101")
    assert steps(second) == [
        (CallState.TERMINATED, Direction.OUTGOING),
        (CallState.CONNECTING, Direction.OUTGOING),
    ]
    assert rings(first, second) == 2


def test_status_words_are_learned_from_records(tracker: CallTracker, clock: Clock) -> None:
    guessed = tracker.polled("RINGING", clock.now)
    assert steps(guessed) == [(CallState.RINGING, Direction.OUTGOING)]
    clock.now += 10
    tracker.polled("READY", clock.now)
    assert tracker.logged(record(kind=CallKind.MISSED)) == ()
    assert tracker.words == {"RINGING": False}
    assert steps(tracker.polled("RINGING", clock.now)) == [(CallState.RINGING, Direction.INCOMING)]


def test_a_status_word_of_both_directions_rings(tracker: CallTracker, clock: Clock) -> None:
    for kind in (CallKind.RECEIVED, CallKind.DIALED):
        tracker.polled("BUSY", clock.now)
        clock.now += 10
        tracker.polled("READY", clock.now)
        tracker.logged(record(kind=kind))
        clock.now += 200
    assert tracker.words == {"BUSY": None}
    assert steps(tracker.polled("BUSY", clock.now)) == [(CallState.RINGING, Direction.OUTGOING)]


def test_a_record_corrects_a_wrongly_learned_status_word(tracker: CallTracker, clock: Clock) -> None:
    """The record rings and corrects the learned word."""
    tracker.words["RINGING"] = False
    assert rings(tracker.polled("RINGING", clock.now)) == 0
    clock.now += 10
    tracker.polled("READY", clock.now)
    assert rings(tracker.logged(record())) == 1
    assert tracker.words == {"RINGING": None}


def test_a_push_rings_though_the_call_was_taken_for_incoming(tracker: CallTracker, clock: Clock) -> None:
    tracker.words["TALKING"] = False
    assert rings(tracker.polled("TALKING", clock.now)) == 0
    clock.now += 1
    assert rings(tracker.pushed_call("101")) == 1


def test_calls_dialed_by_home_assistant_do_not_ring(tracker: CallTracker, clock: Clock) -> None:
    session = tracker.dialing("101")
    told = (*tracker.pushed_call("101"), *tracker.polled("CALLING", clock.now))
    clock.now += 10
    told += tracker.pushed_hang_up()
    assert {change.session for change in told} == {session}
    assert tracker.logged(record()) == ()
    assert tracker.unpushed == 0
    refused = tracker.dialing("102")
    tracker.not_dialed(refused)
    assert not tracker.in_call


def test_a_restart_ends_all_calls(tracker: CallTracker, clock: Clock) -> None:
    tracker.pushed_call("101")
    tracker.restart()
    assert not tracker.in_call
    assert tracker.polled("READY", clock.now) == ()


def test_a_record_of_a_call_before_a_restart_does_not_ring(tracker: CallTracker, clock: Clock) -> None:
    """The call rang before the restart, and its record is still in the log."""
    tracker.pushed_call("101")
    tracker.restart()
    clock.now += 60
    assert tracker.logged(record()) == ()


@pytest.mark.parametrize("seconds", [0.1, 2.5])
def test_a_status_that_lags_behind_a_hang_up_is_ignored(tracker: CallTracker, clock: Clock, seconds: float) -> None:
    tracker.pushed_call("101")
    clock.now += 10
    tracker.pushed_hang_up()
    clock.now += seconds
    assert tracker.polled("TALKING", clock.now) == ()
    tracker.polled("READY", clock.now)
    clock.now += 0.2
    assert rings(tracker.polled("CALLING", clock.now)) == 1, "the next visitor"


def test_a_dialed_call_ends_the_current_one(tracker: CallTracker, clock: Clock) -> None:
    (first,) = tracker.pushed_call("101")
    tracker.dialing("102")
    assert tracker.take_changes() == ()
    tracker.dialed()
    assert [(change.session, change.state) for change in tracker.take_changes()] == [
        (first.session, CallState.TERMINATED),
    ]
    assert tracker.take_changes() == ()


def test_a_rejected_dial_does_not_end_the_ringing_call(tracker: CallTracker, clock: Clock) -> None:
    """The rejected dial during the ring makes no second ring."""
    first = tracker.polled("CALLING", clock.now)
    refused = tracker.dialing("102")
    tracker.not_dialed(refused)
    clock.now += 2
    assert rings(first, tracker.polled("CALLING", clock.now)) == 1
    assert tracker.sessions.keys() == {first[0].session}


@pytest.mark.parametrize("remote", ["+49301234567", "101", "sip:101@192.168.1.5"])
def test_a_pushed_number_matches_its_record(tracker: CallTracker, remote: str) -> None:
    """The pushed number is not escaped, so its plus arrives as a space."""
    pushed = parse(PushMessage("GET", dict(URL(f"http://ha/?event=MakeCall&remote={remote}").query)))
    assert pushed is not None
    tracker.pushed_call(pushed.number)
    tracker.pushed_hang_up()
    assert tracker.logged(record(remote)) == ()
    assert tracker.unpushed == 0


@pytest.mark.parametrize(
    "idle",
    [
        *("READY", "Idle", "ON HOOK", "Stand-by", "FREE", "0", "Ruhe", "Call Ended", "Monitoring", "NoCall"),
        *("Not in call", "Not Ringing", "UNCONNECTED", "no-answer", "DISCONNECTING", "SIP state: not connected"),
    ],
)
def test_the_first_unknown_status_word_means_idle(tracker: CallTracker, clock: Clock, idle: str) -> None:
    """Only READY is documented; an unknown word means idle if it is the first one."""
    assert tracker.polled(idle, clock.now) == ()
    assert not tracker.in_call
    clock.now += 30
    began = tracker.polled("EARLY", clock.now)
    assert steps(began) == [(CallState.RINGING, Direction.OUTGOING)]
    clock.now += 30
    assert steps(tracker.polled(idle, clock.now)) == [(CallState.TERMINATED, Direction.OUTGOING)]


def test_ready_corrects_a_first_status_word_taken_for_idle(tracker: CallTracker, clock: Clock) -> None:
    """The device was in a call at the first poll."""
    assert tracker.polled("EARLY", clock.now) == ()
    clock.now += 30
    assert tracker.polled("READY", clock.now) == ()
    clock.now += 30
    assert rings(tracker.polled("EARLY", clock.now)) == 1
    clock.now += 30
    tracker.polled("READY", clock.now)
    assert not tracker.in_call


@pytest.mark.parametrize(
    "word",
    [
        *("TALKING", "Calling", "RING_BACK", "In Call", "connected", "Incoming call", "BUSY", "IncomingCall"),
        *("INCOMINGCALL", "onHold", "Ringing, not answered", "SIP_CONNECTED"),
    ],
)
def test_status_words_of_a_call_mean_a_call(tracker: CallTracker, clock: Clock, word: str) -> None:
    assert tracker.polled(word, clock.now)
    assert tracker.in_call


STORED = {
    "session": 7,
    "state": "connected",
    "direction": "outgoing",
    "began": 5.0,
    "confirmed": 5.0,
    "peer": "101",
    "logged_at": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"session": "x"},
        {"state": "dancing"},
        {"direction": None},
        {"began": "soon"},
        {"confirmed": None},
    ],
)
def test_an_unreadable_stored_call_is_dropped(tracker: CallTracker, change: dict[str, object]) -> None:
    tracker.restore({"over": [STORED | change, "no call"], "call": STORED | change})
    assert not tracker.in_call
    assert tracker.as_store()["over"] == []


def test_a_partly_readable_stored_call_is_restored(tracker: CallTracker) -> None:
    tracker.restore({"over": [STORED | {"logged_at": "yesterday", "confirmed": time.time()}], "call": None})
    kept: Any = tracker.as_store()["over"]
    assert [(call["session"], call["logged_at"]) for call in kept] == [(7, None)]
