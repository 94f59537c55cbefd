"""Triggers of an extension."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from tests.automating import automate, counts, device_target
from tests.common import until
from tests.simulators.mx_proxy import Simulator


async def test_a_missed_call_fires_its_triggers(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    runs = await automate(hass, device_target(pushed))
    sim.hang_up(sim.incoming_call("2002"))
    await until(lambda: "call_missed" in counts(runs), "the missed call")
    assert counts(runs) == {"call_started": 1, "call_ended": 1, "call_missed": 1}


async def test_a_voicemail_fires_its_triggers(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    runs = await automate(hass, device_target(pushed))
    sim.leave_voicemail("2002")
    await until(lambda: "voicemail_received" in counts(runs), "the voicemail")
    assert counts(runs)["voicemail_received"] == 1
