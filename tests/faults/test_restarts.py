"""A device or server that restarts or loses its power at any moment of the setup is back soon after its return."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
import time

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from yarl import URL

from tests.common import until
from tests.outages import unusable
from tests.simulators.common import host
from tests.simulators.common.faults import Fault

from .matrix import BACK, SYSTEMS
from .rigs import RIGS, Rig

# Seconds after which a test has failed.
LONGEST = 300.0
LOOK = 0.25
# Requests until the second one of the setup, and until its entities are there: the device restarts between two answers.
EARLY = 2
LATE = {"two_n": (12, 14, 17), "akuvox": (9, 10), "mx_proxy": (5, 6), "smartyard": (8, 9)}
# Home Assistant's own attempts in six minutes: after 0, 5, 15, 35, 75, 155, and 315 s.
ATTEMPTS = 7


@pytest.fixture
async def rig(
    hass: HomeAssistant, sockets: None, local_url: str, monkeypatch: pytest.MonkeyPatch, system: str
) -> AsyncGenerator[Rig]:
    """A device or account whose events are followed."""
    monkeypatch.setattr(host, "AFTER_ANSWER", 0.0)
    async with AsyncExitStack() as stack:
        rig = RIGS[system](hass, local_url)
        await rig.add(stack, secure=False)
        await until(lambda: rig.entry.state is ConfigEntryState.LOADED and rig.entry.runtime_data.events.following)
        await hass.async_block_till_done()
        await asyncio.sleep(5.0)
        yield rig
        await hass.config_entries.async_unload(rig.entry.entry_id)


def missing(rig: Rig, entities: set[str]) -> list[str]:
    """Return what does not work that worked before."""
    if rig.entry.state is not ConfigEntryState.LOADED:
        return [str(rig.entry.state)]
    coordinator = rig.entry.runtime_data.coordinator
    found = sorted(unusable(rig.hass, rig.entry) - entities)
    return [*found, *(["polls"] if not coordinator.last_update_success else [])] + (
        [] if coordinator.log_health.working else ["events"]
    )


async def seconds_until_back(rig: Rig, entities: set[str]) -> float:
    """Return the seconds until all works again."""
    began = time.monotonic()
    while (now := missing(rig, entities)) and time.monotonic() < began + LONGEST:
        await asyncio.sleep(LOOK)
    assert not now
    return time.monotonic() - began


async def set_up_during_a_restart(rig: Rig, answers: int, seconds: float) -> None:
    """Set up the entry of a device that restarts after so many answers; return when it is there again."""
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    begins = asyncio.Event()
    rig.sim.after(answers, begins.set)

    async def restart() -> None:
        await begins.wait()
        await rig.reboot(seconds)

    restarted = rig.hass.async_create_task(restart())
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await restarted


@pytest.mark.parametrize("seconds", [6.0, 18.0, 37.0, 200.0])
@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_device_that_restarts_during_the_setup_is_back_soon(rig: Rig, seconds: float) -> None:
    entities = unusable(rig.hass, rig.entry)
    await set_up_during_a_restart(rig, EARLY, seconds)
    assert await seconds_until_back(rig, entities) <= BACK


@pytest.mark.parametrize("seconds", [3.0, 18.0])
@pytest.mark.parametrize(("system", "answers"), [(system, answers) for system in SYSTEMS for answers in LATE[system]])
async def test_a_device_that_restarts_just_after_the_setup_is_back_soon(rig: Rig, answers: int, seconds: float) -> None:
    entities = unusable(rig.hass, rig.entry)
    await set_up_during_a_restart(rig, answers, seconds)
    assert await seconds_until_back(rig, entities) <= BACK


@pytest.mark.parametrize("seconds", [3.0, 8.0])
@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_device_whose_outage_only_a_poll_notices_is_back_soon(rig: Rig, seconds: float) -> None:
    entities = unusable(rig.hass, rig.entry)
    outage = asyncio.create_task(rig.reboot(seconds))
    await asyncio.sleep(0.1)
    await rig.entry.runtime_data.coordinator.async_refresh()
    await outage
    assert await seconds_until_back(rig, entities) <= BACK


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_device_without_power_during_the_setup_is_back_soon(rig: Rig) -> None:
    entities = unusable(rig.hass, rig.entry)
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.sim.cut_power()
    setup = asyncio.create_task(rig.hass.config_entries.async_setup(rig.entry.entry_id))
    await asyncio.sleep(100.0)
    rig.sim.reset_connections()
    await rig.sim.restore_connection()
    assert await seconds_until_back(rig, entities) <= BACK
    await setup


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_device_that_answers_with_errors_is_left_to_home_assistant(rig: Rig) -> None:
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.sim.fault("*", Fault.STATUS, status=503)
    attempts: list[float] = []
    rig.entry.async_on_state_change(
        lambda: attempts.append(time.monotonic()) if rig.entry.state is ConfigEntryState.SETUP_IN_PROGRESS else None
    )
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await asyncio.sleep(360.0)
    assert rig.entry.state is ConfigEntryState.SETUP_RETRY
    assert len(attempts) == ATTEMPTS


@pytest.mark.parametrize("system", ["two_n"])
async def test_a_port_that_only_accepts_connections_is_left_to_home_assistant(rig: Rig) -> None:
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    address = URL(rig.entry.data["url"])
    rig.sim.lose_connection()
    attempts: list[float] = []
    rig.entry.async_on_state_change(
        lambda: attempts.append(time.monotonic()) if rig.entry.state is ConfigEntryState.SETUP_IN_PROGRESS else None
    )
    # No TLS is ever spoken.
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, address.host, address.port or 0)
    try:
        await rig.hass.config_entries.async_setup(rig.entry.entry_id)
        await asyncio.sleep(360.0)
        assert rig.entry.state is ConfigEntryState.SETUP_RETRY
        assert rig.entry.error_reason_translation_key == "cannot_connect"
        assert len(attempts) <= ATTEMPTS + 1
    finally:
        server.close()
        server.abort_clients()


@pytest.mark.parametrize("system", SYSTEMS)
async def test_an_entry_that_is_unloaded_stays_so_when_its_device_returns(rig: Rig) -> None:
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.sim.lose_connection()
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await asyncio.sleep(1.0)
    assert missing(rig, set()) == [str(ConfigEntryState.SETUP_RETRY)]
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    await rig.sim.restore_connection()
    rig.sim.clear_requests()
    await asyncio.sleep(60.0)
    assert rig.entry.state is ConfigEntryState.NOT_LOADED
    assert rig.sim.requests == []
