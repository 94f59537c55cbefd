"""Outcomes of visits."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.ip_intercom.model.events import (
    BellRings,
    ButtonPressed,
    CallChanged,
    DoorMode,
    DoorReleased,
    Event,
    Fact,
    Restarted,
    VisitRecorded,
)
from custom_components.ip_intercom.model.parts import (
    ANSWERED_ELSEWHERE,
    Bell,
    BellId,
    CallState,
    Direction,
    Door,
    VisitOutcome,
)
from custom_components.ip_intercom.model.reducer import reduce
from custom_components.ip_intercom.model.ring_detector import RingMemory, detect
from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.model.visitors import Visit, advance

START = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
BELLS = {"1": Bell("1", button=1), "2": Bell("2", button=2), "yard": Bell("yard", place="gate")}
DOORS = {"1": Door("1", False), "9": Door("9", False), "gate": Door("gate", False, place="gate")}
MISSED, ANSWERED, OPENED = VisitOutcome

type Step = tuple[float, Fact]


def press(bell: str = "1") -> Fact:
    return ButtonPressed(bell, BELLS[bell].button)


def call(session: int, state: CallState = CallState.CONNECTING, leg: int | None = 1) -> Fact:
    return CallChanged(session, Direction.OUTGOING, state, "sip:101@pbx", leg)


def outcomes(
    *steps: Step, recorded: bool = False, peers: Mapping[str, BellId] | None = None
) -> list[tuple[str, VisitOutcome]]:
    """Return the bell and outcome of each change, in order."""
    state, memory = State(bells=BELLS, doors=DOORS), RingMemory()
    visits: tuple[Visit, ...] = ()
    changes: list[tuple[str, VisitOutcome]] = []
    for seconds, fact in steps:
        event = Event("any", START + timedelta(seconds=seconds), facts=(fact,))
        memory, ring, *_ = detect(memory, event, BELLS, {}, seconds)
        if ring is not None:
            visits = (*visits, Visit(ring, ring.session))
        state = reduce(state, event)
        progress = advance(visits, event, state, peers=peers or {}, plain={"9"}, recorded=recorded)
        visits = progress.current
        changes += [(visit.ring.bell.id, visit.outcome) for visit in progress.changed if visit.outcome is not None]
    return changes


RINGING, CONNECTED, TERMINATED = CallState.RINGING, CallState.CONNECTED, CallState.TERMINATED


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(
            [(0, press()), (0, call(1)), (1, call(1, RINGING)), (30, call(1, TERMINATED))], [("1", MISSED)], id="missed"
        ),
        pytest.param(
            [(0, press()), (0, call(1)), (9, call(1, CONNECTED)), (30, call(1, TERMINATED))],
            [("1", ANSWERED)],
            id="answered",
        ),
        pytest.param(
            [
                (0, press()),
                (0, call(1)),
                (9, call(1, CONNECTED)),
                (20, DoorReleased("1", True)),
                (30, call(1, TERMINATED)),
            ],
            [("1", ANSWERED), ("1", OPENED)],
            id="answered and let in",
        ),
        pytest.param(
            [(0, press()), (0, call(1)), (9, DoorReleased("1", True)), (10, call(1, TERMINATED))],
            [("1", OPENED)],
            id="let in without an answer",
        ),
        pytest.param(
            [(0, press()), (1, DoorMode("1", held_open=True)), (2, DoorReleased("1", True))],
            [("1", OPENED)],
            id="a held door lets in once",
        ),
        pytest.param([(0, press()), (1, DoorReleased("1", False))], [], id="a door that closes"),
        pytest.param([(0, press()), (1, DoorReleased("9", True))], [], id="a switch that drives no door"),
        pytest.param([(0, press()), (1, DoorReleased("gate", True))], [], id="a door of another place"),
        pytest.param(
            [(0, press("yard")), (1, DoorReleased("gate", True))], [("yard", OPENED)], id="a door of the place"
        ),
        pytest.param(
            [
                (0, press()),
                (0, call(1)),
                (0, call(1, leg=2)),
                (9, call(1, TERMINATED)),
                (12, call(1, CONNECTED, leg=2)),
            ],
            [("1", ANSWERED)],
            id="one party of a group call declines",
        ),
        pytest.param([(0, call(1)), (20, call(1, TERMINATED))], [("call", MISSED)], id="a call without a press"),
        pytest.param([(0, press()), (60, call(1)), (70, call(1, CONNECTED))], [("call", ANSWERED)], id="a later call"),
        pytest.param([(0, press()), (9, Restarted())], [("1", MISSED)], id="the device restarts"),
        pytest.param(
            [
                (0, press()),
                (0, call(1)),
                (5, press("2")),
                (5, call(2)),
                (9, call(2, CONNECTED)),
                (20, call(1, TERMINATED)),
            ],
            [("2", ANSWERED), ("1", MISSED)],
            id="two visitors",
        ),
        pytest.param(
            [(0, press("2")), (4, press()), (4, call(1)), (9, call(1, CONNECTED))],
            [("1", ANSWERED)],
            id="a button that calls no one before",
        ),
        pytest.param([(0, press("yard")), (30, BellRings("yard", False))], [("yard", MISSED)], id="the ringing ends"),
        pytest.param([(0, press("yard")), (60, VisitRecorded("yard", ANSWERED))], [("yard", ANSWERED)], id="a record"),
        pytest.param(
            [(0, VisitRecorded("yard", MISSED))], [("yard", MISSED)], id="a record of a ring that did not arrive"
        ),
        pytest.param(
            [(0, press("yard")), (1, DoorReleased("gate", True)), (60, VisitRecorded("yard", MISSED))],
            [("yard", OPENED)],
            id="a record after an opened door",
        ),
        pytest.param(
            [(0, press("yard")), (400, VisitRecorded("yard", ANSWERED)), (401, BellRings("yard", False))],
            [("yard", ANSWERED), ("yard", MISSED)],
            id="the record of another ring",
        ),
    ],
)
def test_calls_and_releases_set_the_visit_outcome(steps: list[Step], expected: list[tuple[str, VisitOutcome]]) -> None:
    assert outcomes(*steps) == expected


@pytest.mark.parametrize(("number", "caller"), [("101", "1"), ("102", "2")])
def test_the_called_number_names_the_bell(number: str, caller: str) -> None:
    steps = [(0, press()), (1, press("2")), (1, call(1)), (9, call(1, CONNECTED))]
    assert outcomes(*steps, peers={number: "1"}) == [(caller, ANSWERED)]


def incoming(state: CallState, reason: str | None = None) -> Fact:
    return CallChanged(7, Direction.INCOMING, state, "Entrance", reason=reason)


@pytest.mark.parametrize(
    ("facts", "recorded", "expected"),
    [
        ([incoming(RINGING), incoming(CONNECTED), incoming(TERMINATED)], True, [ANSWERED]),
        ([incoming(RINGING), incoming(TERMINATED, "canceled")], True, []),
        ([incoming(RINGING), incoming(TERMINATED, "canceled")], False, [MISSED]),
        ([incoming(RINGING), incoming(TERMINATED, ANSWERED_ELSEWHERE)], True, [ANSWERED]),
        (
            [incoming(RINGING), incoming(TERMINATED, ANSWERED_ELSEWHERE), VisitRecorded("1", OPENED)],
            True,
            [ANSWERED, OPENED],
        ),
        (
            [incoming(RINGING), incoming(CONNECTED), incoming(TERMINATED), VisitRecorded("1", ANSWERED)],
            True,
            [ANSWERED],
        ),
        ([incoming(RINGING), incoming(TERMINATED, ANSWERED_ELSEWHERE), VisitRecorded("1", MISSED)], True, [ANSWERED]),
    ],
)
def test_a_call_to_home_assistant_sets_the_visit_outcome(
    facts: list[Fact], recorded: bool, expected: list[VisitOutcome]
) -> None:
    steps = [(0.1 * number, fact) for number, fact in enumerate([ButtonPressed("1", None, session=7), *facts])]
    assert outcomes(*steps, recorded=recorded) == [("1", outcome) for outcome in expected]


def test_a_history_record_decides_the_outcome_of_a_ring() -> None:
    steps = [(0, press("yard")), (30, BellRings("yard", False)), (90, VisitRecorded("yard", ANSWERED))]
    assert outcomes(*steps, recorded=True) == [("yard", ANSWERED)]
