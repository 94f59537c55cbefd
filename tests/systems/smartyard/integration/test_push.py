"""Pushes of the server by a forwarder: the webhook turns them into events and states, each once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
import json
import logging
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, CONF_URL
from custom_components.ip_intercom.model.ring_detector import Ring
from custom_components.ip_intercom.runtime.event_stream import EventStream
from custom_components.ip_intercom.systems.common.errors import NoData, UnexpectedReply
from custom_components.ip_intercom.systems.smartyard import log
from tests.common import PATIENCE, act, capture_log_events, entity_id, state_of, suggested, until
from tests.flooding import assert_withstands_flood
from tests.google import VALUES
from tests.planted import EXTRA, SECRET, assert_shown_nowhere, log_every_line
from tests.simulators.smartyard import ELSEWHERE, Dialect, Form, Hostile, Request, Simulator

from .conftest import Start, add, pushing

NEVER = (600.0, 600.0)
OURS = "custom_components.ip_intercom"


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll messages and event logs only after a push."""
    monkeypatch.setattr(log, "_UNREAD_INTERVALS", NEVER)
    monkeypatch.setattr(log, "_HISTORY_INTERVALS", NEVER)


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [item for item in events if item.data["type"] == kind]


def asked(sim: Simulator, function: str) -> list[Request]:
    return [request for request in sim.requests if request.function == function]


def listen(entry: ConfigEntry) -> list[Ring]:
    """Return a list to which every ring is appended."""
    rings: list[Ring] = []
    entry.runtime_data.events.rings.async_listen(None, rings.append)
    return rings


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_visitor_rings_with_a_picture(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, form: Form, dialect: Dialect
) -> None:
    sim = await device(dialect=dialect)
    entry = await pushing(hass, sim, local_url, form)
    events, rings = capture_log_events(hass), listen(entry)
    sim.set_push_ttl(3)

    name = sim.ring(22)
    await until(lambda: rings, "the ring")
    (ring,) = rings
    assert (ring.bell.id, ring.bell.place) == ("22", "door_22_0")
    assert ring.details["flat"] == "7"
    # The ring comes first, the state behind it.
    await until(lambda: entry.runtime_data.coordinator.data.ringing.get("22") is True, "the state")
    if form is not Form.SEED:  # in the documents' form the picture is where this server has none
        assert ring.picture is not None
        assert (await entry.runtime_data.coordinator.features.visitors.picture(ring.picture)).startswith(b"\xff\xd8")
        assert name not in str([item.data for item in events])
    await until(lambda: entry.runtime_data.coordinator.data.ringing["22"] is False, "the end of it")
    assert [item.data["type"] for item in events] == ["Call", "CallEnded"]
    assert name not in str(ring)


async def test_a_repeated_push_of_a_ring_rings_once(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    rings = listen(pushed)
    sim.ring(21)
    sim.ring(24, flat=53)
    await sim.wait_for_pushes(2, PATIENCE)
    sim.repeat_push()
    await sim.wait_for_pushes(3, PATIENCE)
    sim.ring(25)
    await until(lambda: len(rings) == 3, "all of them")
    assert [ring.bell.id for ring in rings] == ["21", "24", "25"]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("inbox", "inbox"),
        ("chat", "chat"),
        ("paySuccess", "pay_success"),
        ("paysuccess", "pay_success"),
        ("payError", "pay_error"),
        ("payerror", "pay_error"),
        ("videoReady", "video_ready"),
        ("videoredy", "video_ready"),
        ("money", "money"),
        ("paranoid", "paranoid"),
        ("eventLog", "other"),
        ("somethingNew", "other"),
    ],
)
async def test_every_kind_of_message_is_reported(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, action: str, kind: str
) -> None:
    sim = await device()
    await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    sim.text_push(action, "Заголовок", "Текст")
    await until(lambda: of_type(events, "Message"), "the message")
    (told,) = of_type(events, "Message")
    assert told.data["late"] is False
    assert told.data["data"]["kind"] == kind
    assert (told.data["data"]["title"], told.data["data"]["text"]) == ("Заголовок", "Текст")
    assert told.data["data"]["id"]
    assert told.data["data"].get("action") == (action if kind == "other" else None)


@pytest.mark.parametrize("name", ["ext", "Ext"])
async def test_a_message_about_a_page_names_it(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, name: str
) -> None:
    sim = await device()
    await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    sim.text_push("ext", "Новости", "Текст", ext="12", ext_name=name)
    await until(lambda: of_type(events, "Message"), "the message")
    assert of_type(events, "Message")[0].data["data"]["ext"] == "12"


async def test_a_pushed_message_updates_the_unread_count(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    number = sim.message("Завтра не будет воды", "Вода")
    await until(lambda: entry.runtime_data.coordinator.data.unread_messages == 1, "the count")
    await entry.runtime_data.coordinator.system.messages.mark_read(str(number))
    await until(lambda: entry.runtime_data.coordinator.data.unread_messages == 0, "the count")
    assert not any(request.path.endswith("/inbox/inbox") for request in sim.requests)


async def test_a_new_address_brings_its_doors(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    events = capture_log_events(hass)
    assert "23:0" not in entry.runtime_data.coordinator.data.doors
    sim.move_in(sim.phone, 52)
    sim.text_push("newaddress", "Адрес", "Добавлен адрес")
    await until(lambda: "23:0" in entry.runtime_data.coordinator.data.doors, "the door")
    assert of_type(events, "Message")[0].data["data"]["kind"] == "new_address"
    assert entry.runtime_data.coordinator.data.ringing["23"] is False
    assert entry.runtime_data.coordinator.data.places["door_23_0"].name == "Подъезд 2"


def pushes(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return what the page of the account says about pushes."""
    return state_of(hass, entry, "sensor", "pushes")


async def test_the_push_sensor_is_off_without_pushes(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert pushes(hass, entry) == "off"


async def test_the_push_sensor_shows_whether_pushes_arrive(hass: HomeAssistant, device: Start, local_url: str) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    assert pushes(hass, entry) == "expected"
    ring = sim.ring(22)
    await until(lambda: pushes(hass, entry) == "arriving", "the first push")
    # This one is in the history, and was pushed.
    events = capture_log_events(hass)
    sim.walk_away(ring)
    await until(lambda: of_type(events, "MissedCall"), "the record of it")
    assert pushes(hass, entry) == "arriving"
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert pushes(hass, entry) == "arriving"
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    # This one was not: in the life that is known, no push came at all.
    sim.happen("missed", 22)
    await until(lambda: pushes(hass, entry) == "expected", "the doubt")


async def test_rings_of_a_muted_apartment_are_no_missing_pushes(
    hass: HomeAssistant, device: Start, local_url: str
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    sim.ring(22)
    await until(lambda: pushes(hass, entry) == "arriving", "the first push")
    rings = entity_id(hass, entry, "switch", "setting_flat_51_voip")
    await act(hass, "switch.turn_off", entity_id=rings)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    events = capture_log_events(hass)
    sim.happen("missed", 22)
    await until(lambda: of_type(events, "MissedCall"), "the record of it")
    assert pushes(hass, entry) == "arriving"
    # Not that of a flat that rings, nor once it rings again.
    await act(hass, "switch.turn_on", entity_id=rings)
    sim.pass_time(2)
    sim.happen("missed", 22)
    await until(lambda: pushes(hass, entry) == "expected", "the doubt")


# -- a service of the operator ---------------------------------------------------------------------


async def choose_route(hass: HomeAssistant, entry: ConfigEntry, route: str, **fcm: str) -> Any:
    """Turn on pushes in the options, by a route of the operator, and return the result."""
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    page = {"push": True, "show_names": True, "fcm": fcm}
    result = await hass.config_entries.options.async_configure(result["flow_id"], page)
    return await hass.config_entries.options.async_configure(result["flow_id"], {"push_route": route})


async def test_the_push_route_is_registered_on_the_server(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    result = await choose_route(hass, entry, " home ")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    ours = sim.people.devices[-1]
    await until(lambda: ours.bundle == "home", "the route")
    assert entry.data[CONF_PUSH_TOKEN] not in (ours.push_token or "")
    sim.push_to(f"{local_url}/api/webhook/{entry.data[CONF_PUSH_TOKEN]}", Form.QUERY, bundle="home")
    rings = listen(entry)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    # It is registered once, and again if the server has lost it or the route changed.
    told = len(asked(sim, "/user/registerPushToken"))
    await entry.runtime_data.coordinator.async_describe()
    assert len(asked(sim, "/user/registerPushToken")) == told
    ours.push_token = "err"
    await entry.runtime_data.coordinator.async_describe()
    await until(lambda: ours.push_token not in {None, "err"}, "the token again")
    await choose_route(hass, entry, "elsewhere")
    await until(lambda: ours.bundle == "elsewhere", "the other route")
    assert suggested(await shown_route(hass, entry)) == {"push_route": "elsewhere"}


async def test_a_server_without_push_routes_is_retried_at_a_new_description(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.refuse("/user/registerPushToken", 405)
    await choose_route(hass, entry, "home")
    await until(lambda: asked(sim, "/user/registerPushToken"), "the route")
    coordinator = entry.runtime_data.coordinator
    await entry.runtime_data.push_address.async_subscribe()
    assert not coordinator.timers
    sim.mend_server()
    await coordinator.async_describe()
    assert sim.people.devices[-1].bundle == "home"


async def shown_route(hass: HomeAssistant, entry: ConfigEntry) -> Any:
    """Return the page that asks for the route."""
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    return await hass.config_entries.options.async_configure(
        result["flow_id"], {"push": True, "show_names": True, "fcm": {}}
    )


async def test_a_push_route_and_google_push_exclude_each_other(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    result = await choose_route(hass, entry, "home", **VALUES)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {"base": "push_route_or_fcm"})
    assert suggested(result) == {"push_route": "home"}
    result = await hass.config_entries.options.async_configure(result["flow_id"], {"push_route": ""})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not asked(sim, "/user/registerPushToken")


# -- untrusted senders -----------------------------------------------------------------------------


async def test_a_slow_webhook_request_is_cut_off(
    hass: HomeAssistant,
    pushed: ConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    ended = asyncio.Event()

    async def body() -> AsyncGenerator[bytes]:
        yield b"{"
        await ended.wait()

    client = await hass_client_no_auth()
    try:
        async with asyncio.timeout(PATIENCE):
            response = await client.post(f"/api/webhook/{pushed.data[CONF_PUSH_TOKEN]}", data=body())
            assert response.status == HTTPStatus.OK
    finally:
        ended.set()


@pytest.mark.parametrize("kind", [kind for kind in Hostile if kind is not Hostile.REPLAY])
async def test_a_hostile_push_changes_nothing_and_is_one_line(
    hass: HomeAssistant,
    device: Start,
    local_url: str,
    no_polls: None,
    caplog: pytest.LogCaptureFixture,
    kind: Hostile,
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    before, requests = entry.runtime_data.coordinator.data, len(sim.requests)
    caplog.clear()
    caplog.set_level(logging.DEBUG, OURS)
    events, rings = capture_log_events(hass), listen(entry)
    sim.hostile_push(kind)
    await sim.wait_for_pushes(1, PATIENCE)
    assert sim.pushes.sent[-1].delivered or kind is Hostile.HUGE
    if kind in {Hostile.FOREIGN_IMAGE, Hostile.BASE_URL, Hostile.REDIRECTING_IMAGE}:
        # A visitor's ring may look like that; but no other server is asked.
        await until(lambda: rings, "the ring")
        assert (rings[0].picture is None) is (kind is Hostile.FOREIGN_IMAGE)
        if rings[0].picture is not None:
            with pytest.raises((NoData, UnexpectedReply)):
                await entry.runtime_data.coordinator.features.visitors.picture(rings[0].picture)
        assert entry.data[CONF_URL] == sim.url
    else:

        def lines() -> list[logging.LogRecord]:
            return [
                record for record in caplog.records if record.name.startswith(OURS) and ".client." not in record.name
            ]

        await until(lines, "the line")
        assert rings == []
        assert entry.runtime_data.coordinator.data == before
        assert [line.levelno for line in lines()] == [logging.DEBUG]
        assert [item.data["type"] for item in events] == []
    assert ELSEWHERE not in {request.host for request in sim.requests[requests:]}


async def test_only_new_pushes_cause_an_early_poll(
    hass: HomeAssistant, device: Start, local_url: str, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hastened: list[object] = []
    monkeypatch.setattr(EventStream, "async_hasten", lambda event_stream: hastened.append(event_stream))
    sim = await device()
    await pushing(hass, sim, local_url)
    sim.ring(21)
    await sim.wait_for_pushes(1, PATIENCE)
    assert len(hastened) == 1
    for number, kind in enumerate((Hostile.REPLAY, Hostile.OLD, Hostile.NOT_JSON), 2):
        sim.hostile_push(kind)
        await sim.wait_for_pushes(number, PATIENCE)
    assert len(hastened) == 1


async def test_a_flood_of_pushes_is_dropped_but_a_ring_is_not(
    hass: HomeAssistant, pushed: ConfigEntry, sim: Simulator, local_url: str, hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    await assert_withstands_flood(
        hass, pushed, local_url, hass_client, caplog, record_property,
        kind="Message", body=json.dumps({"messageId": "{n}", "title": "t", "body": "b", "action": "inbox"}),
        ring=sim.ring, bell="bell_21",
    )  # fmt: skip


async def test_no_output_contains_secrets_of_pushes(
    hass: HomeAssistant, pushed: ConfigEntry, sim: Simulator, local_url: str, hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """All fields except texts of the operator and names of doors contain the secret."""
    log_every_line(caplog)
    events = capture_log_events(hass)
    client = await hass_client_no_auth()
    secrets = ("server", "transport", "extension", "pass", "hash", "dtmf", "stun", "turn", "turnUsername",
               "turnPassword", "live", "image", "baseUrl", "videoToken", "videoStream", "webRtcUrl", "platform")  # fmt: skip
    call = {
        **EXTRA,
        **dict.fromkeys(secrets, SECRET),
        "type": "call",
        "domophoneId": "21",
        "timestamp": int(time.time()),
        "flatId": "51",
        "callerId": "x",
    }
    message = {"messageId": "5", "title": "t", "body": "b", **EXTRA, "hash": SECRET, "houseId": SECRET}
    bodies = [call, *({**message, "messageId": str(number), "action": action}
              for number, action in enumerate(("inbox", "chat", "paySuccess", "videoReady", "newest", SECRET)))]  # fmt: skip
    for body in bodies:
        path = f"/api/webhook/{pushed.data[CONF_PUSH_TOKEN]}"
        assert (await client.post(path, json=body)).status == HTTPStatus.OK
    await until(lambda: len(of_type(events, "Message")) == len(bodies) - 1, "the messages")
    assert of_type(events, "Call")
    await assert_shown_nowhere(hass, pushed, events, caplog, hass_client)
