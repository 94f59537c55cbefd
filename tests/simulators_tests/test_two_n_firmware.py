"""Firmware of the 2N simulator (HTTP API 5.2)."""

import asyncio
from hashlib import sha256

import aiohttp
import pytest

from tests.simulators.two_n import MODELS, Simulator, Timing, firmware_chunks, make_firmware

from .conftest import OK, Api, Factory, failure, until

NEWER, OLDER, TOO_OLD = "2.51.0.77.1", "2.44.0.66.3", "2.10.0.19.2"


async def upload(api: Api, content: bytes) -> dict[str, object]:
    answer = await api.put("firmware", {"blob-fw": content})
    assert answer["success"] is True, answer
    result: dict[str, object] = answer["result"]
    return result


async def new_session(api: Api) -> aiohttp.ClientSession:
    """Open one, for requests that never end."""
    return aiohttp.ClientSession(middlewares=(aiohttp.DigestAuthMiddleware("ha", "ha-pass"),))


@pytest.mark.parametrize(("version", "downgrade"), [(NEWER, False), (OLDER, True), ("2.50.0.76.2", False)])
async def test_an_upload_reports_version_and_downgrade(api: Api, version: str, downgrade: bool) -> None:
    content = make_firmware("verso", version, 100_000)
    result = await upload(api, content)
    # The example spells it fileId, the table fileid.
    assert result.keys() == {"fileId", "version", "downgrade", "note"}
    assert len(str(result["fileId"])) == 8
    int(str(result["fileId"]), 16)
    assert (result["version"], result["downgrade"]) == (version, downgrade)
    note = str(result["note"])
    assert note.startswith("EN:\r\nVER=2.20.0\r\n")
    assert "\r\nCZ:\r\n" in note and "приводят" in note
    held = api.sim.firmware.upload
    assert held is not None
    assert (held.size, held.sha256) == (100_000, sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (make_firmware("verso2", NEWER), (12, "blob-fw")),
        (make_firmware("verso", "2.51"), (12, "blob-fw")),
        (make_firmware("verso", NEWER)[:-1], (12, "blob-fw")),
        (make_firmware("verso", NEWER)[1:], (12, "blob-fw")),
        (bytes(4096), (12, "blob-fw")),
        (b"", (12, "blob-fw")),
        (make_firmware("verso", TOO_OLD), (19, None)),
    ],
)
async def test_invalid_firmware_files_are_rejected(api: Api, content: bytes, error: tuple[int, str | None]) -> None:
    assert await api.put_error("firmware", {"blob-fw": content}) == error
    assert api.sim.firmware.upload is None


async def test_the_parameter_is_mandatory(api: Api) -> None:
    assert await api.put_error("firmware") == (11, "blob-fw")
    assert await api.put_error("firmware", {"firmware": make_firmware("verso", NEWER)}) == (11, "blob-fw")
    answer = await api.send("PUT", "firmware", data=make_firmware("verso", NEWER))
    assert failure(answer) == (11, "blob-fw")


@pytest.mark.parametrize("function", ["firmware/apply", "firmware/reject"])
async def test_apply_and_reject_need_the_id_of_the_uploaded_file(api: Api, function: str) -> None:
    wrong = await api.get(function, fileId="deadbeef")
    assert wrong["error"] == {"code": 14, "description": "new firmware not found"}
    await upload(api, make_firmware("verso", NEWER))
    assert await api.error(function) == (11, "fileId")
    assert await api.error(function, fileid="12345678") == (11, "fileId")
    for name in ("xyz", "7d6adf1g", "", "123456789"):
        answer = await api.get(function, fileId=name)
        assert answer["error"] == {"code": 12, "param": "fileId", "description": "invalid parameter"}
    assert await api.error(function, fileId="00000000") == (14, None)
    assert api.sim.firmware.upload is not None


async def test_a_second_upload_gets_no_reply(api: Api) -> None:
    """The second upload waits until the first one is rejected."""
    first = await upload(api, make_firmware("verso", NEWER))
    async with await new_session(api) as session:
        waiting = asyncio.ensure_future(
            Api(api.sim, session).put("firmware", {"blob-fw": make_firmware("verso", OLDER)})
        )
        await asyncio.sleep(0.15)
        assert not waiting.done()
        await api.do("firmware/reject", fileId=first["fileId"])
        second = await waiting
    assert second["result"]["version"] == OLDER
    assert second["result"]["fileId"] != first["fileId"]


async def test_an_upload_that_times_out_is_discarded(api: Api) -> None:
    first = await upload(api, make_firmware("verso", NEWER))
    async with await new_session(api) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await Api(api.sim, session).put("firmware", {"blob-fw": make_firmware("verso", OLDER)})
    await until(lambda: len(api.sim._handling) == 0)
    await api.do("firmware/reject", fileId=first["fileId"])
    assert api.sim.firmware.upload is None


async def test_a_forgotten_file_is_rejected(device: Factory) -> None:
    """After five minutes."""
    api = await device(timing=Timing(firmware_kept=0.1))
    first = await upload(api, make_firmware("verso", NEWER))
    await until(lambda: api.sim.firmware.upload is None)
    assert await api.error("firmware/apply", fileId=first["fileId"]) == (14, None)
    assert Timing().firmware_kept == 300


@pytest.mark.parametrize("version", [NEWER, OLDER])
async def test_apply_restarts_into_the_new_firmware(device: Factory, version: str) -> None:
    """The device restarts into the other version: ids and upTime start again."""
    api = await device(speed=50)
    api.sim.motion()
    channel = await api.subscribe(filter="MotionDetected")
    result = await upload(api, make_firmware("verso", version))
    await api.do("firmware/apply", fileId=result["fileId"])
    # Still the old one, until it is written; the file is spoken for.
    assert (await api.result("system/info"))["swVersion"] == "2.50.0.76.2"
    assert await api.error("firmware/apply", fileId=result["fileId"]) == (14, None)
    assert await api.error("firmware/reject", fileId=result["fileId"]) == (14, None)
    await until(lambda: api.sim.model.info["swVersion"] == version)
    await api.sim.wait_until_up()
    assert (await api.result("system/info"))["swVersion"] == version
    async with api.session.get(api.url("system/info")) as response:
        assert response.headers["Server"] == f"HIP{version}"
    assert (await api.result("system/status"))["upTime"] < 100
    assert await api.error("log/pull", id=channel) == (12, "id")
    assert api.sim.history[0].name == "DeviceState"
    assert api.sim.history[0].id == 1
    assert not [event for event in api.sim.history if event.name == "MotionDetected"]
    # Another device on the same bench is not touched.
    assert MODELS["verso"].info["swVersion"] == "2.50.0.76.2"


async def test_functions_follow_the_version(device: Factory) -> None:
    api = await device("indoor", firmware="2.49.1.75.6", speed=50)
    assert await api.error("display/language") == (2, None)
    assert (await api.send("POST", "phone/status"))["success"] is True
    result = await upload(api, make_firmware("indoorview", "3.3.1.82.4"))
    await api.do("firmware/apply", fileId=result["fileId"])
    await until(lambda: api.sim.model.since(3, 3))
    await api.sim.wait_until_up()
    assert (await api.get("display/language"))["default"] == "en"
    assert await api.get("call/status") == []
    assert failure(await api.send("POST", "phone/status")) == (14, None)


async def test_a_restart_forgets_the_file(api: Api) -> None:
    result = await upload(api, make_firmware("verso", NEWER))
    await api.sim.reboot(0)
    assert await api.error("firmware/apply", fileId=result["fileId"]) == (14, None)
    assert (await api.result("system/info"))["swVersion"] == "2.50.0.76.2"


async def test_large_files_are_not_held(api: Api) -> None:
    """30 MiB arrive in pieces, and only their hash is kept."""
    size = 30 * 2**20
    content = b"".join(firmware_chunks("verso", NEWER, size))
    result = await upload(api, content)
    held = api.sim.firmware.upload
    assert held is not None
    assert (held.size, held.sha256) == (size, sha256(content).hexdigest())
    assert result["version"] == NEWER


async def test_a_broken_upload_is_discarded(api: Api) -> None:
    """The sender disconnects during the upload."""
    host, port = api.sim.http_address.split(":")
    api.sim.set_auth("system", "none")
    content = make_firmware("verso", NEWER, 100_000)
    head = b'--b\r\nContent-Disposition: form-data; name="blob-fw"\r\n\r\n'
    lines = (
        "PUT /api/firmware HTTP/1.1",
        "Host: intercom",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(head) + len(content) + 9}",
    )
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join((*lines, "", "")).encode() + head + content[:50_000])
    await until(lambda: api.sim._handling)
    writer.close()
    await until(lambda: not api.sim._handling)
    assert api.sim.firmware.upload is None
    assert api.sim.requests == []


async def test_a_model_can_run_any_firmware_version() -> None:
    async with Simulator("access_unit", firmware="2.31.2.42.1") as sim, aiohttp.ClientSession() as session:
        async with session.get(f"http://{sim.http_address}/api/system/info") as response:
            assert (await response.json())["result"]["swVersion"] == "2.31.2.42.1"
        async with session.get(f"http://{sim.http_address}/api/accesspoint/grantaccess") as response:
            assert failure(await response.json()) == (2, None)


async def test_a_vario_accepts_its_own_firmware_files(device: Factory) -> None:
    """Its system/info contains no package name."""
    api = await device("vario")
    result = await upload(api, make_firmware("vario", "2.15.0.25.1"))
    assert await api.get("firmware/reject", fileId=result["fileId"]) == OK
