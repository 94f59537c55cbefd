"""Pictures and films, only of the configured server and only of their content types."""

from datetime import datetime

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    IntercomError,
    InvalidRequest,
    NoData,
    Overloaded,
    ServerBroken,
    Throttled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.smartyard.client import SmartYard
from tests.simulators.smartyard import Dialect, Simulator

from .conftest import Server, log_in

JPEG = b"\xff\xd8\xff\xe0 picture"
KEY = "310b2883c53024644bcd8355fe846b67"


async def test_pictures_of_a_ring_are_read_while_it_lasts(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        yard = await log_in(sim, session)
        ring = sim.ring()
        assert (await yard.images.camshot(ring)).startswith(b"\xff\xd8")
        assert (await yard.images.live(ring)).startswith(b"\xff\xd8")
        sim.pass_time(200)
        for picture in (yard.images.camshot, yard.images.live):
            with pytest.raises(NoData):
                await picture(ring)
        assert {request.authorization for request in sim.requests[-4:]} == {None}


async def test_pictures_of_the_event_log_are_downloaded(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        yard = await log_in(sim, session)
        sim.happen("key", ago=600)
        [day] = await yard.address.log_days("51")
        [record] = await yard.address.log("51", day.day)
        assert record.picture is not None
        assert (await yard.images.log_picture(record.picture)).startswith(b"\xff\xd8")
        assert record.preview is not None
        assert (await yard.images.at(record.preview)).startswith(b"\xff\xd8")
        with pytest.raises(NoData):
            await yard.images.log_picture("00000000-0000-0000-0000-000000000000")


async def test_an_address_of_a_push(session: aiohttp.ClientSession) -> None:
    async with Simulator(Dialect.AXIOS) as sim:
        yard = await log_in(sim, session)
        ring = sim.ring()
        assert (await yard.images.at(f"{sim.origin}/shot/{ring}.jpg")).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.test/shot.jpg",
        "//elsewhere.test/shot.jpg",
        "/mobile/shot.jpg",
        "shot.jpg",
        "",
        "file:///etc/passwd",
        "http://[1/shot.jpg",
        "http://127.0.0.1:1/shot.jpg",
        "{origin}.elsewhere.test/shot.jpg",
        "http://me@127.0.0.1:{port}/shot.jpg",
        "https://127.0.0.1:{port}/shot.jpg",
        "http://localhost:{port}/shot.jpg",
        "{origin}@elsewhere.test/shot.jpg",
        "http://127.0.0.1:{port}/a//b",
    ],
)
async def test_a_picture_address_of_another_server_is_an_error(server: Server, yard: SmartYard, address: str) -> None:
    server.respond("/shot.jpg", JPEG, content_type="image/jpeg")
    with pytest.raises(InvalidRequest):
        await yard.images.at(address.format(origin=server.url.origin(), port=server.url.port))
    if "/" in address:
        with pytest.raises(InvalidRequest):
            async with yard.films.open(address.format(origin=server.url.origin(), port=server.url.port)):
                pass
    assert server.asked == []
    assert await yard.images.at(str(server.url.with_path("/shot.jpg"))) == JPEG


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "../user/ping", "a\nb", "x" * 257])
async def test_an_invalid_picture_key_is_an_error(server: Server, yard: SmartYard, key: str) -> None:
    for picture in (yard.images.camshot, yard.images.live, yard.images.log_picture):
        with pytest.raises(InvalidRequest):
            await picture(key)
    assert server.asked == []


@pytest.mark.parametrize("key", ["a?b=c", "a#b", "a%2Fb", "ключ", "{key}"])
async def test_a_picture_key_is_escaped_in_the_path(server: Server, yard: SmartYard, key: str) -> None:
    server.respond(f"/mobile/call/camshot/{key}", JPEG, content_type="image/jpeg")
    assert await yard.images.camshot(key) == JPEG
    assert server.asked[0].query == {}


async def test_pictures_are_requested_without_the_token(server: Server, yard: SmartYard) -> None:
    server.respond(f"/mobile/call/camshot/{KEY}", JPEG, content_type="image/jpeg")
    await yard.images.camshot(KEY)
    assert (server.asked[0].method, server.asked[0].headers.get("Authorization")) == ("GET", None)


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "image/webp", "image/gif"])
async def test_a_call_picture_may_have_each_image_type(server: Server, yard: SmartYard, content_type: str) -> None:
    server.respond(f"/mobile/call/camshot/{KEY}", JPEG, content_type=content_type)
    assert await yard.images.camshot(KEY) == JPEG


@pytest.mark.parametrize(
    ("status", "body", "content_type", "expected"),
    [
        (200, b"<html>", "text/html", UnexpectedReply),
        (200, b"<svg/>", "image/svg+xml", UnexpectedReply),
        (200, b"{}", "application/json", UnexpectedReply),
        (200, b"", "image/jpeg", UnexpectedReply),
        (200, JPEG * 1000, "image/jpeg", UnexpectedReply),
        (204, b"", "application/json", UnexpectedReply),
        (302, JPEG, "image/jpeg", UnexpectedReply),
        (400, JPEG, "image/jpeg", UnexpectedReply),
        (401, b"{}", "application/json", NoData),
        (403, b"{}", "application/json", NoData),
        (404, b'{"code":404}', "application/json", NoData),
        (410, b"", "text/html", NoData),
        (429, b"<html>", "text/html", Throttled),
        (503, b"<html>", "text/html", Overloaded),
        (502, b"<html>", "text/html", ServerBroken),
        (555, b'{"error":"redis"}', "application/json", ServerBroken),
    ],
)
async def test_an_invalid_picture_is_an_error(
    server: Server,
    yard: SmartYard,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    content_type: str,
    expected: type[IntercomError],
) -> None:
    """No redirect is followed, and no error is about the account."""
    monkeypatch.setattr("custom_components.ip_intercom.systems.smartyard.client.pictures.MAX_IMAGE", 1000)
    headers = {"Location": str(server.url.with_path("/other.jpg"))}
    server.respond("/other.jpg", JPEG, content_type="image/jpeg")
    for path in (f"/mobile/call/camshot/{KEY}", "/shot.jpg", f"/mobile/cctv/download/{KEY}"):
        server.respond(path, body, status=status, content_type=content_type, headers=headers)
    with pytest.raises(expected) as raised:
        await yard.images.camshot(KEY)
    assert type(raised.value) is expected
    assert KEY not in str(raised.value)
    with pytest.raises(expected):
        await yard.images.at(str(server.url.with_path("/shot.jpg")))
    with pytest.raises(expected):
        async with yard.films.open(KEY):
            pass
    assert len(server.asked) == 3


# ---- Films ----


async def test_a_finished_film_can_be_downloaded(session: aiohttp.ClientSession) -> None:
    async with Simulator(Dialect.AXIOS) as sim:
        yard = await log_in(sim, session)
        camera = (await yard.cameras.all())[0]
        fragment = await yard.cameras.prepare(camera.id, datetime(2026, 11, 21, 12), datetime(2026, 11, 21, 13))
        assert fragment is not None
        with pytest.raises(NoData):
            await yard.cameras.download(fragment)
        sim.finish_films()
        address = await yard.cameras.download(fragment)
        assert address is not None
        for named in (address, URL(address).name):
            async with yard.films.open(named) as film:
                assert film.content_type == "video/mp4"
                assert b"ftyp" in b"".join([chunk async for chunk in film.chunks()])[:16]
        with pytest.raises(NoData):
            async with yard.films.open("00000000-0000-0000-0000-000000000000"):
                pass


async def test_a_film_above_the_size_limit_is_an_error(
    server: Server, yard: SmartYard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.smartyard.client.pictures.MAX_FILM", 1000)
    server.respond(f"/mobile/cctv/download/{KEY}", b"x" * 5000, content_type="video/mp4")
    async with yard.films.open(KEY) as film:
        with pytest.raises(UnexpectedReply):
            async for _ in film.chunks():
                pass
