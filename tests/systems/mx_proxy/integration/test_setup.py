"""Adding an extension of an MX: address, application, and account, with a message for each error."""

from collections.abc import Callable
from datetime import timedelta
import json
from typing import Any

from aiohttp import web
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, CONF_SYSTEM, SYSTEM_MX_PROXY
from tests.common import begin, configure, enter, reopen, suggested, until
from tests.repository.repository_rules import translations
from tests.simulators.mx_proxy import LOGIN, MX, PASSWORD, Outage, Simulator

from .conftest import ACCOUNT, BEN, CLIENT, Start, add, user_input

JID = "43884851900310701"


@pytest.mark.parametrize("https", [False, True])
async def test_an_entry_is_created_from_address_application_and_account(
    hass: HomeAssistant, device: Start, https: bool
) -> None:
    sim = await device(https=https)
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.unique_id == f"{MX}_{JID}"
    assert entry.title == f"MX {MX} extension 3107"
    assert entry.data[CONF_SYSTEM] == SYSTEM_MX_PROXY
    assert (entry.data["fingerprint"] is not None) is https
    (registered,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert (registered.manufacturer, registered.model) == ("Zultys", "MX extension")
    assert registered.configuration_url is None  # no page for people
    state = entry.runtime_data.coordinator.data
    assert (state.extension, state.missed_calls, len(state.voicemails), state.conferences) == ("3107", 0, 2, {})
    assert state.last_call.name == "Ben Osei"


async def test_the_address_may_be_typed_without_a_scheme(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    result = await enter(hass, {**user_input(sim), "host": sim.address}, "mx_proxy")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == sim.url


async def test_two_extensions_of_one_exchange_can_be_added(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    await add(hass, sim)
    entry = await add(hass, sim, BEN)
    assert entry.title == f"MX {MX} extension 3108"
    again = await enter(hass, user_input(sim), "mx_proxy")
    assert again["reason"] == "already_configured"


def _nothing(_: Simulator) -> None:
    """Leave the server as it is."""


def _not_provisioned(sim: Simulator) -> None:
    sim.provision(False)


def _refused_by_the_exchange(sim: Simulator) -> None:
    sim.accept_password(False)


def _outage(outage: Outage) -> Callable[[Simulator], None]:
    return lambda sim: sim.break_mx(outage)


@pytest.mark.parametrize(
    ("prepare", "data", "errors"),
    [
        (_nothing, {"host": "http://"}, {"host": "invalid_host"}),
        (_nothing, {"host": "127.0.0.1:9"}, {"base": "cannot_connect"}),
        (_nothing, {"client_secret": "wrong"}, {"base": "app_refused"}),
        (_nothing, {"client_id": "nobody"}, {"base": "app_refused"}),
        (_nothing, {"password": "wrong"}, {"base": "person_refused"}),
        (_nothing, {"username": "nobody"}, {"base": "person_refused"}),
        (_not_provisioned, {}, {"base": "not_provisioned"}),
        (_refused_by_the_exchange, {}, {"base": "exchange_refused"}),
        (_outage(Outage.NO_TLS), {}, {"base": "exchange_insecure"}),
        (_outage(Outage.UNREACHABLE), {}, {"base": "exchange_unreachable"}),
        (_outage(Outage.TIMEOUT), {}, {"base": "exchange_unreachable"}),
        (_outage(Outage.PROVISIONING), {}, {"base": "exchange_unreachable"}),
    ],
)
async def test_each_failure_has_its_own_error_and_the_flow_recovers(
    hass: HomeAssistant,
    device: Start,
    prepare: Callable[[Simulator], None],
    data: dict[str, str],
    errors: dict[str, str],
) -> None:
    sim = await device()
    prepare(sim)
    result = await configure(hass, await begin(hass, "mx_proxy"), {**user_input(sim), **data})
    assert result["errors"] == errors
    assert not {"client_secret", "password"} & suggested(result).keys()
    assert suggested(result)["client_id"] == data.get("client_id", CLIENT)

    sim.provision()
    sim.accept_password()
    sim.mend_mx()
    result = await configure(hass, result, user_input(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_unverified_certificate_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device(https=True)
    result = await enter(hass, {**user_input(sim), "security": {"verify_ssl": True}}, "mx_proxy")
    assert result["errors"] == {"base": "certificate_invalid"}


async def test_https_without_tls_on_the_server_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    result = await enter(hass, {**user_input(sim), "host": f"https://{sim.address}"}, "mx_proxy")
    assert result["errors"] == {"base": "tls_refused"}
    assert "tls_refused" in translations()["config"]["error"]


async def test_another_server_at_the_address_is_rejected(
    hass: HomeAssistant, device: Start, unused_tcp_port: int
) -> None:
    sim = await device()
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    try:
        result = await enter(hass, {**user_input(sim), "host": f"http://127.0.0.1:{unused_tcp_port}"}, "mx_proxy")
    finally:
        await runner.cleanup()
    assert result["errors"] == {"base": "wrong_device"}


# -- mending ---------------------------------------------------------------------------------------


def _new_password(sim: Simulator) -> dict[str, str]:
    sim.change_password("new")
    return {**ACCOUNT, "password": "new"}


def _new_secret(sim: Simulator) -> dict[str, str]:
    sim.set_secret(CLIENT, "new")
    return {**ACCOUNT, "client_secret": "new"}


@pytest.mark.parametrize(("change", "reason"), [(_new_password, "person_refused"), (_new_secret, "app_refused")])
async def test_reauth_names_the_rejected_part_and_accepts_a_new_one(
    hass: HomeAssistant,
    device: Start,
    change: Callable[[Simulator], dict[str, str]],
    reason: str,
) -> None:
    """Reauth starts after several rejections."""
    sim = await device()
    entry = await add(hass, sim)
    account = change(sim)
    sim.expire_tokens()
    await until(lambda: hass.config_entries.flow.async_progress(), "the form for another account")
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_mx_proxy"
    result: Any = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["errors"] == {"base": reason}
    assert suggested(result) == {"client_id": CLIENT, "username": LOGIN}
    result = await configure(hass, result, {**account, "username": "nobody"})
    assert result["errors"]["base"] == "person_refused"
    result = await configure(hass, result, account)
    assert result["reason"] == "reauth_successful"
    assert {key: entry.data[key] for key in account} == account
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry")


async def test_a_rejection_at_setup_starts_reauth_with_the_reason(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.set_secret(CLIENT, "new")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    (flow,) = hass.config_entries.flow.async_progress()
    result: Any = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["errors"] == {"base": "app_refused"}


async def test_secrets_are_given_only_to_the_certificate_that_was_trusted(hass: HomeAssistant, device: Start) -> None:
    sim = await device(https=True)
    entry = await add(hass, sim)
    await hass.config_entries.async_unload(entry.entry_id)
    sim.renew_certificate()
    sim.clear_requests()
    result = await configure(hass, await reopen(hass, entry, SOURCE_REAUTH), ACCOUNT)
    assert result["step_id"] == "certificate"
    assert not [request for request in sim.requests if request.function == "login"]


async def test_reauth_rejects_the_account_of_another_person(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    result = await configure(hass, await reopen(hass, entry, SOURCE_REAUTH), BEN)
    assert result["reason"] == "unique_id_mismatch"


async def test_reconfigure_accepts_a_new_address(hass: HomeAssistant, device: Start) -> None:
    sim = await device()
    entry = await add(hass, sim)
    other = await device(https=True, apps={"other": "secret"})
    result = await reopen(hass, entry, SOURCE_RECONFIGURE)
    assert result["step_id"] == "reconfigure_mx_proxy"
    assert suggested(result)["host"] == sim.url
    account = {"client_id": "other", "client_secret": "secret"}
    result = await configure(hass, result, {**user_input(other, **account), "host": "127.0.0.1:9"})
    assert result["errors"] == {"base": "cannot_connect"}
    result = await configure(hass, result, user_input(other, **account))
    assert result["reason"] == "reconfigure_successful"
    assert (entry.data["url"], entry.data["client_id"]) == (other.url, "other")
    assert entry.state is ConfigEntryState.LOADED


# -- options ---------------------------------------------------------------------------------------

CHOSEN = {
    "push": False,
    "show_names": False,
    "call_device": "12025550107",
    "mobile_number": "12025550109",
    "ring_delay": 3,
    "voicemail_delay": 20,
    "late_hours": 12,
}


async def options(hass: HomeAssistant, entry: ConfigEntry, chosen: dict[str, Any]) -> Any:
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["step_id"] == "extension"
    assert {str(key) for key in form["data_schema"].schema} == CHOSEN.keys()
    result = await hass.config_entries.options.async_configure(form["flow_id"], chosen)
    await hass.async_block_till_done()
    return result


async def test_options_are_stored_and_empty_ones_removed(hass: HomeAssistant, device: Start) -> None:
    entry = await add(hass, await device())
    result = await options(hass, entry, CHOSEN)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == CHOSEN
    assert CONF_PUSH_TOKEN not in entry.data
    # and what is left empty is forgotten
    await options(hass, entry, {"push": False, "show_names": True})
    assert entry.options == {"push": False, "show_names": True}


@pytest.mark.parametrize("internal_url", ["http://192.168.1.2:8123", None])
async def test_the_options_show_the_webhook_address(
    hass: HomeAssistant, device: Start, internal_url: str | None
) -> None:
    """Without an internal URL, the path is shown."""
    entry = await add(hass, await device())
    hass.config.internal_url = internal_url
    hass.config.api = None
    result = await options(hass, entry, {**CHOSEN, "push": True})
    assert result["step_id"] == "webhook"
    token = entry.data[CONF_PUSH_TOKEN]
    assert result["description_placeholders"]["address"] == f"{internal_url or ''}/api/webhook/{token}"
    result = await hass.config_entries.options.async_configure(result["flow_id"], {})
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["push"] is True
    # the next time it is the same one
    result = await options(hass, entry, {**CHOSEN, "push": True})
    assert entry.data[CONF_PUSH_TOKEN] == token
    # and it is forgotten with the option
    await options(hass, entry, CHOSEN)
    await until(lambda: CONF_PUSH_TOKEN not in entry.data, "the address to be forgotten")


# -- what stays private ----------------------------------------------------------------------------


async def test_diagnostics_contain_nothing_private(
    hass: HomeAssistant,
    device: Start,
    local_url: str,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = {"client_id": "household-app", "client_secret": "household-secret"}
    sim = await device(apps={app["client_id"]: app["client_secret"]})
    entry = await add(hass, sim, app, **{**CHOSEN, "show_names": True})
    coordinator = entry.runtime_data.coordinator
    start = dt_util.utcnow() + timedelta(days=1)
    conference = await coordinator.features.conferences.create("Board", start, timedelta(minutes=30), None)
    await coordinator.async_refresh()
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(diagnostics, ensure_ascii=False)
    private = (
        PASSWORD,
        *app.values(),
        LOGIN,
        sim.address,
        sim.users[LOGIN].soft_phone_password,
        JID,
        "Osei",
        "12025550107",
        "12025550109",
        "call back",
        "Board",
        str(conference.access_code),
    )
    assert [word for word in private if word in text] == []
    assert diagnostics["examined"]["contacts"] == 3
    assert "voicemails" in diagnostics["features"]
    secrets = (PASSWORD, app["client_secret"], sim.users[LOGIN].soft_phone_password, str(conference.access_code))
    assert [word for word in secrets if word in caplog.text] == []
