"""Requests to a 2N at the first setup and at a reload: none is repeated, and those for entities are first."""

import asyncio
from collections import Counter
import time

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.helpers.connection import async_client_session
from custom_components.ip_intercom.model.state import Description
from custom_components.ip_intercom.runtime.loading import async_hand_over
from custom_components.ip_intercom.systems import find_system
from tests.common import PASSWORD, USERNAME, add_intercom, configure, enter, reopen, until, user_input
from tests.simulators.two_n import Simulator

# The setup reads these in four round trips; the first request for the log handles the authentication challenge.
SETUP = Counter(
    {
        "system/info": 1,
        "log/caps": 2,
        "log/subscribe": 1,
        "switch/caps": 1,
        "io/caps": 1,
        "camera/caps": 1,
        "dir/query": 1,
        "switch/status": 1,
        "io/status": 1,
        "phone/status": 1,
        "call/status": 1,
    }
)
# What few entities need comes after the setup, and so does the event stream.
REST = Counter(["display/caps", "accesspoint/blocking/status", "system/time", "phone/calllog"])
STREAM = Counter(["log/pull", "system/status"])
# The config flow determines what the account may do. What shows the manufacturer is the identity of a 2N as well.
# The uptime that the stream needs is that of a probe.
PROBES = Counter(["accesspoint/blocking/ctrl", "call/dial", "io/ctrl", "switch/ctrl"])


def asked(sim: Simulator) -> Counter[str]:
    """Return the answered requests, without the long poll."""
    return Counter(
        request.path.removeprefix("/api/") for request in sim.requests if request.query.get("timeout", "0") == "0"
    )


@pytest.mark.default_entities
async def test_the_first_contact_takes_22_requests(hass: HomeAssistant, sim: Simulator) -> None:
    await add_intercom(hass, sim)
    await hass.async_block_till_done()
    assert asked(sim) == SETUP + REST + STREAM + PROBES
    assert (SETUP + REST + STREAM + PROBES).total() == 22
    # One channel, of the config flow, which the entry continues to read.
    assert len(sim.channels) == 1


@pytest.mark.default_entities
async def test_a_reload_takes_12_requests_and_6_in_the_background(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add_intercom(hass, sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.clear_requests()
    delay = 0.5
    sim.delay(delay)
    assert await hass.config_entries.async_setup(entry.entry_id)
    setup = asked(sim)
    rounds = 1 + sum(
        after.at - before.at > delay / 2 for before, after in zip(sim.requests, sim.requests[1:], strict=False)
    )
    await hass.async_block_till_done()
    await until(lambda: asked(sim) == SETUP + REST + STREAM, "the rest")
    assert setup == SETUP
    assert (setup.total(), rounds) == (12, 4)


async def test_functions_postponed_at_setup_are_read_after_it(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add_intercom(hass, sim)
    description: Description = entry.runtime_data.coordinator.description
    assert not description.incomplete
    assert entry.runtime_data.coordinator.data.clock is not None


async def test_adding_a_configured_device_leaves_its_channel(hass: HomeAssistant, sim: Simulator) -> None:
    await add_intercom(hass, sim)
    result = await enter(hass, user_input(sim.https_address))
    assert result["reason"] == "already_configured"
    assert len(sim.channels) == 1


async def test_reauth_leaves_one_log_channel(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add_intercom(hass, sim)
    sim.change_password(USERNAME, "new")
    form = await reopen(hass, entry, "reauth")
    done = await configure(hass, form, {"username": USERNAME, "password": "new"})
    assert done["reason"] == "reauth_successful"
    await sim.wait_for_pull()
    await until(lambda: len(sim.channels) == 1, "one channel")


async def test_a_channel_without_an_entry_is_closed(hass: HomeAssistant, sim: Simulator) -> None:
    account = {"username": USERNAME, "password": PASSWORD}
    found = await find_system(async_client_session(hass), sim.https_address, account, False)
    assert found.system is not None
    assert len(sim.channels) == 1
    async_hand_over(hass, found.description.identity.id, found.system)
    await until(lambda: not sim.channels, "the channel to be closed")


async def test_the_minute_after_a_reboot_takes_few_requests(hass: HomeAssistant, sim: Simulator) -> None:
    await add_intercom(hass, sim)
    await asyncio.sleep(70)
    sim.clear_requests()
    began = time.monotonic()
    await sim.reboot(20.0)
    await asyncio.sleep(max(0.0, began + 59.0 - time.monotonic()))
    first = asked(sim)
    assert first["switch/status"] == 1, "the state is read once"
    assert first["switch/caps"] == 0, "the capabilities are read later"
    assert first.total() <= 14, first
    await until(lambda: asked(sim)["switch/caps"], "the capabilities")
