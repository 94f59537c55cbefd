"""Triggers of automations: each fires once for its event, and for late events only on request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.setup import async_setup_component
import pytest

from custom_components import ip_intercom
from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.trigger import TRIGGERS
from tests.automating import automate, counts, device_target
from tests.common import entity_id, state_of, until
from tests.simulators.two_n import Simulator


def miss_visitor(sim: Simulator) -> None:
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)


def let_in(sim: Simulator) -> None:
    session = sim.press("%1")
    assert session is not None
    sim.answer(session)
    sim.enter_code("1234")
    sim.terminate(session)


def talk(sim: Simulator) -> None:
    session = sim.incoming_call()
    sim.answer(session)
    sim.terminate(session)


ALARMS = {"door_forced": "alarm_door_forced", "door_held_open": "alarm_door_held_open", "tampered": "alarm_tamper"}
LANGUAGES = sorted(path.stem for path in (Path(ip_intercom.__file__).parent / "translations").glob("*.json"))
# What happens at a 2N, and how often each trigger fires then.
STIMULI: dict[str, tuple[Callable[[Simulator], object], dict[str, int]]] = {
    "missed visitor": (
        miss_visitor,
        {"doorbell_rang": 1, "visitor_missed": 1, "call_started": 1, "call_ended": 1, "call_missed": 1},
    ),
    "visitor let in": (
        let_in,
        {"doorbell_rang": 1, "call_started": 1, "call_answered": 1, "call_ended": 1, "access_granted": 1},
    ),
    "call": (talk, {"call_started": 1, "call_answered": 1, "call_ended": 1}),
    "wrong code": (lambda sim: sim.enter_code("9999", valid=False), {"access_denied": 1}),
    "forced door": (lambda sim: sim.unauthorized_door(True), {"door_forced": 1}),
    "door held open": (lambda sim: sim.door_too_long(True), {"door_held_open": 1}),
    "tamper": (lambda sim: sim.tamper(True), {"tampered": 1}),
}


async def settle(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    """Wait until a marker that happens now has arrived, and everything before it."""
    before = state_of(hass, entry, "binary_sensor", "port_input1")
    sim.set_input("input1", before != "on")
    await until(lambda: state_of(hass, entry, "binary_sensor", "port_input1") != before, "the marker")
    await hass.async_block_till_done()


@pytest.mark.parametrize("what", STIMULI)
async def test_each_trigger_fires_once_for_its_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, what: str
) -> None:
    runs = await automate(hass, device_target(entry))
    happen, expected = STIMULI[what]
    happen(sim)
    await until(lambda: counts(runs).keys() >= expected.keys(), what)
    await settle(hass, sim, entry)
    assert counts(runs) == expected
    assert {run["late"] for run in runs} <= {False, None}


@pytest.mark.parametrize("also_late", [False, True])
@pytest.mark.parametrize("what", STIMULI)
async def test_late_events_fire_only_on_request(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, what: str, also_late: bool
) -> None:
    await settle(hass, sim, entry)
    runs = await automate(hass, device_target(entry), also_late=also_late)
    assert await hass.config_entries.async_unload(entry.entry_id)
    happen, expected = STIMULI[what]
    happen(sim)
    sim.pass_time(120)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, sim, entry)
    if also_late:
        await until(lambda: counts(runs).keys() >= expected.keys(), what)
    assert counts(runs) == (expected if also_late else {})
    assert {run["late"] for run in runs} <= {True, None}


async def test_each_of_two_calls_at_once_starts_and_is_answered_once(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    runs = await automate(hass, device_target(entry))
    first, second = sim.press("%1"), sim.incoming_call()
    assert first is not None
    sim.answer(second)
    sim.answer(first)
    sim.terminate(first)
    sim.terminate(second)
    await until(lambda: counts(runs).get("call_ended") == 2, "both ends")
    await settle(hass, sim, entry)
    expected = {"doorbell_rang": 1, "call_started": 2, "call_answered": 2, "call_ended": 2}
    assert counts(runs) == expected


async def test_a_call_in_progress_has_started_before_the_automation(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    session = sim.press("%1")
    assert session is not None
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing", "the call")
    await hass.async_block_till_done()
    runs = await automate(hass, device_target(entry))
    sim.answer(session)
    sim.terminate(session)
    await until(lambda: "call_ended" in counts(runs), "the end")
    await settle(hass, sim, entry)
    assert counts(runs) == {"call_answered": 1, "call_ended": 1}


@pytest.mark.parametrize(
    ("options", "fires"),
    [
        ({}, True),
        ({"method": ["code"]}, True),
        ({"method": ["card"]}, False),
        ({"method": ["card", "Code"]}, True),
        ({"person": ["Alice Gruberová"]}, False),
        ({"entrance": ["entry"]}, True),
        ({"entrance": ["exit"]}, False),
    ],
)
async def test_access_is_filtered_by_person_method_and_entrance(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, options: dict[str, Any], fires: bool
) -> None:
    runs = await automate(hass, device_target(entry), access_denied=options)
    sim.enter_code("9999", valid=False)
    await settle(hass, sim, entry)
    assert counts(runs) == ({"access_denied": 1} if fires else {})


@pytest.mark.parametrize("target", ["entity", "area"])
async def test_a_target_may_be_an_entity_or_an_area(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, target: str
) -> None:
    if target == "area":
        area = ar.async_get(hass).async_create("Gate")
        dr.async_get(hass).async_update_device(entry.runtime_data.coordinator.device_id, area_id=area.id)
        runs = await automate(hass, {"area_id": area.id})
    else:
        runs = await automate(hass, {"entity_id": entity_id(hass, entry, "event", "bell_2")})
    sim.press("%1", call=False)
    sim.press("%2", call=False)
    await settle(hass, sim, entry)
    assert counts(runs)["doorbell_rang"] == (2 if target == "area" else 1)


async def test_the_editor_offers_each_trigger(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert await async_setup_component(hass, "automation", {})
    descriptions = await async_get_all_descriptions(hass)
    assert {key.partition(".")[2] for key in descriptions if key.startswith(f"{DOMAIN}.")} == TRIGGERS.keys()


async def test_the_editor_offers_only_entities_that_fire_the_trigger(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert await async_setup_component(hass, "automation", {})
    descriptions = await async_get_all_descriptions(hass)
    for trigger, alarm in ALARMS.items():
        description = descriptions[f"{DOMAIN}.{trigger}"]
        assert description is not None
        (offered,) = description["target"]["entity"]
        state = hass.states.get(entity_id(hass, entry, "binary_sensor", alarm))
        assert state is not None
        assert offered["device_class"] == [state.attributes["device_class"]], trigger


async def test_names_differ_from_those_of_home_assistant(hass: HomeAssistant) -> None:
    """The editor lists names of all integrations without the integration."""
    for language in LANGUAGES:
        ours, others = [
            {
                text
                for key, text in (await async_get_translations(hass, language, "triggers", {domain})).items()
                if key.endswith(".name") and ".fields." not in key
            }
            for domain in (DOMAIN, "doorbell")
        ]
        assert ours and others
        assert not ours & others, language


@pytest.mark.parametrize("answered", [True, False])
async def test_a_restart_of_the_device_ends_its_calls(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, answered: bool
) -> None:
    """The device reports no end of them, and counts its calls from one again."""
    runs = await automate(hass, device_target(entry), also_late=True)
    first = sim.press("%1")
    assert first is not None
    await until(lambda: "call_started" in counts(runs), "the call")
    if answered:
        sim.answer(first)
        await until(lambda: "call_answered" in counts(runs), "the answer")
    await sim.reboot()
    await until(lambda: "call_ended" in counts(runs), "the restart")
    assert counts(runs).get("call_missed", 0) == (0 if answered else 1)
    await sim.wait_for_pull()
    second = sim.press("%1")
    assert second == first
    sim.terminate(second)
    await until(lambda: counts(runs)["call_ended"] == 2, "the end")
    await settle(hass, sim, entry)
    assert counts(runs)["call_started"] == 2
    assert counts(runs)["call_missed"] == (1 if answered else 2)


async def test_a_call_that_ended_while_the_device_was_away_is_over(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """Its end fires nothing, as it is late, but the next call may have its number."""
    runs = await automate(hass, device_target(entry))
    first = sim.press("%1")
    assert first is not None
    await until(lambda: "call_started" in counts(runs), "the call")
    sim.lose_connection()
    sim.terminate(first)
    sim.pass_time(200)
    await sim.reboot()
    await sim.wait_for_pull()
    await settle(hass, sim, entry)
    assert sim.press("%1") == first
    await settle(hass, sim, entry)
    assert counts(runs) == {"doorbell_rang": 2, "call_started": 2, "visitor_missed": 1}


async def test_a_call_that_outlasts_a_reload_ends(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    runs = await automate(hass, device_target(entry))
    session = sim.press("%1")
    assert session is not None
    sim.answer(session)
    await until(lambda: "call_answered" in counts(runs), "the answer")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    sim.terminate(session)
    await settle(hass, sim, entry)
    assert counts(runs) == {"doorbell_rang": 1, "call_started": 1, "call_answered": 1, "call_ended": 1}
