"""How requests are sent: their headers, how many at a time, and none twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.ip_intercom.systems.common.errors import ConnectionFailed, UnexpectedReply
from custom_components.ip_intercom.systems.smartyard.client import SmartYard
from custom_components.ip_intercom.systems.smartyard.client.client import MAX_QUERIES
from tests.common import until

from .conftest import TOKEN, Server

COMMANDS: list[tuple[str, Callable[[SmartYard], Awaitable[Any]]]] = [
    ("address/openDoor", lambda y: y.address.open_door("1")),
    ("address/resetCode", lambda y: y.address.reset_code("1")),
    ("inbox/alert", lambda y: y.inbox.alert("a", "inbox")),
    ("user/requestCode", lambda y: y.login.request_code("79123456781")),
]


async def test_requests_carry_token_language_and_system_info(server: Server, yard: SmartYard) -> None:
    server.respond("/mobile/user/ping", status=204)
    await yard.user.ping()
    [asked] = server.asked
    assert asked.method == "POST"
    assert asked.values == {}
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert (asked.headers["Accept-Language"], asked.headers["X-System-Info"]) == ("en", "a,b,c,d")
    assert "X-Dm-Api-Refresh" not in asked.headers


async def test_a_refresh_bypasses_the_cache(server: Server, yard: SmartYard) -> None:
    server.respond("/mobile/address/getAddressList", status=204)
    assert await yard.address.houses(refresh=True) == ()
    assert "X-Dm-Api-Refresh" in server.asked[0].headers


@pytest.mark.parametrize("path", ["/mobile", "/mobile/", "/", "", "/a b/ü"])
async def test_requests_use_the_base_path(server: Server, session: aiohttp.ClientSession, path: str) -> None:
    prefix = path.rstrip("/")
    server.respond(f"{prefix}/user/ping", status=204)
    server.respond(f"{prefix}/call/camshot/abc", b"\xff\xd8", content_type="image/jpeg")
    yard = server.yard(session, path=path)
    await yard.user.ping()
    assert await yard.images.camshot("abc") == b"\xff\xd8"


@pytest.mark.parametrize(("path", "command"), COMMANDS)
async def test_a_command_is_sent_once(
    server: Server, yard: SmartYard, path: str, command: Callable[[SmartYard], Awaitable[Any]]
) -> None:
    """This includes a kept connection that breaks."""
    server.respond("/mobile/user/ping", status=204)
    await yard.user.ping()

    server.breaks(f"/mobile/{path}")
    with pytest.raises(ConnectionFailed):
        await command(yard)
    assert [asked.path for asked in server.asked[1:]] == [f"/mobile/{path}"]


async def test_the_number_of_parallel_requests_is_limited(server: Server, yard: SmartYard) -> None:
    go = asyncio.Event()
    waiting = 0
    most = 0

    async def answer() -> web.StreamResponse:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await go.wait()
        waiting -= 1
        return web.Response(status=204)

    server.respond_with("/mobile/user/ping", answer)
    asked = [asyncio.ensure_future(yard.user.ping()) for _ in range(3 * MAX_QUERIES)]
    await until(lambda: waiting == MAX_QUERIES, "the number of requests")
    go.set()
    await asyncio.gather(*asked)
    assert most == MAX_QUERIES
    assert len(server.asked) == 3 * MAX_QUERIES


async def test_a_picture_does_not_wait_for_lists(server: Server, yard: SmartYard) -> None:
    go = asyncio.Event()

    async def answer() -> web.StreamResponse:
        await go.wait()
        return web.Response(status=204)

    server.respond_with("/mobile/user/ping", answer)
    server.respond("/mobile/call/camshot/abc", b"\xff\xd8", content_type="image/jpeg")
    asked = [asyncio.ensure_future(yard.user.ping()) for _ in range(MAX_QUERIES)]
    await until(lambda: len(server.asked) == MAX_QUERIES, "the number of requests")
    assert await yard.images.camshot("abc") == b"\xff\xd8"
    go.set()
    await asyncio.gather(*asked)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(server: Server, yard: SmartYard, status: int) -> None:
    server.respond("/mobile/address/openDoor", status=status, headers={"Location": str(server.url / "other")})
    with pytest.raises(UnexpectedReply):
        await yard.address.open_door("1")
    assert [asked.path for asked in server.asked] == ["/mobile/address/openDoor"]


async def test_an_oversized_response_is_an_error(
    server: Server, yard: SmartYard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.smartyard.client.client.MAX_REPLY", 1000)
    server.respond_data("/mobile/ext/options", {"chat": "t" * 1000})
    with pytest.raises(UnexpectedReply):
        await yard.ext.options()


async def test_an_unreachable_server_is_an_error(
    server: Server, session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    server.url = server.url.with_port(unused_tcp_port)
    with pytest.raises(ConnectionFailed):
        await server.yard(session).user.ping()
