"""A door never does the opposite of what was asked, under every reading of a relay command (field notes 10)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.ip_intercom.runtime.door_commands import hold_store
from tests.clock import CLOCK
from tests.common import act, entity_id, state_of, until
from tests.simulators.akuvox import Simulator
from tests.simulators.akuvox.dialects import RelayReading
from tests.simulators.akuvox.envelope import ApiError

from .conftest import Start, add, shows

RELAY = "Config.DoorSetting.RELAY."
READINGS = sorted(RelayReading)
TRIG = "relay/trig"
# Longer than an opening is shown that the device ends by itself.
LONG = 60.0


def is_open(sim: Simulator) -> bool:
    return sim.relays.all["A"].open


def triggers(sim: Simulator) -> int:
    return sum(request.function == TRIG for request in sim.requests)


def close(sim: Simulator) -> None:
    sim.relays.close(sim.relays.all["A"])


def open_for(seconds: float | None) -> Callable[[Simulator], None]:
    """Open the door as a code does, or hold it as another system does."""
    return lambda sim: sim.relays.open(sim.relays.all["A"], seconds=seconds, held=seconds is None)


BEFORE: dict[str, Callable[[Simulator], None]] = {
    "closed": close,
    "opened at the door": open_for(600),
    "held by another system": open_for(None),
}


@dataclass(frozen=True)
class Command:
    """An action, its target, and whether the door is open afterwards."""

    action: str
    platform: str
    key: str
    opens: bool

    async def __call__(self, hass: HomeAssistant, entry: ConfigEntry, **data: Any) -> None:
        await act(hass, self.action, entity_id=entity_id(hass, entry, self.platform, self.key), **data)


LOCK = Command("lock.lock", "lock", "door_A_door", opens=False)
OPEN = Command("lock.open", "lock", "door_A_door", opens=True)
UNLOCK = Command("lock.unlock", "lock", "door_A_door", opens=True)
HOLD = Command("switch.turn_on", "switch", "door_A_hold_open", opens=True)
END_HOLD = Command("switch.turn_off", "switch", "door_A_hold_open", opens=False)


async def know(entry: ConfigEntry) -> None:
    """Let a poll read the status of the door long before the command."""
    await entry.runtime_data.coordinator.async_refresh()
    CLOCK.advance(LONG)


@pytest.mark.parametrize("reading", READINGS)
async def test_each_command_sets_the_door_state(hass: HomeAssistant, device: Start, reading: str) -> None:
    sim = await device("e16c", relay_reading=reading)
    entry = await add(hass, sim)
    for prepare in BEFORE.values():
        for command in (LOCK, OPEN, UNLOCK, HOLD):
            prepare(sim)
            await know(entry)
            await command(hass, entry)
            assert is_open(sim) is command.opens, (command, prepare)


@pytest.mark.parametrize("reading", READINGS)
async def test_each_command_sets_a_bistable_relay(hass: HomeAssistant, device: Start, reading: str) -> None:
    sim = await device("e16c", relay_reading=reading, config={f"{RELAY}RelayAMode": "1"})
    entry = await add(hass, sim)
    for prepare in (BEFORE["closed"], BEFORE["held by another system"]):
        for command in (LOCK, OPEN, UNLOCK, LOCK):
            prepare(sim)
            await command(hass, entry)
            assert is_open(sim) is command.opens, (command, prepare)


@pytest.mark.parametrize("reading", READINGS)
async def test_each_command_that_ends_a_hold_closes_the_door(hass: HomeAssistant, device: Start, reading: str) -> None:
    """This includes a door that was held twice."""
    sim = await device("e16c", relay_reading=reading)
    entry = await add(hass, sim)
    for end in (LOCK, END_HOLD):
        await HOLD(hass, entry)
        await HOLD(hass, entry)
        await shows(hass, entry, "switch", "door_A_hold_open", "on")
        assert is_open(sim)
        await OPEN(hass, entry)
        assert is_open(sim), "a door that is held open stays open"
        await end(hass, entry)
        assert not is_open(sim)
        await shows(hass, entry, "switch", "door_A_hold_open", "off")
        await shows(hass, entry, "lock", "door_A_door", "locked")


@pytest.mark.parametrize("reading", READINGS)
async def test_no_command_is_sent_if_the_door_is_in_that_state(
    hass: HomeAssistant, device: Start, reading: str
) -> None:
    sim = await device("e16c", relay_reading=reading)
    entry = await add(hass, sim)
    await LOCK(hass, entry)
    await END_HOLD(hass, entry)
    assert triggers(sim) == 0
    await HOLD(hass, entry)
    before = triggers(sim)
    await HOLD(hass, entry)
    await OPEN(hass, entry)
    assert triggers(sim) == before


async def test_opening_again_prolongs_only_openings_by_home_assistant(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c", config={f"{RELAY}HoldDelayA": "30"})
    entry = await add(hass, sim)
    await OPEN(hass, entry)
    await OPEN(hass, entry)
    assert triggers(sim) == 2
    close(sim)
    await entry.runtime_data.coordinator.async_refresh()
    open_for(None)(sim)
    await know(entry)
    await OPEN(hass, entry)
    assert triggers(sim) == 2, "a trigger could close a door held by another system"
    assert is_open(sim)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("command", [LOCK, OPEN, HOLD], ids=lambda command: command.action)
async def test_a_lost_response_is_verified_by_reading_the_relay(
    hass: HomeAssistant, device: Start, reading: str, command: Command
) -> None:
    sim = await device("e16c", relay_reading=reading)
    entry = await add(hass, sim)
    if command is LOCK:
        await HOLD(hass, entry)
    before = triggers(sim)
    sim.lose_next_answer(TRIG)
    await command(hass, entry)
    assert is_open(sim) is command.opens
    assert triggers(sim) == before + 1, "the command is sent once"


async def test_a_lost_response_that_cannot_be_verified_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    entry = await add(hass, sim, security_relays=["SA"])
    sim.lose_next_answer(TRIG)
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_SA_door"))
    assert failed.value.translation_key == "door_answer_lost"
    assert sim.relays.all["SA"].openings == 1


@pytest.mark.parametrize(
    ("command", "prepare", "key"),
    [
        (OPEN, "closed", "door_did_not_open"),
        (HOLD, "closed", "door_not_held"),
        (LOCK, "opened at the door", "door_did_not_close"),
    ],
)
async def test_a_command_without_effect_is_an_error(
    hass: HomeAssistant, device: Start, command: Command, prepare: str, key: str
) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    BEFORE[prepare](sim)
    await know(entry)
    sim.stick_relay("A")
    with pytest.raises(HomeAssistantError) as failed:
        await command(hass, entry)
    assert failed.value.translation_key == key
    assert "Front Door" in str(failed.value)
    shown = hass.states.get(entity_id(hass, entry, "lock", "door_A_door"))
    assert shown is not None
    assert shown.state == ("unlocked" if is_open(sim) else "locked"), "the state is the last status of the device"


@pytest.mark.parametrize("reading", READINGS)
async def test_a_relay_with_a_trigger_delay_opens(hass: HomeAssistant, device: Start, reading: str) -> None:
    config = {f"{RELAY}TriggerDelayA": "1", f"{RELAY}HoldDelayA": "60"}
    sim = await device("e18", relay_reading=reading, config=config)
    entry = await add(hass, sim)
    await OPEN(hass, entry)
    assert is_open(sim)


async def test_only_opening_works_while_the_state_is_unreadable(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that could open a closed door is not sent."""
    sim = await device("e16c", relay_reading=RelayReading.B)
    entry = await add(hass, sim)

    original = sim.pipeline._handlers["relay/status"]
    monkeypatch.setitem(sim.pipeline._handlers, "relay/status", _fail)
    await OPEN(hass, entry)
    assert sim.relays.all["A"].openings == 1, "the door opened once and may have closed since"
    before = triggers(sim)
    with pytest.raises(HomeAssistantError):
        await LOCK(hass, entry)
    assert triggers(sim) == before
    monkeypatch.setitem(sim.pipeline._handlers, "relay/status", original)
    await LOCK(hass, entry)
    assert not is_open(sim)


def _fail(_: object) -> Any:
    raise ApiError(-1, "Internal error")


async def test_a_hold_of_another_system_is_not_renewed(hass: HomeAssistant, device: Start) -> None:
    """Under reading B, a trigger could end the hold."""
    sim = await device("e16c", relay_reading=RelayReading.B)
    entry = await add(hass, sim)
    open_for(None)(sim)
    await know(entry)
    await entry.runtime_data.coordinator.async_refresh()
    await shows(hass, entry, "switch", "door_A_hold_open", "on")
    await HOLD(hass, entry)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=15))
    await hass.async_block_till_done()
    assert triggers(sim) == 0
    assert is_open(sim)


@pytest.mark.parametrize("reading", READINGS)
async def test_an_unlimited_hold_is_renewed(hass: HomeAssistant, device: Start, reading: str) -> None:
    """The longest delay is 18 hours; a hold lasts longer and survives a restart of Home Assistant."""
    sim = await device("e16c", relay_reading=reading, speed=1.0)  # so that the device's timers last as long
    entry = await add(hass, sim)
    await HOLD(hass, entry)
    before = triggers(sim)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=15))
    await until(lambda: triggers(sim) == before + 1, "the hold to be renewed")
    assert is_open(sim)
    await hass.config_entries.async_reload(entry.entry_id)
    await shows(hass, entry, "switch", "door_A_hold_open", "on")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=15))
    await until(lambda: triggers(sim) == before + 2, "the hold to be renewed after a restart")
    close(sim)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=31))
    await hass.async_block_till_done()
    assert triggers(sim) == before + 2, "a hold that the device ended is not started again"


async def test_renewing_a_hold_is_retried_while_the_door_is_unreadable(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c", speed=1.0)
    entry = await add(hass, sim)
    await HOLD(hass, entry)
    before = triggers(sim)
    sim.fault("*", "status", status=500)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=15))
    await hass.async_block_till_done()
    assert triggers(sim) == before
    sim.heal()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=16))
    await until(lambda: triggers(sim) == before + 1, "the hold to be renewed")
    assert is_open(sim)


async def test_holds_are_resumed_though_the_door_is_unreadable(hass: HomeAssistant, device: Start) -> None:
    """One hold ended while Home Assistant was stopped, and the device ended the other."""
    sim = await device("e16c", speed=1.0)
    entry = await add(hass, sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    past, future = (dt_util.utcnow() + timedelta(hours=hours) for hours in (-1, 20))
    await hold_store(hass, entry.entry_id).async_save({"A": future.isoformat(), "B": past.isoformat()})
    sim.fault("relay/status", "status", status=500)
    assert await hass.config_entries.async_setup(entry.entry_id)
    sim.heal()
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    await until(lambda: state_of(hass, entry, "lock", "door_A_door") == "locked", "the door to be read")
    assert triggers(sim) == 0
