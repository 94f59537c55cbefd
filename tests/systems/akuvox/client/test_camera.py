"""Pictures of port 8080 (captures/port8080_snapshot_mjpeg.md)."""

import asyncio

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    ConnectionFailed,
    LoginRefused,
    NotSupported,
    UnexpectedReply,
)
from tests.simulators.akuvox import Broken

from .conftest import Bench, Start

RTSP = {"username": "admin", "password": "admin"}
CAMERAS = pytest.mark.parametrize("dialect", ["e18", "e16c", "r29"])


@CAMERAS
async def test_each_camera_returns_a_snapshot(start: Start, dialect: str) -> None:
    """The camera uses HTTP or any HTTPS, with no, Basic, or Digest authentication."""
    bench = await start(dialect)
    camera = bench.camera(**RTSP)
    for _ in range(2):
        assert (await camera.snapshot()).startswith(b"\xff\xd8")
    requests = bench.seen()
    assert {request.path for request in requests} == {"/picture.jpg"}
    assert all(request.authorization is None for request in requests[:1])


@CAMERAS
async def test_each_camera_streams_motion_jpeg(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    async with bench.camera(**RTSP).mjpeg() as stream:
        assert stream.content_type.startswith("multipart/x-mixed-replace")
        assert b"\xff\xd8" in await stream.begin(1000)
        assert bench.sim.camera.streams == 1
    async with asyncio.timeout(5):
        while bench.sim.camera.streams:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("dialect", ["e16c", "r29"])
@pytest.mark.parametrize(("username", "password"), [("", ""), ("admin", "wrong")])
async def test_a_wrong_camera_login_is_an_error(start: Start, dialect: str, username: str, password: str) -> None:
    bench = await start(dialect)
    with pytest.raises(LoginRefused):
        await bench.camera(username, password).find()
    assert "wrong" not in repr(bench.camera(username, password))


@pytest.mark.parametrize("how", [Broken.CUT, Broken.EMPTY])
async def test_an_invalid_picture_is_an_error(start: Start, how: Broken) -> None:
    bench = await start("e18")
    camera = bench.camera()
    await camera.find()
    bench.sim.break_snapshots(how)
    with pytest.raises(UnexpectedReply):
        await camera.snapshot()
    assert await camera.snapshot()


async def test_a_web_page_instead_of_a_picture_is_not_supported(start: Start) -> None:
    """Newer firmware answers every path with its web app; pictures may return later."""
    bench = await start("r29")
    camera = bench.camera(**RTSP)
    await camera.snapshot()
    bench.sim.camera.web_app_only = True
    with pytest.raises(NotSupported):
        await camera.snapshot()
    with pytest.raises(NotSupported):
        async with bench.camera(**RTSP).mjpeg():
            pass
    bench.sim.camera.web_app_only = False
    assert await camera.snapshot()


async def test_other_paths_are_tried(start: Start) -> None:
    bench = await start("r29")
    bench.sim.break_snapshots(Broken.HTML, 2)
    camera = bench.camera(**RTSP)
    assert await camera.snapshot()
    assert [request.path for request in bench.seen() if request.status == 200] == [
        "/picture.jpg",
        "/picture.cgi",
        "/jpeg.cgi",
        "/jpeg.cgi",
    ]


async def test_motion_jpeg_without_a_stream_is_not_supported(start: Start) -> None:
    bench = await start("r29")
    camera = bench.camera(**RTSP)
    await camera.find()
    bench.sim.camera.web_app_only = True
    with pytest.raises(NotSupported):
        async with camera.mjpeg():
            pass


async def test_an_unreachable_device_is_an_error(bench: Bench) -> None:
    with pytest.raises(ConnectionFailed):
        await bench.camera().snapshot()


async def test_the_camera_is_away_for_a_while(start: Start) -> None:
    bench = await start("e18")
    camera = bench.camera()
    await camera.snapshot()
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await camera.snapshot()
    await bench.sim.restore_connection()
    assert await camera.snapshot()
