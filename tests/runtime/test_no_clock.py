"""A device whose time counts from 1970 after each start: events have Home Assistant's times, and a repair sets it."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from tests.common import USERNAME, add_intercom, capture_log_events, state_of, until
from tests.simulators.two_n import Privilege, Simulator

NEAR = timedelta(minutes=1)


@pytest.fixture(params=[True, False], ids=["unreachable server", "no server"])
async def sim(request: pytest.FixtureRequest, sockets: None) -> AsyncGenerator[Simulator]:
    """A Verso without a clock; a configured time server is unreachable."""
    async with Simulator("verso", has_clock=False) as simulator:
        simulator.system.automatic_time = request.param
        yield simulator


def repairs(hass: HomeAssistant) -> dict[str | None, bool | None]:
    """Return the open repairs, and whether Home Assistant can fix them."""
    issues = ir.async_get(hass).issues.values()
    return {issue.translation_key: issue.is_fixable for issue in issues if issue.domain == DOMAIN and issue.active}


def is_now(text: str) -> bool:
    reported = dt_util.parse_datetime(text)
    assert reported is not None
    return abs(reported - datetime.now(UTC)) < NEAR


async def submit(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> dict[str, object]:
    """Confirm the repair, and return the result."""
    await async_setup_component(hass, REPAIRS, {})
    issue = next(issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    client = await hass_client()
    begin = {"handler": DOMAIN, "issue_id": issue.issue_id}
    form = await (await client.post("/api/repairs/issues/fix", json=begin)).json()
    done: dict[str, object] = await (await client.post(f"/api/repairs/issues/fix/{form['flow_id']}", json={})).json()
    return done


async def test_events_have_the_times_of_home_assistant(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    events = capture_log_events(hass)
    sim.press("%1", call=False)
    sim.swipe_card("4BD9E903")
    await until(lambda: state_of(hass, entry, "sensor", "last_access") != "unknown", "the access")
    assert sim.clock.utc() < 86400 * 365, "the clock of the device is in 1970"
    assert state_of(hass, entry, "event", "bell_1") != "unknown", "the bell rings without a set clock"
    assert is_now(state_of(hass, entry, "sensor", "last_access"))
    assert events and all(is_now(event.data["time"]) for event in events)
    last_call = hass.states.get("sensor.front_gate_last_call")
    assert last_call is not None and not last_call.state.startswith("1970")


async def test_a_repair_sets_the_clock_until_the_next_start(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    asks_server = sim.system.automatic_time
    assert repairs(hass) == {"clock": True}
    assert (await submit(hass, hass_client))["type"] == "create_entry"
    assert abs(sim.clock.utc() - datetime.now(UTC).timestamp()) < NEAR.total_seconds()
    assert sim.system.automatic_time is asks_server
    assert repairs(hass) == {}
    await sim.reboot(0.0)
    await until(lambda: repairs(hass) == {"clock": True}, "the next start")


@pytest.mark.parametrize("firmware", ["2.38.0.1.1", "3.3.1.82.4"])
async def test_the_repair_sets_the_clock_of_each_firmware(
    hass: HomeAssistant, sockets: None, firmware: str, hass_client: ClientSessionGenerator
) -> None:
    for asks_server in (True, False):
        async with Simulator("verso", has_clock=False, firmware=firmware) as sim:
            sim.system.automatic_time = asks_server
            entry = await add_intercom(hass, sim)
            assert repairs(hass) == {"clock": True}
            await submit(hass, hass_client)
            assert repairs(hass) == {}
            assert await hass.config_entries.async_remove(entry.entry_id)


async def test_the_repair_stays_if_the_clock_cannot_be_set(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    for path in ("system/time", "system/time/set"):
        sim.garbage(path, "truncated")
    assert (await submit(hass, hass_client))["errors"] == {"base": "still_missing"}
    assert repairs(hass) == {"clock": True}


async def test_an_account_without_privilege_gets_a_repair_by_hand(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    await add_intercom(hass, sim)
    assert "clock_by_hand" in repairs(hass)
    assert repairs(hass)["clock_by_hand"] is False
    assert "clock" not in repairs(hass)


async def test_an_event_reveals_an_unset_clock_of_old_firmware(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("vario", has_clock=False) as sim:
        entry = await add_intercom(hass, sim)
        events: list[Event] = capture_log_events(hass)
        assert repairs(hass) == {}
        sim.press("%1", call=False)
        await until(lambda: events, "an event")
        assert is_now(events[0].data["time"])
        assert repairs(hass) == {"clock_by_hand": False}
        sim.set_time(int(datetime.now(UTC).timestamp()))
        sim.press("%1", call=False)
        await until(lambda: repairs(hass) == {}, "the time on an event")
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_wrong_clock_is_no_repair(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso") as sim:
        sim.system.automatic_time = False
        sim.advance_clock(-3600)
        events = capture_log_events(hass)
        await add_intercom(hass, sim)
        sim.press("%1", call=False)
        await until(lambda: events, "an event")
        assert repairs(hass) == {}
        reported = dt_util.parse_datetime(events[0].data["time"])
        assert reported is not None
        assert abs(reported + timedelta(hours=1) - datetime.now(UTC)) < NEAR, "the time is that of the device clock"


async def test_late_events_of_a_device_without_clock_are_dated_by_age(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.press("%1", call=False)
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "a record to go on from")
    assert await hass.config_entries.async_unload(entry.entry_id)
    sim.swipe_card("4BD9E903")
    sim.pass_time(600)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: state_of(hass, entry, "sensor", "last_access") not in {"unknown", "unavailable"}, "the access")
    reported = dt_util.parse_datetime(state_of(hass, entry, "sensor", "last_access"))
    assert reported is not None
    assert abs(datetime.now(UTC) - reported - timedelta(minutes=10)) < NEAR


async def test_setting_the_clock_loses_and_repeats_no_event(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    events = capture_log_events(hass)

    def pressed() -> list[int]:
        return [event.data["sequence"] for event in events if event.data["type"] == "KeyPressed"]

    sim.press("%1", call=False)
    await until(lambda: len(pressed()) == 1, "the first")
    await submit(hass, hass_client)
    assert repairs(hass) == {}
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "binary_sensor", "connectivity") == "off", "the loss")
    sim.press("%1", call=False)
    await sim.restore_connection()
    await until(lambda: len(pressed()) == 2, "the missed event")
    await sim.wait_for_pull()
    sim.press("%1", call=False)
    await until(lambda: len(pressed()) == 3, "the last")
    assert pressed() == sorted(set(pressed()))
    assert all(is_now(event.data["time"]) for event in events)
