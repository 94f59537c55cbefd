"""An Akuvox that is reloaded again and again leaves nothing behind."""

from homeassistant.core import HomeAssistant

from tests.faults.leaks import growth_over_reloads

from .conftest import Start, add


async def test_reloads_leave_nothing_behind(hass: HomeAssistant, local_url: str, device: Start) -> None:
    entry = await add(hass, await device("r29"), push=True)
    assert await growth_over_reloads(hass, entry) == {}
