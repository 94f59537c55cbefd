"""What the log of an account tells, beyond what its tests in Home Assistant show."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import time

from custom_components.ip_intercom.api.smartyard import CallPush
from custom_components.ip_intercom.events import BellRings, ButtonPressed, Event
from custom_components.ip_intercom.systems.smartyard import SmartYardSystem
from custom_components.ip_intercom.systems.smartyard.log import SmartYardLog
from custom_components.ip_intercom.systems.smartyard.system import Choices

from .conftest import Bench

DAY = 86400


async def told(log: SmartYardLog, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Return what the log tells until that is enough."""
    events: list[Event] = []
    async with asyncio.timeout(30):
        while not enough(events):
            events += (await log.next()).events
    return events


async def test_an_absence_of_days_is_caught_up_with_by_the_days_that_have_records(bench: Bench) -> None:
    for days in (9, 4, 2):
        bench.sim.happen("key", 24, flat=53, ago=days * DAY)
    seen = (datetime.now(UTC) - timedelta(days=6)).replace(tzinfo=None).isoformat()
    cursor = {"history": {flat: {"seen": seen, "known": []} for flat in ("51", "53")}}
    system = SmartYardSystem(bench.session, bench.yard, "account", cursor, Choices(verify=False))
    await system.connect(None)
    assert system.log is not None
    try:
        events = await told(system.log, lambda events: len(events) >= 2)
    finally:
        await system.close()
    assert [(event.type, event.late) for event in events] == [("Key", True), ("Key", True)]
    assert events[0].time < events[1].time
    # Days without records are not asked for.
    assert {str(request.body["flatId"]) for request in bench.asked("/address/plog") if request.body} == {"53"}


async def test_a_call_of_the_support_is_at_no_door(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    now = int(time.time())
    log.hear(CallPush(domophone_id="-1", flat_number="-1", caller="Support", hash="a" * 32, timestamp=now))
    (event,) = await told(log, bool)
    assert event.type == "Call"
    assert not any(isinstance(fact, ButtonPressed | BellRings) for fact in event.facts)
    assert event.data == {"support": True, "caller": "Support"}


async def test_a_flood_is_not_heard_to_the_end(bench: Bench) -> None:
    log = bench.system.log
    assert log is not None
    now = int(time.time())
    for number in range(1000):
        log.hear(CallPush(domophone_id="21", hash=f"{number:032}", timestamp=now))
    events = (await log.next()).events
    assert 0 < len(events) < 100
    assert log.ringing == {"21"}
