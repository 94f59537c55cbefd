"""Pushes of the proxy by a forwarder: the webhook turns them into events and states, each once."""

from collections.abc import Callable
from http import HTTPStatus
import json
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN
from tests.common import capture_log_events, state_of, until
from tests.flooding import assert_withstands_flood
from tests.planted import EXTRA, SECRET, assert_shown_nowhere, log_every_line
from tests.simulators.mx_proxy import Form, Simulator
from tests.simulators.mx_proxy.events import Kind, event

from .conftest import Start, pushing


def types(events: list[Event]) -> list[str]:
    return [item.data["type"] for item in events]


def calls(entry: ConfigEntry) -> dict[int, str]:
    return {session: call.state.value for session, call in entry.runtime_data.coordinator.data.calls.items()}


async def becomes(hass: HomeAssistant, entry: ConfigEntry, state: str) -> None:
    await until(lambda: set(calls(entry).values()) == ({state} - {"idle"}), f"a call that is {state}")
    assert state_of(hass, entry, "sensor", "call_state") == state


@pytest.mark.parametrize("form", list(Form))
async def test_an_incoming_call_from_its_ring_to_its_record(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, form: Form
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url, form)
    events = capture_log_events(hass)

    call = sim.incoming_call("3108")
    await becomes(hass, entry, "ringing")
    assert state_of(hass, entry, "binary_sensor", "ringing") == "on"
    sim.pick_up(call)
    await becomes(hass, entry, "connected")
    assert state_of(hass, entry, "binary_sensor", "ringing") == "off"
    sim.hold(call)
    await becomes(hass, entry, "held")
    sim.retrieve(call)
    await becomes(hass, entry, "connected")
    sim.hang_up(call)
    await becomes(hass, entry, "idle")
    await until(lambda: "CallLog" in types(events), "the record")
    assert types(events) == [
        "Delivered",
        "Established",
        "HeldEvent",
        "RetrievedEvent",
        "ConnectionCleared",
        "CallLog",
    ]
    assert [item.data["late"] for item in events] == [False] * 6
    assert events[0].data["data"] == {
        "session": call,
        "direction": "incoming",
        "number": "3108",
        "name": "Ben Osei",
        "cause": "normal",
    }
    assert events[-1].data["data"]["outcome"] == "answered"
    assert entry.runtime_data.coordinator.data.last_call.name == "Ben Osei"
    assert entry.runtime_data.coordinator.data.missed_calls == 0


async def test_a_call_from_the_desk_phone_is_outgoing(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    call = sim.dial("12025550142")
    await becomes(hass, entry, "connecting")
    (session,) = entry.runtime_data.coordinator.data.calls.values()
    assert (session.id, session.direction.value, session.peer) == (call, "outgoing", "12025550142")
    sim.pick_up(call)
    await becomes(hass, entry, "connected")
    sim.hang_up(call)
    await until(lambda: "CallLog" in types(events), "the record")
    assert types(events) == ["Originated", "Established", "ConnectionCleared", "CallLog"]
    assert events[-1].data["data"]["outcome"] == "placed"


async def test_a_repeated_push_is_reported_once(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    call = sim.incoming_call("3108")
    await sim.wait_for_pushes(1)
    sim.repeat_push()
    await sim.wait_for_pushes(2)
    sim.hang_up(call)
    await sim.wait_for_pushes(3)
    sim.repeat_push()
    await sim.wait_for_pushes(4)
    await until(lambda: "CallLog" in types(events), "the record")
    assert types(events) == ["Delivered", "ConnectionCleared", "CallLog"]
    assert entry.runtime_data.coordinator.data.missed_calls == 1


async def test_a_missed_call_and_its_voicemail_are_reported(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    mail = sim.leave_voicemail("12025550142", 5, "Parcel service")
    await until(lambda: types(events).count("CallLog") == 2 and "MailIncoming" in types(events), "all of it")
    outcomes = [item.data["data"]["outcome"] for item in events if item.data["type"] == "CallLog"]
    assert outcomes == ["missed", "voicemail"]
    (found,) = [item for item in events if item.data["type"] == "MailIncoming"]
    assert found.data["data"] == {"id": mail, "number": "12025550142", "name": "Parcel service", "duration": 5}
    state = entry.runtime_data.coordinator.data
    assert (state.missed_calls, len(state.voicemails), state.voicemails[mail].read) == (1, 3, False)
    state_before = state.voicemails
    entry.runtime_data.coordinator.features.call_control.clear_missed()
    sim.leave_voicemail("12025550142")
    await until(lambda: len(entry.runtime_data.coordinator.data.voicemails) > len(state_before), "the second message")
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "a new count")


async def test_names_are_omitted_without_the_option(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url, show_names=False)
    events = capture_log_events(hass)
    sim.leave_voicemail("3108", name="Ben")
    await until(lambda: types(events).count("CallLog") == 2 and "MailIncoming" in types(events), "all of it")
    found = str([item.data for item in events]) + str(entry.runtime_data.coordinator.data)
    assert "Ben" not in found
    assert "Osei" not in found
    assert "3108" in found


@pytest.fixture
async def stranger(
    hass: HomeAssistant, local_url: str, hass_client_no_auth: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """A person who knows the address."""
    return await hass_client_no_auth()


async def send(stranger: TestClient[Any, Any], entry: ConfigEntry, body: object) -> None:
    answer = await stranger.post(f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}", json=body)
    assert (answer.status, await answer.text()) == (HTTPStatus.OK, "OK")


def delivered(sim: Simulator, call: int, timestamp: int | None = None) -> dict[str, Any]:
    when = sim.clock.utc() if timestamp is None else timestamp
    numbers = {"deviceId": "3107", "callingDevice": "110", "calledDevice": "3107", "alertingDevice": "3107"}
    return event(Kind.DELIVERED, when, callId=call, cause="normal", **numbers)


async def test_a_push_with_a_wrong_content_encoding_is_ignored(
    hass: HomeAssistant, device: Start, local_url: str, stranger: TestClient[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    entry = await pushing(hass, await device(), local_url)
    path = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    answer = await stranger.post(path, data=b"not packed", headers={"Content-Encoding": "gzip"})
    assert answer.status == HTTPStatus.OK
    assert "Error processing webhook" not in caplog.text


async def test_a_forged_call_ends_soon(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, stranger: TestClient[Any, Any]
) -> None:
    """The ring is reported first, then the proxy verifies the call."""
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    await send(stranger, entry, delivered(sim, 999))
    await until(lambda: types(events) == ["Delivered", "ConnectionCleared"], "the end")
    assert calls(entry) == {}


async def test_an_old_push_starts_no_call(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, stranger: TestClient[Any, Any]
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    await send(stranger, entry, delivered(sim, 999, sim.clock.utc() - 3600))
    await until(lambda: any(request.path == "/calls/999" for request in sim.requests), "the proxy to be asked")
    call = sim.incoming_call("3108")
    await until(lambda: call in calls(entry), "a real one")
    assert types(events) == ["Delivered"]


async def test_a_flood_of_forged_calls_ends(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, stranger: TestClient[Any, Any]
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    for call in range(1000, 1060):
        await send(stranger, entry, delivered(sim, call))
    real = sim.incoming_call("3108")
    await until(lambda: calls(entry) == {real: "ringing"}, "the real one to be left")
    assert types(events).count("Delivered") == types(events).count("ConnectionCleared") + 1


@pytest.mark.parametrize("body", [{}, [], "x", 7, None, {"data": 7}, {"type": "Delivered"}, {"callId": 1}])
async def test_an_invalid_push_is_answered_and_ignored(
    hass: HomeAssistant,
    device: Start,
    local_url: str,
    no_polls: None,
    stranger: TestClient[Any, Any],
    body: object,
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    await send(stranger, entry, body)
    assert (await stranger.get(f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}")).status == HTTPStatus.OK
    await send(stranger, entry, event(Kind.HELD, sim.clock.utc(), callId=5))  # of a call that there is not
    await send(stranger, entry, {"type": "RecordingState", "callId": 5})
    await until(lambda: types(events) == ["RecordingState"], "the push of a newer server")
    assert calls(entry) == {}


async def test_pushes_of_a_wrong_clock_are_reported_in_time(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    sim.advance_clock(7200)
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    call = sim.incoming_call("3108")
    await becomes(hass, entry, "ringing")
    sim.pick_up(call)
    await becomes(hass, entry, "connected")
    sim.hang_up(call)
    await becomes(hass, entry, "idle")
    await until(lambda: "CallLog" in types(events), "the record")
    assert types(events) == ["Delivered", "Established", "ConnectionCleared", "CallLog"]
    assert {item.data["late"] for item in events} == {False}


async def test_a_call_that_began_before_the_setup_is_shown(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    """Held and Retrieved contain no numbers, so the call is requested from the proxy."""
    sim = await device()
    call = sim.incoming_call("3108")
    entry = await pushing(hass, sim, local_url)
    sim.pick_up(call)
    await becomes(hass, entry, "connected")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    sim.hold(call)
    await becomes(hass, entry, "held")
    (session,) = entry.runtime_data.coordinator.data.calls.values()
    assert (session.peer, session.direction.value) == ("3108", "incoming")


async def test_the_webhook_is_removed_with_the_option(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, stranger: TestClient[Any, Any]
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    token = entry.data[CONF_PUSH_TOKEN]
    events = capture_log_events(hass)
    hass.config_entries.async_update_entry(entry, options={})
    await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: CONF_PUSH_TOKEN not in entry.data, "the address to be forgotten")
    await stranger.post(f"/api/webhook/{token}", json=delivered(sim, 999))
    await hass.async_block_till_done()
    assert events == []


async def test_a_flood_of_pushes_is_dropped_but_a_call_is_not(
    hass: HomeAssistant, device: Start, local_url: str, hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    await assert_withstands_flood(
        hass, entry, local_url, hass_client, caplog, record_property,
        kind="RecordingState", body=json.dumps({"type": "RecordingState", "callId": "{n}"}),
        ring=lambda: sim.incoming_call("3108"), bell="call",
    )  # fmt: skip


async def test_no_output_contains_secrets_of_pushes(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, stranger: TestClient[Any, Any],
    hass_client: ClientSessionGenerator, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """All fields except numbers and names of callers contain the secret."""
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    log_every_line(caplog)
    events = capture_log_events(hass)
    texts = dict.fromkeys(("globalCallId", "gcid", "localConnectionInfo", "cause", "lastRedirectionDevice"), SECRET)
    for kind in (*Kind, "SomethingNew", SECRET):
        await send(stranger, entry, {**delivered(sim, 777), **EXTRA, **texts, "type": kind})
    await until(lambda: "SomethingNew" in types(events), "the last but one")
    assert "Delivered" in types(events)
    await assert_shown_nowhere(hass, entry, events, caplog, hass_client)
