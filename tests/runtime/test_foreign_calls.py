"""Calls that another system dials are not visitors, and each visitor rings."""

from collections.abc import Callable
from functools import partial

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import add_intercom, capture_log_events, until
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
    begin: Callable[[Simulator], None],
    privileges: Privilege,
    *,
    originators: str = "none",
    session_first: bool = False,
) -> int:
    """Have the device dial, and return how often any bell rang."""
    async with Simulator("verso", accounts=[Account("ha", "ha-pass", privileges)]) as sim:
        sim.originators, sim.session_first = originators, session_first
        entry = await add_intercom(hass, sim)
        rings: list[object] = []
        entry.runtime_data.events.rings.async_listen(None, rings.append)
        # A visitor of before, so that it is known what the account may see.
        session = sim.press("%1")
        assert session is not None
        sim.terminate(session)
        await until(lambda: len(rings) == 1)
        sim.pass_time(60)
        sim.noise(True)
        sim.pass_time(60)
        events = capture_log_events(hass)
        begin(sim)
        await until(lambda: any(event.data["data"].get("state") == "ringing" for event in events), "the call")
        await hass.async_block_till_done()
        assert await hass.config_entries.async_unload(entry.entry_id)
        return len(rings) - 1


@pytest.mark.parametrize("originators", ["none", "api", "all"])
@pytest.mark.parametrize("privileges", [Privilege.ALL, NO_KEYS, NO_DIRECTORY, NO_CARDS])
@pytest.mark.parametrize("begin", [press, keypad, display, wired_bell])
async def test_every_press_at_the_door_rings(
    hass: HomeAssistant, sockets: None, begin: Callable[[Simulator], None], privileges: Privilege, originators: str
) -> None:
    assert await rings_by(hass, begin, privileges, originators=originators) == 1


@pytest.mark.parametrize("privileges", [Privilege.ALL, NO_CARDS])
async def test_a_call_of_another_system_without_a_button_does_not_ring(
    hass: HomeAssistant, sockets: None, privileges: Privilege
) -> None:
    """The firmware does not report who started the call."""
    assert await rings_by(hass, house, privileges) == 0


@pytest.mark.parametrize("session_first", [False, True])
@pytest.mark.parametrize("originators", ["api", "all"])
@pytest.mark.parametrize("privileges", [Privilege.ALL, NO_DIRECTORY])
@pytest.mark.parametrize("begin", [house, house_to_button])
async def test_calls_of_other_systems_do_not_ring_if_firmware_reports_them(
    hass: HomeAssistant,
    sockets: None,
    begin: Callable[[Simulator], None],
    privileges: Privilege,
    originators: str,
    session_first: bool,
) -> None:
    found = await rings_by(hass, begin, privileges, originators=originators, session_first=session_first)
    assert found == 0


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
