"""A real go2rtc on 127.0.0.1, which Home Assistant is pointed to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import os
from pathlib import Path

import aiohttp

from tests.demo.process import Process
from tests.demo.stage import HOST, free_port

START_TIMEOUT = 20.0
CONFIGURATION = """\
api: {{listen: "{host}:{api}"}}
rtsp: {{listen: "{host}:{rtsp}"}}
webrtc:
  listen: "{host}:{webrtc}"
  filters: {{loopback: true}}
  ice_servers: []
"""


def find_go2rtc() -> str | None:
    """Return the path of go2rtc."""
    return os.environ.get("IP_INTERCOM_GO2RTC")


class Go2rtc:
    """One that runs.

    Attributes:
        url: The address of its API.
        version: As it reports it.
    """

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.version = ""

    async def answers(self) -> bool:
        """Return whether it responds."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/api") as response:
                self.version = (await response.json())["version"]
        except aiohttp.ClientError:
            return False
        return True


@asynccontextmanager
async def go2rtc(binary: str, folder: Path) -> AsyncIterator[Go2rtc]:
    """Start one, with its files in a folder."""
    api, rtsp, webrtc = (free_port() for _ in range(3))
    config = folder / "go2rtc.yaml"
    config.write_text(CONFIGURATION.format(host=HOST, api=api, rtsp=rtsp, webrtc=webrtc))
    process = Process("go2rtc", folder / "go2rtc.log")
    await process.start(binary, "-config", str(config), folder=folder, environment=dict(os.environ))
    try:
        started = Go2rtc(f"http://{HOST}:{api}", process.log)
        async with asyncio.timeout(START_TIMEOUT):
            while not await started.answers():
                assert process.runs, process.tail(5)
                await asyncio.sleep(0.1)
        yield started
    finally:
        await process.stop()
