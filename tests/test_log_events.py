"""Every record of the device log is a bus event without secrets; accesses have entities."""

import json
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.json import JSONEncoder
import pytest
from pytest_homeassistant_custom_component.common import mock_restore_cache_with_extra_data
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.api_docs import read
from tests.common import add_intercom, capture_changes, capture_log_events, entity_id, state_of, until
from tests.simulators.two_n import Simulator

PIN, CARD = "1234", "4BD9E903"
# Of no one; no time, port or id contains them by chance: ids have no U.
SECRET_PIN, SECRET_CARD = "90817263", "4BD9UUUU"


async def reload_with(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, **options: bool) -> None:
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()


async def test_a_record_becomes_a_bus_event(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    events = capture_log_events(hass)
    number = sim.emit("InputChanged", port="input1", state=True)
    await until(lambda: events)
    data = dict(events[0].data)
    time = data.pop("time")
    record = sim.log.history[-1]
    boot = str(record.utc - record.uptime)
    assert data == {
        "device_id": entry.runtime_data.coordinator.device_id,
        "type": "InputChanged",
        "late": False,
        "id": f"{boot}-{number}",
        "boot": boot,
        "sequence": number,
        "data": {"port": "input1", "state": True},
    }
    assert time.endswith("+00:00")
    json.dumps(data, cls=JSONEncoder)


async def test_unknown_fields_of_an_event_are_dropped(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    events = capture_log_events(hass)
    sim.emit("UserActionActivated", id=3, state="in", odd={"pin": PIN, "more": [1]})
    await until(lambda: events)
    assert events[0].data["data"] == {"id": 3, "state": "in"}


async def test_no_output_contains_secrets_of_events(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture,
    local_url: str, hass_client: ClientSessionGenerator,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    secret = "Tr0ub4dor7291"
    odd = dict.fromkeys(("note", "pin", "code", "uid", "authid", "licensePlate", "key", "password", "card"), secret)
    events = capture_log_events(hass)
    sim.log._supported = (*tuple(event["type"] for event in read("two_n_api.json")["events"]), "SomethingNew")
    sim.emit("CapabilitiesChanged")  # it has learnt them all
    await until(lambda: any(event.data["type"] == "CapabilitiesChanged" for event in events), "the change")
    await sim.wait_for_pull()
    for event in [*read("two_n_api.json")["events"], {"type": "SomethingNew", "params": {"where": "x"}}]:
        if event["type"] not in {"CapabilitiesChanged", "ConfigurationChanged", "DeviceState", "HardwareChanged"}:
            planted = {name: secret if isinstance(value, str) else value for name, value in event["params"].items()}
            texts = {name: event["params"][name] for name in ("name", "peer") if name in event["params"]}
            sim.emit(event["type"], **odd | planted | texts)
    sim.emit("VirtualInput", port="9", state=True)
    await until(lambda: any(event.data["data"].get("port") == "9" for event in events), "the last one")
    await hass.async_block_till_done()
    assert secret not in str([event.data for event in events])
    assert secret not in str([(state.state, state.attributes) for state in hass.states.async_all()])
    assert secret not in str(await get_diagnostics_for_config_entry(hass, hass_client, entry))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("custom_components")]
    assert ours
    assert secret not in "".join(ours)


async def test_codes_cards_and_keypad_digits_are_redacted(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    events = capture_log_events(hass)
    for digit in SECRET_PIN:
        sim.press(digit)
        sim.release(digit)
    sim.enter_code(SECRET_PIN)
    sim.swipe_card(SECRET_CARD)
    sim.emit("DtmfEntered", code=SECRET_PIN, type="user", call=1, valid=True)
    sim.emit("MobKeyEntered", ap=0, session=1, authid="48c48155eed7ea1dbb0b4d534b7459b9", valid=True)
    sim.emit("LicensePlateRecognized", ap=0, valid=True, licensePlate="1A23456")
    await until(lambda: any(event.data["type"] == "LicensePlateRecognized" for event in events))
    await hass.async_block_till_done()
    told = [str(event.data) for event in events]
    told += [str(state.as_dict()) for state in hass.states.async_all()]
    told.append(caplog.text)
    for secret in (SECRET_PIN, SECRET_CARD, SECRET_CARD[-4:], "48c48155", "1A23456", "ha-pass"):
        assert not any(secret in text for text in told), secret
    keys = [event.data["data"]["key"] for event in events if event.data["type"] == "KeyPressed"]
    assert set(keys) == {"**REDACTED**", "#"}
    assert keys.count("**REDACTED**") == 2 * len(SECRET_PIN)


async def test_the_option_shows_the_end_of_a_card_number(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await reload_with(hass, sim, entry, show_cards=True)
    events = capture_log_events(hass)
    sim.swipe_card(CARD)
    await until(lambda: any(event.data["type"] == "CardEntered" for event in events))
    card = next(event for event in events if event.data["type"] == "CardEntered")
    assert card.data["data"]["uid"] == "…E903"


async def test_a_known_card_fires_an_access_granted_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.swipe_card(CARD)
    access = entity_id(hass, entry, "event", "access")
    await until(lambda: state_of(hass, entry, "event", "access") != "unknown")
    state = hass.states.get(access)
    assert state is not None
    assert state.attributes["event_type"] == "granted"
    assert state.attributes["name"] == "Alice Gruberová"
    last = hass.states.get(entity_id(hass, entry, "sensor", "last_access"))
    assert last is not None
    assert last.attributes["granted"] is True


async def test_an_unknown_card_fires_an_access_denied_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.swipe_card("FFFFFFFF")
    await until(lambda: state_of(hass, entry, "event", "access") != "unknown")
    state = hass.states.get(entity_id(hass, entry, "event", "access"))
    assert state is not None
    assert state.attributes["event_type"] == "denied"
    assert state.attributes["reason"] == "invalidCredential"


async def test_an_unknown_card_without_a_rejection_is_a_denied_access(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """HTTP API 5.10.4: an unknown finger has its own event."""
    sim.rejects_unknown = False
    changed = capture_changes(hass, entry)
    access = entity_id(hass, entry, "event", "access")
    sim.swipe_card("FFFFFFFF")
    await until(lambda: changed == [access])
    state = hass.states.get(access)
    assert state is not None
    assert (state.attributes["event_type"], state.attributes["method"]) == ("denied", "card")
    # A decision that comes too late is no second event.
    events = capture_log_events(hass)
    sim.emit("UserRejected", ap=0, session=1, reason="invalidCredential")
    sim.swipe_card(CARD)
    await until(lambda: len(changed) > 1)
    assert [event.data["type"] for event in events][:2] == ["UserRejected", "CardEntered"]
    assert changed == [access, access]
    assert state_of(hass, entry, "event", "access") != state.state


async def test_a_universal_code_fires_an_access_granted_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.enter_code("00", valid=True)
    access = entity_id(hass, entry, "event", "access")
    await until(lambda: state_of(hass, entry, "event", "access") != "unknown")
    state = hass.states.get(access)
    assert state is not None
    assert (state.attributes["event_type"], state.attributes["method"]) == ("granted", "code")


async def test_a_valid_card_of_old_firmware_is_an_access(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("vario") as sim:
        entry = await add_intercom(hass, sim)
        sim.swipe_card(CARD, valid=True)
        await until(lambda: state_of(hass, entry, "event", "access") != "unknown")
        state = hass.states.get(entity_id(hass, entry, "event", "access"))
        assert state is not None
        assert state.attributes["event_type"] == "granted"
        assert state.attributes["method"] == "card"


async def test_names_are_redacted_without_the_option(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await reload_with(hass, sim, entry, show_names=False)
    events = capture_log_events(hass)
    sim.swipe_card(CARD)
    await until(lambda: any(event.data["type"] == "UserAuthenticated" for event in events))
    user = next(event for event in events if event.data["type"] == "UserAuthenticated")
    assert user.data["data"]["name"] == "**REDACTED**"
    state = hass.states.get(entity_id(hass, entry, "event", "access"))
    assert state is not None
    assert state.attributes["name"] is None


async def test_the_last_access_outlives_a_restart(hass: HomeAssistant, sim: Simulator) -> None:
    before = State("sensor.front_gate_last_access", "2026-11-20T08:00:00+00:00", {"name": "Alice", "granted": True})
    native = {"native_value": {"__type": "<class 'datetime.datetime'>", "isoformat": "2026-11-20T08:00:00+00:00"}}
    mock_restore_cache_with_extra_data(hass, [(before, {**native, "native_unit_of_measurement": None})])
    entry = await add_intercom(hass, sim)
    state = hass.states.get(entity_id(hass, entry, "sensor", "last_access"))
    assert state is not None
    assert state.state == "2026-11-20T08:00:00+00:00"
    assert state.attributes["name"] == "Alice"
