"""Captive portals and proxies between Home Assistant and the server: an outage, not a rejected login."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
import ssl
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.ssl import SSL_ALPN_HTTP11, client_context
import pytest
import pytest_socket
from yarl import URL

from tests.common import act, capture_log_events, enter, entity_id, state_of, until
from tests.interception import INTERCEPTIONS as COMMON_INTERCEPTIONS, assert_no_secret_sent, assert_setup_retried
from tests.outages import lines
from tests.simulators.smartyard import Simulator
from tests.simulators.smartyard.cameras import Kind

from .conftest import Start, add, pushing, user_input
from .test_devices import ELSEWHERE, FLAT, GATES, HOUSE, places
from .test_flats import flat_command
from .test_push import listen

# Here it is one more than elsewhere.
INTERCEPTIONS = {**COMMON_INTERCEPTIONS, "a page that is gone": (410, None, "unexpected_reply")}


@pytest.mark.parametrize(("status", "location", "key"), INTERCEPTIONS.values(), ids=INTERCEPTIONS)
async def test_an_interfering_server_is_an_outage_with_a_reason(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
    status: int,
    location: str | None,
    key: str,
) -> None:
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    before = set(places(hass, entry))
    caplog.clear()
    sim.intercept(status, location)
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    assert coordinator.last_exception.translation_key == key
    assert state_of(hass, entry, "lock", "door_21:0_door") == "unavailable"
    sim.clear_requests()
    await until(lambda: len(sim.requests) > 4, "more attempts")
    sim.heal()
    await until(lambda: state_of(hass, entry, "lock", "door_21:0_door") == "locked", "the device to be available")
    assert not hass.config_entries.flow.async_progress()
    assert len(lines(caplog)) == 2, lines(caplog)
    assert set(places(hass, entry)) == before


@pytest.mark.parametrize(("status", "location", "key"), INTERCEPTIONS.values(), ids=INTERCEPTIONS)
async def test_setup_behind_an_interfering_server_is_retried(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, status: int, location: str | None, key: str
) -> None:
    await assert_setup_retried(hass, sim, entry, status, location, key)


@pytest.mark.parametrize("body", ['{"status":"ok"}', '{"code":"welcome"}', "[]"])
async def test_responses_of_another_server_remove_no_device(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, body: str
) -> None:
    """The host name leads to another JSON server."""
    for function in ("address/getAddressList", "address/getSettingsList", "cctv/all", "cctv/camMap"):
        sim.garbage(function, body, "application/json")
    await entry.runtime_data.coordinator.async_describe()
    assert set(places(hass, entry)) >= {HOUSE, FLAT} | GATES | ELSEWHERE


async def test_a_changed_certificate_starts_no_reauth(hass: HomeAssistant, device: Start) -> None:
    """The connection is intercepted: it gets no token."""
    sim = await device(https=True)
    await assert_no_secret_sent(hass, sim, await add(hass, sim))


@pytest.mark.parametrize("verify", [True, False])
async def test_an_intercepted_connection_recovers_without_reauth(
    hass: HomeAssistant,
    device: Start,
    local_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    verify: bool,
) -> None:
    """Another certificate is presented for a while, and no token is sent."""
    sim = await device(https=True)
    entry = await pushing(hass, sim, local_url)
    if verify:
        context = client_context(alpn_protocols=SSL_ALPN_HTTP11)
        context.load_verify_locations(cadata=sim.certificate)
        # It is no certificate of an authority.
        monkeypatch.setattr(context, "verify_flags", context.verify_flags & ~ssl.VERIFY_X509_STRICT)
        hass.config_entries.async_update_entry(entry, data={**entry.data, "verify_ssl": True, "fingerprint": None})
        assert await hass.config_entries.async_reload(entry.entry_id)
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.renew_certificate()
    sim.reset_connections()
    sim.clear_requests()
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    key = "certificate_invalid" if verify else "certificate_changed"
    assert coordinator.last_exception.translation_key == key
    assert state_of(hass, entry, "lock", "door_21:0_door") == "unavailable"
    rings = listen(entry)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    # The server of the cameras is another one, and gets no token.
    assert [request for request in sim.requests if request.host is not Kind.FORPOST or request.authorization] == []
    sim.restore_certificate()
    await until(lambda: state_of(hass, entry, "lock", "door_21:0_door") == "locked", "the device to be available")
    assert not hass.config_entries.flow.async_progress()
    assert len(lines(caplog)) == 2, lines(caplog)


async def test_a_ring_behind_a_captive_portal_has_no_picture(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry
) -> None:
    coordinator = pushed.runtime_data.coordinator
    await until(lambda: pushed.runtime_data.events.following, "the first polls")
    rings = listen(pushed)
    sim.intercept()
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    sim.ring(22)
    await until(lambda: rings, "the ring")
    assert state_of(hass, pushed, "image", "bell_22_last_visitor") == "unknown"
    sim.heal()
    await until(lambda: state_of(hass, pushed, "lock", "door_21:0_door") == "locked", "the device to be available")
    sim.ring(21)
    await until(lambda: len(rings) == 2, "another ring")
    await until(lambda: state_of(hass, pushed, "image", "bell_21_last_visitor") != "unknown", "its picture")
    assert [ring.bell.id for ring in rings] == ["22", "21"]
    assert not hass.config_entries.flow.async_progress()


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-240, 240])
async def test_a_visitor_rings_though_the_clocks_are_minutes_apart(
    hass: HomeAssistant, sim: Simulator, local_url: str, seconds: int
) -> None:
    sim.advance_clock(seconds)
    entry = await pushing(hass, sim, local_url)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    rings, events = listen(entry), capture_log_events(hass)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    assert rings[0].age < 5
    assert abs((rings[0].time - dt_util.utcnow()).total_seconds()) < 5
    # What is written down is news as well, and has our time.
    happened = dt_util.utcnow()
    sim.happen("key")
    await until(lambda: [item for item in events if item.data["type"] == "Key"], "the record")
    (told,) = [item.data for item in events if item.data["type"] == "Key"]
    assert told["late"] is False
    when = dt_util.parse_datetime(told["time"])
    assert when is not None
    assert abs((when - happened).total_seconds()) < 5


async def test_guest_access_ends_by_the_clock_of_home_assistant(hass: HomeAssistant, sim: Simulator) -> None:
    sim.advance_clock(-240)
    entry = await add(hass, sim)
    until_then = dt_util.utcnow().replace(microsecond=0) + timedelta(minutes=20)
    await flat_command(hass, entry, "let_guests_in", until=until_then.isoformat())
    moscow = until_then.astimezone(dt_util.get_time_zone("Europe/Moscow")) - timedelta(seconds=240)
    stored = dt_util.parse_datetime(sim.town.flat(51).auto_open)
    assert stored is not None
    assert abs((stored - moscow.replace(tzinfo=None)).total_seconds()) <= 1


# -- addresses -------------------------------------------------------------------------------------


@asynccontextmanager
async def ipv6_only(sim: Simulator) -> AsyncGenerator[str]:
    """Make a server reachable by IPv6, and yield its base address there."""
    url = URL(sim.url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, to_server = await asyncio.open_connection(url.host, url.port)

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(copy(reader, to_server), copy(inner, writer))

    server = await asyncio.start_server(pass_on, "::1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://[::1]:{port}{url.path}"
    finally:
        server.close()


async def test_a_server_with_only_ipv6_is_added(hass: HomeAssistant, sim: Simulator) -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"])
    async with ipv6_only(sim) as address:
        given: dict[str, Any] = {**user_input(sim), "host": address}
        result = await enter(hass, given, "smartyard")
        assert result["step_id"] == "smartyard_code", result
        result = await hass.config_entries.flow.async_configure(result["flow_id"], {"code": sim.code_of()})
        await hass.async_block_till_done()
        entry = result["result"]
        assert entry.state is ConfigEntryState.LOADED
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_22:0_door"))
        assert sim.address_functions.opened == [(22, 0, sim.phone)]
        assert await hass.config_entries.async_unload(entry.entry_id)
