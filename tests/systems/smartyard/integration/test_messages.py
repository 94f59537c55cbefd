"""Messages of the operator: the event, the count, and marking them."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.smartyard import log
from tests.common import act, command, entity_id, state_of
from tests.entity_states import entity_state, wait_for_event, wait_for_state
from tests.simulators.smartyard import PHONE, Simulator

from .conftest import Start, pushing


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("inbox", "inbox"),
        ("chat", "chat"),
        ("newAddress", "new_address"),
        ("paySuccess", "pay_success"),
        ("payerror", "pay_error"),
        ("videoredy", "video_ready"),
        ("ext", "ext"),
        ("money", "money"),
        ("paranoid", "paranoid"),
        ("somethingElse", "other"),
    ],
)
async def test_each_kind_of_message_is_an_event(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, action: str, kind: str
) -> None:
    assert state_of(hass, pushed, "event", "message") == "unknown"
    sim.text_push(action, "Вода", "Завтра не будет воды")
    told = await wait_for_event(hass, pushed, "message", kind)
    assert (told["title"], told["text"]) == ("Вода", "Завтра не будет воды")
    assert set(told["event_types"]) >= {kind}


async def test_messages_are_counted_and_marked(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    assert state_of(hass, pushed, "sensor", "unread_messages") == "0"
    numbers = [str(sim.message(f"Сообщение {number}")) for number in range(3)]
    await wait_for_state(hass, pushed, "sensor", "unread_messages", "3")
    told: dict[str, Any] = await wait_for_event(hass, pushed, "message", "inbox")
    assert told["id"] in numbers
    await command(hass, pushed, "mark_read", message=numbers[0])
    await wait_for_state(hass, pushed, "sensor", "unread_messages", "2")
    await command(hass, pushed, "mark_read")
    await wait_for_state(hass, pushed, "sensor", "unread_messages", "0")


async def test_the_count_is_right_once_messages_are_marked(
    hass: HomeAssistant, device: Start, local_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_UNREAD_INTERVALS", "_HISTORY_INTERVALS"):
        monkeypatch.setattr(log, name, (600.0, 600.0))
    monkeypatch.setattr(log, "_UNREAD_PAUSE", 600.0)
    sim = await device()
    for number in range(2):
        sim.message(f"Сообщение {number}")
    entry = await pushing(hass, sim, local_url)
    assert state_of(hass, entry, "sensor", "unread_messages") == "2"
    for left in ("1", "0"):
        await command(hass, entry, "mark_read", **({} if left == "0" else {"message": "1"}))
        assert state_of(hass, entry, "sensor", "unread_messages") == left


async def test_mark_delivered_reports_that_the_server_ignored_it(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    number = sim.message("Сообщение")
    assert await command(hass, pushed, "mark_delivered", message=str(number)) == {"delivered": False}


async def test_the_test_message_is_received(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    await act(hass, "button.press", entity_id=entity_id(hass, pushed, "button", "test_message"))
    assert (await wait_for_event(hass, pushed, "message", "inbox"))["text"] == "Test message of Home Assistant"
    assert sim.people.subscribers[PHONE].unread == 1


async def test_polling_unread_messages_marks_none_as_read(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    sim.message("Сообщение")
    await wait_for_state(hass, pushed, "sensor", "unread_messages", "1")
    assert entity_state(hass, pushed, "sensor", "unread_messages").attributes["unit_of_measurement"] == "messages"
    assert not any(request.function == "/inbox/inbox" for request in sim.requests)
