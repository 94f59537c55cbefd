"""The call log and the door log."""

from datetime import UTC, datetime

import pytest

from custom_components.ip_intercom.systems.akuvox.records import AkuvoxAccessLog, AkuvoxCallLog
from custom_components.ip_intercom.systems.common.privacy import Privacy
from tests.systems.akuvox.client.conftest import Start


def utc(when: datetime | None) -> datetime | None:
    return when and when.replace(tzinfo=UTC)


@pytest.mark.parametrize(("limit", "pages"), [(3, ["1"]), (10, ["1"]), (15, ["1", "2"]), (100, ["1", "2", "3"])])
async def test_the_access_log_is_read_only_up_to_the_limit(start: Start, limit: int, pages: list[str]) -> None:
    bench = await start("e16c")
    bench.sim.fill_door_log(25)
    records = await AkuvoxAccessLog(bench.device(), Privacy(), utc).query(limit)
    assert [record.id for record in records] == [str(25 - number) for number in range(min(limit, 25))]
    asked = [request for request in bench.seen() if request.status == 200]
    assert [request.query["page"] for request in asked] == pages


async def test_a_log_that_ends_with_a_full_page_is_read_whole(start: Start) -> None:
    bench = await start("e16c")
    bench.sim.fill_door_log(20)
    assert len(await AkuvoxAccessLog(bench.device(), Privacy(), utc).query(50)) == 20


async def test_a_log_without_pages_takes_one_request(start: Start) -> None:
    bench = await start("a_series")
    bench.sim.fill_door_log(25)
    assert len(await AkuvoxAccessLog(bench.device(), Privacy(), utc).query(20)) == 20
    assert bench.functions() == ["doorlog/get"]


async def test_a_few_calls_take_one_page(start: Start) -> None:
    bench = await start("e16c")
    bench.sim.fill_call_log(25)
    log = AkuvoxCallLog(bench.device(), Privacy(), utc)
    (last,) = await log.query(1)
    assert (last.id, last.type, last.name) == ("25", "Missed", "24")
    assert [request.query for request in bench.seen() if request.status == 200] == [{"page": "1"}]
    assert len(await log.query()) == 25


@pytest.mark.parametrize("names", [True, False])
async def test_names_are_omitted_without_the_option(start: Start, names: bool) -> None:
    bench = await start("e16c")
    bench.sim.add_user(Name="Anna", CardCode="AABBCCDD")
    bench.sim.swipe_card("AABBCCDD")
    bench.sim.fill_call_log(1)
    device, privacy = bench.device(), Privacy(names=names)
    (record,) = await AkuvoxAccessLog(device, privacy, utc).query(1)
    (call,) = await AkuvoxCallLog(device, privacy, utc).query(1)
    assert (record.name, call.name) == (("Anna", "0") if names else (None, None))
    assert "AABBCCDD" not in repr(record)


@pytest.mark.parametrize("dialect", ["a_series", "e16c", "r29"])
async def test_an_unknown_person_has_no_name(start: Start, dialect: str) -> None:
    """An E16C calls an unknown person "Unknown"."""
    bench = await start(dialect)
    bench.sim.swipe_card("AABBCCDD")
    (record,) = await AkuvoxAccessLog(bench.device(), Privacy(), utc).query(1)
    assert (record.granted, record.name, record.method) == (False, None, "card")
