"""Clock, name, time zone, configuration, holidays and packets (HTTP API 5.1, 5.3 and 5.13)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from io import BytesIO
import json
import struct

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    ConnectionFailed,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    Rejected,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import Stream
from custom_components.ip_intercom.systems.two_n.client.client import CONCURRENT_REQUESTS
from custom_components.ip_intercom.systems.two_n.client.system import CaptureStats, DeviceTime, TimeZone
from tests.common import until
from tests.simulators.two_n import Account, Garbage, Privilege

from .conftest import Bench, Start

NOW = 1_790_000_000


async def read(download: AbstractAsyncContextManager[Stream]) -> bytes:
    async with download as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


async def rest(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass


def says(bench: Bench, path: str, code: int, description: str = "no") -> None:
    """Let a function refuse."""
    bench.sim.garbage(
        path, f'{{"success": false, "error": {{"code": {code}, "description": "{description}"}}}}', "application/json"
    )


# -- 5.1.5, 5.1.6 clock ------------------------------------------------------------------------------


async def test_each_model_sets_its_clock_or_rejects_it(any_bench: Bench) -> None:
    system, clock = any_bench.device().system, any_bench.sim.clock
    if not any_bench.has("system/time", 2, 35):
        for request in (system.time(), system.set_time(NOW)):
            with pytest.raises(NotSupported):
                await request
        return
    reported = await system.time()
    assert abs(reported.utc - clock.utc()) <= 1
    assert (reported.source, reported.automatic) == ("ntp", True)
    await system.set_time(NOW)
    assert abs(clock.utc() - NOW) <= 1
    assert (await system.time()).source == "api"


async def test_the_clock_of_firmware_before_2_44_is_set(start: Start) -> None:
    bench = await start(firmware="2.43.0.1.1")
    await bench.device().system.set_time(NOW)
    assert [request.path for request in bench.seen() if request.status == 200][-1] == "/api/system/time/set"
    assert abs(bench.sim.clock.utc() - NOW) <= 1


async def test_the_clock_is_not_set_twice(bench: Bench) -> None:
    """A rejection by the new function is no reason to use the old one."""
    with pytest.raises(InvalidRequest) as refused:
        await bench.device().system.set_time(5)
    assert refused.value.parameter == "utcTime"
    assert {request.path for request in bench.seen()} == {"/api/system/time"}


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        ('{"utcTime": "17", "source": "My2N", "automatic": 1}', DeviceTime(17, "My2N", True)),
        ('{"utcTime": 17}', DeviceTime(17, None, None)),
        ("{}", None),
        ('{"utcTime": "noon"}', None),
    ],
)
async def test_unusual_time_values_are_decoded(bench: Bench, reported: str, decoded: DeviceTime | None) -> None:
    bench.sim.garbage("system/time", f'{{"success": true, "result": {reported}}}', "application/json")
    if decoded is None:
        with pytest.raises(UnexpectedReply):
            await bench.device().system.time()
    else:
        assert await bench.device().system.time() == decoded


# -- time zone and name ------------------------------------------------------------------------------


async def test_each_model_sets_its_time_zone_or_rejects_it(any_bench: Bench) -> None:
    system = any_bench.device().system
    if not any_bench.has("system/timezone", 2, 44):
        for request in (system.time_zone(), system.time_zones(), system.set_time_zone("UTC")):
            with pytest.raises(NotSupported):
                await request
        return
    assert await system.time_zone() == TimeZone("Europe/Prague", True, None)
    zones = await system.time_zones()
    assert "Europe/Prague" in zones
    await system.set_time_zone(zones[-1])
    assert await system.time_zone() == TimeZone(zones[-1], False, None)
    await system.set_time_zone(custom="UTC\N{MINUS SIGN}08:00")
    assert await system.time_zone() == TimeZone(None, False, "UTC-08:00")
    await system.set_time_zone("Europe/London", automatic=True)
    assert await system.time_zone() == TimeZone("Europe/Prague", True, None)


@pytest.mark.parametrize(("zone", "custom", "parameter"), [("Middle/Earth", None, "zone"), (None, "noon", "custom")])
async def test_an_unknown_time_zone_is_an_error(
    bench: Bench, zone: str | None, custom: str | None, parameter: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.device().system.set_time_zone(zone, custom=custom)
    assert refused.value.parameter == parameter


async def test_the_name_of_every_model(any_bench: Bench) -> None:
    system = any_bench.device().system
    if not any_bench.has("system/devicename", 2, 50):
        for request in (system.device_name(), system.set_device_name("Gate")):
            with pytest.raises(NotSupported):
                await request
        return
    assert await system.device_name() == any_bench.sim.model.info["deviceName"]
    await system.set_device_name("Brána č. 2 & garáž")
    assert await system.device_name() == (await system.info()).name == "Brána č. 2 & garáž"
    with pytest.raises(InvalidRequest):
        await system.set_device_name("")


# -- 5.3.1, 5.3.2 configuration ----------------------------------------------------------------------


async def test_each_model_returns_and_takes_its_configuration(any_bench: Bench) -> None:
    config = any_bench.device().config
    content = await read(config.download())
    assert content.startswith(b"<?xml") and content.endswith(b"</DeviceDatabase>\n")
    await config.upload(BytesIO(content), "config.xml", len(content))
    assert any_bench.sim.config_file.uploaded == content


async def test_an_invalid_configuration_is_an_error(bench: Bench) -> None:
    for content in (b"", b"<html/>", b"\0\1\2"):
        with pytest.raises(InvalidRequest) as refused:
            await bench.device().config.upload(BytesIO(content), "config.xml", len(content))
        assert refused.value.parameter == "blob-cfg"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("html", None),
        ("<!DOCTYPE html><html><title>2N</title></html>", "application/xml"),
        ("\r\n <HTML lang='en'>", "application/octet-stream"),
        ('{"success": true}', "application/json"),
        ('{"success": true, "result": {}}', "application/xml"),
        ("{", "application/xml"),
    ],
)
async def test_a_page_instead_of_the_configuration_is_an_error(
    bench: Bench, body: str, content_type: str | None
) -> None:
    """captures/errors.json: without rights, the login page comes."""
    bench.sim.garbage("config", body, content_type)
    with pytest.raises(UnexpectedReply):
        await read(bench.device().config.download())


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml", "application/json", "text/plain", "text/html"])
async def test_the_configuration_under_any_name(bench: Bench, content_type: str) -> None:
    bench.sim.garbage("config", "<?xml version='1.0'?>\n<DeviceDatabase/>", content_type)
    assert await read(bench.device().config.download()) == b"<?xml version='1.0'?>\n<DeviceDatabase/>"


@pytest.mark.parametrize("status", [403, 404, 500, 302])
async def test_a_failed_configuration_download_is_an_error(bench: Bench, status: int) -> None:
    bench.sim.garbage("config", "<DeviceDatabase/>", "application/xml", status=status)
    with pytest.raises(UnexpectedReply):
        await read(bench.device().config.download())


async def test_a_configuration_above_the_size_limit_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.client.system._MAX_CONFIG", 2**20)
    bench.sim.garbage("config", b"<?xml version='1.0'?>" + b"x" * 2**20, "application/xml")
    with pytest.raises(UnexpectedReply, match="larger than 1048576"):
        await read(bench.device().config.download())


@pytest.mark.parametrize("kind", [Garbage.HUGE, Garbage.ENDLESS])
async def test_an_endless_error_response_is_an_error(bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.common.http.MAX_JSON", 2**20)
    bench.sim.garbage("config", kind)
    with pytest.raises(UnexpectedReply, match="larger than"):
        await read(bench.device().config.download())


async def test_factory_reset_removes_the_accounts(start: Start) -> None:
    bench = await start(speed=200)
    await bench.device().config.factory_reset()
    await until(lambda: not bench.sim.accounts, "the device to forget its accounts")
    assert [request.path for request in bench.seen()].count("/api/config/factoryreset") == 2  # the first is challenged


async def test_the_configuration_needs_a_privilege(start: Start) -> None:
    bench = await start(accounts=[Account("ha", "ha-pass", Privilege.MONITORING)])
    config = bench.device().config
    for request in (
        read(config.download()),
        config.upload(BytesIO(b"<a/>"), "a.xml", 4),
        config.factory_reset(),
        config.holidays(),
        config.set_holidays([]),
    ):
        with pytest.raises(PermissionDenied) as refused:
            await request
        assert refused.value.privilege == "System – Control"


# -- 5.3.3 holidays ----------------------------------------------------------------------------------


async def test_each_model_sets_its_holidays_or_rejects_it(any_bench: Bench) -> None:
    config = any_bench.device().config
    if not any_bench.has("config/holidays", 2, 27):
        for request in (config.holidays(), config.set_holidays(["01/01"])):
            with pytest.raises(NotSupported):
                await request
        return
    assert await config.holidays() == ("01/01", "24/12", "01/04/2018")
    await config.set_holidays(["06/12", "29/02/2028"])
    assert await config.holidays() == ("06/12", "29/02/2028")
    await config.set_holidays([])
    assert await config.holidays() == ()
    for wrong in ("2028-02-29", "30/02", "29/02/2027"):
        with pytest.raises(InvalidRequest):
            await config.set_holidays([wrong])


async def test_the_other_path_of_the_holidays_is_tried(bench: Bench) -> None:
    """The table of chapter 5 has ``/api/holidays`` too."""
    says(bench, "config/holidays", 2, "invalid request path")
    config = bench.device().config
    await config.set_holidays(["06/12"])
    assert await config.holidays() == ("06/12",)


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        (r'{"dates": ["01\\01", "24\/12", "01/04/2018"]}', ("01/01", "24/12", "01/04/2018")),
        ('{"dates": [5, null, "01/01"]}', ("01/01",)),
        ('{"dates": "01/01"}', ()),
        ("{}", ()),
    ],
)
async def test_unusual_holiday_values_are_decoded(bench: Bench, reported: str, decoded: tuple[str, ...]) -> None:
    bench.sim.garbage("config/holidays", f'{{"success": true, "result": {reported}}}', "application/json")
    assert await bench.device().config.holidays() == decoded


# -- 5.13 packets ------------------------------------------------------------------------------------

PCAP = struct.pack("<IHH", 0xA1B2C3D4, 2, 4)


async def test_each_model_captures_packets_or_rejects_it(any_bench: Bench) -> None:
    capture = any_bench.device().capture
    if not any_bench.has("pcap", 2, 14):
        for request in (read(capture.download()), capture.restart(), capture.stop()):
            with pytest.raises(NotSupported):
                await request
        return
    any_bench.sim.set_pcap_size(200_000)
    content = await read(capture.download())
    assert content.startswith(PCAP) and len(content) == 200_000
    await capture.stop()
    assert not any_bench.sim.capture.recording
    await capture.restart()
    assert any_bench.sim.capture.recording


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.tcpdump.pcap", "text/html"])
async def test_packets_under_any_name(bench: Bench, content_type: str) -> None:
    """HTTP API 5.13.1 calls the file application/json."""
    bench.sim.pcap_content_type = content_type
    assert (await read(bench.device().capture.download())).startswith(PCAP)


@pytest.mark.parametrize("auth", ["none", "basic", "digest"])
async def test_a_capture_is_downloaded_with_each_authentication(bench: Bench, auth: str) -> None:
    bench.set_auth(system=auth)
    assert (await read(bench.device().capture.download())).startswith(PCAP)


async def test_an_empty_capture_can_be_downloaded(bench: Bench) -> None:
    await bench.device().capture.stop()
    bench.sim.set_pcap_size(24)
    assert len(await read(bench.device().capture.download())) == 24


async def test_an_interrupted_capture_download_is_an_error(bench: Bench) -> None:
    bench.sim.set_pcap_size(64 * 2**20)
    async with bench.device().capture.download() as stream:
        chunks = stream.chunks()
        assert await anext(chunks)
        bench.sim.reset_connections()
        with pytest.raises(ConnectionFailed):
            await rest(chunks)


async def test_a_live_capture_ends_when_it_is_stopped(bench: Bench) -> None:
    capture = bench.device().capture
    assert await capture.stats() == CaptureStats(running=False, bytes_sent=0, packets_sent=0)
    async with capture.live(3600) as stream:
        chunks = stream.chunks()
        assert (await anext(chunks)).startswith(PCAP)
        assert await anext(chunks)
        stats = await capture.stats()
        assert stats.running
        assert stats.bytes_sent > 24 and stats.packets_sent > 0
        with pytest.raises(Rejected):
            await read(capture.live(5))
        await capture.stop_live()
        await rest(chunks)
    live = [request for request in bench.seen() if request.path == "/api/pcap/live" and request.error_code is None]
    assert [request.query for request in live] == [{"duration": "3600"}]
    assert not (await capture.stats()).running
    await capture.stop_live()  # there is none: no error


async def test_a_live_capture_ends_after_its_time_or_with_its_reader(start: Start) -> None:
    bench = await start(speed=20)
    capture = bench.device().capture
    assert (await read(capture.live(2))).startswith(PCAP)
    async with capture.live() as stream:
        assert await anext(stream.chunks())
    await until(lambda: bench.sim.capture.live is None, "the device to stop sending")


async def test_requests_do_not_wait_for_packet_captures(bench: Bench) -> None:
    """There are more captures than parallel requests."""
    device = bench.device()
    bench.sim.set_pcap_size(64 * 2**20)
    opened = [device.capture.download() for _ in range(CONCURRENT_REQUESTS + 2)]
    streams = [await download.__aenter__() for download in opened]
    for stream in streams:
        assert await anext(stream.chunks())
    async with asyncio.timeout(5):
        channel = await device.log.subscribe(["KeyPressed"], "new", 90)
        pull = asyncio.ensure_future(device.log.pull(channel, 30))
        await bench.sim.wait_for_pull()
        await asyncio.gather(*(device.switch.status() for _ in range(CONCURRENT_REQUESTS)))
        bench.sim.press("%1", call=False)
        assert await pull
    for download in opened:
        await download.__aexit__(None, None, None)


async def test_a_starting_packet_capture_counts_as_a_request(bench: Bench) -> None:
    device = bench.device()
    await device.switch.status()
    bench.sim.delay(0.3, "pcap")
    reading = [asyncio.ensure_future(read(device.capture.download())) for _ in range(CONCURRENT_REQUESTS)]
    await until(lambda: len(bench.sim._handling) == CONCURRENT_REQUESTS, "recordings about to begin")
    asking = asyncio.ensure_future(device.switch.status())
    await asyncio.sleep(0.1)
    assert not asking.done()
    assert await asking
    assert all(await asyncio.gather(*reading))


@pytest.mark.parametrize("data", [{"position": 7}, None, "x"])
async def test_an_error_has_the_details_of_the_device(bench: Bench, data: object) -> None:
    """Firmware 2.50 adds ``data`` to the error object."""
    error = {"code": 14, "description": "no", "data": data}
    bench.sim.garbage("pcap/stop", json.dumps({"success": False, "error": error}), "application/json")
    with pytest.raises(CommandFailed) as refused:
        await bench.device().capture.stop()
    assert refused.value.details == (data if isinstance(data, dict) else {})
    assert str(refused.value) == "no" and "position" not in repr(refused.value)
