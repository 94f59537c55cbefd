"""Home Assistant is killed during call records: none is lost."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant

from tests.common import until
from tests.kills import stored, survive_kills
from tests.simulators.mx_proxy import Simulator


def number_of(event: Event) -> object | None:
    return event.data["sequence"] if event.data["type"] == "CallLog" else None


async def test_kills_under_records_lose_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    def call() -> object:
        sim.hang_up(sim.incoming_call("3108"))
        return sim.extensions[sim.login].log.records[-1]["record_id"]

    def cursor() -> dict[str, Any]:
        cursor: dict[str, Any] = (stored(entry, hass_storage) or {"data": {"cursor": {}}})["data"]["cursor"]
        return cursor

    await until(lambda: cursor().get("calls", {}).get("record") is not None, "the first poll")
    await survive_kills(hass, entry, hass_storage, call, number_of, 0.2)
