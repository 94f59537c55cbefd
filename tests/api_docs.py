"""Writes the pages of `docs` on the manuals: what each of their functions and events is in Home Assistant.

Each is made of two lists in `tests/data`: what the manual has (`two_n_api.json`) and what becomes of it
(`two_n_surfaces.json`); names come from the integration's own translations, so that the page cannot speak of what
there is not.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
DOCS = ROOT / "docs"
TRANSLATIONS = ROOT / "custom_components" / "ip_intercom" / "translations" / "en.json"

# What is no entity and no action.
OTHERS: Mapping[str, str] = {
    "bus": "bus event `ip_intercom_event`",
    "diagnostics": "diagnostics",
    "google_push": "pushes by Google's service, or by a route of the operator",
    "media": "media browser",
    "refresh": "what the device has is read anew",
    "removal": "removal of the entry",
    "setup": "set-up",
}
ENTRY = "This page is made by `scripts/api-docs`; a test keeps it current."


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the beginning of the names of its lists, its file in `docs`, and what stands above the tables."""

    system: str
    file: str
    head: str
    # Whether sections of the manual have numbers.
    numbered: bool = True
    # What is told of the events beside their table.
    notes: str = ""


PAGES = (
    Page(
        "two_n",
        "two-n.md",
        """# 2N: the HTTP API in Home Assistant

What each function and event of the manufacturer's *HTTP API manual* becomes. Numbers are sections of the manual 2.38; *since*
names the firmware of what is newer. Every event, whatever else it does, is also the bus event `ip_intercom_event`.
""",
    ),
    Page(
        "akuvox",
        "akuvox.md",
        """# Akuvox: the HTTP API in Home Assistant

What each function of the manufacturer's *HTTP API 2.0* and each *Action URL* becomes. No device has all of them: what yours
does not have is left out. Every event, whatever else it does, is also the bus event `ip_intercom_event`; Action URLs are events
only with the option *Let the intercom push its events*.
""",
        numbered=False,
        notes="""
## How old an event may be

An Akuvox has no log of all events: Home Assistant looks at its call, at its two logs and at its state, and hears what it pushes. An event
that was found too late has `late: true`: it is told, and rings and opens nothing.

| event | looked at | is news for |
| --- | --- | --- |
| a ring, by `MakeCall`, `CallStatus` or `CallLog` | the call every 2 s (30 s beside pushes), the call log every 30 s (60 s), and every 3 s where neither a push nor the call tells of calls | 5 s |
| any other call of the `CallLog` | as above | 90 s |
| an access, by `DoorLog` | every 10 s (60 s) | 90 s |
| everything else that is pushed or seen | at once, or with the call | 30 s |

The age of a record is the difference between its time and what the clock of the device shows (`system/status`), in any time zone. Where
the clock is not set, or the device does not tell it, a record is at most as old as the last look that did not find it. Where that is
not known either, as after an outage or a restart of Home Assistant, the record is late. Firmware that gives a call the time of its
beginning writes it down at its end: where only the log tells, a call of more than 5 s rings nothing then.

## When a function fails

- A source of events that hangs, breaks the connection, answers an error or something that is not the API fails alone: the others are
  looked at in time, and entities stay available. *Event log* names it after the second failure, a repair after a minute. It is tried
  again after 10 s at the latest, then half as often each time, down to every two minutes.
- HTTP 401 or 403 from one function is a failure of that function where another one, asked at once, takes the login; only where that refuses
  too, the login or the address is in doubt.
- The name of a device that is added comes from `config/get`; without an answer in 5 s it is called by its model.
- A function that hangs keeps others waiting for 2 s; then they are asked beside it, two at a time. A device that was seen to mix replies is
  asked one thing at a time, so a function that hung once is given 3 s there.
- Time to answer: states and commands 8 s, the logs and the configuration 30 s, lists of users and other things 60 s, firmware and
  other files 90 s, everything else 15 s.
- At set-up, what does not answer is left out and asked again, first after 10 s. *unsupport action* and its like mean that the device does
  not have the function. `retcode` -100 (*Error param*) and HTTP 404 do not: with parameters, the function is asked again without them; a
  function that refuses for the third time and never answered is one that the device does not have.
- A record, user or other row that cannot be read is skipped; diagnostics count them (`skipped`).
""",
    ),
    Page(
        "mx_proxy",
        "mx-proxy.md",
        """# MX Proxy: the REST API in Home Assistant

What each request of the document of *MX Proxy 2.1* and each object that it pushes becomes. Every pushed object and every record
of the call log, whatever else it does, is also the bus event `ip_intercom_event`; pushed objects reach Home Assistant only with
the option *Receive events by a webhook*, and by a forwarder (README).
""",
        numbered=False,
    ),
    Page(
        "smartyard",
        "smartyard.md",
        """# SmartYard: the mobile API in Home Assistant

What each method of the operator's API and each push becomes; actions of pushes are known whatever their case. Every push and every
line of the history, whatever else it does, is also the bus event `ip_intercom_event`; pushes reach Home Assistant by a
forwarder, with the option *Receive pushes by a webhook*, or by Google's service, where it is entered in the options (README).
""",
        numbered=False,
    ),
)


def read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def page(kind: Page) -> str:
    """Give the text of a page."""
    api, surfaces = read(f"{kind.system}_api.json"), read(f"{kind.system}_surfaces.json")
    words, left = json.loads(TRANSLATIONS.read_text(encoding="utf-8")), surfaces.get("left", {})

    def row(name: str, more: Sequence[str], entry: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> list[str]:
        reason = entry.get("left") or left.get(name)
        # What differs by method is named with it.
        surfaces = known.get(" ".join((*more, name))) or known.get(name)
        becomes = cell(surfaces or (), words) if reason is None else f"not used: {reason}"
        if not becomes:
            raise KeyError(name)
        return [f"`{name}`", *more, *([section(entry)] if kind.numbered else []), becomes]

    def functions(entries: Sequence[Mapping[str, Any]], known: Mapping[str, Sequence[str]]) -> list[list[str]]:
        ordered = sorted(entries, key=lambda entry: (entry["path"], entry["methods"]))
        rows = [row(entry["path"], [", ".join(entry["methods"])], entry, known) for entry in ordered]
        return rows if kind.numbered else joined(rows)

    where = ["section"] if kind.numbered else []
    events = [row(entry["type"], [], entry, surfaces["events"]) for entry in (*api["events"], *unsent(api, left))]
    beyond = functions(api.get("beyond", ()), surfaces.get("beyond", {}))
    head = ("function", "methods", *where, "in Home Assistant")
    lines = [kind.head, ENTRY, "\n## Functions\n", *table(head, functions(api["endpoints"], surfaces["endpoints"]))]
    if beyond:
        lines += ["\n## Functions that the manual does not have\n", *table(head, beyond)]
    lines += ["\n## Events\n", *table(("event", *where, "in Home Assistant"), events), kind.notes]
    return "\n".join(lines)


def joined(rows: Sequence[list[str]]) -> list[list[str]]:
    """Make one row of those that differ in their methods, which not every device takes."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, methods, *rest in rows:
        found.setdefault((name, *rest), []).append(methods)
    return [[name, ", ".join(methods), *rest] for (name, *rest), methods in found.items()]


def unsent(api: Mapping[str, Any], left: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Give the events that nobody knows the meaning of."""
    return [entry for entry in api.get("unsent", ()) if entry["type"] in left]


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
    if kind == "option":
        return f"option *{words['options']['step']['init']['data'][key]}*"
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
    parser = argparse.ArgumentParser(prog="api-docs", description="Write the pages of docs on the manuals.")
    parser.add_argument("--check", action="store_true", help="only say whether they are current")
    options = parser.parse_args(arguments)
    stale = False
    for kind in PAGES:
        file, text = DOCS / kind.file, page(kind)
        current = file.exists() and file.read_text(encoding="utf-8") == text
        if options.check:
            stale |= not current
            said = "is current" if current else "is stale: run scripts/api-docs"
        else:
            file.write_text(text, encoding="utf-8")
            said = "written"
        sys.stdout.write(f"{file.relative_to(ROOT)} {said}\n")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
