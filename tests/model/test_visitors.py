"""Which visitors are stored, which picture is shown, and which visits continue after a restart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.ip_intercom.model.parts import Access, Bell, VisitOutcome
from custom_components.ip_intercom.model.ring_detector import Ring
from custom_components.ip_intercom.model.visitors import (
    MOST_VISITORS,
    Visit,
    Visitor,
    last_pictured,
    outdated,
    resumed,
    visitor_id,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MISSED = VisitOutcome.MISSED


def visitor(name: str, age: timedelta, size: int = 100, **fields: object) -> Visitor:
    """Return a missed visitor with a picture."""
    values = {"bell": "1", "outcome": MISSED, "event": name, "taken": NOW - age if size else None} | fields
    return Visitor(name, NOW - age, size=size, **values)  # type: ignore[arg-type]  # the values of a test


@pytest.mark.parametrize(
    ("days", "most", "kept"),
    [
        pytest.param(14, 1000, "abcd", id="within the limits"),
        pytest.param(2, 1000, "cd", id="too old"),
        pytest.param(14, 250, "cd", id="too many"),
        pytest.param(14, 300, "bcd", id="just enough room"),
        pytest.param(14, 1, "d", id="no room"),
        pytest.param(0, 1000, "d", id="only the last one"),
    ],
)
def test_the_oldest_visitors_are_removed_and_the_last_is_kept(days: int, most: int, kept: str) -> None:
    visitors = [visitor(name, timedelta(days=age)) for name, age in (("d", 1), ("b", 3), ("a", 4), ("c", 1.5))]
    assert {"a", "b", "c", "d"} - outdated(visitors, NOW, days, most) == set(kept)


def test_each_image_keeps_its_last_visitor() -> None:
    visitors = [
        visitor("first", 3 * HOUR, bell="1", place="yard"),
        visitor("second", 2 * HOUR, bell="2", place="gate"),
        visitor("own", HOUR),
        visitor("late", HOUR / 2, late=True),
        visitor("access", HOUR / 2, granted=True, bell=None),
        visitor("unpictured", HOUR / 2, size=0),
    ]
    assert outdated(visitors, NOW, 0, 1) == {"late", "access", "unpictured"}
    assert [last_pictured(visitors, bell) for bell in ("1", "2", None, "3")] == [*visitors[:3], None]


def test_an_open_visit_is_kept_without_storage() -> None:
    opened = visitor("open", timedelta(minutes=1), size=0, outcome=None)
    assert outdated([opened], NOW, 0, 1) == set()
    assert outdated([opened], NOW + HOUR, 0, 1) == {"open"}


def test_the_number_of_visitors_is_limited() -> None:
    visitors = [visitor(str(age), timedelta(seconds=age), size=0) for age in range(MOST_VISITORS + 2)]
    assert outdated(visitors, NOW, 14, 1000) == {str(MOST_VISITORS), str(MOST_VISITORS + 1)}


def test_the_device_clock_is_used_only_if_the_age_is_unknown() -> None:
    ring = Ring(Bell("1"), datetime(2001, 1, 1, tzinfo=UTC), id="a", age=2.0)
    assert Visitor.of_visit(Visit(ring), NOW).time == NOW - timedelta(seconds=2)
    assert Visitor.of_visit(Visit(replace(ring, late=True)), NOW).time == NOW - timedelta(seconds=2)
    assert Visitor.of_visit(Visit(replace(ring, late=True, age=0.0)), NOW).time == ring.time
    ahead = replace(ring, late=True, age=0.0, time=NOW + HOUR)
    assert Visitor.of_visit(Visit(ahead), NOW).time == NOW
    assert Visitor.of_access(Access(NOW + HOUR, granted=True), "a", NOW, late=False).time == NOW


def test_open_visits_go_on_after_a_restart() -> None:
    visitors = [
        visitor("recent", timedelta(seconds=30), outcome=None, session=7),
        visitor("hours ago", HOUR, outcome=None, place="gone"),
        visitor("days ago", timedelta(days=2), outcome=None),
        visitor("missed", HOUR),
        visitor("access", HOUR, outcome=None, granted=False, bell=None),
        visitor("of a file", HOUR, outcome=None, event=None),
    ]
    bell = Bell("1", name="Smith")
    old, recent = resumed(visitors, {"1": bell}, NOW)
    assert (recent.id, recent.session, recent.ring.bell, recent.ring.late) == ("recent", 7, bell, False)
    assert (old.id, old.ring.late, old.outcome) == ("hours ago", True, None)
    assert resumed(visitors[1:2], {}, NOW)[0].ring.bell == Bell("1", place="gone")


def test_an_id_contains_nothing_of_the_device() -> None:
    assert visitor_id("../../secrets") == visitor_id("../../secrets") != visitor_id("../../secret")
    assert visitor_id("../../secrets").isalnum()
