"""The methods of the notes as data, beside what the simulated server plays."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.coverage_report import read_used
from tests.simulators.coverage import VARIABLE
from tests.simulators.smartyard import CALL, ENDPOINTS, VERBS, Dialect, Endpoint, Form, Simulator

from .smartyard_api import Catcher, YardFactory

API: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "smartyard_api.json").read_text(encoding="utf-8")
)
LOCKED = [endpoint for endpoint in ENDPOINTS if not endpoint.is_open]
OPEN = [endpoint for endpoint in ENDPOINTS if endpoint.is_open and endpoint.method == "POST"]


def test_the_data_are_what_the_server_has() -> None:
    listed = [
        (row["path"], method, row["section"])
        for row in API["endpoints"]
        if row.get("played", True)
        for method in row["methods"]
    ]
    played = [(row.path, row.method, row.section) for row in ENDPOINTS if row.counted]
    assert listed == played
    assert len({(path, method) for path, method, _ in listed}) == len(listed) == 41
    known = {row["path"] for row in API["endpoints"] if not row.get("played", True)}
    assert {row.path for row in ENDPOINTS if not row.counted} <= known


def test_every_verb_is_a_method() -> None:
    assert [verb for verb in VERBS if not callable(getattr(Simulator, verb, None))] == []


def path(endpoint: Endpoint) -> str:
    return endpoint.path[1:]


@pytest.mark.parametrize("endpoint", LOCKED, ids=path)
async def test_every_function_needs_a_token(yard: YardFactory, endpoint: Endpoint) -> None:
    dialect = Dialect.RBT if Dialect.RBT in endpoint.dialects else Dialect.AXIOS
    api = await yard(dialect=dialect)
    before = api.sim.state()
    for token, expected in ((None, 403), ("Bearer nope", 401), ("Basic xxx", 422)):
        headers = {} if token is None else {"Authorization": token}
        response, _ = await api.raw("POST", path(endpoint), token="", json={}, headers=headers)
        assert response.status == expected
    assert {**api.sim.state(), "requests": 0} == {**before, "requests": 0}


@pytest.mark.parametrize("endpoint", OPEN, ids=path)
async def test_some_functions_need_no_token(yard: YardFactory, endpoint: Endpoint) -> None:
    api = await yard(logged_in=False)
    response, _ = await api.raw("POST", path(endpoint), json={})
    assert response.status in (200, 422)


async def test_successful_requests_and_accepted_pushes_are_recorded(
    yard: YardFactory, catcher: Catcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    api = await yard(logged_in=False)
    await api.post("user/phonePattern")
    await api.error("user/ping")
    api.sim.push_to(catcher.url, Form.DATA)
    catcher.answer = "ERR:what"
    api.sim.ring()
    await api.sim.wait_for_pushes()
    catcher.status, catcher.answer = 500, "OK"
    api.sim.text_push("chat")
    await api.sim.wait_for_pushes(2)
    used = read_used(tmp_path, "smartyard")
    assert used.functions == {("/user/phonePattern", "POST")}
    assert used.events == used.fields == frozenset()
    catcher.status, catcher.answer = 201, "OK:1"
    api.sim.text_push("money")
    await api.sim.wait_for_pushes(3)
    used = read_used(tmp_path, "smartyard")
    assert used.events == {"money"}
    assert used.fields >= {"title", "body", "messageId", "action"}
    assert "ttl" not in used.fields


async def test_everything_of_the_documents_can_be_delivered(
    yard: YardFactory, catcher: Catcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    api = await yard(logged_in=False)
    api.sim.push_to(catcher.url, Form.SEED)
    api.sim.ring()
    kinds = [row["type"] for row in API["events"] if row["type"] != CALL]
    for kind in kinds:
        api.sim.text_push(kind, "Title", "Text", ext="7" if kind == "ext" else None)
    api.sim.text_push("ext", ext="7", ext_name="Ext")
    await api.sim.wait_for_pushes(len(kinds) + 2)
    used = read_used(tmp_path, "smartyard")
    assert {row["type"] for row in API["events"]} == used.events
    assert {row["name"] for row in API["push_fields"]} == used.fields - {"title", "body"}
