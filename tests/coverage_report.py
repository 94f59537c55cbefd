"""Counts what of a system's API the tests of the integration have really used; `scripts/api-coverage` runs it.

`tests/data/<system>_api.json` says what there is, `tests/simulators/coverage.py` wrote down what clients received.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import Any

DATA = Path(__file__).parent / "data"

# GET and POST "are equivalent from the viewpoint of HTTP API" (2N, HTTP API 2.1).
EQUAL = frozenset({"GET", "POST"})

type Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Used:
    """Functions that answered with success, by path and method, and types of events that were delivered.

    Of systems that push, the names of the fields that were delivered as well.
    """

    functions: frozenset[Pair]
    events: frozenset[str]
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What there is, and what of it is missing; `fields` is 0 where a system has no list of them."""

    system: str
    functions: int
    events: int
    missing_functions: tuple[Pair, ...]
    missing_events: tuple[str, ...]
    fields: int = 0
    missing_fields: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Is nothing missing?"""
        return not (self.missing_functions or self.missing_events or self.missing_fields)

    def lines(self) -> Iterator[str]:
        """Write it for people."""
        functions = self.functions - len(self.missing_functions)
        events = self.events - len(self.missing_events)
        fields = f", {self.fields - len(self.missing_fields)}/{self.fields} push fields" if self.fields else ""
        yield f"{self.system}: {functions}/{self.functions} endpoints, {events}/{self.events} events{fields}"
        yield from (f"  missing: {method} {path}" for path, method in self.missing_functions)
        yield from (f"  missing: {event}" for event in self.missing_events)
        yield from (f"  missing: field {field}" for field in self.missing_fields)


def read_used(folder: Path, system: str) -> Used:
    """Read what all processes have written down."""
    functions: set[Pair] = set()
    events: set[str] = set()
    fields: set[str] = set()
    for file in sorted(folder.glob(f"{system}-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            kind, *record = json.loads(line)
            if kind == "event":
                events.add(record[0])
            elif kind == "field":
                fields.add(record[0])
            elif record[2]:
                functions.add((record[1], record[0]))
    return Used(frozenset(functions), frozenset(events), frozenset(fields))


def pairs(endpoints: Iterable[dict[str, Any]]) -> list[Pair]:
    """Return path and method of every function, except those of which only the name is known."""
    found = {(row["path"], method) for row in endpoints if row.get("played", True) for method in row["methods"]}
    return sorted(found)


def report(system: str, api: dict[str, Any], used: Used, *, equal: bool = False) -> Report:
    """Compare; with `equal` one of GET and POST will do where a function has both."""
    functions = pairs(api["endpoints"])
    reached = set(used.functions)
    if equal:
        both = {path for path, method in functions if method == "GET"} & {p for p, m in functions if m == "POST"}
        reached |= {(path, other) for path, method in reached if path in both and method in EQUAL for other in EQUAL}
    events = sorted(row["type"] for row in api["events"])
    fields = [row["name"] for row in api.get("push_fields", ())]
    return Report(
        system,
        len(functions),
        len(events),
        tuple(pair for pair in functions if pair not in reached),
        tuple(event for event in events if event not in used.events),
        len(fields),
        tuple(field for field in fields if field not in used.fields),
    )


def main(argv: list[str] | None = None) -> int:
    """Print the report; 1 is for something missing."""
    parser = argparse.ArgumentParser(prog="coverage_report")
    parser.add_argument("system", help="such as two_n")
    parser.add_argument("folder", type=Path, help="where the records are")
    parser.add_argument("--equal", action="store_true", help="where a function has GET and POST, one of them will do")
    options = parser.parse_args(argv)
    api = json.loads((DATA / f"{options.system}_api.json").read_text(encoding="utf-8"))
    found = report(options.system, api, read_used(options.folder, options.system), equal=options.equal)
    sys.stdout.write("".join(f"{line}\n" for line in found.lines()))
    return 0 if found.complete else 1


if __name__ == "__main__":
    sys.exit(main())
