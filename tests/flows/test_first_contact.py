"""Addresses as people type them: old TLS, paths, redirects, and the address of a stream."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from homeassistant.components.camera import async_get_stream_source
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from yarl import URL

from custom_components.ip_intercom.const import CONF_FINGERPRINT, CONF_LEGACY_TLS, CONF_URL
from custom_components.ip_intercom.systems.akuvox.client import discovery
from tests.common import PASSWORD, USERNAME, add_intercom, begin, configure, entity_id, reopen, until, user_input
from tests.simulators.akuvox import Auth as AkuvoxAuth, Redirect, Simulator as Akuvox
from tests.simulators.mx_proxy import APPS, LOGIN, PASSWORD as MX_PASSWORD, Simulator as MxProxy
from tests.simulators.two_n import Auth, Service, Simulator

# -- old TLS ---------------------------------------------------------------------------------------


async def test_a_2n_with_old_tls_has_its_certificate_pinned(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", old_tls=True) as sim:
        entry = await add_intercom(hass, sim, secure=True)
        assert entry.data[CONF_URL].startswith("https://")
        assert entry.data[CONF_LEGACY_TLS] is True
        assert len(entry.data[CONF_FINGERPRINT]) == 64
        await hass.config_entries.async_unload(entry.entry_id)
        sim.renew_certificate()
        sim.clear_requests()
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "certificate_changed"
        assert sim.requests == []
        await hass.config_entries.async_unload(entry.entry_id)


async def test_a_2n_with_old_tls_supports_reauth_and_reconfigure(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", old_tls=True) as sim:
        entry = await add_intercom(hass, sim, secure=True)
        sim.change_password(USERNAME, "new")
        form = await reopen(hass, entry, SOURCE_REAUTH)
        done = await configure(hass, form, {"username": USERNAME, "password": "new"})
        assert done["reason"] == "reauth_successful"
        form = await reopen(hass, entry, SOURCE_RECONFIGURE)
        done = await configure(hass, form, user_input(sim.https_address, password="new"))
        assert done["reason"] == "reconfigure_successful"
        assert entry.data[CONF_LEGACY_TLS] is True
        await until(lambda: entry.state is ConfigEntryState.LOADED)
        await sim.wait_for_pull()


async def test_a_2n_with_old_tls_that_requires_https_can_be_added(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", old_tls=True) as sim:
        for service in Service:
            sim.require_tls(service)
        result = await configure(hass, await begin(hass), user_input(f"http://{sim.http_address}"))
        assert result["errors"] == {"base": "https_required"}
        result = await configure(hass, result, user_input(f"https://{sim.https_address}"))
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        await sim.wait_for_pull()


async def test_old_tls_cannot_be_verified(hass: HomeAssistant, sockets: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "GAP", 0.0)
    async with Simulator("verso", old_tls=True) as sim, Akuvox("e18", whitelist=["127.0.0.1"]) as akuvox:
        for address in (sim.https_address, akuvox.https_address):
            result = await configure(hass, await begin(hass), user_input(f"https://{address}", verify=True))
            assert result["errors"] == {"base": "certificate_invalid"}


# -- paths and redirects ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/index.html", "/web/login?next=/#top", "/api"])
async def test_the_path_of_a_page_changes_nothing(hass: HomeAssistant, sim: Simulator, path: str) -> None:
    entry = await add_intercom(hass, sim, address=f"https://{sim.https_address}{path}")
    assert entry.data[CONF_URL] == f"https://{sim.https_address}"


@pytest.mark.parametrize("path", ["/gate", "/house/gate/"])
async def test_a_2n_behind_a_path_is_reached_under_that_path(hass: HomeAssistant, sockets: None, path: str) -> None:
    async with Simulator("verso", prefix=path.rstrip("/")) as sim:
        for service in Service:
            sim.set_auth(service, Auth.BASIC)
        entry = await add_intercom(hass, sim, address=f"{sim.https_address}{path}")
        assert entry.data[CONF_URL] == f"https://{sim.https_address}{path.rstrip('/')}"
        assert await hass.config_entries.async_reload(entry.entry_id)
        await sim.wait_for_pull()
        result = await configure(hass, await begin(hass), user_input(sim.https_address))
        assert result["errors"] == {"base": "wrong_device"}


@pytest.fixture
async def behind_path(sockets: None) -> AsyncGenerator[Callable[[str], Awaitable[str]]]:
    """Start a reverse proxy with a device below the path /gate, and with a web page at its root."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())

        async def behind_path(device: str) -> str:
            async def forward(request: web.Request) -> web.Response:
                if not request.path.startswith("/gate/"):
                    return web.Response(text="<html>Home</html>", content_type="text/html")
                url = URL(device + request.raw_path.removeprefix("/gate"), encoded=True)
                headers = {key: value for key, value in request.headers.items() if key != "Host"}
                async with session.request(
                    request.method, url, headers=headers, data=await request.read(), allow_redirects=False
                ) as reply:
                    kept = {key: value for key, value in reply.headers.items() if key in _FORWARDED}
                    return web.Response(status=reply.status, headers=kept, body=await reply.read())

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", forward)
            server = TestServer(app)
            await server.start_server()
            stack.push_async_callback(server.close)
            return f"http://127.0.0.1:{server.port}"

        yield behind_path


_FORWARDED = ("Content-Type", "Location", "Server", "WWW-Authenticate", "Www-Authenticate")


@pytest.mark.parametrize("path", ["/gate", "/gate/"])
async def test_an_akuvox_behind_a_path_is_reached_under_that_path(
    hass: HomeAssistant, behind_path: Callable[[str], Awaitable[str]], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(discovery, "GAP", 0.0)
    async with Akuvox("e16c", auth=AkuvoxAuth.BASIC) as sim:
        sim.pipeline.redirect = Redirect.NOWHERE
        address = await behind_path(f"http://{sim.http_address}")
        result = await configure(hass, await begin(hass), user_input(address, "admin", "httpapi"))
        assert result["errors"] == {"base": "wrong_device"}
        result = await configure(hass, result, user_input(address + path, "admin", "httpapi"))
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        assert result["data"][CONF_URL] == f"{address}/gate"
        assert await hass.config_entries.async_reload(result["result"].entry_id)


async def test_the_path_of_a_page_of_an_akuvox_changes_nothing(
    hass: HomeAssistant, sockets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "GAP", 0.0)
    async with Akuvox("e16c", auth=AkuvoxAuth.BASIC) as sim:
        address = f"https://{sim.https_address}"
        result = await configure(hass, await begin(hass), user_input(f"{address}/#/login", "admin", "httpapi"))
        assert result["data"][CONF_URL] == address
    async with Akuvox("r29", whitelist=[]) as sim:
        address = f"https://{sim.https_address}/index.html"
        result = await configure(hass, await begin(hass), user_input(address, "admin", "httpapi"))
        assert result["errors"] == {"base": "address_refused"}


async def test_an_mx_proxy_behind_a_path_is_reached_under_that_path(
    hass: HomeAssistant, behind_path: Callable[[str], Awaitable[str]]
) -> None:
    (client,) = APPS
    account = {"client_id": client, "client_secret": APPS[client], "username": LOGIN, "password": MX_PASSWORD}
    async with MxProxy() as sim:
        address = await behind_path(sim.url)
        entered = {"host": f"{address}/gate/", **account, "security": {"verify_ssl": False}}
        result = await configure(hass, await begin(hass, "mx_proxy"), entered)
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        assert result["data"][CONF_URL] == f"{address}/gate"
        assert await hass.config_entries.async_reload(result["result"].entry_id)


@pytest.mark.parametrize("location", ["https://{https}{path}", "https://{https}/", "//{https}/login"])
async def test_a_redirect_is_followed_on_the_host(hass: HomeAssistant, sockets: None, location: str) -> None:
    location = location.replace("//{https}/login", "https://{https}/login")
    async with Simulator("verso", location=location) as sim:
        entry = await add_intercom(hass, sim, address=f"http://{sim.http_address}")
        assert entry.data[CONF_URL] == f"https://{sim.https_address}"
        assert len(entry.data[CONF_FINGERPRINT]) == 64


async def test_a_redirect_may_lead_below_a_path(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", location="https://{https}/gate{path}", prefix="/gate") as sim:
        for service in Service:
            sim.set_auth(service, Auth.BASIC)
        entry = await add_intercom(hass, sim, address=f"http://{sim.http_address}")
        assert entry.data[CONF_URL] == f"https://{sim.https_address}/gate"


@pytest.mark.parametrize(
    ("location", "key", "address"),
    [
        ("https://gate.example.test/api?token=secret", "redirected", "https://gate.example.test"),
        ("http://user:secret@192.0.2.9:8080/x", "redirected", "http://192.0.2.9:8080"),
        ("ftp://127.0.0.1/x", "redirected", "ftp://127.0.0.1"),
        ("/login.html", "wrong_device", ""),
        ("http://[broken", "wrong_device", ""),
    ],
)
async def test_any_other_redirect_is_an_error_with_its_address(
    hass: HomeAssistant, sockets: None, location: str, key: str, address: str
) -> None:
    async with Simulator("verso", location=location) as sim:
        result = await configure(hass, await begin(hass), user_input(f"http://{sim.http_address}"))
        assert result["errors"] == {"base": key}
        assert result["description_placeholders"]["address"] == address
        assert not [request for request in sim.requests if request.authorization]


async def test_an_endless_redirect_is_an_error(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", location="/more{path}") as sim:
        result = await configure(hass, await begin(hass), user_input(f"http://{sim.http_address}"))
        assert result["errors"] == {"base": "wrong_device"}


async def test_the_setup_error_names_the_address_of_a_redirect(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso") as sim:
        entry = await add_intercom(hass, sim, address=f"http://{sim.http_address}")
        await hass.config_entries.async_unload(entry.entry_id)
        sim.location = "https://192.0.2.9/"
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "redirected"
        assert "https://192.0.2.9" in str(entry.reason)
        await hass.config_entries.async_unload(entry.entry_id)


# -- the address of a stream -----------------------------------------------------------------------


async def choose_path(hass: HomeAssistant, entry: ConfigEntry, path: str) -> Any:
    """Choose the path of the stream in the options."""
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    stream = {"stream_username": "viewer", "stream_password": "p@ss", "stream_path": path}
    chosen = {"show_names": True, "show_cards": False, "show_touches": False, "stream": stream}
    result = await hass.config_entries.options.async_configure(form["flow_id"], chosen)
    await hass.async_block_till_done()
    return result


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("h264_stream", "rtsp://viewer:p%40ss@127.0.0.1:554/h264_stream"),
        (" /onvif/media?profile=a ", "rtsp://viewer:p%40ss@127.0.0.1:554/onvif/media?profile=a"),
        ("rtsp://192.0.2.9:8554/gate?x=1", "rtsp://viewer:p%40ss@192.0.2.9:8554/gate?x=1"),
        ("rtsp://192.0.2.9/gate", "rtsp://viewer:p%40ss@192.0.2.9:554/gate"),
        ("rtsps://192.0.2.9:8322/gate", "rtsps://viewer:p%40ss@192.0.2.9:8322/gate"),
        ("rtsps://192.0.2.9/gate", "rtsps://viewer:p%40ss@192.0.2.9:322/gate"),
    ],
)
async def test_the_path_of_a_stream_may_be_a_whole_address(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, path: str, address: str
) -> None:
    assert (await choose_path(hass, entry, path))["type"] is FlowResultType.CREATE_ENTRY
    camera = entity_id(hass, entry, "camera", "camera_internal")
    assert await async_get_stream_source(hass, camera) == address
    await sim.wait_for_pull()


@pytest.mark.parametrize(
    "path",
    [
        "192.0.2.9:8554/gate",
        ":8554/gate",
        "//192.0.2.9/gate",
        "http://192.0.2.9/gate",
        "rtsp:///gate",
        "rtsp://viewer:secret@192.0.2.9/gate",
        "rtsp://192.0.2.9:99999/gate",
        "h264 stream",
    ],
)
async def test_an_invalid_stream_path_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, path: str
) -> None:
    result = await choose_path(hass, entry, path)
    assert result["errors"] == {"base": "stream_path_invalid"}
    assert entry.options == {}
    # One that was entered before it was checked is no stream.
    hass.config_entries.async_update_entry(
        entry, options={"stream_username": "viewer", "stream_password": PASSWORD, "stream_path": path}
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await sim.wait_for_pull()
    assert await async_get_stream_source(hass, entity_id(hass, entry, "camera", "camera_internal")) is None
