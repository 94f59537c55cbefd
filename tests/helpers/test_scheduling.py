"""Load of many devices: few devices never wait, and the outage of a site makes few log lines."""

import asyncio
from collections import Counter
import logging
import time

import pytest

from custom_components.ip_intercom.helpers.scheduling import DeviceLogger, LoadSpreader, RateLimit

LOGGER = logging.getLogger("custom_components.ip_intercom.test")


async def test_a_rate_limit_passes_a_burst_and_spreads_the_rest() -> None:
    limit, began = RateLimit(3, 10.0), time.monotonic()
    starts = []
    for _ in range(6):
        await limit.wait()
        starts.append(time.monotonic() - began)
    assert starts[2] < 0.1 <= starts[3] + 0.01
    assert starts[5] >= 0.29


async def test_a_rate_limit_recovers_with_time() -> None:
    limit = RateLimit(2, 10.0)
    for _ in range(4):
        await limit.wait()
    limit._next -= 10.0
    began = time.monotonic()
    await limit.wait()
    await limit.wait()
    assert time.monotonic() - began < 0.1


@pytest.mark.parametrize(("away", "in_a_second"), [(6, 2), (100, 2), (500, 10)])
async def test_the_return_of_many_devices_is_evenly_spread(away: int, in_a_second: int) -> None:
    spreader = LoadSpreader()
    pauses = [spreader.async_interrupted(str(number)) for number in range(away)]
    assert all(spreader.takes_turns(str(number)) for number in range(away))
    assert max(pauses) == pytest.approx(min(away / 20, 5.0))
    turns = [spreader.returns.delay() for _ in range(away)]
    assert max(Counter(int(turn) for turn in turns).values()) <= in_a_second + 2
    assert max(turns) <= 56.0


def test_a_few_unavailable_devices_do_not_wait() -> None:
    spreader = LoadSpreader()
    for number in range(5):
        spreader.async_lost(str(number))
        assert spreader.async_interrupted(str(number)) == 0.0
    assert not spreader.takes_turns("0")
    assert spreader.poll_delay(30.0, followed=True) is None


def test_the_last_of_many_devices_still_waits_for_its_turn() -> None:
    spreader = LoadSpreader()
    for number in range(6):
        spreader.async_interrupted(str(number))
    for number in range(5):
        spreader.async_resumed(str(number))
        assert not spreader.takes_turns(str(number))
        assert spreader.takes_turns("5")
    spreader.async_resumed("5")
    assert spreader.async_interrupted("0") == 0.0
    assert not spreader.takes_turns("0")


def loggers(spreader: LoadSpreader, devices: int) -> list[DeviceLogger]:
    return [DeviceLogger(LOGGER, spreader, str(number)) for number in range(devices)]


def test_an_outage_of_many_devices_makes_few_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    spreader = LoadSpreader()
    devices = loggers(spreader, 50)
    for number, logger in enumerate(devices):
        spreader.async_lost(str(number))
        logger.error("Error fetching %d", number)
    for number, logger in enumerate(devices):
        spreader.async_found(str(number))
        logger.info("Fetching %d recovered", number)
    shown = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert shown[:5] == [f"Error fetching {number}" for number in range(5)]
    assert "More than 5 devices became unavailable" in shown[5]
    assert shown[6:] == ["All devices that became unavailable together respond again"]


async def test_a_device_that_fails_alone_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Also while many others have been unavailable for long."""
    spreader = LoadSpreader()
    devices = loggers(spreader, 10)
    for number in range(9):
        spreader.async_lost(str(number))
    await asyncio.sleep(61)
    spreader.async_lost("9")
    devices[9].error("Error fetching 9")
    spreader.async_found("9")
    devices[9].info("Fetching 9 recovered")
    shown = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert shown[1:] == ["Error fetching 9", "Fetching 9 recovered"]


def test_an_unexpected_error_is_logged_in_any_outage(caplog: pytest.LogCaptureFixture) -> None:
    spreader = LoadSpreader()
    for number in range(50):
        spreader.async_lost(str(number))
    DeviceLogger(LOGGER, spreader, "7").error("Unexpected error", exc_info=ValueError("a fault of ours"))
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize(("followed", "least", "most"), [(False, 30.0, 60.0), (True, 80.0, 160.0)])
def test_polls_of_many_devices_are_spread(followed: bool, least: float, most: float) -> None:
    spreader = LoadSpreader()
    for number in range(100):
        spreader.async_lost(str(number))
        spreader.async_interrupted(str(number))
    delays = {spreader.poll_delay(30.0, followed=followed) for _ in range(20)}
    assert len(delays) > 1
    assert all(delay is not None and least <= delay <= most for delay in delays)
