"""The age of a record by the clock of the device, with a clock of the test."""

from datetime import UTC, datetime, timedelta, timezone
import time

import pytest

from custom_components.ip_intercom.systems.akuvox.client.system import SystemStatus
from custom_components.ip_intercom.systems.akuvox.log_reader import DeviceClock

HOUR = 3600
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC).timestamp()
YEARS = -3000 * 86400


class Device:
    """A device whose clock is off by some seconds, and whose log is written in some zone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, off: float = 0.0, zone: int = 0) -> None:
        self.now = NOW
        self.off = off
        self.zone = zone
        self.up_since = NOW - 100_000
        monkeypatch.setattr(time, "time", lambda: self.now)

    def monotonic(self) -> float:
        return self.now

    def status(self) -> SystemStatus:
        return SystemStatus(int(self.now + self.off), int(self.now - self.up_since))

    def record(self, age: float) -> datetime:
        """Return what the log shows of something that happened so many seconds ago."""
        shown = datetime.fromtimestamp(int(self.now - age + self.off + self.zone), UTC)
        return shown.replace(tzinfo=None)

    def clock(self, zone: int | None = None) -> DeviceClock:
        clock = DeviceClock(self.monotonic, zone)
        clock.update(self.status(), self.now)
        return clock


ZONES = [0, HOUR, -5 * HOUR, 20_700, 14 * HOUR]


@pytest.mark.parametrize("off", [0.0, 0.4, 37.0, -300.0, YEARS])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("age", [0.0, 0.7, 4.0, 59.0, 580.0])
def test_the_age_of_a_record_since_the_last_poll_needs_no_zone(
    monkeypatch: pytest.MonkeyPatch, off: float, zone: int, age: float
) -> None:
    """No record is older than the poll before, which gives the zone to a quarter of an hour."""
    device = Device(monkeypatch, off=off, zone=zone)
    clock = device.clock()
    found = clock.age_of(device.record(age), 600.0)
    assert found == pytest.approx(age, abs=1.0)
    assert clock.zone == zone
    assert clock.ahead == timedelta(seconds=zone + round(off / 900) * 900)


@pytest.mark.parametrize("zone", ZONES)
def test_the_age_of_a_record_without_polls_needs_the_zone(monkeypatch: pytest.MonkeyPatch, zone: int) -> None:
    """The zone is known from an earlier record."""
    device = Device(monkeypatch, off=12.0, zone=zone)
    assert device.clock().age_of(device.record(3.0), None) is None
    for age in (1.0, 4.0, 7200.0, 86400.0):
        assert device.clock(zone).age_of(device.record(age), None) == pytest.approx(age, abs=1.0)


def test_the_age_of_a_long_call_is_that_of_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record may have the time of the beginning and is written at the end."""
    device = Device(monkeypatch, zone=HOUR)
    assert device.clock(HOUR).age_of(device.record(1200.0), 3.0) == pytest.approx(1200.0, abs=1.0)


@pytest.mark.parametrize("change", [HOUR, -HOUR])
def test_a_change_to_or_from_summer_time_keeps_the_age(monkeypatch: pytest.MonkeyPatch, change: int) -> None:
    device = Device(monkeypatch, zone=HOUR)
    clock = device.clock(HOUR)
    device.zone += change
    assert clock.age_of(device.record(2.0), 10.0) == pytest.approx(2.0, abs=1.0)
    assert clock.age_of(device.record(40.0), None) == pytest.approx(40.0, abs=1.0), "the offset is remembered"


@pytest.mark.parametrize("when", [None, datetime(1970, 1, 1, 0, 5), datetime(2000, 1, 1)])
@pytest.mark.parametrize("since", [None, 3.4])
def test_the_age_without_a_clock_is_that_of_the_last_poll(
    monkeypatch: pytest.MonkeyPatch, when: datetime | None, since: float | None
) -> None:
    assert Device(monkeypatch).clock(0).age_of(when, since) == since


def test_the_age_with_an_unknown_clock_is_that_of_the_last_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(monkeypatch, zone=HOUR)
    clock = DeviceClock(device.monotonic)
    assert clock.age_of(device.record(2.0), 4.0) == 4.0
    assert clock.ahead == timedelta(hours=1)
    assert clock.age_of(device.record(2.0), None) is None


def test_the_age_after_a_clock_change_is_that_of_the_last_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times in the future and an old reading of the clock are ignored."""
    device = Device(monkeypatch)
    clock = device.clock(0)
    device.off = 50.0
    assert clock.age_of(device.record(1.0), 4.0) == 4.0
    assert clock.age_of(device.record(1.0), None) is None
    device.now += 1000
    assert clock.age_of(device.record(1.0), 4.0) == 4.0
    assert not clock.is_fresh


def test_the_age_in_a_log_with_its_own_clock_is_that_of_the_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(monkeypatch, zone=90 * 86400)
    assert device.clock().age_of(device.record(1.0), 4.0) == 4.0


def test_an_update_reports_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(monkeypatch)
    clock = device.clock()
    device.now += 300
    assert not clock.update(device.status(), device.now)
    device.up_since = device.now - 8
    assert clock.update(device.status(), device.now)
    assert not clock.update(SystemStatus(None, None), device.now)


def test_the_time_of_a_record_is_in_the_zone_of_the_device() -> None:
    noon = datetime(2026, 11, 21, 12)
    assert DeviceClock(time.monotonic, 2 * HOUR).utc(noon) == datetime(2026, 11, 21, 10, tzinfo=UTC)
    never_set = DeviceClock(time.monotonic, -2000 * 86400)
    assert never_set.utc(noon) == noon.replace(tzinfo=UTC) + timedelta(days=2000)
    assert [never_set.utc(when) for when in (None, datetime(1970, 1, 1))] == [None, None]


def test_the_time_of_a_record_in_an_unknown_zone_is_in_that_of_the_home() -> None:
    noon, clock = datetime(2026, 11, 21, 12), DeviceClock(time.monotonic)
    assert clock.utc(noon) == noon.astimezone(UTC), "the zone of the process"
    clock.home_zone = lambda: timezone(timedelta(hours=9))
    assert clock.utc(noon) == datetime(2026, 11, 21, 3, tzinfo=UTC)
    clock.zone = 2 * HOUR
    assert clock.utc(noon) == datetime(2026, 11, 21, 10, tzinfo=UTC), "a record has shown the zone"
