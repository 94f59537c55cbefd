"""Writes `docs/two-n.md`: what each function and event of a manual is in Home Assistant.

Made of two lists in `tests/data`: what the manual has (`two_n_api.json`) and what becomes of it (`two_n_surfaces.json`);
names come from the integration's own translations, so that the page cannot speak of what there is not.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
import json
from pathlib import Path
import sys
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
PAGE = ROOT / "docs" / "two-n.md"
TRANSLATIONS = ROOT / "custom_components" / "ip_intercom" / "translations" / "en.json"

# What is no entity and no action.
OTHERS: Mapping[str, str] = {
    "bus": "bus event `ip_intercom_event`",
    "diagnostics": "diagnostics",
    "refresh": "what the device has is read anew",
    "setup": "set-up",
}
HEAD = """# 2N: the HTTP API in Home Assistant

What each function and event of the manufacturer's *HTTP API manual* becomes. Numbers are sections of the manual 2.38; *since*
names the firmware of what is newer. Every event, whatever else it does, is also the bus event `ip_intercom_event`.

This page is made by `scripts/api-docs`; a test keeps it current.
"""


def read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def page() -> str:
    api, surfaces, words = read("two_n_api.json"), read("two_n_surfaces.json"), json.loads(TRANSLATIONS.read_text())
    functions = [
        (f"`{row['path']}`", ", ".join(row["methods"]), section(row), place(row, surfaces["endpoints"], words))
        for row in sorted(api["endpoints"], key=lambda row: (row["path"], row["methods"]))
    ]
    events = [(f"`{row['type']}`", section(row), cell(surfaces["events"][row["type"]], words)) for row in api["events"]]
    return "\n".join(
        (
            HEAD,
            "## Functions\n",
            *table(("function", "methods", "section", "in Home Assistant"), functions),
            "\n## Events\n",
            *table(("event", "section", "in Home Assistant"), events),
            "",
        )
    )


def place(row: Mapping[str, Any], surfaces: Mapping[str, Sequence[str]], words: Mapping[str, Any]) -> str:
    """Say what becomes of a function, or why it is left alone."""
    return cell(surfaces[row["path"]], words) if row.get("played", True) else f"not used: {row['left']}"


def section(row: Mapping[str, Any]) -> str:
    since = f"since {row['since']}" if _is_newer(row.get("since")) else ""
    return ", ".join(part for part in (row.get("section") or "", since) if part)


def _is_newer(since: str | None) -> bool:
    """Tell what is not in the manual 2.38."""
    return since is not None and tuple(map(int, since.split("."))) > (2, 38)


def cell(surfaces: Sequence[str], words: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(named(surface, words) for surface in surfaces))


def named(surface: str, words: Mapping[str, Any]) -> str:
    """Give a surface the name that people see; KeyError where the integration has no such thing."""
    if surface in OTHERS:
        return OTHERS[surface]
    kind, _, key = surface.partition(".")
    if kind == "action":
        words["services"][key]
        return f"`ip_intercom.{key}`"
    name = words["entity"][kind][key]["name"].format_map(_Placeholders())
    return f"`{kind}` *{name}*"


class _Placeholders(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"‹{key}›"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="api-docs", description="Write docs/two-n.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    options = parser.parse_args(arguments)
    text = page()
    if options.check:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        sys.stdout.write(f"{PAGE.relative_to(ROOT)} is {'current' if current else 'stale: run scripts/api-docs'}\n")
        return 0 if current else 1
    PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
