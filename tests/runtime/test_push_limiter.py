"""The number of accepted pushes, with a clock of the test."""

import pytest

from custom_components.ip_intercom.runtime.webhook import BURST, RATE, PushLimiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_flood_is_cut_to_the_rate(clock: Clock) -> None:
    limiter = PushLimiter(clock)
    taken = 0
    for _ in range(10_000):  # five seconds of 2,000
        taken += limiter.admit("192.0.2.1")
        clock.now += 0.0005
    assert BURST + 4 * RATE < taken <= BURST + 5 * RATE
    assert (limiter.accepted, limiter.dropped) == (taken, 10_000 - taken)


def test_another_address_is_not_touched(clock: Clock) -> None:
    limiter = PushLimiter(clock)
    for _ in range(1000):
        limiter.admit("192.0.2.1")
    assert limiter.admit("192.0.2.2")
    assert not limiter.admit("192.0.2.1")


def test_the_push_limiter_admits_a_full_burst_after_a_pause(clock: Clock) -> None:
    limiter = PushLimiter(clock)
    for _ in range(1000):
        limiter.admit("192.0.2.1")
    clock.now += BURST / RATE
    assert all(limiter.admit("192.0.2.1") for _ in range(int(BURST)))


def test_many_addresses_together_are_bounded_too(clock: Clock) -> None:
    limiter = PushLimiter(clock)
    taken = sum(limiter.admit(f"192.0.{number // 250}.{number % 250}") for number in range(20_000))
    assert taken <= 5 * BURST
    clock.now += 0.1
    assert limiter.admit("192.0.2.1")
