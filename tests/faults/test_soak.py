"""The soak test detects each kind of error, and reports no others."""

import json
from pathlib import Path

import pytest

from tests.demo.soak.books import (
    BEHIND,
    FRESH,
    MEMORY,
    OLD,
    UNCOMMITTED,
    Entry,
    Press,
    Reported,
    compare_events,
    compare_recorder,
    compare_rings,
    leaks,
    out_of_order,
)
from tests.demo.witness import Reader, install

BOOK = [Entry(number, 100.0 + number) for number in range(1, 6)]
KILL = 110.0


def tell(key: int, at: float, *, late: bool = False, id_: str | None = None) -> Reported:
    """Return an event of the bus; its ID is that of the record."""
    return Reported(at, key, id_ or f"id-{key}", late)


REPORTED = [tell(entry.key, entry.at) for entry in BOOK if isinstance(entry.key, int)]


def test_each_record_reported_once_is_right() -> None:
    tally = compare_events("door", BOOK, REPORTED, [KILL])
    assert (tally.events, tally.lost, tally.doubled, tally.wrong) == (5, [], 0, [])


def test_an_unreported_record_is_lost() -> None:
    tally = compare_events("door", BOOK, [*REPORTED[:2], *REPORTED[3:]], [])
    assert tally.lost == ["door: 3 of 103.00 was never reported"]


def test_the_log_of_a_new_entry_begins_at_its_first_read() -> None:
    assert compare_events("door", BOOK, REPORTED[2:], []).lost == []
    assert len(compare_events("door", BOOK, REPORTED[2:], [], since=1).lost) == 1


def test_records_that_the_device_lost_do_not_count() -> None:
    tally = compare_events("door", BOOK, [*REPORTED[:2], *REPORTED[3:]], [], forgotten=[3])
    assert (tally.events, tally.lost) == (4, [])


def test_a_device_without_any_event_is_wrong() -> None:
    assert compare_events("door", BOOK, [], []).wrong == ["door: nothing was reported"]


def test_an_event_of_no_record_is_wrong() -> None:
    assert compare_events("door", BOOK, [*REPORTED, tell(9, 106.0)], []).wrong


def test_a_duplicate_of_the_last_second_before_a_kill_is_allowed() -> None:
    again = Reported(112.0, 6, "id-6", late=True)
    tally = compare_events("door", [*BOOK, Entry(6, 109.0)], [*REPORTED, tell(6, KILL - BEHIND + 0.1), again], [KILL])
    assert (tally.doubled, tally.before_kills, tally.wrong) == (1, 1, [])


@pytest.mark.parametrize(
    ("first", "again", "kills"),
    [
        pytest.param(tell(5, 105.0), tell(5, 112.0, late=True), [], id="without a kill"),
        pytest.param(tell(5, 105.0), tell(5, 112.0, late=True), [KILL], id="sent long before the kill"),
        pytest.param(tell(5, 109.5), tell(5, 112.0), [KILL], id="not marked as late"),
        pytest.param(tell(5, 109.5), tell(5, 112.0, late=True, id_="other"), [KILL], id="with another id"),
        pytest.param(tell(5, 109.5), tell(5, 109.8, late=True), [KILL], id="repeated before the kill"),
    ],
)
def test_any_other_duplicate_is_wrong(first: Reported, again: Reported, kills: list[float]) -> None:
    assert len(compare_events("door", BOOK, [*REPORTED[:4], first, again], kills).wrong) == 1


def test_two_records_with_one_id_are_wrong() -> None:
    reported = [*REPORTED[:4], tell(5, 105.0, id_="id-4")]
    assert compare_events("door", BOOK, reported, []).wrong == ["door: 2 events have the id id-4"]


def test_order_is_checked_by_the_first_report() -> None:
    assert out_of_order("door", BOOK, [*REPORTED, tell(2, 106.0)]) == []
    assert len(out_of_order("door", BOOK, [REPORTED[0], REPORTED[2], REPORTED[1]])) == 1


def test_rings_match_presses() -> None:
    presses = [Press(10.0, True, 10.0), Press(50.0, False, 50.0), Press(90.0, False, 93.0)]
    assert compare_rings("bell", presses, [10.0 + FRESH - 1, 50.0 + OLD - 1, 93.0 + OLD - 1]) == ([], [])


@pytest.mark.parametrize(
    ("fresh", "ring", "old", "missed"),
    [(True, 10.0 + FRESH + 1, 1, 1), (False, 10.0 + OLD + 1, 1, 0), (True, 5.0, 1, 1), (False, None, 0, 0), (True, None, 0, 1)],
)  # fmt: skip
def test_old_and_missed_rings_are_counted(fresh: bool, ring: float | None, old: int, missed: int) -> None:
    found = compare_rings("bell", [Press(10.0, fresh, 10.0)], [] if ring is None else [ring])
    assert [len(texts) for texts in found] == [old, missed]


def test_two_rings_for_one_press_are_one_too_many() -> None:
    assert len(compare_rings("bell", [Press(10.0, True, 10.0)], [10.2, 11.0])[0]) == 1


def test_the_recorder_may_lack_the_seconds_before_a_kill_only() -> None:
    reported = [(KILL - UNCOMMITTED - 1, "a"), (KILL - 1, "b"), (KILL + 5, "c")]
    assert compare_recorder(reported, ["a", "c"], [KILL]) == ([], [])
    assert compare_recorder(reported, ["a", "b", "c"], [KILL]) == ([], [])
    assert compare_recorder(reported, ["c"], [KILL])[1] == ["the recorder lacks a"]
    assert compare_recorder(reported, ["a", "c", "c"], [KILL])[0] == ["the recorder has c, which the bus had not"]


def test_a_leak_grows_with_each_reload() -> None:
    def count(tasks: int, memory: int = 0) -> dict[str, int]:
        return {"tasks": tasks, "memory": memory}

    # Connections come and go, and the first round brings everything into use.
    assert leaks([count(1), count(20), count(29), count(25), count(28, MEMORY)], 3) == []
    assert leaks([count(1), count(20), count(23), count(26), count(29)], 3) == ["tasks grew from 20 to 29 in 3 rounds"]
    assert len(leaks([count(1), count(1), count(1, MEMORY)], 3)) == 1


def test_the_witness_is_read_by_whole_lines(tmp_path: Path) -> None:
    install(tmp_path)
    line = json.dumps({"at": 1.0, "kind": "ip_intercom_event", "data": {}}) + "\n"
    reader, file = Reader(tmp_path), tmp_path / "witness.jsonl"
    assert reader.read() == []
    for text, lines in ((line + line[:9], 1), (line[9:], 2), ("", 2), (line, 3)):
        with file.open("a") as out:
            out.write(text)
        assert len(reader.read()) == lines
