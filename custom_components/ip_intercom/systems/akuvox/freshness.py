"""How old a report of an Akuvox may be without being late: one limit for each kind of event."""

from collections.abc import Mapping
from dataclasses import replace

from ...model.events import CallChanged, Event
from ...model.parts import CallState, Direction
from ..common.times import LIVE_WINDOW

CALL_LOG_EVENT = "CallLog"
DOOR_LOG_EVENT = "DoorLog"
RING = "ring"

# Seconds that a look, its answer and what is looked up for it may take.
_MARGIN = 30.0
# The bounds in seconds. Of the logs: the longest pause between two looks at one that works, and the margin.
LIVE_FOR: Mapping[str, float] = {RING: LIVE_WINDOW, CALL_LOG_EVENT: 60.0 + _MARGIN, DOOR_LOG_EVENT: 60.0 + _MARGIN}


def aged(event: Event, age: float | None) -> Event:
    """Return an event with its age in seconds; it is late where that is too much, or not known."""
    return replace(event, age=age or 0.0, late=age is None or age > _bound(event))


def _bound(event: Event) -> float:
    # What is pushed, or seen in a state, is told as it happens.
    return LIVE_FOR[RING] if any(map(rings, event.facts)) else LIVE_FOR.get(event.type, _MARGIN)


def rings(fact: object) -> bool:
    """Return whether a fact is a call that rings, unless it is one that rang before."""
    return (
        isinstance(fact, CallChanged)
        and fact.direction is Direction.OUTGOING
        and fact.state in {CallState.CONNECTING, CallState.RINGING}
    )
