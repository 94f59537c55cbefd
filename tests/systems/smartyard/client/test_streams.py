"""Cameras on every kind of server: their streams and stills, and the errors."""

from collections.abc import AsyncGenerator
from datetime import datetime

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    ConnectionFailed,
    IntercomError,
    InvalidRequest,
    NoData,
    NotSupported,
    Overloaded,
    ServerBroken,
    StreamRefused,
    Throttled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.smartyard.client import (
    Camera,
    SmartYard,
    archive_url,
    check,
    live_url,
    still,
)
from tests.simulators.smartyard import Kind, Simulator

from .conftest import Server, log_in

JPEG = b"\xff\xd8\xff\xe0"
ASKS = (Kind.MACROSCOP, Kind.TRASSIR, Kind.FORPOST)
BEHIND = {
    Kind.NIMBLE: "/live/yard/playlist.m3u8",
    Kind.MACROSCOP: "/hls/1/stream.m3u8",
}


@pytest.fixture
async def sim() -> AsyncGenerator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def yard(sim: Simulator, session: aiohttp.ClientSession) -> SmartYard:
    return await log_in(sim, session)


async def camera_of(yard: SmartYard, kind: Kind) -> Camera:
    return next(camera for camera in await yard.cameras.all() if camera.server_type == kind)


def camera(url: URL | str, server_type: str, sign: str = "t0ken", mode: str | None = "fmp4") -> Camera:
    return Camera("1", "x", str(url), sign, server_type, mode)


@pytest.mark.parametrize("kind", Kind)
async def test_each_kind_of_camera_has_a_live_stream(
    sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession, kind: Kind
) -> None:
    url = await live_url(session, await camera_of(yard, kind))
    await check(session, url)
    assert BEHIND.get(kind, url.path) == url.path
    async with session.get(url) as response:
        assert (await response.read()).startswith(b"#EXTM3U")


@pytest.mark.parametrize("kind", Kind)
async def test_each_kind_of_camera_has_a_still(
    sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession, kind: Kind
) -> None:
    found = await still(session, await camera_of(yard, kind), now=datetime(2026, 11, 21, 12))
    if kind in ASKS:
        assert (found.content_type, found.url) == ("image/jpeg", None)
        assert found.image is not None
        assert found.image.startswith(JPEG)
        return
    assert (found.content_type, found.image) == ("video/mp4", None)
    assert found.url is not None
    async with session.get(found.url) as response:
        assert (response.status, response.content_type) == (200, "video/mp4")


async def test_a_thumbnail_of_a_flussonic_is_an_image(
    sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession
) -> None:
    sim.make_thumbnails()
    found = await still(session, await camera_of(yard, Kind.FLUSSONIC))
    assert (found.content_type, found.url) == ("image/jpeg", None)


async def test_the_playlist_of_an_intercom_is_found_without_its_mode(
    sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession
) -> None:
    """One intercom has only the newer playlist, another only the older one."""
    cameras = {found.domophone_id: found.camera for found in await yard.cameras.of_intercoms()}
    assert [cameras[door].hls_mode for door in ("21", "24")] == [None, None]
    urls = [await live_url(session, cameras[door]) for door in ("21", "24")]
    assert [url.name for url in urls] == ["index.fmp4.m3u8", "index.m3u8"]
    for url in urls:
        await check(session, url)


@pytest.mark.parametrize("kind", Kind)
async def test_an_old_camera_token_is_rejected(
    sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession, kind: Kind
) -> None:
    """The old token is rejected for all clients; the API returns the new one."""
    old = await camera_of(yard, kind)
    sim.renew_camera_token(int(old.id))

    async def look(at: Camera) -> None:
        await check(session, await live_url(session, at))

    with pytest.raises(StreamRefused):
        await look(old)
    if kind is not Kind.NIMBLE:
        with pytest.raises(StreamRefused):
            await still(session, old)
    new = await camera_of(yard, kind)
    assert new.token != old.token
    await look(new)
    await still(session, new)


# ---- Addresses ----


@pytest.mark.parametrize(
    ("server_type", "mode", "expected"),
    [
        ("flussonic", "fmp4", "https://c.test:8443/door/index.fmp4.m3u8?token=a+b/c=="),
        ("sesame", "fmp4", "https://c.test:8443/door/index.fmp4.m3u8?token=a+b/c=="),
        ("flussonic", "mpegts", "https://c.test:8443/door/index.m3u8?token=a+b/c=="),
        ("nimble", None, "https://c.test:8443/door/playlist.m3u8?wmsAuthSign=a+b/c=="),
    ],
)
@pytest.mark.parametrize("address", ["https://c.test:8443/door", "https://c.test:8443/door/"])
async def test_the_live_address_contains_the_token_unchanged(
    session: aiohttp.ClientSession, address: str, server_type: str, mode: str | None, expected: str
) -> None:
    """The token is inserted unchanged."""
    assert str(await live_url(session, camera(address, server_type, "a+b/c==", mode))) == expected


async def test_a_live_address_may_have_no_token(session: aiohttp.ClientSession) -> None:
    assert str(await live_url(session, camera("http://c.test/a", "nimble", ""))) == "http://c.test/a/playlist.m3u8"


def test_the_archive_of_a_camera_is_prepared_and_downloaded() -> None:
    flussonic, nimble = (camera("http://c.test/a", kind, "t") for kind in ("flussonic", "nimble"))
    assert str(archive_url(flussonic, 1795222540, 60)) == "http://c.test/a/index-1795222540-60.m3u8?token=t"
    expected = "http://c.test/a/playlist_dvr_range-1795222540-60.m3u8?wmsAuthSign=t"
    assert str(archive_url(nimble, 1795222540, 60)) == expected
    with pytest.raises(NotSupported):
        archive_url(camera("http://c.test/a", "trassir"), 1795222540, 60)


@pytest.mark.parametrize("address", ["", "rtsp://c.test/a", "/a", "http://", "file:///etc/passwd", "http://[1/a"])
@pytest.mark.parametrize("kind", Kind)
async def test_an_invalid_address_is_an_error(session: aiohttp.ClientSession, kind: Kind, address: str) -> None:
    for look in (live_url, still):
        with pytest.raises(InvalidRequest):
            await look(session, camera(address, kind))
    with pytest.raises(InvalidRequest):
        archive_url(camera(address, kind), 1, 1)


async def test_an_unknown_kind_of_camera_server_is_not_supported(session: aiohttp.ClientSession) -> None:
    for look in (live_url, still):
        with pytest.raises(NotSupported):
            await look(session, camera("http://c.test/a", "tomorrows"))


# ---- What servers answer ----

MACROSCOP, TRASSIR, FORPOST = "/hls", "/login", "/api"
ADDRESSES = {"macroscop": "/hls?channelid=1", "trassir": "/video?channel=1", "forpost": "/api?CameraID=1"}


def at(server: Server, kind: str) -> Camera:
    return camera(f"{server.url}{ADDRESSES[kind]}".replace("//hls", "/hls"), kind, "a=b&c=")


async def test_macroscop_requests_have_their_parameters(server: Server, session: aiohttp.ClientSession) -> None:
    server.respond("/hls", "17/a.m3u8?x=1\n", content_type="text/plain")
    server.respond("/site", JPEG, content_type="image/jpeg")
    assert await live_url(session, at(server, "macroscop")) == server.url.join(URL("/hls/17/a.m3u8?x=1"))
    assert (await still(session, at(server, "macroscop"))).image == JPEG
    live, picture = server.asked
    assert (live.method, live.query) == ("GET", {"channelid": "1", "a": "b", "c": ""})
    assert picture.query == {
        "channelid": "1", "a": "b", "c": "", "withcontenttype": "true", "mode": "realtime", "resolutionx": "480",
        "resolutiony": "270", "streamtype": "mainvideo",
    }  # fmt: skip


async def test_trassir_requests_have_their_parameters(server: Server, session: aiohttp.ClientSession) -> None:
    server.respond("/login", {"success": 1, "sid": "s1d"})
    server.respond("/get_video", {"success": 1, "token": "tok"})
    server.respond("/screenshot/1", JPEG, content_type="image/jpeg")
    assert await live_url(session, at(server, "trassir")) == server.url.with_path("/hls/tok/master.m3u8")
    assert (await still(session, at(server, "trassir"), now=datetime(2026, 11, 21, 12, 5))).image == JPEG
    login, video, picture = server.asked
    assert login.query == {"a": "b", "c": ""}
    assert video.query == {"channel": "1", "container": "hls", "sid": "s1d", "stream": "main"}
    assert picture.query == {"timestamp": "2026-11-21 12:05:00", "sid": "s1d"}


async def test_a_trassir_session_is_reused_until_it_ends(
    sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession
) -> None:
    def logins() -> int:
        return sum(request.path == "/login" for request in sim.requests)

    old = await camera_of(yard, Kind.TRASSIR)
    for _ in range(3):
        await still(session, old)
    await live_url(session, old)
    assert logins() == 1
    sim.renew_camera_token(int(old.id))
    with pytest.raises(StreamRefused):
        await still(session, old)
    assert logins() == 2
    new = await camera_of(yard, Kind.TRASSIR)
    for _ in range(3):
        await check(session, await live_url(session, new))
    assert logins() == 3
    async with aiohttp.ClientSession() as another:
        await still(another, new)
    assert logins() == 4


async def test_forpost_requests_have_their_parameters(server: Server, session: aiohttp.ClientSession) -> None:
    server.respond("/api", {"URL": str(server.url.with_path("/shot").with_query(k="1"))})
    server.respond("/shot", JPEG, content_type="image/jpeg")
    assert await live_url(session, at(server, "forpost")) == server.url.with_path("/shot").with_query(k="1")
    assert (await still(session, at(server, "forpost"))).image == JPEG
    live, again, picture = server.asked
    assert (live.method, live.query, live.body) == ("POST", {}, b"CameraID=1&a=b&c=")
    assert again.body == b"CameraID=1&a=b&c=&Format=JPG"
    assert (picture.method, picture.query) == ("GET", {"k": "1"})


@pytest.mark.parametrize("kind", ADDRESSES)
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"", StreamRefused),
        (403, b"", StreamRefused),
        (404, b"", NoData),
        (429, b"", Throttled),
        (500, b"", ServerBroken),
        (503, b"", Overloaded),
        (302, b"", UnexpectedReply),
        (200, b"<html>no</html>", UnexpectedReply),
        (200, b"", UnexpectedReply),
        (200, b"../../other", UnexpectedReply),
        (200, b"http://elsewhere.test/x", UnexpectedReply),
        (200, b"a b", UnexpectedReply),
        (200, b"x" * 5000, UnexpectedReply),
        (200, b"\xff\x00", UnexpectedReply),
        (200, b"[" * 100_000, UnexpectedReply),
    ],
)
async def test_an_invalid_stream_response_is_an_error(
    server: Server, session: aiohttp.ClientSession, kind: str, status: int, body: bytes, expected: type[IntercomError]
) -> None:
    path = URL(ADDRESSES[kind]).path if kind != "trassir" else "/login"
    server.respond(path, body, status=status, content_type="text/plain", headers={"Location": "http://elsewhere.test/"})
    with pytest.raises(expected):
        await live_url(session, at(server, kind))
    assert len(server.asked) == 1


@pytest.mark.parametrize("kind", ["trassir", "forpost"])
@pytest.mark.parametrize(
    "content", [{}, [], {"success": 0, "error_code": "x"}, {"ErrorCode": 2}, {"sid": "", "URL": ""}]
)
async def test_a_rejection_with_status_200_is_an_error(
    server: Server, session: aiohttp.ClientSession, kind: str, content: object
) -> None:
    server.respond("/api" if kind == "forpost" else "/login", content)
    with pytest.raises(StreamRefused):
        await live_url(session, at(server, kind))


async def test_trassir_has_a_session_but_no_stream(server: Server, session: aiohttp.ClientSession) -> None:
    server.respond("/login", {"success": 1, "sid": "1"})
    server.respond("/get_video", {"success": 0, "error_code": "channel not found"})
    with pytest.raises(StreamRefused):
        await live_url(session, at(server, "trassir"))


@pytest.mark.parametrize("query", ["", "?other=1", "?channel=", "?channel=a/b", "?channel=.."])
async def test_trassir_without_a_valid_channel_is_an_error(
    server: Server, session: aiohttp.ClientSession, query: str
) -> None:
    server.respond("/login", {"success": 1, "sid": "1"})
    with pytest.raises(InvalidRequest):
        await still(session, camera(f"{server.url}video{query}", "trassir"))
    assert {asked.path for asked in server.asked} <= {"/login"}


@pytest.mark.parametrize("address", ["file:///etc/passwd", "/relative", "rtsp://c.test/x", "http://"])
async def test_forpost_names_no_address(server: Server, session: aiohttp.ClientSession, address: str) -> None:
    server.respond("/api", {"URL": address})
    with pytest.raises(UnexpectedReply):
        await live_url(session, at(server, "forpost"))


@pytest.mark.parametrize("token", ["../../x", "http://elsewhere.test", "a b", "\n"])
async def test_trassir_names_no_stream(server: Server, session: aiohttp.ClientSession, token: str) -> None:
    server.respond("/login", {"sid": "1"})
    server.respond("/get_video", {"token": token})
    with pytest.raises(UnexpectedReply):
        await live_url(session, at(server, "trassir"))


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"<html>", "text/html"), (b"", "image/jpeg"), (b"x" * 2000, "image/jpeg")]
)
async def test_an_invalid_picture_is_an_error(
    server: Server,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    content_type: str,
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.smartyard.client.streams.MAX_IMAGE", 1000)
    server.respond("/site", body, content_type=content_type)
    with pytest.raises(UnexpectedReply):
        await still(session, at(server, "macroscop"))


@pytest.mark.parametrize("body", [b"", b"<html>", b"nothing"])
async def test_an_invalid_playlist_is_an_error(server: Server, session: aiohttp.ClientSession, body: bytes) -> None:
    server.respond("/a/index.fmp4.m3u8", body)
    with pytest.raises(UnexpectedReply):
        await check(session, await live_url(session, camera(server.url / "a", "flussonic")))


async def test_an_unreachable_server_is_an_error(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    for kind in ADDRESSES:
        with pytest.raises(ConnectionFailed):
            await live_url(session, camera(f"http://127.0.0.1:{unused_tcp_port}/x?channel=1", kind))


# ---- Secrets ----


async def test_no_error_contains_a_token(server: Server, session: aiohttp.ClientSession) -> None:
    """The token may be in any part of the address."""
    failures = []
    secret = "s3cret-t0ken"
    server.respond("/login", {"sid": secret})
    server.respond("/get_video", {"token": secret})
    watched = [
        camera(server.url.with_path(f"/{secret}").with_query(channel=secret, CameraID=secret), kind, f"a={secret}")
        for kind in (*Kind, "tomorrows")
    ]
    for one in watched:
        with pytest.raises(IntercomError) as raised:
            await check(session, await live_url(session, one))
        failures.append(raised.value)
    for one in watched:
        try:
            found = await still(session, one)
        except IntercomError as err:
            failures.append(err)
        else:
            assert secret not in repr(found)
    chain: list[BaseException] = []
    for failure in failures:
        cause: BaseException | None = failure
        while cause is not None:
            chain.append(cause)
            cause = cause.__cause__
    assert len(chain) >= 8
    assert [str(error) for error in chain if secret in f"{error} {error!r}"] == []
    assert secret not in repr(watched)
