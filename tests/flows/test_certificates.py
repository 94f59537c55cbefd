"""A certificate that changes: both fingerprints are shown, and the new one is taken only when a person confirms it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import SOURCE_DHCP, SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_FINGERPRINT, CONF_URL, DOMAIN
from custom_components.ip_intercom.systems.akuvox.client import discovery, exchange
from tests.common import add_intercom, configure, reopen, until, user_input
from tests.simulators.akuvox import Simulator as Akuvox
from tests.simulators.mx_proxy import Simulator as MxProxy
from tests.simulators.smartyard import Simulator as SmartYard
from tests.simulators.two_n import Simulator as TwoN
from tests.systems.akuvox.integration.conftest import add as add_akuvox
from tests.systems.mx_proxy.integration.conftest import add as add_mx_proxy, user_input as mx_proxy_input
from tests.systems.smartyard.integration.conftest import add as add_smartyard, user_input as smartyard_input

type Device = Any
type Added = tuple[Device, ConfigEntry, dict[str, Any]]


async def _two_n(hass: HomeAssistant, stack: AsyncExitStack) -> Added:
    sim = await stack.enter_async_context(TwoN("verso"))
    return sim, await add_intercom(hass, sim, secure=True), user_input(sim.https_address)


async def _akuvox(hass: HomeAssistant, stack: AsyncExitStack) -> Added:
    sim = await stack.enter_async_context(Akuvox("e16c", whitelist=["127.0.0.1"]))
    return sim, await add_akuvox(hass, sim), user_input(f"https://{sim.https_address}", "admin", "httpapi")


async def _mx_proxy(hass: HomeAssistant, stack: AsyncExitStack) -> Added:
    sim = await stack.enter_async_context(MxProxy(https=True))
    return sim, await add_mx_proxy(hass, sim), mx_proxy_input(sim)


async def _smartyard(hass: HomeAssistant, stack: AsyncExitStack) -> Added:
    sim = await stack.enter_async_context(SmartYard(https=True))
    given = smartyard_input(sim)
    entry = await add_smartyard(hass, sim)
    return sim, entry, {key: value for key, value in given.items() if key != "phone"}


@pytest.fixture(params=[_two_n, _akuvox, _mx_proxy, _smartyard], ids=lambda make: make.__name__.strip("_"))
async def added(
    hass: HomeAssistant, sockets: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Added]:
    """A device of each system, added over HTTPS: the device, its entry, and what is entered to reach it."""
    monkeypatch.setattr(exchange, "PACE", 0.0)
    monkeypatch.setattr(discovery, "GAP", 0.0)
    make: Callable[[HomeAssistant, AsyncExitStack], Awaitable[Added]] = request.param
    async with AsyncExitStack() as stack:
        sim, entry, given = await make(hass, stack)
        assert entry.data[CONF_FINGERPRINT]
        yield sim, entry, given
        await hass.config_entries.async_unload(entry.entry_id)


def issue_of(hass: HomeAssistant) -> ir.IssueEntry | None:
    """Return the repair of the certificate."""
    issues = ir.async_get(hass).issues.values()
    return next((issue for issue in issues if issue.active and issue.translation_key == "certificate_changed"), None)


def text_of(fingerprint: str) -> str:
    """Return a fingerprint as people compare it."""
    return bytes.fromhex(fingerprint).hex(":").upper()


async def leave(hass: HomeAssistant, sim: Device, entry: ConfigEntry) -> None:
    """Unload an entry, and forget the requests to its device."""
    await hass.config_entries.async_unload(entry.entry_id)
    sim.reset_connections()
    await asyncio.sleep(0.05)  # for what it is still working on
    sim.clear_requests()


async def renewed(hass: HomeAssistant, sim: Device, entry: ConfigEntry) -> ir.IssueEntry:
    """Renew the certificate of a device, load its entry again, and return the repair."""
    await leave(hass, sim, entry)
    sim.renew_certificate()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert sim.requests == []
    issue = issue_of(hass)
    assert issue is not None
    return issue


async def test_the_repair_shows_both_certificates_and_stores_the_new_one(
    hass: HomeAssistant, added: Added, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, REPAIRS, {})
    sim, entry, _ = added
    before = entry.data[CONF_FINGERPRINT]
    issue = await renewed(hass, sim, entry)
    client = await hass_client()
    form = await (
        await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    ).json()
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"]["old"] == text_of(before)
    assert form["description_placeholders"]["new"] not in {"", text_of(before)}
    assert sim.requests == [], "only the certificate is read"
    assert entry.data[CONF_FINGERPRINT] == before
    url = f"/api/repairs/issues/fix/{form['flow_id']}"

    # A third certificate is not the one that was compared.
    sim.renew_certificate()
    again = await (await client.post(url, json={})).json()
    assert again["errors"] == {"base": "another_certificate"}
    assert again["description_placeholders"]["new"] != form["description_placeholders"]["new"]
    assert entry.data[CONF_FINGERPRINT] == before
    assert sim.requests == []

    done = await (await client.post(url, json={})).json()
    assert done["type"] == "create_entry"
    assert text_of(entry.data[CONF_FINGERPRINT]) == again["description_placeholders"]["new"]
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    await until(lambda: issue_of(hass) is None)


async def test_the_repair_is_deleted_once_the_certificates_match(
    hass: HomeAssistant, added: Added, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, REPAIRS, {})
    sim, entry, _ = added
    issue = await renewed(hass, sim, entry)
    client = await hass_client()
    sim.lose_connection()
    fix = {"handler": DOMAIN, "issue_id": issue.issue_id}
    form = await (await client.post("/api/repairs/issues/fix", json=fix)).json()
    assert form["errors"] == {"base": "cannot_connect"}
    await sim.restore_connection()
    # The entry that is put right by other means is asked no more.
    look = await (await client.post(f"/api/repairs/issues/fix/{form['flow_id']}", json={})).json()
    shown = look["description_placeholders"]["new"].replace(":", "").lower()
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_FINGERPRINT: shown})
    done = await (await client.post(f"/api/repairs/issues/fix/{form['flow_id']}", json={})).json()
    assert done["type"] == "create_entry"
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert issue_of(hass) is None


async def test_a_certificate_change_of_a_loaded_entry_is_a_repair(hass: HomeAssistant, added: Added) -> None:
    sim, entry, _ = added
    sim.renew_certificate()
    sim.reset_connections()

    async def looked() -> bool:
        await entry.runtime_data.coordinator.async_refresh()
        return issue_of(hass) is not None

    for _ in range(20):
        if await looked():
            break
    assert issue_of(hass) is not None
    assert not entry.runtime_data.coordinator.last_update_success


async def test_reconfigure_asks_before_it_sends_anything(hass: HomeAssistant, added: Added) -> None:
    sim, entry, given = added
    before = entry.data[CONF_FINGERPRINT]
    issue = await renewed(hass, sim, entry)
    assert issue.is_fixable
    form = await configure(hass, await reopen(hass, entry, SOURCE_RECONFIGURE), given)
    assert form["step_id"] == "certificate"
    assert form["description_placeholders"]["old"] == text_of(before)
    assert sim.requests == []
    shown_again = await configure(hass, form, None)
    assert shown_again["step_id"] == "certificate"
    sim.renew_certificate()
    third = await configure(hass, form, {})
    assert third["step_id"] == "certificate", "the certificate differs from the shown one"
    assert third["description_placeholders"]["new"] != form["description_placeholders"]["new"]
    assert sim.requests == []
    done = await configure(hass, third, {})
    assert done["reason"] == "reconfigure_successful"
    assert text_of(entry.data[CONF_FINGERPRINT]) == third["description_placeholders"]["new"]
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    assert issue_of(hass) is None


async def test_logging_in_again_asks_before_it_sends_anything(hass: HomeAssistant, added: Added) -> None:
    sim, entry, given = added
    await leave(hass, sim, entry)
    sim.renew_certificate()
    login = {key: value for key, value in given.items() if key not in {"host", "security"}}
    if not login:
        login = {"phone": entry.data["phone"]}
    form = await configure(hass, await reopen(hass, entry, SOURCE_REAUTH), login)
    assert form["step_id"] == "certificate"
    assert sim.requests == []
    done = await configure(hass, form, {})
    assert done["step_id" if "step_id" in done else "reason"] in {"reauth_successful", "smartyard_code"}
    assert sim.requests != []


async def test_a_new_address_by_dhcp_keeps_the_pinned_certificate(hass: HomeAssistant, sockets: None) -> None:
    async with TwoN("verso") as sim:
        entry = await add_intercom(hass, sim, secure=True)
        await hass.config_entries.async_unload(entry.entry_id)
        before = entry.data[CONF_FINGERPRINT]
        mac = sim.model.info["macAddr"].replace("-", "").lower()
        lease = DhcpServiceInfo(ip="127.0.0.2", hostname="2n", macaddress=mac)
        result: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_DHCP}, data=lease)
        assert result["reason"] == "already_configured"
        assert entry.data[CONF_URL].startswith("https://127.0.0.2:")
        assert entry.data[CONF_FINGERPRINT] == before
        await hass.async_block_till_done()


async def test_reconfigure_does_not_fall_back_from_https_to_http(hass: HomeAssistant, sockets: None) -> None:
    async with TwoN("verso") as sim:
        entry = await add_intercom(hass, sim, secure=True)
        await hass.config_entries.async_unload(entry.entry_id)
        sim.clear_requests()
        plain = user_input(sim.http_address)
        result = await configure(hass, await reopen(hass, entry, SOURCE_RECONFIGURE), plain)
        assert result["errors"] == {"base": "tls_refused"}
        assert sim.requests == []
        # Typed with its scheme, it is what the user wants.
        result = await configure(hass, result, {**plain, "host": f"http://{sim.http_address}"})
        assert result["reason"] == "reconfigure_successful"
        await until(lambda: entry.state is ConfigEntryState.LOADED)
        await sim.wait_for_pull()
