"""Doors whose state is reported late: ``relay/status`` lags 1 to 3 seconds behind the relay (field notes)."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.ip_intercom.runtime.door_commands import hold_store
from tests.common import act, entity_id, until
from tests.simulators.akuvox import Simulator
from tests.simulators.akuvox.dialects import RelayReading
from tests.simulators.akuvox.envelope import ApiError, Reply

from .conftest import Start, add, shows
from .test_door_commands import END_HOLD, HOLD, LOCK, OPEN, READINGS, RELAY, Command, close, is_open, open_for, triggers

LAG = 3.5
BISTABLE = {f"{RELAY}RelayAMode": "1"}
STATUS = "relay/status"


async def shut(sim: Simulator) -> None:
    await until(lambda: not is_open(sim), "the door to close")


@pytest.mark.parametrize("reading", READINGS)
async def test_commands_wait_for_a_lagging_status(hass: HomeAssistant, device: Start, reading: str) -> None:
    sim = await device(relay_reading=reading, status_lag=LAG)
    entry = await add(hass, sim)
    for command in (HOLD, OPEN, END_HOLD, OPEN, LOCK, LOCK, HOLD, LOCK):
        before = triggers(sim)
        await command(hass, entry)
        assert is_open(sim) is command.opens
        assert triggers(sim) <= before + 1


@pytest.mark.parametrize("reading", READINGS)
async def test_a_bistable_relay_with_a_late_status_is_triggered_once(
    hass: HomeAssistant, device: Start, reading: str
) -> None:
    sim = await device(relay_reading=reading, status_lag=LAG, config=BISTABLE)
    entry = await add(hass, sim)
    for command in (OPEN, OPEN, LOCK, LOCK, OPEN, LOCK):
        await command(hass, entry)
        assert is_open(sim) is command.opens
    assert triggers(sim) == 4


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize(
    ("first", "second", "config"),
    [
        (OPEN, OPEN, BISTABLE),
        (OPEN, LOCK, BISTABLE),
        (OPEN, LOCK, {}),
        (HOLD, END_HOLD, {}),
        (HOLD, OPEN, {}),
    ],
    ids=["bistable opened twice", "bistable closed", "closed", "hold ended", "held and opened"],
)
async def test_a_command_ignores_an_older_status(
    hass: HomeAssistant, device: Start, reading: str, first: Command, second: Command, config: dict[str, str]
) -> None:
    """The next command ignores a status that may be older, also after a reload."""
    sim = await device(relay_reading=reading, status_lag=7.5, config=config)
    entry = await add(hass, sim)
    with pytest.raises(HomeAssistantError):
        await first(hass, entry)
    if config:
        await hass.config_entries.async_reload(entry.entry_id)
    with suppress(HomeAssistantError):  # its own effect may come too late to be seen as well
        await second(hass, entry)
    assert is_open(sim) is second.opens
    if first is HOLD and second is OPEN:
        await shows(hass, entry, "switch", "door_A_hold_open", "on")
        timer = sim.relays.all["A"].timer
        assert timer is not None
        assert timer.remaining > 60000, "opening does not end a hold"


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("own", [True, False], ids=["opened by Home Assistant", "opened at the door"])
async def test_a_command_works_while_the_status_still_shows_an_opening(
    hass: HomeAssistant, device: Start, reading: str, own: bool
) -> None:
    sim = await device(relay_reading=reading, status_lag=2.0, config={f"{RELAY}HoldDelayA": "4"})
    entry = await add(hass, sim)
    for command in (LOCK, OPEN, HOLD):
        if own:
            await OPEN(hass, entry)
        else:
            open_for(4)(sim)
        await shut(sim)
        sim.clear_requests()
        await command(hass, entry)
        assert is_open(sim) is command.opens, command.action
        assert triggers(sim) == command.opens, command.action
        await asyncio.sleep(10)


@pytest.mark.parametrize("reading", READINGS)
async def test_opening_prolongs_a_hold_that_ends_soon(hass: HomeAssistant, device: Start, reading: str) -> None:
    sim = await device(relay_reading=reading, config={f"{RELAY}HoldDelayA": "60"})
    entry = await add(hass, sim)
    lock = entity_id(hass, entry, "lock", "door_A_door")
    await act(hass, "ip_intercom.open_door", response=True, entity_id=lock, hold_time={"seconds": 20})
    await OPEN(hass, entry)
    timer = sim.relays.all["A"].timer
    assert timer is not None
    assert timer.remaining > 40


@pytest.mark.parametrize("reading", READINGS)
async def test_a_door_opened_by_another_system_is_not_closed(hass: HomeAssistant, device: Start, reading: str) -> None:
    """Any trigger may close a door in mode 1: no command is sent, and the error says why."""
    sim = await device(relay_reading=reading)
    entry = await add(hass, sim)
    for command in (OPEN, HOLD):
        close(sim)
        await entry.runtime_data.coordinator.async_refresh()
        open_for(None)(sim)
        await command(hass, entry)
        assert is_open(sim)
    await shows(hass, entry, "switch", "door_A_hold_open", "on")
    lock = entity_id(hass, entry, "lock", "door_A_door")
    with pytest.raises(ServiceValidationError) as failed:
        await act(hass, "ip_intercom.open_door", response=True, entity_id=lock, hold_time={"minutes": 2})
    assert failed.value.translation_key == "door_opened_elsewhere"
    assert is_open(sim)
    assert triggers(sim) == 0
    await LOCK(hass, entry)
    assert not is_open(sim)


async def test_holding_during_a_long_opening_of_another_system_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device(config={f"{RELAY}HoldDelayA": "600"})
    entry = await add(hass, sim)
    open_for(600)(sim)
    with pytest.raises(ServiceValidationError) as failed:
        await HOLD(hass, entry)
    assert failed.value.translation_key == "door_opened_elsewhere"
    assert triggers(sim) == 0


@pytest.mark.parametrize("answer", [ApiError(-1, "Internal error"), Reply([]), Reply({"RelayA": None})], ids=str)
@pytest.mark.parametrize("reading", READINGS)
async def test_opening_does_not_end_an_unreadable_hold(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch, reading: str, answer: Any
) -> None:
    def spoil(_: object) -> Any:
        if isinstance(answer, ApiError):
            raise answer
        return answer

    sim = await device(relay_reading=reading)
    entry = await add(hass, sim)
    await HOLD(hass, entry)
    monkeypatch.setitem(sim.pipeline._handlers, STATUS, spoil)
    await OPEN(hass, entry)
    timer = sim.relays.all["A"].timer
    assert timer is not None
    assert timer.remaining > 60000
    before = triggers(sim)
    with pytest.raises(HomeAssistantError):
        await LOCK(hass, entry)
    assert triggers(sim) == before
    assert is_open(sim)


async def test_a_closing_that_cannot_be_verified_is_an_error(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is sent once: a second trigger would open the door."""

    def fail(_: object) -> Any:
        raise ApiError(-1, "Internal error")

    def trigger(call: Any) -> Any:
        monkeypatch.setitem(sim.pipeline._handlers, STATUS, fail)
        return original(call)

    sim = await device(relay_reading=RelayReading.B)
    entry = await add(hass, sim)
    await HOLD(hass, entry)
    original = sim.pipeline._handlers["relay/trig"]
    monkeypatch.setitem(sim.pipeline._handlers, "relay/trig", trigger)
    before = triggers(sim)
    with pytest.raises(HomeAssistantError) as failed:
        await LOCK(hass, entry)
    assert failed.value.translation_key == "door_unconfirmed"
    assert triggers(sim) == before + 1


@pytest.mark.parametrize("seen", ["by a poll", "after a restart"])
async def test_a_hold_that_has_ended_is_not_renewed(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    """An opening by a visitor does not continue the ended hold, in memory or in the store."""
    sim = await device(relay_reading=RelayReading.B)
    entry = await add(hass, sim)
    await HOLD(hass, entry)
    if seen == "after a restart":
        await hass.config_entries.async_unload(entry.entry_id)
        close(sim)
        await hass.config_entries.async_setup(entry.entry_id)
    else:
        close(sim)
        await entry.runtime_data.coordinator.async_refresh()
    await shows(hass, entry, "switch", "door_A_hold_open", "off")
    await shows(hass, entry, "lock", "door_A_door", "locked")
    await hass.async_block_till_done()
    assert await hold_store(hass, entry.entry_id).async_load() == {}
    before = triggers(sim)
    open_for(30 * 3600)(sim)  # the time that is moved moves the device's as well
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=15))
    await hass.async_block_till_done()
    await asyncio.sleep(0.1)
    assert triggers(sim) == before
