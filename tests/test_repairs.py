"""Missing privileges and services are repairs that say what to enable, and end when it is enabled (HTTP API 5.10.2)."""

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from tests.common import USERNAME, add_intercom, capture_log_events, until
from tests.simulators.two_n import Privilege, Service, Simulator


def lacking(hass: HomeAssistant) -> dict[str, str]:
    """Return the names in the open repairs, by their translation key."""
    issues = ir.async_get(hass).issues.values()
    return {
        str((issue.translation_placeholders or {}).get("name")): str(issue.translation_key)
        for issue in issues
        if issue.domain == DOMAIN and issue.active
    }


async def test_an_account_with_all_privileges_has_no_repair(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert lacking(hass) == {}


@pytest.mark.parametrize(
    ("service", "named"),
    [
        (Service.LOGGING, "Logging API"),
        (Service.SWITCH, "Switch API"),
        (Service.IO, "I/O API"),
        (Service.PHONE, "Phone/Call API"),
        (Service.CAMERA, "Camera API"),
    ],
)
async def test_a_disabled_service_is_a_repair_until_it_is_enabled(
    hass: HomeAssistant, sim: Simulator, service: Service, named: str
) -> None:
    sim.disable(service)
    entry = await add_intercom(hass, sim)
    assert lacking(hass) == {named: "service_missing"}
    sim.enable(service)
    await entry.runtime_data.coordinator.async_describe()
    assert lacking(hass) == {}


@pytest.mark.parametrize(
    ("privilege", "named"),
    [
        (Privilege.IO_MONITORING, "Inputs and outputs – Monitoring"),
        (Privilege.PHONE_MONITORING, "Phone/Calls – Monitoring"),
        (Privilege.CAMERA_MONITORING, "Camera – Monitoring"),
        (Privilege.SWITCH_MONITORING | Privilege.SWITCH_CONTROL, "Switches – Monitoring"),
    ],
)
async def test_a_missing_privilege_found_by_a_request_is_a_repair(
    hass: HomeAssistant, sim: Simulator, privilege: Privilege, named: str
) -> None:
    sim.revoke(USERNAME, privilege)
    entry = await add_intercom(hass, sim)
    assert lacking(hass) == {named: "privilege_missing"}
    sim.grant(USERNAME, privilege)
    await entry.runtime_data.coordinator.async_describe()
    assert lacking(hass) == {}


async def test_a_needed_service_over_https_only_is_a_repair(hass: HomeAssistant, sim: Simulator) -> None:
    sim.require_tls(Service.DISPLAY)
    sim.require_tls(Service.ACCESS_CONTROL)
    await add_intercom(hass, sim, address=sim.http_address)
    assert lacking(hass) == {}  # Home Assistant can do without these
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    sim.require_tls(Service.IO)
    await entry.runtime_data.coordinator.async_describe()
    assert lacking(hass) == {"I/O API": "https_missing"}


async def test_missing_control_privileges_are_no_repair(hass: HomeAssistant, sim: Simulator) -> None:
    for privilege in (
        Privilege.SWITCH_CONTROL,
        Privilege.SYSTEM_CONTROL,
        Privilege.SYSTEM_MONITORING,
        Privilege.ACCESS_CONTROL,
        Privilege.ACCESS_MONITORING,
        Privilege.DISPLAY_CONTROL,
    ):
        sim.revoke(USERNAME, privilege)
    await add_intercom(hass, sim)
    assert lacking(hass) == {}


async def first_of(hass: HomeAssistant, sim: Simulator) -> list[Event]:
    """Return the list of events on the bus once the first one arrived, from which ids are counted."""
    events = capture_log_events(hass)
    sim.emit("UserActionActivated", id=1, state="in")
    await until(lambda: events)
    return events


async def without_keypad(hass: HomeAssistant, sim: Simulator) -> ConfigEntry:
    """Add an intercom whose calls show that its keypad is not reported."""
    sim.revoke(USERNAME, Privilege.KEYPAD_MONITORING)
    entry: ConfigEntry = await add_intercom(hass, sim)
    events = await first_of(hass, sim)
    for _ in range(2):
        events.clear()
        session = sim.press("%1")
        assert session is not None
        sim.terminate(session)
        await until(lambda: any(e.data["data"].get("state") == "terminated" for e in events))
    await until(lambda: lacking(hass) == {"Keypad – Monitoring": "privilege_missing"})
    return entry


async def test_a_press_deletes_the_repair_of_the_keypad_privilege(hass: HomeAssistant, sim: Simulator) -> None:
    await without_keypad(hass, sim)
    sim.grant(USERNAME, Privilege.KEYPAD_MONITORING)
    sim.press("%1")
    await until(lambda: lacking(hass) == {})


async def test_two_accesses_without_a_card_event_are_a_repair(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.UID_MONITORING)
    await add_intercom(hass, sim)
    events = await first_of(hass, sim)
    card = next(entry["access"]["card"][0] for entry in sim.directory if entry["access"]["card"])
    sim.swipe_card(card)
    await until(lambda: any(event.data["type"] == "UserAuthenticated" for event in events))
    assert lacking(hass) == {}, "one missing id is not enough"
    sim.swipe_card(card)
    await until(lambda: list(lacking(hass)) == ["UID (Cards & Wiegand) – Monitoring"])
    sim.grant(USERNAME, Privilege.UID_MONITORING)
    sim.swipe_card(card)
    await until(lambda: lacking(hass) == {})


async def test_two_state_changes_without_an_event_are_a_repair(hass: HomeAssistant, sim: Simulator) -> None:
    # Reading needs no account here, but the log has one, and that may not see ports.
    sim.set_auth(Service.IO, "none")
    sim.revoke(USERNAME, Privilege.IO_MONITORING)
    entry = await add_intercom(hass, sim)
    assert lacking(hass) == {}
    for state in (True, False):
        sim.set_input("input1", state)
        await entry.runtime_data.coordinator.async_refresh()
        await hass.async_block_till_done(wait_background_tasks=False)
        await until(lambda: not entry.runtime_data.coordinator.timers)
    await until(lambda: lacking(hass) == {"Inputs and outputs – Monitoring": "privilege_missing"})
    sim.grant(USERNAME, Privilege.IO_MONITORING)
    sim.set_input("input1", True)
    await until(lambda: lacking(hass) == {})


async def test_states_without_an_event_in_firmware_are_no_repair(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [name for name in sim.log._supported if name not in {"OutputChanged", "SwitchStateChanged"}]
    monkeypatch.setattr(sim.log, "_supported", tuple(known))
    entry = await add_intercom(hass, sim)
    for state in (True, False):
        sim.switches[1].active = state
        await entry.runtime_data.coordinator.async_refresh()
        await until(lambda: not entry.runtime_data.coordinator.timers)
    assert lacking(hass) == {}


async def test_the_repair_checks_that_the_privilege_is_granted(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, REPAIRS, {})
    sim.revoke(USERNAME, Privilege.IO_MONITORING)
    await add_intercom(hass, sim)
    issue = next(issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    client = await hass_client()
    form = await (
        await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    ).json()
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {"device": "Front Gate", "name": "Inputs and outputs – Monitoring"}
    url = f"/api/repairs/issues/fix/{form['flow_id']}"
    still = await (await client.post(url, json={})).json()
    assert still["errors"] == {"base": "still_missing"}
    sim.grant(USERNAME, Privilege.IO_MONITORING)
    done = await (await client.post(url, json={})).json()
    assert done["type"] == "create_entry"
    assert lacking(hass) == {}


async def test_the_repair_ends_although_the_entry_was_not_loaded(
    hass: HomeAssistant, sim: Simulator, hass_client: ClientSessionGenerator
) -> None:
    """The device was off for a while; the entry loads from what is stored about it."""
    assert await async_setup_component(hass, REPAIRS, {})
    sim.disable(Service.CAMERA)
    entry = await add_intercom(hass, sim)
    issue = next(issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    client = await hass_client()
    form = await (
        await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    ).json()
    url = f"/api/repairs/issues/fix/{form['flow_id']}"
    sim.lose_connection()
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    still = await (await client.post(url, json={})).json()
    assert still["errors"] == {"base": "still_missing"}
    await sim.restore_connection()
    sim.enable(Service.CAMERA)
    done = await (await client.post(url, json={})).json()
    assert done["type"] == "create_entry"
    assert lacking(hass) == {}


async def test_a_repair_shows_the_new_name_of_an_entry(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.CAMERA)
    entry = await add_intercom(hass, sim)
    [issue] = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    ir.async_ignore_issue(hass, DOMAIN, issue.issue_id, True)
    hass.config_entries.async_update_entry(entry, title="Garden")
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    [renamed] = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    assert renamed.translation_placeholders == {"device": "Garden", "name": "Camera API"}
    assert renamed.dismissed_version is not None


async def test_the_repair_stays_while_the_device_is_unreachable(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await without_keypad(hass, sim)
    await sim.stop()
    await entry.runtime_data.async_recheck()
    assert lacking(hass) == {"Keypad – Monitoring": "privilege_missing"}


async def test_repairs_are_deleted_with_the_entry(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.CAMERA)
    entry = await add_intercom(hass, sim)
    assert lacking(hass)
    await hass.config_entries.async_reload(entry.entry_id)
    assert lacking(hass) == {"Camera API": "service_missing"}
    await hass.config_entries.async_remove(entry.entry_id)
    assert lacking(hass) == {}


@pytest.mark.parametrize("reachable", [True, False])
async def test_a_disabled_entry_has_no_repairs(hass: HomeAssistant, sim: Simulator, reachable: bool) -> None:
    """They are found again when it is enabled."""
    sim.disable(Service.CAMERA)
    entry = await add_intercom(hass, sim)
    if not reachable:
        await sim.stop()
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
    assert lacking(hass)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    assert lacking(hass) == {}
    if reachable:
        await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
        await until(lambda: lacking(hass) == {"Camera API": "service_missing"}, "the repair")


async def test_an_ignored_repair_stays_ignored_while_the_entry_is_disabled(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.CAMERA)
    entry = await add_intercom(hass, sim)
    issue = next(issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    ir.async_ignore_issue(hass, DOMAIN, issue.issue_id, True)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    kept = ir.async_get(hass).async_get_issue(DOMAIN, issue.issue_id)
    assert kept is not None and kept.dismissed_version is not None


async def test_an_ignored_repair_stays_ignored_over_a_reload(hass: HomeAssistant, sim: Simulator) -> None:
    sim.disable(Service.CAMERA)
    entry = await add_intercom(hass, sim)
    issue = next(issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    ir.async_ignore_issue(hass, DOMAIN, issue.issue_id, True)
    await hass.config_entries.async_reload(entry.entry_id)
    kept = ir.async_get(hass).async_get_issue(DOMAIN, issue.issue_id)
    assert kept is not None and kept.dismissed_version is not None
