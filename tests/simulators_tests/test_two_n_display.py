"""Displays of the 2N simulator (HTTP API 5.9)."""

import asyncio
from io import BytesIO
from typing import Any

from PIL import Image
import pytest

from tests.simulators.two_n import make_video

from .conftest import OK, Api, Factory, failure, until

SIZES = {"vario": ("internal", 320, 240), "verso3": ("ext1", 320, 214), "indoor": ("internal", 1024, 600)}


def picture(size: tuple[int, int] = (320, 214), kind: str = "JPEG", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, (20, 90, 160)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
async def verso3(device: Factory) -> Api:
    return await device("verso3", speed=20)


@pytest.mark.parametrize("model", SIZES)
async def test_each_model_has_its_display_size(device: Factory, model: str) -> None:
    api = await device(model)
    name, width, height = SIZES[model]
    wanted = {"displays": [{"display": name, "resolution": {"width": width, "height": height}}]}
    assert await api.result("display/caps") == wanted


@pytest.mark.parametrize("model", SIZES)
async def test_an_image_can_be_shown_and_deleted(device: Factory, model: str) -> None:
    api = await device(model)
    name, width, height = SIZES[model]
    image = picture((width, height))
    assert await api.put("display/image", {"blob-image": image}, display=name) == OK
    shown = api.sim.displays.shown[name]["top"]
    assert (shown.kind, shown.data) == ("image", image)
    # A Vario knows no overlays: its images go by themselves.
    assert shown.notification is (model == "vario")
    assert await api.delete("display/image", display=name) == OK
    assert api.sim.displays.shown[name] == {}
    # There is nothing left to delete, which is no error.
    assert await api.delete("display/image", display=name) == OK


@pytest.mark.parametrize(("model", "kinds"), [("verso3", {"JPEG", "BMP", "PNG"}), ("vario", {"JPEG", "BMP", "GIF"})])
async def test_each_model_accepts_its_image_formats(device: Factory, model: str, kinds: set[str]) -> None:
    api = await device(model)
    name, width, height = SIZES[model]
    for kind in ("JPEG", "BMP", "PNG", "GIF", "TIFF"):
        answer = await api.put("display/image", {"blob-image": picture((width, height), kind)}, display=name)
        assert answer["success"] is (kind in kinds), kind


async def test_invalid_images_are_rejected(verso3: Api) -> None:
    async def refused(image: bytes) -> tuple[int, str | None]:
        return await verso3.put_error("display/image", {"blob-image": image}, display="ext1")

    assert await refused(picture((320, 240))) == (12, "blob-image")
    assert await refused(picture(progressive=True)) == (12, "blob-image")
    assert await refused(picture()[:-200]) == (12, "blob-image")
    assert await refused(b"no image") == (12, "blob-image")
    assert await refused(b"") == (12, "blob-image")
    assert await refused(picture() + bytes(4 * 2**20)) == (13, "blob-image")
    assert verso3.sim.displays.shown == {"ext1": {}}


async def test_invalid_display_parameters_are_rejected(verso3: Api) -> None:
    image, video = picture(), make_video()
    put = verso3.put_error
    assert await put("display/image", {"blob-image": image}) == (11, "display")
    assert await put("display/image", {"blob-image": image}, display="ext2") == (12, "display")
    assert await put("display/image", display="ext1") == (11, "blob-image")
    assert await put("display/image", {"blob-image": image, "blob-video": video}, display="ext1") == (17, "blob-video")
    for duration in ("0", "-1", "1.5", "long"):
        assert await put("display/image", {"blob-image": image}, display="ext1", duration=duration) == (12, "duration")
    assert failure(await verso3.delete("display/image")) == (11, "display")
    assert failure(await verso3.delete("display/image", display="internal")) == (12, "display")
    # A large parameter can only be transferred by multipart/form-data (2.2).
    for body in ({"params": {"display": "ext1", "blob-image": "x"}}, {"data": {"display": "ext1", "blob-image": "x"}}):
        assert failure(await verso3.send("PUT", "display/image", **body)) == (11, "blob-image")
    assert verso3.sim.displays.shown == {"ext1": {}}


async def test_simple_parameters_may_come_with_the_upload(verso3: Api) -> None:
    """2.2: the ways may be combined, and the last occurrence wins."""
    blobs: dict[str, bytes | str] = {"display": "ext1", "duration": "60000", "blob-image": picture()}
    assert await verso3.put("display/image", blobs, display="ext7") == OK
    assert verso3.sim.displays.shown["ext1"]["top"].duration == 60


async def test_a_notification_ends_after_its_duration_or_a_touch(verso3: Api) -> None:
    """`duration` is in milliseconds; a touch ends it earlier."""
    assert await verso3.put("display/image", {"blob-image": picture()}, display="ext1", duration=1000) == OK
    shown = verso3.sim.displays.shown["ext1"]
    assert shown["top"].notification
    await until(lambda: not shown)
    assert await verso3.put("display/image", {"blob-image": picture()}, display="ext1", duration=3_600_000) == OK
    channel = await verso3.subscribe(filter="DisplayTouched")
    verso3.sim.touch_display("ext1", x=89, y=100)
    assert not shown
    [event] = await verso3.pull(channel)
    assert event["params"] == {"x": 89, "y": 100, "dx": 0, "dy": 0}
    assert await verso3.put("display/image", {"blob-image": picture()}, display="ext1") == OK
    verso3.sim.touch_display("ext1")
    assert not shown["top"].notification


async def test_an_image_replaces_the_one_before(verso3: Api) -> None:
    assert await verso3.put("display/image", {"blob-image": picture()}, display="ext1", duration=100) == OK
    other = picture(kind="PNG")
    assert await verso3.put("display/image", {"blob-image": other}, display="ext1", repeat=5) == OK
    # The first one's time does not count any more; `repeat` is ignored for images.
    await asyncio.sleep(0.02)
    shown = verso3.sim.displays.shown["ext1"]["top"]
    assert (shown.data, shown.duration) == (other, None)


@pytest.mark.parametrize(
    ("params", "duration"),
    [({}, None), ({"repeat": 3}, 15), ({"duration": 20_000}, 20), ({"duration": 20_000, "repeat": 3}, 15)],
)
async def test_a_video_ends_at_its_earlier_limit(verso3: Api, params: dict[str, int], duration: float | None) -> None:
    """With both parameters, the earlier end applies."""
    video = make_video(seconds=5, size=900_000)
    assert await verso3.put("display/image", {"blob-video": video}, display="ext1", **params) == OK
    shown = verso3.sim.displays.shown["ext1"]["top"]
    assert (shown.kind, len(shown.data), shown.duration) == ("video", 900_000, duration)


@pytest.mark.parametrize(
    ("video", "right"),
    [
        (make_video(214, 240), True),
        (make_video(640, 480), False),
        (make_video(seconds=60), True),
        (make_video(seconds=61), False),
        (make_video()[:-30], False),
        (picture(), False),
        (b"", False),
    ],
)
async def test_invalid_videos_are_rejected(verso3: Api, video: bytes, right: bool) -> None:
    """Videos last up to a minute; both documented sizes are accepted."""
    answer = await verso3.put("display/image", {"blob-video": video}, display="ext1")
    assert answer == OK if right else failure(answer) == (12, "blob-video")


@pytest.mark.parametrize("model", ["vario", "indoor"])
async def test_a_model_without_video_rejects_it(device: Factory, model: str) -> None:
    api = await device(model)
    assert await api.put_error("display/image", {"blob-video": make_video()}, display="internal") == (11, "blob-image")


async def test_each_layer_can_be_shown_and_cleared(verso3: Api) -> None:
    """Firmware 2.50 has layers; a picture without a layer is on top."""
    for layer in ("popup", "main", "default", None):
        params = {"displayLayer": layer} if layer else {}
        assert await verso3.put("display/image", {"blob-image": picture()}, display="ext1", **params) == OK
    shown = verso3.sim.displays.shown["ext1"]
    assert set(shown) == {"top", "popup", "main", "default"}
    for layer in ("all", "bottom"):
        answer = await verso3.put("display/image", {"blob-image": picture()}, display="ext1", displayLayer=layer)
        assert failure(answer) == (12, "displayLayer")
    assert await verso3.delete("display/image", display="ext1") == OK
    assert set(shown) == {"popup", "main", "default"}
    assert await verso3.delete("display/image", display="ext1", displayLayer="main") == OK
    assert await verso3.delete("display/image", display="ext1", displayLayer="all") == OK
    assert not shown


async def test_old_firmware_has_no_layers(device: Factory) -> None:
    api = await device("indoor", firmware="2.49.1.75.6")
    image = {"blob-image": picture((1024, 600))}
    assert await api.put("display/image", {**image}, display="internal", displayLayer="bottom") == OK
    assert set(api.sim.displays.shown["internal"]) == {"top"}


async def test_a_restart_clears_the_display(verso3: Api) -> None:
    assert await verso3.put("display/image", {"blob-image": picture()}, display="ext1", duration=60_000) == OK
    await verso3.sim.reboot(0)
    assert verso3.sim.displays.shown == {"ext1": {}}


@pytest.fixture
async def indoor(device: Factory) -> Api:
    return await device("indoor", speed=20)


async def test_a_text_can_be_shown_and_deleted(indoor: Api) -> None:
    """5.9.4 of the later manuals: a free text, or one with translations."""
    free = {"uid": "post", "text": "A parcel is here", "timeout": 60, "icon": "operator"}
    answer = await indoor.send("PUT", "display/text", json=free)
    assert answer == {"success": True, "result": {"response": "", "uid": "post"}}
    message = indoor.sim.messages.current
    assert message is not None
    assert (message.text, message.icon, message.timeout) == ("A parcel is here", "operator", 60)
    translated = {"message": [{"language": "en", "text": "Hello"}, {"language": "cs", "text": "Dobrý den"}]}
    assert (await indoor.send("PUT", "display/text", json={**translated, "response": True}))["success"]
    message = indoor.sim.messages.current
    assert message is not None
    assert message.translations == {"en": "Hello", "cs": "Dobrý den"}
    assert await indoor.delete("display/text") == {"success": True, "result": {"uid": ""}}
    assert indoor.sim.messages.current is None
    assert (await indoor.send("PUT", "display/text", json={"text": "Soon gone", "timeout": 1}))["success"]
    await until(lambda: indoor.sim.messages.current is None)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (11, "text")),
        ({"text": ""}, (11, "text")),
        ({"text": "a", "message": []}, (17, "message")),
        ({"text": "x" * 1025}, (12, "text")),
        ({"text": 5}, (12, "text")),
        ({"message": [{"language": "en"}]}, (12, "message")),
        ({"message": []}, (12, "message")),
        ({"text": "a", "uid": "u" * 41}, (12, "uid")),
        ({"text": "a", "icon": "cat"}, (12, "icon")),
        ({"text": "a", "response": 1}, (12, "response")),
        ({"text": "a", "response": True, "timeout": 3601}, (12, "timeout")),
        ({"text": "a", "timeout": 1_209_601}, (12, "timeout")),
    ],
)
async def test_invalid_texts_are_rejected(indoor: Api, body: dict[str, Any], error: tuple[int, str]) -> None:
    assert failure(await indoor.send("PUT", "display/text", json=body)) == error
    assert indoor.sim.messages.current is None


async def test_the_display_language_can_be_changed(indoor: Api) -> None:
    """Its table has PUT, its text does not."""
    languages = await indoor.result("display/language")
    assert languages == {"default": "en", "supported": {"system": ["en", "cs", "de", "nl"], "custom": "en"}}
    assert await indoor.put("display/language", language="cs") == OK
    assert (await indoor.result("display/language"))["default"] == "cs"
    assert await indoor.put_error("display/language", language="tlh") == (12, "language")


async def test_old_firmware_returns_the_language_without_an_envelope(device: Factory) -> None:
    """The example of 5.9.3 has none."""
    api = await device("indoor", firmware="3.3.1.82.4")
    assert (await api.get("display/language"))["default"] == "en"


@pytest.mark.parametrize(
    ("model", "firmware", "code"), [("verso", None, 1), ("verso3", None, 1), ("indoor", "2.49.1.75.6", 2)]
)
async def test_texts_are_for_some(device: Factory, model: str, firmware: str | None, code: int) -> None:
    api = await device(model, firmware=firmware)
    assert await api.error("display/text") == (code, None)
    assert await api.error("display/language") == (code, None)
