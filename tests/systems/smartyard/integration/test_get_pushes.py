"""Pushes by GET ring; Home Assistant rejects some of them, and a repair says what to change."""

from http import HTTPStatus

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, DOMAIN
from custom_components.ip_intercom.runtime import webhook
from tests.common import PATIENCE, capture_log_events, until
from tests.entity_states import wait_for_event
from tests.repository.repository_rules import translations
from tests.simulators.smartyard import Form, Simulator

from .conftest import Start, pushing
from .test_push import listen

REPAIR = "push_by_get"


def repairs(hass: HomeAssistant) -> list[str | None]:
    return [
        issue.translation_key for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN and issue.active
    ]


@pytest.fixture
async def by_get(hass: HomeAssistant, sim: Simulator, local_url: str) -> ConfigEntry:
    """An account whose pushes are forwarded by GET."""
    return await pushing(hass, sim, local_url, Form.QUERY)


async def test_a_push_by_get_rings_and_creates_a_repair(
    hass: HomeAssistant, sim: Simulator, by_get: ConfigEntry
) -> None:
    rings = listen(by_get)
    assert repairs(hass) == []
    sim.ring(22)
    await until(lambda: rings, "the ring")
    assert repairs(hass) == [REPAIR]


async def test_the_repair_is_deleted_after_a_day_of_post_only(
    hass: HomeAssistant, sim: Simulator, by_get: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings = listen(by_get)
    (route,) = sim.pushes.routes
    sim.ring(22)
    await until(lambda: rings, "the ring")
    sim.stop_pushes()
    sim.push_to(route.url, Form.FORM)
    sim.ring(21)
    await until(lambda: len(rings) == 2, "another ring")
    # There may be two forwarders, of which one uses POST.
    assert repairs(hass) == [REPAIR]
    monkeypatch.setattr(webhook, "_METHOD_PAUSE", 0.0)
    sim.ring(24, flat=53)
    await until(lambda: len(rings) == 3, "another ring")
    assert repairs(hass) == []


async def test_the_repair_stays_while_one_of_two_forwarders_uses_get(
    hass: HomeAssistant, sim: Simulator, by_get: ConfigEntry
) -> None:
    (route,) = sim.pushes.routes
    rings = listen(by_get)
    shown: list[list[str | None]] = []
    for door, form in ((22, Form.QUERY), (21, Form.FORM), (22, Form.QUERY), (21, Form.BARE)):
        rings.clear()
        sim.stop_pushes()
        sim.push_to(route.url, form)
        sim.ring(door)
        await until(lambda: rings, "the ring")
        shown.append(repairs(hass))
    assert shown == [[REPAIR]] * 4


async def test_confirming_the_repair_deletes_it(hass: HomeAssistant, sim: Simulator, by_get: ConfigEntry) -> None:
    rings = listen(by_get)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    await by_get.runtime_data.async_recheck()
    assert repairs(hass) == []


async def test_opening_the_webhook_in_a_browser_is_no_push(
    hass: HomeAssistant, pushed: ConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    client = await hass_client_no_auth()
    for query in ("", "?utm=1"):
        response = await client.get(f"/api/webhook/{pushed.data[CONF_PUSH_TOKEN]}{query}")
        assert response.status == HTTPStatus.OK
    assert repairs(hass) == []


@pytest.mark.parametrize(("form", "status"), [(Form.QUERY, 400), (Form.FORM, 200), (Form.BARE, 200)])
async def test_a_message_with_a_line_break_needs_post(
    hass: HomeAssistant, device: Start, local_url: str, form: Form, status: int
) -> None:
    sim = await device()
    entry = await pushing(hass, sim, local_url, form)
    sim.message("Завтра не будет воды.\n<script> и света", "Вода")
    await sim.wait_for_pushes(1, PATIENCE)
    assert sim.pushes.sent[-1].status == status
    if status == HTTPStatus.OK:
        assert "света" in (await wait_for_event(hass, entry, "message", "inbox"))["text"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_get_is_not_offered(language: str) -> None:
    text = translations(language)["options"]["step"]["account_webhook"]["description"]
    assert "query of a GET" not in text
    assert "запроса GET" not in text


async def test_a_push_with_only_the_name_of_the_door_rings(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """An automation app fills in the form (docs/smartyard-pushes.md)."""
    events, rings = capture_log_events(hass), listen(pushed)
    client = await hass_client_no_auth()
    path = f"/api/webhook/{pushed.data[CONF_PUSH_TOKEN]}"
    form = {"extension": "phone", "timestamp": str(sim.clock.utc()), "callerId": "Калитка"}
    assert (await client.post(path, data=form)).status == HTTPStatus.OK
    await until(lambda: rings, "the ring")
    assert rings[0].bell.id == "22"
    message = {"action": "inbox", "title": "Вода", "body": "Завтра не будет\nводы", "timestamp": str(sim.clock.utc())}
    assert (await client.post(path, data=message)).status == HTTPStatus.OK
    await until(lambda: [item for item in events if item.data["type"] == "Message"], "the message")
    # Not encoded at all.
    plain = f"action=inbox&timestamp={sim.clock.utc()}&title=Свет & вода&body=Завтра"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post(path, data=plain.encode(), headers=headers)).status == HTTPStatus.OK
    await until(lambda: len([item for item in events if item.data["type"] == "Message"]) == 2, "the other message")
