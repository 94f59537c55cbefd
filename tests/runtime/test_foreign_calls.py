"""Calls that another system dials are not visitors, and each visitor rings."""

from collections.abc import Callable
from functools import partial

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import add_intercom, capture_log_events, state_of, until
from tests.simulators.two_n import Account, Privilege, Simulator

# Whom the first button of the simulated device calls, and a party that no button calls.
STRANGER = "sip:house@192.168.1.77"
NO_KEYS = Privilege.ALL & ~Privilege.KEYPAD_MONITORING
NO_DIRECTORY = Privilege.ALL & ~Privilege.SYSTEM_CONTROL
NO_CARDS = Privilege.ALL & ~Privilege.UID_MONITORING


def press(sim: Simulator) -> None:
    sim.press("%1")


def keypad(sim: Simulator) -> None:
    sim.dial_from_keypad("4711")


def display(sim: Simulator) -> None:
    sim.emit("DisplayTouched", x=10, y=20, dx=0, dy=0)
    sim.phone.call_out([STRANGER], "display")


def wired_bell(sim: Simulator) -> None:
    sim.dial_by_automation(STRANGER)


def house(sim: Simulator) -> None:
    sim.dial_from_house(STRANGER)


def house_to_button(sim: Simulator) -> None:
    sim.dial_from_house(sim.directory.peers_of_button(1)[0])


async def rings_by(
    hass: HomeAssistant,
    privileges: Privilege,
    *begins: Callable[[Simulator], None],
    originators: str = "none",
    session_first: bool = False,
) -> dict[str, int]:
    """Have the device dial in several ways, and return how often any bell rang at each."""
    async with Simulator("verso", accounts=[Account("ha", "ha-pass", privileges)]) as sim:
        sim.originators, sim.session_first = originators, session_first
        entry = await add_intercom(hass, sim)
        rings: list[object] = []
        entry.runtime_data.events.rings.async_listen(None, rings.append)
        events = capture_log_events(hass)

        def is_ringing() -> bool:
            return any(event.data["data"].get("state") == "ringing" for event in events)

        # A visitor of before, so that it is known what the account may see.
        sim.press("%1")
        await until(lambda: len(rings) == 1)
        rung = {}
        for begin in begins:
            for session in list(sim.calls):
                sim.terminate(session)
            sim.pass_time(60)
            sim.noise(True)
            sim.pass_time(60)
            await hass.async_block_till_done()
            events.clear()
            rings.clear()
            begin(sim)
            await until(is_ringing, f"the call of {begin.__name__}")
            await hass.async_block_till_done()
            rung[begin.__name__] = len(rings)
            # What the bell does, the sensor shows as long as the call rings.
            await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing")
            assert state_of(hass, entry, "binary_sensor", "ringing") == ("on" if rings else "off"), begin.__name__
        assert await hass.config_entries.async_unload(entry.entry_id)
        return rung


@pytest.mark.parametrize("originators", ["none", "api", "all"])
@pytest.mark.parametrize("privileges", [Privilege.ALL, NO_KEYS, NO_DIRECTORY, NO_CARDS])
async def test_every_press_at_the_door_rings(
    hass: HomeAssistant, sockets: None, privileges: Privilege, originators: str
) -> None:
    rings = await rings_by(hass, privileges, press, keypad, display, wired_bell, originators=originators)
    assert rings == {"press": 1, "keypad": 1, "display": 1, "wired_bell": 1}


@pytest.mark.parametrize("privileges", [Privilege.ALL, NO_CARDS])
async def test_a_call_of_another_system_without_a_button_does_not_ring(
    hass: HomeAssistant, sockets: None, privileges: Privilege
) -> None:
    """The firmware does not report who started the call."""
    assert await rings_by(hass, privileges, house) == {"house": 0}


@pytest.mark.parametrize("session_first", [False, True])
@pytest.mark.parametrize("originators", ["api", "all"])
@pytest.mark.parametrize("privileges", [Privilege.ALL, NO_DIRECTORY])
async def test_calls_of_other_systems_do_not_ring_if_firmware_reports_them(
    hass: HomeAssistant, sockets: None, privileges: Privilege, originators: str, session_first: bool
) -> None:
    rings = await rings_by(
        hass, privileges, house, house_to_button, originators=originators, session_first=session_first
    )
    assert rings == {"house": 0, "house_to_button": 0}


@pytest.mark.parametrize("originators", ["api", "all"])
async def test_a_foreign_call_right_after_a_restart_does_not_show_ringing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, originators: str
) -> None:
    """The restart and the call arrive in one delivery."""
    sim.originators = originators
    rings: list[object] = []
    entry.runtime_data.events.rings.async_listen(None, rings.append)
    await sim.wait_for_pull()
    await sim.reboot(0.1)
    sim.dial_from_house(STRANGER)
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "ringing", "the call")
    await hass.async_block_till_done()
    assert not rings
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"


@pytest.mark.parametrize("lost", [False, True], ids=["no record", "no answer"])
async def test_a_call_without_a_session_record_is_reported_after_a_second(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, lost: bool
) -> None:
    """The record of the session says who started the call; the reader waits for it for one second."""
    session = sim.press("%1")
    assert session is not None
    sim.terminate(session)
    sim.pass_time(60)
    sim.noise(True)
    sim.pass_time(60)
    events = capture_log_events(hass)

    def is_told(session: int) -> bool:
        return any(event.data["data"].get("session") == session for event in events)

    for number in (901, 902):
        await sim.wait_for_pull()
        if lost:
            sim.fault("log/pull", "reset", times=1)
        sim.emit(
            "CallStateChanged", direction="outgoing", state="connecting", peer=STRANGER, session=number, call=number
        )
        await until(partial(is_told, number), f"call {number}")
    assert ("Could not read the records after a call" in caplog.text) is lost
