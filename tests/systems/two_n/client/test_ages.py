"""The age of an event, from the uptime and the clock of the device."""

from math import inf

import pytest

from custom_components.ip_intercom.systems.common.parse import LIVE_WINDOW
from custom_components.ip_intercom.systems.two_n.client.ages import CLOCK_SKEW, Age, Freshness

# The device started at 1000 by our clock, and its own clock was at 500,000 then.
START = 1000.0
EPOCH = 500_000


def freshness_at(at: float, *, uptime: bool = True, clock: bool = True) -> Freshness:
    freshness = Freshness()
    says = int(at - START) if uptime else None
    freshness.report(says, int(at - START + EPOCH) if clock else None, at - 0.02, at)
    return freshness


def age_of(freshness: Freshness, happened: float, arrived: float, since: float = -inf, set_by: int = 0) -> Age:
    """Return the age of an event of a moment, as the device writes it: in whole seconds."""
    return freshness.age(int(happened - START), int(happened - START + EPOCH + set_by), arrived, since)


def tenths(start: float, stop: float) -> list[float]:
    return [start + tenth / 10 for tenth in range(round((stop - start) * 10))]


@pytest.mark.parametrize("uptime", [True, False])
def test_an_event_is_late_only_beyond_the_live_window(uptime: bool) -> None:
    for asked_at in tenths(2000, 2001):
        freshness = freshness_at(asked_at, uptime=uptime)
        for happened in tenths(2000, 2001):
            for age in tenths(0, LIVE_WINDOW):
                found = age_of(freshness, happened, happened + age)
                assert not found.late and not found.uncertain, (asked_at, happened, age)
                assert abs(found.seconds - age) <= 2
            for age in (LIVE_WINDOW + 2.1, 30.0, 4000.0):
                assert age_of(freshness, happened, happened + age).late, (asked_at, happened, age)


def test_setting_the_clock_does_not_change_the_age() -> None:
    freshness = freshness_at(2000.0)
    for set_by in (3600, -3600, 10**9):
        assert not age_of(freshness, 2010.0, 2010.1, set_by=set_by).late
        assert age_of(freshness, 2010.0, 2020.0, set_by=set_by).late


@pytest.mark.parametrize("drift", [-1e-4, 1e-4])
def test_a_drifting_clock_makes_no_event_late(drift: float) -> None:
    """The clock drifts by 100 ppm over ten days and is read once."""
    freshness = freshness_at(1000.0)
    for hour in range(1, 240):
        now = 1000.0 + hour * 3600
        up_time = int(hour * 3600 * (1 + drift))
        assert not freshness.age(up_time, 0, now).late
        freshness.observe(up_time, now, now - 55)
    assert CLOCK_SKEW > 1e-4


def test_the_age_is_found_after_the_uptime_counter_wraps() -> None:
    """The counter wraps after 49 days, so later events seem to be from the start of the device."""
    for clock in (True, False):
        freshness = freshness_at(START + 4_294_967, clock=clock)
        arrived = START + 4_294_970
        wrapped = freshness.age(2, EPOCH + 4_294_969, arrived, since=arrived - 3)
        assert wrapped.implausible is wrapped.uncertain is not clock
        assert clock is not wrapped.late
    freshness.report(3, EPOCH + 4_294_970, arrived, arrived)
    assert not freshness.age(2, EPOCH + 4_294_969, arrived, since=arrived - 3).late
    # Earlier events are in the future by the new count: the clock decides.
    assert freshness.age(4_294_900, EPOCH + 4_294_900, arrived).late
    assert not freshness.age(4_294_966, EPOCH + 4_294_966, arrived).late


def test_the_age_is_uncertain_without_uptime_and_clock() -> None:
    freshness = Freshness()
    assert freshness.age(100, 200, 1000.0).uncertain
    # But what happened since a moment ago is young.
    assert not freshness.age(100, 200, 1000.0, since=996.0).uncertain
    freshness.observe(100, 1000.0, 996.0)
    assert not freshness.age(110, 210, 1010.0).late
    assert freshness.age(110, 210, 1030.0).late


def test_the_age_is_uncertain_after_a_restart() -> None:
    freshness = freshness_at(2000.0)
    freshness.forget(2001.0)
    assert freshness.age(10, 10, 3000.0).uncertain


def test_an_uptime_reported_after_a_restart_is_kept() -> None:
    freshness = freshness_at(2000.0)
    freshness.report(10, None, 3000.0, 3000.1)
    freshness.forget(2999.0)
    assert not freshness.age(10, 10, 3001.0).late
    assert freshness.age(10, 10, 3020.0).late


def test_fresh_events_reveal_a_wrapped_uptime_counter() -> None:
    """An account without access to the uptime knows it from events only."""
    freshness = Freshness()
    freshness.observe(4_294_960, 2000.0, 1999.0)
    freshness.observe(2, 2010.0, 2009.0)
    assert freshness.age(4, 0, 2012.0).late, "the record may be old"
    freshness.observe(2, 2010.0, 2009.0, young=True)
    assert not freshness.age(4, 0, 2012.0).late
    assert freshness.age(4, 0, 2042.0).late
