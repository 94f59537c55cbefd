"""Buttons of a 2N that call Home Assistant: its SIP address as a number of the directory, written and taken back."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
import json
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.systems.common.errors import ButtonRefused
from tests.common import USERNAME, add_intercom, choose, configure, entity_id, reopen, state_of, until, user_input
from tests.runtime.test_replacement import Site, asked
from tests.simulators.two_n import Privilege, Service, Simulator
from tests.simulators.two_n.onvif import rtsp_server
from tests.talk.door import Door

# The entries of buttons 1 and 2.
ALICE, JIRI = "54877B0E-4CC3-C645-9530-6C7850F47A9C", "8FA29EBC-2FE8-4A8C-9A3B-D8B0351FB6F8"
HERS = ("sip:101@192.168.1.20", "sip:102@192.168.1.20")
HIS = "sip:4374834473@proxy.my2n.com:5061"
UPDATE = "/api/dir/update"


@pytest.fixture
async def door(sockets: None) -> AsyncGenerator[Door]:
    async with Door() as door:
        yield door


def peers(sim: Simulator, uuid: str) -> list[str]:
    """Return the numbers of an entry, free ones too."""
    return [position["peer"] for position in sim.directory[uuid]["callPos"]]


def set_numbers(sim: Simulator, uuid: str, *numbers: str) -> None:
    """Enter the numbers of an entry at the web page of the device."""
    for position, number in zip(sim.directory[uuid]["callPos"], [*numbers, "", "", ""], strict=False):
        position["peer"] = number


def writes(sim: Simulator) -> int:
    """Count the changes of the directory."""
    return sum(1 for request in sim.requests if request.path == UPDATE)


def repairs(hass: HomeAssistant) -> dict[str | None, str]:
    """Return the names in the open repairs, by their text."""
    return {
        issue.translation_key: str((issue.translation_placeholders or {}).get("name"))
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


def options(door: Door, *buttons: str) -> dict[str, object]:
    return {"talk": True, "sip_port": door.port, "stream_username": "", "talk_buttons": list(buttons)}


def address(hass: HomeAssistant, entry: ConfigEntry, button: str = "2") -> str:
    """Return the address of Home Assistant for a button."""
    state = hass.states.get(entity_id(hass, entry, "sensor", "talk"))
    assert state is not None
    return f"sip:button-{button}@{state.attributes['call_address'].rpartition('@')[2]}"


async def talk(hass: HomeAssistant, entry: ConfigEntry, door: Door, *buttons: str) -> None:
    """Turn on talk with buttons that call Home Assistant, and wait until talk was checked."""
    await choose(hass, entry, options(door, *buttons))
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
    await settled(hass, entry)


async def settled(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Wait until the numbers are as wanted."""
    await hass.async_block_till_done(wait_background_tasks=False)
    await entry.runtime_data.call_buttons.async_update()


async def submit(hass: HomeAssistant, entry: ConfigEntry, door: Door, *buttons: str) -> Any:
    """Fill in the options with buttons, and return the next form."""
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    return await hass.config_entries.options.async_configure(
        form["flow_id"],
        {"talk": True, "talk_buttons": list(buttons), "stream": {"sip_port": door.port, "stream_username": ""}},
    )


async def test_a_selected_button_calls_home_assistant(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    form = await submit(hass, entry, door, "2")
    assert (form["step_id"], form["errors"], writes(sim)) == ("talk", None, 0)
    done: Any = await hass.config_entries.options.async_configure(form["flow_id"], {})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await until(lambda: peers(sim, JIRI)[1], "the number")
    assert peers(sim, JIRI) == [HIS, address(hass, entry), ""]
    assert [position["grouped"] for position in sim.directory[JIRI]["callPos"]] == [False, True, False]
    assert sim.directory.peers_of_button(2) == [HIS, address(hass, entry)]
    assert peers(sim, ALICE) == [*HERS, ""]
    assert sim.directory[JIRI]["access"]["pin"] == "2580"
    assert repairs(hass) == {}


async def test_a_visitor_at_a_selected_button_rings_once_and_is_answered(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door, "1", "2")
    await until(lambda: writes(sim) == 2, "both numbers")
    await entry.runtime_data.coordinator.async_describe()
    await sim.wait_for_pull()
    sim.press("%2")
    door.call_home(address(hass, entry))
    await until(lambda: door.rings, "the ringing")
    await until(lambda: state_of(hass, entry, "event", "bell_2") != "unknown", "the ring")
    assert state_of(hass, entry, "event", "bell_1") == "unknown"
    await hass.services.async_call(
        "button", "press", {"entity_id": entity_id(hass, entry, "button", "answer")}, blocking=True
    )
    await until(lambda: door.call is not None, "the answer")


async def test_the_called_number_identifies_the_button(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    """The account lacks the keypad privilege."""
    set_numbers(sim, ALICE)
    set_numbers(sim, JIRI)
    sim.revoke(USERNAME, Privilege.KEYPAD_MONITORING)
    await talk(hass, entry, door, "1", "2")
    await entry.runtime_data.coordinator.async_describe()
    await sim.wait_for_pull()
    sim.press("%2")
    await until(lambda: state_of(hass, entry, "event", "bell_2") != "unknown", "the ring")
    assert state_of(hass, entry, "event", "bell_1") == "unknown"


@pytest.mark.parametrize(
    ("numbers", "after"),
    [
        ((), (None, "", "")),
        (("sip:1@192.0.2.1",), ("sip:1@192.0.2.1", None, "")),
        (("", "sip:1@192.0.2.1"), ("", "sip:1@192.0.2.1", None)),
        (("sip:1@192.0.2.1", "", "sip:2@192.0.2.1"), ("sip:1@192.0.2.1", None, "sip:2@192.0.2.1")),
    ],
)
async def test_the_number_of_home_assistant_is_added_to_the_group_call(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door,
    numbers: tuple[str, ...], after: tuple[str | None, ...],
) -> None:  # fmt: skip
    set_numbers(sim, JIRI, *numbers)
    before = sim.directory.peers_of_button(2)
    await talk(hass, entry, door, "2")
    ours = address(hass, entry)
    assert peers(sim, JIRI) == [ours if number is None else number for number in after]
    assert sim.directory.peers_of_button(2) == [*before, ours]


@pytest.mark.parametrize("numbers", [("sip:1@192.0.2.1",) * 3, ("", "", "sip:1@192.0.2.1")])
async def test_a_button_without_a_free_number_becomes_a_repair(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door, numbers: tuple[str, ...]
) -> None:
    set_numbers(sim, JIRI, *numbers)
    form = await submit(hass, entry, door, "2")
    assert (form["step_id"], form["errors"]) == ("talk_unavailable", {"base": "button_full"})
    done: Any = await hass.config_entries.options.async_configure(form["flow_id"], {"talk_next": "save"})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await until(lambda: repairs(hass) == {"button_full": "2"}, "the repair")
    assert (peers(sim, JIRI), writes(sim)) == ([*numbers], 0)
    set_numbers(sim, JIRI, HIS)
    await entry.runtime_data.async_recheck()
    assert repairs(hass) == {}
    assert peers(sim, JIRI) == [HIS, address(hass, entry), ""]


async def test_a_shared_button_uses_an_entry_with_a_free_number(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    """Alice has button 2 as well, but no free number."""
    set_numbers(sim, ALICE, *HERS, "sip:103@192.168.1.20")
    sim.directory[ALICE]["buttons"] = "1,2"
    await talk(hass, entry, door, "2")
    assert peers(sim, JIRI) == [HIS, address(hass, entry), ""]
    assert peers(sim, ALICE) == [*HERS, "sip:103@192.168.1.20"]


async def test_entries_owned_by_other_systems_are_used_last(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    sim.directory[ALICE].update(buttons="1,2", owner="My2N")
    await talk(hass, entry, door, "2")
    assert peers(sim, JIRI)[1] == address(hass, entry)


async def test_two_buttons_of_one_entry_share_its_number(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    sim.directory[JIRI]["buttons"] = "2,3"
    await talk(hass, entry, door, "2", "3")
    assert peers(sim, JIRI) == [HIS, address(hass, entry), ""]
    await talk(hass, entry, door, "3")
    assert peers(sim, JIRI) == [HIS, address(hass, entry, "3"), ""]


async def test_a_restart_writes_nothing(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door) -> None:
    await talk(hass, entry, door, "2")
    assert writes(sim) == 1
    before = peers(sim, JIRI)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
    await settled(hass, entry)
    await entry.runtime_data.coordinator.async_describe()
    assert (writes(sim), peers(sim, JIRI)) == (1, before)


async def test_a_new_address_replaces_the_old_one(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talk(hass, entry, door, "2")
    old = address(hass, entry)
    monkeypatch.setattr("custom_components.ip_intercom.systems.common.talk._FIRST_PORT", 37_060)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
    await settled(hass, entry)
    assert address(hass, entry) != old
    assert peers(sim, JIRI) == [HIS, address(hass, entry), ""]


@pytest.mark.parametrize("way", ["deselected", "talk off", "removed", "removed while disabled"])
async def test_the_number_is_removed_with_the_option_or_entry(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door, way: str
) -> None:
    await talk(hass, entry, door, "1", "2")
    assert peers(sim, ALICE) == [*HERS, address(hass, entry, "1")]
    match way:
        case "deselected":
            await talk(hass, entry, door)
        case "talk off":
            await choose(hass, entry, options(door, "1", "2") | {"talk": False})
            await settled(hass, entry)
        case "removed while disabled":
            assert await hass.config_entries.async_unload(entry.entry_id)
    if way.startswith("removed"):
        assert await hass.config_entries.async_remove(entry.entry_id)
    assert (peers(sim, ALICE), peers(sim, JIRI)) == ([*HERS, ""], [HIS, "", ""])
    assert [position["grouped"] for position in sim.directory[ALICE]["callPos"]] == [False, True, False]
    assert "button_numbers" not in entry.data or way.startswith("removed")
    assert repairs(hass) == {}


async def test_a_number_left_on_an_unreachable_device_becomes_a_repair(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    await talk(hass, entry, door, "2")
    ours = address(hass, entry)
    sim.lose_connection()
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert repairs(hass) == {"numbers_left_behind": ours}
    assert f"delete them on the web page of the device: {ours}" in caplog.text


async def test_removing_the_number_is_retried(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door, "2")
    ours = address(hass, entry)
    sim.fault("dir/get", "status")
    await talk(hass, entry, door)
    assert peers(sim, JIRI) == [HIS, ours, ""]
    assert [number["number"] for number in entry.data["button_numbers"]] == [ours]
    sim.fault("dir/get", None)
    await entry.runtime_data.coordinator.async_describe()
    assert peers(sim, JIRI) == [HIS, "", ""]
    assert "button_numbers" not in entry.data


@pytest.mark.parametrize("theirs", ["sip:door@192.168.1.30", ""])
async def test_a_number_that_the_user_changed_is_not_overwritten(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door, theirs: str
) -> None:
    await talk(hass, entry, door, "2")
    set_numbers(sim, JIRI, HIS, theirs)
    await entry.runtime_data.coordinator.async_describe()
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass, entry)
    assert peers(sim, JIRI) == [HIS, theirs, ""]
    await talk(hass, entry, door)
    assert (peers(sim, JIRI), writes(sim)) == ([HIS, theirs, ""], 1)


async def test_a_number_that_the_user_entered_is_not_removed(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    """The number is the address of Home Assistant, so nothing is written."""
    await talk(hass, entry, door)
    state = hass.states.get(entity_id(hass, entry, "sensor", "talk"))
    assert state is not None
    by_hand = state.attributes["call_address"]
    set_numbers(sim, JIRI, HIS, by_hand)
    await talk(hass, entry, door, "2")
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert (peers(sim, JIRI), writes(sim)) == ([HIS, by_hand, ""], 0)


async def test_removal_ignores_a_deleted_directory_entry(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door, "2")
    sim.directory.clear()
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert repairs(hass) == {}


async def test_numbers_of_the_user_survive_replaced_arrays(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    """The numbers of the user survive with their time profiles."""
    sim.directory.replaces = True
    sim.directory[ALICE]["callPos"][0]["profiles"] = "P=1"
    before = [dict(position) for position in sim.directory[ALICE]["callPos"]]
    await talk(hass, entry, door, "1")
    assert sim.directory[ALICE]["callPos"][:2] == before[:2]
    assert peers(sim, ALICE)[2] == address(hass, entry, "1")
    await talk(hass, entry, door)
    assert sim.directory[ALICE]["callPos"] == before


async def test_a_lost_response_adds_no_second_number(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door)
    sim.lose_next_answer("dir/update", 3)
    await talk(hass, entry, door, "2")
    await entry.runtime_data.coordinator.async_describe()
    assert peers(sim, JIRI) == [HIS, address(hass, entry), ""]
    assert [number["written"] for number in entry.data["button_numbers"]] == [True]


async def test_an_account_without_the_privilege_is_a_repair(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    form = await submit(hass, entry, door, "2")
    assert form["errors"] == {"base": "button_privilege"}
    assert form["description_placeholders"] == {"name": "System – Control"}
    await hass.config_entries.options.async_configure(form["flow_id"], {"talk_next": "save"})
    await until(lambda: "privilege_missing" in repairs(hass), "the repair")
    assert repairs(hass) == {"privilege_missing": "System – Control"}
    assert (peers(sim, JIRI), writes(sim)) == ([HIS, "", ""], 0)
    sim.grant(USERNAME, Privilege.SYSTEM_CONTROL)
    await entry.runtime_data.async_recheck()
    assert (peers(sim, JIRI)[1], repairs(hass)) == (address(hass, entry), {})


async def test_a_revoked_privilege_leaves_the_number_and_a_repair(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door, "2")
    ours = address(hass, entry)
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    await talk(hass, entry, door)
    assert repairs(hass) == {"privilege_missing": "System – Control"}
    assert peers(sim, JIRI)[1] == ours
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert repairs(hass) == {"numbers_left_behind": ours}


async def test_selecting_a_button_needs_the_system_service(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    sim.disable(Service.SYSTEM)
    form = await submit(hass, entry, door, "2")
    assert form["errors"] == {"base": "button_service"}


@pytest.mark.parametrize("what", ["service_missing", "https_missing"])
async def test_a_service_disabled_later_leaves_the_number_and_a_repair(
    hass: HomeAssistant, sim: Simulator, door: Door, what: str
) -> None:
    entry = await add_intercom(hass, sim, address=sim.http_address)
    await talk(hass, entry, door, "2")
    (sim.disable if what == "service_missing" else sim.require_tls)(Service.SYSTEM)
    hass.config_entries.async_update_entry(entry, options=options(door))
    await settled(hass, entry)
    assert repairs(hass)[what] == "System API"
    assert peers(sim, JIRI)[1] == address(hass, entry)


async def test_a_button_without_a_user_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door)
    hass.config_entries.async_update_entry(entry, options={**entry.options, "talk_buttons": ["9"]})
    form = await submit(hass, entry, door, "2", "9")
    assert form["errors"] == {"base": "button_unknown"}
    await hass.config_entries.options.async_configure(form["flow_id"], {"talk_next": "save"})
    await until(lambda: repairs(hass) == {"button_refused": "9"}, "the repair")
    await until(lambda: peers(sim, JIRI)[1], "the number of the other one")


async def test_a_model_without_numbers_is_unsupported(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    sim.directory.extend(lambda fields: fields.pop("callPos"))
    form = await submit(hass, entry, door, "2")
    assert form["errors"] == {"base": "button_unsupported"}


async def test_an_unreadable_directory_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    sim.fault("dir/query", "status")
    form = await submit(hass, entry, door, "2")
    assert form["errors"] == {"base": "talk_cannot_connect"}
    unknown = {"success": False, "error": {"code": 1, "description": "function is not supported"}}
    sim.heal()
    sim.garbage("dir/query", json.dumps(unknown), "application/json")
    form = await hass.config_entries.options.async_configure(form["flow_id"], {"talk_next": "check"})
    assert form["errors"] == {"base": "button_unsupported"}


async def test_a_free_number_taken_before_the_write_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: Any, door: Door
) -> None:
    numbers = entry.runtime_data.coordinator.features.button_numbers
    found = await numbers.find("2", "sip:ha@192.0.2.9:5060")
    assert (found.place, found.number) == (JIRI, "sip:button-2@192.0.2.9:5060")
    set_numbers(sim, JIRI, *HERS, HIS)
    with pytest.raises(ButtonRefused, match="full"):
        await numbers.write(found)
    assert (peers(sim, JIRI), writes(sim)) == ([*HERS, HIS], 0)


async def test_a_number_not_written_before_a_stop_is_written_again(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    """Home Assistant stopped before the write, and another directory entry has the button now."""
    never = {"bell": "2", "place": "0447BBA7-6E7C-420C-A654-466D43D6A067", "number": "sip:old", "written": False}
    await talk(hass, entry, door)
    number = address(hass, entry)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "button_numbers": [never | {"number": number}]})
    await talk(hass, entry, door, "2")
    assert peers(sim, JIRI) == [HIS, number, ""]
    assert entry.data["button_numbers"] == [{"bell": "2", "place": JIRI, "number": number, "written": True}]


async def test_a_directory_entry_that_the_device_rejects_is_a_repair(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    """An invalid field of older firmware makes the device reject the whole entry."""
    set_numbers(sim, JIRI, HIS)
    sim.directory[JIRI]["callPos"][0]["profiles"] = "of old firmware"
    await talk(hass, entry, door, "2")
    assert repairs(hass) == {"button_refused": "2"}
    assert peers(sim, JIRI) == [HIS, "", ""]
    assert "button_numbers" not in entry.data


async def test_the_numbers_are_removed_when_onvif_is_used(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door, "2")
    async with rtsp_server() as server:
        sim.onvif.rtsp_port = server.port
        account = {"stream_username": "viewer", "stream_password": "p@ss/w", "stream_path": "h264_stream"}
        await choose(hass, entry, options(door, "2") | account)
        await until(lambda: state_of(hass, entry, "sensor", "talk") == "onvif", "talk")
        await settled(hass, entry)
        assert peers(sim, JIRI) == [HIS, "", ""]
        form: Any = await hass.config_entries.options.async_init(entry.entry_id)
        stream = account | {"stream_password": "", "sip_port": door.port}
        form = await hass.config_entries.options.async_configure(
            form["flow_id"], {"talk": True, "talk_buttons": ["1", "2"], "stream": stream}
        )
        assert form["errors"] == {"base": "button_no_calls"}


async def test_the_number_stays_while_talk_is_unavailable(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    async with Door() as door:
        await talk(hass, entry, door, "2")
        before = peers(sim, JIRI)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "no_account", "the obstacle")
    await settled(hass, entry)
    assert peers(sim, JIRI) == before


async def test_the_options_list_the_buttons_with_their_names(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    keys = [str(key) for key in form["data_schema"].schema]
    assert keys.index("talk_buttons") == keys.index("talk") + 1
    selector = form["data_schema"].schema["talk_buttons"]
    assert [(option["value"], option["label"]) for option in selector.config["options"]] == [
        ("1", "1 (Alice Gruberová)"),
        ("2", "2 (Jiří Novák)"),
    ]


async def test_buttons_that_were_selected_before_can_be_cleared(
    hass: HomeAssistant, sim: Simulator, door: Door
) -> None:
    sim.directory.clear()
    entry = await add_intercom(hass, sim)
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert "talk_buttons" not in form["data_schema"].schema
    hass.config_entries.async_update_entry(entry, options=options(door, "2"))
    assert await hass.config_entries.async_unload(entry.entry_id)
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert [option["value"] for option in form["data_schema"].schema["talk_buttons"].config["options"]] == ["2"]


async def test_reconfiguring_keeps_the_written_numbers(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, door: Door
) -> None:
    await talk(hass, entry, door, "2")
    written = entry.data["button_numbers"]
    form = await reopen(hass, entry, "reconfigure")
    done = await configure(hass, form, user_input(sim.https_address))
    assert done["reason"] == "reconfigure_successful"
    assert entry.data["button_numbers"] == written


@pytest.mark.parametrize("restored", [True, False])
async def test_a_new_unit_gets_the_number_once(hass: HomeAssistant, sockets: None, door: Door, restored: bool) -> None:
    """The number of a restored backup is that of Home Assistant and is removed with the entry."""
    async with AsyncExitStack() as stack:
        site = Site("two_n", stack)
        await site.mount()
        entry = await site.add(hass)
        await talk(hass, entry, door, "2")
        numbers = peers(site.sim, JIRI)
        await site.replace()
        if restored:
            set_numbers(site.sim, JIRI, *numbers)
        await until(lambda: not entry.runtime_data.coordinator.last_update_success, "the old unit to be away")
        await configure(hass, await asked(hass, site, entry), {})
        await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
        await settled(hass, entry)
        assert (peers(site.sim, JIRI), writes(site.sim)) == (numbers, 0 if restored else 1)
        assert await hass.config_entries.async_remove(entry.entry_id)
        assert peers(site.sim, JIRI) == [HIS, "", ""]
