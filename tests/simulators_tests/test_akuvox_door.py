"""Functions outside of the API: action URLs, opening by HTTP, pictures, the command line."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
from pathlib import Path
import signal
import sys
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from tests.coverage_report import read_used
from tests.simulators.akuvox import VERBS, Auth, Broken, Control, Result, Simulator
from tests.simulators.common.digest import Digest
from tests.simulators.common.network import Certificate
from tests.simulators.coverage import VARIABLE

from .akuvox_api import AkuvoxApi, basic, outcome, tls
from .conftest import AkuvoxFactory, until

ACTIONURL = "Config.Features.ACTIONURL."
RELAY = "Config.DoorSetting.RELAY."


@dataclass(slots=True)
class House:
    """A server that Action URLs are sent to."""

    base: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    delay: float = 0.0
    digest: Digest | None = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = (await request.read()).decode()
        authorization = request.headers.get("Authorization", "")
        if self.digest is not None:
            known = self.digest.check(request, authorization.partition(" ")[2], {"door": "secret"}.get)
            if known is None:
                return web.Response(status=401, headers={"WWW-Authenticate": self.digest.challenge()})
        await asyncio.sleep(self.delay)
        self.requests.append((request.method, request.path_qs + (f" {body}" if body else "")))
        return web.Response()


@asynccontextmanager
async def serve(certificate: Certificate | None = None) -> AsyncGenerator[House]:
    house = House()
    runner = web.ServerRunner(web.Server(house.answer, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    context = None if certificate is None else certificate.context
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    house.base = f"{'https' if certificate else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield house
    finally:
        await runner.cleanup()


@pytest.fixture
async def house() -> AsyncGenerator[House]:
    async with serve() as server:
        yield server


async def tell(api: AkuvoxApi, **urls: str) -> None:
    """Write Action URLs as the installer does."""
    api.sim.configure(f"{ACTIONURL}Enable", "1")
    for event, url in urls.items():
        api.sim.configure(ACTIONURL + event, url)


async def test_a_press_and_its_end_send_action_urls(akuvox: AkuvoxFactory, house: House) -> None:
    """MakeCall at the press, HangUp at the end, both with the number."""
    api = await akuvox("r29", config={"Config.Programable.SOFTKEY01.LocalParam1": "101"})
    await tell(api, MakeCall=f"{house.base}/ring?to=$remote&mac=$mac", HangUp=f"{house.base}/end/$remote")
    api.sim.press()
    api.sim.call_ended()
    await until(lambda: len(api.sim.action_urls.sent) == 2)
    assert house.requests == [("GET", "/ring?to=101&mac=0C110534ED7C"), ("GET", "/end/101")]
    assert [sent.result for sent in api.sim.action_urls.sent] == [Result.ANSWERED] * 2


async def test_an_incoming_call_sends_no_make_call_push(akuvox: AkuvoxFactory, house: House) -> None:
    api = await akuvox("r29")
    await tell(api, MakeCall=f"{house.base}/ring", HangUp=f"{house.base}/end")
    api.sim.incoming_call("102")
    api.sim.call_ended()
    await until(lambda: house.requests)
    assert house.requests == [("GET", "/end")]


async def test_relay_and_input_changes_send_action_urls(akuvox: AkuvoxFactory, house: House) -> None:
    api = await akuvox("e18", auth=Auth.NONE, speed=50)
    await tell(
        api,
        RelayBTriggered=f"{house.base}/r=$relay2status",
        RelayBClosed=f"{house.base}/r=$relay2status",
        InputCTriggered=f"{house.base}/i=$input3status",
        InputCClosed=f"{house.base}/i=$input3status",
    )
    api.sim.input("C", closed=True)
    api.sim.input("C", closed=False)
    await api.data("relay", "trig", mode=0, num=2, level=0, delay=1)
    await until(lambda: len(house.requests) == 4)
    assert [path for _, path in house.requests] == ["/i=1", "/i=0", "/r=1", "/r=0"]


async def test_codes_open_without_a_relay_url_on_an_e18(akuvox: AkuvoxFactory, house: House) -> None:
    """ValidCodeEntered always comes, RelayATriggered may not."""
    api = await akuvox("e18")
    await tell(api, RelayATriggered=f"{house.base}/relay", ValidCodeEntered=f"{house.base}/code=$code")
    api.sim.add_user(Name="Lucy", PrivatePIN="1234")
    assert api.sim.enter_code("1234")
    await until(lambda: house.requests)
    await asyncio.sleep(0.05)
    assert house.requests == [("GET", "/code=1234")]


async def test_variables_of_action_urls_are_not_escaped(akuvox: AkuvoxFactory, house: House) -> None:
    """Values are not escaped, and variables without a value are not replaced."""
    api = await akuvox("r29")
    await tell(api, ValidFaceRecognition=f"{house.base}/f?who=$active_user&n=$remote&t=$unlocktype")
    api.sim.add_user(Name="Tom&Ann")
    assert api.sim.show_face("Tom&Ann")
    await until(lambda: house.requests)
    assert house.requests == [("GET", "/f?who=Tom&Ann&n=$remote&t=Face")]


async def test_unknown_variables_drop_the_url(akuvox: AkuvoxFactory) -> None:
    """The response has retcode 0; only reading the value back shows it."""
    api = await akuvox("e18", auth=Auth.NONE)
    key = f"{ACTIONURL}AlarmTriggered"
    api.sim.pipeline.gap = 0
    await api.data("config", "set", **{key: "http://a/?s=$alarmstatus"})
    assert await api.data("config", "get", item=[key]) == {key: ""}
    await api.data("config", "set", **{key: "http://a/?tamper"})
    assert await api.data("config", "get", item=[key]) == {key: "http://a/?tamper"}


async def test_tamper_and_break_in(akuvox: AkuvoxFactory, house: House) -> None:
    api = await akuvox("e16c")
    await tell(api, AlarmTriggered=f"{house.base}/t=$alarmstatus", InputBreakIn=f"{house.base}/b=$input1status")
    api.sim.tamper()
    api.sim.break_in("A")
    api.sim.input("A", closed=False)
    api.sim.configure("Config.DoorSetting.INPUT.InputABreakInIntrusion", "1")
    api.sim.break_in("A")
    await until(lambda: len(house.requests) == 2)
    assert [path for _, path in house.requests] == ["/t=1", "/b=1"]


async def test_each_dialect_has_its_action_url_keys(akuvox: AkuvoxFactory) -> None:
    """The keys in config/get are the list of what a device can do."""
    keys: dict[str, set[str]] = {}
    for dialect in ("a_series", "e16c", "r29", "it83"):
        api = await akuvox(dialect)
        found = (await api.get("config/get"))["data"]
        keys[dialect] = {key.removeprefix(ACTIONURL) for key in found if key.startswith(ACTIONURL)}
    assert "MakeCall" not in keys["a_series"]
    assert "AlarmTriggered" in keys["a_series"] & keys["e16c"]
    assert "AlarmTriggered" not in keys["r29"]
    assert "RelayCTriggered" in keys["r29"]
    assert not keys["it83"]


async def test_an_action_url_may_be_a_post_request(akuvox: AkuvoxFactory, house: House) -> None:
    """Selectable on an R29: the query travels in the body."""
    api = await akuvox("r29")
    await tell(api, Method="POST", InputATriggered=f"{house.base}/i?a=$input1status")
    api.sim.input("A", closed=True)
    await until(lambda: house.requests)
    assert house.requests == [("POST", "/i a=1")]


async def test_an_action_url_answers_a_digest_challenge(akuvox: AkuvoxFactory, house: House) -> None:
    api = await akuvox("r29")
    house.digest = Digest("house")
    await tell(api, InputATriggered=f"{house.base.replace('://', '://door:secret@')}/i?x=1")
    api.sim.input("A", closed=True)
    await until(lambda: house.requests)
    assert house.requests == [("GET", "/i?x=1")]


async def test_failed_pushes_are_tried_once(akuvox: AkuvoxFactory, house: House, refused_handshakes: None) -> None:
    """The next pushes wait for a failed one."""
    api = await akuvox("r29")
    api.sim.action_urls.patience = 0.1
    house.delay = 0.3
    certificate = Certificate("house")
    async with serve(certificate) as safe:
        gone = Simulator("it83")
        await gone.start()
        address = gone.http_address
        await gone.stop()
        await tell(
            api,
            InputATriggered=f"http://{address}/",
            InputAClosed=f"{house.base}/slow",
            InputBTriggered=f"{safe.base}/safe",
            InputBClosed="ftp://nowhere/",
        )
        for letter in "AB":
            api.sim.input(letter, closed=True)
            api.sim.input(letter, closed=False)
        await api.sim.wait_for_action_urls(4)
        results = [sent.result for sent in api.sim.action_urls.sent]
        assert results == [Result.UNREACHABLE, Result.TIMEOUT, Result.TLS, Result.BAD_URL]
        api.sim.trust_certificates()
        api.sim.input("B", closed=True)
        await until(lambda: safe.requests)
        assert safe.requests == [("GET", "/safe")]


async def test_no_push_is_sent_while_action_urls_are_off(akuvox: AkuvoxFactory, house: House) -> None:
    api = await akuvox("r29")
    await tell(api, InputATriggered=f"{house.base}/i")
    api.sim.configure(f"{ACTIONURL}Enable", "0")
    api.sim.input("A", closed=True)
    api.sim.configure(f"{ACTIONURL}Enable", "1")
    api.sim.lose_connection()
    api.sim.input("A", closed=False)
    api.sim.input("A", closed=True)
    await api.sim.wait_for_action_urls(1)
    assert [sent.result for sent in api.sim.action_urls.sent] == [Result.UNREACHABLE]
    assert not house.requests


async def test_an_input_of_the_manual_has_a_url_of_its_own(akuvox: AkuvoxFactory, house: House) -> None:
    """Config.DoorSetting.INPUT.ActionUrlA, with HttpEnableA."""
    api = await akuvox()
    api.sim.configure("Config.DoorSetting.INPUT.ActionUrlB", f"{house.base}/own=$input2status")
    api.sim.configure("Config.DoorSetting.INPUT.HttpEnableB", "1")
    api.sim.input("B", closed=True)
    await until(lambda: house.requests)
    assert house.requests == [("GET", "/own=1")]


# ---- Opening by HTTP ----


async def open_door(api: AkuvoxApi, path: str = "/fcgi/OpenDoor", **query: str) -> tuple[int, bytes]:
    return await api.raw("GET", path, params={"action": "OpenDoor", "DoorNum": "1", **query})


async def test_open_door_responds_with_each_error(akuvox: AkuvoxFactory) -> None:
    """The error responses are from captures/error_envelopes.md."""
    api = await akuvox("e18")
    api.sim.pipeline.gap = 0

    async def answer(**query: str) -> tuple[int, str]:
        body = json.JSONDecoder().raw_decode((await open_door(api, **query))[1].decode("latin-1"))[0]
        assert set(body) == {"retcode", "message"}
        return outcome(body)

    assert await answer(action="x") == (-1, "Unknown action")
    assert await answer() == (-3, "Not Enable")
    api.sim.allow_http_open()
    api.sim.set_high_security()
    assert await answer() == (-4, "Not Safe")
    api.sim.set_high_security(False)
    assert (await answer(DoorNum="9"))[0] == -2
    assert await answer(DoorNum="SA") == (0, "OK")
    assert await answer() == (0, "OK")
    assert api.sim.relay_status() == {"A": True, "B": False, "SA": True}
    assert (await open_door(api, "/fcgi/do"))[0] == 404


async def test_open_door_needs_the_login_of_the_api(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e16c")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{api.base}/fcgi/OpenDoor", ssl=tls()) as response,
    ):
        assert response.status == 401


async def test_r29_opens_by_the_new_interface_only(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    assert await open_door(api, "/fcgi/do") == (200, b"please use new interface")
    assert (await open_door(api))[0] == 503
    api.sim.allow_http_open()
    assert (await open_door(api))[0] == 200
    assert api.sim.relay_status()["A"]
    status, form = await api.raw("GET", "/fcgi/do", params={"action": "GetSnapshot"})
    assert (status, len(form)) == (200, 88)


async def test_an_it83_responds_with_html(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("it83")
    good, bad = b"<input id=hcSingleResult type=hidden value='0'>", b"<input id=hcSingleResult type=hidden value='-1'>"
    login = {"UserName": "open", "Password": "sesame"}
    assert bad in (await open_door(api, "/fcgi/do", **login))[1]
    api.sim.allow_http_open("open", "sesame")
    assert bad in (await open_door(api, "/fcgi/do", UserName="open", Password="x"))[1]
    assert not api.sim.relay_status()["A"]
    assert good in (await open_door(api, "/fcgi/do", **login))[1]
    assert api.sim.relay_status()["A"]
    assert (await open_door(api))[0] == 404


# ---- Port 8080 ----


async def picture(api: AkuvoxApi, path: str = "/picture.jpg", **kwargs: Any) -> tuple[int, str, bytes]:
    scheme = "https" if api.sim.dialect.camera_tls else "http"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{scheme}://{api.sim.camera_address}{path}", ssl=tls(), **kwargs) as response,
    ):
        return response.status, response.content_type, await response.read()


@pytest.mark.parametrize("path", ["/picture.jpg", "/picture.cgi", "/jpeg.cgi"])
async def test_each_snapshot_path_returns_a_picture(akuvox: AkuvoxFactory, path: str) -> None:
    api = await akuvox("e18")
    status, content_type, image = await picture(api, path)
    assert (status, content_type, image[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert (await picture(api, "/other"))[0] == 404


async def test_a_snapshot_needs_the_login_of_rtsp(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e16c")
    assert (await picture(api, headers=basic()))[0] == 401
    assert (await picture(api, headers=basic(password="admin")))[0] == 200
    api.sim.configure("Config.DoorSetting.RTSP.Password", "")
    assert (await picture(api, headers=basic(password="")))[0] == 401


async def test_broken_snapshots_are_simulated(akuvox: AkuvoxFactory) -> None:
    """The web app answers every path with 200; some pictures are truncated."""
    api = await akuvox("e18")
    for how in Broken:
        api.sim.break_snapshots(how)
    status, content_type, body = await picture(api)
    assert (status, content_type) == (200, "text/html") and body.startswith(b"<!DOCTYPE")
    assert not (await picture(api))[2].endswith(b"\xff\xd9")
    assert (await picture(api))[2] == b""
    assert (await picture(api))[2].endswith(b"\xff\xd9")
    api.sim.camera.web_app_only = True
    assert (await picture(api))[1] == "text/html"


async def test_r29_shows_its_web_app_on_other_picture_paths(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("r29")
    assert (await picture(api, "/snapshot.jpg"))[:2] == (200, "text/html")
    url = f"http://{api.sim.camera_address}/picture.jpg"
    digest = aiohttp.DigestAuthMiddleware("admin", "admin")
    async with aiohttp.ClientSession(middlewares=(digest,)) as session, session.get(url) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")


async def test_closing_a_motion_jpeg_stream_stops_the_camera(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e18")
    async with aiohttp.ClientSession() as session:
        response = await session.get(f"https://{api.sim.camera_address}/video.cgi", ssl=tls())
        assert response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=akuvox-frame"
        assert (await response.content.readline()) == b"--akuvox-frame\r\n"
        response.close()
    await until(lambda: api.sim.camera.streams == 0)


# ---- In a process of its own ----


async def test_successful_functions_and_action_urls_are_recorded(
    akuvox: AkuvoxFactory, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Successful functions and answered Action URLs count."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    api = await akuvox("r29")
    await api.post("relay", "status")
    await api.post("relay", "trig", {})
    await tell(api, InputATriggered=f"{house.base}/i", InputAClosed="http://127.0.0.1:1/")
    api.sim.input("A", closed=True)
    api.sim.input("A", closed=False)
    await api.sim.wait_for_action_urls(2)
    found = read_used(tmp_path, "akuvox")
    assert found.functions == {("/api/relay/status", "POST")}
    assert found.events == {"InputATriggered"}


async def test_the_control_port_runs_each_verb(akuvox: AkuvoxFactory) -> None:
    assert all(callable(getattr(Simulator, verb)) for verb in VERBS)
    api = await akuvox("e18")
    control = Control(api.sim)
    await control.start(0)
    url = f"http://{control.address}/control"
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/input", json={"letter": "A", "closed": True}) as response:
            assert await response.json() == {"success": True, "result": None}
        async with session.get(f"{url}/state") as response:
            assert (await response.json())["inputs"] == {"A": 0, "B": 1, "C": 1}
        async with session.post(f"{url}/sing", json={}) as response:
            assert response.status == 400
    await control.stop()


async def test_the_command_line_starts_a_simulator() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators.akuvox", "--dialect", "it83", "--auth", "basic", "--password", "p",
        cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert ready["camera"] is None
    async with aiohttp.ClientSession() as session:
        url = f"http://{ready['http']}/api/system/info"
        async with session.get(url, headers=basic(password="p")) as response:
            assert (await response.json())["data"]["Status"]["Model"] == "IT83"
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
