"""The record of what a 2N shows, from which `docs/entities.md` is written, is current."""

from contextlib import AsyncExitStack
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from tests.common import USERNAME, add_intercom, choose, until
from tests.reference import inventory
from tests.simulators.two_n import MODELS, Privilege, Simulator
from tests.simulators.two_n.onvif import rtsp_server

TALK = {"talk": True, "stream_username": "viewer", "stream_password": "p@ss/w"}


@pytest.mark.default_entities
@pytest.mark.usefixtures("sockets")
async def test_the_record_of_a_2n_is_current(hass: HomeAssistant) -> None:
    async with AsyncExitStack() as stack:
        entries = []
        for model in sorted(MODELS):
            sim = await stack.enter_async_context(Simulator(model))
            entries.append(await add_intercom(hass, sim))
            if model == "access_unit":
                sim.lift_public_floors([1, 4])
                await until(lambda: er.async_get(hass).async_get("sensor.back_door_public_elevator_floors"))
        rtsp = await stack.enter_async_context(rtsp_server())
        # All options, and an account that may only monitor.
        accounts: list[tuple[Privilege, dict[str, Any]]] = [
            (Privilege.ALL, {"show_touches": True, "plain_switches": ["2"]}),
            (Privilege.ALL, {"gates": ["1"], "garage_doors": ["2"]} | TALK),
            (Privilege.MONITORING, {}),
        ]
        for number, (privilege, options) in enumerate(accounts):
            identity = {"macAddr": f"7C-1E-B3-00-00-0{number}", "serialNumber": f"00-0000-000{number}"}
            sim = await stack.enter_async_context(Simulator("verso3", identity=identity))
            sim.revoke(USERNAME, Privilege.ALL)
            sim.grant(USERNAME, privilege)
            entries.append(await add_intercom(hass, sim))
            sim.onvif.rtsp_port = rtsp.port
            await choose(hass, entries[-1], options)
            if "talk" in options:
                await until(lambda: hass.states.async_all("media_player"), "the speaker")
        inventory.check(hass, "two_n", entries)
        for entry in entries:
            await hass.config_entries.async_unload(entry.entry_id)
