"""Entities of a new device that are enabled: doors, bells, camera, visitors, accesses, calls, contacts, and others."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from tests.common import add_intercom
from tests.simulators.akuvox import Simulator as Akuvox
from tests.simulators.mx_proxy import Simulator as MxProxy
from tests.simulators.smartyard import Simulator as SmartYard
from tests.simulators.two_n import MODELS, Simulator as TwoN
from tests.systems.akuvox.integration.conftest import add as add_akuvox
from tests.systems.mx_proxy.integration.conftest import add as add_mx_proxy
from tests.systems.smartyard.integration.conftest import add as add_smartyard

pytestmark = [pytest.mark.default_entities, pytest.mark.usefixtures("sockets")]


def enabled(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    """Return platform and name of the entities that are enabled."""
    return {
        f"{entity.domain}.{entity.translation_key or entity.original_device_class}"
        for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if entity.disabled_by is None
    }


async def test_the_default_entities_of_a_2n_are_enabled(hass: HomeAssistant) -> None:
    async with TwoN("verso") as sim:
        entry = await add_intercom(hass, sim)
        assert enabled(hass, entry) == {
            "binary_sensor.connectivity",
            "binary_sensor.door_forced",
            "binary_sensor.door_held_open",
            "binary_sensor.door_open",
            "binary_sensor.port",
            "binary_sensor.ringing",
            "binary_sensor.tamper",
            "button.answer",
            "button.hang_up",
            "camera.camera",
            "event.access",
            "event.bell_named",
            "event.call",
            "event.exit_button",
            "event.visitor",
            "image.last_visitor",
            "lock.door_numbered",
            "sensor.call_state",
            "sensor.last_access",
            "sensor.last_call",
            "switch.hold_open_numbered",
            "switch.port",
            "update.firmware",
        }


async def test_the_default_entities_of_an_akuvox_are_enabled(hass: HomeAssistant) -> None:
    async with Akuvox("r29", whitelist=["127.0.0.1"]) as sim:
        assert enabled(hass, await add_akuvox(hass, sim)) == {
            "binary_sensor.connectivity",
            "binary_sensor.port",
            "binary_sensor.ringing",
            "button.hang_up",
            "camera.camera_source",
            "event.access",
            "event.bell",
            "event.call",
            "event.visitor",
            "image.last_visitor",
            "lock.door_numbered",
            "sensor.call_state",
            "sensor.last_access",
            "sensor.last_call",
            "switch.hold_open_numbered",
            "update.firmware",
        }


async def test_the_default_entities_of_an_extension_are_enabled(hass: HomeAssistant) -> None:
    async with MxProxy() as sim:
        assert enabled(hass, await add_mx_proxy(hass, sim)) == {
            "binary_sensor.connectivity",
            "binary_sensor.ringing",
            "button.answer",
            "button.clear_missed_calls",
            "button.hang_up",
            "calendar.conferences",
            "event.call",
            "event.voicemail",
            "select.call_mode",
            "sensor.call_state",
            "sensor.last_call",
            "sensor.missed_calls",
            "sensor.voicemails",
        }


async def test_the_default_entities_of_an_account_are_enabled(hass: HomeAssistant) -> None:
    async with SmartYard() as sim:
        assert enabled(hass, await add_smartyard(hass, sim)) == {
            "binary_sensor.connectivity",
            "binary_sensor.ringing",
            "camera.camera",
            "event.access",
            "event.bell",
            "event.message",
            "event.visitor",
            "image.last_visitor",
            "lock.door",
            "sensor.last_access",
            "sensor.unread_messages",
            "switch.cms",
            "switch.open_for_guests",
            "switch.voip",
        }


async def test_an_entity_enabled_before_stays_enabled(hass: HomeAssistant) -> None:
    """tests/test_before_redesign.py tests the data of earlier versions."""
    async with TwoN("verso") as sim:
        entry = await add_intercom(hass, sim)
        registry = er.async_get(hass)
        motion = registry.async_get_entity_id("binary_sensor", "ip_intercom", f"{entry.unique_id}_alarm_motion")
        assert motion is not None
        registry.async_update_entity(motion, disabled_by=None)
        await hass.config_entries.async_reload(entry.entry_id)
        assert hass.states.get(motion) is not None


@pytest.mark.parametrize("model", sorted(MODELS))
async def test_the_maker_is_named_once(hass: HomeAssistant, model: str) -> None:
    """Home Assistant shows the manufacturer in front of the model."""
    async with TwoN(model) as sim:
        entry = await add_intercom(hass, sim)
        device = dr.async_get(hass).async_get(entry.runtime_data.coordinator.device_id)
        assert isinstance(device, dr.DeviceEntry)
        assert device.manufacturer == "2N"
        assert device.model
        assert "2N" not in device.model
