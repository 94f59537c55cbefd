"""Functions of an apartment: settings, codes, guests, accesses, watches, phones."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import probatio as vol
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.ip_intercom.const import DOMAIN
from tests.common import act, choose, command, entity_id, refusal, state_of
from tests.entity_states import entity_state, wait_for_state
from tests.simulators.smartyard import PHONE, Form, Simulator

from .conftest import add, pushing
from .test_devices import place


async def flat_command(hass: HomeAssistant, entry: ConfigEntry, action: str, at: str = "flat_51", **data: Any) -> Any:
    """Call an action for the device of a place."""
    return await act(hass, f"{DOMAIN}.{action}", True, device_id=place(hass, entry, at).id, **data)


# ---- settings ----


async def test_settings_are_shown_and_set(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    flat = sim.town.flat(51)
    key = "setting_flat_51_cms"
    assert state_of(hass, entry, "switch", key) == "on"
    await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", key))
    assert flat.cms is False
    await wait_for_state(hass, entry, "switch", key, "off")
    assert sim.town.flat(53).cms
    await act(hass, "switch.turn_on", entity_id=entity_id(hass, entry, "switch", key))
    await wait_for_state(hass, entry, "switch", key, "on")


async def test_a_setting_with_options_is_a_select(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    key = "setting_flat_51_white_rabbit"
    found = entity_state(hass, entry, "select", key)
    assert (found.state, found.attributes["options"]) == ("0", ["0", "1", "2", "3", "5", "7", "10"])
    await act(hass, "select.select_option", entity_id=found.entity_id, option="5")
    assert sim.town.flat(51).white_rabbit == 5
    await wait_for_state(hass, entry, "select", key, "5")


async def test_notification_settings_are_switches(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    money = entity_id(hass, entry, "switch", "setting_money_messages")
    before = state_of(hass, entry, "switch", "setting_money_messages")
    await act(hass, "switch.toggle", entity_id=money)
    assert sim.people.devices[-1].money is (before == "off")
    await wait_for_state(hass, entry, "switch", "setting_money_messages", "on" if before == "off" else "off")


async def test_history_is_on_while_the_server_keeps_a_log(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """The server stores ``disablePlog``; the switch shows whether there is a history."""
    key = "setting_flat_51_disable_log"
    history = entity_id(hass, entry, "switch", key)
    assert state_of(hass, entry, "switch", key) == "on"
    await act(hass, "switch.turn_off", entity_id=history)
    assert sim.town.flat(51).log_disabled
    await wait_for_state(hass, entry, "switch", key, "off")
    await act(hass, "switch.turn_on", entity_id=history)
    assert not sim.town.flat(51).log_disabled
    await wait_for_state(hass, entry, "switch", key, "on")


async def test_a_rejected_setting_keeps_its_state(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.refuse("/address/intercom", 403, 1)
    with pytest.raises(HomeAssistantError):
        await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", "setting_flat_51_cms"))
    assert state_of(hass, entry, "switch", "setting_flat_51_cms") == "on"


@pytest.mark.parametrize("key", ["setting_flat_51_allow_door_code", "setting_flat_53_allow_door_code"])
async def test_a_setting_that_the_server_ignores_is_an_error(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", key))
    assert failed.value.translation_key == "not_applied"
    assert state_of(hass, entry, "switch", key) == "on"


# ---- codes and guests ----


async def test_the_door_code_is_returned_only_by_its_action(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    code = sim.town.flat(51).door_code

    def entity_state() -> list[str]:
        codes = {sim.town.flat(51).door_code, code}
        states = hass.states.async_all()
        return [one.entity_id for one in states if codes & {one.state, *map(str, one.attributes.values())}]

    assert entity_state() == []
    assert await flat_command(hass, entry, "get_door_code") == {"code": code}
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "new_door_code_flat_51"))
    assert sim.town.flat(51).door_code != code
    assert await flat_command(hass, entry, "get_door_code") == {"code": sim.town.flat(51).door_code}
    assert entity_state() == []
    assert sim.town.flat(53).door_code == "62596"


@pytest.mark.default_entities
async def test_the_button_for_a_new_door_code_is_disabled_by_default(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """One press replaces the code of the whole family."""
    button = er.async_get(hass).async_get(entity_id(hass, entry, "button", "new_door_code_flat_51"))
    assert button is not None
    assert button.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_renewing_the_door_code_returns_it(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert await flat_command(hass, entry, "renew_door_code") == {"code": sim.town.flat(51).door_code}
    assert sim.town.flat(51).door_code != "40374"


@pytest.mark.parametrize("at", ["flat_51", "house_11", "door_21_0"])
async def test_the_target_device_selects_the_apartment(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, at: str
) -> None:
    await flat_command(hass, entry, "let_guests_in", at, duration={"minutes": 10})
    assert not sim.town.flat(51).auto_open.startswith("1970")
    assert sim.town.flat(53).auto_open.startswith("1970")


async def test_an_action_on_the_account_needs_an_apartment(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert await refusal(hass, entry, "let_guests_in", duration={"minutes": 10}) == "which_flat"
    with pytest.raises(ServiceValidationError, match="Садовая"):
        await flat_command(hass, entry, "let_guests_in", "camera_42", duration={"minutes": 10})
    sim.move_out(PHONE, 53)
    await entry.runtime_data.coordinator.async_describe()
    device = entry.runtime_data.coordinator.device_id
    await act(hass, f"{DOMAIN}.let_guests_in", device_id=device, duration={"minutes": 10})
    assert not sim.town.flat(51).auto_open.startswith("1970")
    sim.move_out(PHONE, 51)
    await entry.runtime_data.coordinator.async_describe()
    assert await refusal(hass, entry, "let_guests_in", duration={"minutes": 10}) == "no_flat"
    assert await refusal(hass, entry, "archive_ranges") == "no_camera"


@pytest.mark.parametrize("none", ["", "0", 0])
async def test_guests_are_not_let_in_if_the_server_has_no_end_of_it(
    hass: HomeAssistant, sim: Simulator, none: Any
) -> None:
    sim.town.flat(51).auto_open = none
    entry = await add(hass, sim)
    assert state_of(hass, entry, "switch", "setting_flat_51_open_for_guests") == "off"
    target = entity_id(hass, entry, "switch", "setting_flat_51_open_for_guests")
    await act(hass, "switch.turn_on", entity_id=target)
    await wait_for_state(hass, entry, "switch", "setting_flat_51_open_for_guests", "on")


async def test_let_guests_in_sets_its_end(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    until = dt_util.now().replace(microsecond=0) + timedelta(hours=2)
    answer = await flat_command(hass, entry, "let_guests_in", until=until.isoformat())
    assert dt_util.parse_datetime(answer["until"]) == until
    moscow = until.astimezone(dt_util.get_time_zone("Europe/Moscow"))
    assert sim.town.flat(51).auto_open == moscow.strftime("%Y-%m-%d %H:%M:%S")
    await wait_for_state(hass, entry, "switch", "setting_flat_51_open_for_guests", "on")
    assert await flat_command(hass, entry, "let_guests_in", duration=0) == {"until": None}
    await wait_for_state(hass, entry, "switch", "setting_flat_51_open_for_guests", "off")
    with pytest.raises(ServiceValidationError) as failed:
        await flat_command(hass, entry, "let_guests_in", until="2020-01-01 00:00:00")
    assert failed.value.translation_key == "guests_until_past"
    for wrong in ({}, {"until": until.isoformat(), "duration": 60}, {"duration": {"days": 40}}):
        with pytest.raises(vol.Invalid):
            await flat_command(hass, entry, "let_guests_in", **wrong)


@pytest.mark.parametrize("hours", [3, -4, 14])
async def test_guest_access_ends_in_time_if_the_server_has_two_time_zones(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hours: int
) -> None:
    sim.shift_auto_open(3600 * hours)
    until = dt_util.utcnow().replace(microsecond=0) + timedelta(minutes=20)
    moscow = dt_util.get_time_zone("Europe/Moscow")
    wanted = until.astimezone(moscow).strftime("%Y-%m-%d %H:%M:%S")
    for _ in range(2):
        await flat_command(hass, entry, "let_guests_in", until=until.isoformat())
        assert sim.town.flat(51).auto_open == wanted
    assert max(sim.address_functions.auto_opened) == wanted
    # Its zone changes while Home Assistant runs: no one is let in for longer, and the next time is right.
    sim.shift_auto_open(3600 * (hours + 1))
    with pytest.raises(HomeAssistantError) as failed:
        await flat_command(hass, entry, "let_guests_in", until=until.isoformat())
    assert failed.value.translation_key == "guest_time_wrong"
    assert sim.town.flat(51).auto_open < "2001"
    await flat_command(hass, entry, "let_guests_in", until=until.isoformat())
    assert sim.town.flat(51).auto_open == wanted


@pytest.mark.parametrize("rounding", ["down", "nearest", "up"])
@pytest.mark.parametrize("second", [0, 7, 40, 59])
@pytest.mark.parametrize("hours", [0, 3])
async def test_guest_access_ends_at_the_given_minute(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, rounding: str, second: int, hours: int
) -> None:
    sim.round_auto_open(rounding)
    sim.shift_auto_open(3600 * hours)
    until = (dt_util.utcnow() + timedelta(minutes=20)).replace(second=second, microsecond=0)
    await flat_command(hass, entry, "let_guests_in", until=until.isoformat())
    moscow = until.astimezone(dt_util.get_time_zone("Europe/Moscow"))
    assert sim.town.flat(51).auto_open == moscow.strftime("%Y-%m-%d %H:%M:00")


async def test_short_guest_access_is_rounded_up_to_a_minute(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.round_auto_open("up")
    until = dt_util.utcnow() + timedelta(seconds=5)
    await flat_command(hass, entry, "let_guests_in", until=until.isoformat())
    stored = dt_util.parse_datetime(sim.town.flat(51).auto_open)
    moscow = until.astimezone(dt_util.get_time_zone("Europe/Moscow")).replace(tzinfo=None)
    assert stored is not None
    assert timedelta(seconds=-5) < stored - moscow < timedelta(seconds=60)


@pytest.mark.parametrize("body", ["", '{"code":200,"data":[]}'])
async def test_an_empty_response_to_a_change_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, body: str
) -> None:
    for path in ("address/intercom", "user/notification"):
        sim.garbage(path, body, "application/json")
    with pytest.raises(HomeAssistantError):
        await flat_command(hass, entry, "let_guests_in", duration={"minutes": 10})
    for key in ("flat_51_cms", "money_messages"):
        with pytest.raises(HomeAssistantError):
            await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", f"setting_{key}"))
    # It was not carried out, and the next answer says so.
    sim.heal()
    for path in ("address/intercom", "user/notification"):
        sim.garbage(path, body, "application/json", times=1)
    for key in ("flat_51_cms", "money_messages"):
        with pytest.raises(HomeAssistantError):
            await act(hass, "switch.turn_off", entity_id=entity_id(hass, entry, "switch", f"setting_{key}"))


async def test_a_read_only_user_may_not_let_guests_in(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_read_only_user: MockUser
) -> None:
    for action, data in (("let_guests_in", {"duration": 60}), ("renew_door_code", {}), ("sip_account", {})):
        with pytest.raises(Unauthorized):
            await hass.services.async_call(
                DOMAIN,
                action,
                {"device_id": place(hass, entry, "flat_51").id, **data},
                blocking=True,
                context=Context(user_id=hass_read_only_user.id),
                return_response=True,
            )
    assert sim.town.flat(51).door_code == "40374"
    assert sim.town.flat(51).auto_open.startswith("1970")


# ---- who came ----


async def test_the_history_of_an_apartment_is_returned(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    sim.happen("key", 21, flat=51, ago=60)
    sim.happen("face", 21, flat=51, ago=30)
    days = (await flat_command(hass, entry, "history_query"))["days"]
    assert sum(days.values()) >= 2
    records = []
    for day in sorted(days, reverse=True):
        records += (await flat_command(hass, entry, "history_query", day=day))["records"]
    newest, before = records[:2]
    assert (newest["method"], newest["granted"], newest["door"]) == ("face", True, "Подъезд 1")
    assert (before["method"], before["name"]) == ("card", "Ключ")
    assert "0000001A2B3C4D" not in str(records)
    target = files / "visitor.jpg"
    saved = await flat_command(hass, entry, "history_picture", record=newest["picture"], filename=str(target))
    assert saved == {"size": target.stat().st_size}
    assert target.read_bytes().startswith(b"\xff\xd8")
    assert await refusal(hass, entry, "history_picture", record="17", filename=str(target), overwrite=True) == "no_data"
    assert await refusal(hass, entry, "history_picture", record="17", filename="/etc/a.jpg") == "path_not_allowed"


# ---- watches and phones ----


async def test_watches_are_added_and_removed(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert await flat_command(hass, entry, "watches") == {"watches": []}
    await flat_command(hass, entry, "watch_add", event="key", detail="0000001A2B3C4D", comment="Ключ")
    (watch,) = (await flat_command(hass, entry, "watches"))["watches"]
    assert (watch["event"], watch["detail"], watch["comment"]) == ("key", "…3C4D", "Ключ")
    assert watch["flat"] == "г. Примерск, ул. Садовая, д. 3, кв. 7"
    await flat_command(hass, entry, "watch_remove", watch=watch["id"])
    assert await flat_command(hass, entry, "watches") == {"watches": []}
    with pytest.raises(vol.Invalid):
        await flat_command(hass, entry, "watch_add", event="missed_call", detail="1")


async def test_a_watch_that_the_push_route_does_not_deliver_is_an_error(
    hass: HomeAssistant, sim: Simulator, local_url: str
) -> None:
    entry = await pushing(hass, sim, local_url, Form.FORM, push_route="home")
    watch = {"event": "key", "detail": "0000001A2B3C4D"}
    with pytest.raises(ServiceValidationError) as failed:
        await flat_command(hass, entry, "watch_add", **watch)
    assert failed.value.translation_key == "watch_not_pushed"
    assert await flat_command(hass, entry, "watches") == {"watches": []}
    # Without pushes by a webhook, the route is none.
    await choose(hass, entry, {"push": False, "push_route": "home"})
    await flat_command(hass, entry, "watch_add", **watch)
    assert len((await flat_command(hass, entry, "watches"))["watches"]) == 1


async def test_the_sip_account_of_a_ring_is_returned(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    with pytest.raises(ServiceValidationError) as no_ring:
        await flat_command(hass, pushed, "sip_account", "door_21_0")
    assert no_ring.value.translation_key == "no_such_call"
    secret = sim.ring(21)
    await wait_for_state(hass, pushed, "binary_sensor", "bell_21_ringing", "on")
    # The door, what belongs to its house, and the flat.
    for at in ("door_21_0", "door_21_1", "house_11", "flat_51"):
        account = await flat_command(hass, pushed, "sip_account", at)
        assert (account["password"], account["dtmf"]) == (secret, "1")
        assert account["server"]
        assert account["extension"]
    with pytest.raises(ServiceValidationError):
        await flat_command(hass, pushed, "sip_account", "door_24_0")
    assert (await command(hass, pushed, "sip_account"))["password"] == "support-secret"
    user = Context(user_id=MockUser(groups=[]).add_to_hass(hass).id)
    data = {"device_id": place(hass, pushed, "door_21_0").id}
    with pytest.raises(Unauthorized):
        await hass.services.async_call(DOMAIN, "sip_account", data, blocking=True, return_response=True, context=user)
    assert all(secret not in str(state.attributes) for state in hass.states.async_all())


async def test_the_sip_account_of_the_support_is_returned(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    account = await command(hass, entry, "sip_account")
    assert (account["server"], account["port"], account["transport"]) == ("sip.example.test", 54675, "tcp")
    assert (account["extension"], account["password"], account["dial"]) == ("123", "support-secret", "429999")
    assert all("support-secret" not in str(state.attributes) for state in hass.states.async_all())
    with pytest.raises(ServiceValidationError):
        await act(hass, f"{DOMAIN}.sip_account", device_id=entry.runtime_data.coordinator.device_id)
