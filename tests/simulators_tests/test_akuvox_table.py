"""The manual's table of functions as data, beside what the simulated devices play."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.akuvox import DIALECTS
from tests.simulators.akuvox.endpoints import ENDPOINTS, methods

from .akuvox_api import outcome
from .conftest import AkuvoxFactory

API: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "akuvox_api.json").read_text(encoding="utf-8")
)
PLAYED = [row for row in API["endpoints"] if row.get("played", True)]
# Uploads and what restarts the device have tests of their own.
RESTARTS = {"system/reboot", "config/reset_factory", "firmware/upgrade"}
READS = sorted(
    (dialect, row["path"].removeprefix("/api/"))
    for row in PLAYED
    for dialect in row["dialects"]
    if "GET" in row["methods"] and row["path"].removeprefix("/api/") not in RESTARTS
)


def test_the_data_are_what_the_devices_have() -> None:
    listed = {
        (row["path"].removeprefix("/api/"), method, dialect)
        for row in [*PLAYED, *API["beyond"]]
        for method in row["methods"]
        for dialect in row["dialects"]
        if row["path"].startswith("/api/")
    }
    played = {(name, method, key) for name in ENDPOINTS for key, d in DIALECTS.items() for method in methods(d, name)}
    assert listed == played


def test_the_table_has_no_duplicate_rows() -> None:
    rows = [(row["path"], method) for row in API["endpoints"] for method in row["methods"]]
    assert len(rows) == len(set(rows)) == 139
    types = [row["type"] for row in API["events"]]
    assert len(types) == len(set(types))


def test_every_function_of_the_manual_is_on_some_device() -> None:
    assert all(row["dialects"] for row in PLAYED)


def test_action_urls_are_what_the_devices_have() -> None:
    keys = {key for dialect in DIALECTS.values() for key in dialect.action_urls}
    assert {row["type"] for row in [*API["events"], *API["unsent"]]} == keys
    for row in API["events"]:
        assert row["dialects"] == [key for key, dialect in DIALECTS.items() if row["type"] in dialect.action_urls]


@pytest.mark.parametrize(("dialect", "name"), READS)
async def test_get_and_post_are_equivalent(akuvox: AkuvoxFactory, dialect: str, name: str) -> None:
    """HTTP API Method."""
    api = await akuvox(dialect, auth="0")
    api.sim.pipeline.gap = 0
    target, action = name.split("/")
    status, body = await api.raw("GET", f"/api/{name}")
    if action == "export" and not body.startswith(b"{"):
        assert status == 200
        return
    answer = await api.get(name)
    assert "unsupport" not in answer.get("message", "")
    if "POST" in methods(DIALECTS[dialect], name) and name != "contact/add":
        posted = await api.post(target, action)
        assert posted["retcode"] == answer["retcode"]
        assert posted.get("message") == answer.get("message")


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
async def test_a_request_without_login_changes_nothing(akuvox: AkuvoxFactory, name: str) -> None:
    """401 comes before everything else."""
    api = await akuvox("r29", auth="1")
    api.sim.pipeline.throttle = 0
    target, action = name.split("/")
    before = dict(api.sim.config.values)
    for request in (
        api.session.get(f"{api.base}/api/{name}", headers={"Authorization": "Basic eA=="}),
        api.session.post(f"{api.base}/api/", json={"target": target, "action": action}, headers={"Authorization": ""}),
    ):
        async with request as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == 'Basic realm="HTTP API"'
    assert api.sim.config.values == before
    assert api.sim.phone.session is None


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_unsupported_functions_are_rejected(akuvox: AkuvoxFactory, dialect: str) -> None:
    api = await akuvox(dialect)
    api.sim.pipeline.gap = 0
    for target in ("privatekey", "relay", "call"):
        if target not in DIALECTS[dialect].targets:
            body = await api.get(f"{target}/get")
            assert body == {"retcode": -1, "action": "unknow", "message": DIALECTS[dialect].lacks_text}
    assert outcome(await api.get("system/sing")) == (-1, "unsupport action")
    assert outcome(await api.get("callog/get")) == (-1, DIALECTS[dialect].lacks_text)
    assert outcome(await api.get("user/edit"))[0] == -1
