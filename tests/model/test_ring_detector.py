"""Presses and calls become rings, once per visit (design, rule 1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.ip_intercom.model.events import ButtonPressed, CallChanged, Event, Fact, Restarted
from custom_components.ip_intercom.model.parts import Bell, CallState, Direction
from custom_components.ip_intercom.model.ring_detector import CALL_BELL, RingMemory, detect, peer_number

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OUT, IN = Direction.OUTGOING, Direction.INCOMING
CONNECTING, RINGING, CONNECTED, _, TERMINATED = CallState
ALICE, JIRI = Bell("1", "Alice", 1), Bell("2", "Jiří", 2)
BELLS = {"1": ALICE, "2": JIRI}
PEERS = {"101": "1", "4374834473": "2"}

type Step = tuple[float, Fact] | tuple[float, Fact, bool]


def press(button: int) -> Fact:
    return ButtonPressed(str(button), button)


def call(session: int, state: CallState = CONNECTING, peer: str | None = "sip:101@pbx", leg: int = 1) -> Fact:
    return CallChanged(session, OUT, state, peer, leg)


def come_in(session: int, state: CallState = RINGING) -> Fact:
    return CallChanged(session, IN, state, "sip:101@pbx", 1)


def rings(*steps: Step, memory: RingMemory | None = None, bells: dict[str, Bell] | None = None) -> list[str]:
    """Return the bells that rang when the facts came at those seconds; True is late."""
    memory = memory or RingMemory()
    rang = []
    for index, (seconds, fact, *late) in enumerate(steps):
        event = Event("any", START + timedelta(seconds=seconds), late=bool(late), facts=(fact,))
        memory, ring, *_ = detect(memory, event, BELLS if bells is None else bells, PEERS, 60.0 * index)
        if ring is not None and not ring.late:
            assert ring.time == event.time
            rang.append(ring.bell.id)
    return rang


@pytest.mark.parametrize(
    ("steps", "rang"),
    [
        pytest.param([(0, press(1)), (0, call(1)), (1, call(1, RINGING))], ["1"], id="a press and its call"),
        pytest.param([(0, press(1))], ["1"], id="a press without a call"),
        pytest.param([(0, press(9))], ["9"], id="an unassigned button"),
        pytest.param(
            [(0, press(1)), (0, call(1)), (0, call(1, peer="sip:102@pbx", leg=2)), (1, call(1, RINGING, leg=2))],
            ["1"],
            id="a group call",
        ),
        pytest.param([(0, press(1)), (5, press(1))], ["1", "1"], id="two presses"),
        pytest.param(
            [(0, press(1)), (0, call(1)), (9, call(1, TERMINATED)), (10, press(1)), (10, call(2))],
            ["1", "1"],
            id="two visits",
        ),
        pytest.param(
            [(0, press(1)), (0, press(2)), (1, call(1)), (1, call(2, peer="sip:4374834473@x"))],
            ["1", "2"],
            id="two bells at once",
        ),
        pytest.param([(0, call(1)), (1, call(1, RINGING))], ["1"], id="dialed on the keypad, the number of a bell"),
        pytest.param([(0, call(1, RINGING))], ["1"], id="only the ringing state"),
        pytest.param([(0, call(1, peer="sip:999@pbx"))], [CALL_BELL], id="dialed on the keypad, any other number"),
        pytest.param([(0, call(1, peer=None))], [CALL_BELL], id="no peer"),
        pytest.param([(0, press(1)), (0, call(1)), (30, call(2))], ["1", "1"], id="a press, later the keypad"),
        pytest.param([(0, press(1)), (11, call(1))], ["1", "1"], id="a call long after a press"),
        pytest.param([(0, call(1, CONNECTED)), (5, call(1, TERMINATED))], [], id="the beginning was missed"),
        pytest.param([(0, come_in(1)), (3, come_in(1, CONNECTED))], [], id="a call that comes in"),
        pytest.param([(0, CallChanged(1, None, RINGING))], [], id="no direction"),
        pytest.param([(0, press(1), True), (0, call(1), True), (1, call(1, RINGING), True)], [], id="late"),
        pytest.param([(0, call(1), True), (1, call(1, RINGING))], [], id="the beginning was late"),
        pytest.param([(0, press(1), True), (1, call(1))], [], id="the press was late"),
        pytest.param([(0, press(1)), (-3600, call(1))], ["1", "1"], id="the clock was set in between"),
        pytest.param([(0, call(1)), (60, Restarted()), (90, call(1))], ["1", "1"], id="sessions count from 1 again"),
        pytest.param([(0, press(1)), (1, Restarted()), (2, call(1))], ["1", "1"], id="a press from before the restart"),
    ],
)
def test_presses_and_calls_ring_once_per_visit(steps: list[Step], rang: list[str]) -> None:
    assert rings(*steps) == rang


def test_calls_that_home_assistant_dials_do_not_ring() -> None:
    # The events may come before the answer to the command, or after it.
    assert rings((0, call(1)), (1, call(1, RINGING)), memory=RingMemory(dialing=True)) == []
    assert rings((0, call(1)), (1, call(1, RINGING)), memory=RingMemory().quiet(1)) == []
    assert rings((0, call(2)), memory=RingMemory().quiet(1)) == ["1"]
    # A press while it dials is a visitor's.
    assert rings((0, press(2)), memory=RingMemory(dialing=True)) == ["2"]


def test_a_ring_carries_the_session_of_its_call() -> None:
    for fact, session in ((press(1), None), (call(7), 7)):
        _, ring, *_ = detect(RingMemory(), Event("any", START, facts=(fact,)), BELLS, PEERS, 0.0)
        assert ring is not None and ring.session == session


def test_the_only_bell_rings_for_any_number() -> None:
    assert rings((0, call(1, peer="sip:999@pbx")), bells={"1": ALICE}) == ["1"]
    assert rings((0, call(1, peer="sip:999@pbx")), bells={"1": ALICE, CALL_BELL: Bell(CALL_BELL)}) == [CALL_BELL]
    assert rings((0, call(1)), bells={}) == [CALL_BELL]


def test_memory_does_not_grow() -> None:
    memory = RingMemory()
    for session in range(1000):
        event = Event("any", START + timedelta(seconds=session), facts=(press(1), call(session)))
        memory, *_ = detect(memory, event, BELLS, PEERS, session)
        again = Event("any", event.time, facts=(press(2),), id=f"1-{session}")
        memory, *_ = detect(memory, again, BELLS, PEERS, session)
    assert len(memory.sessions) <= 64 and 999 in memory.sessions
    assert len(memory.presses) <= 22
    assert len(memory.rung) <= 32


@pytest.mark.parametrize(
    ("seconds", "age", "late", "count"),
    [
        pytest.param(1, 0, False, 1, id="at once"),
        pytest.param(11, 9, False, 1, id="delivered later than it happened"),
        pytest.param(30, 0, False, 2, id="another visit"),
        pytest.param(1, 0, True, 1, id="a late call"),
    ],
)
@pytest.mark.parametrize("step", [-3600, 3600, 50 * 365 * 86400])
def test_setting_the_clock_during_a_visit_makes_no_second_ring(
    step: int, seconds: float, age: float, late: bool, count: int
) -> None:
    """A device without a battery gets its time just after its start."""
    memory, rang = RingMemory(), 0
    first = Event("KeyPressed", START, facts=(press(1),))
    second = Event("CallStateChanged", START + timedelta(seconds=step), late=late, facts=(call(1),), age=age)
    for event, now in ((first, 1000.0), (second, 1000.0 + seconds)):
        memory, ring, *_ = detect(memory, event, BELLS, PEERS, now)
        rang += ring is not None and not ring.late
    assert rang == count


@pytest.mark.parametrize("fact", [press(1), call(1)])
def test_an_event_that_is_delivered_again_rings_once(fact: Fact) -> None:
    event = Event("any", START, facts=(fact,), id="boot-7")
    memory, ring, *_ = detect(RingMemory(), event, BELLS, PEERS, 0.0)
    assert ring is not None
    stored = RingMemory.from_store(memory.as_store())
    assert stored is not None
    _, again, *_ = detect(stored, event, BELLS, PEERS, 1.0)
    assert again is None
    _, other, *_ = detect(stored, replace(event, id="boot-8", facts=(press(2),)), BELLS, PEERS, 1.0)
    assert other is not None


@pytest.mark.parametrize(
    ("peer", "number"),
    [
        ("sip:4374834473@proxy.my2n.com:5061", "4374834473"),
        ("SIP:Alice@Example.com;transport=tls", "alice"),
        ("sips:100@pbx", "100"),
        ("100", "100"),
        ("100/2", "100"),
        ("sip:10.0.29.27", "10.0.29.27"),
        ("sip:10.0.29.27:5062", "10.0.29.27"),
        ("sip:[FD00::29:27]:5062", "[fd00::29:27]"),
        ("sip:[fd00::29:28];transport=tcp", "[fd00::29:28]"),
        ("sip:101@[fd00::1]:5060", "101"),
        ("device:Indoor-1", "indoor-1"),
        ("  101 ", "101"),
        ("", ""),
    ],
)
def test_a_peer_is_matched_in_any_notation(peer: str, number: str) -> None:
    assert peer_number(peer) == number


@pytest.mark.parametrize(
    ("before", "fact", "late", "reason"),
    [
        (None, press(1), False, None),
        (None, call(1), False, None),
        (None, press(1), True, "the event is late"),
        (press(1), call(1), False, "a pressed button started the call"),
        (call(1), call(1, RINGING), False, "call 1 is already known"),
        (RingMemory(dialing=True), call(1), False, "Home Assistant dialed the call"),
        (
            None,
            CallChanged(1, OUT, CONNECTING, "sip:101@pbx", 1, from_house=True),
            False,
            "a different system dialed the call",
        ),
    ],
)
def test_a_suppressed_ring_has_a_reason(
    before: RingMemory | Fact | None, fact: Fact, late: bool, reason: str | None
) -> None:
    memory = before if isinstance(before, RingMemory) else RingMemory()
    if before is not None and not isinstance(before, RingMemory):
        memory = detect(memory, Event("any", START, facts=(before,)), BELLS, PEERS, 0.0).memory
    found = detect(memory, Event("any", START, late=late, facts=(fact,)), BELLS, PEERS, 0.0)
    assert found.suppressed == reason
    assert (found.ring is None or found.ring.late) == (reason is not None)
    assert (found.ring is not None and found.ring.late) == late


def test_a_repeated_event_is_suppressed_with_that_reason() -> None:
    event = Event("any", START, facts=(press(1),), id="boot-7")
    memory = detect(RingMemory(), event, BELLS, PEERS, 0.0).memory
    assert detect(memory, event, BELLS, PEERS, 1.0).suppressed == "the event is a repetition"
