"""The simulator compared with the recordings of the published server: equal requests, responses of equal form."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.mx_proxy_recordings import Recording, read
from tests.simulators.smartyard import Camera, Door, Event, Flat, Form, House, Kind, Role, Town
from tests.simulators.smartyard.timezone import parse

from .smartyard_api import Catcher, YardApi, YardFactory

CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "smartyard"
FILES = sorted(CAPTURES.glob("*.http"))
pytestmark = pytest.mark.skipif(not FILES, reason="the recordings are not here")
PHONE, PIN = "79123456781", "1001"
HASH = "310b2883c53024644bcd8355fe846b67"


def form(value: Any) -> Any:
    """Return names and types, in their order."""
    if isinstance(value, dict):
        return [(name, form(content)) for name, content in value.items()]
    return [form(content) for content in value] if isinstance(value, list) else type(value)


def town() -> Town:
    """The house of the recordings."""
    names = {"nimble": "Двор", "macroscop": "Парковка", "trassir": "Лифт", "forpost": "Калитка"}
    paths = {
        Kind.NIMBLE: (2, "/live/yard"),
        Kind.MACROSCOP: (3, "/hls?channelid=e6f2848c"),
        Kind.TRASSIR: (4, "/video?channel=abc"),
        Kind.FORPOST: (5, "/system-api/GetTranslationURL?CameraID=5"),
    }
    others = [Camera(number, f"{names[kind]} ({kind})", kind, path, 1) for kind, (number, path) in paths.items()]
    entrance = Camera(1, "Подъезд 1", Kind.FLUSSONIC, "/door1", 1, has_sound=True, fmp4=True)
    return Town(
        [House(1, "г Примерск, ул Тестовая, д 9")],
        [
            Door(1, 0, "entrance", "Подъезд 1", 1, 1, camera=1),
            Door(2, 0, "wicket", "Калитка", 2, 1, camera=5, video=True),
            Door(1, 1, "barrier", "Шлагбаум", 3, 1, broken=True),
        ],
        [Flat(1, "11", 1, "40374")],
        [*others[:3], entrance, others[3]],
        [Camera(6, "Город/Площадь", Kind.FLUSSONIC, "/city1", None, fmp4=True)],
    )


async def settle(yard: YardFactory) -> YardApi:
    """Create a resident with a history."""
    api = await yard(logged_in=False, town=town(), seed=None)
    sim = api.sim
    sim.move_in(PHONE, 1, Role.OWNER)
    sim.phone = PHONE
    first = parse("2026-11-20 13:00:00")
    assert first is not None
    for number, event in enumerate(Event):
        sim.happen(event.name, 1, ago=sim.clock.utc() - first - 300 * number)
    return api


async def difference(api: YardApi, recording: Recording, hash: str) -> str:
    """Send the recorded request, and return the difference of the response."""
    headers = dict(recording.headers)
    if headers.get("Authorization", "").startswith("Bearer 3e"):
        headers["Authorization"] = f"Bearer {api.token}"
    path = api.sim.origin + recording.path.replace(HASH, hash)
    api.language = ""
    response, data = await api.raw(recording.method, path, token="", data=recording.body or None, headers=headers)
    if response.status != recording.status:
        return f"status {response.status}"
    if response.headers.get("Content-Type") != recording.reply_headers["Content-Type"]:
        return f"type {response.headers.get('Content-Type')}"
    expected = recording.reply.strip()
    if not expected or not expected.startswith(b"{"):
        return "" if bool(data) == bool(expected) else f"body {data!r}"
    answer, recorded = json.loads(data), json.loads(expected)
    if "accessToken" in str(answer.get("data")):
        api.token = answer["data"]["accessToken"]
    same = answer == recorded if recorded["code"] != 200 else form(answer) == form(recorded)
    # How PHP writes it: the text before the data is the same to the byte.
    opening = expected.partition(b'"data"')[0]
    return "" if same and data.startswith(opening) else f"{answer} is not {recorded}"


async def test_the_simulator_matches_the_recordings(yard: YardFactory) -> None:
    api = await settle(yard)
    name, found = api.sim.ring(1), {}
    for file in FILES:
        if problem := await difference(api, read(file), name):
            found[file.name] = problem
        if file.name.startswith("03_"):
            api.sim.login.codes[PHONE].pin = PIN
    assert found == {}


PUSHED = [("01", "text", "android"), ("02", "1", "android"), ("03", "2", "android"), ("04", "1", "ios")]


@pytest.mark.parametrize(("name", "what", "platform"), PUSHED)
async def test_pushes_match_the_recordings(
    yard: YardFactory, catcher: Catcher, name: str, what: str, platform: str
) -> None:
    api = await settle(yard)
    api.sim.push_to(catcher.url, Form.FCM, platform)
    if what == "text":
        api.sim.message("Test **message**")
    else:
        api.sim.ring(int(what))
    await api.sim.wait_for_pushes()
    recorded = json.loads((CAPTURES / "push" / f"{name}.json").read_text(encoding="utf-8"))
    [content] = catcher.contents
    assert form(content) == form(recorded)
    # What is not of that one ring is the same.
    same = ("android", "apns", "notification")
    assert {key: content.get(key) for key in same} == {key: recorded.get(key) for key in same}


async def test_the_query_push_matches_the_recording(yard: YardFactory, catcher: Catcher) -> None:
    api = await settle(yard)
    api.sim.push_to(catcher.url, Form.QUERY)
    api.sim.message("Test **message**")
    await api.sim.wait_for_pushes()
    recorded = json.loads((CAPTURES / "push" / "query_01.json").read_text(encoding="utf-8"))
    [query] = catcher.queries
    assert list(query) == list(recorded)
    own = ("token", "timestamp", "bundle")
    assert {name: query[name] for name in query if name not in own} == {
        name: recorded[name] for name in recorded if name not in own
    }
