"""Requests, replies and authentication (HTTP API Request to HTTP API Authentication Method)."""

import asyncio
import json

import aiohttp
import pytest

from tests.simulators.akuvox import DIALECTS, Auth

from .akuvox_api import basic, login, outcome, tls
from .conftest import AkuvoxFactory

INFO = "/api/system/info"


async def plain(url: str, **kwargs: object) -> tuple[int, list[str], bytes]:
    """Ask without a login; gives status, challenges and body."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls())) as session,
        session.get(url, allow_redirects=False, **kwargs) as response,  # type: ignore[arg-type]  # any keyword
    ):
        return response.status, response.headers.getall("WWW-Authenticate", []), await response.read()


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_system_info_identifies_the_device(akuvox: AkuvoxFactory, dialect: str) -> None:
    api = await akuvox(dialect)
    status = (await api.get("system/info"))["data"]["Status"]
    facts = DIALECTS[dialect]
    assert status == {
        "FirmwareVersion": facts.firmware,
        "HardwareVersion": facts.hardware,
        "MAC": facts.mac,
        "Model": facts.model,
    }


async def test_a_post_needs_target_and_action(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    bare = await api.send("POST", "/api/relay/set", json={"Config.DoorSetting.RELAY.HoldDelayA": "8"})
    assert bare == {"retcode": -1, "action": "unknow", "message": "unsupport action"}
    right = {"target": "system", "action": "status"}
    assert (await api.send("POST", "/api/system/status", json=right))["retcode"] == 0
    text = await api.send("POST", "/api/", data=json.dumps(right), headers={"Content-Type": "text/plain"})
    assert text["retcode"] == 0
    assert outcome(await api.send("POST", "/api/", data=b"{")) == (-1, "unsupport action")


async def test_get_is_refused_where_only_post_is_listed(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    assert outcome(await api.get("relay/set", **{"Config.DoorSetting.RELAY.HoldDelayA": "9"}))[0] == -1
    assert api.sim.config["Config.DoorSetting.RELAY.HoldDelayA"] == "5"


async def test_responses_contain_the_misprints_of_the_manual(akuvox: AkuvoxFactory) -> None:
    """Devices reply with the misprints of the examples in the manual."""
    api = await akuvox()
    assert (await api.get("doorlog/get"))["action"] == "upgrade"
    assert (await api.get("user/get"))["action"] == "info"
    assert (await api.post("user", "scan"))["action"] == "scam"
    added = await api.get("contact/add", name="Johnson", phone="110")
    assert added == {
        "retcode": 0,
        "action": 0,
        "message": "OK",
        "data": {"id": 1, "name": "Johnson", "phone": "110"},
    }


# ---- Authentication ----


async def test_authentication_can_be_off(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(auth=Auth.NONE)
    assert (await plain(api.base + INFO))[0] == 200


async def test_a_disabled_api_responds_with_403(akuvox: AkuvoxFactory) -> None:
    """Disabled: every request gets 403."""
    api = await akuvox(auth=Auth.NONE)
    api.sim.enable_api(False)
    assert await plain(api.base + INFO) == (403, [], b"")


async def test_the_whitelist_rejects_other_addresses(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(auth=Auth.WHITELIST, whitelist=["192.168.1.5"])
    assert await plain(api.base + INFO, headers=basic()) == (403, [], b"")
    api.sim.set_whitelist("192.168.1.5", "127.0.0.1")
    assert (await plain(api.base + INFO))[0] == 200


@pytest.mark.parametrize("auth", [Auth.NORMAL, Auth.TOKEN])
async def test_reserved_modes_reject_every_login(akuvox: AkuvoxFactory, auth: Auth) -> None:
    api = await akuvox(auth=auth)
    assert await plain(api.base + INFO, headers=basic()) == (403, [], b"")


async def test_basic_authentication_checks_the_password(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(auth=Auth.BASIC)
    assert await plain(api.base + INFO) == (401, ['Basic realm="HTTP API"'], b"")
    assert (await plain(api.base + INFO, headers=basic(password="admin")))[0] == 401
    assert (await plain(api.base + INFO, headers=basic()))[0] == 200


@pytest.mark.parametrize("auth", [Auth.DIGEST, Auth.DIGEST_SERVER])
async def test_digest_authentication_checks_the_password(akuvox: AkuvoxFactory, auth: Auth) -> None:
    """The realm differs from the manual, and auth-int is offered."""
    api = await akuvox(auth=auth)
    status, [challenge], _ = await plain(api.base + INFO, headers=basic())
    assert status == 401
    assert challenge.startswith('Digest realm="HTTP API", qop="auth,auth-int", nonce="')
    assert 'opaque="' in challenge
    assert (await api.post("system", "status"))["retcode"] == 0
    async with login(api.sim, password="wrong") as session, session.get(api.base + INFO) as response:
        assert response.status == 401


async def test_both_kinds_of_authentication_can_be_offered(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(auth=Auth.BASIC_DIGEST)
    _, challenges, _ = await plain(api.base + INFO)
    assert [challenge.partition(" ")[0] for challenge in challenges] == ["Digest", "Basic"]
    assert (await plain(api.base + INFO, headers=basic()))[0] == 200
    assert (await api.get("system/info"))["retcode"] == 0


async def test_factory_settings_reject_every_address(akuvox: AkuvoxFactory) -> None:
    """AuthMode 2 with an empty list."""
    api = await akuvox(speed=1000)
    assert outcome(await api.get("config/reset_factory")) == (0, "OK")
    await asyncio.sleep(0.1)
    await api.sim.wait_until_up()
    assert (await plain(api.base + INFO))[0] == 403


async def test_an_expired_nonce_is_renewed(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    assert (await api.get("system/info"))["retcode"] == 0
    api.sim.expire_nonces()
    async with api.session.get(api.base + INFO) as response:
        assert response.status == 200
    assert [request.status for request in api.sim.requests] == [401, 200, 401, 200]


# ---- What is peculiar to a device ----


async def test_e18_spoils_replies_that_come_too_close(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e18")

    async def body() -> bytes:
        return (await api.raw("GET", "/api/relay/status"))[1]

    whole = await body()
    assert whole.endswith(b"\r\n\x00\xff\xfe")
    assert json.JSONDecoder().raw_decode(whole.decode("utf-8", "replace"))[0]["retcode"] == 0
    assert not (await body()).startswith(whole[:80])
    await asyncio.sleep(0.26)
    assert await body() == whole


async def test_e18_spoils_parallel_replies(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e18", auth=Auth.NONE)
    await asyncio.gather(*(api.raw("GET", "/api/system/status") for _ in range(3)))
    assert [request.spoiled for request in api.sim.requests] == [True] * 3


async def test_e18_executes_commands_with_spoiled_replies(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e18", auth=Auth.NONE)
    trig = {"mode": 0, "level": 0, "delay": 5}
    await asyncio.gather(*(api.raw("GET", "/api/relay/trig", params={**trig, "num": number}) for number in (1, 2)))
    assert api.sim.relay_status() == {"A": True, "B": True, "SA": False}


async def test_e18_answers_in_latin_1(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e18")
    _, body = await api.raw("GET", "/api/config/get")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert b'"Eingang S\xfcd"' in body


async def test_e18_answers_once_on_a_connection(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e18", auth=Auth.NONE)
    reader, writer = await asyncio.open_connection(*api.sim.http_address.split(":"))
    request = b"GET /api/system/status HTTP/1.1\r\nHost: door\r\n\r\n"
    writer.write(request)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await asyncio.sleep(0.3)
    writer.write(request)
    with pytest.raises(ConnectionError):
        await reader.read()
    writer.close()


async def test_e18_has_old_tls(akuvox: AkuvoxFactory, refused_handshakes: None) -> None:
    api = await akuvox("e18")
    url = f"https://{api.sim.https_address}{INFO}"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorSSLError):
            await session.get(url, ssl=tls(level=2))
    assert (await plain(url))[0] == 401


async def test_e16c_sets_one_key_a_request_by_get(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e16c")
    key, other = "Config.Features.ACTIONURL.MakeCall", "Config.Features.ACTIONURL.HangUp"
    assert outcome(await api.post("config", "set", {key: "http://a/"})) == (-1, "unsupport action")
    assert outcome(await api.get("config/set", **{key: "http://a/?x=1&y=$remote", other: "http://b/"})) == (0, "OK")
    assert api.sim.config[key] == "http://a/?x=1&y=$remote"
    assert api.sim.config[other] == ""


async def test_e16c_sends_http_to_https(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e16c")
    async with api.session.get(f"http://{api.sim.http_address}{INFO}?a=b", allow_redirects=False) as response:
        assert response.status == 308
        assert response.headers["Location"] == f"https://{api.sim.https_address}{INFO}?a=b"


async def test_an_e16c_rejects_more_than_two_requests_at_once(akuvox: AkuvoxFactory) -> None:
    """More than two requests at once."""
    api = await akuvox("e16c")
    answers = await asyncio.gather(*(api.raw("GET", INFO) for _ in range(4)))
    assert 503 in {status for status, _ in answers}


async def test_r29_sends_http_to_its_web_app(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    async with api.session.get(f"http://{api.sim.http_address}{INFO}") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
    assert (await api.get("system/info"))["retcode"] == 0


async def test_an_r29_rejects_frequent_requests(akuvox: AkuvoxFactory) -> None:
    """401 without a challenge, although no password is needed."""
    api = await akuvox("r29")
    statuses = [(await api.raw("GET", INFO))[0] for _ in range(11)]
    assert statuses == [200] * 10 + [401]
    await asyncio.sleep(1.1)
    assert (await api.raw("GET", INFO))[0] == 200


async def test_throttling_responds_like_a_wrong_password(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29", auth=Auth.BASIC)
    for _ in range(10):
        await api.raw("GET", INFO)
    status, challenges, _ = await plain(api.base + INFO, headers=basic())
    assert (status, challenges) == (401, ['Basic realm="HTTP API"'])


async def test_it83_has_no_relays_in_its_api(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("it83")
    expected = {"retcode": -1, "action": "unknow", "message": "No hanlders for this request"}
    assert await api.get("relay/status") == expected
    assert await api.post("relay", "trig", {"mode": 0, "num": 1, "level": 0, "delay": 5}) == expected


# ---- The network ----


async def test_a_disconnected_device_does_not_respond(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    api.sim.lose_connection()
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.get("system/info")
    await api.sim.restore_connection()
    assert (await api.get("system/info"))["retcode"] == 0


async def test_garbage_and_a_stray_401_are_sent_once(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(auth=Auth.NONE)
    api.sim.garbage("system/info", "html", times=1)
    assert (await api.raw("GET", INFO))[1].startswith(b"<!DOCTYPE html>")
    api.sim.stray_401()
    assert (await api.raw("GET", INFO))[0] == 401
    assert (await api.raw("GET", INFO))[0] == 200


async def test_a_reboot_resets_the_relays(akuvox: AkuvoxFactory) -> None:
    """The device replies and restarts: relays and calls are reset, the configuration is kept."""
    api = await akuvox("r29", speed=200)
    await api.data("relay", "trig", mode=1, num=1, level=0, delay=0)
    reply = await api.get("system/reboot")
    assert reply == {"retcode": 0, "action": "status", "message": "OK"}
    await asyncio.sleep(0.08)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.get("system/info")
    await api.sim.wait_until_up()
    assert (await api.get("system/status"))["data"]["UpTime"] < 60
    assert not api.sim.relay_status()["A"]
