"""Adding and repairing an account: an address, a number, a code or a call, with a message for each error."""

from collections.abc import Callable
import json
from typing import Any

from aiohttp import web
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, CONF_SYSTEM, SYSTEM_SMARTYARD
from tests.common import begin, configure, enter, reopen, suggested, until
from tests.repository.repository_rules import translations
from tests.simulators.smartyard import NEIGHBOUR, PHONE, Breakage, Dialect, Simulator

from .conftest import UNVERIFIED, Start, add, log_in, user_input

type Prepare = Callable[[Simulator], None]


def check_texts(result: Any) -> None:
    """Check that a form has its texts and their placeholders."""
    texts = translations()["config"]
    shown = [texts["step"][result["step_id"]].get("description", "")]
    shown += [texts["error"][key] for key in (result["errors"] or {}).values()]
    for text in shown:
        assert "{" not in text.format(**result["description_placeholders"])


def asked(sim: Simulator, function: str) -> int:
    return sum(request.function == function for request in sim.requests)


# -- adding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sms", "smsCode", "flashCall"])
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_an_entry_is_created_with_a_received_code(
    hass: HomeAssistant, device: Start, dialect: Dialect, method: str
) -> None:
    sim = await device(dialect=dialect)
    sim.set_login_method(method)
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_SYSTEM] == SYSTEM_SMARTYARD
    assert entry.data["url"] == sim.url
    assert entry.data["phone"] == PHONE
    assert str(entry.unique_id).startswith("127.0.0.1_")
    (who,) = sim.people.devices
    assert entry.data["device_token"] == who.device_token
    assert entry.data["token"] == who.token


async def test_an_entry_is_created_after_a_call_to_the_server(hass: HomeAssistant, sim: Simulator) -> None:
    sim.set_login_method("outgoingCall")
    result = await enter(hass, user_input(sim), "smartyard")
    assert result["step_id"] == "smartyard_call"
    assert result["description_placeholders"]["numbers"] == "+74750000001, +74750000002"
    result = await configure(hass, result, None)  # the page was reloaded
    assert (result["step_id"], result["errors"]) == ("smartyard_call", {})
    result = await configure(hass, result, {})
    assert result["errors"] == {"base": "not_called_yet"}
    check_texts(result)
    sim.break_server()
    result = await configure(hass, result, {})
    assert result["errors"] == {"base": "server_broken"}
    sim.mend_server()
    sim.call_in()
    result = await configure(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_self_signed_certificate_is_accepted_without_verification(hass: HomeAssistant, device: Start) -> None:
    sim = await device(https=True)
    result = await configure(
        hass, await begin(hass, "smartyard"), {**user_input(sim), "security": {"verify_ssl": True}}
    )
    assert result["errors"] == {"base": "certificate_invalid"}
    entry = await add(hass, sim)
    assert entry.data["fingerprint"] is not None
    assert entry.state is ConfigEntryState.LOADED


async def test_certificates_are_verified_by_default(hass: HomeAssistant) -> None:
    form = await begin(hass, "smartyard")
    assert form["data_schema"]({"host": "a", "phone": "1", "security": {}})["security"] == {"verify_ssl": True}


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_the_address_may_be_typed_without_its_path(hass: HomeAssistant, device: Start, dialect: Dialect) -> None:
    sim = await device(dialect=dialect)
    result = await enter(hass, {**user_input(sim), "host": f"http://{sim.address}"}, "smartyard")
    assert result["step_id"] == "smartyard_code", result


async def test_two_accounts_of_one_operator_can_be_added(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    other = await add(hass, sim, NEIGHBOUR)
    assert other.unique_id != entry.unique_id
    assert set(other.runtime_data.coordinator.data.doors) == {"21:0", "21:1", "22:0", "23:0"}
    sent = asked(sim, "/user/requestCode")
    result = await enter(hass, {**user_input(sim), "phone": "8 (916) 123-45-01"}, "smartyard")
    assert result["reason"] == "already_configured"
    assert asked(sim, "/user/requestCode") == sent  # no message is sent for that
    assert entry.runtime_data.coordinator.last_update_success


async def test_the_second_flow_of_an_added_account_ends(hass: HomeAssistant, sim: Simulator) -> None:
    sim.set_login_method("outgoingCall")
    first = await enter(hass, user_input(sim), "smartyard")
    second = await enter(hass, user_input(sim), "smartyard")
    sim.call_in()
    assert second["step_id"] == "smartyard_call"
    assert (await configure(hass, first, {}))["type"] is FlowResultType.CREATE_ENTRY
    assert hass.config_entries.flow.async_progress() == []


def _nothing(_: Simulator) -> None:
    """Leave the server as it is."""


def _broken(sim: Simulator) -> None:
    sim.break_server(Breakage.REDIS)


def _refused(sim: Simulator) -> None:
    sim.refuse("user/requestCode", 403)


@pytest.mark.parametrize(
    ("prepare", "data", "errors"),
    [
        (_nothing, {"host": "http://"}, {"host": "invalid_host"}),
        (_nothing, {"host": "127.0.0.1:9"}, {"base": "cannot_connect"}),
        (_nothing, {"phone": "12"}, {"phone": "invalid_phone"}),
        (_nothing, {"phone": "+1 202 555 0142 99"}, {"phone": "invalid_phone"}),
        (_broken, {}, {"base": "server_broken"}),
        (_refused, {}, {"base": "command_failed"}),
    ],
)
async def test_each_failure_has_its_own_error_and_the_flow_recovers(
    hass: HomeAssistant, sim: Simulator, prepare: Prepare, data: dict[str, str], errors: dict[str, str]
) -> None:
    prepare(sim)
    result = await configure(hass, await begin(hass, "smartyard"), {**user_input(sim), **data})
    assert (result["step_id"], result["errors"]) == ("smartyard", errors)
    check_texts(result)
    assert suggested(result)["phone"] == data.get("phone", f"+{PHONE}")
    sim.mend_server()
    result = await configure(hass, result, user_input(sim))
    assert result["step_id"] == "smartyard_code"


async def test_another_server_at_the_address_is_rejected(
    hass: HomeAssistant, sim: Simulator, unused_tcp_port: int
) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    try:
        result = await enter(hass, {**user_input(sim), "host": f"http://127.0.0.1:{unused_tcp_port}"}, "smartyard")
    finally:
        await runner.cleanup()
    assert result["errors"] == {"base": "wrong_server"}
    check_texts(result)


async def test_wrong_codes_until_a_new_one_is_needed(hass: HomeAssistant, sim: Simulator) -> None:
    result = await enter(hass, user_input(sim), "smartyard")
    result = await configure(hass, result, None)  # the page was reloaded
    assert (result["step_id"], result["errors"]) == ("smartyard_code", {})
    code = sim.code_of()
    wrong = f"{(int(code) + 1) % 10000:04}"
    for _ in range(5):
        result = await configure(hass, result, {"code": wrong})
        assert result["errors"] == {"code": "wrong_code"}
        check_texts(result)
    result = await configure(hass, result, {"code": "12"})
    assert result["errors"] == {"code": "invalid_code"}
    check_texts(result)
    result = await configure(hass, result, {"code": wrong})
    assert (result["step_id"], result["errors"]) == ("smartyard", {"base": "no_more_attempts"})
    check_texts(result)
    assert suggested(result)["phone"] == f"+{PHONE}"
    result = await configure(hass, result, user_input(sim))
    result = await configure(hass, result, {"code": sim.code_of()})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_expired_code_is_an_error(hass: HomeAssistant, sim: Simulator) -> None:
    result = await enter(hass, user_input(sim), "smartyard")
    code = sim.code_of()
    sim.pass_time(600)
    result = await configure(hass, result, {"code": code})
    assert (result["step_id"], result["errors"]) == ("smartyard", {"base": "code_expired"})
    check_texts(result)


async def test_a_code_requested_before_is_accepted(hass: HomeAssistant, sim: Simulator) -> None:
    first = await enter(hass, user_input(sim), "smartyard")
    hass.config_entries.flow.async_abort(first["flow_id"])
    result = await enter(hass, user_input(sim), "smartyard")
    assert (result["step_id"], result["errors"]) == ("smartyard_code", {"base": "code_already_requested"})
    check_texts(result)
    result = await configure(hass, result, {"code": sim.code_of()})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_too_many_devices_are_an_error_with_the_text_of_the_server(hass: HomeAssistant, sim: Simulator) -> None:
    sim.limit_devices(0)
    result = await enter(hass, user_input(sim), "smartyard")
    result = await configure(hass, result, {"code": sim.code_of()})
    assert result["errors"]
    assert result["description_placeholders"]["reason"] == "The limit of devices is exceeded"
    check_texts(result)


@pytest.mark.parametrize("function", ["confirmCode", "checkPhone"])
async def test_a_rejected_login_can_be_repeated(hass: HomeAssistant, sim: Simulator, function: str) -> None:
    if function == "checkPhone":
        sim.set_login_method("outgoingCall")
    result = await enter(hass, user_input(sim), "smartyard")
    sim.call_in()
    sim.refuse(f"user/{function}", 402)
    answer = {} if function == "checkPhone" else {"code": sim.code_of()}
    result = await configure(hass, result, answer)
    assert result["errors"] == {"base": "not_paid"}
    check_texts(result)
    assert (await configure(hass, result, answer))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("function", "status", "error"),
    [
        ("requestCode", 404, "not_found"),
        ("requestCode", 405, "not_supported"),
        ("requestCode", 410, "token_refused"),
        ("confirmCode", 410, "token_refused"),
        ("confirmCode", 429, "too_soon"),
        ("confirmCode", 599, "command_failed"),
    ],
)
async def test_each_rejection_of_the_login_has_its_own_error(
    hass: HomeAssistant, sim: Simulator, function: str, status: int, error: str
) -> None:
    sim.refuse(f"user/{function}", status)
    result = await enter(hass, user_input(sim), "smartyard")
    if function == "confirmCode":
        result = await configure(hass, result, {"code": sim.code_of()})
    assert result["errors"] == {"base": error}
    check_texts(result)


async def test_a_server_that_redirects_to_https_is_an_error(hass: HomeAssistant, sim: Simulator) -> None:
    sim.redirect("user/phonePattern", "https://yard.example.test/mobile/user/phonePattern")
    result = await enter(hass, user_input(sim), "smartyard")
    assert result["errors"] == {"base": "server_https"}
    check_texts(result)


async def test_an_account_without_apartments_is_added(hass: HomeAssistant, sim: Simulator) -> None:
    entry = await add(hass, sim, "79990000000")
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.runtime_data.coordinator.data.places, entry.runtime_data.coordinator.data.doors) == ({}, {})


# -- mending ---------------------------------------------------------------------------------------


async def test_reauth_rejects_the_phone_number_of_another_account(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    before = dict(entry.data)
    result = await reopen(hass, entry, SOURCE_REAUTH)
    assert result["step_id"] == "reauth_smartyard"
    assert suggested(result) == {"phone": PHONE}
    sent = asked(sim, "/user/requestCode")
    for phone, error in ((NEIGHBOUR, "another_phone"), ("1", "invalid_phone")):
        result = await configure(hass, result, {"phone": phone})
        assert result["errors"] == {"phone": error}
        check_texts(result)
    assert asked(sim, "/user/requestCode") == sent
    sim.refuse("user/requestCode", 422)
    result = await configure(hass, result, {"phone": PHONE})
    assert (result["step_id"], result["errors"]) == ("reauth_smartyard", {"phone": "invalid_phone"})
    result = await configure(hass, result, {"phone": PHONE})
    code = sim.code_of()
    sim.pass_time(600)
    result = await configure(hass, result, {"code": code})
    assert (result["step_id"], result["errors"]) == ("reauth_smartyard", {"base": "code_expired"})
    assert suggested(result) == {"phone": PHONE}
    result = await configure(hass, result, {"phone": PHONE})
    hass.config.language = "ru"
    result = await configure(hass, result, {"code": sim.code_of()})
    assert result["reason"] == "reauth_successful"
    assert entry.data["device_token"] == before["device_token"]
    assert entry.data["token"] != before["token"]


async def test_reconfigure_accepts_a_new_address(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim, push=True)
    await until(lambda: entry.data.get(CONF_PUSH_TOKEN), "the address for pushes")
    moved = await device()
    result = await reopen(hass, entry, SOURCE_RECONFIGURE)
    assert suggested(result)["host"] == sim.url
    for host, errors in (
        ("http://", {"host": "invalid_host"}),
        ("127.0.0.1:9", {"base": "cannot_connect"}),
        (moved.url, {"base": "login_unknown"}),
    ):
        result = await configure(hass, result, {"host": host, **UNVERIFIED})
        assert (result["step_id"], result["errors"]) == ("reconfigure_smartyard", errors)
        check_texts(result)
    before = dict(entry.data)
    moved.people.devices.extend(sim.people.devices)
    result = await configure(hass, result, {"host": moved.url, **UNVERIFIED})
    assert result["reason"] == "reconfigure_successful"
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry")
    assert dict(entry.data) == {**before, "url": moved.url}


# -- options and diagnostics -----------------------------------------------------------------------


async def test_the_options_show_the_webhook_address(hass: HomeAssistant, sim: Simulator, local_url: str) -> None:
    entry = await add(hass, sim)
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["step_id"] == "account"
    assert {str(key) for key in result["data_schema"].schema} == {
        "push",
        "show_names",
        "talk",
        "fcm",
        "visitor_days",
        "visitor_storage",
        "late_hours",
    }
    result = await hass.config_entries.options.async_configure(result["flow_id"])  # the page was reloaded
    assert result["step_id"] == "account"
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"push": True, "show_names": False, "fcm": {}}
    )
    assert result["step_id"] == "account_webhook"
    address = result["description_placeholders"]["address"]
    assert address == f"{local_url}/api/webhook/{entry.data[CONF_PUSH_TOKEN]}"
    assert suggested(result) == {}
    result = await hass.config_entries.options.async_configure(result["flow_id"], {"push_route": ""})
    await hass.async_block_till_done()
    assert {key: value for key, value in entry.options.items() if value != ""} == {
        "push": True,
        "show_names": False,
        "talk": False,
        "visitor_days": 14,
        "visitor_storage": 200,
    }
    assert entry.state is ConfigEntryState.LOADED
    texts = translations()["options"]["step"]
    assert {"account", "account_webhook"} <= texts.keys()


async def test_no_webhook_is_created_without_pushes(hass: HomeAssistant, entry: ConfigEntry) -> None:
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"push": False, "show_names": True, "fcm": {}}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert CONF_PUSH_TOKEN not in entry.data


async def test_diagnostics_contain_no_secrets(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, sim: Simulator, local_url: str
) -> None:
    entry = await add(hass, sim)
    told = json.dumps(await get_diagnostics_for_config_entry(hass, hass_client, entry), ensure_ascii=False)
    secrets = [entry.data[key] for key in ("token", "device_token", "phone", "account", "url")]
    secrets += [flat.door_code for flat in sim.town.flats] + [camera.token for camera in sim.town.cameras]
    assert [secret for secret in secrets if secret and secret in told] == []
    examined = json.loads(told)["examined"]
    assert (examined["flats"], examined["time_zone"], examined["pushes"]) == (2, "Europe/Moscow", "off")


async def test_the_server_speaks_the_language_of_home_assistant(hass: HomeAssistant, sim: Simulator) -> None:
    hass.config.language = "ru"
    result = await log_in(hass, sim)
    assert result["data"]["language"] == "ru"


async def test_a_removed_account_can_be_added_again(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    before = len(sim.requests)
    result = await log_in(hass, sim)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert len(sim.requests) > before
