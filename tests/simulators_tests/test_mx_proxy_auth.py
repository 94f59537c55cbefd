"""Tokens, and general responses of the server."""

from base64 import urlsafe_b64decode
import gzip
import json
import time

import pytest

from tests.simulators.mx_proxy import LOGIN, MX, Outage

from .conftest import MxFactory
from .mx_proxy_api import CLIENT

BASIC = 'Basic realm="MXProxy client application"'


async def test_a_login_returns_a_signed_token(mx: MxFactory) -> None:
    api = await mx(logged_in=False)
    response, content = await api.try_login()
    assert response.status == 200
    assert response.headers["Server"] == "MXProxy/2.1"
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    token = content.pop("access_token")
    assert content == {"token_type": "Bearer", "expires_in": 3600}
    head, claims, signature = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    assert json.loads(head)["alg"] == "ES256"
    body = json.loads(claims)
    assert body["sub"] == LOGIN
    assert body["exp"] - body["iat"] == 3610
    assert abs(body["exp"] - 3600 - time.time()) < 30
    assert len(signature) == 64


async def test_the_account_is_returned(mx: MxFactory) -> None:
    api = await mx()
    assert await api.get("/auth") == {
        "mx": MX,
        "ext": "3107",
        "jid": "43884851900310701",
        "softPhonePwd": "Zk81vTnQ0pLr5xWd7MbY",
    }


@pytest.mark.parametrize(
    ("form", "status", "text"),
    [
        ({"secret": "x"}, 403, "bad client-id or app secret"),
        ({"client": "other"}, 403, "bad client-id or app secret"),
        ({"grant_type": "refresh_token"}, 403, "bad grant_type"),
        ({"password": "wrong"}, 401, "Unauthorized"),
        ({"username": "nobody"}, 401, "Unauthorized"),
    ],
)
async def test_an_invalid_login_is_rejected(mx: MxFactory, form: dict[str, str], status: int, text: str) -> None:
    api = await mx(logged_in=False)
    response, content = await api.try_login(**form)
    assert (response.status, content) == (status, {"error": text})
    assert "WWW-Authenticate" not in response.headers


async def test_a_login_without_an_application_is_rejected(mx: MxFactory) -> None:
    api = await mx(logged_in=False)
    response, body = await api.raw("POST", "/auth", data={"grant_type": "password"})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == BASIC
    assert json.loads(body) == {"error": "unauthorized"}


async def test_the_mx_rejects_a_login(mx: MxFactory) -> None:
    api = await mx(logged_in=False)
    api.sim.accept_password(False)
    response, content = await api.try_login()
    assert (response.status, content) == (403, {"error": "Wrong password"})
    api.sim.accept_password()
    api.sim.provision(False)
    response, content = await api.try_login()
    assert (response.status, content) == (403, {"error": "mx provisioning is not configured"})


@pytest.mark.parametrize(
    ("outage", "status"),
    [(Outage.UNREACHABLE, 503), (Outage.TIMEOUT, 504), (Outage.PROVISIONING, 502), (Outage.NO_TLS, 403)],
)
async def test_an_unreachable_mx_sets_the_status_of_requests_and_logins(
    mx: MxFactory, outage: Outage, status: int
) -> None:
    api = await mx()
    api.sim.break_mx(outage)
    assert await api.error("GET", "/contacts") == (401, "active mx connection unavailable")
    response, content = await api.try_login()
    assert response.status == status
    assert list(content) == ["error"]
    api.sim.mend_mx()
    await api.login()
    await api.get("/contacts")


async def test_changed_secrets_apply_at_the_next_login(mx: MxFactory) -> None:
    """Changed secrets apply at the next login."""
    api = await mx()
    api.sim.set_secret(CLIENT, "new")
    api.sim.change_password("new-pass")
    await api.get("/auth")
    assert (await api.try_login())[0].status == 403
    assert (await api.try_login(secret="new"))[0].status == 401
    assert (await api.try_login(secret="new", password="new-pass"))[0].status == 200


async def test_an_expired_token_is_rejected(mx: MxFactory) -> None:
    api = await mx()
    old = api.token
    api.sim.expire_tokens()
    assert await api.error("GET", "/auth") == (401, "invalid token: token is expired")
    await api.login()
    await api.get("/auth")
    assert (await api.error("GET", "/auth", token=old))[0] == 401
    api.sim.set_token_ttl(60)
    assert (await api.try_login())[1]["expires_in"] == 60


async def test_a_token_of_another_key_is_rejected(mx: MxFactory) -> None:
    api = await mx()
    head, _, signature = api.token.split(".")
    forged = f"{head}.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6ImJlbiJ9.{signature}"
    assert await api.error("GET", "/auth", token=forged) == (401, "invalid token: invalid signature")
    assert (await api.error("GET", "/auth", token="abc"))[0] == 401
    api.sim.rotate_key()
    assert (await api.error("GET", "/auth"))[0] == 401


async def test_a_login_restores_a_lost_link(mx: MxFactory) -> None:
    """Any login restores the link, and old tokens work again."""
    api = await mx()
    old = api.token
    api.sim.drop_link()
    assert (await api.error("GET", "/auth"))[0] == 401
    await api.login()
    await api.send("GET", "/auth", token=old)


async def test_logout_uses_the_undocumented_path(mx: MxFactory) -> None:
    """The path of the manual does not exist."""
    api = await mx()
    assert await api.error("DELETE", "/auth/logout") == (404, "not found")
    assert await api.send("DELETE", "/auth") == {"userLogout": LOGIN}
    assert await api.error("GET", "/auth") == (401, "active mx connection unavailable")
    assert await api.error("DELETE", "/auth") == (401, "active mx connection unavailable")
    await api.login()
    await api.get("/auth")


async def test_logout_may_use_the_documented_path(mx: MxFactory) -> None:
    api = await mx()
    api.sim.document_logout()
    assert await api.send("DELETE", "/auth/logout") == {"userLogout": LOGIN}
    assert (await api.error("GET", "/auth"))[0] == 401


async def test_a_restart_ends_tokens_and_keeps_links(mx: MxFactory) -> None:
    """A restart ends tokens, not links."""
    api = await mx()
    await api.send("PUT", f"/tokens/fcm/com.example.ha/{'A' * 32}")
    call = api.sim.incoming_call("3190")
    await api.sim.restart()
    assert (await api.error("GET", "/auth"))[0] == 401
    assert api.sim.state()["links"] == [LOGIN]
    await api.login()
    assert (await api.error("GET", f"/calls/{call}"))[0] == 404
    await api.send("DELETE", f"/tokens/fcm/com.example.ha/{'A' * 32}")


async def test_accounts_have_separate_calls_and_links(mx: MxFactory) -> None:
    api = await mx()
    api.sim.drop_link()
    await api.login("ben@office.test", "pbx-ben")
    assert (await api.get("/auth"))["ext"] == "3108"
    assert await api.get("/calls") == {"callLog": None}
    call = api.sim.incoming_call("3190")
    assert (await api.error("GET", f"/calls/{call}"))[0] == 404
    assert await api.error("PUT", f"/calls/{call}/hold") == (500, "invalidCallIdentifier")


# ---- Paths, methods, bodies ----


async def test_unknown_paths_and_methods_are_rejected(mx: MxFactory) -> None:
    api = await mx()
    for method, path in (
        ("GET", "/nope"),
        ("GET", "/"),
        ("GET", "/nope/"),
        ("DELETE", "/contacts"),
        ("PATCH", "/conferences"),
        ("GET", "/calls/1/hold"),
        ("PUT", "/tokens/fcm/com.example.ha"),
    ):
        assert await api.error(method, path) == (404, "not found")
    assert (await api.raw("HEAD", "/contacts"))[0].status == 405
    assert await api.error("OPTIONS", "/contacts") == (405, "method not allowed")
    assert await api.error("OPTIONS", "/nope") == (404, "not found")


@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("POST", 308), ("PUT", 308)])
async def test_a_trailing_slash_is_redirected(mx: MxFactory, method: str, status: int) -> None:
    api = await mx()
    response, body = await api.raw(method, "/contacts/")
    assert response.status == status
    assert response.headers["Location"] == "/contacts"
    assert json.loads(body) == {"code": status, "location": "/contacts"}


async def test_responses_are_compressed_on_request(mx: MxFactory) -> None:
    """Indented and with a line feed at the end, as Go writes it."""
    api = await mx()
    response, plain = await api.raw("GET", "/conferences/info", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in response.headers
    assert plain.startswith(b'{\n    "conferences": {\n        "ext": "3900",')
    assert plain.endswith(b"    }\n}\n")
    assert rb"http://\u003cinsert your domain name here\u003e/join" in plain
    api.session._auto_decompress = False
    response, packed = await api.raw("GET", "/conferences/info", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain


@pytest.mark.parametrize(
    ("body", "content_type", "status", "text"),
    [
        (b'{"remote": false}', "", 400, "empty content type"),
        (b'{"remote": false}', "text/plain", 400, "unsupported content type"),
        (b'{"remote":', "application/json", 500, "unexpected EOF"),
        (b'{"device": "de', "application/json", 500, "unexpected EOF"),
        (b"", "application/json", 500, "EOF"),
        (b'{"remote": x}', "application/json", 500, "invalid character 'x' looking for beginning of value"),
        (
            b'{"remote": true,}',
            "application/json",
            500,
            "invalid character '}' looking for beginning of object key string",
        ),
        (b"[]", "application/json", 500, "json: cannot unmarshal array into Go value of type struct"),
        (
            b'{"ringDelay": "1"}',
            "application/json",
            500,
            "json: cannot unmarshal string into Go struct field .ringDelay of type int64",
        ),
    ],
)
async def test_invalid_bodies_are_rejected(
    mx: MxFactory, body: bytes, content_type: str, status: int, text: str
) -> None:
    """An invalid body is a server error."""
    api = await mx()
    headers = {"Content-Type": content_type} if content_type else {}
    kwargs = {} if content_type else {"skip_auto_headers": ["Content-Type"]}
    assert await api.error("PATCH", "/calls", data=body, headers=headers, **kwargs) == (status, text)
