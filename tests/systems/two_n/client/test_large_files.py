"""Memory for large files, with the device in another process."""

import asyncio
from collections.abc import AsyncGenerator
from hashlib import sha256
from io import BytesIO
import json
from pathlib import Path
import sys

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, TwoNDevice
from tests.simulators.two_n import firmware_chunks

ROOT = Path(__file__).parents[4]
MIB = 2**20
MOST = 20 * MIB
FIRMWARE, PCAP = 30 * MIB, 64 * MIB


@pytest.fixture
async def ready() -> AsyncGenerator[dict[str, str]]:
    """A device in a process of its own, and where it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators.two_n", "--model", "verso", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield json.loads(await process.stdout.readline())
    process.terminate()
    await process.communicate()


class Peak:
    """The peak memory of this process, in bytes beyond the current memory."""

    def __init__(self) -> None:
        """Begin to count."""
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._before = self._field("VmRSS")

    def extra(self) -> int:
        """Return the additional memory."""
        return self._field("VmHWM") - self._before

    @staticmethod
    def _field(name: str) -> int:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_large_files_are_not_held(
    ready: dict[str, str], session: aiohttp.ClientSession, tmp_path: Path, scheme: str
) -> None:
    device = TwoNDevice(TwoNClient(HttpTransport(session, URL(f"{scheme}://{ready[scheme]}")), "ha", "ha-pass"))
    control = f"http://{ready['control']}/control"
    async with session.post(f"{control}/set_pcap_size", json={"size": PCAP}) as response:
        assert response.ok
    source, target = tmp_path / "firmware.bin", tmp_path / "packets.pcap"
    digest = sha256()
    with source.open("wb") as file:
        for chunk in firmware_chunks("verso", "2.51.0.77.1", FIRMWARE):
            file.write(chunk)
    # A small one first: pages of code and libraries that are needed for the first time are not the file's.
    small = b"".join(firmware_chunks("verso", "2.51.0.77.1", MIB))
    await device.firmware.reject((await device.firmware.upload(BytesIO(small), source.name, MIB)).id)

    peak = Peak()
    progress: list[int] = []
    with source.open("rb") as file:
        taken = await device.firmware.upload(file, source.name, FIRMWARE, progress.append)
    upload = peak.extra()
    assert taken.version == "2.51.0.77.1"
    assert progress[-1] == FIRMWARE

    peak = Peak()
    with target.open("wb") as file:
        async with device.capture.download() as stream:
            async for chunk in stream.chunks():
                await asyncio.get_running_loop().run_in_executor(None, file.write, chunk)
                digest.update(chunk)
    download = peak.extra()
    assert target.stat().st_size == PCAP

    sys.stdout.write(f"{scheme}: upload {upload / MIB:.1f} MiB, download {download / MIB:.1f} MiB more\n")
    assert upload < MOST
    assert download < MOST
