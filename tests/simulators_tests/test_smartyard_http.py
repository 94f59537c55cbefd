"""Envelopes of both servers, broken servers, and the simulator in its own process."""

import asyncio
import json
import sys

import aiohttp
import pytest

from tests.simulators.smartyard import ELSEWHERE, PHONE, Breakage, Dialect

from .smartyard_api import DEVICE, YardFactory


async def test_other_methods_than_post_are_rejected(yard: YardFactory) -> None:
    api = await yard()
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        response, _ = await api.raw(method, "address/getAddressList")
        assert response.status == 404
    assert await api.error("address/nope") == (405, "Method Not Allowed", "Method Not Allowed")
    response, _ = await api.raw("POST", "call/camshot/x", json={})
    assert response.status == 405
    for path in ("/", "/api/user/ping", "/mobile", "/other/user/ping"):
        response, data = await api.raw("POST", api.sim.origin + path, json={})
        assert response.status == 404
        assert data.startswith(b"<!DOCTYPE html>")


async def test_an_empty_result_is_status_204(yard: YardFactory) -> None:
    api = await yard()
    for path in ("user/ping", "ext/list", "ext/ext", "lprs/listNumbers", "cctv/youtube", "address/watching"):
        response, data = await api.raw("POST", path, json={})
        assert (response.status, data) == (204, b"")
        assert response.headers["Content-Type"] == "application/json"
    response, data = await api.raw("POST", "geo/address", json={})
    assert response.status == 200
    assert json.loads(data) == {"code": 200, "name": "OK", "message": "OK"}


async def test_options_and_support_are_returned(yard: YardFactory) -> None:
    api = await yard(seed=None)
    assert (await api.post("ext/options"))["timeZone"] == "Europe/Moscow"
    api.sim.set_option("chat", "t")
    assert (await api.post("ext/options"))["chat"] == "t"
    support = await api.post("sip/helpMe")
    assert list(support) == ["server", "port", "transport", "extension", "pass", "dial", "stun"]
    assert (await api.error("frs/listFaces", flatId=51))[0] == 422


async def test_the_axios_dialect_has_its_own_responses(yard: YardFactory) -> None:
    api = await yard(dialect=Dialect.AXIOS)
    assert api.sim.url.endswith("/api")
    assert len(await api.post("address/getAddressList")) == 2
    api.sim.leave_unpaid(51)
    cases = {
        "address/openDoor": (404, "The service is unavailable (the contract is blocked or not paid)"),
        "address/plog": (402, "Payment Required"),
        "cctv/overview": (404, "услуга не подключена"),
        "address/nope": (405, "Method Not Allowed"),
    }
    for path, (status, text) in cases.items():
        body = {"flatId": 51, "day": "2026-11-20", "domophoneId": 21}
        response, data = await api.raw("POST", path, json=body)
        assert (response.status, json.loads(data)) == (status, {"error": text})


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("status", [401, 402, 403, 404, 406, 410, 422, 424, 429, 449, 418, 599])
async def test_each_status_has_the_body_of_its_dialect(yard: YardFactory, dialect: Dialect, status: int) -> None:
    api = await yard(dialect=dialect)
    api.sim.refuse("user/getName", status, n=2)
    for _ in range(2):
        response, data = await api.raw("POST", "user/getName", json={})
        assert response.status == status
        is_word = dialect is Dialect.AXIOS and status not in {401, 403, 422, 429}
        assert json.loads(data).keys() == ({"error"} if is_word else {"code", "name", "message"})
    await api.post("user/getName")
    with pytest.raises(KeyError):
        api.sim.refuse("user/nothing", 410)


BROKEN = {
    Breakage.REDIS: (555, b'{"error": "redis"}'),
    Breakage.PDO: (555, b'{"error": "PDO"}'),
    Breakage.NO_CONFIG: (555, b'{"error": "noConfig"}'),
    Breakage.NAMELESS: (520, b'{"code": 520, "message": "Unknown error"}'),
    Breakage.EMPTY: (500, b""),
}


@pytest.mark.parametrize("how", Breakage)
async def test_each_kind_of_broken_server_has_its_response(yard: YardFactory, how: Breakage) -> None:
    api = await yard()
    api.sim.break_server(how)
    response, data = await api.raw("POST", "user/ping", json={})
    assert (response.status, data) == BROKEN[how]
    api.sim.mend_server()
    await api.post("user/ping")


async def test_a_function_can_be_redirected_or_answered_with_html(yard: YardFactory) -> None:
    api = await yard()
    api.sim.redirect("user/ping")
    response, _ = await api.raw("POST", "user/ping", json={})
    assert response.status == 302
    assert response.headers["Location"] == f"{api.sim.elsewhere}/mobile/user/ping"
    # Who follows is answered as by a server that is to be trusted.
    response, data = await api.raw("POST", response.headers["Location"], json={})
    assert json.loads(data)["code"] == 200
    assert [request.host for request in api.sim.requests][-1] == ELSEWHERE
    api.sim.mend_server()
    api.sim.garbage("user/ping", "html", status=502, times=1)
    response, data = await api.raw("POST", "user/ping", json={})
    assert response.status == 502
    assert data.startswith(b"<!DOCTYPE html>")
    await api.post("user/ping")


async def test_requests_are_recorded(yard: YardFactory) -> None:
    api = await yard()
    api.sim.clear_requests()
    await api.post("address/openDoor", domophoneId=21)
    [request] = api.sim.requests
    assert (request.host, request.function, request.phone) == ("api", "/address/openDoor", PHONE)
    assert (request.authorization, request.body) == ("Bearer", {"domophoneId": 21})


async def test_the_simulator_serves_https(yard: YardFactory) -> None:
    api = await yard(https=True)
    assert api.sim.url.startswith("https://127.0.0.1:")
    assert len(await api.post("cctv/all")) == 6


async def test_a_disconnected_server_does_not_respond(yard: YardFactory) -> None:
    api = await yard()
    api.sim.lose_connection()
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.raw("POST", "user/ping", json={})
    await api.sim.restore_connection()
    await api.post("user/ping")


async def test_the_command_line_starts_a_simulator() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.simulators.smartyard",
        "--dialect",
        "axios",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        assert ready["base"] == f"http://{ready['http']}/api"
        async with aiohttp.ClientSession() as session:
            control, base, phone = f"http://{ready['control']}/control", ready["base"], ready["phone"]
            async with session.post(f"{base}/user/requestCode", json={"userPhone": phone}) as response:
                assert response.status == 200
            async with session.post(f"{control}/code_of") as response:
                code = (await response.json())["result"]
            body = {"userPhone": phone, "smsCode": code, "deviceToken": DEVICE}
            async with session.post(f"{base}/user/confirmCode", json=body) as response:
                assert response.status == 200
            async with session.post(f"{control}/ring", json={"domophone": 22}) as response:
                ring = (await response.json())["result"]
            async with session.post(f"{control}/ring", json={"domophone": 9999}) as response:
                assert response.status == 400
            async with session.post(f"{control}/sing") as response:
                assert response.status == 400
            async with session.get(f"{control}/state") as response:
                [row] = (await response.json())["rings"]
            assert (row["hash"], row["domophoneId"]) == (ring, 22)
            async with session.get(f"{control}/requests") as response:
                functions = [request["function"] for request in await response.json()]
            assert functions == ["/user/requestCode", "/user/confirmCode"]
    finally:
        process.terminate()
        assert await process.wait() == 0
