"""Requests of a person who knows only the webhook address."""

import asyncio
from collections.abc import AsyncIterator
import json
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_bytes
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN
from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import capture_log_events, state_of, until
from tests.entity_states import entity_state, wait_for_state
from tests.simulators.mx_proxy import Simulator
from tests.simulators.mx_proxy.events import Kind, event

from .conftest import pushing

pytestmark = pytest.mark.usefixtures("no_polls")

HUGE = 10**400
BIGGER_THAN_ANY = 10**20


@pytest.fixture
async def stranger(
    hass: HomeAssistant, local_url: str, hass_client_no_auth: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """A person who knows the address."""
    return await hass_client_no_auth()


def ring(sim: Simulator, call: int, **others: Any) -> dict[str, Any]:
    told = event(Kind.DELIVERED, sim.clock.utc(), callId=call, callingDevice="110", calledDevice="3107", cause="normal")
    return {**told, **others}


@pytest.mark.parametrize("timestamp", [HUGE, -HUGE, str(HUGE)], ids=["late", "early", "text"])
async def test_an_impossible_timestamp_in_a_push_logs_no_error(
    hass: HomeAssistant,
    sim: Simulator,
    local_url: str,
    stranger: TestClient[Any, Any],
    caplog: pytest.LogCaptureFixture,
    timestamp: object,
) -> None:
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    address = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    await stranger.post(address, data=json.dumps(ring(sim, 999, timestamp=timestamp)))
    call = sim.incoming_call("3108")
    await until(lambda: any(item.data["data"].get("session") == call for item in events), "a real call")
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.HELD, Kind.ORIGINATED])
@pytest.mark.parametrize("call", [BIGGER_THAN_ANY, -1])
async def test_a_push_with_an_impossible_call_number_is_ignored(
    hass: HomeAssistant,
    sim: Simulator,
    local_url: str,
    stranger: TestClient[Any, Any],
    kind: Kind,
    call: int,
) -> None:
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    address = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    await stranger.post(address, data=json.dumps(ring(sim, call, type=kind)))
    real = sim.incoming_call("3108")
    await wait_for_state(hass, entry, "binary_sensor", "ringing", "on")
    sim.push_to("http://127.0.0.1:9")  # from now on nothing is pushed
    sim.hang_up(real)
    await wait_for_state(hass, entry, "binary_sensor", "ringing", "off")
    assert all(item.data["data"].get("session") in (real, None) for item in events)


async def test_invalid_unicode_in_a_push_is_removed(
    hass: HomeAssistant, sim: Simulator, local_url: str, stranger: TestClient[Any, Any]
) -> None:
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    address = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    await stranger.post(address, data=json.dumps(ring(sim, 999, callingDevice="\ud800", callingDisplayName="\udfff")))
    await until(lambda: events, "the event")
    assert json_bytes(events[0].data)
    assert json_bytes(dict(entity_state(hass, entry, "sensor", "call_state").attributes))


async def test_a_flood_of_pushed_calls_is_bounded(
    hass: HomeAssistant, sim: Simulator, local_url: str, stranger: TestClient[Any, Any]
) -> None:
    entry = await pushing(hass, sim, local_url)
    address = f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    for call in range(1000, 1040):
        await stranger.post(address, json=ring(sim, call, type=Kind.ORIGINATED))
        await stranger.post(address, json=ring(sim, call, type=Kind.HELD))
    assert 0 < len(entry.runtime_data.coordinator.data.calls) <= log._MAX_CALLS


async def test_a_push_body_in_pieces_is_read_whole(
    hass: HomeAssistant, sim: Simulator, local_url: str, stranger: TestClient[Any, Any]
) -> None:
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    call = sim.incoming_call("3108")
    await until(lambda: events, "its push")
    sim.push_to("http://127.0.0.1:9")
    told = json.dumps(event(Kind.CLEARED, sim.clock.utc(), callId=call, cause="normal")).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield told[:20]
        await asyncio.sleep(0.05)
        yield told[20:]

    await stranger.post(f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}", data=pieces())
    await until(lambda: state_of(hass, entry, "binary_sensor", "ringing") == "off", "its end")
    assert events[-1].data["type"] == Kind.CLEARED
    assert sim.extensions[sim.login].calls.live, "only the push reported the end"


@pytest.mark.parametrize("kind", ["CallLog", "Voicemails"])
async def test_a_push_cannot_forge_log_events(
    hass: HomeAssistant, sim: Simulator, local_url: str, stranger: TestClient[Any, Any], kind: str
) -> None:
    """Automations may rely on these events, which are made of read data only."""
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    await stranger.post(f"/api/webhook/{entry.data[CONF_PUSH_TOKEN]}", json=ring(sim, 999, type=kind))
    sim.incoming_call("3108")
    await until(lambda: events, "a real event")
    assert [item.data["type"] for item in events] == [Kind.DELIVERED]
