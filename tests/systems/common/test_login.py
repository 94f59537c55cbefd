"""Logins over HTTP, checked by an independent calculation; headers as small devices write them."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
import hashlib
import re

import aiohttp
from aiohttp import web
import pytest

from custom_components.ip_intercom.systems.common.errors import AuthenticationFailed
from custom_components.ip_intercom.systems.common.login import Login, challenges

USERNAME, PASSWORD = "jiří", 'p:"\\ä'
PATH = "/api/fcgi/do?action=Open%20Door&DoorNum=1"

type Ask = Callable[[Login], Awaitable[list[str]]]


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


def fields(answer: str) -> dict[str, str]:
    """Return the fields of an ``Authorization`` header."""
    found = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))', answer)
    return {name: re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in found}


@pytest.fixture
async def ask(socket_enabled: None) -> AsyncGenerator[Ask]:
    """Send two requests, and return their ``Authorization``."""
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        assert request.raw_path == PATH
        seen.append(request.headers.get("Authorization", ""))
        return web.Response()

    app = web.Application()
    app.router.add_get("/api/fcgi/do", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]

    async def send(login: Login) -> list[str]:
        seen.clear()
        async with aiohttp.ClientSession(middlewares=(login,)) as session:
            for _ in range(2):
                async with session.get(f"http://127.0.0.1:{port}{PATH}") as response:
                    assert response.status == 200
        return seen

    yield send
    await runner.cleanup()


def test_a_colon_in_the_user_name() -> None:
    with pytest.raises(AuthenticationFailed, match="colon"):
        Login("a:b", "c")


async def test_no_login_is_sent_before_a_challenge(ask: Ask) -> None:
    assert await ask(Login(USERNAME, PASSWORD)) == ["", ""]


async def test_a_basic_challenge_is_answered(ask: Ask) -> None:
    login = Login(USERNAME, PASSWORD)
    assert login.take('Basic realm="HTTP API"', "")
    assert await ask(login) == [f"Basic {b64encode(f'{USERNAME}:{PASSWORD}'.encode()).decode()}"] * 2


@pytest.mark.parametrize("qop", ["", ', qop="auth"', ', qop="auth,auth-int"', ", qop=auth"])
async def test_a_digest_challenge_is_answered(ask: Ask, qop: str) -> None:
    login = Login(USERNAME, PASSWORD)
    assert login.take(f'Digest realm="HTTP \\"API\\"", nonce="n=1", opaque="o,1"{qop}', "")
    for number, answer in enumerate(await ask(login), 1):
        given = fields(answer)
        between = ["n=1"]
        if qop:
            assert (given["qop"], given["nc"]) == ("auth", f"{number:08x}")
            between += [given["nc"], given["cnonce"], "auth"]
        secret = md5(USERNAME, 'HTTP "API"', PASSWORD)
        assert given["response"] == md5(secret, *between, md5("GET", PATH))
        assert (given["username"], given["realm"], given["nonce"]) == (USERNAME, 'HTTP "API"', "n=1")
        assert (given["uri"], given["opaque"]) == (PATH, "o,1")
        # The hash is named even if the device does not name it.
        assert given["algorithm"] == "MD5"


async def test_an_empty_opaque_is_not_returned(ask: Ask) -> None:
    login = Login(USERNAME, PASSWORD)
    assert login.take('Digest realm="r", nonce="n", opaque=""', "")
    assert "opaque" not in (await ask(login))[0]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('Basic realm="a", Digest realm="b", nonce="n"', ["digest b", "basic a"]),
        ('Digest realm="a", nonce="n", Basic realm="b"', ["digest a", "basic b"]),
        ('Bearer realm="a", digest realm="b", nonce="n", algorithm=sha-256', ["digest b"]),
        ('Digest realm="a", nonce="n", algorithm="MD5"', ["digest a"]),
        # As small devices write it: no quotes, a word that means nothing, a value that is missing.
        ("Digest realm=HTTP API, nonce=n, qop=auth", ["digest HTTP API"]),
        ("BASIC realm=HTTP API", ["basic HTTP API"]),
        ('Digest realm="a", stale, nonce="n"', ["digest a"]),
        ('Digest realm="a", opaque=, nonce="n"', ["digest a"]),
        ('Digest realm = "a" , nonce = "n" ,', ["digest a"]),
        ("Basic x", ["basic "]),
        ("Digest realm=a nonce=n", ["digest a"]),
        ('Digest realm="a"', []),
        ('Digest realm="a", nonce="n", qop="auth-int"', []),
        ('Digest realm="a", nonce="n", algorithm=SHA-999', []),
        ('Bearer realm="a"', []),
        ("Basic", ["basic "]),
        ("", []),
    ],
)
def test_supported_challenges_are_read_in_order(header: str, found: list[str]) -> None:
    assert [f"{challenge.scheme} {challenge.realm}" for challenge in challenges(header)] == found


def test_a_login_is_repeated_only_for_a_new_challenge() -> None:
    """A device locks out an address that repeats a wrong password."""
    login, first, second = Login("a", "b"), 'Digest realm="r", nonce="1"', 'Digest realm="r", nonce="2"'
    assert [login.take(first, ""), login.take(first, "Digest"), login.take(second, "Digest")] == [True, False, True]
    assert [login.take('Basic realm="r"', sent) for sent in ("Digest", "Basic", "")] == [True, False, True]
    assert [login.take('Bearer realm="r"', ""), Login("", "").take(first, "")] == [False, False]
