"""Rings, whatever comes between: each once, and none of them without an end."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import capture_log_events, until
from tests.simulators.smartyard import Form, Simulator

from .conftest import Start, pushing


@pytest.mark.parametrize("form", list(Form))
async def test_a_ring_that_is_pushed_again_after_a_restart_is_one_ring(
    hass: HomeAssistant, device: Start, local_url: str, form: Form
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url, form)
    events = capture_log_events(hass)
    sim.ring(21)
    await until(lambda: events, "the ring")
    assert await hass.config_entries.async_reload(entry.entry_id)
    sim.repeat_push()
    await sim.wait_for_pushes(2)
    sim.ring(22)
    await until(lambda: [item for item in events if item.data["data"].get("bell") == "22"], "another one")
    assert [item.data["data"]["bell"] for item in events if item.data["type"] == "Call"] == ["21", "22"]


async def test_a_message_that_is_pushed_again_after_a_restart_is_one_message(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    events = capture_log_events(hass)

    def told() -> list[str]:
        return [item.data["data"]["title"] for item in events if item.data["type"] == "Message"]

    sim.text_push("inbox", "Вода", "Завтра не будет воды")
    await until(told, "the message")
    assert await hass.config_entries.async_reload(pushed.entry_id)
    sim.repeat_push()
    await sim.wait_for_pushes(2)
    sim.text_push("inbox", "Свет", "Завтра будет свет")
    await until(lambda: "Свет" in told(), "another one")
    assert told() == ["Вода", "Свет"]
