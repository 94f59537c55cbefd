"""The directory: create, find, change, delete, and errors with the reason of the device."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from tests.common import USERNAME, act, add_intercom, entity_id, until
from tests.simulators.two_n import Privilege, Simulator


@pytest.fixture
def device(entry: ConfigEntry) -> str:
    """The intercom's id in the device registry."""
    device_id: str = entry.runtime_data.coordinator.device_id
    return device_id


async def directory(hass: HomeAssistant, name: str, device: str, **data: Any) -> Any:
    return await act(hass, f"ip_intercom.directory_{name}", response=True, device_id=device, **data)


async def test_an_entry_is_created_found_changed_and_deleted(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    new = {"name": "Žofie", "email": "", "treepath": "/", "access": {"pin": 4711, "validFrom": 1795000000}}
    created = await directory(hass, "create", device, entries=[new])
    uuid = created["entries"][0]["uuid"]
    assert sim.directory[uuid]["access"]["pin"] == "4711"

    found = await directory(hass, "query", device)
    assert "Žofie" in {entry.get("name") for entry in found["entries"]}
    assert found["complete"] is True
    since = await directory(hass, "query", device, since=created["entries"][0]["timestamp"], series=found["series"])
    assert [entry["uuid"] for entry in since["entries"]] == [uuid]

    await directory(hass, "update", device, entries=[{"uuid": uuid, "name": "Zoe", "treepath": ""}])
    got = await directory(hass, "get", device, uuids=[uuid], fields=["name"])
    assert got["entries"][0]["name"] == "Zoe"

    deleted = await directory(hass, "delete", device, uuids=[uuid])
    assert deleted["entries"][0]["uuid"] == uuid
    got = await directory(hass, "get", device, uuids=[uuid], fields=["name"])
    assert not got["entries"][0].get("name")


async def test_each_invalid_directory_entry_has_its_own_errors(
    hass: HomeAssistant, sim: Simulator, device: str
) -> None:
    answer = await directory(
        hass,
        "create",
        device,
        entries=[{"name": "Good"}, {"name": "Bad", "email": "nonsense", "albert": "einstein"}],
    )
    good, bad = answer["entries"]
    assert good["uuid"]
    assert {"code": "EDIR_FIELD_VALUE_ERROR", "field": "email"} in bad["errors"]
    assert {"code": "EDIR_FIELD_NAME_UNKNOWN", "field": "albert"} in bad["errors"]


async def test_an_error_lists_the_reasons_if_all_entries_are_rejected(
    hass: HomeAssistant, sim: Simulator, device: str
) -> None:
    before = await directory(hass, "query", device)
    with pytest.raises(ServiceValidationError, match=r"1: EDIR_FIELD_VALUE_ERROR access\.pin"):
        await directory(hass, "create", device, entries=[{"name": "Bad", "access": {"pin": "x"}}])
    assert await directory(hass, "query", device) == before
    with pytest.raises(ServiceValidationError, match="EDIR_UUID_DOES_NOT_EXIST"):
        await directory(hass, "update", device, entries=[{"uuid": "76543210-68FF-18CA-3210-FEDCBA987654"}])


async def test_secrets_are_returned_only_if_requested_by_field(
    hass: HomeAssistant, sim: Simulator, device: str
) -> None:
    uuid = sim.directory["Alice Gruberová"]["uuid"]
    everything = await directory(hass, "get", device, uuids=[uuid])
    assert "1234" not in str(everything)
    assert "4BD9E903" not in str(everything)
    asked = await directory(hass, "get", device, uuids=[uuid], fields=["access.pin"])
    assert asked["entries"][0]["access"]["pin"] == "1234"


async def test_entries_of_an_owner_are_deleted_together(hass: HomeAssistant, sim: Simulator, device: str) -> None:
    await directory(hass, "create", device, entries=[{"name": "A", "owner": "x"}, {"name": "B", "owner": "x"}])
    deleted = await directory(hass, "delete", device, owner="x")
    assert len(deleted["entries"]) == 2


async def test_the_error_names_the_missing_privilege(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    entry = await add_intercom(hass, sim)
    with pytest.raises(ServiceValidationError, match="select System - Control"):
        await directory(hass, "query", entry.runtime_data.coordinator.device_id)


async def test_the_directory_is_for_administrators(
    hass: HomeAssistant, sim: Simulator, device: str, hass_read_only_user: MockUser
) -> None:
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            "ip_intercom",
            "directory_query",
            {"device_id": device},
            blocking=True,
            return_response=True,
            context=Context(user_id=hass_read_only_user.id),
        )


async def test_a_new_name_reaches_the_bells(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert er.async_get(hass).async_get_entity_id("event", "ip_intercom", f"{entry.unique_id}_bell_5") is None
    await directory(hass, "create", device, entries=[{"name": "Fifth", "buttons": "5"}])
    await until(
        lambda: er.async_get(hass).async_get_entity_id("event", "ip_intercom", f"{entry.unique_id}_bell_5") is not None
    )
    state = hass.states.get(entity_id(hass, entry, "event", "bell_5"))
    await until(lambda: hass.states.get(entity_id(hass, entry, "event", "bell_5")) is not None)
    state = hass.states.get(entity_id(hass, entry, "event", "bell_5"))
    assert state is not None
    assert state.name == "Front Gate Doorbell Fifth"
