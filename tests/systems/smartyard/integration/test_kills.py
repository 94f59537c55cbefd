"""Home Assistant is killed during records of the history: none is lost."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant

from tests.common import until
from tests.kills import stored, survive_kills
from tests.simulators.smartyard import Simulator


def record_of(event: Event) -> object | None:
    return event.data["data"].get("id") if event.data["type"] == "Key" else None


async def test_kills_under_records_lose_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> None:
    def history() -> dict[str, Any]:
        cursor: dict[str, Any] = (stored(entry, hass_storage) or {"data": {"cursor": {}}})["data"]["cursor"]
        history: dict[str, Any] = cursor.get("history", {})
        return history

    await until(lambda: len(history()) == 2, "the first poll of both apartments")
    await survive_kills(hass, entry, hass_storage, lambda: sim.happen("key"), record_of, 0.2)
