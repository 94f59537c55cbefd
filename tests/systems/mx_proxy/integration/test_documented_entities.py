"""The record of what an extension shows, from which `docs/entities.md` is written, is current."""

from homeassistant.core import HomeAssistant
import pytest

from tests.reference import inventory

from .conftest import Start, add


@pytest.mark.default_entities
async def test_the_record_of_an_extension_is_current(hass: HomeAssistant, local_url: str, device: Start) -> None:
    inventory.check(hass, "mx_proxy", [await add(hass, await device(), push=True)])
