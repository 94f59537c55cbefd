"""The manual's requests as data, beside what the simulated server plays."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.coverage_report import read_used
from tests.simulators.coverage import VARIABLE
from tests.simulators.mx_proxy import ENDPOINTS, VERBS, Endpoint, Kind, Simulator

from .conftest import MxFactory
from .mx_proxy_api import Inbox

API: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "mx_proxy_api.json").read_text(encoding="utf-8")
)
LOCKED = [endpoint for endpoint in ENDPOINTS if endpoint.name != "login"]
VALUES = {"callId": "9999", "id": "9999", "name": "desk", "type": "fcm", "topic": "com.example.ha", "token": "F" * 32}


def path(endpoint: Endpoint) -> str:
    return endpoint.path.format(**VALUES)


def test_the_data_are_what_the_server_has() -> None:
    listed = [
        (row["path"], method, row["section"])
        for row in API["endpoints"]
        if row.get("played", True)
        for method in row["methods"]
    ]
    assert listed == [(endpoint.path, endpoint.method, endpoint.section) for endpoint in ENDPOINTS]
    assert len({(path, method) for path, method, _ in listed}) == len(listed) == 29


def test_the_table_lists_each_kind_of_push() -> None:
    assert [row["type"] for row in API["events"]] == [kind.value for kind in Kind]


def test_every_verb_is_a_method() -> None:
    assert [verb for verb in VERBS if not callable(getattr(Simulator, verb, None))] == []


@pytest.mark.parametrize("endpoint", LOCKED, ids=lambda endpoint: endpoint.name)
async def test_every_function_needs_a_token(mx: MxFactory, endpoint: Endpoint) -> None:
    api = await mx()
    api.sim.document_logout()
    before = api.sim.state()
    for token, text in (("", "unauthorized"), ("abc.def.ghi", "invalid token: invalid character 'i'")):
        response, body = await api.raw(endpoint.method, path(endpoint), token=token)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="MXProxy"'
        assert json.loads(body)["error"].startswith(text)
    assert {**api.sim.state(), "requests": 0} == {**before, "requests": 0}


@pytest.mark.parametrize("endpoint", LOCKED, ids=lambda endpoint: endpoint.name)
async def test_every_function_needs_a_link_to_the_mx(mx: MxFactory, endpoint: Endpoint) -> None:
    """The token is valid, but the status is 401 until the next login."""
    api = await mx()
    api.sim.document_logout()
    api.sim.drop_link()
    response, body = await api.raw(endpoint.method, path(endpoint))
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="MXProxy"'
    assert json.loads(body) == {"error": "active mx connection unavailable"}


async def test_successful_requests_and_accepted_pushes_are_recorded(
    mx: MxFactory, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    api = await mx()
    await api.get("/contacts")
    await api.error("GET", "/calls/9999")
    await api.error("DELETE", "/auth/logout")
    api.sim.push_to(inbox.url)
    call = api.sim.incoming_call("3190")
    await api.sim.wait_for_pushes()
    inbox.status = 500
    api.sim.pick_up(call)
    await api.sim.wait_for_pushes(2)
    used = read_used(tmp_path, "mx_proxy")
    assert used.functions == {("/auth", "POST"), ("/contacts", "GET")}
    assert used.events == {"Delivered"}
