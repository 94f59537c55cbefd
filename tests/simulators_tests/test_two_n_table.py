"""The manual's tables as data, beside what the simulated 2N plays (HTTP API 5 and 5.10.1)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.two_n import MODELS, Simulator
from tests.simulators.two_n.endpoints import ENDPOINTS
from tests.simulators.two_n.eventlog import EVENT_PRIVILEGES

API: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "two_n_api.json").read_text(encoding="utf-8")
)
PREFIX = "/api/"
# The newest device of each kind.
NEWEST = {"verso": None, "verso3": None, "access_unit": None, "vario": None, "indoor": "3.3.1.82.4"}


def rows() -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["path"], method): row for row in API["endpoints"] for method in row["methods"]}


def version(text: str | None) -> tuple[int, int]:
    major, minor = (text or "0.0").split(".")
    return int(major), int(minor)


def test_every_row_is_known_to_the_simulator() -> None:
    known = {
        (PREFIX + name, method): endpoint.since
        for name, endpoints in ENDPOINTS.items()
        for endpoint in endpoints
        for method in endpoint.methods
    }
    assert {key: version(row["since"]) for key, row in rows().items()} == known


def test_no_row_twice() -> None:
    assert len(rows()) == sum(len(row["methods"]) for row in API["endpoints"])
    types = [row["type"] for row in API["events"]]
    assert sorted(set(types)) == sorted(types)


def test_every_handler_is_in_the_data() -> None:
    played = {row["path"] for row in API["endpoints"] if row.get("played", True)}
    assert {PREFIX + name for name in Simulator().handlers} == played


def test_every_function_is_on_some_device() -> None:
    missing = {row["path"] for row in API["endpoints"] if row.get("played", True)}
    for model, firmware in NEWEST.items():
        sim = Simulator(model, firmware=firmware)
        for name, endpoints in ENDPOINTS.items():
            there = any(sim.model.version >= endpoint.since for endpoint in endpoints)
            if there and name not in sim.lacks and name.partition("/")[0] not in sim.lacks:
                missing.discard(PREFIX + name)
    assert not missing


def test_every_event_is_on_some_device() -> None:
    types = {row["type"] for row in API["events"]}
    recorded = {event for model in MODELS.values() for event in model.events}
    assert recorded == types
    assert EVENT_PRIVILEGES.keys() <= types


@pytest.mark.parametrize("row", API["endpoints"], ids=lambda row: f"{'/'.join(row['methods'])} {row['path']}")
def test_rows_are_complete(row: dict[str, Any]) -> None:
    assert row.keys() - {"note", "played"} == {"path", "methods", "section", "since"}
    assert row["path"].startswith(PREFIX)
