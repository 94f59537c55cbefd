"""Adding an intercom, with a message for each error."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from aiohttp import web
from homeassistant.config_entries import (
    SOURCE_DHCP,
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    SOURCE_SSDP,
    ConfigEntry,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.helpers.service_info.ssdp import ATTR_UPNP_FRIENDLY_NAME, ATTR_UPNP_SERIAL, SsdpServiceInfo
import pytest

from custom_components.ip_intercom.const import DOMAIN
from tests.common import PASSWORD, USERNAME, begin, configure, reopen, user_input
from tests.simulators.two_n import Account, Auth, Connection, Privilege, Service, ServiceConfig, Simulator

ACCOUNT = {"username": USERNAME, "password": PASSWORD}
UNVERIFIED = {"security": {"verify_ssl": False}}


@pytest.fixture
def over_tls() -> bool:
    """Whether the Verso is added over HTTPS."""
    return True


async def test_an_entry_is_created_from_host_and_account(hass: HomeAssistant, any_model: Simulator) -> None:
    result = await begin(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {}

    result = await configure(hass, result, user_input(any_model.https_address))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == any_model.model.info["deviceName"]
    info = any_model.model.info
    identity = info["macAddr"].replace("-", ":").lower() if "macAddr" in info else info["serialNumber"]
    assert result["result"].unique_id == identity
    assert result["data"]["url"] == f"https://{any_model.https_address}"
    assert len(result["data"]["fingerprint"]) == 64
    assert result["result"].state is ConfigEntryState.LOADED


async def test_the_flow_finds_http_without_https(hass: HomeAssistant, sim: Simulator) -> None:
    result = await configure(hass, await begin(hass), user_input(sim.http_address))
    assert result["data"]["url"] == f"http://{sim.http_address}"
    assert result["data"]["fingerprint"] is None


@pytest.mark.parametrize("uses", [8, 2])
async def test_a_device_that_knows_one_nonce_at_a_time_is_added(hass: HomeAssistant, sim: Simulator, uses: int) -> None:
    """Parallel requests replace each other's nonce, which is no wrong password."""
    sim.nonces_kept, sim.nonce_uses = 1, uses
    result = await configure(hass, await begin(hass), user_input(sim.https_address))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result["errors"]
    await hass.async_block_till_done()
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.coordinator.description.missing == frozenset()
    for _ in range(5):
        await entry.runtime_data.coordinator.async_describe()
    assert entry.runtime_data.coordinator.description.missing == frozenset()
    assert not hass.config_entries.flow.async_progress()


async def test_no_account_is_needed_without_authentication(hass: HomeAssistant, sim: Simulator) -> None:
    for service in Service:
        sim.set_auth(service, Auth.NONE)
    result = await configure(hass, await begin(hass), user_input(sim.https_address, "", ""))
    assert result["type"] is FlowResultType.CREATE_ENTRY


def _wrong_password(sim: Simulator) -> dict[str, Any]:
    return user_input(sim.https_address, password="wrong")


def _no_address(_: Simulator) -> dict[str, Any]:
    return user_input("http://")


def _unreachable(_: Simulator) -> dict[str, Any]:
    return user_input("127.0.0.1:9")


def _verified(sim: Simulator) -> dict[str, Any]:
    return user_input(sim.https_address, verify=True)


def _services_disabled(sim: Simulator) -> dict[str, Any]:
    for service in Service:
        if service is not Service.SYSTEM:
            sim.disable(service)
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    return user_input(sim.https_address)


def _https_only(sim: Simulator) -> dict[str, Any]:
    sim.require_tls(Service.SWITCH)
    return user_input(sim.http_address)


def _nothing_allowed(sim: Simulator) -> dict[str, Any]:
    sim.revoke(USERNAME, Privilege.ALL)
    sim.disable(Service.LOGGING)
    return user_input(sim.https_address)


def _garbled(sim: Simulator) -> dict[str, Any]:
    for function in sim.handlers:
        if function != "system/info":
            sim.garbage(function, "html")
    return user_input(sim.https_address)


@pytest.mark.parametrize(
    ("prepare", "errors"),
    [
        (_wrong_password, {"base": "invalid_auth"}),
        (_no_address, {"host": "invalid_host"}),
        (_unreachable, {"base": "cannot_connect"}),
        (_verified, {"base": "certificate_invalid"}),
        (_services_disabled, {"base": "service_disabled"}),
        (_https_only, {"base": "https_required"}),
        (_garbled, {"base": "unexpected_reply"}),
    ],
)
async def test_each_failure_has_its_own_error_and_the_flow_recovers(
    hass: HomeAssistant,
    sim: Simulator,
    refused_handshakes: None,
    prepare: Callable[[Simulator], dict[str, Any]],
    errors: dict[str, str],
) -> None:
    result = await configure(hass, await begin(hass), prepare(sim))
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors

    sim.heal()
    sim.grant(USERNAME, Privilege.ALL)
    for service in Service:
        sim.enable(service)
    result = await configure(hass, result, user_input(sim.https_address))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_text_names_the_service_that_is_disabled(hass: HomeAssistant, sim: Simulator) -> None:
    result = await configure(hass, await begin(hass), _services_disabled(sim))
    assert "API" in result["description_placeholders"]["service"]


async def test_the_text_names_the_service_that_requires_https(hass: HomeAssistant, sim: Simulator) -> None:
    result = await configure(hass, await begin(hass), _https_only(sim))
    assert result["description_placeholders"]["service"] == "Switch API"


async def test_an_account_without_privileges_is_rejected_with_a_reason(hass: HomeAssistant, sim: Simulator) -> None:
    result = await configure(hass, await begin(hass), _nothing_allowed(sim))
    assert result["errors"]["base"] in {"permission_denied", "service_disabled"}


@asynccontextmanager
async def serving(app: web.Application) -> AsyncGenerator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"{host}:{port}"
    await runner.cleanup()


@pytest.fixture
async def other_server(sockets: None) -> AsyncGenerator[str]:
    """A web server that is no 2N."""
    async with serving(web.Application()) as address:
        yield address


async def test_another_server_at_the_address_is_rejected(hass: HomeAssistant, other_server: str) -> None:
    result = await configure(hass, await begin(hass), user_input(other_server))
    assert result["errors"] == {"base": "wrong_device"}


@pytest.fixture
async def indoor_touch(sockets: None) -> AsyncGenerator[str]:
    """An Indoor Touch: a 2N with another API."""

    async def status(_: web.Request) -> web.Response:
        return web.json_response({"data": {"device": {"model": "2N Indoor Touch 2.0", "sn": "52-0000-0001"}}})

    app = web.Application()
    app.router.add_get("/api/v1/status", status)
    async with serving(app) as address:
        yield address


async def test_an_indoor_touch_is_an_error_that_names_the_product(hass: HomeAssistant, indoor_touch: str) -> None:
    result = await configure(hass, await begin(hass), user_input(indoor_touch))
    assert result["errors"] == {"base": "unsupported_product"}
    assert result["description_placeholders"]["product"] == "2N Indoor Touch 2.0"


async def test_the_same_device_is_not_added_twice(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    before = dict(entry.data)
    result = await configure(hass, await begin(hass), user_input(sim.http_address))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert entry.data == before, "the address and the certificate stay"


async def test_a_password_is_not_shown_again(hass: HomeAssistant, sim: Simulator) -> None:
    result = await configure(hass, await begin(hass), _wrong_password(sim))
    suggested = {key: (key.description or {}).get("suggested_value") for key in result["data_schema"].schema}
    assert "wrong" not in suggested.values()
    assert sim.https_address in suggested.values()


# -- discovery -------------------------------------------------------------------------------------


def _dhcp(sim: Simulator, ip: str = "127.0.0.1") -> DhcpServiceInfo:
    mac = sim.model.info["macAddr"].replace("-", "").lower()
    return DhcpServiceInfo(ip=ip, hostname="2n-verso", macaddress=mac)


async def test_a_device_seen_by_dhcp_asks_for_its_account(
    hass: HomeAssistant, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    result: Any = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_DHCP}, data=_dhcp(sim, ip=sim.https_address)
    )
    assert result["step_id"] == "discovery_confirm"
    result = await configure(hass, result, {**ACCOUNT, "password": "wrong", **UNVERIFIED})
    assert result["errors"] == {"base": "invalid_auth"}
    result = await configure(hass, result, {**ACCOUNT, **UNVERIFIED})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_dhcp_updates_the_address_of_a_known_device(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    port = sim.https_address.split(":")[1]

    async def seen() -> None:
        result: Any = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_DHCP}, data=_dhcp(sim, ip="127.0.0.2")
        )
        assert result["reason"] == "already_configured"

    await seen()
    assert entry.data["url"] == f"https://127.0.0.1:{port}", "the address that responds is kept"

    await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": f"https://gate.local:{port}"})
    await seen()
    assert entry.data["url"] == f"https://gate.local:{port}", "the name of the entry stays"

    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": f"https://127.0.0.1:{port}"})
    await seen()
    assert entry.data["url"] == f"https://127.0.0.2:{port}"
    await hass.async_block_till_done()


async def test_an_ignored_discovery_stays_ignored(hass: HomeAssistant, sim: Simulator) -> None:
    async def seen() -> Any:
        return await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_DHCP}, data=_dhcp(sim, ip=sim.https_address)
        )

    flow_id = (await seen())["flow_id"]
    unique_id = hass.config_entries.flow.async_get(flow_id)["context"]["unique_id"]
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data={"unique_id": unique_id, "title": "2n-verso"}
    )
    assert (await seen())["reason"] == "already_configured"


def _ssdp(address: str) -> SsdpServiceInfo:
    return SsdpServiceInfo(
        ssdp_usn="usn",
        ssdp_st="st",
        ssdp_location=f"http://{address}/ssdp_server/description.xml",
        upnp={ATTR_UPNP_SERIAL: "7C1EB3000000", ATTR_UPNP_FRIENDLY_NAME: "Control4 DS2 Door Station"},
    )


async def test_a_device_at_another_port_is_found_at_that_of_its_description(
    hass: HomeAssistant, sim: Simulator
) -> None:
    result: Any = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_SSDP}, data=_ssdp(sim.http_address)
    )
    result = await configure(hass, result, {**ACCOUNT, "security": {"verify_ssl": False}})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == f"http://{sim.http_address}"


async def test_an_ssdp_announcement_starts_a_flow(hass: HomeAssistant, sim: Simulator) -> None:
    announced = _ssdp(sim.http_address)
    result: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_SSDP}, data=announced)
    assert result["step_id"] == "discovery_confirm"
    flow = hass.config_entries.flow.async_progress()[0]
    assert flow["context"]["unique_id"] == "7c:1e:b3:00:00:00"
    assert flow["context"]["title_placeholders"] == {"name": "Control4 DS2 Door Station"}


async def test_an_announcement_of_the_other_ip_version_keeps_the_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """Devices announce link-local IPv6 addresses, too, which Home Assistant may not reach."""
    port = sim.https_address.split(":")[1]
    await hass.config_entries.async_unload(entry.entry_id)

    async def seen(address: str) -> tuple[str, str]:
        result: Any = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_DHCP}, data=_dhcp(sim, ip=address)
        )
        await hass.async_block_till_done()
        return result["reason"], entry.data["url"]

    for address in ("[fe80::7e1e:b3ff:fe00:0%eth0]", "[2001:db8::7]"):
        assert await seen(address) == ("already_configured", f"https://127.0.0.1:{port}")
    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": f"https://[2001:db8::7]:{port}/door"})
    assert await seen("127.0.0.2") == ("already_configured", f"https://[2001:db8::7]:{port}/door")
    with patch.object(hass.config_entries, "async_schedule_reload"):
        assert await seen("[2001:db8::8]") == ("already_configured", f"https://[2001:db8::8]:{port}/door")


async def test_a_link_local_address_without_its_interface_starts_no_flow(hass: HomeAssistant) -> None:
    result: Any = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_SSDP}, data=_ssdp("[fe80::7e1e:b3ff:fe00:0]")
    )
    assert result["reason"] == "wrong_device"
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_SSDP}, data=_ssdp("[fe80::7e1e:b3ff:fe00:0%eth0]")
    )
    assert result["step_id"] == "discovery_confirm"


async def test_an_ssdp_announcement_without_serial_number_is_ignored(hass: HomeAssistant) -> None:
    announced = SsdpServiceInfo(ssdp_usn="usn", ssdp_st="st", ssdp_location="http://127.0.0.1/x", upnp={})
    result: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_SSDP}, data=announced)
    assert result["reason"] == "wrong_device"


# -- mending ---------------------------------------------------------------------------------------


async def test_reauth_asks_for_the_changed_password(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    sim.change_password(USERNAME, "new")
    result = await reopen(hass, entry, SOURCE_REAUTH)
    assert result["step_id"] == "reauth_confirm"
    result = await configure(hass, result, {**ACCOUNT, "password": "still wrong"})
    assert result["errors"] == {"base": "invalid_auth"}
    result = await configure(hass, result, {**ACCOUNT, "password": "new"})
    assert result["reason"] == "reauth_successful"
    assert entry.data["password"] == "new"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


async def test_a_password_is_given_only_to_the_certificate_that_was_trusted(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.renew_certificate()
    sim.clear_requests()
    result = await reopen(hass, entry, SOURCE_REAUTH)
    result = await configure(hass, result, ACCOUNT)
    assert result["step_id"] == "certificate"
    assert not [request for request in sim.requests if request.path != "/api/log/pull"]


async def test_reconfigure_asks_before_another_device_replaces_this_one(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    async with Simulator("verso3") as other:
        result = await reopen(hass, entry, SOURCE_RECONFIGURE)
        assert result["step_id"] == "reconfigure"
        result = await configure(hass, result, user_input(other.https_address))
        assert result["step_id"] == "certificate"
        result = await configure(hass, result, {})
        assert result["step_id"] == "replace", "the user must confirm the replacement"
    assert entry.unique_id == "7c:1e:b3:05:2a:11"


async def test_reconfigure_accepts_a_new_certificate_and_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    before = entry.data["fingerprint"]
    sim.renew_certificate()
    result = await reopen(hass, entry, SOURCE_RECONFIGURE)
    result = await configure(hass, result, user_input("127.0.0.1:9"))
    assert result["errors"] == {"base": "cannot_connect"}
    result = await configure(hass, result, user_input(sim.https_address))
    assert result["step_id"] == "certificate"
    result = await configure(hass, result, {})
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["fingerprint"] != before
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


# -- options ---------------------------------------------------------------------------------------


async def test_options_are_stored_and_the_password_is_not_shown(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    chosen = {
        "plain_switches": ["2"],
        "show_names": False,
        "show_cards": True,
        "show_touches": True,
        "show_unknown": True,
        "visitor_days": 3.0,
        "visitor_storage": 50.0,
        "stream": {"stream_username": "viewer", "stream_password": "rtsp", "stream_path": "h264_stream"},
    }
    result = await hass.config_entries.options.async_configure(result["flow_id"], chosen)
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {
        "plain_switches": ["2"],
        "gates": [],
        "garage_doors": [],
        "show_names": False,
        "show_cards": True,
        "show_touches": True,
        "show_unknown": True,
        "talk": False,
        "talk_buttons": [],
        "visitor_days": 3,
        "visitor_storage": 50,
        "stream_username": "viewer",
        "stream_password": "rtsp",
        "stream_path": "h264_stream",
        "sip_port": 5060,
    }
    # and again while the device is away; the password is kept, and not shown
    await hass.config_entries.async_unload(entry.entry_id)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    assert "rtsp" not in str([key.description for key in result["data_schema"].schema["stream"].schema.schema])
    chosen["stream"]["stream_password"] = ""  # type: ignore[index]
    result = await hass.config_entries.options.async_configure(result["flow_id"], chosen)
    assert entry.options["stream_password"] == "rtsp"


async def test_a_device_with_two_authentication_schemes_is_added(hass: HomeAssistant, sockets: None) -> None:
    services = {
        Service.SYSTEM: ServiceConfig(auth=Auth.BASIC, connection=Connection.TLS),
        Service.CAMERA: ServiceConfig(auth=Auth.NONE),
    }
    async with Simulator("verso", accounts=[Account("me", "pässwörd")], services=services) as sim:
        result = await configure(hass, await begin(hass), user_input(sim.https_address, "me", "pässwörd"))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.config_entries.async_unload(result["result"].entry_id)
