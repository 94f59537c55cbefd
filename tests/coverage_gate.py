"""Fails where a module is covered less than it has to be; `scripts/test` runs it on what `coverage json` writes."""

import argparse
import json
from pathlib import Path
import sys
from typing import Any


def below(report: Any, least: float) -> dict[str, float]:
    """Return the modules that are covered less, by their paths."""
    covered = {path: float(file["summary"]["percent_covered"]) for path, file in report["files"].items()}
    return {path: percent for path, percent in covered.items() if percent < least}


def main(arguments: list[str] | None = None) -> int:
    """Print the modules that are covered too little, and return 1 if there are any."""
    parser = argparse.ArgumentParser(description="Check the coverage of each module.")
    parser.add_argument("report", type=Path, help="what `coverage json` wrote")
    parser.add_argument("--least", type=float, default=95.0, metavar="PERCENT")
    options = parser.parse_args(arguments)
    short = below(json.loads(options.report.read_text()), options.least)
    for path, percent in sorted(short.items()):
        print(f"{path}: {percent:.2f} %, less than {options.least:g} %")  # noqa: T201
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
