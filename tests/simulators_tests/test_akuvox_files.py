"""Files: configuration, firmware, recordings and logs (Api config export, Api firmware, Api pcap, Api log)."""

import asyncio
from collections.abc import AsyncIterator
import hashlib
from io import BytesIO

import aiohttp

from tests.simulators.akuvox import Auth, firmware_chunks, make_firmware

from .akuvox_api import AkuvoxApi, outcome
from .conftest import AkuvoxFactory

NEWER = "101.30.10.300"
MIB = 2**20


async def restarted(api: AkuvoxApi) -> None:
    await asyncio.sleep(0.1)
    await api.sim.wait_until_up()


async def test_an_exported_configuration_can_be_imported(akuvox: AkuvoxFactory) -> None:
    """The import restarts the device; a modified file is rejected."""
    api = await akuvox(speed=1000)
    api.sim.configure("Config.DoorSetting.RELAY.NameA", "Gate")
    content = await api.download("config/export")
    api.sim.configure("Config.DoorSetting.RELAY.NameA", "Other")
    assert outcome(await api.upload("config/import", content[:-9] + b"123456789")) == (-1, "Import Failed.")
    assert outcome(await api.upload("config/import", b"x" * 50)) == (-1, "Import Failed.")
    assert outcome(await api.upload("config/import", content)) == (0, "OK")
    await restarted(api)
    assert api.sim.config["Config.DoorSetting.RELAY.NameA"] == "Gate"


async def test_valid_firmware_is_installed(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=1000)
    content = make_firmware("A02", NEWER, size=100_000)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert outcome(await api.upload("firmware/upload", content, name="file"))[0] == -1
    assert outcome(await api.get("firmware/upgrade"))[0] == -1
    assert outcome(await api.get("firmware/prepare")) == (0, "OK")
    assert outcome(await api.upload("firmware/upload", make_firmware("R29", NEWER), name="file"))[0] == -1
    assert outcome(await api.upload("firmware/upload", content, name="file", silent="1")) == (0, "OK")
    assert api.sim.firmware.silent
    wrong = await api.get("firmware/upgrade", md5="25e317773f308e446cc84c503a6d1f85")
    assert outcome(wrong) == (-1, "Wrong MD5")
    assert wrong["data"] == {"md5": "25e317773f308e446cc84c503a6d1f85", "md5_calc": md5}
    assert outcome(await api.post("firmware", "upgrade", {"md5": md5})) == (0, "OK")
    await restarted(api)
    assert (await api.get("firmware/status"))["data"]["FirmwareVersion"] == NEWER


async def test_a_large_file_is_not_kept_in_memory(akuvox: AkuvoxFactory) -> None:
    """Only the beginning of 30 MB is kept in memory."""
    api = await akuvox(auth=Auth.NONE)
    await api.get("firmware/prepare")
    boundary, size = "door", 30 * MIB

    async def body() -> AsyncIterator[bytes]:
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'.encode()
        for chunk in firmware_chunks("A02", NEWER, size):
            yield chunk
        yield f"\r\n--{boundary}--\r\n".encode()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    assert outcome(await api.send("POST", "/api/firmware/upload", data=body(), headers=headers)) == (0, "OK")
    assert outcome(await api.get("firmware/upgrade", md5="x"))[0] == -1


async def test_an_incomplete_form_is_an_error(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(auth=Auth.NONE)
    headers = {"Content-Type": "multipart/form-data; boundary=door"}
    body = b'--door\r\nContent-Disposition: form-data; name="config"\r\n\r\nabc'
    answer = await api.send("POST", "/api/config/import", data=body, headers=headers)
    assert outcome(answer) == (-100, "Error param")


async def test_a_packet_capture_can_be_exported(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=100)
    assert outcome(await api.get("pcap/export")) == (-1, "Export Failed.")
    assert outcome(await api.get("pcap/stop"))[0] == -1
    assert (await api.get("pcap/status"))["data"] == {"FileSize": 0, "Status": "stop"}
    started = await api.data("pcap", "start", type="manual")
    assert started == {"filter": "ip", "interface": "eth0", "size": "1048576", "time": "60", "type": "manual"}
    assert outcome(await api.get("pcap/start"))[0] == -1
    await asyncio.sleep(0.05)
    stopped = (await api.get("pcap/stop"))["data"]
    assert isinstance(stopped["FileSize"], str)
    assert int(stopped["Time"]) >= 4
    content = await api.download("pcap/export")
    assert content[:4] == b"\xd4\xc3\xb2\xa1"
    assert abs(len(content) - int(stopped["FileSize"])) < 16


async def test_a_packet_capture_ends_by_time_or_size(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(speed=1000)
    await api.data("pcap", "start", time="1")
    await asyncio.sleep(0.02)
    assert (await api.get("pcap/status"))["data"]["Status"] == "stop"
    await api.data("pcap", "start", type="manual", size="40000")
    await asyncio.sleep(0.02)
    assert (await api.get("pcap/status"))["data"] == {"FileSize": 40000, "Status": "stop"}
    assert outcome(await api.post("pcap", "start", {"time": "181"})) == (-100, "Error param")


async def test_a_log_file_can_be_exported_and_cleared(akuvox: AkuvoxFactory) -> None:
    api = await akuvox()
    api.sim.set_log_size(3 * MIB)
    url = f"{api.base}/api/log/export?type=log"
    async with api.session.get(url) as response:
        assert response.headers["Content-Disposition"] == "attachment;filename=log.txt"
        assert response.content_type == "application/octet-stream"
        assert len(await response.read()) == 3 * MIB
    assert outcome(await api.get("log/export", type="log_debug"))[0] == -100
    assert outcome(await api.get("log/clear", type="log")) == (0, "OK")
    assert await api.download("log/export") == b""


async def test_uploads_work_with_digest(akuvox: AkuvoxFactory) -> None:
    """With auth-int the hash of the whole form is part of the response."""
    api = await akuvox(auth=Auth.DIGEST)
    content = await api.download("config/export")
    assert outcome(await api.upload("config/import", content)) == (0, "OK")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api.base}/api/config/import", data={"config": BytesIO(content)}) as response,
    ):
        assert response.status == 401
