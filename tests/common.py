"""What tests of the integration share."""

import asyncio
from collections.abc import Callable
import time
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, DOMAIN, EVENT_LOG
from tests.simulators.two_n import Simulator

USERNAME = "ha"
PASSWORD = "ha-pass"
# Longer than the integration lets pass between two polls.
PATIENCE = 400.0


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for something that happens over a real socket: check less often the longer it takes."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < PATIENCE, f"still waiting for {what or condition}"
        await asyncio.sleep(max(0.01, waited / 16))


def user_input(
    address: str, username: str = USERNAME, password: str = PASSWORD, verify: bool = False
) -> dict[str, Any]:
    """Return what a person enters to add an intercom."""
    return {"host": address, "username": username, "password": password, "security": {"verify_ssl": verify}}


async def begin(hass: HomeAssistant, what: str = "device") -> Any:
    """Choose what to add, and return its empty form."""
    menu: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["type"] is FlowResultType.MENU, menu
    return await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": what})


async def enter(hass: HomeAssistant, data: dict[str, Any], what: str = "device") -> Any:
    """Choose what to add, fill in its form, and return what comes of it."""
    form = await begin(hass, what)
    return await hass.config_entries.flow.async_configure(form["flow_id"], data)


async def configure(hass: HomeAssistant, result: Any, data: dict[str, Any] | None) -> Any:
    """Fill in the next form, or show it again with None, and return the result."""
    result = await hass.config_entries.flow.async_configure(result["flow_id"], data)
    await hass.async_block_till_done()
    return result


async def reopen(hass: HomeAssistant, entry: ConfigEntry, source: str) -> Any:
    """Begin to mend an entry, as a person does or as Home Assistant does itself, and return the form."""
    return await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": source, "entry_id": entry.entry_id},
        data=dict(entry.data) if source == SOURCE_REAUTH else None,
    )


def suggested(result: Any) -> dict[str, Any]:
    """Return what a form is filled in with."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if "suggested_value" in (key.description or {})
    }


async def choose(hass: HomeAssistant, entry: ConfigEntry, options: dict[str, Any]) -> None:
    """Give an entry other options, and load it with them."""
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def webhook_of(entry: ConfigEntry, url: str) -> str:
    """Return the address that events are to be forwarded to."""
    await until(lambda: entry.data.get(CONF_PUSH_TOKEN), "the address for events")
    return f"{url}/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"


async def add_intercom(
    hass: HomeAssistant, sim: Simulator, *, address: str | None = None, username: str = USERNAME
) -> Any:
    """Add the simulated intercom through the config flow, and wait until its events are followed."""
    result = await enter(hass, user_input(address or sim.https_address, username))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry = result["result"]
    if entry.runtime_data.coordinator.description.pushes:
        await sim.wait_for_pull()
    return entry


def entity_id(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> str:
    """Return the entity of a device by what tells it from the others."""
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{entry.unique_id}_{key}")
    assert found is not None, f"no {platform} {key}"
    return found


def state_of(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> str:
    """Return the state of an entity."""
    state = hass.states.get(entity_id(hass, entry, platform, key))
    assert state is not None
    return state.state


def assert_assumed_locked(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    """Expect a door without a reported state to be shown as locked, and as assumed."""
    state = hass.states.get(entity_id(hass, entry, "lock", key))
    assert state is not None
    assert (state.state, state.attributes.get("assumed_state")) == ("locked", True)


def capture_log_events(hass: HomeAssistant) -> list[Event]:
    """Return a list that every bus event of a device's log goes to."""
    events: list[Event] = []

    @callback
    def take(event: Event) -> None:
        events.append(event)

    hass.bus.async_listen(EVENT_LOG, take)
    return events


async def act(hass: HomeAssistant, action: str, response: bool = False, **data: Any) -> Any:
    """Call an action such as ``lock.open`` and return its response."""
    domain, name = action.split(".")
    return await hass.services.async_call(domain, name, data, blocking=True, return_response=response)


async def command(hass: HomeAssistant, entry: ConfigEntry, action: str, **data: Any) -> Any:
    """Call one of our actions for a device and return its response."""
    device_id = entry.runtime_data.coordinator.device_id
    return await act(hass, f"{DOMAIN}.{action}", response=True, device_id=device_id, **data)


async def refusal(hass: HomeAssistant, entry: ConfigEntry, action: str, **data: Any) -> str:
    """Call an action that fails, and return the key of the sentence that people read."""
    with pytest.raises(HomeAssistantError) as failed:
        await command(hass, entry, action, **data)
    assert str(failed.value), "no sentence"
    return str(failed.value.translation_key)


def capture_changes(hass: HomeAssistant, entry: ConfigEntry, *platforms: str) -> list[str]:
    """Return a list that each change of event entities goes to, or of those of ``platforms``: automations may run."""
    changed: list[str] = []
    registry = er.async_get(hass)
    watched = {
        entity.entity_id
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.domain in (platforms or ("event", "image"))
    }
    assert watched

    @callback
    def take(event: Event[EventStateChangedData]) -> None:
        changed.append(event.data["entity_id"])

    async_track_state_change_event(hass, watched, take)
    return changed
