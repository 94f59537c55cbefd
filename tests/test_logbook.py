"""Logbook: sentences for the events of devices."""

from collections.abc import Callable
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.ip_intercom.const import DOMAIN, EVENT_LOG
from custom_components.ip_intercom.logbook import SENTENCES, async_describe_events, sentence
from tests.common import capture_log_events
from tests.simulators.two_n import Simulator
from tests.test_triggers import settle

DATA = Path(__file__).parent / "data"
SYSTEMS = ("two_n", "akuvox", "mx_proxy", "smartyard")


def documented() -> set[str]:
    """Return the types of the bus event in the documentation."""
    own = json.loads((DATA / "bus_events.json").read_text("utf-8"))
    types = {name for events in own.values() for name in events}
    for system in SYSTEMS:
        manual = json.loads((DATA / f"{system}_api.json").read_text("utf-8"))
        types |= {event["type"] for event in manual.get("events", [])}
    return types


def test_sentences_are_for_documented_events() -> None:
    assert {key.partition("=")[0] for key in SENTENCES} - documented() == set()


@pytest.mark.parametrize("event_type", sorted(documented()))
def test_each_documented_event_has_a_sentence(event_type: str) -> None:
    told = sentence(event_type, {})
    assert re.fullmatch(r"[a-z][^{}]+", told), told


@pytest.mark.parametrize(
    ("event_type", "data", "expected"),
    [
        ("UserAuthenticated", {"name": "Alice"}, "granted access to Alice"),
        ("UserAuthenticated", {"name": None}, "granted access"),
        ("DoorLog", {"granted": False, "name": "Ben"}, "denied access to Ben"),
        ("DoorStateChanged", {"state": "opened"}, "reported that the door was opened"),
        ("DoorStateChanged", {"state": "ajar"}, "reported: door state changed"),
        ("SwitchStateChanged", {"switch": 1, "state": True}, "turned on switch 1"),
        ("CallLog", {"name": "", "number": "101"}, "recorded a call of 101"),
        ("HTTPFoo9", {}, "reported: HTTP foo 9"),
        ("???", {}, "reported: ???"),
    ],
)
def test_a_logbook_sentence_uses_the_fields_of_the_event(event_type: str, data: dict[str, Any], expected: str) -> None:
    assert sentence(event_type, data) == expected


def describer(hass: HomeAssistant) -> Callable[[Event], dict[str, Any]]:
    """Return the function that the integration gives to the logbook."""
    described: dict[tuple[str, str], Callable[[Event], dict[str, Any]]] = {}

    def describe(domain: str, event_type: str, describer: Callable[[Event], dict[str, Any]]) -> None:
        described[domain, event_type] = describer

    async_describe_events(hass, describe)
    assert set(described) == {(DOMAIN, EVENT_LOG)}
    return described[DOMAIN, EVENT_LOG]


async def test_events_of_a_device_are_described(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    describe, events = describer(hass), capture_log_events(hass)
    await settle(hass, sim, entry)
    device_id = entry.runtime_data.coordinator.device_id
    dr.async_get(hass).async_update_device(device_id, name_by_user="Gate")
    events.clear()
    sim.unauthorized_door(True)
    await settle(hass, sim, entry)
    row = describe(events[0])
    assert (row["name"], row["message"]) == ("Gate", "reported that the door was forced open")
    assert await hass.config_entries.async_unload(entry.entry_id)
    events.clear()
    sim.unauthorized_door(False)
    sim.pass_time(120)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, sim, entry)
    message = describe(events[0])["message"]
    assert re.fullmatch(
        r"reported that the door is no longer forced open \(late, on \d{4}-\d\d-\d\d at \d\d:\d\d\)", message
    )


async def test_events_of_a_removed_device_are_described(hass: HomeAssistant) -> None:
    row = describer(hass)(Event(EVENT_LOG, {"device_id": "gone", "type": "MotionDetected", "data": {"state": "in"}}))
    assert (row["name"], row["message"]) == ("IP Intercom", "detected motion")
