"""Doors: opened with the function that the device supports, held open, and read with any wiring."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.helpers import state_coordinator as commanding
from tests.common import act, assert_assumed_locked, entity_id, state_of
from tests.simulators.akuvox import DIALECTS, Simulator
from tests.simulators.akuvox.dialects import RelayReading
from tests.simulators.akuvox.envelope import Answer, ApiError, Call, unsupported

from .conftest import Start, add, shows

RELAY = "Config.DoorSetting.RELAY."
# An indoor monitor opens with a login of its own only.
OPENING = {"opening_username": "opener", "opening_password": "secret"}


@pytest.fixture(params=sorted(RelayReading))
def relay_device(device: Start, request: pytest.FixtureRequest) -> Start:
    """Start devices under each reading of what a relay command does (field notes 10)."""

    async def start(dialect: str = "e16c", **settings: Any) -> Simulator:
        return await device(dialect, **{"relay_reading": request.param, **settings})

    return start


def openings(sim: Simulator, relay: str = "A") -> int:
    return sim.relays.all[relay].openings


async def lock(hass: HomeAssistant, entry: ConfigEntry, action: str, door: str = "A", **data: Any) -> None:
    target = entity_id(hass, entry, "lock", f"door_{door}_door")
    await act(hass, action, entity_id=target, **data)


async def refusal(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    with pytest.raises(HomeAssistantError) as failed:
        await lock(hass, entry, "lock.open")
    return failed.value.translation_key


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_the_lock_opens_the_door_of_each_dialect(hass: HomeAssistant, relay_device: Start, dialect: str) -> None:
    sim = await relay_device(dialect)
    sim.allow_http_open("opener", "secret", enabled=dialect == "it83")
    entry = await add(hass, sim, **OPENING)
    await lock(hass, entry, "lock.open")
    assert openings(sim) == 1
    if dialect == "it83":
        # The device does not report how it is: it is taken to be open for as long as its relay takes.
        state = hass.states.get(entity_id(hass, entry, "lock", "door_A_door"))
        assert state is not None
        assert (state.state, state.attributes.get("assumed_state")) == ("unlocked", True)
        return
    await shows(hass, entry, "lock", "door_A_door", "unlocked")
    await lock(hass, entry, "lock.lock")
    assert not sim.relays.all["A"].open
    await shows(hass, entry, "lock", "door_A_door", "locked")


async def test_diagnostics_hide_the_logins(
    hass: HomeAssistant, device: Start, hass_client: ClientSessionGenerator
) -> None:
    entry = await add(hass, await device("it83"), **OPENING)
    told = str(await get_diagnostics_for_config_entry(hass, hass_client, entry))
    assert "opening_password" in told
    assert not [text for text in (*OPENING.values(), "httpapi") if text in told]


async def test_a_short_opening_is_shown(
    hass: HomeAssistant, relay_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Openings usually last two seconds, and only a poll shows them."""
    monkeypatch.setattr(commanding, "_EFFECT_DELAY", 600.0)
    entry = await add(hass, await relay_device("r29", config={f"{RELAY}RelayADelay": "60"}))
    await lock(hass, entry, "lock.open")
    await shows(hass, entry, "lock", "door_A_door", "unlocked")


async def test_an_opening_after_a_trigger_delay_is_shown(
    hass: HomeAssistant, relay_device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commanding, "_FIRST_POLL", 0.0)
    sim = await relay_device("e18", config={f"{RELAY}TriggerDelayA": "1", f"{RELAY}HoldDelayA": "60"})
    entry = await add(hass, sim)
    await lock(hass, entry, "lock.open")
    await shows(hass, entry, "lock", "door_A_door", "unlocked")


async def test_a_monitor_without_relays_has_a_door_once_its_login_is_set(hass: HomeAssistant, device: Start) -> None:
    """By entering the login of Open Relay via HTTP, the user confirms that a relay exists."""
    sim = await device("it83")
    sim.withhold("config/get")
    sim.allow_http_open("opener", "secret")
    entry = await add(hass, sim)
    assert entry.runtime_data.coordinator.data.doors == {}
    hass.config_entries.async_update_entry(entry, options=OPENING)
    await hass.config_entries.async_reload(entry.entry_id)
    await lock(hass, entry, "lock.open")
    assert openings(sim) == 1


async def test_opening_with_a_missing_or_wrong_login_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device("it83")
    sim.allow_http_open("opener", "other")
    entry = await add(hass, sim)
    assert await refusal(hass, entry) == "opening_refused"
    hass.config_entries.async_update_entry(entry, options=OPENING)
    await hass.config_entries.async_reload(entry.entry_id)
    assert await refusal(hass, entry) == "opening_refused"
    sim.allow_http_open("opener", "secret")
    await lock(hass, entry, "lock.open")
    assert openings(sim) == 1


@pytest.mark.parametrize("dialect", ["e18", "e16c", "r29"])
async def test_a_door_opens_by_the_next_method_if_one_is_unsupported(
    hass: HomeAssistant, device: Start, dialect: str
) -> None:
    """Without relay/trig, /fcgi/OpenDoor is used if it is enabled and High Security is off."""

    def lacking(_: Call) -> Answer:
        raise unsupported(sim.dialect.lacks_text)

    sim = await device(dialect)
    sim.handlers["relay/trig"] = lacking
    entry = await add(hass, sim)
    assert await refusal(hass, entry) == "opening_disabled"
    sim.allow_http_open()
    sim.set_high_security(True)
    assert await refusal(hass, entry) == "high_security"
    sim.set_high_security(False)
    await lock(hass, entry, "lock.open")
    assert openings(sim) == 1
    sim.clear_requests()
    await lock(hass, entry, "lock.open")
    assert not any(request.function == "relay/trig" for request in sim.requests), (
        "the method that worked is tried first"
    )


@pytest.mark.parametrize(
    ("code", "message", "error"), [(-4, "Not Safe", "high_security"), (-3, "Not Enable", "opening_disabled")]
)
@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29"])
@pytest.mark.parametrize("status", [200, 401, 403])
async def test_a_trigger_that_the_device_rejects_for_safety_names_that_cause(
    hass: HomeAssistant, device: Start, dialect: str, status: int, code: int, message: str, error: str
) -> None:
    """Not the login, which other methods of opening need, and which is right. A rejection may have HTTP 401."""

    def rejecting(_: Call) -> Answer:
        raise ApiError(code, message, status=status)

    sim = await device(dialect)
    sim.handlers["relay/trig"] = rejecting
    entry = await add(hass, sim)
    assert await refusal(hass, entry) == error
    assert not any(entry.async_get_active_flows(hass, {"reauth"}))


@pytest.mark.parametrize("dialect", ["a_series", "e16c", "r29"])
@pytest.mark.parametrize("normally_closed", [False, True])
async def test_wiring_and_delay_are_read(
    hass: HomeAssistant, relay_device: Start, dialect: str, normally_closed: bool
) -> None:
    keys = {"a_series": "TypeA", "e16c": "RelayAType", "r29": "RelayAType"}
    delays = {"a_series": "HoldDelayA", "e16c": "HoldDelayA", "r29": "RelayADelay"}
    config = {RELAY + keys[dialect]: str(int(normally_closed)), RELAY + delays[dialect]: "1"}
    sim = await relay_device(dialect, config=config)
    entry = await add(hass, sim)
    assert state_of(hass, entry, "lock", "door_A_door") == "locked"
    await lock(hass, entry, "lock.open")
    assert sim.relays.all["A"].open
    await shows(hass, entry, "lock", "door_A_door", "unlocked")
    await shows(hass, entry, "lock", "door_A_door", "locked")


async def test_the_wiring_option_overrides_the_configuration(hass: HomeAssistant, relay_device: Start) -> None:
    """The device reports NO, but the installer wired NC."""
    sim = await relay_device("e16c", config={f"{RELAY}RelayAType": "1"})
    entry = await add(hass, sim, inverted=["A"])
    assert state_of(hass, entry, "lock", "door_A_door") == "unlocked"
    await lock(hass, entry, "lock.open")
    assert openings(sim) == 0, "the wrong wiring opens no door"


async def test_the_hold_open_switch_opens_and_closes_the_relay(hass: HomeAssistant, relay_device: Start) -> None:
    sim = await relay_device("e16c")
    entry = await add(hass, sim)
    hold = entity_id(hass, entry, "switch", "door_A_hold_open")
    await act(hass, "switch.turn_on", entity_id=hold)
    assert sim.relay_status()["A"]
    await shows(hass, entry, "switch", "door_A_hold_open", "on")
    await act(hass, "switch.turn_off", entity_id=hold)
    assert not sim.relay_status()["A"]
    await shows(hass, entry, "switch", "door_A_hold_open", "off")


async def test_hold_open_for_a_while(hass: HomeAssistant, relay_device: Start) -> None:
    sim = await relay_device("e16c")
    entry = await add(hass, sim)
    await act(
        hass,
        "ip_intercom.open_door",
        response=True,
        entity_id=entity_id(hass, entry, "lock", "door_A_door"),
        hold_time={"seconds": 2},
    )
    assert sim.relays.all["A"].open
    await shows(hass, entry, "switch", "door_A_hold_open", "on")
    assert entry.runtime_data.coordinator.data.doors["A"].hold_until is not None
    await shows(hass, entry, "switch", "door_A_hold_open", "off")
    assert not sim.relays.all["A"].open


async def test_security_relays_are_those_of_the_option(hass: HomeAssistant, relay_device: Start) -> None:
    sim = await relay_device("r29")
    entry = await add(hass, sim, security_relays=["SA", "SB"])
    assert_assumed_locked(hass, entry, "door_SB_door")
    await lock(hass, entry, "lock.open", "SB")
    assert openings(sim, "SB") == 1


async def test_a_latching_relay_stays_unlocked_until_it_is_locked(hass: HomeAssistant, relay_device: Start) -> None:
    sim = await relay_device("e16c", config={f"{RELAY}RelayAMode": "1"})
    entry = await add(hass, sim)
    await lock(hass, entry, "lock.unlock")
    assert sim.relays.all["A"].open
    await shows(hass, entry, "lock", "door_A_door", "unlocked")
    await lock(hass, entry, "lock.lock")
    assert not sim.relays.all["A"].open


async def test_too_many_requests_are_the_reason_for_a_door_that_stays_closed(
    hass: HomeAssistant, device: Start
) -> None:
    """Another method meets the same limit, and its login is not what is missing."""
    sim = await device("e16c")
    entry = await add(hass, sim)
    sim.fault("relay/trig", "status", status=429)
    sim.clear_requests()
    with pytest.raises(HomeAssistantError) as failed:
        await lock(hass, entry, "lock.open")
    assert failed.value.translation_key == "throttled"
    assert not [request for request in sim.requests if "fcgi" in str(request.function)]


async def test_a_door_has_the_name_of_its_relay(hass: HomeAssistant, device: Start) -> None:
    sim = await device("a_series", config={f"{RELAY}NameB": "Gate"})
    entry = await add(hass, sim)
    states = [hass.states.get(entity_id(hass, entry, "lock", f"door_{door}_door")) for door in "ABC"]
    assert [state.attributes["friendly_name"].removeprefix(entry.title).strip() for state in states if state] == [
        "Door A",
        "Gate",
        "Door C",
    ]


async def test_a_rejection_without_a_reason_tries_the_next_method(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rejected command was not executed."""

    def fail(_: Call) -> Answer:
        raise ApiError(-1, "Internal error")

    sim = await device("e16c")
    sim.allow_http_open("opener", "secret")
    entry = await add(hass, sim)
    monkeypatch.setitem(sim.pipeline._handlers, "relay/trig", fail)
    await lock(hass, entry, "lock.open")
    assert openings(sim) == 1
