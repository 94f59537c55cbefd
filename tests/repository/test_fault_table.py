"""The table of faults in the documentation matches the cells."""

from collections import Counter

from tests.faults import talk_matrix as talk
from tests.faults.kinds import KINDS
from tests.faults.matrix import ABSENT, ALL, CELLS, EXPECTED, SYSTEMS, chosen
from tests.faults.report import DOCUMENT, with_table
from tests.faults.rigs import Stage


def test_the_table_is_current() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == with_table(document), "scripts/faults --write"


def test_every_cell_is_run_or_has_a_reason() -> None:
    assert len(ALL) == len(SYSTEMS) * len(KINDS) * len(Stage)
    assert all(ABSENT.values())
    assert all(expected.reason for expected in EXPECTED.values())


def test_a_normal_run_tests_each_fault_on_half_of_its_systems() -> None:
    pairs = [(cell.system, cell.fault) for cell in chosen()]
    assert len(pairs) == len(set(pairs))
    systems = {fault: {cell.system for cell in CELLS if cell.fault == fault} for fault in KINDS}
    run = Counter(fault for _, fault in pairs)
    assert {fault: run[fault] for fault in KINDS if not 1 <= run[fault] <= max(2, len(systems[fault]) // 2)} == {}
    assert {cell.stage for cell in chosen()} == set(Stage)


def test_a_normal_run_tests_each_talk_fault_once() -> None:
    assert [cell.fault for cell in talk.chosen()] == list(talk.FAULTS)
    assert {cell.system for cell in talk.chosen()} == set(talk.SYSTEMS)
    assert {*talk.REASONS, *talk.LATER} <= {(cell.system, cell.fault) for cell in talk.CELLS}
