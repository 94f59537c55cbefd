"""Persons on an Akuvox: directory actions and temporary codes."""

from datetime import UTC, datetime, timedelta
import logging

import pytest

from custom_components.ip_intercom.runtime import temporary_codes
from tests.common import until
from tests.simulators.akuvox.envelope import Answer, ApiError, Call

from .conftest import Add, Intercom

PIN = "837261"


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, in a list that a test changes; due codes are noticed soon."""
    now = [datetime.now(UTC)]
    monkeypatch.setattr(temporary_codes, "utcnow", lambda: now[0])
    monkeypatch.setattr(temporary_codes, "_MAX_CHECK_DELAY", 0.05)
    return now


@pytest.mark.parametrize("dialect", ["a_series", "e16c"])
async def test_a_temporary_code_exists_for_its_time(add: Add, clock: list[datetime], dialect: str) -> None:
    intercom = await add(dialect)
    start = clock[0] + timedelta(hours=1)
    await intercom.do(
        "add_temporary_code", name="Cleaner", code=PIN, start=start, end=start + timedelta(hours=1), doors=["A"]
    )
    assert not intercom.sim.enter_code(PIN)
    clock[0] += timedelta(hours=1)
    await until(lambda: intercom.sim.enter_code(PIN))
    clock[0] += timedelta(hours=1)
    await until(lambda: not intercom.sim.users.rows)
    assert not intercom.sim.enter_code(PIN)


async def test_a_pin_of_another_user_is_rejected(intercom: Intercom, clock: list[datetime]) -> None:
    intercom.sim.add_user(Name="Anna", PrivatePIN=PIN)
    end = clock[0] + timedelta(hours=1)
    assert await intercom.refuses("add_temporary_code", name="Cleaner", code=PIN, end=end) == "command_failed"
    assert (
        await intercom.refuses("add_temporary_code", name="Cleaner", code="1234", end=end, doors=["SA"])
        == "invalid_request"
    )
    assert await intercom.do("list_temporary_codes") == {"codes": []}
    assert len(intercom.sim.users.rows) == 1


async def test_a_code_that_cannot_be_verified_is_removed(
    intercom: Intercom, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device stored the code, but the check fails."""
    sim, failures = intercom.sim, [ApiError(-1, "Internal error")]
    get = sim.pipeline._handlers["user/get"]

    def fail_once(call: Call) -> Answer:
        if sim.users.rows and failures:
            raise failures.pop()
        return get(call)

    monkeypatch.setitem(sim.pipeline._handlers, "user/get", fail_once)
    end = clock[0] + timedelta(hours=1)
    assert await intercom.refuses("add_temporary_code", name="Cleaner", code=PIN, end=end) == "command_failed"
    assert not failures
    assert not sim.users.rows
    assert await intercom.do("list_temporary_codes") == {"codes": []}


async def test_secrets_are_returned_only_if_requested_by_name(
    intercom: Intercom, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "custom_components.ip_intercom"):
        created = await intercom.do(
            "directory_create", entries=[{"kind": "user", "Name": "Anna", "PrivatePIN": "24681357"}]
        )
        uuid = created["entries"][0]["uuid"]
        changed = await intercom.do(
            "directory_update", entries=[{"uuid": uuid, "CardCode": "AABBCCDD", "PrivatePIN": "97531246"}]
        )
        listed = await intercom.do("directory_query")
        got = await intercom.do("directory_get", uuids=[uuid])
    for answer in (created, changed, listed, got):
        (entry,) = answer["entries"]
        assert (entry["uuid"], entry["Name"], entry["kind"]) == (uuid, "Anna", "user")
        assert not {"PrivatePIN", "CardCode", "FaceUrl"} & entry.keys()
    named = await intercom.do("directory_get", uuids=[uuid], fields=["PrivatePIN"])
    assert named["entries"][0]["PrivatePIN"] == "97531246"
    lines = "\n".join(record.getMessage() for record in caplog.records if "ip_intercom" in record.name)
    assert "user/add" in lines
    for secret in ("24681357", "97531246", "AABBCCDD"):
        assert secret not in lines


async def test_all_entries_of_a_kind_are_deleted_by_its_name(intercom: Intercom) -> None:
    for number in range(2):
        intercom.sim.add_user(Name=f"User {number}")
    assert await intercom.refuses("directory_delete", owner="user") == "invalid_request"
    gone = await intercom.do("directory_delete", owner="user:*")
    assert [entry["uuid"] for entry in gone["entries"]] == ["user:1", "user:2"]
    assert not intercom.sim.users.rows


async def test_rejections_are_translated_errors(intercom: Intercom) -> None:
    assert await intercom.refuses("directory_update", entries=[{"uuid": "user:9", "Name": "X"}]) == "directory_refused"
    assert await intercom.refuses("directory_create", entries=[{"Name": "X"}]) == "directory_refused"
