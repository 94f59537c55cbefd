"""Server clocks that differ by hours: a visitor rings once, and an old push does not ring."""

import logging

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.model.ring_detector import Ring
from custom_components.ip_intercom.systems.smartyard import clocks
from tests.common import until
from tests.simulators.smartyard import Dates, Form, Simulator

from .conftest import Start, pushing
from .test_push import listen

DIFFERENCES = [-86400, -3600, -400, -90, 0, 90, 400, 3600, 86400]
HOUR = 3600


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return why pushes did not ring."""
    said = ("push ignored: it ", "does not ring: ")
    lines = [item.getMessage() for item in caplog.records if item.levelno == logging.DEBUG]
    return [line for line in lines if any(part in line for part in said)]


@pytest.fixture
def any_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count pushes at any distance as sent one after the other."""
    monkeypatch.setattr(clocks, "_APART", 0.0)


async def began(
    hass: HomeAssistant, device: Start, url: str, ahead: int, dates: Dates, form: Form = Form.FCM
) -> tuple[Simulator, list[Ring]]:
    sim = await device()
    sim.date_replies(dates)
    sim.advance_clock(ahead)
    entry = await pushing(hass, sim, url, form)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    return sim, listen(entry)


@pytest.mark.parametrize("ahead", DIFFERENCES)
@pytest.mark.parametrize("dates", list(Dates))
async def test_a_visitor_rings_once_and_an_old_push_does_not(
    hass: HomeAssistant, device: Start, local_url: str, caplog: pytest.LogCaptureFixture, ahead: int, dates: Dates
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    sim, rings = await began(hass, device, local_url, ahead, dates)
    sim.late_push(2 * HOUR, 21)
    await until(lambda: len(reasons(caplog)) == 1, "the first reason")
    sim.ring(22)
    await until(lambda: rings, "the ring")
    assert rings[0].age < 5
    sim.repeat_push()
    await until(lambda: len(reasons(caplog)) == 2, "the second reason")
    sim.late_push(HOUR, 24)
    await until(lambda: len(reasons(caplog)) == 3, "the third reason")
    sim.ring(21)
    await until(lambda: len(rings) == 2, "another ring")
    assert [ring.bell.id for ring in rings] == ["22", "21"]


@pytest.mark.parametrize("ahead", [-3600, 3600])
async def test_an_unverifiable_wrong_clock_rings_from_the_second_ring(
    hass: HomeAssistant,
    device: Start,
    local_url: str,
    caplog: pytest.LogCaptureFixture,
    any_distance: None,
    ahead: int,
) -> None:
    """Intercoms without cameras cannot verify a ring."""
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    sim, rings = await began(hass, device, local_url, ahead, Dates.PROXY)
    sim.fault("call/*", "status", status=404)
    sim.ring(22)
    await until(lambda: len(reasons(caplog)) == 1, "the reason")
    sim.ring(21)
    await until(lambda: rings, "the ring")
    sim.ring(24, flat=53)
    await until(lambda: len(rings) == 2, "another ring")
    assert [ring.bell.id for ring in rings] == ["21", "24"]


async def test_a_server_with_a_picture_for_any_key_verifies_no_ring(
    hass: HomeAssistant, device: Start, local_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    sim, rings = await began(hass, device, local_url, 0, Dates.OWN)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    sim.show_any_picture()
    sim.late_push(HOUR, 21)
    await until(lambda: len(reasons(caplog)) == 1, "the reason")
    assert len(rings) == 1


@pytest.mark.parametrize("ahead", [-3600, 400])
async def test_a_learned_clock_survives_a_reload(
    hass: HomeAssistant, device: Start, local_url: str, ahead: int
) -> None:
    sim, rings = await began(hass, device, local_url, ahead, Dates.PROXY)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    (entry,) = hass.config_entries.async_entries("ip_intercom")
    assert await hass.config_entries.async_reload(entry.entry_id)
    sim.fault("call/*", "status", status=404)
    again = listen(entry)
    sim.ring(21)
    await until(lambda: again, "another ring")
    assert again[0].age < 5


async def test_correcting_the_clock_loses_no_ring(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim, rings = await began(hass, device, local_url, -3600, Dates.OWN)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    sim.date_replies(Dates.NONE)  # no reply has shown it yet
    sim.advance_clock(3600)
    sim.ring(21)
    await until(lambda: len(rings) == 2, "another ring")


@pytest.mark.parametrize("late", [70, 120, 170])
async def test_a_delayed_push_with_a_picture_does_not_ring(
    hass: HomeAssistant, device: Start, local_url: str, caplog: pytest.LogCaptureFixture, any_distance: None, late: int
) -> None:
    """The server keeps pictures for minutes, so they do not prove a wrong clock."""
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    sim, rings = await began(hass, device, local_url, 0, Dates.OWN)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    sim.late_push(late, 21)
    await until(lambda: len(reasons(caplog)) == 1, "the reason")
    sim.ring(24, flat=53)
    await until(lambda: len(rings) == 2, "another ring")
    sim.late_push(late, 21)
    await until(lambda: len(reasons(caplog)) == 2, "the second reason")
    assert [ring.bell.id for ring in rings] == ["22", "24"]


async def test_a_delayed_push_does_not_set_the_clock(
    hass: HomeAssistant, device: Start, local_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The first push may be late or from a slow clock; the next one shows which."""
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    sim, rings = await began(hass, device, local_url, 0, Dates.OWN)
    sim.late_push(100, 22)
    await until(lambda: rings, "the ring")
    sim.ring(21)
    await until(lambda: len(rings) == 2, "another ring")
    sim.late_push(100, 24)
    await until(lambda: len(reasons(caplog)) == 1, "the reason")
    assert len(rings) == 2
