"""Finding a device: its scheme, its TLS, and whether it is an Akuvox."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypedDict

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.akuvox.client import discovery, find_device, is_akuvox
from custom_components.ip_intercom.systems.common.errors import (
    AddressRefused,
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    LoginRefused,
    Redirected,
    TlsRefused,
    WrongDevice,
)
from custom_components.ip_intercom.systems.common.tls import certificate_fingerprint
from tests.simulators.akuvox import DIALECTS, Auth, Redirect
from tests.simulators.akuvox.pipeline import Outcome
from tests.simulators.two_n import Simulator as TwoNSimulator

from .conftest import PASSWORD, USERNAME, Bench, Start


class Account(TypedDict):
    username: str
    password: str


LOGIN: Account = {"username": USERNAME, "password": PASSWORD}

type Serve = Callable[..., Awaitable[str]]


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bench], str]:
    """Return an address without scheme and port, behind which are those of a simulator."""

    def doors(bench: Bench) -> str:
        bases = (URL(f"https://{bench.sim.https_address}"), URL(f"http://{bench.sim.http_address}"))
        monkeypatch.setattr(discovery, "candidates", lambda _: bases)
        return "127.0.0.1"

    return doors


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Serve one answer for every path."""
    servers: list[TestServer] = []

    async def serve(**answer: object) -> str:
        return await _serve(servers, {}, answer)

    yield serve
    for server in servers:
        await server.close()


@pytest.fixture
async def serve_paths() -> AsyncGenerator[Callable[[dict[str, dict[str, object]]], Awaitable[str]]]:
    """Serve an answer for each of some paths, and 404 for the others."""
    servers: list[TestServer] = []

    async def serve_paths(answers: dict[str, dict[str, object]]) -> str:
        return await _serve(servers, answers, {"status": 404})

    yield serve_paths
    for server in servers:
        await server.close()


async def _serve(servers: list[TestServer], answers: dict[str, dict[str, object]], other: dict[str, object]) -> str:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(**answers.get(request.path, other))  # type: ignore[arg-type]  # as the test needs

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    servers.append(server)
    return f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("dialect", "scheme", "legacy"),
    [
        ("a_series", "https", False),
        # Digest over HTTP is better than TLS that is easily broken, and faster.
        ("e18", "http", False),
        ("e16c", "https", False),
        ("r29", "https", False),
        ("it83", "https", False),
    ],
)
async def test_each_dialect_is_found_with_its_scheme(
    start: Start, doors: Callable[[Bench], str], dialect: str, scheme: str, legacy: bool
) -> None:
    bench = await start(dialect)
    found = await find_device(bench.session, doors(bench), **LOGIN)
    assert (found.base.scheme, found.legacy) == (scheme, legacy)
    assert found.info.model == DIALECTS[dialect].model
    if scheme == "https":
        host, _, port = bench.sim.https_address.partition(":")
        assert found.fingerprint == await certificate_fingerprint(host, int(port))
    else:
        assert found.fingerprint is None
    assert await is_akuvox(bench.session, "127.0.0.1")


@pytest.mark.parametrize(
    ("auth", "redirect"),
    [(Auth.BASIC, Redirect.NOWHERE), (Auth.DIGEST, Redirect.HTTPS), (Auth.DIGEST, Redirect.WEB_APP)],
)
async def test_old_tls_is_used_if_nothing_better_is_offered(
    start: Start, doors: Callable[[Bench], str], auth: Auth, redirect: Redirect
) -> None:
    bench = await start("e18", auth=auth)
    bench.sim.pipeline.redirect = redirect
    found = await find_device(bench.session, doors(bench), **LOGIN)
    assert (found.base, found.legacy) == (URL(f"https://{bench.sim.https_address}"), True)
    assert found.fingerprint is not None
    assert not any(request.authorization for request in bench.seen() if request.port == "http")


async def test_a_fragile_device_gets_one_request_at_discovery(start: Start) -> None:
    bench = await start("e18", auth=Auth.NONE)
    await find_device(bench.session, f"http://{bench.sim.http_address}")
    assert [request.spoiled for request in bench.seen()] == [False]


@pytest.mark.parametrize(
    "web",
    [{"text": "<html>", "content_type": "text/html"}, {"status": 302, "headers": {"Location": "/login.html"}}],
)
async def test_the_api_is_found_on_the_other_port(
    start: Start, serve: Serve, monkeypatch: pytest.MonkeyPatch, web: dict[str, object]
) -> None:
    """The preferred port leads to a web page only."""
    bench = await start("e18")
    page = URL(await serve(**web))
    for api in (f"http://{bench.sim.http_address}", f"https://{bench.sim.https_address}"):
        for bases in ((page, URL(api)), (URL(api), page)):
            monkeypatch.setattr(discovery, "candidates", lambda _, bases=bases: bases)
            assert (await find_device(bench.session, "127.0.0.1", **LOGIN)).base == URL(api)


async def test_no_http_is_sent_to_an_https_port(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """No HTTP goes to a port that has just responded over HTTPS, from any device."""
    async with TwoNSimulator("verso") as sim, aiohttp.ClientSession() as session:
        with pytest.raises(WrongDevice):
            await find_device(session, sim.https_address, **LOGIN)
    assert "HTTP_REQUEST" not in caplog.text
    bench = await start("e16c")
    assert (await find_device(bench.session, bench.sim.https_address, **LOGIN)).info.model == "E16C"


@pytest.mark.parametrize("dialect", ["e16c", "r29"])
async def test_a_redirect_to_the_other_port_is_followed(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    found = await find_device(bench.session, f"http://{bench.sim.http_address}", **LOGIN)
    assert found.base == URL(f"https://{bench.sim.https_address}")
    assert await is_akuvox(bench.session, f"http://{bench.sim.http_address}")


async def test_a_typed_https_address_finds_a_device_with_old_tls(start: Start) -> None:
    bench = await start("e18")
    found = await find_device(bench.session, f"https://{bench.sim.https_address}", **LOGIN)
    assert found.legacy


@pytest.mark.parametrize(
    "location", ["http://192.168.1.9/", "https://example.com/api/system/info", "/login.html", "x://"]
)
async def test_redirects_to_other_addresses_are_not_followed(
    session: aiohttp.ClientSession, serve: Serve, location: str
) -> None:
    address = await serve(status=302, headers={"Location": location})
    with pytest.raises(WrongDevice if location == "/login.html" else Redirected):
        await find_device(session, address, **LOGIN)
    assert not await is_akuvox(session, address)


INFO = '{"retcode": 0, "data": {"Status": {"Model": "E18", "MAC": "0C1105078B71"}}}'
API = {"text": INFO, "content_type": "application/json"}
PAGE = {"text": "<html>", "content_type": "text/html"}
AWAY = {"status": 302, "headers": {"Location": "https://example.com/"}}
SAME = {"status": 302, "headers": {"Location": "/login.html"}}
REFUSED = {"status": 403}


@pytest.mark.parametrize(
    ("at_root", "below", "found"),
    [
        (API, API, ""),
        (API, PAGE, ""),
        (PAGE, API, "/gate"),
        (AWAY, API, "/gate"),
        (SAME, API, "/gate"),
        (REFUSED, API, "/gate"),
        (PAGE, PAGE, WrongDevice),
        (PAGE, AWAY, WrongDevice),
        (AWAY, PAGE, WrongDevice),
        (AWAY, AWAY, Redirected),
        (REFUSED, REFUSED, AddressRefused),
    ],
)
async def test_a_device_behind_a_path_is_found_there(
    session: aiohttp.ClientSession,
    serve_paths: Callable[[dict[str, dict[str, object]]], Awaitable[str]],
    at_root: dict[str, object],
    below: dict[str, object],
    found: str | type[Exception],
) -> None:
    """The device itself comes first: an entered path may be that of one of its pages."""
    address = await serve_paths({"/api/system/info": at_root, "/gate/api/system/info": below})
    if isinstance(found, str):
        assert (await find_device(session, f"{address}/gate/")).base == URL(f"{address}{found}")
        return
    with pytest.raises(found):
        await find_device(session, f"{address}/gate/")


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>hello</html>", "content_type": "text/html"},
        {"text": '{"success": true, "result": {}}', "content_type": "application/json"},
        {"text": '{"retcode": -1, "message": "unsupport action"}', "content_type": "application/json"},
        {"text": '{"retcode": 0, "data": {}}', "content_type": "application/json"},
        {"status": 404},
        {"status": 401, "headers": {"WWW-Authenticate": 'Basic realm="Router"'}},
        {"status": 401, "headers": {"WWW-Authenticate": 'Bearer realm="HTTP API"'}},
        {"status": 401},
    ],
)
async def test_another_server_is_a_wrong_device(
    session: aiohttp.ClientSession, serve: Serve, answer: dict[str, object]
) -> None:
    """A password is sent only to a device that identifies itself."""
    address = await serve(**answer)
    with pytest.raises(WrongDevice):
        await find_device(session, address, **LOGIN)


@pytest.mark.parametrize("open_info", [True, False])
async def test_another_intercom_is_a_wrong_device(session: aiohttp.ClientSession, open_info: bool) -> None:
    """Even one that requires a login in the same realm."""
    async with TwoNSimulator("verso") as sim:
        sim.open_info = open_info
        assert not await is_akuvox(session, f"http://{sim.http_address}")
        with pytest.raises(WrongDevice):
            await find_device(session, f"http://{sim.http_address}", **LOGIN)
        assert not any(request.authorization for request in sim.requests)


@pytest.mark.parametrize("realm", ["HTTP API", "HTTPAPI", "http-api of E18"])
async def test_each_realm_identifies_an_akuvox(session: aiohttp.ClientSession, serve: Serve, realm: str) -> None:
    challenge = {"WWW-Authenticate": f'Basic realm="{realm}"'}
    address = await serve(status=401, headers=challenge)
    assert await is_akuvox(session, address)
    with pytest.raises(LoginRefused):
        await find_device(session, address, **LOGIN)


async def test_factory_settings_reject_the_address(start: Start) -> None:
    """A 403 without a challenge means the address is not allowed; the root page identifies the device."""
    bench = await start("r29", whitelist=[])
    address = f"https://{bench.sim.https_address}"
    with pytest.raises(AddressRefused) as raised:
        await find_device(bench.session, address, **LOGIN)
    assert raised.value.address == "127.0.0.1"
    assert await is_akuvox(bench.session, address)


@pytest.mark.parametrize("named", [True, False])
async def test_an_akuvox_with_another_realm_is_identified_by_its_page(
    start: Start, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """The root page identifies the maker; a password is sent to no other device."""
    monkeypatch.setattr("tests.simulators.akuvox.auth.REALM", "Door")
    bench = await start("r29", auth=Auth.BASIC)
    address = f"https://{bench.sim.https_address}"
    if named:
        assert (await find_device(bench.session, address, **LOGIN)).info.model == "R29C"
        return
    monkeypatch.setattr("tests.simulators.akuvox.pipeline.WEB_APP", "<html>Router</html>")
    with pytest.raises(WrongDevice):
        await find_device(bench.session, address, **LOGIN)
    assert not any(request.authorization for request in bench.seen())


async def test_an_endless_redirect_is_a_wrong_device(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """From one port to another and back."""
    bench, other = await start(auth=Auth.NONE), await start(auth=Auth.NONE)
    for one, two in ((bench, other), (other, bench)):
        monkeypatch.setattr(one.sim.pipeline, "answer", _redirect(f"http://{two.sim.http_address}/"))
    with pytest.raises(WrongDevice, match="endlessly"):
        await find_device(bench.session, f"http://{bench.sim.http_address}")


def _redirect(location: str) -> Callable[[object], Awaitable[Outcome]]:
    async def answer(_: object) -> Outcome:
        return Outcome(web.Response(status=302, headers={"Location": location}))

    return answer


async def test_a_forbidding_server_is_not_taken_for_an_akuvox(session: aiohttp.ClientSession, serve: Serve) -> None:
    address = await serve(status=403)
    assert not await is_akuvox(session, address)


async def test_a_wrong_password_is_an_error(start: Start) -> None:
    bench = await start()
    with pytest.raises(LoginRefused):
        await find_device(bench.session, f"http://{bench.sim.http_address}", username=USERNAME, password="wrong")


async def test_another_certificate_than_the_pinned_one_is_an_error(start: Start, doors: Callable[[Bench], str]) -> None:
    """No request is sent with another certificate or without one."""
    bench = await start("e16c")
    address = doors(bench)
    pinned = (await find_device(bench.session, address, **LOGIN)).fingerprint
    assert (await find_device(bench.session, address, **LOGIN, pinned=pinned)).fingerprint == pinned
    bench.sim.renew_certificate()
    bench.seen()
    with pytest.raises(CertificateChanged):
        await find_device(bench.session, address, **LOGIN, pinned=pinned)
    with pytest.raises(ConnectionFailed):
        await find_device(bench.session, f"http://{bench.sim.http_address}", **LOGIN, pinned=pinned)
    assert bench.seen() == []


async def test_an_invalid_certificate_prevents_the_login(start: Start, doors: Callable[[Bench], str]) -> None:
    old = await start("e18")
    with pytest.raises(CertificateInvalid):
        await find_device(old.session, f"https://{old.sim.https_address}", **LOGIN, verify=True)
    bench = await start("e16c")
    with pytest.raises(ConnectionFailed):
        await find_device(bench.session, doors(bench), **LOGIN, verify=True)
    assert not any(request.authorization for request in bench.seen())


async def test_an_unreachable_device_is_an_error(start: Start, doors: Callable[[Bench], str]) -> None:
    bench = await start()
    address = doors(bench)
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await find_device(bench.session, address, **LOGIN)
    assert not await is_akuvox(bench.session, address)
    assert not await is_akuvox(bench.session, "http://")


async def test_https_to_a_plain_http_port_is_an_error(start: Start) -> None:
    bench = await start()
    host, _, port = bench.sim.http_address.partition(":")
    with pytest.raises(TlsRefused):
        await certificate_fingerprint(host, int(port))
    with pytest.raises(TlsRefused):
        await find_device(bench.session, f"https://{bench.sim.http_address}", **LOGIN)
