"""Helpers for tests of the integration."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
import time
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntry, ConfigFlow
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.loader import async_get_integrations
import pytest

from custom_components.ip_intercom import PLATFORMS
from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, DOMAIN, EVENT_LOG
from custom_components.ip_intercom.flows import base
from custom_components.ip_intercom.model.features import System
from tests.simulators.two_n import Simulator

USERNAME = "ha"
PASSWORD = "ha-pass"
# Seconds to wait for a condition: longer than the longest poll interval.
PATIENCE = 400.0


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for a condition; the longer it takes, the less often it is checked."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < PATIENCE, f"still waiting for {what or condition}"
        await asyncio.sleep(max(0.01, waited / 16))


def user_input(
    address: str, username: str = USERNAME, password: str = PASSWORD, verify: bool = False
) -> dict[str, Any]:
    """Return the user input of the form that adds an intercom."""
    return {"host": address, "username": username, "password": password, "security": {"verify_ssl": verify}}


async def begin(hass: HomeAssistant, what: str = "device") -> Any:
    """Start a config flow, choose an item of its menu, and return the form."""
    # A running Home Assistant has loaded the manifests of its platforms; one by one, each takes a thread.
    await async_get_integrations(hass, PLATFORMS)
    menu: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert menu["type"] is FlowResultType.MENU, menu
    return await hass.config_entries.flow.async_configure(menu["flow_id"], {"next_step_id": what})


@contextmanager
def created_with(options: dict[str, Any]) -> Generator[None]:
    """Let config flows create their entries with options, so that these need no reload to be set."""
    create = ConfigFlow.async_create_entry

    def create_with(flow: ConfigFlow, **result: Any) -> Any:
        return create(flow, **result | {"options": {**result.get("options", {}), **options}})

    def close(hass: HomeAssistant, _: str, system: System) -> None:
        """Discard the system of the flow, which has no options."""
        hass.async_create_task(system.close())

    with ExitStack() as stack:
        if options:
            stack.enter_context(patch.object(ConfigFlow, "async_create_entry", create_with))
            stack.enter_context(patch.object(base, "async_hand_over", close))
        yield


async def enter(hass: HomeAssistant, data: dict[str, Any], what: str = "device") -> Any:
    """Start a config flow, submit its form, and return the result."""
    form = await begin(hass, what)
    return await hass.config_entries.flow.async_configure(form["flow_id"], data)


async def configure(hass: HomeAssistant, result: Any, data: dict[str, Any] | None) -> Any:
    """Submit the form of a flow result (None: show it again), and return the next result."""
    result = await hass.config_entries.flow.async_configure(result["flow_id"], data)
    await hass.async_block_till_done()
    return result


async def reopen(hass: HomeAssistant, entry: ConfigEntry, source: str) -> Any:
    """Start a reconfigure or reauth flow of an entry, and return the form."""
    return await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": source, "entry_id": entry.entry_id},
        data=dict(entry.data) if source == SOURCE_REAUTH else None,
    )


def suggested(result: Any) -> dict[str, Any]:
    """Return the suggested values of a form."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if "suggested_value" in (key.description or {})
    }


async def choose(hass: HomeAssistant, entry: ConfigEntry, options: dict[str, Any]) -> None:
    """Change the options of an entry, and reload it."""
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def webhook_of(entry: ConfigEntry, url: str) -> str:
    """Return the URL of the webhook of an entry."""
    await until(lambda: entry.data.get(CONF_PUSH_TOKEN), "the address for events")
    return f"{url}/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"


async def add_intercom(
    hass: HomeAssistant, sim: Simulator, *, address: str | None = None, secure: bool = False, username: str = USERNAME
) -> Any:
    """Add the simulated intercom through the config flow, and wait until its events are followed.

    TLS takes an eighth of the time of an entry, so it is for the tests that need it (``secure``).
    """
    if address is None:
        address = sim.https_address if secure else f"http://{sim.http_address}"
    result = await enter(hass, user_input(address, username))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry = result["result"]
    if entry.runtime_data.coordinator.description.pushes:
        await sim.wait_for_pull()
    return entry


def entity_id(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> str:
    """Return the entity id for the key in its unique id."""
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{entry.unique_id}_{key}")
    assert found is not None, f"no {platform} {key}"
    return found


def state_of(hass: HomeAssistant, entry: ConfigEntry, platform: str, key: str) -> str:
    """Return the state of an entity."""
    state = hass.states.get(entity_id(hass, entry, platform, key))
    assert state is not None
    return state.state


def assert_assumed_locked(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    """Assert that a lock is locked, with an assumed state."""
    state = hass.states.get(entity_id(hass, entry, "lock", key))
    assert state is not None
    assert (state.state, state.attributes.get("assumed_state")) == ("locked", True)


def capture_log_events(hass: HomeAssistant) -> list[Event]:
    """Return a list to which every log event on the bus is appended."""
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
    """Call an action of the integration for a device and return its response."""
    device_id = entry.runtime_data.coordinator.device_id
    return await act(hass, f"{DOMAIN}.{action}", response=True, device_id=device_id, **data)


async def refusal(hass: HomeAssistant, entry: ConfigEntry, action: str, **data: Any) -> str:
    """Call an action that fails, and return the translation key of the error."""
    with pytest.raises(HomeAssistantError) as failed:
        await command(hass, entry, action, **data)
    assert str(failed.value), "no message"
    return str(failed.value.translation_key)


def capture_changes(hass: HomeAssistant, entry: ConfigEntry, *platforms: str) -> list[str]:
    """Return a list to which the entity id of each state change is appended, of events and images or ``platforms``."""
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
