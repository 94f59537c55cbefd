"""Calls of visitors at a SmartYard: the push brings a SIP account, and the server calls its registration."""

import asyncio
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from tests.common import capture_log_events, command, entity_id, refusal, state_of, until
from tests.simulators.smartyard import Form, Simulator
from tests.simulators.smartyard.telephony import Telephony
from tests.talk.go2rtc import Go2rtc

from .conftest import pushing
from .talking import call_state, calls_of, has_button, idle, press, rings, source_of, steps


async def test_a_ring_is_answered_by_the_button_and_ended_by_the_other(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    account = await rings(sim)
    await until(lambda: call_state(hass, talking) == "ringing", "the ringing call")
    assert state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "on"
    await press(hass, talking, "answer")
    assert account.state == "talking"
    await until(lambda: call_state(hass, talking) == "connected", "the call")
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "off", "the end of the ring")
    visitor = hass.states.get(entity_id(hass, talking, "event", "door_21_0_visitor"))
    assert visitor is not None
    assert visitor.attributes["event_type"] == "answered"
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.talk()
        for number in range(20):
            await browser.say(bytes((number,)) * 160)
        await until(lambda: len(account.listen().heard) == 20, "the microphone")
        assert account.heard == [bytes((number,)) * 160 for number in range(20)]
        account.speak(b"\x42" * 160)
        sound = 2 * browser.track_of("recvonly")
        await until(lambda: any(packet.endswith(b"\x42" * 160) for packet in browser.heard.get(sound, [])), "the door")
    assert account.state == "talking"  # the viewer left, not the one who answered
    await press(hass, talking, "hang_up")
    await until(lambda: account.state == "ended", "the end")
    await idle(hass, talking, account)
    assert steps(events) == ["ringing", "connected", "terminated"]
    call = hass.states.get(entity_id(hass, talking, "event", "call"))
    assert call is not None
    assert (call.attributes["event_type"], call.attributes["answered"]) == ("terminated", True)
    assert (call.attributes["direction"], call.attributes["reason"]) == ("incoming", "local")


async def test_a_ring_is_answered_by_the_action_and_ended_by_the_visitor(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    bell = hass.states.get(entity_id(hass, talking, "event", "bell_21"))
    assert bell is not None
    session = bell.attributes["session"]
    assert await command(hass, talking, "answer", session=session) == {"session": session}
    assert account.state == "talking"
    phones.hang_up(account)
    await idle(hass, talking, account)
    assert await refusal(hass, talking, "answer", session=session) == "no_such_call"
    assert await refusal(hass, talking, "hang_up") == "no_call"


async def test_answering_waits_for_the_call_of_the_server(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    """The user may press answer before the server calls."""
    key = sim.ring(21)
    await until(lambda: calls_of(talking).ring_at("21"), "the ring")
    await command(hass, talking, "answer")
    assert phones.of(key).state == "talking"


async def test_a_visitor_who_leaves_ends_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    account = await rings(sim)
    sim.walk_away(account.ring.hash)
    await until(lambda: account.status == "487", "the end of the call")
    await idle(hass, talking, account)
    assert state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "off"
    assert [event.data["data"].get("reason") for event in events if event.data["type"] == "CallState"][-1] == "canceled"
    await until(lambda: state_of(hass, talking, "event", "door_21_0_visitor") != "unknown", "the history")
    visitor = hass.states.get(entity_id(hass, talking, "event", "door_21_0_visitor"))
    assert visitor is not None
    assert visitor.attributes["event_type"] == "missed"


async def test_an_answer_of_another_phone_ends_the_ring(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    sim.set_log_delay(300)  # the history reports it later
    account = await rings(sim)
    sim.answer(account.ring.hash)
    await idle(hass, talking, account)
    assert state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "off"
    visitor = hass.states.get(entity_id(hass, talking, "event", "door_21_0_visitor"))
    assert visitor is not None
    assert visitor.attributes["event_type"] == "answered"
    assert await refusal(hass, talking, "answer") == "no_incoming_call"


@pytest.mark.parametrize(
    ("reason", "status"), [({}, "603"), ({"reason": "busy"}, "486"), ({"reason": "rejected"}, "603")]
)
async def test_a_ring_is_declined(
    hass: HomeAssistant,
    sim: Simulator,
    phones: Telephony,
    talking: ConfigEntry,
    reason: dict[str, str],
    status: str,
) -> None:
    account = await rings(sim)
    await command(hass, talking, "hang_up", **reason)
    assert account.status == status
    await idle(hass, talking, account)


async def test_a_ring_is_declined_before_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.calls = False
    key = sim.ring(21)
    await until(lambda: phones.of(key).contact, "the registration")
    await command(hass, talking, "hang_up")
    await idle(hass, talking, phones.of(key))


async def test_a_ring_without_an_answer(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await until(lambda: account.ring.over, "the end of the delay")
    await idle(hass, talking, account)
    assert account.status == "487"


async def test_an_unused_phone_account_expires(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.calls = False
    key = sim.ring(21)
    await until(lambda: phones.of(key).contact, "the registration")
    assert await refusal(hass, talking, "answer") == "no_such_call"  # no call came
    began = time.monotonic()
    await until(lambda: calls_of(talking).ring_at("21") is None, "the end of the account")
    assert time.monotonic() - began < 200
    await idle(hass, talking)
    assert await refusal(hass, talking, "answer") == "no_incoming_call"


async def test_an_answered_call_outlasts_its_account(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await press(hass, talking, "answer")
    await asyncio.sleep(400)
    assert account.state == "talking"
    call = hass.states.get(entity_id(hass, talking, "sensor", "call_state"))
    assert call is not None
    assert call.state == "connected"
    assert call.attributes["bell"] == entity_id(hass, talking, "event", "bell_21")
    phones.hang_up(account)
    await idle(hass, talking)


async def test_rings_at_two_doors_are_answered_separately(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    first, second = await rings(sim, 21), await rings(sim, 22)
    assert first.contact != second.contact
    sessions = {}
    for bell in ("21", "22"):
        state = hass.states.get(entity_id(hass, talking, "event", f"bell_{bell}"))
        assert state is not None
        sessions[bell] = state.attributes["session"]
    await command(hass, talking, "answer", session=sessions["22"])
    assert (first.state, second.state) == ("ringing", "talking")
    assert await command(hass, talking, "answer") == {"session": sessions["21"]}
    assert (first.state, second.state) == ("talking", "talking")
    assert has_button(hass, talking)
    assert has_button(hass, talking, "camera_intercom_22")
    await command(hass, talking, "hang_up", session=sessions["21"])
    assert (first.state, second.state) == ("ended", "talking")
    await command(hass, talking, "hang_up")
    assert second.state == "ended"
    await idle(hass, talking)


async def test_a_second_ring_at_a_busy_door_cannot_be_answered(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    """The second one cannot be answered before the call of the first one has ended."""
    first = await rings(sim)
    await press(hass, talking, "answer")
    second = await rings(sim)
    assert await refusal(hass, talking, "answer") == "command_failed"
    sim.walk_away(second.ring.hash)
    await until(lambda: second.state == "ended", "the end of the second ring")
    assert first.state == "talking"
    await command(hass, talking, "hang_up")
    await idle(hass, talking)


async def test_a_second_call_for_one_account_is_refused(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    phones.call_again(account)
    await until(lambda: account.again == "486", "the refusal")
    await press(hass, talking, "answer")
    assert account.state == "talking"


@pytest.mark.parametrize("form", list(Form))
async def test_a_ring_that_is_pushed_again_registers_once(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, local_url: str, form: Form
) -> None:
    entry = await pushing(hass, sim, local_url, form, talk=True)
    account = await rings(sim)
    sim.repeat_push()
    await sim.wait_for_pushes(2)
    await asyncio.sleep(1)
    assert account.registrations == 1
    assert len(calls_of(entry)._rings) == 1


async def test_a_ring_registers_no_phone_without_talk(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, local_url: str
) -> None:
    entry = await pushing(hass, sim, local_url)
    key = sim.ring(21)
    await until(lambda: state_of(hass, entry, "binary_sensor", "bell_21_ringing") == "on", "the ring")
    await asyncio.sleep(10)
    assert phones.line.heard == []
    assert phones.of(key).registrations == 0
    assert entry.runtime_data.coordinator.features.calls is None
    registry = er.async_get(hass)
    for platform, unique in (("button", "answer"), ("sensor", "call_state"), ("sensor", "talk"), ("event", "call")):
        assert registry.async_get_entity_id(platform, "ip_intercom", f"{entry.unique_id}_{unique}") is None
    assert (await source_of(hass, entry)).startswith("http://")
    assert await refusal(hass, entry, "answer") == "no_calls"


async def test_a_reload_ends_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    answered, ringing = await rings(sim), await rings(sim, 22)
    await press(hass, talking, "answer_door_21_0")
    assert answered.state == "talking"
    calls = calls_of(talking)
    assert await hass.config_entries.async_reload(talking.entry_id)
    assert (answered.state, ringing.state, ringing.status) == ("ended", "ended", "480")
    assert answered.contact is None
    assert ringing.contact is None
    assert not calls._tasks


async def test_the_options_say_when_talk_works(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    form: Any = await hass.config_entries.options.async_init(pushed.entry_id)
    form = await hass.config_entries.options.async_configure(
        form["flow_id"], {"push": True, "show_names": True, "talk": True, "fcm": {}}
    )
    assert form["step_id"] == "account_webhook"
    form = await hass.config_entries.options.async_configure(form["flow_id"], {})
    assert (form["step_id"], form["errors"]) == ("talk_later", None)
    done = await hass.config_entries.options.async_configure(form["flow_id"], {})
    await hass.async_block_till_done()
    assert pushed.options["talk"]
    assert done["type"] == "create_entry"
    await until(lambda: state_of(hass, pushed, "sensor", "talk") == "sip_account", "the sensor")


async def test_the_options_report_missing_pushes(
    hass: HomeAssistant, capabilities: None, sim: Simulator, entry: ConfigEntry
) -> None:
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    form = await hass.config_entries.options.async_configure(
        form["flow_id"], {"push": False, "show_names": True, "talk": True, "fcm": {}}
    )
    assert (form["step_id"], form["errors"]) == ("talk_unavailable", {"base": "talk_no_pushes"})
    await hass.config_entries.options.async_configure(form["flow_id"], {"talk_next": "save"})
    await hass.async_block_till_done()
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "no_pushes", "the sensor")
    assert not has_button(hass, entry)
