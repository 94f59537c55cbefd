"""Finding the server at a typed address."""

from collections.abc import AsyncGenerator
from hashlib import sha256

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    IntercomError,
    SecureConnectionRequired,
    ServerBroken,
    TlsRefused,
    WrongDevice,
)
from custom_components.ip_intercom.systems.smartyard.client import find
from tests.simulators.smartyard import Breakage, Dialect, Simulator

from .conftest import Server


@pytest.fixture
async def secure() -> AsyncGenerator[Simulator]:
    async with Simulator(https=True) as simulator:
        yield simulator


@pytest.mark.parametrize("typed", ["{address}", "https://{address}", " {address}/mobile ", "https://{address}/mobile/"])
async def test_a_typed_https_address_is_found(secure: Simulator, session: aiohttp.ClientSession, typed: str) -> None:
    yard, fingerprint = await find(session, typed.format(address=secure.address), verify=False, pinned=None)
    assert yard.transport.base == URL(f"https://{secure.address}/mobile")
    assert fingerprint is not None
    assert len(fingerprint) == sha256().digest_size
    assert await yard.login.phone_pattern() == "7 (###) ###-##-##"
    # The same certificate again.
    await find(session, secure.address, verify=False, pinned=fingerprint.hex())


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("with_path", [True, False])
async def test_both_kinds_of_servers_are_found(
    session: aiohttp.ClientSession, dialect: Dialect, with_path: bool
) -> None:
    async with Simulator(dialect) as sim:
        yard, fingerprint = await find(session, sim.url if with_path else sim.origin, verify=True, pinned=None)
        assert (str(yard.transport.base), fingerprint) == (sim.url, None)
        assert {request.authorization for request in sim.requests} == {None}
        assert {request.function for request in sim.requests if request.status == 200} == {"/user/phonePattern"}


async def test_another_certificate_than_the_pinned_one_is_an_error(
    secure: Simulator, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(CertificateChanged):
        await find(session, secure.address, verify=False, pinned="00" * 32)
    assert secure.requests == []


async def test_an_unverified_certificate_is_an_error(secure: Simulator, session: aiohttp.ClientSession) -> None:
    with pytest.raises(CertificateInvalid):
        await find(session, secure.address, verify=True, pinned=None)
    assert secure.requests == []


async def test_http_only_where_it_was_typed(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        with pytest.raises(TlsRefused):
            await find(session, sim.address, verify=False, pinned=None)
        assert sim.requests == []
        with pytest.raises(ConnectionFailed):
            await find(session, sim.url, verify=False, pinned="00" * 32)
        assert sim.requests == []
        await find(session, sim.url, verify=False, pinned=None)


async def test_only_a_typed_path_is_tried(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        with pytest.raises(WrongDevice):
            await find(session, f"{sim.origin}/other", verify=False, pinned=None)
        assert {request.path.split("/")[1] for request in sim.requests} == {"other"}


async def test_an_unreachable_server_is_an_error(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    for scheme in ("", "http://"):
        with pytest.raises(ConnectionFailed):
            await find(session, f"{scheme}127.0.0.1:{unused_tcp_port}", verify=False, pinned=None)


@pytest.mark.parametrize("address", ["", "  ", "https://", "ftp://host/mobile", "https://me:secret@host/mobile"])
async def test_an_invalid_address_is_an_error(session: aiohttp.ClientSession, address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        await find(session, address, verify=False, pinned=None)


@pytest.mark.parametrize("how", [Breakage.REDIS, Breakage.NAMELESS, Breakage.EMPTY])
async def test_a_broken_server_is_an_error(session: aiohttp.ClientSession, how: Breakage) -> None:
    async with Simulator() as sim:
        sim.break_server(how)
        with pytest.raises(ServerBroken):
            await find(session, sim.origin, verify=False, pinned=None)
        sim.mend_server()
        await find(session, sim.origin, verify=False, pinned=None)


async def test_the_second_server_is_found_without_a_phone_pattern(
    server: Server, session: aiohttp.ClientSession
) -> None:
    """It rejects requests without a token like the first server."""
    unknown = {"error": "пользователь не найден"}
    refusal = {"code": 422, "name": "Отсутствует токен авторизации", "message": "Отсутствует токен авторизации"}
    server.respond("/api/user/phonePattern", unknown, status=404)
    server.respond("/api/user/ping", refusal, status=422)
    yard, _ = await find(session, str(server.url.origin()), verify=False, pinned=None)
    assert yard.transport.base == server.url.with_path("/api")


@pytest.mark.parametrize(
    ("status", "content", "content_type"),
    [
        (200, "<!doctype html><html></html>", "text/html"),
        (200, {"code": 200, "data": {"a": 1}}, "application/json"),
        (200, {"code": 200}, "application/json"),
        (200, None, "text/html"),
        (204, None, "text/html"),
        (401, "<html></html>", "text/html"),
        (403, {"code": 403, "name": "a", "message": "b"}, "application/json"),
        (404, {"code": 404, "name": "a", "message": "b"}, "application/json"),
        (404, "<html></html>", "text/html"),
        (405, None, "text/html"),
        (302, None, "text/html"),
    ],
)
async def test_another_server_is_a_wrong_device_and_gets_no_token(
    server: Server, session: aiohttp.ClientSession, status: int, content: object, content_type: str
) -> None:
    for path in ("/mobile", "/api"):
        server.respond(f"{path}/user/phonePattern", content, status=status, content_type=content_type)
        server.respond(f"{path}/user/ping", {"code": 404, "name": "a", "message": "b"}, status=404)
    with pytest.raises(WrongDevice) as raised:
        await find(session, str(server.url.origin()), verify=False, pinned=None)
    assert type(raised.value) is WrongDevice
    assert {"Authorization"} & {name for asked in server.asked for name in asked.headers} == set()


async def test_a_redirect_to_https_is_an_error(server: Server, session: aiohttp.ClientSession) -> None:
    headers = {"Location": "https://elsewhere.test/mobile/user/phonePattern"}
    server.respond("/mobile/user/phonePattern", status=301, headers=headers)
    with pytest.raises(SecureConnectionRequired):
        await find(session, str(server.url.origin()), verify=False, pinned=None)


async def test_an_oversized_response_is_an_error(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        for path in ("/mobile", "/api"):
            sim.garbage(f"{path}/user/phonePattern", "huge")
        with pytest.raises(IntercomError):
            await find(session, sim.origin, verify=False, pinned=None)
