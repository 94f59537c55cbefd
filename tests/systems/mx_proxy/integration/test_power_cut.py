"""Home Assistant is killed: its knowledge was stored before."""

from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.ip_intercom.const import DOMAIN
from tests.common import act, entity_id, until
from tests.entity_states import wait_for_state
from tests.simulators.mx_proxy import Simulator

from .conftest import Start, add


def written(storage: dict[str, Any], entry_id: str) -> dict[str, Any]:
    """Return the stored data for the next start."""
    found: dict[str, Any] = storage.get(f"{DOMAIN}.{entry_id}", {}).get("data", {}).get("cursor", {})
    return found


async def test_the_position_of_the_first_poll_is_stored(
    hass: HomeAssistant, sim: Simulator, hass_storage: dict[str, Any]
) -> None:
    """Without it, calls during a restart would be taken for old ones."""
    entry = await add(hass, sim)
    newest = sim.extensions[sim.login].log.records[-1]["record_id"]
    await until(lambda: written(hass_storage, entry.entry_id), "the first poll")
    cursor = written(hass_storage, entry.entry_id)
    assert cursor["calls"]["record"] == newest
    assert cursor["voicemails"] == sorted(sim.extensions[sim.login].mailbox.mails)


async def test_the_position_of_a_slow_first_poll_is_stored(
    hass: HomeAssistant, device: Start, hass_storage: dict[str, Any]
) -> None:
    sim = await device(empty=True)
    sim.set_patience(20)
    sim.fill_log(21)
    entry = await add(hass, sim)
    await until(lambda: written(hass_storage, entry.entry_id).get("calls", {}).get("record"), "the first poll")


async def test_the_cleared_count_of_missed_calls_is_stored(
    hass: HomeAssistant, sim: Simulator, hass_storage: dict[str, Any]
) -> None:
    entry = await add(hass, sim)
    sim.hang_up(sim.incoming_call("3108"))
    await wait_for_state(hass, entry, "sensor", "missed_calls", "1")
    await until(lambda: written(hass_storage, entry.entry_id)["calls"]["missed"] == 1, "the count")
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "clear_missed_calls"))
    await until(lambda: written(hass_storage, entry.entry_id)["calls"]["missed"] == 0, "no count")
