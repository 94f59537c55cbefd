"""The fault matrix as a result of a run, and as the table of the documentation.

Usage: python -m tests.faults.report RESULTS.xml    # prints what held, by system, and the longest turn of the loop
       python -m tests.faults.report --write        # writes the table into docs/reliability.md
"""

from collections import Counter
from pathlib import Path
import sys
import xml.etree.ElementTree as ET

from . import talk_matrix as talk
from .kinds import KINDS
from .matrix import ALL, BACK, CELLS, SYSTEMS, Cell
from .rigs import Stage

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: scripts/faults --write -->", "<!-- end of faults -->"
INTRODUCTION = (
    f"{len(CELLS)} cells. ✓: no traceback, at most one log line for the loss and one for the return, no login asked for,"
    f" no command carried out twice, doors that can work do, all works again within {BACK:.0f} s, and a visitor after that"
    " rings once. A number names what is different, below. –: there is no such cell."
)

TALK = (
    f"{len(talk.CELLS)} cells of talk. ✓: no traceback, at most one log line for the loss and one for the return, the bell"
    " rings and the door opens during the fault, an announcement ends or its error can be read, the sensor *Talk* says what is"
    " named here (as its state, or as `call_failure` where talk stays possible), and talk works again within"
    f" {talk.BACK:.0f} s."
)


def summary(results: Path) -> tuple[list[str], bool]:
    """Return the lines about a run, and whether every cell was run and held."""
    held: Counter[str] = Counter()
    turns: dict[str, int] = {}
    failed: list[str] = []
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 -- pytest has just written it
        name = case.get("name", "")
        if not name.startswith("test_fault["):
            continue
        cell = name.removeprefix("test_fault[").removesuffix("]")
        problem = next((found for found in case if found.tag in {"failure", "error", "skipped"}), None)
        if problem is not None:
            failed.append(f"  {cell}: {(problem.get('message') or '').partition('\n')[0]}")
            continue
        held[cell.partition("-")[0]] += 1
        for item in case.iter("property"):
            if item.get("name") == "longest_turn_ms":
                turns[cell] = int(item.get("value", "0"))
    lines = [f"did not hold: {len(failed)}", *sorted(failed)] if failed else []
    for system, title in SYSTEMS.items():
        cells = sum(cell.system == system for cell in CELLS) + sum(cell.system == system for cell in talk.CELLS)
        lines.append(f"{title}: {cells} cells, {held[system]} held")
    if turns:
        cell = max(turns, key=turns.__getitem__)
        slow = sum(turn > 100 for turn in turns.values())
        lines.append(
            f"longest turn of the loop, with simulator and test: {turns[cell]} ms of CPU ({cell}); above 100 ms in {slow} cells"
        )
    total = len(CELLS) + len(talk.CELLS)
    lines.append(f"faults: {total} cells, {held.total()} held")
    return lines, held.total() == total


def _mark(cell: Cell, notes: list[str]) -> str:
    """Return what a cell of the table shows; a note of its own gets a number."""
    if not cell.absent and not cell.expected.reason:
        return "✓"
    note = cell.absent or cell.expected.reason
    if note not in notes:
        notes.append(note)
    return f"{'–' if cell.absent else '✓'} {notes.index(note) + 1}"


def talk_table() -> list[str]:
    """Return the lines about the stage *talk*."""
    notes: list[str] = []
    lines = [TALK, "", f"| talk | {' | '.join(talk.SYSTEMS.values())} |", f"| --- |{' --- |' * len(talk.SYSTEMS)}"]
    cells = {(cell.system, cell.fault): cell for cell in talk.ALL}
    for fault, name in talk.FAULTS.items():
        marks = []
        for system in talk.SYSTEMS:
            cell = cells[system, fault]
            said = cell.reason or talk.FAILURES.get((system, fault))
            shown = "–" if cell.absent else f"✓ `{said}`" if said else "✓"
            if note := cell.absent or cell.later:
                if note not in notes:
                    notes.append(note)
                shown += f" {'abc'[notes.index(note)]}"
            marks.append(shown)
        lines.append(f"| {name} | {' | '.join(marks)} |")
    notes = [f"{'abc'[number]}: {note[0].upper()}{note[1:]}." for number, note in enumerate(notes)]
    return [*lines, "", *(line for note in notes for line in (note, ""))]


def table() -> str:
    """Return the table of the documentation."""
    notes: list[str] = []
    lines = [INTRODUCTION, ""]
    cells = {(cell.system, cell.fault, cell.stage): cell for cell in ALL}
    for system, title in SYSTEMS.items():
        lines += [f"| {title} | {' | '.join(Stage)} |", f"| --- |{' --- |' * len(Stage)}"]
        for fault, kind in KINDS.items():
            marks = (_mark(cells[system, fault, stage], notes) for stage in Stage)
            lines.append(f"| {kind.name} | {' | '.join(marks)} |")
        lines.append("")
    lines += [f"{number}. {note[0].upper()}{note[1:]}." for number, note in enumerate(notes, 1)]
    lines += ["", *talk_table()]
    return "\n".join(lines).rstrip()


def with_table(document: str) -> str:
    """Return a document with the table of today between its marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} and {END} in the document")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Print or write; return the exit code."""
    if arguments == ["--write"]:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    lines, all_held = summary(Path(arguments[0]))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
