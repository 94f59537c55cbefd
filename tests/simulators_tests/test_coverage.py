"""Records of client requests in the simulators, and the coverage report."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests import coverage_report
from tests.coverage_report import Used, main, read_used, report
from tests.simulators.coverage import VARIABLE, Recorder
from tests.simulators.two_n import Privilege

from .conftest import Factory

API: dict[str, Any] = {
    "endpoints": [
        {"path": "/api/a", "methods": ["GET", "POST"]},
        {"path": "/api/b", "methods": ["PUT"]},
        {"path": "/api/b", "methods": ["DELETE"]},
        {"path": "/api/c", "methods": ["GET"], "played": False},
    ],
    "events": [{"type": "Ring"}, {"type": "Knock"}],
}


def used(*functions: tuple[str, str], events: tuple[str, ...] = ()) -> Used:
    return Used(frozenset(functions), frozenset(events))


def test_the_report_counts_endpoints_and_events() -> None:
    found = report("two_n", API, used(("/api/a", "GET"), ("/api/b", "DELETE"), ("/api/x", "GET"), events=("Ring",)))
    assert not found.complete
    assert list(found.lines()) == [
        "two_n: 2/4 endpoints, 1/2 events",
        "  missing: POST /api/a",
        "  missing: PUT /api/b",
        "  missing: Knock",
    ]


def test_the_report_counts_push_fields() -> None:
    """Fields are counted if a list of them exists."""
    api = {**API, "push_fields": [{"name": "ttl"}, {"name": "image"}]}
    everything = used(*coverage_report.pairs(API["endpoints"]), events=("Ring", "Knock"))
    assert report("yard", API, everything).complete
    some = Used(everything.functions, everything.events, frozenset({"ttl", "more"}))
    found = report("yard", api, some)
    assert not found.complete
    assert list(found.lines()) == [
        "yard: 4/4 endpoints, 2/2 events, 1/2 push fields",
        "  missing: field image",
    ]
    assert report("yard", api, Used(some.functions, some.events, frozenset({"ttl", "image"}))).complete


def test_get_and_post_may_count_as_one() -> None:
    """GET and POST may count as one, PUT and DELETE may not."""
    functions = used(("/api/a", "POST"), ("/api/b", "PUT"), events=("Ring", "Knock"))
    found = report("two_n", API, functions, equal=True)
    assert found.missing_functions == (("/api/b", "DELETE"),)
    assert report("two_n", API, functions).missing_functions == (("/api/a", "GET"), ("/api/b", "DELETE"))


def test_a_complete_report_lists_nothing_missing() -> None:
    everything = used(
        ("/api/a", "GET"), ("/api/a", "POST"), ("/api/b", "PUT"), ("/api/b", "DELETE"), events=("Ring", "Knock", "More")
    )
    found = report("two_n", API, everything)
    assert found.complete
    assert list(found.lines()) == ["two_n: 4/4 endpoints, 2/2 events"]


def test_records_of_all_processes(tmp_path: Path) -> None:
    (tmp_path / "two_n-1.jsonl").write_text('["request", "GET", "/api/a", true]\n["event", "Ring"]\n')
    (tmp_path / "two_n-2.jsonl").write_text('["request", "PUT", "/api/b", false]\n["event", "Knock"]\n')
    (tmp_path / "yard-1.jsonl").write_text('["event", "call"]\n["field", "ttl"]\n["field", "image"]\n')
    assert read_used(tmp_path, "yard") == Used(frozenset(), frozenset({"call"}), frozenset({"ttl", "image"}))
    (tmp_path / "akuvox-1.jsonl").write_text('["request", "GET", "/api/x", true]\n')
    assert read_used(tmp_path, "two_n") == used(("/api/a", "GET"), events=("Ring", "Knock"))


def test_the_program_exits_with_one_if_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "door_api.json").write_text(json.dumps(API))
    monkeypatch.setattr(coverage_report, "DATA", tmp_path)
    records = tmp_path / "door-1.jsonl"
    records.write_text('["request", "GET", "/api/a", true]\n')
    assert main(["door", str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith("door: 1/4 endpoints, 0/2 events\n")
    lines = [["request", "PUT", "/api/b", True], ["request", "DELETE", "/api/b", True], ["event", "Ring"]]
    records.write_text(records.read_text() + "".join(f"{json.dumps(line)}\n" for line in [*lines, ["event", "Knock"]]))
    assert main(["door", str(tmp_path), "--equal"]) == 0
    assert capsys.readouterr().out == "door: 4/4 endpoints, 2/2 events\n"


def test_nothing_is_recorded_without_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    Recorder("two_n").event("Ring")
    assert list(tmp_path.iterdir()) == []


def test_each_record_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for _ in range(3):
        recorder = Recorder("two_n")
        recorder.push("call", {"ttl": "30"})
        recorder.event("Ring")
        recorder.request("GET", "/api/a", success=True)
    [file] = tmp_path.iterdir()
    assert file.read_text().splitlines() == [
        '["event", "call"]',
        '["field", "ttl"]',
        '["event", "Ring"]',
        '["request", "GET", "/api/a", true]',
    ]


async def test_successful_functions_and_delivered_events_are_recorded(
    device: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded events that were not delivered do not count."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    api = await device("verso3")
    api.sim.motion()
    channel = await api.subscribe(filter="NoiseDetected")
    api.sim.noise()
    api.sim.garbage("io/caps", "html")
    assert read_used(tmp_path, "two_n").events == frozenset()
    await asyncio.gather(api.pull(channel), api.send("GET", "io/status"))
    async with api.session.get(api.url("io/caps")) as response:
        assert response.status == 200
    await api.error("switch/ctrl", switch=9, action="on")
    await api.send("POST", "automation/trigger/openGate", data={"a": "b"})
    api.sim.revoke("ha", Privilege.ALL)
    await api.error("switch/caps")
    found = read_used(tmp_path, "two_n")
    assert found.events == {"NoiseDetected"}
    assert found.functions == {
        ("/api/log/subscribe", "GET"),
        ("/api/log/pull", "GET"),
        ("/api/io/status", "GET"),
        ("/api/automation/trigger/{triggerId}", "POST"),
    }


async def test_undelivered_events_are_not_recorded(
    device: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    api = await device()
    channel = await api.subscribe(filter="NoiseDetected")
    api.sim.noise()
    api.sim.lose_next_pull_response()
    await asyncio.gather(api.pull(channel), return_exceptions=True)
    assert read_used(tmp_path, "two_n").events == frozenset()
