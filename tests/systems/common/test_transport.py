"""Faults of networks and of other servers during a request."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
import json
import traceback
import tracemalloc

import aiohttp
from aiohttp import web
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.discovery import parse_address
from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    InvalidRequest,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
    UnsupportedProduct,
    WrongDevice,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.common.messages import Request
from custom_components.ip_intercom.systems.common.tls import certificate_fingerprint
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, TwoNDevice, find_device
from tests.simulators.two_n import Garbage
from tests.systems.two_n.client.conftest import Bench

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Serve = Callable[[Mapping[str, Handler]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Serve other content than an intercom; return host and port."""
    async with AsyncExitStack() as stack:

        async def serve(handlers: Mapping[str, Handler]) -> str:
            app = web.Application()
            for path, handler in handlers.items():
                app.router.add_get(path, handler)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            return f"{host}:{port}"

        yield serve


def says(text: str, content_type: str = "text/html", status: int = 200) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type, status=status)

    return handler


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeout of ten seconds."""
    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.client.client.REQUEST_TIMEOUT", 0.1)


async def test_a_missing_response_is_an_error_with_its_timeout(bench: Bench, short_timeout: None) -> None:
    bench.sim.delay(5, "switch/status")
    with pytest.raises(ConnectionFailed, match=r"switch/status within 0\.1 s"):
        await bench.device().switch.status()


async def test_requests_work_again_after_a_lost_connection(bench: Bench) -> None:
    device = bench.device()
    await device.switch.status()
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await device.switch.status()
    await bench.sim.restore_connection()
    assert await device.switch.status()


async def test_the_connection_breaks_during_a_command(bench: Bench) -> None:
    """The device may have dialed: a second request would dial twice."""
    device = bench.device()
    await device.switch.status()
    bench.sim.delay(0.1, "call/dial")
    bench.seen()
    dialling = asyncio.ensure_future(device.call.dial("100"))
    await asyncio.sleep(0.05)
    bench.sim.reset_connections()
    with pytest.raises(ConnectionFailed):
        await dialling
    await asyncio.sleep(0.15)
    assert [request.path for request in bench.seen()].count("/api/call/dial") <= 1


@pytest.mark.parametrize("kind", [Garbage.TRUNCATED, Garbage.HTML, Garbage.EMPTY, "[", "null", "3", '{"result": 1}'])
async def test_an_unreadable_response_is_an_error(bench: Bench, kind: str) -> None:
    bench.sim.garbage("switch/status", kind)
    with pytest.raises(UnexpectedReply):
        await bench.device().switch.status()


@pytest.mark.parametrize("kind", [Garbage.HUGE, Garbage.ENDLESS])
async def test_an_oversized_response_is_not_read_whole(
    bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.client.client.MAX_JSON", 2**20)
    device = bench.device()
    await device.io.status()
    bench.sim.garbage("switch/status", kind)
    tracemalloc.start()
    with pytest.raises(UnexpectedReply, match="larger than"):
        await device.switch.status()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


async def test_an_endless_answer_is_bounded_in_time(bench: Bench, short_timeout: None) -> None:
    bench.sim.garbage("switch/status", Garbage.ENDLESS)
    with pytest.raises(ConnectionFailed):
        await bench.device().switch.status()


async def test_redirects_are_not_followed(serve: Serve, session: aiohttp.ClientSession) -> None:
    visited = []

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    async def elsewhere(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.json_response({"success": True, "result": {}})

    address = await serve({"/api/switch/status": redirect, "/elsewhere": elsewhere})
    device = TwoNDevice(TwoNClient(HttpTransport(session, URL(f"http://{address}"))))
    with pytest.raises(UnexpectedReply):
        await device.switch.status()
    assert not visited


async def test_a_server_without_http_is_an_error(session: aiohttp.ClientSession) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        device = TwoNDevice(TwoNClient(HttpTransport(session, URL(f"http://{host}:{port}"))))
        with pytest.raises((UnexpectedReply, ConnectionFailed)):
            await device.switch.status()


# -- certificates ------------------------------------------------------------------------------------


async def test_the_certificate_is_pinned_on_first_use(bench: Bench) -> None:
    found = await find_device(bench.session, bench.sim.https_address)
    assert found.base == URL(f"https://{bench.sim.https_address}")
    assert found.fingerprint is not None and len(found.fingerprint) == 32
    transport = HttpTransport(bench.session, found.base, fingerprint=found.fingerprint)
    device = TwoNDevice(TwoNClient(transport, "ha", "ha-pass"))
    assert await device.switch.status()
    bench.sim.renew_certificate()
    await bench.sim.drop_network(0)
    with pytest.raises(CertificateChanged):
        await device.switch.status()


async def test_a_self_signed_certificate_does_not_pass_verification(bench: Bench) -> None:
    transport = HttpTransport(bench.session, URL(f"https://{bench.sim.https_address}"), verify=True)
    with pytest.raises(CertificateInvalid):
        await TwoNDevice(TwoNClient(transport)).system.info()
    # Asked to verify, no way around it is taken: not even http on another port.
    with pytest.raises(CertificateInvalid):
        await find_device(bench.session, bench.sim.https_address, verify=True)


async def test_any_certificate_is_accepted_without_a_pin(bench: Bench) -> None:
    assert await bench.device(secure=True).switch.status()


async def test_a_server_without_tls_is_an_error(bench: Bench) -> None:
    host, port = bench.sim.http_address.split(":")
    with pytest.raises(ConnectionFailed, match="TLS"):
        await certificate_fingerprint(host, int(port))


# -- values in paths --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["82", "a b", "a/b", "a%2Fb", "?x=1#y", "ä", "..a", "+", ";", "a\\b"])
async def test_a_value_is_escaped_in_a_path(value: str, serve: Serve, session: aiohttp.ClientSession) -> None:
    async def name(request: web.Request) -> web.Response:
        return web.json_response(
            [request.match_info["name"], request.rel_url.raw_path.count("/"), request.query_string]
        )

    transport = HttpTransport(session, URL(f"http://{await serve({'/mails/{name}/file': name})}"))
    reply = await transport.request(Request("GET", "/mails/{id}/file", {"x": "1"}, parts={"id": value}))
    assert json.loads(reply.body) == [value, 3, "x=1"]


@pytest.mark.parametrize("value", ["", ".", "..", "a/../b", "../auth", "/", "a/", "\ud800"])
async def test_an_invalid_path_value_is_not_sent(value: str, serve: Serve, session: aiohttp.ClientSession) -> None:
    asked = []

    async def note(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    transport = HttpTransport(session, URL(f"http://{await serve({'/{all:.*}': note})}"))
    request = Request("DELETE", "/mails/{id}", parts={"id": value})
    with pytest.raises(InvalidRequest) as refused:
        await transport.request(request)
    with pytest.raises(InvalidRequest):
        async with transport.stream(request):
            pass
    assert refused.value.parameter == "id"
    assert asked == []


async def test_errors_hide_the_values_of_a_path(session: aiohttp.ClientSession) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/9 what\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        transport = HttpTransport(session, URL(f"http://{host}:{port}"))
        request = Request("GET", "/tokens/{token}", {"pin": "s3cret-1"}, parts={"token": "s3cret-2"})
        with pytest.raises(UnexpectedReply) as raised:
            await transport.request(request)
    told = "".join(traceback.format_exception(raised.value, chain=not raised.value.__suppress_context__))
    assert "/tokens/{token}" in told
    assert "s3cret" not in f"{told} {request!r}"


# -- finding a device --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("192.168.1.9", ("", "192.168.1.9", None)),
        (" gate.local ", ("", "gate.local", None)),
        ("gate.local:8080", ("", "gate.local", 8080)),
        ("http://gate.local", ("http", "gate.local", None)),
        ("https://gate.local:444/apitest.html", ("https", "gate.local", 444)),
        ("[fe80::1]:8080", ("", "fe80::1", 8080)),
        ("http://[2001:db8::7]/", ("http", "2001:db8::7", None)),
        ("2001:db8::7", ("", "2001:db8::7", None)),
        ("::1", ("", "::1", None)),
        ("fe80::1%eth0", ("", "fe80::1%eth0", None)),
        ("[fe80::1%eth0]:8080", ("", "fe80::1%eth0", 8080)),
        ("[::ffff:192.168.1.9]", ("", "::ffff:192.168.1.9", None)),
        ("HTTPS://Gate.Local:8443/", ("https", "gate.local", 8443)),
        ("gate.local.", ("", "gate.local", None)),
        ("gate_2.local", ("", "gate_2.local", None)),
        ("bücher.example", ("", "bücher.example", None)),
        ("xn--bcher-kva.example", ("", "bücher.example", None)),
    ],
)
def test_typed_addresses_are_parsed(typed: str, found: tuple[str, str, int | None]) -> None:
    address = parse_address(typed)
    assert (address.scheme, address.host, address.explicit_port) == found


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "http://",
        "ftp://gate",
        "rtsp://gate:554/x",
        "gate:port",
        "user:s3cret@gate",
        "http://u:s3cret@g",
        "x" * 64,
        "x." * 127,
        ".x",
        "a..b",
        "http:/192.168.1.9",
        "https//192.168.1.9",
        "HTTP:/gate",
        "192.168.1.9,80",
        "192.168.1.9;80",
        "http://gate%20x",
        "gate!",
        "...",
    ],
)
def test_an_address_without_a_valid_host_is_an_error(typed: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_address(typed)
    assert "s3cret" not in str(refused.value)


async def test_the_scheme_of_a_device_is_found(any_bench: Bench) -> None:
    sim = any_bench.sim
    secure = await find_device(any_bench.session, sim.https_address)
    plain = await find_device(any_bench.session, sim.http_address)
    assert (secure.base.scheme, plain.base.scheme, plain.fingerprint) == ("https", "http", None)
    assert secure.info == plain.info
    assert secure.info.serial == sim.model.info["serialNumber"]
    mac = sim.model.info.get("macAddr")
    assert secure.info.mac == (mac and mac.lower().replace("-", ":"))


async def test_a_typed_scheme_is_the_only_one_tried(bench: Bench) -> None:
    with pytest.raises(ConnectionFailed):
        await find_device(bench.session, f"https://{bench.sim.http_address}")
    with pytest.raises((ConnectionFailed, WrongDevice)):
        await find_device(bench.session, f"http://{bench.sim.https_address}")


async def test_an_unreachable_device_is_an_error(bench: Bench) -> None:
    address = bench.sim.http_address
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await find_device(bench.session, address)


async def test_a_service_that_requires_https_has_its_own_error(bench: Bench) -> None:
    """HTTP API 2.3, code 7."""
    bench.sim.require_tls("switch")
    with pytest.raises(SecureConnectionRequired) as refused:
        await bench.device().switch.status()
    assert refused.value.service == "Switch API"
    assert await bench.device(secure=True).switch.status()


@pytest.mark.parametrize("username", ["", "ha"])
async def test_a_device_may_need_a_login_for_its_identity(bench: Bench, username: str) -> None:
    """Field notes 3.16: many but not all devices answer system/info without authentication."""
    bench.sim.open_info = False
    found = find_device(bench.session, bench.sim.http_address, username=username, password="ha-pass")
    if username:
        assert (await found).info.mac == "7c:1e:b3:05:2a:11"
    else:
        with pytest.raises(AuthenticationFailed):
            await found


async def test_a_device_with_a_disabled_system_service_is_an_error(bench: Bench) -> None:
    bench.sim.disable("system")
    with pytest.raises(ServiceDisabled) as refused:
        await find_device(bench.session, bench.sim.http_address)
    assert refused.value.service == "System API"


async def test_a_device_that_requires_https_is_found_only_by_https(bench: Bench) -> None:
    bench.sim.require_tls("system")
    with pytest.raises(SecureConnectionRequired):
        await find_device(bench.session, bench.sim.http_address)
    assert (await find_device(bench.session, bench.sim.https_address)).info.mac


INDOOR_TOUCH = """{"data": {"device": {"fwVersion": "4.4.1", "lanMac": "7C:1E:B3:09:00:21", "model": "2N Indoor Touch 2.0",
    "sn": "52-3405-0077"}, "time": {"date": "1/2/26", "time": "8:00 AM"}}}"""
INFO = "/api/system/info"


async def test_an_indoor_touch_is_an_unsupported_product(serve: Serve, session: aiohttp.ClientSession) -> None:
    address = await serve({"/api/v1/status": says(INDOOR_TOUCH, "application/json")})
    with pytest.raises(UnsupportedProduct) as refused:
        await find_device(session, address)
    assert refused.value.product == "2N Indoor Touch 2.0"


@pytest.mark.parametrize(
    "handlers",
    [
        {},
        {"/": says("<html>router</html>")},
        {INFO: says("<html>login</html>")},
        {INFO: says("[]", "application/json")},
        {INFO: says("{}", "application/json")},
        {INFO: says('{"success": true}', "application/json")},
        {INFO: says('{"success": true, "result": {"deviceName": "NAS"}}', "application/json")},
        {INFO: says("", status=500), "/api/v1/status": says('{"data": {"device": 5}}', "application/json")},
        {"/api/v1/status": says("[", "application/json")},
    ],
)
async def test_another_server_is_a_wrong_device(
    handlers: Mapping[str, Handler], serve: Serve, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(WrongDevice):
        await find_device(session, await serve(handlers))


@pytest.mark.parametrize("challenge", ['Basic realm="router"', 'Digest realm="router", qop="auth", nonce="1"'])
async def test_no_password_is_sent_to_another_server(
    challenge: str, serve: Serve, session: aiohttp.ClientSession
) -> None:
    shown = []

    async def login(request: web.Request) -> web.Response:
        shown.append(request.headers.get("Authorization"))
        return web.Response(status=401, headers={"WWW-Authenticate": challenge}, text="<html>log in</html>")

    address = await serve({INFO: login})
    with pytest.raises(WrongDevice):
        await find_device(session, address, username="ha", password="ha-pass")
    assert not any(shown)


async def test_an_endless_error_response_leaves_no_connection(session: aiohttp.ClientSession) -> None:
    """The login is repeated before the body of the error arrives, and then the device disconnects."""
    challenge = (
        'HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nContent-Length: 9\r\n\r\n{'
    )
    answers = iter((challenge, "HTTP/1.1 100 x\r\n\r\nx"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, StopIteration):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(next(answers).encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        client = TwoNClient(HttpTransport(session, URL(f"http://{host}:{port}")), "ha", "ha-pass")
        with pytest.raises(UnexpectedReply):
            await TwoNDevice(client).switch.status()
        assert session.connector is not None
        assert not session.connector._acquired


async def test_an_invalid_chunk_ends_a_download(session: aiohttp.ClientSession) -> None:
    """After this much data, aiohttp keeps waiting for more."""
    capture = b"\xd4\xc3\xb2\xa1" + bytes(100_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for data in (head + b"%x\r\n%b" % (len(capture), capture), b"\r\nzz\r\n"):
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(1)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        device = TwoNDevice(TwoNClient(HttpTransport(session, URL(f"http://{host}:{port}"))))

        async def download() -> None:
            async with asyncio.timeout(60), device.capture.download() as stream:
                async for _ in stream.chunks():
                    pass

        with pytest.raises(ConnectionFailed):
            await download()
