"""Talk at a SmartYard: the push brings a SIP account, and the server calls who registers it."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
import json
import logging
import time
from types import MethodType
from typing import Any

from homeassistant.components import camera as camera_component
from homeassistant.components.camera import async_get_stream_source, get_camera_from_entity_id
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.systems.smartyard.visitor_calls import VisitorCalls
from tests.common import act, capture_log_events, command, entity_id, refusal, state_of, until
from tests.simulators.smartyard import Form, Simulator
from tests.simulators.smartyard.telephony import Account, Telephony
from tests.talk.go2rtc import Go2rtc
from tests.talk.peer import Telephone, UdpLine, description, rtp, rtp_port

from .conftest import pushing

OURS = "custom_components.ip_intercom"
CAMERA = "camera_intercom_21"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """Stands for the class that came with Home Assistant 2026.11."""

    two_way_audio: bool = False


@pytest.fixture(autouse=True)
def capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cameras have capabilities in Home Assistant 2026.10, too."""
    if not hasattr(camera_component, "CameraEntityCapabilities"):
        monkeypatch.setattr(camera_component, "CameraEntityCapabilities", Capabilities, raising=False)


@pytest.fixture
async def phones(sim: Simulator) -> Telephony:
    """The phone server of the operator."""
    phones = await sim.start_telephony()
    phones.formats = "0 8 101"
    return phones


@pytest.fixture
async def talking(hass: HomeAssistant, sim: Simulator, phones: Telephony, local_url: str) -> ConfigEntry:
    """An account with *Talk*."""
    return await pushing(hass, sim, local_url, talk=True)


def has_button(hass: HomeAssistant, entry: ConfigEntry, camera: str = CAMERA) -> bool:
    """Return whether the camera shows *Start talking*."""
    entity: Any = get_camera_from_entity_id(hass, entity_id(hass, entry, "camera", camera))
    talks: bool = entity._attr_camera_entity_capabilities.two_way_audio
    return talks


async def rings(sim: Simulator, domophone: int = 21) -> Account:
    """Ring at a door, and return the call to Home Assistant once that rings."""
    assert sim.telephony is not None
    account = sim.telephony.of(sim.ring(domophone))
    await until(lambda: account.state == "ringing", "the call")
    return account


async def press(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", key))


def call_state(hass: HomeAssistant, entry: ConfigEntry) -> str:
    return state_of(hass, entry, "sensor", "call_state")


async def source_of(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the address that go2rtc gets."""
    source = await async_get_stream_source(hass, entity_id(hass, entry, "camera", CAMERA))
    assert source is not None
    return source


async def idle(hass: HomeAssistant, entry: ConfigEntry, account: Account | None = None) -> None:
    """Wait for the end of a call, and of what it needed."""
    await until(lambda: call_state(hass, entry) == "idle", "the end of the call")
    await until(lambda: not calls_of(entry)._tasks, "the end of the account")
    if account is not None:
        assert account.contact is None  # no longer registered


def calls_of(entry: ConfigEntry) -> VisitorCalls:
    """Return the calls of visitors."""
    calls: VisitorCalls = entry.runtime_data.coordinator.features.calls
    return calls


def steps(events: list[Any]) -> list[Any]:
    """Return the states of calls on the bus."""
    return [event.data["data"]["state"] for event in events if event.data["type"] == "CallState"]


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


async def test_an_answer_waits_for_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    """A finger may be faster than the server, which calls after the registration."""
    key = sim.ring(21)
    await until(lambda: calls_of(talking).ring_at("21"), "the ring")
    await command(hass, talking, "answer")
    assert phones.of(key).state == "talking"


async def test_the_microphone_answers_the_ring_and_ends_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await until(lambda: has_button(hass, talking), "Start talking")
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the video")
        await browser.talk()
        assert account.state == "ringing"  # to watch is not to answer
        for _ in range(30):
            await browser.say(b"\x11" * 160)
            await asyncio.sleep(0.02)
        await until(lambda: account.listen().heard, "the microphone")
        assert account.state == "talking"
        assert call_state(hass, talking) == "connected"
    await until(lambda: account.state == "ended", "the end")
    await idle(hass, talking, account)


async def test_a_microphone_calls_nobody(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, OURS)
    account = await rings(sim)
    source = await source_of(hass, talking)
    sim.walk_away(account.ring.hash)
    await idle(hass, talking, account)
    assert not has_button(hass, talking)
    async with Go2rtc(source) as browser:
        await browser.talk()
        await browser.say(b"\x11" * 160)
        await until(lambda: "a SmartYard door cannot be called" in caplog.text, "the reason")
    assert await refusal(hass, talking, "dial", number="21") == "not_supported"


async def test_a_visitor_who_leaves(
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


async def test_another_phone_answers(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    sim.set_log_delay(300)  # the history tells it later
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
    await until(lambda: account.ring.over, "the end of the patience")
    await idle(hass, talking, account)
    assert account.status == "487"


async def test_the_account_expires(
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
    assert call_state(hass, talking) == "connected"
    phones.hang_up(account)
    await idle(hass, talking)


async def test_wrong_credentials(hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry) -> None:
    phones.wrong = True
    key = sim.ring(21)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "account_refused", "the reason")
    assert phones.of(key).contact is None
    assert phones.of(key).refused == 1  # not again and again
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "on", "the ring")
    assert not has_button(hass, talking)
    assert await refusal(hass, talking, "answer") == "no_incoming_call"
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass, talking, "check_talk")
    assert caught.value.translation_key == "talk_account_refused"
    phones.wrong = False
    await rings(sim, 22)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "sip_account", "the next ring")


async def test_a_phone_server_that_is_silent(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.silent = True
    sim.ring(21)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "account_unreachable", "the reason")
    await idle(hass, talking)


async def test_a_phone_server_that_starts_late(hass: HomeAssistant, sim: Simulator, local_url: str) -> None:
    phones = await sim.start_telephony("tcp")
    entry = await pushing(hass, sim, local_url, talk=True)
    port = phones.line.port
    phones.line.close()
    key = sim.ring(21)
    await until(lambda: calls_of(entry).ring_at("21"), "the ring")
    await asyncio.sleep(5)
    await phones.line.open(port=port)
    await until(lambda: phones.of(key).state == "ringing", "the call")
    await press(hass, entry, "answer")
    assert phones.of(key).state == "talking"


async def test_two_doors_at_once(hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry) -> None:
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


async def test_two_visitors_at_one_door(
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


async def test_without_talk_nothing_of_it_happens(
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


@pytest.mark.parametrize(
    "fields",
    [{"server": None}, {"server": "a b"}, {"transport": "ws"}, {"port": "70000"}],
)
async def test_a_push_without_a_usable_account_only_rings(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, fields: dict[str, str | None]
) -> None:
    phones.changed = fields
    sim.ring(21)
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "on", "the ring")
    assert await refusal(hass, talking, "answer") == "no_incoming_call"
    assert phones.line.heard == []


async def test_the_operator_vouches_for_its_phone_server(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    """It has another name than the server of the API."""
    phones.changed = {"server": "localhost"}
    account = await rings(sim)
    assert account.registrations == 1


async def test_the_phone_server_of_a_stranger_gets_nothing(
    hass: HomeAssistant,
    sim: Simulator,
    phones: Telephony,
    talking: ConfigEntry,
    local_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, OURS)
    phones.changed = {"server": "localhost", "hash": "0" * 32, "pass": "0" * 32}
    sim.ring(21)
    await until(lambda: "is not the operator's" in caplog.text, "the objection")
    assert phones.line.heard == []
    await idle(hass, talking)


async def test_strangers_are_ignored(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    stranger = await UdpLine().open("127.0.0.2")
    assert account.dialog is not None
    telephone = Telephone(stranger)
    telephone.agent = account.address
    # A call of its own, and the end of the one that rings.
    telephone.invite(description(9, "0"))
    telephone.request("BYE", account.dialog)
    telephone.request("CANCEL", account.dialog, number=1, branch=account.dialog.branch)
    await telephone.silence(3)
    assert account.state == "ringing"
    await press(hass, talking, "answer")
    async with Go2rtc(await source_of(hass, talking)) as browser, rtp_port("127.0.0.2") as noise:
        await browser.watch()
        noise.send(rtp(1, b"\x66" * 160), account.remote)
        account.speak(b"\x42" * 160)
        sound = 2 * browser.track_of("recvonly")
        await until(lambda: any(packet.endswith(b"\x42" * 160) for packet in browser.heard.get(sound, [])), "the door")
        assert not any(b"\x66" * 100 in packet for packet in browser.heard[sound])
    stranger.close()


@pytest.mark.parametrize("formats", ["0 101", "8"])
async def test_the_door_opens_by_its_digits_where_the_server_fails(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, formats: str
) -> None:
    """As telephone events, or by INFO for a server without them."""
    phones.formats = formats
    sim.break_door(21)
    lock = entity_id(hass, talking, "lock", "door_21:0_door")
    account = await rings(sim)
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=lock)  # not answered yet
    await press(hass, talking, "answer")
    await act(hass, "lock.open", entity_id=lock)
    await until(lambda: account.listen().digits, "the digits")
    assert account.digits == "1"
    sim.break_door(22)  # its visitor does not call
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_22:0_door"))
    assert account.digits == "1"


async def test_the_door_opens_by_the_server_in_a_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await press(hass, talking, "answer")
    await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_21:0_door"))
    assert [row[:2] for row in sim.address_functions.opened] == [(21, 0)]
    await asyncio.sleep(1)
    account.listen()
    assert account.digits == ""


async def test_a_blocked_door_stays_closed(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await press(hass, talking, "answer")
    sim.block_door(21)
    with pytest.raises(HomeAssistantError):
        await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_21:0_door"))
    await asyncio.sleep(1)
    account.listen()
    assert account.digits == ""


async def test_the_camera_keeps_its_stream_unless_a_visitor_calls(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    usual = await source_of(hass, talking)
    assert usual.startswith("http://")
    assert not has_button(hass, talking)
    assert state_of(hass, talking, "sensor", "talk") == "sip_account"
    account = await rings(sim)
    await until(lambda: has_button(hass, talking), "Start talking")
    assert not has_button(hass, talking, "camera_intercom_22")
    own = await source_of(hass, talking)
    assert own.startswith("rtsp://127.0.0.1:")
    assert own == await source_of(hass, talking)
    sim.walk_away(account.ring.hash)
    await until(lambda: not has_button(hass, talking), "the end of the ring")
    assert (await source_of(hass, talking)).split("?")[0] == usual.split("?")[0]


async def test_the_video_is_that_of_the_call_if_it_has_one(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.offers_video = True
    account = await rings(sim)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the live pictures of the ring")
        assert [request.function for request in sim.requests if request.function == "/call/live/{hash}"]
        await press(hass, talking, "answer")
        assert account.remote_video
        picture = b"\x65" + b"\x88" * 40
        account.show(b"\x67\x42\xc0\x1f")
        account.show(picture)
        await until(lambda: any(packet.endswith(picture) for packet in browser.heard[0]), "the video of the call")
        await asyncio.sleep(1)
        asked = len(sim.requests)
        await asyncio.sleep(1)
        assert not [request for request in sim.requests[asked:] if request.function == "/call/live/{hash}"]


async def test_pictures_of_the_camera_follow_those_of_the_ring(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the live pictures of the ring")
        sim.walk_away(account.ring.hash)
        await idle(hass, talking, account)
        seen = len(browser.heard[0])
        await until(lambda: len(browser.heard[0]) > seen + 20, "the pictures of the camera")


async def test_a_reload_ends_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    answered, ringing = await rings(sim), await rings(sim, 22)
    await command(hass, talking, "answer")
    assert answered.state == "talking"
    calls = calls_of(talking)
    assert await hass.config_entries.async_reload(talking.entry_id)
    assert (answered.state, ringing.state, ringing.status) == ("ended", "ended", "480")
    assert answered.contact is None
    assert ringing.contact is None
    assert not calls._tasks


async def test_credentials_are_nowhere(
    hass: HomeAssistant,
    sim: Simulator,
    phones: Telephony,
    talking: ConfigEntry,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    account = await rings(sim)
    secret = account.ring.hash
    await press(hass, talking, "answer")
    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, talking)
    states = json.dumps([state.as_dict() for state in hass.states.async_all()], default=str)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.talk()
        await browser.say(b"\x11" * 160)
    await press(hass, talking, "hang_up")
    await idle(hass, talking, account)
    await hass.async_block_till_done()
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OURS))
    for word in (secret, account.extension):
        assert word not in said
        assert word not in states
        assert word not in json.dumps(diagnostics, default=str)
        assert word not in json.dumps(hass_storage, default=str)
    assert "Registered at" in said
    await asyncio.sleep(700)
    assert list(_paths_to(talking.runtime_data.coordinator.system, secret, "system", set())) == []


def _paths_to(value: object, secret: str, path: str, seen: set[int]) -> Iterator[str]:
    """Return where objects of the integration hold a secret."""
    if isinstance(value, str | bytes):
        if secret in (value if isinstance(value, str) else value.decode("latin-1")):
            yield path
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _paths_to(key, secret, f"{path}.{key!r}", seen)
            yield from _paths_to(item, secret, f"{path}[{key!r}]", seen)
    elif isinstance(value, list | tuple | set | frozenset | deque):
        for item in value:
            yield from _paths_to(item, secret, f"{path}[]", seen)
    elif isinstance(value, partial):
        yield from _paths_to((value.func, value.args, value.keywords), secret, f"{path}()", seen)
    elif isinstance(value, MethodType):
        yield from _paths_to(value.__self__, secret, f"{path}.self", seen)
    elif type(value).__module__.startswith(OURS):
        for name in (*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())):
            yield from _paths_to(getattr(value, name, None), secret, f"{path}.{name}", seen)


async def test_the_options_tell_when_talk_works(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
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


async def test_the_options_tell_that_pushes_are_missing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
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
