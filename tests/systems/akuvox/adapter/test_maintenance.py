"""Firmware installations and captures of an Akuvox that fail."""

from io import BytesIO

import pytest

from custom_components.ip_intercom.model.functions import Payload
from custom_components.ip_intercom.systems.akuvox.maintenance import AkuvoxCapture, AkuvoxFirmware
from custom_components.ip_intercom.systems.common.errors import CommandFailed
from tests.simulators.akuvox import make_firmware
from tests.simulators.akuvox.envelope import ApiError, Call, Reply
from tests.systems.akuvox.client.conftest import Bench


def failing(_: Call) -> Reply:
    raise ApiError


async def staged(bench: Bench) -> AkuvoxFirmware:
    firmware = AkuvoxFirmware(bench.device())
    data = make_firmware(bench.sim.dialect.model, "29.30.10.128")
    await firmware.stage(Payload(BytesIO(data), "update.rom", len(data), None))
    assert firmware.waits
    return firmware


async def test_an_installation_with_a_lost_response_stays_pending(bench: Bench) -> None:
    firmware = await staged(bench)
    bench.sim.lose_next_answer("firmware/upgrade")
    await firmware.install()
    assert firmware.waits, "the installation stays pending until the version is read"


async def test_a_rejected_installation_discards_the_file(bench: Bench) -> None:
    firmware = await staged(bench)
    bench.sim.handlers["firmware/upgrade"] = failing
    with pytest.raises(CommandFailed):
        await firmware.install()
    assert not firmware.waits


async def test_a_capture_that_cannot_start_is_not_stopped(bench: Bench) -> None:
    bench.sim.handlers["pcap/start"] = failing
    bench.sim.clear_requests()
    with pytest.raises(CommandFailed):
        async with AkuvoxCapture(bench.device()).live(5):
            pytest.fail("there is no recording")
    assert [request.path for request in bench.sim.requests if "stop" in request.path] == []
