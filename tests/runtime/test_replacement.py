"""Replaced units, and units without an identity."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import SOURCE_DHCP, SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.util.dt import utcnow
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.systems.akuvox.client import discovery, exchange
from custom_components.ip_intercom.systems.common.tls import certificate_fingerprint
from tests.common import (
    add_intercom,
    begin,
    capture_log_events,
    command,
    configure,
    reopen,
    state_of,
    until,
    user_input,
)
from tests.simulators.akuvox import Simulator as Akuvox
from tests.simulators.two_n import Simulator as TwoN
from tests.systems.akuvox.integration.conftest import add as add_akuvox

NEW = {"two_n": "7c:1e:b3:00:00:99", "akuvox": "0c:11:05:00:00:99"}
PIN = "8642"


class Site:
    """A place for a unit: the current unit, and its entry."""

    def __init__(self, kind: str, stack: AsyncExitStack, akuvox: str = "e16c") -> None:
        """Start without a unit."""
        self.kind = kind
        self._akuvox = akuvox
        self.sim: Any = None
        self._stack = stack

    async def mount(self, **settings: Any) -> Any:
        """Start a unit at the address of the one before."""
        if self.sim is not None:
            ports = {
                "http_port": int(self.sim.http_address.rpartition(":")[2]),
                "https_port": int(self.sim.https_address.rpartition(":")[2]),
            }
            await self.sim.stop()
            settings |= ports
        if self.kind == "two_n":
            self.sim = await self._stack.enter_async_context(TwoN("verso", **settings))
        else:
            self.sim = await self._stack.enter_async_context(Akuvox(self._akuvox, whitelist=["127.0.0.1"], **settings))
        return self.sim

    async def replace(self) -> Any:
        """Replace the unit by another one of the same kind."""
        mac = NEW[self.kind]
        if self.kind == "two_n":
            identity = {"macAddr": mac.replace(":", "-").upper(), "serialNumber": "54-9999-0001"}
            return await self.mount(identity=identity)
        return await self.mount(mac=mac.upper())

    @property
    def given(self) -> dict[str, Any]:
        """Return the user input for the unit."""
        if self.kind == "two_n":
            return user_input(self.sim.https_address)
        return user_input(f"https://{self.sim.https_address}", "admin", "httpapi")

    async def add(self, hass: HomeAssistant) -> ConfigEntry:
        """Add the unit."""
        if self.kind == "two_n":
            added: ConfigEntry = await add_intercom(hass, self.sim, secure=True)
            return added
        return await add_akuvox(hass, self.sim)

    def pins(self) -> str:
        """Return all PINs of the unit."""
        return str(list(self.sim.directory) if self.kind == "two_n" else self.sim.users.rows)


@pytest.fixture(params=["two_n", "akuvox"])
async def site(sockets: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Site]:
    """A place for units of each kind, with one unit."""
    monkeypatch.setattr(exchange, "PACE", 0.0)
    monkeypatch.setattr(discovery, "GAP", 0.0)
    async with AsyncExitStack() as stack:
        place = Site(request.param, stack)
        await place.mount()
        yield place


async def asked(hass: HomeAssistant, site: Site, entry: ConfigEntry, source: str = SOURCE_RECONFIGURE) -> Any:
    """Start a reconfigure or reauth flow after a replacement, and return the form that asks for confirmation."""
    given = site.given
    if source == SOURCE_REAUTH:
        given = {key: given[key] for key in ("username", "password")}
    form = await configure(hass, await reopen(hass, entry, source), given)
    assert form["step_id"] == "certificate"
    form = await configure(hass, form, {})
    assert form["step_id"] == "replace", form
    return form


@pytest.mark.parametrize("source", [SOURCE_RECONFIGURE, SOURCE_REAUTH])
async def test_a_replacement_keeps_entities_names_and_codes(hass: HomeAssistant, site: Site, source: str) -> None:
    entry = await site.add(hass)
    registry, devices = er.async_get(hass), dr.async_get(hass)
    old_id = entry.unique_id
    entities = {item.entity_id: item.id for item in er.async_entries_for_config_entry(registry, entry.entry_id)}
    (device,) = dr.async_entries_for_config_entry(devices, entry.entry_id)
    lock = next(name for name in entities if name.startswith("lock."))
    registry.async_update_entity(lock, name="Garden")
    devices.async_update_device(device.id, name_by_user="Front")
    added = await command(hass, entry, "add_temporary_code", name="Anna", code=PIN, end=utcnow() + timedelta(hours=1))
    later = await command(
        hass,
        entry,
        "add_temporary_code",
        name="Ben",
        start=utcnow() + timedelta(hours=1),
        end=utcnow() + timedelta(hours=2),
    )
    await until(lambda: PIN in site.pins(), "the code to be on the old unit")

    sim = await site.replace()
    await until(lambda: not entry.runtime_data.coordinator.last_update_success, "the old unit to be away")
    form = await asked(hass, site, entry, source)
    assert form["description_placeholders"]["old"] == old_id
    assert form["description_placeholders"]["new"] == NEW[site.kind]
    assert (await configure(hass, form, None))["step_id"] == "replace"
    assert entry.unique_id == old_id, "the replacement is used only after confirmation"
    events = capture_log_events(hass)
    done = await configure(hass, form, {})
    assert done["reason"] in {"reconfigure_successful", "reauth_successful"}

    await until(lambda: entry.state is ConfigEntryState.LOADED)
    assert entry.unique_id == NEW[site.kind]
    now = {item.entity_id: item.id for item in er.async_entries_for_config_entry(registry, entry.entry_id)}
    assert now == entities
    renamed = registry.async_get(lock)
    assert renamed is not None
    assert (renamed.name, renamed.unique_id.startswith(NEW[site.kind])) == ("Garden", True)
    (same,) = dr.async_entries_for_config_entry(devices, entry.entry_id)
    assert (same.id, same.name_by_user) == (device.id, "Front")
    assert same.connections == {("mac", NEW[site.kind])}
    await until(lambda: PIN in site.pins(), "the code to be on the new unit")
    listed = await command(hass, entry, "list_temporary_codes")
    assert {code["id"] for code in listed["codes"]} == {added["id"], later["id"]}
    await until(lambda: state_of(hass, entry, "lock", "door_A_door" if site.kind == "akuvox" else "door_1_door"))
    assert not [event for event in events if event.data["type"] == "LogGap"], (
        "the new unit has another event log, so there is no gap"
    )
    if site.kind == "two_n":
        await sim.wait_for_pull()


async def test_a_unit_that_was_replaced_can_be_added_elsewhere(hass: HomeAssistant, sockets: None) -> None:
    async with AsyncExitStack() as stack:
        site = Site("two_n", stack)
        await site.mount()
        entry = await site.add(hass)
        await site.replace()
        await configure(hass, await asked(hass, site, entry), {})
        repaired = Site("two_n", stack)
        await repaired.mount()
        other = await repaired.add(hass)
        assert other.unique_id != entry.unique_id
        # And the new one is known when it is discovered.
        lease = DhcpServiceInfo(ip="127.0.0.9", hostname="2n", macaddress=NEW["two_n"].replace(":", ""))
        seen: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_DHCP}, data=lease)
        assert seen["reason"] == "already_configured"


@pytest.mark.parametrize("kind", ["two_n", "akuvox"])
async def test_no_door_of_a_device_that_took_over_the_address_is_opened(
    hass: HomeAssistant, sockets: None, kind: str
) -> None:
    async with AsyncExitStack() as stack:
        site = Site(kind, stack, akuvox="e18")
        await site.mount()
        entry = await (add_intercom(hass, site.sim) if kind == "two_n" else add_akuvox(hass, site.sim))
        await site.sim.stop()
        await until(lambda: not entry.runtime_data.coordinator.last_update_success, "the outage")
        await site.replace()
        await until(lambda: entry.state is ConfigEntryState.SETUP_RETRY, "the rejection")
        assert entry.error_reason_translation_key == "another_device"
        assert {state.state for state in hass.states.async_all("lock")} == {"unavailable"}
        await hass.config_entries.async_unload(entry.entry_id)


async def test_a_configured_unit_cannot_replace_another(hass: HomeAssistant, site: Site) -> None:
    entry = await site.add(hass)
    await site.replace()
    other = await configure(hass, await begin(hass), site.given)
    assert other["type"] == "create_entry"
    form = await configure(hass, await reopen(hass, entry, SOURCE_RECONFIGURE), site.given)
    assert form["step_id"] == "certificate"
    result = await configure(hass, form, {})
    assert result["reason"] == "replacement_configured"
    assert entry.unique_id != NEW[site.kind]


async def test_another_integration_may_know_the_new_unit(hass: HomeAssistant, sockets: None) -> None:
    async with AsyncExitStack() as stack:
        site = Site("two_n", stack)
        await site.mount()
        entry = await site.add(hass)
        await site.replace()
        router = MockConfigEntry(domain="router")
        router.add_to_hass(hass)
        dr.async_get(hass).async_get_or_create(
            config_entry_id=router.entry_id, connections={(dr.CONNECTION_NETWORK_MAC, NEW["two_n"])}
        )
        await configure(hass, await asked(hass, site, entry), {})
        await until(lambda: entry.state is ConfigEntryState.LOADED)
        await site.sim.wait_for_pull()


async def test_a_replacement_without_codes_stores_none(
    hass: HomeAssistant, site: Site, hass_storage: dict[str, Any]
) -> None:
    entry = await site.add(hass)
    await site.replace()
    await configure(hass, await asked(hass, site, entry), {})
    await until(lambda: entry.state is ConfigEntryState.LOADED)
    assert f"{DOMAIN}.{entry.entry_id}.codes" not in hass_storage


# -- units that do not say who they are ------------------------------------------------------------

NOTHING = ({"macAddr": None, "serialNumber": None}, {"macAddr": "00-00-00-00-00-00", "serialNumber": "00-0000-0000"})


@pytest.mark.parametrize("identity", [*NOTHING, {"macAddr": "FF-FF-FF-FF-FF-FF", "serialNumber": None}])
async def test_a_2n_without_any_identity_is_an_error(
    hass: HomeAssistant, sockets: None, identity: dict[str, str | None]
) -> None:
    async with TwoN("verso", identity=identity) as sim:
        result = await configure(hass, await begin(hass), user_input(sim.https_address))
        assert result["errors"] == {"base": "no_identity"}


async def test_a_2n_without_mac_address_uses_its_serial_number_as_id(hass: HomeAssistant, sockets: None) -> None:
    async with TwoN("verso", identity={"macAddr": None}) as sim:
        entry = await add_intercom(hass, sim, secure=True)
        assert entry.unique_id == sim.model.info["serialNumber"]
        assert await hass.config_entries.async_reload(entry.entry_id)
        await sim.wait_for_pull()


@pytest.mark.parametrize("mac", ["", "00:00:00:00:00:00"])
@pytest.mark.parametrize("dialect", ["e16c", "r29"])
async def test_an_akuvox_without_a_mac_address_is_an_error(
    hass: HomeAssistant, sockets: None, monkeypatch: pytest.MonkeyPatch, mac: str, dialect: str
) -> None:
    monkeypatch.setattr(discovery, "GAP", 0.0)
    async with Akuvox(dialect, whitelist=["127.0.0.1"], mac=mac) as sim:
        result = await configure(
            hass, await begin(hass), user_input(f"https://{sim.https_address}", "admin", "httpapi")
        )
        assert result["errors"] == {"base": "no_identity"}


async def test_setup_fails_for_a_unit_without_any_identity(hass: HomeAssistant, site: Site) -> None:
    entry = await site.add(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    nothing: dict[str, Any] = {"identity": NOTHING[0]} if site.kind == "two_n" else {"mac": ""}
    await site.mount(**nothing)
    host, port = site.sim.https_address.split(":")
    pin = (await certificate_fingerprint(host, int(port))).hex()
    hass.config_entries.async_update_entry(entry, data={**entry.data, "fingerprint": pin})
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "no_identity"
    await hass.config_entries.async_unload(entry.entry_id)
