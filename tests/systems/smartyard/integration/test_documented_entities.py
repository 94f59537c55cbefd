"""The record of what an account shows, from which `docs/entities.md` is written, is current."""

from homeassistant.core import HomeAssistant
import pytest

from tests.common import state_of, until
from tests.reference import inventory
from tests.simulators.smartyard import Simulator

from .conftest import add


@pytest.mark.default_entities
async def test_the_record_of_an_account_is_current(hass: HomeAssistant, local_url: str, sim: Simulator) -> None:
    # Settings that some servers have.
    for flat in sim.town.flats:
        flat.more |= dict.fromkeys(("FRSDisabled", "LPRSDisabled", "paranoid", "paperBill"), "f")
    entry = await add(hass, sim, push=True, talk=True)
    await until(lambda: state_of(hass, entry, "sensor", "talk") != "unknown", "the check of talk")
    await hass.async_block_till_done()
    inventory.check(hass, "smartyard", [entry])
