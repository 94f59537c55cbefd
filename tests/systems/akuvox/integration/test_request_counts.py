"""Requests to an Akuvox at the first setup and at a reload."""

import asyncio
from collections import Counter
import time

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.akuvox import log
from tests.common import enter, state_of, until, user_input

from .conftest import Start, add, address_of

DESCRIPTION = Counter(
    {
        "system/info": 1,
        "system/status": 1,
        "config/get": 1,
        "relay/status": 1,
        "input/status": 1,
        "call/status": 1,
        "calllog/get": 1,
        "doorlog/get": 1,
    }
)

USUAL = {name: getattr(log, name) for name in ("_CALL_INTERVALS", "_DOOR_LOG_INTERVALS", "_CALL_LOG_INTERVALS")}
LOGS = Counter(["calllog/get", "doorlog/get"])


@pytest.mark.parametrize(
    ("dialect", "challenges", "known"),
    # Who it is, without and with the login, and its name; the only challenge is that of the first request.
    [("e16c", 1, Counter({"config/get": 1})), ("r29", 1, Counter({"system/info": 1, "config/get": 1}))],
)
async def test_setup_requests_nothing_twice(
    hass: HomeAssistant,
    device: Start,
    monkeypatch: pytest.MonkeyPatch,
    dialect: str,
    challenges: int,
    known: Counter[str],
) -> None:
    monkeypatch.setattr(log, "_CALL_INTERVALS", (60.0, 60.0))  # no poll before the end
    sim = await device(dialect)

    def answered(since: int = 0) -> Counter[str]:
        done = (request for request in sim.requests[since:] if request.status == 200)
        return Counter(request.path.removeprefix("/api/") for request in done if request.path != "/picture.jpg")

    result = await enter(hass, user_input(address_of(sim), "admin", "httpapi"))
    # The event stream begins with a page of each log.
    assert answered() - DESCRIPTION - known <= LOGS
    assert sum(request.status != 200 for request in sim.requests) == challenges
    await hass.async_block_till_done()
    entry = result["result"]
    assert await hass.config_entries.async_unload(entry.entry_id)
    before = len(sim.requests)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert answered(before) - DESCRIPTION <= LOGS


@pytest.fixture
def real_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the polling intervals of real devices."""
    for name, usual in USUAL.items():
        monkeypatch.setattr(log, name, usual)


async def test_a_minute_of_polling_takes_39_requests(
    hass: HomeAssistant, quick_device: Start, real_intervals: None
) -> None:
    sim = await quick_device()
    await add(hass, sim)
    await asyncio.sleep(30.0)
    minutes, before = 10, len(sim.requests)
    await asyncio.sleep(minutes * 60.0)
    asked = Counter(request.path.removeprefix("/api/") for request in sim.requests[before:])
    # The call is polled every two seconds: a ring is seen within that time. All else is slower.
    assert 29 * minutes <= asked["call/status"] <= 30 * minutes
    assert asked.total() - asked["call/status"] <= 9 * minutes, asked


async def test_a_ring_is_polled_within_two_seconds(
    hass: HomeAssistant, quick_device: Start, real_intervals: None
) -> None:
    sim = await quick_device()
    entry = await add(hass, sim)
    for pause in (30.0, 31.1, 33.7):
        await asyncio.sleep(pause)
        pressed = time.monotonic()
        before = state_of(hass, entry, "event", "bell_call")
        sim.press()
        await until(lambda: state_of(hass, entry, "event", "bell_call") != before, "the ring")  # noqa: B023
        assert time.monotonic() - pressed <= 2.5  # the poll itself takes a while
        sim.phone.hang_up()
