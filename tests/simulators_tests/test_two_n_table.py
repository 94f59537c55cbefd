"""The manual's tables as data, beside what the simulated 2N plays (HTTP API 5 and 5.10.1)."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.simulators.two_n import MODELS, Privilege, Simulator
from tests.simulators.two_n.endpoints import ENDPOINTS, resolve
from tests.simulators.two_n.eventlog import EVENT_PRIVILEGES

from .conftest import Factory, failure

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


def test_the_table_has_no_duplicate_rows() -> None:
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


# ---- Chapters 3 and 4, for every row ----

# The device for which each function is asked.
DEVICES: dict[str, tuple[str, str | None]] = {
    "lift/grantaccess": ("access_unit", None),
    "display/text": ("indoor", None),
    "display/language": ("indoor", None),
    "io/doorbell": ("indoor", "3.3.1.82.4"),
}
PLAYED = [
    (method, path.removeprefix(PREFIX).format(triggerId="openGate"))
    for (path, method), row in rows().items()
    if row.get("played", True)
]
# The manual asks no privilege of these.
FREE = {"system/info", "log/caps", "log/subscribe", "log/pull", "log/unsubscribe"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(("method", "path"), PLAYED)
async def test_security_comes_before_parameters(device: Factory, method: str, path: str) -> None:
    """Codes 4, 7 and 10, and 401; a rejected request has changed nothing."""
    model, firmware = DEVICES.get(path, ("verso3", None))
    api = await device(model, firmware=firmware)
    api.sim.open_info = False
    events = len(api.sim.history)
    name, _ = resolve(path)
    service = next(row for row in ENDPOINTS[name] if method in row.methods).service

    async def code() -> int | None:
        body = await api.send(method, path, headers=FORM if method == "POST" else {})
        return body["error"]["code"] if isinstance(body, dict) and not body["success"] else None

    api.sim.revoke("ha", Privilege.ALL)
    if path not in FREE:
        assert await code() == 10
    async with aiohttp.request(method, api.url(path)) as response:
        assert response.status == 401
        assert "WWW-Authenticate" in response.headers
    api.sim.require_tls(service)
    assert await code() == 7
    api.sim.disable(service)
    assert await code() == 4
    assert len(api.sim.history) == events
    assert not api.sim.calls and not api.sim.switch_activations and not api.sim.automation.activations


@pytest.mark.parametrize("path", sorted({path for _, path in PLAYED}))
async def test_undocumented_methods_are_rejected(device: Factory, path: str) -> None:
    """Code 3."""
    model, firmware = DEVICES.get(path, ("verso3", None))
    api = await device(model, firmware=firmware)
    known = {method for method, other in PLAYED if other == path}
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - known:
        assert failure(await api.send(method, path)) == (3, None)


@pytest.mark.parametrize("row", API["endpoints"], ids=lambda row: f"{'/'.join(row['methods'])} {row['path']}")
def test_rows_are_complete(row: dict[str, Any]) -> None:
    assert row.keys() - {"note", "played", "left"} == {"path", "methods", "section", "since"}
    assert ("left" in row) is not row.get("played", True), "an unsupported row gives its reason"
    assert row["path"].startswith(PREFIX)
