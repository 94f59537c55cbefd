"""Action URLs: written where no other system has one, read back, received, and removed again."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, DOMAIN
from custom_components.ip_intercom.systems.akuvox import events as event_sources, log
from tests.common import capture_log_events, entity_id, state_of, until
from tests.flooding import assert_withstands_flood
from tests.planted import EXTRA, SECRET, assert_shown_nowhere, log_every_line
from tests.simulators.akuvox import DIALECTS, Simulator
from tests.simulators.akuvox.envelope import Answer, ApiError, Call

from .conftest import Start, add, shows

SECTION = "Config.Features.ACTIONURL."
PUSHING = sorted(dialect for dialect in DIALECTS if DIALECTS[dialect].action_urls)
NEVER = (600.0, 600.0)


def urls(sim: Simulator) -> dict[str, str]:
    """Return the Action URLs that are set."""
    settings = {"Enable", "Method", "UserName", "Password"}
    return {
        key.removeprefix(SECTION): value
        for key, value in sim.config.values.items()
        if key.startswith(SECTION) and value and key.removeprefix(SECTION) not in settings
    }


def repairs(hass: HomeAssistant) -> set[str | None]:
    return {issue.translation_key for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN}


async def pushing(hass: HomeAssistant, sim: Simulator) -> ConfigEntry:
    """Add a device and wait until it is set up to push."""
    entry = await add(hass, sim, push=True)
    await until(lambda: sim.config[f"{SECTION}Enable"] == "1", "the Action URLs")
    await hass.async_block_till_done(wait_background_tasks=False)
    return entry


@pytest.mark.parametrize("dialect", PUSHING)
async def test_only_keys_that_exist_are_written(
    hass: HomeAssistant, device: Start, dialect: str, local_url: str
) -> None:
    sim = await device(dialect)
    before = dict(sim.config.values)
    entry = await pushing(hass, sim)
    token = entry.data[CONF_PUSH_TOKEN]
    set_up = urls(sim)
    assert set_up.keys() == set(DIALECTS[dialect].action_urls) - {
        "InputAlarm",
        "AlarmLog",
        "CallLog",
        "Card",
        "DoorLog",
    }
    for event, url in set_up.items():
        assert URL(url).with_query(None) == URL(f"{local_url}/api/webhook/{token}")
        assert URL(url).query["event"] == event
        assert "$code" not in url
        assert "$card_sn" not in url
        assert ("$" in url) is (event in {"MakeCall", "HangUp"})
    assert sim.config.values.keys() == before.keys()

    # Without the option, all is as it was.
    hass.config_entries.async_update_entry(entry, options={**entry.options, "push": False})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: sim.config[f"{SECTION}Enable"] == "0", "the removal of the Action URLs")
    assert sim.config.values == before
    await until(lambda: CONF_PUSH_TOKEN not in entry.data)


async def test_removing_the_entry_restores_the_action_urls(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim = await device("e16c")
    before = dict(sim.config.values)
    entry = await pushing(hass, sim)
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert sim.config.values == before


async def test_action_urls_left_on_an_unreachable_device_are_a_repair(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    await until(lambda: urls(sim), "the Action URLs")
    sim.lose_connection()
    assert await hass.config_entries.async_remove(entry.entry_id)
    (issue,) = (issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    assert (issue.translation_key, issue.is_persistent) == ("action_urls_left_behind", True)
    # The address is secret.
    assert entry.data[CONF_PUSH_TOKEN] not in str(issue)


async def test_an_action_url_of_another_system_is_kept_and_a_repair(
    hass: HomeAssistant, device: Start, local_url: str, hass_client: ClientSessionGenerator
) -> None:
    foreign = "http://192.168.1.9/ring?number=$remote"
    sim = await device("e16c", config={f"{SECTION}MakeCall": foreign, f"{SECTION}Enable": "1"})
    entry = await pushing(hass, sim)
    await until(lambda: "push_foreign" in repairs(hass), "the repair")
    assert urls(sim)["MakeCall"] == foreign
    assert entry.data[CONF_PUSH_TOKEN] in urls(sim)["HangUp"]
    (issue,) = (issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["name"] == "MakeCall"

    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert diagnostics["examined"]["pushes"]["MakeCall"] == "foreign"
    assert diagnostics["examined"]["pushes"]["HangUp"] == "ours"
    assert entry.data[CONF_PUSH_TOKEN] not in str(diagnostics)

    sim.configure(f"{SECTION}MakeCall", "")
    await entry.runtime_data.async_recheck()
    assert "push_foreign" not in repairs(hass)
    assert entry.data[CONF_PUSH_TOKEN] in urls(sim)["MakeCall"]

    # Theirs was on before, so it stays on.
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert not urls(sim)
    assert sim.config[f"{SECTION}Enable"] == "1"


async def test_action_urls_of_another_system_are_not_turned_on(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    """Turning Action URLs on would send those of the other system, too."""
    sim = await device("e16c", config={f"{SECTION}MakeCall": "http://192.168.1.9/ring"})
    await add(hass, sim, push=True)
    await until(lambda: "push_foreign" in repairs(hass), "the repair")
    assert sim.config[f"{SECTION}Enable"] == "0"


async def test_an_action_url_for_an_unused_event_belongs_to_another_system(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    foreign = {f"{SECTION}CallLog": "http://192.168.1.9/calls"}
    sim = await device("e16c", config=foreign)
    entry = await add(hass, sim, push=True)
    await until(lambda: "push_foreign" in repairs(hass), "the repair")
    (issue,) = (issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["name"] == "CallLog"
    assert sim.config[f"{SECTION}Enable"] == "0", "the pushes of another system stay disabled"

    # One that was entered while ours were on goes on working without ours.
    sim.configure(f"{SECTION}CallLog", "")
    await entry.runtime_data.async_recheck()
    assert sim.config[f"{SECTION}Enable"] == "1"
    sim.configure(f"{SECTION}CallLog", foreign[f"{SECTION}CallLog"])
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert set(urls(sim)) == {"CallLog"}
    assert sim.config[f"{SECTION}Enable"] == "1"


async def test_push_without_an_internal_url_is_a_repair(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    hass.config.internal_url = None
    hass.config.api = None
    hass.config_entries.async_update_entry(entry, options={**entry.options, "push": True})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: repairs(hass) == {"push_no_url"}, "the repair")
    assert not urls(sim)
    hass.config.internal_url = "http://192.168.1.5:8123"
    await entry.runtime_data.async_recheck()
    assert repairs(hass) == set()
    assert urls(sim)


def _all_begin(sim: Simulator, address: str) -> bool:
    return bool(urls(sim)) and all(url.startswith(f"{address}/") for url in urls(sim).values())


async def test_a_changed_address_of_home_assistant_is_entered_at_once(hass: HomeAssistant, device: Start) -> None:
    """The events of the device would be late until it is described again."""
    sim = await device("e16c")
    entry = await add(hass, sim)
    hass.config.internal_url = hass.config.api = None
    hass.config_entries.async_update_entry(entry, options={**entry.options, "push": True})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: repairs(hass) == {"push_no_url"}, "the repair")
    for address in ("http://192.168.1.5:8123", "http://192.168.1.6:8123"):
        await hass.config.async_update(internal_url=address)
        await until(partial(_all_begin, sim, address), "the address")
        await until(lambda: repairs(hass) == set(), "the end of the repair")
    await hass.config.async_update(location_name="Home")
    hass.config_entries.async_update_entry(entry, options={**entry.options, "push": False})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: not urls(sim), "the removal")
    await hass.config.async_update(internal_url="http://192.168.1.7:8123")
    await hass.async_block_till_done()
    assert not urls(sim)


@pytest.mark.parametrize(("scheme", "repair"), [("http", "push_unreachable"), ("https", "push_https")])
async def test_missing_pushes_are_a_repair(
    hass: HomeAssistant, device: Start, local_url: str, scheme: str, repair: str
) -> None:
    """Calls known from polls are no missing pushes; the first push clears the repair."""
    sim = await device("e16c")
    hass.config.internal_url = f"{scheme}://127.0.0.1:9"
    entry = await pushing(hass, sim)
    events = capture_log_events(hass)

    async def visit(n: int) -> None:
        assert sim.press()
        await until(lambda: state_of(hass, entry, "sensor", "call_state") != "idle", "the ring")
        sim.call_ended()
        await until(lambda: sum(event.data["type"] == "CallLog" for event in events) == n, "the record")

    await visit(1)
    assert repairs(hass) == set()
    await visit(2)
    await until(lambda: repairs(hass) == {repair}, "the repair")
    issues = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    assert entry.data[CONF_PUSH_TOKEN] not in str(issues), "every user may read repairs"
    hass.config.internal_url = local_url
    await entry.runtime_data.async_recheck()
    assert sim.press()
    await until(lambda: any(event.data["type"] == "MakeCall" for event in events), "the push")
    await until(lambda: repairs(hass) == set(), "the end of the repair")


async def test_pushes_alone_report_rings_and_accesses(hass: HomeAssistant, device: Start, local_url: str) -> None:
    """Without logs and the state of the call, pushes alone report accesses and rings."""
    sim = await device("e16c")
    for function in ("doorlog/get", "calllog/get", "call/status"):
        sim.withhold(function)
    sim.add_user(Name="Lucy", PrivatePIN="22224681")
    entry = await pushing(hass, sim)
    assert state_of(hass, entry, "event", "bell_call") == "unknown"
    assert state_of(hass, entry, "event", "access") == "unknown"
    sim.enter_code("9999")
    await until(lambda: state_of(hass, entry, "event", "access") != "unknown", "the access")
    assert state_of(hass, entry, "sensor", "last_access") != "unknown"
    assert sim.press()
    await until(lambda: state_of(hass, entry, "event", "bell_call") != "unknown", "the ring")


@pytest.mark.parametrize("dialect", PUSHING)
async def test_each_pushed_event_changes_its_entity(
    hass: HomeAssistant, device: Start, dialect: str, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the door log is polled: all other changes come from pushes."""
    for poller in ("_CALL_INTERVALS", "_CALL_LOG_INTERVALS"):
        monkeypatch.setattr(log, poller, NEVER)
    monkeypatch.setattr(event_sources, "_ALARM_DURATION", 0.5)
    sim = await device(
        dialect, config={"Config.DoorSetting.INPUT.InputABreakInIntrusion": "1"} if dialect != "a_series" else {}
    )
    sim.add_user(
        Name="Lucy", PrivatePIN="22224681", CardCode="99D78D72", **{DIALECTS[dialect].schedule_fields[0]: "1001-1"}
    )
    entry = await pushing(hass, sim)
    known = set(urls(sim))
    events = capture_log_events(hass)

    def event_types() -> set[str]:
        return {event.data["type"] for event in events}

    if dialect != "a_series":
        assert sim.press()
        await shows(hass, entry, "binary_sensor", "ringing", "on")
        sim.call_ended()
        await shows(hass, entry, "binary_sensor", "ringing", "off")
        sim.show_face("Lucy")
        sim.show_face()
        await until(lambda: {"ValidFaceRecognition", "InvalidFaceRecognition"} <= event_types())
    for relay in sim.relays.all.values():
        if f"Relay{relay.name}Triggered" not in known:
            continue
        lock = f"door_{relay.name}_door"
        sim.relays.close(relay)  # the face may have opened it
        sim.relays.open(relay, seconds=60)
        await shows(hass, entry, "lock", lock, "unlocked")
        sim.relays.close(relay)
        await shows(hass, entry, "lock", lock, "locked")
    for letter in sim.dialect.inputs:
        if f"Input{letter}Triggered" not in known:
            continue
        port = f"port_input_{letter}"
        sim.input(letter, closed=True)
        await shows(hass, entry, "binary_sensor", port, "on")
        sim.input(letter, closed=False)
        await shows(hass, entry, "binary_sensor", port, "off")
    for attempt in ("22224681", "9999"):
        sim.enter_code(attempt)
    for card in ("99D78D72", "00000000"):
        sim.swipe_card(card)
    await until(
        lambda: {"ValidCodeEntered", "InvalidCodeEntered", "ValidCardEntered", "InvalidCardEntered"} <= event_types()
    )
    if "AlarmTriggered" in known:
        sim.tamper()
        await shows(hass, entry, "binary_sensor", "alarm_tamper", "on")
        await shows(hass, entry, "binary_sensor", "alarm_tamper", "off")
    if "InputBreakIn" in known:
        sim.break_in("A")
        await shows(hass, entry, "binary_sensor", "alarm_door_forced", "on")
        await shows(hass, entry, "binary_sensor", "alarm_door_forced", "off")
    assert event_types() >= known
    assert "22224681" not in str([event.data for event in events])
    assert "99D78D72" not in str([event.data for event in events])


async def test_a_pushed_alarm_survives_a_reload_and_ends(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    sim.tamper()
    await shows(hass, entry, "binary_sensor", "alarm_tamper", "on")
    await hass.config_entries.async_unload(entry.entry_id)
    monkeypatch.setattr(event_sources, "_ALARM_DURATION", 1.0)
    await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(hass, entry, "binary_sensor", "alarm_tamper") == "on"
    await shows(hass, entry, "binary_sensor", "alarm_tamper", "off")
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert state_of(hass, entry, "binary_sensor", "alarm_tamper") == "off"


ALARM_KEYS = {
    "AlarmDoorOpenedTimeoutA": "door_held_open",
    "AlarmDoorOpenedTimeoutB": "door_held_open",
    "DoorOpenTimeout1": "door_held_open",
    "SuspiciousObjectMovementDetection": "motion",
    "SuspiciousObjectMovement": "motion",
    "SuspiciousMovement": "motion",
    "MotionDetection": "motion",
    "TamperAlarmTriggered": "tamper",
    "BreakInAlarmA": "door_forced",
    "DPS1BreakInAlarm": "door_forced",
    "AUXIN4BreakInAlarm": "door_forced",
}


async def test_every_alarm_of_the_official_list(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each spelling of the key is tested; without the key the alarm does not exist."""
    monkeypatch.setattr(event_sources, "_ALARM_DURATION", 0.3)
    sim = await device("r29", action_urls=ALARM_KEYS)
    entry = await pushing(hass, sim)
    assert urls(sim).keys() >= ALARM_KEYS.keys()
    for key, alarm in ALARM_KEYS.items():
        sim.action_urls.fire(key)
        await shows(hass, entry, "binary_sensor", f"alarm_{alarm}", "on")
        await shows(hass, entry, "binary_sensor", f"alarm_{alarm}", "off")


async def test_an_alarm_without_its_key_is_not_an_alarm_of_the_device(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device("r29")
    entry = await pushing(hass, sim)
    assert {alarm.value for alarm in entry.runtime_data.coordinator.data.alarms} == {"door_forced"}


async def test_a_push_may_be_a_post_request(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim = await device("r29", config={f"{SECTION}Method": "1"})
    entry = await pushing(hass, sim)
    events = capture_log_events(hass)
    assert sim.press()
    await until(lambda: events, "the push")
    assert (events[0].data["type"], events[0].data["data"]) == ("MakeCall", {"remote": "192.168.1.20"})
    await until(lambda: sim.action_urls.sent, "the answer to the push")
    assert sim.action_urls.sent[-1].method == "POST"
    assert state_of(hass, entry, "binary_sensor", "ringing") == "on"


async def test_invalid_pushes_change_nothing(
    hass: HomeAssistant, device: Start, local_url: str, hass_client_no_auth: ClientSessionGenerator
) -> None:
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    events = capture_log_events(hass)
    client = await hass_client_no_auth()
    path = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    before = entry.runtime_data.coordinator.data
    for query in ("", "?event=", "?event=Reboot", "?event=RelayZTriggered", "?remote=5"):
        assert (await client.get(path + query)).status == HTTPStatus.OK
    for body in (b"\xff\xfe", b"event=Enable", b"{" * 100_000):
        assert (await client.post(path, data=body)).status == HTTPStatus.OK
    assert (await client.get("/api/webhook/guess?event=MakeCall")).status == HTTPStatus.OK
    assert not events
    assert entry.runtime_data.coordinator.data == before

    # What the device does not know stays as it is written; a number that is none is none.
    assert (await client.get(f"{path}?event=MakeCall&remote=$remote")).status == HTTPStatus.OK
    await until(lambda: events, "the event")
    assert events[0].data["data"] == {}


async def test_lost_action_urls_are_written_again(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    set_up = urls(sim)
    for event in set_up:
        sim.configure(SECTION + event, "")
    await entry.runtime_data.coordinator.async_describe()
    assert urls(sim) == set_up


async def test_subscribing_after_an_unload_keeps_the_action_urls(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    before, set_up = dict(entry.data), urls(sim)
    address = entry.runtime_data.push_address
    assert await hass.config_entries.async_unload(entry.entry_id)
    await address.async_subscribe()
    assert urls(sim) == set_up
    assert dict(entry.data) == before


async def test_action_urls_are_kept_while_the_configuration_is_missing(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    """A starting device may lack its configuration: present Action URLs are kept and used later."""
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    set_up = urls(sim)
    sim.withhold("config/get")
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.runtime_data.coordinator.features.push is None
    sim.withhold("config/get", False)
    await entry.runtime_data.coordinator.async_describe()
    assert urls(sim) == set_up
    events = capture_log_events(hass)
    assert sim.press()
    await until(lambda: any(event.data["type"] == "MakeCall" for event in events), "the push")


async def test_action_urls_without_variables_are_not_rewritten(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    """The hourly check writes no Action URL that is present."""
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    address, token = f"{local_url}/api/webhook/{entry.data[CONF_PUSH_TOKEN]}", entry.data[CONF_PUSH_TOKEN]
    for event in ("MakeCall", "HangUp"):
        sim.configure(SECTION + event, f"{address}?event={event}")
    sim.clear_requests()
    missing = await entry.runtime_data.coordinator.features.push.subscribe(address, token)
    assert missing == frozenset()
    assert not [request for request in sim.requests if request.function == "config/set"]
    assert urls(sim)["MakeCall"] == f"{address}?event=MakeCall"


async def test_a_late_record_of_a_pushed_access_is_no_second_access(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = await device("e16c")
    sim.add_user(Name="Lucy", PrivatePIN="22224681")
    entry = await pushing(hass, sim)
    events = capture_log_events(hass)
    decided: list[str] = []

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        decided.append(event.data["new_state"].attributes["event_type"] if event.data["new_state"] else "")

    async_track_state_change_event(hass, entity_id(hass, entry, "event", "access"), changed)

    def event_types() -> list[str]:
        return [event.data["type"] for event in events]

    handlers = sim.pipeline._handlers
    get = handlers["doorlog/get"]

    def busy(_: Call) -> Answer:
        raise ApiError(-1, "Internal error")

    sim.clear_requests()
    await until(lambda: any(request.function == "doorlog/get" for request in sim.requests), "a poll")
    monkeypatch.setitem(handlers, "doorlog/get", busy)
    sim.enter_code("22224681")
    await until(lambda: "AccessUnrecorded" in event_types(), "the end of the delay")
    monkeypatch.setitem(handlers, "doorlog/get", get)
    await until(lambda: "DoorLog" in event_types(), "the record")
    assert decided == ["granted"]
    sim.enter_code("9999")
    await until(lambda: len(decided) == 2, "the next one")
    assert decided == ["granted", "denied"]


async def test_removal_writes_nothing_to_another_device_at_the_address(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    """Another device has the address of the removed entry."""
    sim, stranger = await device("e16c"), await device("r29", config={f"{SECTION}Enable": "1"})
    entry = await pushing(hass, sim)
    before = dict(stranger.config.values)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "url": f"https://{stranger.https_address}", "fingerprint": None}
    )
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert any(request.function == "system/info" for request in stranger.requests)
    assert stranger.config.values == before
    assert "action_urls_left_behind" in repairs(hass)


async def test_a_flood_of_pushes_is_dropped_but_a_ring_is_not(
    hass: HomeAssistant, device: Start, local_url: str, hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    await assert_withstands_flood(
        hass, entry, local_url, hass_client, caplog, record_property,
        kind="InputATriggered", query="?event=InputATriggered&n={n}", ring=sim.press, bell="bell_call",
    )  # fmt: skip


async def test_no_output_contains_secrets_of_pushes_and_logs(
    hass: HomeAssistant, device: Start, local_url: str, hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    sim = await device("e16c")
    entry = await pushing(hass, sim)
    log_every_line(caplog)
    events = capture_log_events(hass)
    client = await hass_client_no_auth()
    planted = {key: str(value) for key, value in EXTRA.items()} | {"card_sn": SECRET, "remote": SECRET, "mac": SECRET}
    pushed = [*sorted(urls(sim)), "SomethingNew", SECRET]
    for event in pushed:
        path = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
        assert (await client.get(path, params={"event": event, **planted})).status == HTTPStatus.OK
        assert (await client.post(path, data={"event": event, **planted})).status == HTTPStatus.OK
    sim.enter_code(SECRET)
    await until(lambda: any(event.data["type"] == "DoorLog" for event in events), "the record")
    assert {event.data["type"] for event in events} >= {"MakeCall", "InputATriggered"}
    await assert_shown_nowhere(hass, entry, events, caplog, hass_client)
