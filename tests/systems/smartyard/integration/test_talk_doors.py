"""Doors of a SmartYard that open during a call."""

import asyncio

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from tests.common import act, entity_id, until
from tests.simulators.smartyard import Simulator
from tests.simulators.smartyard.telephony import Telephony

from .talking import press, rings


@pytest.mark.parametrize("formats", ["0 101", "8"])
async def test_the_door_opens_by_its_digits_where_the_server_fails(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, formats: str
) -> None:
    """Digits are sent as telephone events, or by INFO to a server without them."""
    phones.formats = formats
    sim.break_door(21)
    lock = entity_id(hass, talking, "lock", "door_21:0_door")
    account = await rings(sim)
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=lock)  # not answered yet
    await press(hass, talking, "answer")
    await act(hass, "lock.open", entity_id=lock)
    await until(lambda: account.listen().digits, "the digits")
    assert account.digits == "1"
    sim.break_door(22)  # its visitor does not call
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_22:0_door"))
    assert account.digits == "1"


@pytest.mark.parametrize("trouble", ["reset", "page"])
async def test_the_door_opens_by_its_digits_where_the_server_is_broken(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, trouble: str
) -> None:
    lock = entity_id(hass, talking, "lock", "door_21:0_door")
    account = await rings(sim)
    sim.fault("address/openDoor", trouble)
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=lock)
    await press(hass, talking, "answer")
    await act(hass, "lock.open", entity_id=lock)
    await until(lambda: account.listen().digits, "the digits")


async def test_a_door_that_opens_neither_way_is_an_error(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.formats, phones.refuses_info = "8", True
    sim.break_door(21)
    await rings(sim)
    await press(hass, talking, "answer")
    with pytest.raises(HomeAssistantError) as caught:
        await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_21:0_door"))
    assert caught.value.translation_key in {"not_found", "command_failed"}


async def test_the_door_opens_by_the_server_in_a_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await press(hass, talking, "answer")
    await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_21:0_door"))
    assert [row[:2] for row in sim.address_functions.opened] == [(21, 0)]
    await asyncio.sleep(1)
    account.listen()
    assert account.digits == ""


async def test_a_blocked_door_stays_closed(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await press(hass, talking, "answer")
    sim.block_door(21)
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_21:0_door"))
    await asyncio.sleep(1)
    account.listen()
    assert account.digits == ""
