"""Blueprints: each file is imported as Home Assistant imports it, and an automation from it runs with a simulated 2N."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
import json
import os
from pathlib import Path
import re
import shutil
import socket
from typing import Any, override
from unittest.mock import patch
from urllib.parse import unquote

from homeassistant.components import mqtt
from homeassistant.components.blueprint.importer import fetch_blueprint_from_url
from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.components.calendar.const import DATA_COMPONENT
from homeassistant.components.mqtt import ReceiveMessage
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service

from custom_components.ip_intercom.const import DOMAIN
from tests.common import act, choose, command, entity_id, state_of, until
from tests.phone import Phone
from tests.simulators.two_n import Simulator
from tests.test_doors import commands
from tests.test_triggers import miss_visitor

FOLDER = Path(__file__).parents[1] / "blueprints" / "automation" / DOMAIN
BLUEPRINTS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SOURCE = f"https://github.com/ip-intercom/ip-intercom/blob/main/blueprints/automation/{DOMAIN}"


@pytest.fixture(autouse=True)
def config_dir(hass: HomeAssistant, tmp_path: Path) -> None:
    """Copy the blueprints into the configuration directory, as after an import."""
    shutil.copytree(FOLDER, tmp_path / "blueprints" / "automation" / DOMAIN)
    (tmp_path / "configuration.yaml").touch()
    hass.config.config_dir = str(tmp_path)


def template_of(hass: HomeAssistant, expression: str) -> Any:
    """Return the value of a template expression."""
    return Template(f"{{{{ {expression} }}}}", hass).async_render()


async def automate(hass: HomeAssistant, blueprint: str, **inputs: Any) -> None:
    """Add an automation from a blueprint."""
    config = {"alias": blueprint, "use_blueprint": {"path": f"{DOMAIN}/{blueprint}.yaml", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    state = hass.states.get(f"automation.{blueprint}")
    assert state is not None
    assert state.state == "on", "the automation is not valid"


@pytest.fixture
def phones(hass: HomeAssistant) -> tuple[Phone, Phone]:
    """An iPhone and an Android phone."""
    return Phone(hass, "Alice's iPhone", "Apple"), Phone(hass, "Pixel 12", "Google")


@pytest.mark.parametrize("name", BLUEPRINTS)
async def test_each_blueprint_is_imported_from_its_address(hass: HomeAssistant, name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    fetched: list[str] = []

    class Response:
        async def text(self) -> str:
            return text

    async def get(self: Any, url: str, **_: Any) -> Response:
        fetched.append(url)
        return Response()

    with patch("aiohttp.ClientSession.get", get):
        imported = await fetch_blueprint_from_url(hass, f"{SOURCE}/{name}.yaml")
    assert fetched == [
        f"https://raw.githubusercontent.com/ip-intercom/ip-intercom/main/blueprints/automation/{DOMAIN}/{name}.yaml"
    ]
    assert imported.suggested_filename == f"ip-intercom/{name}"
    blueprint = imported.blueprint
    assert blueprint.domain == "automation"
    assert blueprint.metadata["source_url"] == f"{SOURCE}/{name}.yaml"
    assert blueprint.validate() is None


def metadata(name: str) -> dict[str, Any]:
    """Return the description and the inputs of a blueprint."""
    content = parse_yaml((FOLDER / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(content, dict)
    found: dict[str, Any] = content["blueprint"]
    return found


def test_each_blueprint_has_a_button_to_import_it() -> None:
    page = (FOLDER.parents[2] / "docs" / "blueprints.md").read_text("utf-8")
    links = re.findall(r"https://my\.home-assistant\.io/redirect/blueprint_import/\?blueprint_url=([^)]+)\)", page)
    assert sorted(unquote(link) for link in links) == [f"{SOURCE}/{name}.yaml" for name in BLUEPRINTS]


def entity_filters(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the filters of the entity selectors of inputs and of their sections."""
    found: list[dict[str, Any]] = []
    for item in inputs.values():
        if "input" in item:
            found += entity_filters(item["input"])
        else:
            assert item["selector"], item
            found += (item["selector"].get("entity") or {}).get("filter", [])
            found += (item["selector"].get("device") or {}).get("filter", [])
    return found


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_selectors_offer_only_what_fits(name: str) -> None:
    filters = entity_filters(metadata(name)["input"])
    assert any(item.get("integration") == DOMAIN for item in filters)
    ours = {"binary_sensor", "cover", "event", "image", "lock"}
    foreign = [item for item in filters if item.get("integration") != DOMAIN]
    assert [item for item in foreign if ours & set(cv.ensure_list(item.get("domain")))] == []


async def settle(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    """Wait until a marker that happens now has arrived, and everything before it, but not for automations that wait."""
    before = state_of(hass, entry, "binary_sensor", "port_input1")
    sim.set_input("input1", before != "on")
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") != before, "the marker")
    await asyncio.sleep(0.1)


@pytest.fixture
def bell(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """The doorbell of the button 1."""
    return entity_id(hass, entry, "event", "bell_1")


@pytest.fixture
def door(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> str:
    """The lock of switch 1, to which no command was sent yet."""
    sim.clear_requests()
    return entity_id(hass, entry, "lock", "door_1_door")


@pytest.fixture
async def gate(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> str:
    """The cover of switch 1, which drives a gate."""
    await choose(hass, entry, {"gates": ["1"]})
    await sim.wait_for_pull()
    sim.clear_requests()
    return entity_id(hass, entry, "cover", "door_1_gate")


async def notify_of_visitors(
    hass: HomeAssistant, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str, door: str, **inputs: Any
) -> None:
    picture = entity_id(hass, entry, "image", "last_visitor")
    devices = [phone.device_id for phone in phones]
    await automate(hass, "visitor_notification", doorbells=[bell], phones=devices, picture=picture, door=door, **inputs)


async def test_a_notification_opens_the_door_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str, door: str
) -> None:
    await notify_of_visitors(hass, entry, phones, bell, door)
    sim.press("%1", call=False)
    iphone, android = phones
    for phone in phones:
        received = await phone.next()
        assert received["title"] == "Visitor at the door"
        assert received["message"] == "Front Gate Doorbell Alice Gruberová"
        data = received["data"]
        image, _, rang = data["image"].partition("?rang=")
        assert image == f"/api/image_proxy/{entity_id(hass, entry, 'image', 'last_visitor')}"
        assert dt_util.as_timestamp(state_of(hass, entry, "image", "last_visitor")) >= float(rang)
        assert data["push"]["interruption-level"] == "time-sensitive"
        assert (data["priority"], data["ttl"], data["channel"]) == ("high", 0, "Doorbell")
        [button] = data["actions"]
        assert (button["title"], button["authenticationRequired"]) == ("Open", True)
    assert commands(sim) == []
    android.press("Open")
    await until(lambda: commands(sim), "the command")
    assert (await iphone.next(2))["message"] == "clear_notification"
    assert (await android.next(2))["data"]["tag"] == android.received[0]["data"]["tag"]
    iphone.press("Open", 0)
    await settle(hass, sim, entry)
    assert commands(sim) == [{"switch": "1", "action": "on"}]


async def test_a_notification_opens_a_gate(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str, gate: str
) -> None:
    await notify_of_visitors(hass, entry, phones, bell, gate)
    sim.press("%1", call=False)
    await phones[0].next()
    phones[0].press("Open")
    await until(lambda: commands(sim), "the command")
    assert commands(sim) == [{"switch": "1", "action": "on"}]


async def test_an_expired_notification_does_not_open_the_door(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str, door: str
) -> None:
    await notify_of_visitors(hass, entry, phones, bell, door, patience=30)
    sim.press("%1", call=False)
    await phones[0].next()
    await asyncio.sleep(31)
    phones[0].press("Open")
    await settle(hass, sim, entry)
    assert commands(sim) == []


async def test_a_notification_answers_with_a_button_or_an_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str
) -> None:
    answer = entity_id(hass, entry, "button", "answer")
    await notify_of_visitors(hass, entry, phones, bell, "", answer_button=answer, answer_url="/lovelace/door")
    sim.press("%1", call=False)
    await phones[1].next()
    session = sim.incoming_call()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing", "the call")
    phones[1].press("Answer")
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "connected", "the answer")
    assert sim.calls[session].state == "connected"


async def test_a_notification_without_a_button_to_answer_opens_an_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str, door: str
) -> None:
    await notify_of_visitors(hass, entry, phones, bell, door, answer_url="/lovelace/door")
    sim.press("%1", call=False)
    buttons = (await phones[0].next())["data"]["actions"]
    assert [(button["title"], button.get("uri")) for button in buttons] == [
        ("Open", None),
        ("Answer", "/lovelace/door"),
    ]
    assert buttons[1]["action"] == "URI", "Android needs the action URI to open the address"


async def test_a_notification_waits_for_the_picture_only_briefly(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone], bell: str, door: str
) -> None:
    await notify_of_visitors(hass, entry, phones, bell, door)
    sim.fault("camera/snapshot", "status")
    sim.press("%1", call=False)
    assert "image" not in (await phones[0].next())["data"]


def hours(begin: int, end: int) -> dict[str, str]:
    """Return hours that begin and end some minutes from now."""
    now = dt_util.now()
    times = (now + timedelta(minutes=minutes) for minutes in (begin, end))
    return dict(zip(("from", "until"), (time.strftime("%H:%M:%S") for time in times), strict=True))


@pytest.mark.parametrize(("begin", "end", "count"), [(-60, 60, 1), (60, 120, 0), (0, 0, 1)])
async def test_speakers_announce_a_visitor_within_hours(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, bell: str, begin: int, end: int, count: int
) -> None:
    satellites, speakers = (
        async_mock_service(hass, *name) for name in (("assist_satellite", "announce"), ("tts", "speak"))
    )
    await automate(
        hass,
        "announce_visitor",
        doorbells=[bell],
        satellites=["assist_satellite.hall"],
        speakers=["media_player.kitchen", "media_player.garden"],
        engine="tts.piper",
        message="A visitor at {{ bell }}",
        **hours(begin, end),
    )
    sim.press("%1", call=False)
    await settle(hass, sim, entry)
    text = "A visitor at Front Gate Doorbell Alice Gruberová"
    assert [call.data["message"] for call in (*satellites, *speakers)] == [text, text] * count
    for call in speakers:
        assert call.data["entity_id"] == ["tts.piper"]
        assert call.data["media_player_entity_id"] == ["media_player.kitchen", "media_player.garden"]


EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


async def open_for_visitors(hass: HomeAssistant, bell: str, door: str, **inputs: Any) -> None:
    defaults: dict[str, Any] = {"confirmed": True, "weekdays": EVERY_DAY, **hours(-60, 60)}
    await automate(hass, "open_for_visitors", doorbells=[bell], door=door, **(defaults | inputs))


async def test_a_door_opens_once_for_each_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, bell: str, door: str
) -> None:
    await open_for_visitors(hass, bell, door)
    sim.press("%1", call=False)
    sim.press("%1", call=False)
    await until(lambda: commands(sim), "the command")
    sim.press("%1", call=False)
    await settle(hass, sim, entry)
    assert commands(sim) == [{"switch": "1", "action": "on"}]
    await asyncio.sleep(15)
    sim.press("%1", call=False)
    await until(lambda: len(commands(sim)) == 2, "the next ring")


async def test_a_gate_opens_for_a_ring(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, bell: str, gate: str
) -> None:
    await open_for_visitors(hass, bell, gate)
    sim.press("%1", call=False)
    await until(lambda: commands(sim), "the command")
    assert commands(sim) == [{"switch": "1", "action": "on"}]


OTHER_DAY = {"weekdays": [EVERY_DAY[(dt_util.now().weekday() + 3) % 7]]}


@pytest.mark.parametrize(
    "inputs",
    [
        {"confirmed": False},
        hours(60, 120),
        OTHER_DAY,
        {"conditions": [{"condition": "state", "entity_id": "input_boolean.office", "state": "on"}]},
    ],
    ids=["not confirmed", "other hours", "other day", "other condition"],
)
async def test_a_door_opens_only_on_request(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, bell: str, door: str, inputs: dict[str, Any]
) -> None:
    hass.states.async_set("input_boolean.office", "off")
    await open_for_visitors(hass, bell, door, **inputs)
    sim.press("%1", call=False)
    await settle(hass, sim, entry)
    await asyncio.sleep(10)
    assert commands(sim) == []


def test_confirmation_is_off_by_default() -> None:
    inputs = metadata("open_for_visitors")["input"]
    assert inputs["confirmed"]["default"] is False


async def test_a_late_ring_opens_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, bell: str, door: str
) -> None:
    await settle(hass, sim, entry)
    await open_for_visitors(hass, bell, door)
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.press("%1", call=False)
    sim.pass_time(120)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, sim, entry)
    await asyncio.sleep(10)
    assert commands(sim) == []


@pytest.fixture
async def lights(hass: HomeAssistant) -> list[str]:
    """Two lights: one is off, the other on."""
    assert await async_setup_component(hass, "homeassistant", {})
    template = {
        "light": [
            {
                "name": name,
                "state": f"{{{{ is_state('input_boolean.{name}', 'on') }}}}",
                "turn_on": {"action": "input_boolean.turn_on", "target": {"entity_id": f"input_boolean.{name}"}},
                "turn_off": {"action": "input_boolean.turn_off", "target": {"entity_id": f"input_boolean.{name}"}},
            }
            for name in ("hall", "porch")
        ]
    }
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": {"hall": None, "porch": {"initial": True}}}
    )
    assert await async_setup_component(hass, "template", {"template": [template]})
    await hass.async_block_till_done()
    return ["light.hall", "light.porch"]


async def test_a_welcome_light_turns_on_in_the_dark_and_off_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lights: list[str]
) -> None:
    access = entity_id(hass, entry, "event", "access")
    hass.states.async_set("sun.sun", "above_horizon")
    await automate(hass, "welcome_light", accesses=[access], lights=lights, duration=2)
    sim.enter_code("1234")
    await settle(hass, sim, entry)
    assert hass.states.is_state("light.hall", "off")
    hass.states.async_set("sun.sun", "below_horizon")
    sim.enter_code("1234")
    await until(lambda: hass.states.is_state("light.hall", "on"), "the light")
    await asyncio.sleep(100)
    sim.enter_code("1234")
    await settle(hass, sim, entry)
    await asyncio.sleep(100)
    assert hass.states.is_state("light.hall", "on"), "the second access extends it"
    await until(lambda: hass.states.is_state("light.hall", "off"), "the end")
    assert hass.states.is_state("light.porch", "on"), "a light that was on before stays on"


async def test_a_welcome_light_is_for_certain_persons(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, lights: list[str]
) -> None:
    access = entity_id(hass, entry, "event", "access")
    await automate(hass, "welcome_light", accesses=[access], lights=lights, only_dark=False, persons=["Zoe"])
    sim.enter_code("1234")
    await settle(hass, sim, entry)
    assert hass.states.is_state("light.hall", "off")


@pytest.mark.parametrize(
    ("alarm", "happen", "title"),
    [
        ("alarm_door_forced", Simulator.unauthorized_door, "Door forced open"),
        ("alarm_door_held_open", Simulator.door_too_long, "Door held open"),
        ("alarm_tamper", Simulator.tamper, "Intercom tampered with"),
    ],
)
async def test_an_alarm_reaches_phones_and_sirens(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    phones: tuple[Phone, Phone],
    alarm: str,
    happen: Callable[[Simulator, bool], None],
    title: str,
) -> None:
    sirens_on, sirens_off = (async_mock_service(hass, "siren", name) for name in ("turn_on", "turn_off"))
    sensor = entity_id(hass, entry, "binary_sensor", alarm)
    (offered,) = metadata("door_alarm")["input"]["alarms"]["selector"]["entity"]["filter"]
    state = hass.states.get(sensor)
    assert state is not None
    assert state.attributes["device_class"] in offered["device_class"]
    await automate(
        hass,
        "door_alarm",
        alarms=[sensor],
        phones=[phone.device_id for phone in phones],
        sirens=["siren.hall"],
        extra_actions=[{"event": "extra", "event_data": {"alarm": "{{ alarm }}", "sensor": "{{ sensor }}"}}],
    )
    extra: list[dict[str, Any]] = []
    hass.bus.async_listen("extra", lambda event: extra.append(dict(event.data)))
    happen(sim, True)
    for phone in phones:
        received = await phone.next()
        assert received["title"] == title
        assert received["data"]["push"]["sound"] == {"name": "default", "critical": 1, "volume": 1.0}
        assert received["data"]["channel"] == "alarm_stream"
    await until(lambda: sirens_on, "the siren")
    await settle(hass, sim, entry)
    assert sirens_off == []
    happen(sim, False)
    await until(lambda: sirens_off, "the end of the siren")
    assert [call.data["entity_id"] for call in (*sirens_on, *sirens_off)] == [["siren.hall"]] * 2
    assert [row["sensor"] for row in extra] == [sensor]


async def test_a_siren_stays_on_until_the_last_alarm_ends(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sirens_off = async_mock_service(hass, "siren", "turn_off")
    sirens_on = async_mock_service(hass, "siren", "turn_on")
    alarms = [entity_id(hass, entry, "binary_sensor", key) for key in ("alarm_door_forced", "alarm_tamper")]
    await automate(hass, "door_alarm", alarms=alarms, sirens=["siren.hall"])
    sim.unauthorized_door(True)
    sim.tamper(True)
    await until(lambda: len(sirens_on) == 2, "the siren")
    sim.unauthorized_door(False)
    await settle(hass, sim, entry)
    assert sirens_off == []
    sim.tamper(False)
    await until(lambda: sirens_off, "the end of the siren")


async def test_the_longest_time_of_a_siren_counts_from_the_last_alarm(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sirens_off = async_mock_service(hass, "siren", "turn_off")
    sirens_on = async_mock_service(hass, "siren", "turn_on")
    alarms = [entity_id(hass, entry, "binary_sensor", key) for key in ("alarm_door_forced", "alarm_tamper")]
    await automate(hass, "door_alarm", alarms=alarms, sirens=["siren.hall"], longest=3)
    sim.unauthorized_door(True)
    await until(lambda: len(sirens_on) == 1, "the first alarm")
    await asyncio.sleep(120)
    sim.tamper(True)
    await until(lambda: len(sirens_on) == 2, "the second alarm")
    await asyncio.sleep(170)
    assert sirens_off == []
    await asyncio.sleep(20)
    assert len(sirens_off) == 1


class Calendar(CalendarEntity):
    """A calendar with events that the test changes."""

    _attr_name = "Visits"

    def __init__(self) -> None:
        self.events: list[CalendarEvent] = []

    @property
    @override
    def event(self) -> CalendarEvent | None:
        return next(iter(self.events), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        return [event for event in self.events if event.start_datetime_local < end_date]

    async def change(self, *events: CalendarEvent) -> None:
        """Replace the events."""
        self.events = list(events)
        self.async_write_ha_state()


@pytest.fixture
async def calendar(hass: HomeAssistant, local_url: str) -> AsyncGenerator[Calendar]:
    """A calendar of the household."""
    entity = Calendar()
    await hass.data[DATA_COMPONENT].async_add_entities([entity])
    yield entity
    await entity.async_remove()


def visit(summary: str, begin: float, end: float) -> CalendarEvent:
    """Return an event that begins and ends some hours from now."""
    now = dt_util.now().replace(microsecond=0)
    return CalendarEvent(now + timedelta(hours=begin), now + timedelta(hours=end), summary)


async def test_a_guest_of_the_calendar_gets_a_pin(
    hass: HomeAssistant, calendar: Calendar, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone]
) -> None:
    phone = phones[0]

    async def codes() -> dict[str, bool]:
        listed = await command(hass, entry, "list_temporary_codes")
        return {code["name"]: code["active"] for code in listed["codes"]}

    async def has(expected: dict[str, bool]) -> None:
        for _ in range(100):
            if await codes() == expected:
                return
            await asyncio.sleep(5)
        assert await codes() == expected

    await command(hass, entry, "add_temporary_code", name="Cleaner", end=dt_util.utcnow() + timedelta(days=1))
    await calendar.change(visit("Guest Anna", -1, 2), visit("Dentist", 1, 2), visit("guest Ben", 24, 26))
    await automate(
        hass,
        "guest_pin",
        calendar=calendar.entity_id,
        intercom=entry.runtime_data.coordinator.device_id,
        phones=[phone.device_id],
    )
    await has({"Cleaner": True, "Calendar: Guest Anna": True, "Calendar: guest Ben": False})
    anna = (await phone.next())["message"]
    assert anna.startswith("Guest Anna: ")
    pin = re.search(r"\d{6}", anna)
    assert pin is not None
    await phone.next(2)
    await asyncio.sleep(700)
    assert len(phone.received) == 2, "a known guest gets no second message"
    sim.enter_code(pin.group())
    access = entity_id(hass, entry, "event", "access")
    await until(lambda: template_of(hass, f"state_attr('{access}', 'name')") == "Calendar: Guest Anna", "the access")
    # Anna's visit is canceled, Ben's moved to a whole day.
    today = dt_util.now().date()
    await calendar.change(CalendarEvent(today, today + timedelta(days=1), "Guest Ben"))
    await has({"Cleaner": True, "Calendar: Guest Ben": True})
    assert (await phone.next(3))["message"].startswith("Guest Ben: ")
    assert len(phone.received) == 3
    await act(hass, "automation.turn_off", entity_id="automation.guest_pin")  # it looks at the clock


async def test_missed_visitors_are_listed_while_all_persons_are_away(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, phones: tuple[Phone, Phone]
) -> None:
    added = async_mock_service(hass, "todo", "add_item")
    hass.states.async_set("person.alice", "home")
    hass.states.async_set("person.ben", "not_home")
    await settle(hass, sim, entry)
    await automate(
        hass,
        "missed_while_away",
        visitors=[entity_id(hass, entry, "event", "visitor")],
        persons=["person.alice", "person.ben"],
        phones=[phones[0].device_id],
        picture=entity_id(hass, entry, "image", "last_visitor"),
        list="todo.visitors",
    )
    phone = phones[0]
    miss_visitor(sim)
    await settle(hass, sim, entry)
    assert phone.received == []
    hass.states.async_set("person.alice", "work")
    session = sim.press("%1")
    assert session is not None
    await asyncio.sleep(5)
    sim.terminate(session)
    received = await phone.next()
    assert received["message"].startswith("Alice Gruberová, ")
    picture = entity_id(hass, entry, "image", "last_visitor")
    assert received["data"]["image"].startswith(f"/api/image_proxy/{picture}?rang=")
    assert await hass.config_entries.async_unload(entry.entry_id)
    miss_visitor(sim)
    sim.pass_time(120)
    hass.states.async_set("person.alice", "home")
    assert await hass.config_entries.async_setup(entry.entry_id)
    late = await phone.next(2)
    assert "image" not in late["data"]
    assert late["data"]["tag"] != received["data"]["tag"], "each notification has its own tag"
    await settle(hass, sim, entry)
    assert len(added) == 2


async def test_events_are_published_to_mqtt(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    published = async_mock_service(hass, "mqtt", "publish")
    await automate(hass, "events_to_mqtt", types=["UserRejected", "UnauthorizedDoorOpen"])
    sim.unauthorized_door(True)
    sim.enter_code("9999", valid=False)
    await settle(hass, sim, entry)
    await until(lambda: len(published) == 2, "both events")
    assert [call.data["topic"] for call in published] == [
        "ip_intercom/front_gate/UnauthorizedDoorOpen",
        "ip_intercom/front_gate/UserRejected",
    ]
    payload = json.loads(published[0].data["payload"])
    assert payload["device_id"] == entry.runtime_data.coordinator.device_id
    assert (payload["device"], payload["late"], payload["data"]) == ("Front Gate", False, {"state": "in"})


@pytest.fixture
async def broker(sockets: None, tmp_path: Path) -> AsyncGenerator[int]:
    """A Mosquitto on a free port."""
    path = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.skip("Mosquitto is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = await asyncio.create_subprocess_exec(path, "-c", str(config), stderr=asyncio.subprocess.DEVNULL)
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
        else:
            break
    writer.close()
    yield port
    process.terminate()
    await process.wait()


@pytest.mark.real_time
async def test_a_broker_gets_the_events_in_their_order(
    hass: HomeAssistant, broker: int, sim: Simulator, entry: ConfigEntry
) -> None:
    received: list[tuple[str, dict[str, Any]]] = []

    @callback
    def receive(message: ReceiveMessage) -> None:
        received.append((message.topic, json.loads(message.payload)))

    mqtt_entry = MockConfigEntry(domain="mqtt", data={"broker": "127.0.0.1", "port": broker}, version=2)
    mqtt_entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(mqtt_entry.entry_id)
    await mqtt.async_subscribe(hass, "site/#", receive, qos=1)
    while not received:  # Home Assistant subscribes a little later
        await mqtt.async_publish(hass, "site/probe", "{}", qos=1)
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    received.clear()
    await automate(hass, "events_to_mqtt", prefix="site", types=["InputChanged", "UserRejected"])
    sim.enter_code("9999", valid=False)
    for number in range(20):
        sim.set_input("input1", number % 2 == 0)
    await until(lambda: len(received) >= 21, "the messages")
    assert [topic for topic, _ in received] == ["site/front_gate/UserRejected"] + ["site/front_gate/InputChanged"] * 20
    sequences = [event["sequence"] for _, event in received]
    assert sequences == sorted(set(sequences))
    assert await hass.config_entries.async_unload(mqtt_entry.entry_id)
