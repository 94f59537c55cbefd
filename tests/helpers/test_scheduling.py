"""Load of many devices: a few devices never wait, and a site that goes away as a whole makes few log lines."""

import asyncio
from itertools import pairwise
import logging
import time

import pytest

from custom_components.ip_intercom.helpers.scheduling import DeviceLogger, LoadSpreader, RateLimit

LOGGER = logging.getLogger("custom_components.ip_intercom.test")


async def test_a_burst_does_not_wait_and_the_rest_is_spread() -> None:
    limit, began = RateLimit(3, 10.0), time.monotonic()
    starts = []
    for _ in range(6):
        await limit.wait()
        starts.append(time.monotonic() - began)
    assert starts[2] < 0.1 <= starts[3] + 0.01
    assert starts[5] >= 0.29


async def test_a_limit_recovers() -> None:
    limit = RateLimit(2, 10.0)
    for _ in range(4):
        await limit.wait()
    limit._next -= 10.0
    began = time.monotonic()
    await limit.wait()
    await limit.wait()
    assert time.monotonic() - began < 0.1


@pytest.mark.parametrize(("away", "rate"), [(6, 2.5), (100, 2.5), (500, 12.5)])
async def test_attempts_to_reach_many_devices_are_evenly_spread(away: int, rate: float) -> None:
    spreader = LoadSpreader()
    for number in range(away):
        spreader.async_lost(str(number))
    delays: list[float] = []
    for _ in range(away):
        delay = spreader.attempt_delay()
        assert delay is not None
        delays.append(delay)
    pauses = [after - before for before, after in pairwise(delays)]
    assert pauses == pytest.approx([1 / rate] * len(pauses), rel=0.01)
    assert delays[-1] <= 40.1


def test_a_few_unavailable_devices_keep_their_usual_pauses() -> None:
    spreader = LoadSpreader()
    for number in range(5):
        spreader.async_lost(str(number))
    assert spreader.attempt_delay() is None
    assert spreader.poll_delay(30.0, followed=True) is None


def loggers(spreader: LoadSpreader, devices: int) -> list[DeviceLogger]:
    return [DeviceLogger(LOGGER, spreader, str(number)) for number in range(devices)]


def test_a_site_that_goes_away_makes_few_log_lines(caplog: pytest.LogCaptureFixture) -> None:
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


def test_a_fault_is_never_hidden(caplog: pytest.LogCaptureFixture) -> None:
    spreader = LoadSpreader()
    for number in range(50):
        spreader.async_lost(str(number))
    DeviceLogger(LOGGER, spreader, "7").error("Unexpected error", exc_info=ValueError("a fault of ours"))
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize(("followed", "least", "most"), [(False, 30.0, 60.0), (True, 40.0, 80.0)])
def test_polls_of_many_devices_are_spread(followed: bool, least: float, most: float) -> None:
    spreader = LoadSpreader()
    for number in range(100):
        spreader.async_lost(str(number))
    delays = {spreader.poll_delay(30.0, followed=followed) for _ in range(20)}
    assert len(delays) > 1
    assert all(delay is not None and least <= delay <= most for delay in delays)
