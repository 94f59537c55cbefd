"""The sources that the log of an Akuvox follows, and the age of waiting events."""

import asyncio

import pytest

from custom_components.ip_intercom.systems.akuvox.calls import CallTracker
from custom_components.ip_intercom.systems.akuvox.doors import AkuvoxDoors, OpeningLogin
from custom_components.ip_intercom.systems.akuvox.log import AkuvoxLog
from custom_components.ip_intercom.systems.akuvox.push import Pushed
from custom_components.ip_intercom.systems.common.errors import NotReached
from custom_components.ip_intercom.systems.common.parse import LIVE_WINDOW
from tests.systems.akuvox.client.conftest import Bench

from .test_calls import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(bench: Bench, clock: Clock) -> AkuvoxLog:
    """The log of a device that only pushes."""
    device = bench.device()
    return AkuvoxLog(device, AkuvoxDoors(device, OpeningLogin()), CallTracker(monotonic=clock), monotonic=clock)


@pytest.mark.parametrize(
    ("event", "waits", "late"),
    [
        ("MakeCall", LIVE_WINDOW - 0.5, False),
        ("MakeCall", LIVE_WINDOW + 0.5, True),
        ("HangUp", LIVE_WINDOW + 0.5, False),
        ("InputATriggered", 29.0, False),
        ("InputATriggered", 31.0, True),
    ],
)
async def test_a_push_that_waited_too_long_is_late(
    log: AkuvoxLog, clock: Clock, event: str, waits: float, late: bool
) -> None:
    """The push waits while thousands of records are reported."""
    log.receive_push(Pushed(event))
    clock.now += waits
    [told] = (await log.next()).events
    assert (told.type, told.age, told.late) == (event, waits, late)


async def test_sources_that_the_device_lost_are_not_polled(bench: Bench, log: AkuvoxLog) -> None:
    log.follow(device=False, call_status=False, call_log=False, door_log=True)
    assert (await log.next()).keep, "the door log was read"
    bench.seen()
    log.follow(device=False, call_status=False, call_log=False, door_log=False)
    log.receive_push(Pushed("InputATriggered"))
    await log.next()
    log.receive_push(Pushed("InputAClosed"))
    await log.next()
    await log.close()
    assert bench.functions() == []


async def test_reaching_the_device_takes_no_request(bench: Bench, log: AkuvoxLog) -> None:
    await log.reach()
    assert bench.functions() == []
    bench.sim.lose_connection()
    await asyncio.sleep(0.1)  # the port is closed in the next turns of the loop
    with pytest.raises(NotReached):
        await log.reach()
