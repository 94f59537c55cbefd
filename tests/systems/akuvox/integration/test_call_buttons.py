"""The push button of an Akuvox calls Home Assistant: its SIP address in the list of numbers, written and taken back."""

from collections.abc import AsyncGenerator
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from tests.common import entity_id, state_of, until
from tests.simulators.akuvox import Simulator
from tests.talk.door import Door
from tests.test_call_buttons import repairs

from .conftest import Start, add, address_of

KEY = "Config.Programable.SOFTKEY01.LocalParam1"
THEIRS = "192.168.1.20"
EIGHT = ";".join(str(number) for number in range(1001, 1009))


@pytest.fixture
async def door(sockets: None) -> AsyncGenerator[Door]:
    async with Door() as door:
        yield door


@pytest.fixture
async def sim(quick_device: Start) -> Simulator:
    return await quick_device()


def writes(sim: Simulator) -> int:
    """Count the changes of the configuration."""
    return sum(1 for request in sim.requests if request.function == "config/set")


def our_address(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the address of Home Assistant."""
    state = hass.states.get(entity_id(hass, entry, "sensor", "talk"))
    assert state is not None
    return str(state.attributes["call_address"])


async def settled(hass: HomeAssistant, entry: Any) -> None:
    """Wait until talk was checked, and the numbers are as wanted."""
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
    await entry.runtime_data.call_buttons.async_update()


async def add_talking(hass: HomeAssistant, sim: Simulator, door: Door, *buttons: str) -> Any:
    """Add the device with talk, and with buttons that call Home Assistant."""
    entry = await add(hass, sim, talk=True, sip_port=door.port, talk_buttons=list(buttons))
    await settled(hass, entry)
    return entry


async def select(hass: HomeAssistant, entry: Any, *buttons: str, talk: bool = True) -> None:
    """Select buttons in the options, without their form."""
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, "talk": talk, "talk_buttons": list(buttons)}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    if talk:
        await settled(hass, entry)
    else:
        await entry.runtime_data.call_buttons.async_update()


async def submit(hass: HomeAssistant, entry: ConfigEntry, *buttons: str) -> Any:
    """Fill in the form of the options with buttons, and return the next form."""
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    kept = {key: entry.options[key] for key in ("sip_port", "picture_port", "stream_username")}
    return await hass.config_entries.options.async_configure(
        form["flow_id"], {"talk": True, "talk_buttons": list(buttons), "opening": {}, "stream": kept}
    )


async def test_the_button_calls_home_assistant(hass: HomeAssistant, sim: Simulator, door: Door) -> None:
    entry = await add_talking(hass, sim, door)
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    selector = form["data_schema"].schema["talk_buttons"]
    assert [option["value"] for option in selector.config["options"]] == ["call"]
    form = await submit(hass, entry, "call")
    assert (form["step_id"], form["errors"], writes(sim)) == ("talk", None, 0)
    done: Any = await hass.config_entries.options.async_configure(form["flow_id"], {})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await until(lambda: writes(sim), "the number")
    await settled(hass, entry)
    assert sim.config[KEY] == f"{THEIRS};{our_address(hass, entry)}"
    sim.press()
    assert sim.phone.called == (THEIRS, our_address(hass, entry))
    door.call_home(sim.phone.called[1])
    await until(lambda: door.rings, "the ringing")
    await until(lambda: state_of(hass, entry, "event", "bell_call") != "unknown", "the ring")


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        ("", "{}", ""),
        (f"{THEIRS};;;;;;;", f"{THEIRS};{{}};;;;;;", f"{THEIRS};;;;;;;"),
        ("1001;;1002", "1001;{};1002", "1001;;1002"),
        ("1001;1002", "1001;1002;{}", "1001;1002"),
    ],
)
async def test_the_numbers_of_the_user_keep_their_positions(
    hass: HomeAssistant, sim: Simulator, door: Door, before: str, after: str, back: str
) -> None:
    sim.configure(KEY, before)
    entry = await add_talking(hass, sim, door, "call")
    assert sim.config[KEY] == after.format(our_address(hass, entry))
    await select(hass, entry)
    assert sim.config[KEY] == back
    assert "button_numbers" not in entry.data


async def test_a_restart_writes_nothing_and_a_new_address_replaces_the_old_one(
    hass: HomeAssistant, sim: Simulator, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await add_talking(hass, sim, door, "call")
    assert writes(sim) == 1
    old = our_address(hass, entry)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass, entry)
    await entry.runtime_data.coordinator.async_describe()
    assert writes(sim) == 1
    monkeypatch.setattr("custom_components.ip_intercom.systems.common.talk._FIRST_PORT", 37_060)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass, entry)
    assert our_address(hass, entry) != old
    assert sim.config[KEY] == f"{THEIRS};{our_address(hass, entry)}"


@pytest.mark.parametrize("way", ["talk off", "removed"])
async def test_the_number_is_removed_with_talk_or_the_entry(
    hass: HomeAssistant, sim: Simulator, door: Door, way: str
) -> None:
    entry = await add_talking(hass, sim, door, "call")
    if way == "removed":
        assert await hass.config_entries.async_remove(entry.entry_id)
    else:
        await select(hass, entry, "call", talk=False)
    assert sim.config[KEY] == THEIRS
    assert repairs(hass) == {}


async def test_a_number_left_on_an_unreachable_device_is_a_repair(
    hass: HomeAssistant, sim: Simulator, door: Door
) -> None:
    entry = await add_talking(hass, sim, door, "call")
    ours = our_address(hass, entry)
    sim.lose_connection()
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert repairs(hass) == {"numbers_left_behind": ours}


async def test_the_number_on_another_device_at_the_address_is_kept(
    hass: HomeAssistant, sim: Simulator, device: Start, door: Door
) -> None:
    entry = await add_talking(hass, sim, door, "call")
    ours = our_address(hass, entry)
    stranger = await device("e16c", config={KEY: ours})
    data = {**entry.data, "url": address_of(stranger), "fingerprint": None}
    hass.config_entries.async_update_entry(entry, data=data)
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert stranger.config[KEY] == ours
    assert repairs(hass) == {"numbers_left_behind": ours}


@pytest.mark.parametrize("theirs", ["", f"{THEIRS};1002"])
async def test_a_number_that_the_user_changed_is_not_overwritten(
    hass: HomeAssistant, sim: Simulator, door: Door, theirs: str
) -> None:
    entry = await add_talking(hass, sim, door, "call")
    sim.configure(KEY, theirs)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass, entry)
    await select(hass, entry)
    assert (sim.config[KEY], writes(sim)) == (theirs, 1)


async def test_a_number_that_the_user_entered_is_not_removed(hass: HomeAssistant, sim: Simulator, door: Door) -> None:
    entry = await add_talking(hass, sim, door)
    by_hand = our_address(hass, entry)
    sim.configure(KEY, by_hand)
    await select(hass, entry, "call")
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert (sim.config[KEY], writes(sim)) == (by_hand, 0)


async def test_a_button_without_a_free_number_is_a_repair(hass: HomeAssistant, sim: Simulator, door: Door) -> None:
    sim.configure(KEY, EIGHT)
    entry = await add_talking(hass, sim, door)
    form = await submit(hass, entry, "call")
    assert form["errors"] == {"base": "button_full"}
    await select(hass, entry, "call")
    assert repairs(hass) == {"button_full": "1"}
    assert (sim.config[KEY], writes(sim)) == (EIGHT, 0)


async def test_a_number_that_the_device_drops_is_a_repair(hass: HomeAssistant, sim: Simulator, door: Door) -> None:
    """The device drops numbers above its limit, and its own list is restored."""
    sim.configure(KEY, "1001;1002")
    sim.config.button_numbers = 2
    entry = await add_talking(hass, sim, door, "call")
    assert repairs(hass) == {"button_refused": "1"}
    assert sim.config[KEY] == "1001;1002"
    assert "button_numbers" not in entry.data


async def test_a_model_without_the_setting_is_unsupported(hass: HomeAssistant, sim: Simulator, door: Door) -> None:
    del sim.config.values[KEY]
    entry = await add_talking(hass, sim, door)
    form = await submit(hass, entry, "call")
    assert (form["step_id"], form["errors"]) == ("talk_unavailable", {"base": "button_unsupported"})
    await hass.config_entries.options.async_configure(form["flow_id"], {"talk_next": "save"})
    await until(lambda: repairs(hass) == {"button_refused": "1"}, "the repair")
    await select(hass, entry)
    assert (repairs(hass), writes(sim), KEY in sim.config.values) == ({}, 0, False)


async def test_a_number_that_the_device_does_not_remove_is_a_repair(
    hass: HomeAssistant, sim: Simulator, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repair names the number until the user deletes it."""
    entry = await add_talking(hass, sim, door, "call")
    ours = our_address(hass, entry)
    with monkeypatch.context() as deaf:
        deaf.setattr(sim.config, "write", lambda *_: None)
        await select(hass, entry)
        assert repairs(hass) == {"button_left": ours}
    sim.configure(KEY, THEIRS)
    await entry.runtime_data.async_recheck()
    assert repairs(hass) == {}
    assert "button_numbers" not in entry.data
