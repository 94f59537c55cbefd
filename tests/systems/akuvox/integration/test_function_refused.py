"""A single function of an Akuvox that fails at setup, or rejects the login that the others accept."""

import asyncio
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers import failures as refusals
from custom_components.ip_intercom.runtime import event_stream as push
from custom_components.ip_intercom.systems.akuvox import log, system
from tests.common import act, enter, entity_id, state_of, until, user_input
from tests.simulators.akuvox import Auth
from tests.simulators.common.faults import Fault

from .conftest import Start, add, address_of
from .test_log_fails import failing
from .test_rings import count_rings, following

# What is missing while a function refuses; the others cost no entity.
REFUSING = {
    "call/status": ("sensor", "call_state"),
    "calllog/get": None,
    "config/get": ("binary_sensor", "port_input_A"),
    "doorlog/get": ("event", "access"),
    "input/status": None,
    "relay/status": None,
    "system/status": None,
}


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry a rejected login at once."""
    monkeypatch.setattr(refusals, "RETRY_DELAY", 0.05)
    monkeypatch.setattr(refusals, "_SPAN", 0.0)
    monkeypatch.setattr(push, "_BACK_OFF", (0.05, 0.1))
    monkeypatch.setattr(log, "_MAX_FAILED_INTERVAL", 0.3)


def questions(hass: HomeAssistant) -> list[Any]:
    """Return the flows that ask for a password."""
    return list(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


def keys(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {entity.unique_id.removeprefix(f"{entry.unique_id}_") for entity in entities}


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.HANG, 0), (Fault.RESET, 0), (Fault.PAGE, 0), (Fault.DEEP, 0), (Fault.REFUSED, 0)]
    + [(Fault.STATUS, status) for status in (302, 401, 403, 404, 429, 500, 503)],
)
async def test_a_device_without_a_readable_name_is_named_by_its_model(
    hass: HomeAssistant, quick_device: Start, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int
) -> None:
    monkeypatch.setattr(system, "_NAME_PATIENCE", 0.2)
    sim = await quick_device()
    sim.fault("config/get", fault, status=status)
    monkeypatch.setattr("custom_components.ip_intercom.async_setup_entry", _not_now)
    result = await enter(hass, user_input(address_of(sim), "admin", "httpapi"))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    assert result["title"] == sim.dialect.model
    await asyncio.sleep(31)  # the connection of a flow without a setup is closed after half a minute


async def _not_now(*_: object) -> bool:
    return False


@pytest.mark.parametrize("function", REFUSING)
async def test_one_function_that_rejects_the_login_is_skipped(
    hass: HomeAssistant, quick_device: Start, function: str
) -> None:
    sim = await quick_device(auth=Auth.DIGEST)
    sim.fault(function, Fault.STATUS, status=401)
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    assert not questions(hass)
    assert function in entry.runtime_data.coordinator.description.unanswered
    if function != "relay/status":
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_A_door"))
        assert sim.relay_status()["A"]
    rings = count_rings(hass, entry)
    for source in ("call/status", "doorlog/get"):
        if source != function:
            await following(sim, source)
    assert sim.press()
    if function == "call/status":
        sim.call_ended()
    await until(rings, "the ring")
    sim.heal()
    await entry.runtime_data.coordinator.async_describe()
    assert not entry.runtime_data.coordinator.description.unanswered
    if (entity := REFUSING[function]) is not None:
        assert entity[1] in keys(hass, entry)
    assert not questions(hass)


async def test_functions_that_reject_the_login_start_no_reauth(hass: HomeAssistant, quick_device: Start) -> None:
    sim = await quick_device(auth=Auth.DIGEST)
    entry = await add(hass, sim)
    await following(sim)
    for function in ("doorlog/get", "input/status"):
        sim.fault(function, Fault.STATUS, status=401)
    for _ in range(3):
        await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: failing(hass, entry) == ["doorlog/get", "input/status"], "both to be missed")
    assert not questions(hass)
    assert state_of(hass, entry, "binary_sensor", "connectivity") == "on"
    rings = count_rings(hass, entry)
    assert sim.press()
    await until(rings, "the ring")


@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.DIGEST])
async def test_a_changed_password_starts_reauth(hass: HomeAssistant, quick_device: Start, auth: Auth) -> None:
    """One function has rejected the old password before."""
    sim = await quick_device(auth=auth)
    sim.fault("doorlog/get", Fault.STATUS, status=401)
    entry = await add(hass, sim)
    await following(sim)
    sim.change_password("other")
    await until(lambda: questions(hass), "the reauth")
    sim.change_password("httpapi")
    await until(lambda: not questions(hass), "the reauth to end")
    assert entry.state is ConfigEntryState.LOADED
