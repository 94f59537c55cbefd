"""The table of faults in the documentation is that of the cells."""

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


def test_a_normal_run_has_each_fault_of_each_system_once() -> None:
    pairs = [(cell.system, cell.fault) for cell in chosen()]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {(cell.system, cell.fault) for cell in CELLS}
    assert {cell.stage for cell in chosen()} == set(Stage)
