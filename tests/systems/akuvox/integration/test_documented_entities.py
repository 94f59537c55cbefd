"""The record of what an Akuvox shows, from which `docs/entities.md` is written, is current."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from tests.common import state_of, until
from tests.reference import inventory
from tests.simulators.akuvox.dialects import DIALECTS
from tests.talk.door import Door

from .conftest import Start, add


@pytest.mark.default_entities
async def test_the_record_of_an_akuvox_is_current(hass: HomeAssistant, local_url: str, device: Start) -> None:
    entries = []
    # Alarms that other models have.
    keys = ("AlarmDoorOpenedTimeoutA", "SuspiciousMovement", "TamperAlarmTriggered")
    for dialect in DIALECTS:
        more: dict[str, Any] = {"action_urls": keys} if dialect == "r29" else {}
        sim = await device(dialect, **more)
        entries.append(await add(hass, sim, push=True, security_relays=["SA"]))
        if dialect == "r29":
            other = await device(dialect, mac="0C:11:05:00:00:01")
            entries.append(await add(hass, other, gates=["A"], garage_doors=["B"]))
            talking = await device(dialect, mac="0C:11:05:00:00:02")
            async with Door() as door:
                entries.append(await add(hass, talking, talk=True, sip_port=door.port))
                await until(lambda: state_of(hass, entries[-1], "sensor", "talk") == "sip_direct", "the check of talk")
                await hass.async_block_till_done()
    inventory.check(hass, "akuvox", entries)
