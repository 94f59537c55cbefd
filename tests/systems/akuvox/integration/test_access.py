"""Accesses from the door log and from pushes, each reported once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.systems.akuvox import log
from tests.common import capture_log_events, command, entity_id, state_of, until
from tests.simulators.akuvox import LogForm, Positions, Simulator

from .conftest import Start, add

WITH_DOOR_LOG = ("a_series", "e18", "e16c", "r29")
PIN, CARD = "28374650", "99D78D72"


def lucy(sim: Simulator) -> None:
    """Let the user Lucy enter a valid code at the first door."""
    sim.add_user(Name="Lucy", PrivatePIN=PIN, CardCode=CARD, **{sim.dialect.schedule_fields[0]: "1001-1"})


def decisions(events: list[Event[Any]]) -> list[tuple[Any, ...]]:
    """Return the decisions in the records of the door log."""
    told = [event.data["data"] for event in events if event.data["type"] == "DoorLog"]
    return [(data["granted"], data["name"], data["method"], data["doors"]) for data in told]


async def watching(sim: Simulator) -> None:
    """Wait until the door log has been read."""
    sim.clear_requests()
    await until(lambda: sum(request.function == "doorlog/get" for request in sim.requests) >= 2, "polls of the log")


@pytest.mark.parametrize("dialect", WITH_DOOR_LOG)
async def test_the_door_log_reports_the_person(
    hass: HomeAssistant, device: Start, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_DOOR_LOG_INTERVALS", (1.0, 1.0))  # within the time for which the door is open
    sim = await device(dialect)
    lucy(sim)
    sim.enter_code("1111")
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await watching(sim)
    assert not events, "earlier records are not new"
    sim.enter_code(PIN)
    sim.swipe_card("00000000")
    sim.swipe_card(CARD)
    await until(lambda: len(decisions(events)) == 3, "the records")
    assert decisions(events) == [
        (True, "Lucy", "code", ["A"]),
        (False, None, "card", []),
        (True, "Lucy", "card", ["A"]),
    ]
    state = hass.states.get(f"event.{entry.title.lower().replace(' ', '_').replace('ü', 'u')}_access")
    assert state is not None
    assert (state.attributes["event_type"], state.attributes["name"]) == ("granted", "Lucy")
    assert datetime.now(UTC) - datetime.fromisoformat(state_of(hass, entry, "sensor", "last_access")) < timedelta(
        minutes=1
    )
    # The door that it opened is seen to be open, though nothing was pushed.
    await until(lambda: state_of(hass, entry, "lock", "door_A_door") == "unlocked", "the open door")
    everything = str([event.data for event in events]) + str([state.as_dict() for state in hass.states.async_all()])
    assert PIN not in everything
    assert CARD not in everything


@pytest.mark.parametrize("dialect", ["e18", "r29"])
async def test_pushed_and_recorded_is_one_access(
    hass: HomeAssistant, device: Start, dialect: str, local_url: str
) -> None:
    sim = await device(dialect)
    lucy(sim)
    await add(hass, sim, push=True)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    events = capture_log_events(hass)
    await watching(sim)
    sim.enter_code(PIN)
    sim.show_face("Lucy")
    await until(lambda: len(decisions(events)) == 2, "the records")
    assert decisions(events) == [(True, "Lucy", "code", ["A"]), (True, "Lucy", "face", ["A"])]
    assert {event.data["type"] for event in events} >= {"ValidCodeEntered", "ValidFaceRecognition"}
    assert "AccessUnrecorded" not in {event.data["type"] for event in events}


async def test_an_access_without_a_record(hass: HomeAssistant, device: Start, local_url: str) -> None:
    """The access is reported although the log is full or off."""
    sim = await device("e16c")
    entry = await add(hass, sim, push=True)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")
    events = capture_log_events(hass)
    await watching(sim)
    sim.action_urls.fire("InvalidCardEntered", card_sn=CARD, active_user="Null")
    await until(lambda: any(event.data["type"] == "AccessUnrecorded" for event in events), "the access")
    assert entry.runtime_data.coordinator.data.last_access.granted is False
    assert entry.runtime_data.coordinator.data.last_access.method == "card"


@pytest.mark.parametrize("dialect", ["a_series", "e16c"])
async def test_a_record_without_a_name_gets_the_name_of_its_user(
    hass: HomeAssistant, device: Start, dialect: str
) -> None:
    sim = await device(dialect)
    lucy(sim)
    await add(hass, sim)
    events = capture_log_events(hass)
    await watching(sim)
    for code in (PIN, CARD, "5555"):
        sim.door_log.enter("Card" if code == CARD else "Password", code, {1}, None, success=True)
    await until(lambda: len(decisions(events)) == 3, "the records")
    assert [name for _, name, _, _ in decisions(events)] == ["Lucy", "Lucy", None]


async def test_names_are_omitted_without_the_option(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    lucy(sim)
    await add(hass, sim, show_names=False)
    events = capture_log_events(hass)
    await watching(sim)
    sim.enter_code(PIN)
    await until(lambda: decisions(events), "the record")
    assert decisions(events) == [(True, None, "code", ["A"])]
    assert "Lucy" not in str([state.as_dict() for state in hass.states.async_all()])


@pytest.mark.parametrize("hours", [-5, 0, 9])
async def test_the_zone_of_the_device_is_found_out(hass: HomeAssistant, device: Start, hours: int) -> None:
    """Records have the local time of the device, and no function returns the zone."""
    sim = await device("r29")
    sim.advance_clock(hours * 3600)  # the simulated device writes UTC
    entry = await add(hass, sim)
    await watching(sim)
    sim.enter_code("1111")
    await until(lambda: entry.runtime_data.coordinator.data.last_access, "the record")
    assert abs(entry.runtime_data.coordinator.data.last_access.time - datetime.now(UTC)) < timedelta(minutes=1)


async def test_records_of_an_unset_clock_have_the_time_of_home_assistant(hass: HomeAssistant, device: Start) -> None:
    """A device without internet access is years behind, which is no time zone."""
    sim = await device("r29")
    sim.advance_clock(-3000 * 86400)
    entry = await add(hass, sim)
    await watching(sim)
    sim.enter_code("1111")
    await until(lambda: entry.runtime_data.coordinator.data.last_access, "the record")
    sim.fill_call_log(1)
    assert await hass.config_entries.async_reload(entry.entry_id)
    last_call = entry.runtime_data.coordinator.data.last_call
    assert last_call is not None
    assert abs(last_call.time - datetime.now(UTC)) < timedelta(minutes=20)


async def test_accesses_while_the_entry_was_unloaded_are_late(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    entry = await add(hass, sim)
    await watching(sim)
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(entry.entry_id)
    for number in range(25):
        sim.enter_code(f"{number:08}")
    events = capture_log_events(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: len(decisions(events)) == 25, "the missed records, page by page")
    assert all(event.data["late"] for event in events)


async def test_a_cleared_door_log_is_followed(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    await add(hass, sim)
    events = capture_log_events(hass)
    sim.enter_code("1111")
    await watching(sim)
    sim.enter_code("2222")
    await until(lambda: decisions(events), "a record")
    before = len(decisions(events))
    sim.door_log.records.clear()
    sim.door_log._last = 0
    sim.advance_clock(2)
    sim.enter_code("3333")
    await until(lambda: len(decisions(events)) == before + 1, "a record of the new log")
    await watching(sim)
    assert len(decisions(events)) == before + 1


FORMS = {
    "slashes": LogForm("%Y/%m/%d", "%H:%M:%S", renumbers=True),
    "day first": LogForm("%d-%m-%Y", "%I:%M:%S %p", renumbers=True),
    "month first": LogForm("%m/%d/%Y", "%I:%M:%S %p", renumbers=True),
    "no clock": LogForm("--", "--", renumbers=True),
    "bare": LogForm(renumbers=True, bare=True),
    "null": LogForm(renumbers=True, nothing=None),
    "empty text": LogForm(renumbers=True, nothing=""),
    "empty row": LogForm(renumbers=True, bare=True, nothing={}),
    "letters": LogForm(relay="_ABCD".__getitem__),
    "names": LogForm(relay=lambda number: f"Relay{'_ABCD'[number]}"),
}
WORDS = {
    "Password": ("PIN", "Private PIN"),
    "Card": ("RF", "RF Card", "NFC"),
    "Face": ("Face", "Bluetooth", "QR Code", "DTMF", "Call"),
}


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_the_log(hass: HomeAssistant, device: Start, form: str) -> None:
    """Each form is read before and after the log is emptied."""
    sim = await device("e16c")
    lucy(sim)
    sim.door_log.form = FORMS[form]
    sim.enter_code("1111")
    await add(hass, sim)
    events = capture_log_events(hass)
    await watching(sim)
    assert not events
    sim.enter_code(PIN)
    await until(lambda: len(decisions(events)) == 1, "the record")
    sim.door_log.empty()
    sim.swipe_card(CARD)
    await until(lambda: len(decisions(events)) == 2, "the record after")
    await watching(sim)
    assert decisions(events) == [(True, "Lucy", "code", ["A"]), (True, "Lucy", "card", ["A"])]


@pytest.mark.parametrize("dialect", ["e16c", "a_series"])  # with pages, and without
@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("positions", [None, *Positions])
async def test_each_record_is_reported_once_in_any_order_and_with_any_numbers(
    hass: HomeAssistant, device: Start, dialect: str, oldest_first: bool, positions: Positions | None
) -> None:
    """Numbers may be positions, which move as records are added to a full log or deleted."""
    sim = await device(dialect)
    sim.door_log.form = LogForm(oldest_first=oldest_first, positions=positions, kept=25)

    def enter(*names: str) -> None:
        for name in names:
            sim.door_log.enter("Face", "", {1}, name, success=True)

    sim.advance_clock(-24 * 60)
    for number in range(24):
        enter(f"Before {number}")
        sim.advance_clock(60)
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    # The first read may search for the newest page.
    await until(lambda: sum(request.function == "doorlog/get" for request in sim.requests) >= 8, "polls of the log")
    enter("Ann", "Ben")
    await until(lambda: len(decisions(events)) == 2, "the records")
    del sim.door_log.records[5]
    await watching(sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    away = [f"Away {number}" for number in range(13)]
    for name in away:
        enter(name)
        sim.advance_clock(1)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: len(decisions(events)) == 15, "the records of the time away")
    enter("Cem")
    await until(lambda: len(decisions(events)) == 16, "the last record")
    await watching(sim)
    assert [name for _, name, *_ in decisions(events)] == ["Ann", "Ben", *away, "Cem"]
    records = (await command(hass, entry, "access_log_query", limit=12))["records"]
    assert [record["name"] for record in records] == ["Cem", *reversed(away[2:])]


@pytest.mark.parametrize(("zone", "hours"), [("Asia/Tokyo", 9), ("America/Phoenix", -7)])
async def test_times_are_of_the_zone_of_home_assistant_until_a_record_shows_another(
    hass: HomeAssistant, device: Start, zone: str, hours: int
) -> None:
    """The zone of the process may be UTC, as in a container; the device is at home."""
    await hass.config.async_set_time_zone(zone)
    sim = await device("e16c")
    sim.door_log.form = sim.call_log.form = LogForm(hours=hours)
    sim.enter_code("1111")
    assert sim.press()
    sim.call_ended()
    entry = await add(hass, sim)
    now = dt_util.utcnow()
    assert abs(now - datetime.fromisoformat(state_of(hass, entry, "sensor", "last_call"))) < timedelta(minutes=1)
    (record,) = (await command(hass, entry, "access_log_query"))["records"]
    assert abs(now - datetime.fromisoformat(record["time"])) < timedelta(minutes=1)
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.enter_code("2222")
    events = capture_log_events(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: events, "the access while Home Assistant was away")
    assert abs(dt_util.utcnow() - datetime.fromisoformat(events[0].data["time"])) < timedelta(minutes=1)


@pytest.mark.parametrize("form", ["null", "empty text", "empty row"])
async def test_an_empty_log_is_a_log(hass: HomeAssistant, device: Start, form: str) -> None:
    sim = await device("e16c")
    sim.door_log.form = sim.call_log.form = FORMS[form]
    entry = await add(hass, sim)
    assert state_of(hass, entry, "event", "access") == "unknown"
    assert state_of(hass, entry, "sensor", "last_call") == "unknown"
    await watching(sim)
    sim.enter_code("1111")
    await until(lambda: state_of(hass, entry, "event", "access") != "unknown", "the record")


async def test_a_placeholder_in_a_record_is_no_name(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await watching(sim)
    for name in ("--", "-", "Unknown", "Лев"):
        sim.door_log.enter("Face", "", {1}, name, success=True)
    await until(lambda: len(decisions(events)) == 4, "the records")
    assert [name for _, name, *_ in decisions(events)] == [None, None, None, "Лев"]
    assert entry.runtime_data.coordinator.data.last_access.name == "Лев"


async def test_each_word_of_the_log_has_a_method_and_a_decision(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await watching(sim)
    words = [word for group in WORDS.values() for word in group]
    for number, word in enumerate(words):
        sim.door_log.form = LogForm(words={"Card": word, "Succ": ("Succ", "Success", "Successful")[number % 3]})
        sim.door_log.enter("Card", "1", {1}, "Lucy", success=True)
    for word in ("Failed", "Fail", "Denied"):
        sim.door_log.form = LogForm(words={"Failed": word})
        sim.door_log.enter("Card", "1", {1}, None, success=False)
    await until(lambda: len(decisions(events)) == len(words) + 3, "the records")
    told = decisions(events)
    assert [granted for granted, *_ in told] == [True] * len(words) + [False] * 3
    assert [method for _, _, method, _ in told[: len(words)]] == [
        "code", "code", "card", "card", "nfc", "face", "bluetooth", "qr_code", "dtmf", "call",
    ]  # fmt: skip
    last = entry.runtime_data.coordinator.data.last_access
    assert (last.granted, last.method) == (False, "card")


@pytest.mark.parametrize("dialect", ["a_series", "e16c"])
async def test_opening_a_door_by_action_is_no_access(hass: HomeAssistant, device: Start, dialect: str) -> None:
    """The device logs the command with type HTTP or an unknown number."""
    sim = await device(dialect)
    entry = await add(hass, sim)
    events = capture_log_events(hass)
    await watching(sim)
    lock = entity_id(hass, entry, "lock", "door_A_door")
    await hass.services.async_call("lock", "open", {"entity_id": lock}, blocking=True)
    await until(lambda: len(decisions(events)) == 1, "the record")
    assert decisions(events) == [(True, None, "http" if dialect == "e16c" else None, ["A"])]
    assert entry.runtime_data.coordinator.data.last_access is None
    assert state_of(hass, entry, "event", "access") == "unknown"
    sim.swipe_card("00000000")
    await until(lambda: entry.runtime_data.coordinator.data.last_access is not None, "the stranger")


async def test_a_security_relay_is_not_the_first_door(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    await add(hass, sim, security_relays=["SA"])
    events = capture_log_events(hass)
    await watching(sim)
    sim.door_log.enter("Card", "1", {11}, "Lucy", success=True)
    await until(lambda: len(decisions(events)) == 1, "the record")
    assert decisions(events) == [(True, "Lucy", "card", ["SA"])]


@pytest.mark.parametrize("dialect", WITH_DOOR_LOG)
async def test_a_device_without_a_clock_gets_the_times_of_home_assistant(
    hass: HomeAssistant, device: Start, dialect: str
) -> None:
    sim = await device(dialect, has_clock=False)
    sim.fill_call_log(1)
    events = capture_log_events(hass)
    entry = await add(hass, sim)
    await watching(sim)
    sim.enter_code("1111")
    await until(lambda: entry.runtime_data.coordinator.data.last_access, "the record")
    assert abs(entry.runtime_data.coordinator.data.last_access.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert [event.data["time"] for event in events if event.data["time"].startswith("1970")] == []
    issues = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN and issue.active]
    assert [
        (issue.translation_key, issue.is_fixable) for issue in issues if issue.translation_key != "stream_login"
    ] == [("clock_by_hand", False)]
    last_call = entry.runtime_data.coordinator.data.last_call
    assert last_call is None or last_call.time is None, "the log contains no time"
    await sim.reboot(0.0)
    await until(lambda: entry.runtime_data.coordinator.last_update_success, "the return")
    await watching(sim)
    before = len(decisions(events))
    sim.enter_code("2222")
    await until(lambda: len(decisions(events)) > before, "the record after the start")
    assert abs(entry.runtime_data.coordinator.data.last_access.time - datetime.now(UTC)) < timedelta(minutes=1)
