"""Replies, errors and security of the 2N simulator (HTTP API 2, 3 and 4)."""

import asyncio
import base64
import hashlib
import re
import ssl

import aiohttp
import pytest

from tests.simulators.two_n import MODELS, Account, Auth, Connection, Privilege, Service, ServiceConfig

from .conftest import Api, Factory, digest


def authorization(
    challenge: str, uri: str, *, nc: int = 1, login: str = "ha:HTTP API:ha-pass", method: str = "GET"
) -> str:
    """Answer a challenge by hand (RFC 2617 3.2.2)."""
    nonce = re.search(r'nonce="([^"]+)"', challenge)[1]  # type: ignore[index]  # a missing nonce fails the test
    algorithm = re.search(r"algorithm=([\w-]+)", challenge)
    name = algorithm[1] if algorithm else "MD5"

    def h(text: str) -> str:
        return hashlib.new(name.replace("-", "").lower(), text.encode()).hexdigest()

    response = h(f"{h(login)}:{nonce}:{nc:08x}:c0ffee:auth:{h(f'{method}:{uri}')}")
    return (
        f'Digest username="ha", realm="HTTP API", nonce="{nonce}", uri="{uri}", algorithm={name}, '
        f'response="{response}", qop=auth, nc={nc:08x}, cnonce="c0ffee"'
    )


@pytest.mark.parametrize("model", MODELS)
async def test_info_needs_no_authentication(device: Factory, model: str) -> None:
    """HTTP API 5.1.1."""
    api = await device(model)
    async with aiohttp.request("GET", api.url("system/info")) as response:
        assert response.headers["Server"] == f"HIP{MODELS[model].info['swVersion']}"
        assert response.content_type == "application/json"
        info = (await response.json())["result"]
    assert info == MODELS[model].info
    assert ("macAddr" in info) is (model != "vario")


@pytest.mark.parametrize("model", MODELS)
async def test_the_uptime_does_not_follow_the_clock(device: Factory, model: str) -> None:
    api = await device(model, uptime=190_524)
    status = await api.result("system/status")
    assert status["upTime"] in (190_524, 190_525)
    api.sim.advance_clock(-3600)
    later = await api.result("system/status")
    assert status["systemTime"] - 3600 <= later["systemTime"] <= status["systemTime"] - 3598
    assert later["upTime"] - status["upTime"] <= 1


@pytest.mark.parametrize(
    ("model", "path", "code"),
    [
        ("verso", "nonsense", 2),
        ("verso", "switch", 2),
        ("verso", "display/caps", 1),
        ("verso", "io/doorbell", 2),
        ("verso", "cert/ca", 1),
        ("verso3", "io/doorbell", 1),
        ("verso3", "display/text", 1),
        ("indoor", "email/send", 1),
        ("access_unit", "audio/test", 1),
        ("verso", "dir/query", 3),
        ("vario", "dir/template", 2),
        ("vario", "system/caps", 2),
        ("vario", "phone/config", 2),
        ("access_unit", "camera/caps", 1),
        ("access_unit", "phone/status", 1),
        ("access_unit", "call/dial", 1),
        ("indoor", "camera/snapshot", 1),
        ("indoor", "switch/caps", 1),
    ],
)
async def test_functions_that_a_model_lacks_are_rejected(device: Factory, model: str, path: str, code: int) -> None:
    """HTTP API 2.3, codes 1, 2, and 3: before authentication, with HTTP 200."""
    api = await device(model)
    async with aiohttp.request("GET", api.url(path)) as response:
        assert response.status == 200
        body = await response.json()
    assert body["success"] is False
    assert body["error"]["code"] == code


async def test_the_digest_challenge_matches_the_recording(api: Api) -> None:
    """captures/digest_challenge.json."""
    async with aiohttp.request("GET", api.url("switch/caps")) as response:
        assert response.status == 401
        assert (await response.json())["error"]["code"] == 9
        header = response.headers["WWW-Authenticate"]
    assert re.fullmatch(r'Digest realm="HTTP API", qop="auth", nonce="\w+"', header)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_digest_rejects_replays_and_other_paths(device: Factory, algorithm: str) -> None:
    api = await device("verso", algorithm=algorithm)
    uri = "/api/switch/status?switch=1"
    async with aiohttp.ClientSession() as session:

        async def ask(header: str | None, target: str = "switch/status?switch=1") -> tuple[int, str]:
            headers = {"Authorization": header} if header else {}
            async with session.get(api.url(target), headers=headers) as response:
                return response.status, response.headers.get("WWW-Authenticate", "")

        _, challenge = await ask(None)
        assert (await ask(authorization(challenge, uri)))[0] == 200
        assert (await ask(authorization(challenge, uri, nc=2)))[0] == 200
        # The same counter again is a replay; another uri or password is no login at all.
        status, again = await ask(authorization(challenge, uri, nc=2))
        assert status == 401
        assert "stale=true" in again
        assert (await ask(authorization(challenge, uri, nc=3), "switch/status?switch=2"))[0] == 401
        status, again = await ask(authorization(challenge, uri, nc=4, login="ha:HTTP API:wrong"))
        assert status == 401
        assert "stale" not in again
        api.sim.expire_nonces()
        status, again = await ask(authorization(challenge, uri, nc=5))
        assert status == 401
        assert "stale=true" in again
        assert (await ask(authorization(again, uri)))[0] == 200
        api.sim.nonce_lifetime = 0
        assert (await ask(authorization(again, uri, nc=2)))[0] == 401


async def test_a_stray_401_is_sent_once(api: Api) -> None:
    """captures/errors.json: an isolated 401 with right credentials and an empty body."""
    await api.result("switch/caps")
    api.sim.stray_401()
    api.sim.clear_requests()
    await api.result("switch/caps")
    assert [request.status for request in api.sim.requests] == [401, 200]


@pytest.mark.parametrize(("wanted", "sent"), [(Auth.DIGEST, Auth.BASIC), (Auth.BASIC, Auth.DIGEST)])
async def test_wrong_scheme_gets_no_challenge(device: Factory, wanted: Auth, sent: Auth) -> None:
    """Code 8 comes with HTTP 200 (captures/errors.json)."""
    api = await device("verso", services={Service.SWITCH: ServiceConfig(auth=wanted)})
    headers = {
        Auth.BASIC: aiohttp.encode_basic_auth("ha", "ha-pass"),
        Auth.DIGEST: authorization('nonce="abc"', "/api/switch/caps"),
    }
    async with aiohttp.request("GET", api.url("switch/caps"), headers={"Authorization": headers[sent]}) as response:
        assert response.status == 200
        assert "WWW-Authenticate" not in response.headers
        assert (await response.json())["error"]["code"] == 8
    assert api.sim.requests[-1].authorization == sent.capitalize()


async def test_services_use_basic_or_no_authentication(device: Factory) -> None:
    services = {Service.SWITCH: ServiceConfig(auth=Auth.BASIC), Service.IO: ServiceConfig(auth=Auth.NONE)}
    api = await device("verso", services=services)

    async def status(path: str, name: str | None, password: str = "") -> int:
        headers = {"Authorization": aiohttp.encode_basic_auth(name, password)} if name else {}
        async with aiohttp.request("GET", api.url(path), headers=headers) as response:
            return response.status

    assert await status("switch/caps", None) == 401
    assert await status("switch/caps", "ha", "wrong") == 401
    assert await status("switch/caps", "ha", "ha-pass") == 200
    assert await status("io/caps", None) == 200
    assert await status("io/caps", "whoever", "cares") == 200
    api.sim.change_password("ha", "new")
    assert await status("switch/caps", "ha", "ha-pass") == 401
    assert await status("switch/caps", "ha", "new") == 200


async def test_a_service_can_be_disabled_or_require_tls(device: Factory) -> None:
    """Codes 4 and 7."""
    api = await device("verso")
    api.sim.disable("camera")
    assert await api.error("camera/caps") == (4, None)
    api.sim.enable("camera")
    api.sim.require_tls("camera")
    assert await api.error("camera/caps") == (7, None)
    assert api.sim.services[Service.CAMERA].connection is Connection.TLS
    async with (
        digest() as session,
        session.get(f"https://{api.sim.https_address}/api/camera/caps", ssl=False) as response,
    ):
        assert (await response.json())["success"]
    assert api.sim.requests[-1].scheme == "https"


@pytest.mark.parametrize(
    ("privilege", "path", "allowed"),
    [
        (Privilege.SWITCH_MONITORING, "switch/status", True),
        (Privilege.SWITCH_CONTROL, "switch/status", True),
        (Privilege.SWITCH_MONITORING, "switch/ctrl?switch=1&action=on", False),
        (Privilege.SWITCH_CONTROL, "switch/ctrl?switch=1&action=on", True),
        (Privilege.IO_MONITORING, "io/status", True),
        (Privilege.IO_MONITORING, "io/ctrl?port=relay1&action=on", False),
        (Privilege.MONITORING, "system/status", False),
        (Privilege.MONITORING, "system/time", True),
        (Privilege.PHONE_MONITORING, "call/dial?number=1", False),
        (Privilege.NONE, "camera/caps", False),
        (Privilege.NONE, "log/caps", True),
    ],
)
async def test_each_function_needs_its_privilege(
    device: Factory, privilege: Privilege, path: str, allowed: bool
) -> None:
    """Code 10 and the last column of the table of chapter 5."""
    api = await device("verso", accounts=[Account("ha", "ha-pass", privilege)])
    body = await api.get(path)
    assert body["success"] is allowed
    assert allowed or body["error"]["code"] == 10


async def test_guessing_passwords_is_logged(device: Factory) -> None:
    """LoginBlocked after five wrong logins within a minute (HTTP API 5.10.4)."""
    api = await device("verso", services={Service.SWITCH: ServiceConfig(auth=Auth.BASIC)})
    headers = {"Authorization": aiohttp.encode_basic_auth("ha", "guess")}
    for _ in range(5):
        assert not [event for event in api.sim.history if event.name == "LoginBlocked"]
        async with aiohttp.request("GET", api.url("switch/caps"), headers=headers) as response:
            assert response.status == 401
    assert api.sim.history[-1].name == "LoginBlocked"
    assert api.sim.history[-1].params == {"address": "127.0.0.1"}


async def test_the_last_parameter_wins(device: Factory) -> None:
    """HTTP API 2.2: query, form and multipart may be mixed."""
    api = await device("verso")
    assert (await api.get("switch/status?switch=1&switch=2"))["result"]["switches"][0]["switch"] == 2
    for data in ({"switch": "2"}, aiohttp.FormData({"switch": "2"}, default_to_multipart=True)):
        body = await api.send("POST", "switch/status?switch=1", data=data)
        assert body["result"]["switches"][0]["switch"] == 2


@pytest.mark.parametrize(("model", "refused"), [("verso", True), ("verso3", True), ("vario", False)])
async def test_post_without_a_body_depends_on_the_firmware(device: Factory, model: str, refused: bool) -> None:
    """captures/errors.json: firmware 2.50 requires a form (code 14)."""
    api = await device(model)
    body = await api.send("POST", "switch/caps")
    assert body["success"] is not refused
    if refused:
        assert body["error"] == {"code": 14, "description": "Unsupported Content-Type"}
        api.sim.post_refused = False
        assert (await api.send("POST", "switch/caps"))["success"]


async def test_basic_header_is_read_strictly(device: Factory) -> None:
    api = await device("verso", services={Service.SWITCH: ServiceConfig(auth=Auth.BASIC)})
    for text in ("!!!", base64.b64encode(b"no colon").decode(), ""):
        async with aiohttp.request(
            "GET", api.url("switch/caps"), headers={"Authorization": f"Basic {text}"}
        ) as response:
            assert response.status == 401


async def test_renew_certificate_changes_the_certificate(device: Factory) -> None:
    api = await device("verso")

    host, port = api.sim.https_address.split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    async def certificate() -> bytes | None:
        _, writer = await asyncio.open_connection(host, int(port), ssl=context)
        found: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
        return found

    first = await certificate()
    assert await certificate() == first
    api.sim.renew_certificate()
    assert await certificate() != first


async def test_old_units_know_tls_1_1_at_the_most(device: Factory, refused_handshakes: None) -> None:
    api = await device("verso", old_tls=True)
    host, port = api.sim.https_address.split(":")
    modern = ssl.create_default_context()
    modern.check_hostname, modern.verify_mode = False, ssl.CERT_NONE
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(host, int(port), ssl=modern)
    modern.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    modern.set_ciphers("DEFAULT:@SECLEVEL=0")
    _, writer = await asyncio.open_connection(host, int(port), ssl=modern)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.1"
    writer.transport.abort()


async def test_port_80_may_send_requests_on(device: Factory) -> None:
    api = await device("verso", location="https://{https}{path}")
    async with aiohttp.request(
        "GET", f"http://{api.sim.http_address}/api/system/info?x=1", allow_redirects=False
    ) as response:
        assert response.status == 302
        assert response.headers["Location"] == f"https://{api.sim.https_address}/api/system/info?x=1"


async def test_the_api_may_be_below_a_path(device: Factory) -> None:
    api = await device("verso", prefix="/gate")
    for path, content_type in (("/gate/api/system/info", "application/json"), ("/api/system/info", "text/html")):
        async with aiohttp.request("GET", f"http://{api.sim.http_address}{path}") as response:
            assert response.content_type == content_type


async def test_the_identity_can_be_set(device: Factory) -> None:
    api = await device("verso", identity={"macAddr": None, "serialNumber": "1"})
    info = await api.result("system/info")
    assert (info.get("macAddr"), info["serialNumber"]) == (None, "1")
