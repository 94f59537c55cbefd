"""Mapping of responses to the neutral model."""

import time

from custom_components.ip_intercom.systems.akuvox.client.system import SystemStatus
from custom_components.ip_intercom.systems.akuvox.system import clock_of


def status(seconds: int | None) -> SystemStatus:
    return SystemStatus(uptime=10, time=seconds)


def test_a_device_without_a_time_has_no_clock() -> None:
    assert clock_of(status(None)) is None


def test_the_drift_of_a_clock_ahead_is_positive() -> None:
    clock = clock_of(status(int(time.time()) + 60))
    assert clock is not None
    assert abs(clock.drift - 60) <= 1
    assert clock.set
