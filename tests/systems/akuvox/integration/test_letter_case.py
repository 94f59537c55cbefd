"""Replies of an Akuvox whose keys are in another letter case than those of the manual."""

from collections.abc import Callable
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.akuvox import log
from tests.common import capture_log_events, command, state_of, until

from .conftest import Start, add
from .test_access import CARD, decisions, lucy, watching
from .test_doors import lock, openings
from .test_rings import count_rings, following

LETTERS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "first": lambda name: name[0].upper() + name[1:],
    "camel": lambda name: name[0].lower() + name[1:],
    "swapped": str.swapcase,
}
DIALECTS = ("a_series", "e18", "e16c", "r29", "it83")


def shown(hass: HomeAssistant) -> dict[str, tuple[str, Any]]:
    """Return the names and states of all entities, without states that differ between two runs of one device."""
    changing = ("_clock_drift", "_event_log", "_last_restart", "_last_call", "_camera")
    return {
        state.entity_id: (state.attributes["friendly_name"], "" if state.entity_id.endswith(changing) else state.state)
        for state in hass.states.async_all()
    }


@pytest.mark.parametrize("letters", LETTERS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_device_shows_the_same_in_any_letter_case(
    hass: HomeAssistant, device: Start, dialect: str, letters: str
) -> None:
    sim = await device(dialect)
    sim.pipeline.throttle = 0
    sim.fill_call_log(1)
    entry = await add(hass, sim)
    usual = shown(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.pipeline.letters = LETTERS[letters]
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert shown(hass) == usual
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    entry = await add(hass, sim)
    assert shown(hass) == usual


@pytest.mark.parametrize("letters", LETTERS)
async def test_a_device_in_any_letter_case_works(
    hass: HomeAssistant, device: Start, letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rings, accesses, doors, and changes of a user, whose fields keep the case of the device."""
    monkeypatch.setattr(log, "_DOOR_LOG_INTERVALS", (0.1, 0.1))
    sim = await device("e16c")
    sim.pipeline.letters = LETTERS[letters]
    lucy(sim)
    entry = await add(hass, sim)
    rings, events = count_rings(hass, entry), capture_log_events(hass)
    await following(sim)
    assert sim.press()
    await until(rings, "the ring")
    sim.call_ended()
    await watching(sim)
    sim.swipe_card(CARD)
    await until(lambda: decisions(events), "the access")
    assert decisions(events) == [(True, "Lucy", "card", ["A"])]
    await until(lambda: state_of(hass, entry, "event", "access") != "unknown", "the access")
    before = openings(sim)
    await lock(hass, entry, "lock.open")
    assert openings(sim) == before + 1
    (number, row), *_ = sim.users.rows.items()
    kept = dict(row)
    sim.users.replaces = True
    await command(hass, entry, "directory_update", entries=[{"uuid": f"user:{number}", "CardCode": "00112233"}])
    assert sim.users.rows[number] == kept | {"CardCode": "00112233"}
