"""Spoiled discoveries: each flow ends in a form or a clean abort, and its form in a form."""

from collections.abc import Mapping
from dataclasses import dataclass
import logging
import os
from random import Random
import socket
from typing import Any, Final

from aiohttp.resolver import AsyncResolver
from homeassistant.config_entries import SOURCE_DHCP, SOURCE_SSDP, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.helpers.service_info.ssdp import ATTR_UPNP_FRIENDLY_NAME, ATTR_UPNP_SERIAL, SsdpServiceInfo
import pytest

from custom_components.ip_intercom.const import CONF_URL, DOMAIN
from tests.common import PASSWORD, USERNAME
from tests.simulators.mx_proxy import Simulator as MxProxy
from tests.simulators.two_n import Simulator as TwoN

from .grammar import JUNK

# The long run: IP_INTERCOM_FUZZ=100000 makes a tenth of it.
ROUNDS = max(20, int(os.environ.get("IP_INTERCOM_FUZZ", "0")) // 10)
LOGIN = {"username": USERNAME, "password": PASSWORD, "security": {"verify_ssl": False}}
MISSING: Final = object()
# Addresses that no name server is asked for, and those at which nothing of ours is.
HOSTS: Final = (
    "127.0.0.1", "127.0.0.1:1", "::1", "[::1]", "[::1", "fe80::1%lo", "[fe80::1%25lo]", "fe80::1%", "::1%lo%lo", "127.0.0.1/x",
    "user:secret@127.0.0.1", "127.0.0.1\n", "127.0.0.1\x00", "\u202e127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "127.0.0.1:",
    "127.0.0.1:99999", "127.0.0.1:x", "http://127.0.0.1:1", "ftp://127.0.0.1", "//127.0.0.1", "#", "?", "@", "%00", "é" * 300, "x" * 64,
    "x" * 300, "x." * 200, "..", ".x",
)  # fmt: skip
MACS: Final = (
    "7c1eb3052a11", "0c1105aabbcc", "7c-1e-b3-05-2a-11", "7c1eb3052a", "000000000000", "ffffffffffff", "0c1105", "zz",
    "54-2201-0017", "7c1eb3052a11" * 9,
)  # fmt: skip


def spoiled(right: Mapping[str, Any], random: Random, values: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Return the values of a discovery with one to three of them replaced or dropped."""
    found = dict(right)
    for _ in range(random.choice((1, 1, 2, 3))):
        key = random.choice(sorted(found))
        found[key] = random.choice(random.choice((JUNK, (MISSING,), *[values[key]] * 3)))
    return {key: None if value is MISSING else value for key, value in found.items()}


@dataclass(frozen=True)
class Discovery:
    """What Home Assistant hands to a flow."""

    source: str
    data: Any


def by_dhcp(address: str, random: Random) -> Discovery:
    right = {"ip": address, "hostname": "2n-verso", "macaddress": random.choice(MACS)}
    values = {"ip": HOSTS, "hostname": ("é" * 300, "a\x00b", "x" * 5000), "macaddress": MACS}
    given = spoiled(right, random, values)
    # Home Assistant itself guarantees this form.
    if not isinstance(given["macaddress"], str) or given["macaddress"] != given["macaddress"].lower().replace(":", ""):
        given["macaddress"] = right["macaddress"]
    return Discovery(SOURCE_DHCP, DhcpServiceInfo(**given))


def by_ssdp(address: str, random: Random) -> Discovery:
    right = {"location": f"http://{address}/x.xml", "serial": random.choice(MACS), "name": "2N Verso"}
    locations = (*HOSTS, *(f"http://{host}/x.xml" for host in HOSTS))
    given = spoiled(right, random, {"location": locations, "serial": MACS, "name": ("é" * 300, "x" * 5000)})
    upnp = {ATTR_UPNP_SERIAL: given["serial"], ATTR_UPNP_FRIENDLY_NAME: given["name"]}
    for key in [key for key, value in upnp.items() if value is None and random.random() < 0.5]:
        del upnp[key]
    info = SsdpServiceInfo(ssdp_usn="usn", ssdp_st="st", ssdp_location=given["location"], upnp=upnp)
    return Discovery(SOURCE_SSDP, info)


@pytest.fixture(autouse=True)
def only_this_host(sockets: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no host by its name, and reach none but 127.0.0.1: what the harness forbids is an error of the network."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def connected(self: socket.socket, address: Any) -> None:
        try:
            connect(self, address)
        except RuntimeError as err:
            raise ConnectionRefusedError(*err.args) from err

    def resolved(*args: Any, **kwargs: Any) -> Any:
        try:
            return resolve(*args, **kwargs)
        except RuntimeError as err:
            raise socket.gaierror(*err.args) from err

    async def unknown(*_: object, **__: object) -> list[Any]:
        raise OSError("no such host")

    monkeypatch.setattr(socket.socket, "connect", connected)
    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(AsyncResolver, "resolve", unknown)


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the tracebacks and errors in the log."""
    return [
        record.getMessage()
        for record in caplog.records
        if (record.exc_info or record.levelno >= logging.ERROR) and record.name != "aiohttp.server"  # of a simulator
    ]


async def discover(hass: HomeAssistant, found: Discovery) -> None:
    """Begin a flow; fill in its form, if it has one."""
    flows = hass.config_entries.flow
    result: Any = await flows.async_init(DOMAIN, context={"source": found.source}, data=found.data)
    if result["type"] is FlowResultType.ABORT:
        assert result["reason"] in {"already_configured", "already_in_progress", "wrong_device"}, (found, result)
        return
    assert result["step_id"] == "discovery_confirm", (found, result)
    [flow] = [flow for flow in flows.async_progress() if flow["flow_id"] == result["flow_id"]]
    name, known = flow["context"]["title_placeholders"]["name"], flow["context"]["unique_id"]
    assert isinstance(name, str) and 0 < len(name) <= 100 and name.isprintable(), (found, name)
    assert isinstance(known, str) and len(known) <= 64 and known.isprintable(), (found, known)
    result = await flows.async_configure(result["flow_id"], LOGIN)
    if result["type"] is FlowResultType.FORM:
        assert result["errors"], (found, result)
        flows.async_abort(result["flow_id"])
        return
    # A device of ours is at this address, although the discovery says something else.
    await hass.async_block_till_done()
    if result["type"] is FlowResultType.CREATE_ENTRY:
        assert await hass.config_entries.async_remove(result["result"].entry_id)


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("kind", [by_dhcp, by_ssdp])
async def test_a_spoiled_discovery_is_a_form_or_an_abort(
    hass: HomeAssistant, sockets: None, caplog: pytest.LogCaptureFixture, kind: Any, ours: bool
) -> None:
    async with TwoN("verso") if ours else MxProxy() as sim:
        address = sim.https_address if isinstance(sim, TwoN) else sim.url.partition("//")[2]
        for seed in range(ROUNDS):
            found = kind(address, Random(seed))
            await discover(hass, found)
            assert failures(caplog) == [], (seed, found)
            caplog.clear()
    await hass.async_block_till_done()


@pytest.mark.parametrize("kind", [by_dhcp, by_ssdp])
async def test_a_spoiled_discovery_stores_no_bad_address(
    hass: HomeAssistant, entry: ConfigEntry, sim: TwoN, caplog: pytest.LogCaptureFixture, kind: Any
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    data = dict(entry.data)
    for host in (*HOSTS, *JUNK):
        if kind is by_dhcp:
            info: Any = DhcpServiceInfo(ip=host, hostname="x", macaddress="7c1eb3052a11")
        else:
            info = SsdpServiceInfo(
                ssdp_usn="usn",
                ssdp_st="st",
                ssdp_location=f"http://{host}/x.xml",
                upnp={ATTR_UPNP_SERIAL: "7C1EB3052A11"},
            )
        result: Any = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_DHCP if kind is by_dhcp else SOURCE_SSDP}, data=info
        )
        assert result["reason"] in {"already_configured", "wrong_device"}, (host, result)
        assert len(entry.data[CONF_URL]) <= 300 and "secret" not in entry.data[CONF_URL], entry.data[CONF_URL]
        hass.config_entries.async_update_entry(entry, data=data)
        await hass.async_block_till_done()
        assert await hass.config_entries.async_unload(entry.entry_id)
        assert failures(caplog) == [], host
        caplog.clear()
