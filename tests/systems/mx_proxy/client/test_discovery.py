"""Finding a server at a typed address."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
import ssl

import aiohttp
from aiohttp import web
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    AppRefused,
    AuthenticationFailed,
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    ExchangeInsecure,
    ExchangeRefused,
    ExchangeUnreachable,
    NotProvisioned,
    PersonRefused,
    SecureConnectionRequired,
    TlsRefused,
    UnexpectedReply,
    WrongDevice,
)
from custom_components.ip_intercom.systems.mx_proxy.client import MxProxy, UserInfo, discovery, find
from tests.simulators.mx_proxy import MX, Outage, Simulator

from .conftest import CLIENT, Bench, Start, credentials

type Answer = Callable[[web.BaseRequest], web.StreamResponse]
type Serve = Callable[[Answer], Awaitable[str]]
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="MXProxy"'}


async def found(
    session: aiohttp.ClientSession, address: str, *, verify: bool = False, pinned: str | None = None
) -> tuple[MxProxy, UserInfo, bytes | None]:
    return await find(session, address, credentials(), verify=verify, pinned=pinned)


def port(address: str) -> int:
    return int(address.rpartition(":")[2])


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Serve something else; gives host and port."""
    async with AsyncExitStack() as stack:

        async def serve(answer: Answer) -> str:
            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return answer(request)

            runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return f"127.0.0.1:{runner.addresses[0][1]}"

        yield serve


@pytest.fixture
def usual_ports(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let servers of a test listen where people expect them."""

    def usual_ports(https: int, *http: int) -> None:
        preferred = (("https", https), *(("http", port) for port in http))
        monkeypatch.setattr(discovery, "PREFERRED", preferred)

    return usual_ports


# ---- Where it is ----


def test_https_is_tried_before_http() -> None:
    assert discovery.PREFERRED == (("https", 443), ("http", 8080), ("http", 80))


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize("typed", ["{address}", "{scheme}://{address}", " {address}/auth "])
async def test_a_typed_address_is_found_with_its_scheme(start: Start, https: bool, typed: str) -> None:
    bench = await start(https=https)
    scheme = "https" if https else "http"
    address = typed.format(address=bench.sim.address, scheme=scheme)
    proxy, info, fingerprint = await found(bench.session, address)
    assert str(proxy.transport.base) == f"{scheme}://{bench.sim.address}"
    assert (info.mx, info.extension) == (MX, "3107")
    assert (fingerprint is not None) is https
    assert await proxy.directory.contacts()
    assert bench.functions() == ["user_info", "login", "user_info", "contacts"]


async def test_a_typed_scheme_is_the_only_one_tried(start: Start) -> None:
    plain, secure = await start(), await start(https=True)
    with pytest.raises(TlsRefused):
        await found(plain.session, f"https://{plain.sim.address}")
    with pytest.raises((ConnectionFailed, WrongDevice)):
        await found(secure.session, f"http://{secure.sim.address}")


async def test_https_is_preferred_to_http(start: Start, usual_ports: Callable[..., None]) -> None:
    plain, secure = await start(), await start(https=True)
    usual_ports(port(secure.sim.address), port(plain.sim.address))
    proxy, _, fingerprint = await found(plain.session, "127.0.0.1")
    assert (str(proxy.transport.base), plain.seen()) == (f"https://{secure.sim.address}", [])
    assert fingerprint is not None


async def test_the_usual_ports_are_tried_in_order(start: Start, serve: Serve, usual_ports: Callable[..., None]) -> None:
    """Another server is at the first port, no server is at the second."""
    bench, gone = await start(), await start()
    gone.sim.lose_connection()
    other = await serve(lambda _: web.Response(text="<html>NAS</html>", content_type="text/html"))
    usual_ports(port(gone.sim.address), port(other), port(gone.sim.address), port(bench.sim.address))
    for typed in ("127.0.0.1", "http://127.0.0.1"):
        proxy, _, _ = await found(bench.session, typed)
        assert str(proxy.transport.base) == bench.sim.url


async def test_a_server_that_does_not_answer_is_an_error(
    bench: Bench, serve: Serve, usual_ports: Callable[..., None]
) -> None:
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await found(bench.session, bench.sim.address)
    gone = port(bench.sim.address)
    usual_ports(gone, gone)
    with pytest.raises(ConnectionFailed):
        await found(bench.session, "127.0.0.1")
    usual_ports(gone, gone, port(await serve(lambda _: web.Response(status=404))))
    with pytest.raises(WrongDevice):
        await found(bench.session, "127.0.0.1")


@pytest.mark.parametrize("typed", ["", "ftp://x", "http://", "a:b@c"])
async def test_an_invalid_address_is_an_error(session: aiohttp.ClientSession, typed: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        await found(session, typed)


# ---- Certificates ----


async def test_a_certificate_is_pinned(start: Start) -> None:
    bench = await start(https=True)
    _, _, fingerprint = await found(bench.session, bench.sim.address)
    assert fingerprint is not None
    proxy, _, again = await found(bench.session, bench.sim.address, pinned=fingerprint.hex())
    assert again == fingerprint
    bench.sim.renew_certificate()
    bench.sim.reset_connections()
    bench.seen()
    with pytest.raises(CertificateChanged):
        await found(bench.session, bench.sim.address, pinned=fingerprint.hex())
    with pytest.raises(CertificateChanged):
        await proxy.directory.contacts()
    assert bench.seen() == []


async def test_a_pin_is_not_got_around(start: Start, usual_ports: Callable[..., None]) -> None:
    """An attacker who blocks HTTPS gets no password over HTTP."""
    plain, secure = await start(), await start(https=True)
    _, _, fingerprint = await found(secure.session, secure.sim.address)
    assert fingerprint is not None
    usual_ports(port(secure.sim.address), port(plain.sim.address))
    secure.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await found(plain.session, "127.0.0.1", pinned=fingerprint.hex())
    assert plain.seen() == []


async def test_a_certificate_is_verified(start: Start, usual_ports: Callable[..., None]) -> None:
    """No request is redirected to HTTP."""
    plain, secure = await start(), await start(https=True)
    usual_ports(port(secure.sim.address), port(plain.sim.address))
    with pytest.raises(CertificateInvalid):
        await found(secure.session, "127.0.0.1", verify=True)
    assert plain.seen() == []


async def test_a_certificate_that_can_be_verified_is_not_remembered(start: Start) -> None:
    """Public certificates are renewed every few weeks."""
    secure = await start(https=True)
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port(secure.sim.address)))
    trusting = ssl.create_default_context(cadata=pem)
    trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT  # it is its own authority
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
        proxy, _, fingerprint = await found(session, secure.sim.address)
        assert fingerprint is None
        secure.sim.renew_certificate()
        secure.sim.reset_connections()
        with pytest.raises(CertificateInvalid):
            await proxy.directory.contacts()


# ---- Who it is ----


@pytest.mark.parametrize(
    ("status", "headers", "text"),
    [
        (200, {}, "<html>router</html>"),
        (200, {}, '{"mx": "63107", "ext": "3107", "jid": "1"}'),
        (404, {}, '{"error": "not found"}'),
        (401, {}, "<html>log in</html>"),
        (401, {}, '{"error": "unauthorized"}'),
        (401, {"WWW-Authenticate": 'Basic realm="router"'}, '{"error": "unauthorized"}'),
        (403, CHALLENGE, ""),
        (301, {"Location": "/login"}, ""),
        (500, {}, ""),
    ],
)
async def test_another_server_is_a_wrong_device_and_gets_no_secret(
    serve: Serve, session: aiohttp.ClientSession, status: int, headers: dict[str, str], text: str
) -> None:
    shown: list[tuple[str, str | None]] = []

    def answer(request: web.BaseRequest) -> web.Response:
        shown.append((request.method, request.headers.get("Authorization")))
        return web.Response(status=status, headers=headers, text=text)

    with pytest.raises(WrongDevice):
        await found(session, await serve(answer))
    assert shown == [("GET", None)]


@pytest.mark.parametrize("headers", [CHALLENGE, {"Server": "MXProxy/2.0"}])
async def test_either_header_names_the_server(
    serve: Serve, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            return web.json_response({"access_token": "abc", "expires_in": 3600})
        if "Authorization" in request.headers:
            return web.json_response({"mx": "63107", "ext": "3107", "jid": "1"})
        return web.json_response({"error": "unauthorized"}, status=401, headers=headers)

    _, info, _ = await found(session, await serve(answer))
    assert info.mx == "63107"


@pytest.mark.parametrize(
    ("body", "status"),
    [("html", 200), ('{"error": "not found"}', 404), ("html", 404), ("{}", 200), ('{"error": "EOF"}', 500)],
)
async def test_a_server_without_a_valid_login_is_a_wrong_device(
    serve: Serve, session: aiohttp.ClientSession, body: str, status: int
) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            return web.Response(status=401, headers=CHALLENGE, text='{"error": "unauthorized"}')
        return web.Response(status=status, text=body, content_type="application/json")

    with pytest.raises(WrongDevice):
        await found(session, await serve(answer))


async def test_an_identity_without_its_fields_is_an_error(serve: Serve, session: aiohttp.ClientSession) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            return web.json_response({"access_token": "abc", "expires_in": 3600})
        if "Authorization" in request.headers:
            return web.json_response({"mx": "63107", "ext": "3107"})
        return web.json_response({"error": "unauthorized"}, status=401, headers=CHALLENGE)

    with pytest.raises(WrongDevice) as raised:
        await found(session, await serve(answer))
    assert isinstance(raised.value.__cause__, UnexpectedReply)


async def test_an_overlong_answer_is_a_wrong_device(bench: Bench) -> None:
    bench.sim.garbage("/auth", "huge")
    with pytest.raises(WrongDevice):
        await found(bench.session, bench.sim.address)


async def test_a_bad_gateway_is_a_connection_error(serve: Serve, session: aiohttp.ClientSession) -> None:
    address = await serve(lambda _: web.Response(status=502, text="<html>Bad Gateway</html>"))
    with pytest.raises(ConnectionFailed):
        await found(session, address)


async def test_a_redirect_to_https_is_an_error(serve: Serve, session: aiohttp.ClientSession) -> None:
    """The redirect is not followed because the user typed http."""
    address = await serve(lambda _: web.Response(status=308, headers={"Location": "https://192.0.2.1/auth"}))
    with pytest.raises(SecureConnectionRequired):
        await found(session, f"http://{address}")


# ---- Who we are ----


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (lambda sim: sim.change_password("other"), PersonRefused),
        (lambda sim: sim.set_secret(CLIENT, "other"), AppRefused),
        (lambda sim: sim.provision(False), NotProvisioned),
        (lambda sim: sim.accept_password(False), ExchangeRefused),
        (lambda sim: sim.break_mx(Outage.NO_TLS), ExchangeInsecure),
        (lambda sim: sim.break_mx(Outage.UNREACHABLE), ExchangeUnreachable),
        (lambda sim: sim.break_mx(Outage.TIMEOUT), ExchangeUnreachable),
        (lambda sim: sim.break_mx(Outage.PROVISIONING), ExchangeUnreachable),
    ],
)
async def test_a_rejected_login_has_its_own_error(
    bench: Bench, trouble: Callable[[Simulator], None], kind: type[Exception]
) -> None:
    trouble(bench.sim)
    with pytest.raises(kind) as raised:
        await found(bench.session, bench.sim.address)
    assert type(raised.value) is kind
    assert bench.functions().count("login") == 1
    assert isinstance(raised.value, AuthenticationFailed | ConnectionFailed | ExchangeInsecure)
