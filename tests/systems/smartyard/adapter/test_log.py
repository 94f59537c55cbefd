"""Events of the log of an account that the tests in Home Assistant do not cover."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import logging
import time
from typing import Any

import pytest

from custom_components.ip_intercom.model.events import BellRings, ButtonPressed, Event
from custom_components.ip_intercom.systems.smartyard.client import CallPush, TextPush
from custom_components.ip_intercom.systems.smartyard.log import SmartYardLog
from custom_components.ip_intercom.systems.smartyard.system import Options, SmartYardSystem, identity_of
from tests.simulators.smartyard.fixtures import GARDEN, PHONE
from tests.simulators.smartyard.houses import Door

from .conftest import Bench

DAY = 86400


async def delivered(log: SmartYardLog, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Return the events of the log until there are enough."""
    events: list[Event] = []
    async with asyncio.timeout(30):
        while not enough(events):
            events += (await log.next()).events
    return events


async def test_after_an_absence_only_days_with_records_are_read(bench: Bench) -> None:
    for days in (9, 4, 2):
        bench.sim.happen("key", 24, flat=53, ago=days * DAY)
    seen = (datetime.now(UTC) - timedelta(days=6)).replace(tzinfo=None).isoformat()
    cursor = {"history": {flat: {"seen": seen, "known": []} for flat in ("51", "53")}}
    system = SmartYardSystem(
        bench.session, bench.yard, identity_of("account", bench.yard.transport.base), cursor, Options(verify=False)
    )
    await system.connect(None)
    assert system.log is not None
    try:
        events = await delivered(system.log, lambda events: len(events) >= 2)
    finally:
        await system.close()
    assert [(event.type, event.late) for event in events] == [("Key", True), ("Key", True)]
    assert events[0].time < events[1].time
    # Days without records are not asked for.
    assert {str(request.body["flatId"]) for request in bench.asked("/address/plog") if request.body} == {"53"}


async def test_a_call_of_the_support_has_no_door(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    now = int(time.time())
    log.receive(CallPush(domophone_id="-1", flat_number="-1", caller="Support", hash="a" * 32, timestamp=now))
    (event,) = await delivered(log, bool)
    assert event.type == "Call"
    assert not any(isinstance(fact, ButtonPressed | BellRings) for fact in event.facts)
    assert event.data == {"support": True, "caller": "Support"}


async def test_a_flood_of_pushes_is_bounded(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    now = int(time.time())
    for number in range(1000):
        log.receive(CallPush(domophone_id="21", hash=f"{number:032}", timestamp=now))
    events = (await log.next()).events
    assert 0 < len(events) < 100
    assert log.ringing == {"21"}


def stranger(name: str, **changed: Any) -> CallPush:
    """Return a ring at an unknown door."""
    push = CallPush(domophone_id="26", flat_id="51", timestamp=int(time.time()), hash=name * 32)
    return replace(push, **changed)


async def kinds(log: SmartYardLog, marker: str) -> list[str]:
    """Return the kinds of events of the log until a message of the test."""
    log.receive(TextPush("inbox", message_id=marker))
    events = await delivered(log, lambda events: any(event.data.get("id") == marker for event in events))
    return [event.type for event in events if event.type in {"Call", "Changed"}]


async def test_a_ring_waits_for_its_door_while_it_rings(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    for push in (stranger("a"), stranger("b", house_id="11", flat_id="99"), stranger("c", flat_id=None)):
        assert log.receive(push) is None
    log.receive(stranger("d", ttl=0))
    assert await kinds(log, "1") == ["Changed"]
    bench.sim.town.doors.append(Door(26, 0, "wicket", "Новая калитка", 37, GARDEN))
    await bench.system.describe()
    assert await kinds(log, "2") == ["Call"] * 3
    assert await kinds(log, "3") == []
    assert log.ringing == {"26"}


async def test_unknown_doors_cause_a_refresh_at_most_once_in_a_while(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    for name in "abcdef":
        log.receive(stranger(name))
    assert await kinds(log, "1") == ["Changed"]
    for name in "ghijkl":
        log.receive(stranger(name))
    await bench.system.describe()
    assert await kinds(log, "2") == []


async def test_a_ring_for_another_apartment_is_ignored(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    log.receive(stranger("a", flat_id="99"))
    log.receive(stranger("b", flat_id="99", house_id="99"))
    assert await kinds(log, "1") == []


async def test_rings_for_other_apartments_cause_one_refresh(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    bench.sim.clear_requests()
    for number, name in enumerate("abcdefgh"):
        assert log.receive(stranger(name, flat_id="99")) is None
        assert await kinds(log, str(number)) == []
    async with asyncio.timeout(5):
        while not bench.asked("/address/getSettingsList"):
            await asyncio.sleep(0.01)
    assert len(bench.asked("/address/getAddressList")) == len(bench.asked("/address/getSettingsList")) == 1


async def test_a_ring_of_a_new_apartment_without_an_intercom_id_rings(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    bench.sim.move_in(PHONE, 52)
    log.receive(stranger("a", flat_id="52", domophone_id=None, caller="Подъезд 2"))
    assert [event.type for event in await delivered(log, bool)] == ["Changed"]
    await bench.system.describe()
    assert await kinds(log, "1") == ["Call"]
    assert log.ringing == {"23"}


async def test_a_ring_that_ends_at_an_unknown_door_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    log = bench.system.log
    assert log is not None
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom.systems.smartyard")
    log.receive(stranger("a", ttl=0))
    assert await kinds(log, "1") == ["Changed"]
    assert await kinds(log, "2") == []
    assert "its door stayed unknown" in caplog.text
