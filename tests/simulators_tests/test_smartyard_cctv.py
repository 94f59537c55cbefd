"""Cameras: the lists of the API, and the servers of each type (field notes 5 and 6)."""

from io import BytesIO
import json
from typing import Any

import av
import pytest

from tests.simulators.smartyard import NEIGHBOUR, Camera, Dialect, Kind

from .smartyard_api import YardApi, YardFactory

SITE = "&withcontenttype=true&mode=realtime&resolutionx=480&resolutiony=270&streamtype=mainvideo"


async def camera(api: YardApi, number: int) -> dict[str, Any]:
    rows = [*await api.post("cctv/all"), *await api.post("cctv/overview")]
    [found] = [row for row in rows if str(row["id"]) == str(number)]
    return dict(found)


async def take(api: YardApi, url: str, **kwargs: Any) -> tuple[int, str, bytes]:
    method = "POST" if "data" in kwargs else "GET"
    response, data = await api.raw(method, url, token="", **kwargs)
    return response.status, response.content_type, data


async def test_each_camera_list_is_returned(yard: YardFactory) -> None:
    api = await yard(seed=None)
    rows = await api.post("cctv/all")
    assert [row["name"] for row in rows] == ["Ворота", "Вход", "Двор", "Калитка", "Парковка", "Подъезд 1"]
    assert {row["serverType"] for row in rows} == {"flussonic", "nimble", "macroscop", "trassir", "forpost"}
    assert [row["id"] for row in await api.post("cctv/all", houseId=12)] == [44, 46]
    assert await api.post("cctv/all", houseId=99) is None
    assert {row["id"]: row.get("hlsMode") for row in rows}[41] == "fmp4"
    tree = await api.post("cctv/allTree")
    assert [(group["groupName"], len(group["cameras"])) for group in tree["childGroups"]] == [
        ("г. Примерск, ул. Садовая, д. 3", 4),
        ("г. Примерск, наб. Речная, д. 12", 2),
    ]
    assert [row["id"] for row in await api.post("cctv/overview")] == [47]
    mapped = await api.post("cctv/camMap")
    assert [(row["id"], row["entranceId"], row["serverType"]) for row in mapped] == [
        ("21", "31", "flussonic"),
        ("22", "32", "forpost"),
        ("24", "35", "flussonic"),
        ("25", "36", "trassir"),
    ]
    await api.login(NEIGHBOUR)
    assert len((await api.post("cctv/allTree"))["cameras"]) == 4


async def test_a_film_of_the_archive_can_be_prepared_and_downloaded(yard: YardFactory) -> None:
    api = await yard()
    [row] = await api.post("cctv/ranges", cameraId=41)
    assert row["stream"] == "door21"
    [part] = row["ranges"]
    assert int(part["from"]) + int(part["duration"]) <= api.sim.clock.utc() + 1
    part_of_it: dict[str, Any] = {"id": 41, "from": "2026-11-20 10:00:00", "to": "2026-11-20 10:05:00"}
    number = await api.post("cctv/recPrepare", **part_of_it)
    assert await api.post("cctv/recPrepare", **part_of_it) == number
    # The published server sends the address in a message only.
    assert await api.post("cctv/recDownload", id=number) is None
    assert await api.post("cctv/youtube", id=41) is None
    [film] = api.sim.cctv.films
    link = f"{api.sim.url}/cctv/download/{film.uuid}"
    assert (await take(api, link))[0] == 404
    api.sim.finish_films()
    assert (await take(api, link))[:2] == (200, "video/mp4")
    [message] = api.sim.people.subscribers[api.sim.phone].messages
    assert message.action == "inbox"
    assert message.text.splitlines()[1].endswith(link)
    for wrong in ({"id": 42000}, {"from": "then"}, {"to": part_of_it["from"]}):
        assert (await api.error("cctv/recPrepare", **{**part_of_it, **wrong}))[0] == 404
    assert (await api.error("cctv/ranges", cameraId=9))[0] == 404


async def test_the_axios_dialect_returns_the_address_of_a_film(yard: YardFactory) -> None:
    api = await yard(dialect=Dialect.AXIOS)
    body: dict[str, Any] = {"id": 41, "from": "2026-11-20 10:00:00", "to": "2026-11-20 10:05:00"}
    number = await api.post("cctv/recPrepare", **body)
    response, _ = await api.raw("POST", "cctv/recDownload", json={"id": number})
    assert response.status == 404
    api.sim.finish_films()
    link = await api.post("cctv/recDownload", id=number)
    assert link.startswith(f"{api.sim.origin}/api/cctv/download/")
    assert (await take(api, link))[:2] == (200, "video/mp4")


def is_playlist(answer: tuple[int, str, bytes]) -> bool:
    return answer[0] == 200 and answer[1] == "application/vnd.apple.mpegurl" and answer[2].startswith(b"#EXTM3U")


def of_camera(data: bytes, number: int) -> bool:
    return data.startswith(b"\xff\xd8") and f'"camera": {number}'.encode() in data


def frames(film: bytes) -> list[float]:
    """Return the seconds of the frames of a film."""
    with av.open(BytesIO(film), "r") as container:
        found = [(frame.width, frame.height, float(frame.time or 0)) for frame in container.decode(video=0)]
    assert {size[:2] for size in found} == {(640, 480)}
    return [moment for *_, moment in found]


async def test_a_live_playlist_advances_by_whole_segments(yard: YardFactory) -> None:
    """The playlist advances, and each segment continues the one before."""
    api = await yard()
    row = await camera(api, 42)
    url = f"{row['url']}/playlist.m3u8?wmsAuthSign={row['token']}"

    async def names() -> list[str]:
        lines = (await take(api, url))[2].decode().splitlines()
        return [line for line in lines if not line.startswith("#")]

    first = await names()
    assert len(first) == 3
    times = []
    for name in first[:2]:
        status, kind, data = await take(api, f"{row['url']}/{name}")
        assert (status, kind) == (200, "video/mp2t")
        times.append(frames(data))
    assert [len(moments) for moments in times] == [20, 20]
    assert times[1][0] - times[0][0] == pytest.approx(4)
    api.sim.pass_time(4)
    assert (await names())[:2] == first[1:]
    assert (await take(api, f"{row['url']}/{'0' * 16}-1.ts"))[0] == 403


async def test_flussonic_checks_its_token(yard: YardFactory) -> None:
    api = await yard()
    one, other = await camera(api, 41), await camera(api, 46)
    assert is_playlist(await take(api, f"{one['url']}/index.fmp4.m3u8?token={one['token']}"))
    assert is_playlist(await take(api, f"{other['url']}/index.m3u8?token={other['token']}"))
    status, kind, film = await take(api, f"{one['url']}/preview.mp4?token={one['token']}")
    assert (status, kind) == (200, "video/mp4")
    assert frames(film) == [0.0]
    thumbnail = f"{one['url']}/preview.jpg?token={one['token']}"
    assert (await take(api, thumbnail))[0] == 404
    api.sim.make_thumbnails()
    assert of_camera((await take(api, thumbnail))[2], 41)
    for token in ("", "?token=", "?token=wrong", f"?token={other['token']}"):
        assert (await take(api, f"{one['url']}/index.fmp4.m3u8{token}"))[0] == 403
    assert (await take(api, f"{one['url']}/nothing?token={one['token']}"))[0] == 404
    assert (await take(api, f"{one['url']}x/index.m3u8?token={one['token']}"))[0] == 404


async def test_a_visitor_is_seen(yard: YardFactory) -> None:
    api = await yard()
    api.sim.make_thumbnails()
    row = await camera(api, 41)
    url = f"{row['url']}/preview.jpg?token={row['token']}"
    ring, other = api.sim.ring(), api.sim.ring()
    assert b'"visitor": true' in await api.get(url)
    for name, seen in ((ring, "true"), (other, "false")):
        api.sim.walk_away(name)
        assert f'"visitor": {seen}'.encode() in await api.get(url)


async def test_other_names_of_flussonic(yard: YardFactory) -> None:
    api = await yard()
    found = api.sim.town.camera(46)
    assert found is not None
    found.called = "sesame"
    assert (await camera(api, 46))["serverType"] == "sesame"


async def test_nimble_checks_its_token(yard: YardFactory) -> None:
    api = await yard()
    row = await camera(api, 42)
    sign = f"wmsAuthSign={row['token']}"
    assert is_playlist(await take(api, f"{row['url']}/playlist.m3u8?{sign}"))
    for name in ("dvr_thumbnail.mp4", "thumbnail.mp4"):
        assert (await take(api, f"{row['url']}/{name}?{sign}"))[:2] == (200, "video/mp4")
    assert (await take(api, f"{row['url']}/playlist.m3u8?token={row['token']}"))[0] == 403


async def test_macroscop_checks_its_login(yard: YardFactory) -> None:
    api = await yard()
    row = await camera(api, 43)
    status, _, text = await take(api, f"{row['url']}&{row['token']}")
    assert status == 200
    host = row["url"].partition("/hls")[0]
    assert is_playlist(await take(api, f"{host}/hls/{text.decode()}"))
    assert (await take(api, f"{host}/hls/77/stream.m3u8"))[0] == 404
    still = f"{row['url'].replace('/hls?', '/site?')}&{row['token']}"
    assert of_camera((await take(api, still + SITE))[2], 43)
    assert (await take(api, still))[0] == 400
    assert (await take(api, row["url"]))[0] == 401
    assert (await take(api, f"{row['url'][:-3]}&{row['token']}"))[0] == 404


async def test_trassir_checks_its_session(yard: YardFactory) -> None:
    api = await yard()
    row = await camera(api, 44)
    host, _, query = row["url"].partition("/video?")

    async def ask(path: str) -> Any:
        status, _, data = await take(api, f"{host}{path}")
        assert status == 200
        return json.loads(data)

    sid = (await ask(f"/login?{row['token']}"))["sid"]
    video = await ask(f"/get_video?{query}&container=hls&sid={sid}&stream=main")
    assert is_playlist(await take(api, f"{host}/hls/{video['token']}/master.m3u8"))
    assert of_camera((await take(api, f"{host}/screenshot/abc?timestamp=0&sid={sid}"))[2], 44)
    assert (await ask("/login?username=u&password=x"))["success"] == 0
    assert (await ask(f"/get_video?{query}&container=hls&sid=x&stream=main"))["success"] == 0
    assert (await ask(f"/get_video?channel=x&container=hls&sid={sid}&stream=main"))["success"] == 0
    # A session ends with the password.
    api.sim.renew_camera_token(44)
    assert (await ask("/screenshot/abc?timestamp=0"))["success"] == 0
    assert (await ask(f"/screenshot/abc?timestamp=0&sid={sid}"))["success"] == 0


async def test_forpost_checks_its_login(yard: YardFactory) -> None:
    api = await yard()
    row = await camera(api, 45)
    address, _, query = f"{row['url']}&{row['token']}".partition("?")
    form = dict(part.split("=", 1) for part in query.split("&"))
    live = json.loads((await take(api, address, data=form))[2])["URL"]
    assert is_playlist(await take(api, live))
    still = json.loads((await take(api, address, data={**form, "Format": "JPG"}))[2])["URL"]
    assert of_camera((await take(api, still))[2], 45)
    for wrong in ({"AdminPassword": "x"}, {"CameraID": "9"}, {"Format": "PNG"}, {"AdminLogin": "b"}):
        answer = json.loads((await take(api, address, data={**form, **wrong}))[2])
        assert "URL" not in answer
        assert answer["Error"]
    assert (await take(api, f"{address}?{query}"))[0] == 405
    assert (await take(api, f"{address}?{query}", data={"a": "b"}))[2] == json.dumps(
        {"ErrorCode": 4, "Error": "camera not found"}
    ).encode()


async def test_an_expired_camera_token_is_rejected(yard: YardFactory) -> None:
    api = await yard()
    old = await camera(api, 41)

    async def status(row: dict[str, Any]) -> int:
        return (await take(api, f"{row['url']}/preview.mp4?token={row['token']}"))[0]

    api.sim.refuse_camera(41)
    assert [await status(old) for _ in range(2)] == [403, 200]
    api.sim.renew_camera_token(41)
    new = await camera(api, 41)
    assert [await status(old), await status(new)] == [403, 200]
    api.sim.set_camera_token_ttl(60)
    assert await status(await camera(api, 41)) == 200
    assert (await camera(api, 41))["token"] == new["token"]
    api.sim.pass_time(61)
    assert await status(new) == 403
    last = await camera(api, 41)
    assert last["token"] != new["token"]
    assert await status(last) == 200


def test_the_repr_of_a_camera_hides_its_secret() -> None:
    assert "hidden" not in repr(Camera(1, "x", Kind.NIMBLE, "/x", 1, secret="hidden-token"))
