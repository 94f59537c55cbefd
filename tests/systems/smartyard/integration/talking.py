"""A visitor at a SmartYard with talk, and the camera of the door."""

from typing import Any

from homeassistant.components.camera import async_get_stream_source, get_camera_from_entity_id
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from custom_components.ip_intercom.systems.smartyard.visitor_calls import VisitorCalls
from tests.common import act, entity_id, state_of, until
from tests.simulators.smartyard import Simulator
from tests.simulators.smartyard.telephony import Account

OURS = "custom_components.ip_intercom"
CAMERA = "camera_intercom_21"


def has_button(hass: HomeAssistant, entry: ConfigEntry, camera: str = CAMERA) -> bool:
    """Return whether the camera shows *Start talking*."""
    entity: Any = get_camera_from_entity_id(hass, entity_id(hass, entry, "camera", camera))
    talks: bool = entity._attr_camera_entity_capabilities.two_way_audio
    return talks


async def rings(sim: Simulator, domophone: int = 21) -> Account:
    """Ring at a door, and return the call to Home Assistant once it rings."""
    assert sim.telephony is not None
    account = sim.telephony.of(sim.ring(domophone))
    await until(lambda: account.state == "ringing", "the call")
    return account


async def press(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", key))


def call_state(hass: HomeAssistant, entry: ConfigEntry) -> str:
    return state_of(hass, entry, "sensor", "call_state")


async def source_of(hass: HomeAssistant, entry: ConfigEntry, camera: str = CAMERA) -> str:
    """Return the address that go2rtc gets."""
    source = await async_get_stream_source(hass, entity_id(hass, entry, "camera", camera))
    assert source is not None
    return source


async def idle(hass: HomeAssistant, entry: ConfigEntry, account: Account | None = None) -> None:
    """Wait for the end of a call and its registration."""
    await until(lambda: call_state(hass, entry) == "idle", "the end of the call")
    await until(lambda: not calls_of(entry)._tasks, "the end of the account")
    if account is not None:
        assert account.contact is None  # no longer registered


def calls_of(entry: ConfigEntry) -> VisitorCalls:
    """Return the calls of visitors."""
    calls: VisitorCalls = entry.runtime_data.coordinator.features.calls
    return calls


def steps(events: list[Any]) -> list[Any]:
    """Return the states of calls on the bus."""
    return [event.data["data"]["state"] for event in events if event.data["type"] == "CallState"]
