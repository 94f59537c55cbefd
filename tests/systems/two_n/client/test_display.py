"""Displays: pictures, videos, texts and the language (HTTP API 5.9)."""

from io import BytesIO
import json

from PIL import Image
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    ConnectionFailed,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.two_n.client.media import DisplayCaps, Languages
from tests.common import until
from tests.simulators.two_n import Account, Privilege, make_video

from .conftest import Bench, Start


def picture(width: int = 320, height: int = 214, kind: str = "JPEG", **options: object) -> bytes:
    content = BytesIO()
    Image.new("RGB", (width, height), "navy").save(content, kind, **options)
    return content.getvalue()


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A Verso 2.0, which has a display."""
    return await start("verso3")


async def test_each_model_shows_images_or_rejects_it(any_bench: Bench) -> None:
    sim, display = any_bench.sim, any_bench.device().display
    if not any_bench.has("display"):
        for request in (display.caps(), display.show_image("ext1", b"", "image/jpeg"), display.clear("ext1")):
            with pytest.raises(NotSupported):
                await request
        return
    caps = await display.caps()
    assert caps == tuple(DisplayCaps(spec.name, spec.width, spec.height) for spec in sim.model.displays)
    for one in caps:
        content = picture(one.width, one.height)
        await display.show_image(one.id, content, "image/jpeg", 30)
        shown = sim.displays.shown[one.id]["top"]
        assert (shown.kind, shown.data, shown.duration) == ("image", content, 30)
        await display.clear(one.id)
        assert not sim.displays.shown[one.id]


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        (
            {"displays": [{"display": "a", "resolution": {"width": "320", "height": 214}}]},
            (DisplayCaps("a", 320, 214),),
        ),
        ({"displays": [{"display": "a"}, {"resolution": {"width": 1, "height": 1}}, None]}, None),
        ({"displays": [{"display": "a", "resolution": {"width": 0, "height": 214}}]}, None),
        ({"displays": "a"}, None),
        ({}, None),
        ({"displays": []}, ()),
    ],
)
async def test_unusual_display_values_are_decoded(bench: Bench, reported: object, decoded: object) -> None:
    bench.sim.garbage("display/caps", json.dumps({"success": True, "result": reported}), "application/json")
    if decoded is None:
        with pytest.raises(UnexpectedReply):
            await bench.device().display.caps()
        return
    assert await bench.device().display.caps() == decoded


# -- pictures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "milliseconds"), [(None, None), (1.5, "1500"), (0.0001, "1"), (3600, "3600000")])
async def test_the_duration_of_a_picture_is_sent(start: Start, seconds: float | None, milliseconds: str | None) -> None:
    bench = await start("verso3", speed=0.0001)
    await bench.device().display.show_image("ext1", picture(), "image/jpeg", seconds)
    shown = bench.sim.displays.shown["ext1"]["top"]
    assert shown.notification is (seconds is not None)
    assert bench.seen()[-1].query.get("duration") == milliseconds


@pytest.mark.parametrize("layer", ["top", "popup", "main", "default"])
async def test_each_layer_is_shown_and_cleared(bench: Bench, layer: str) -> None:
    display = bench.device().display
    await display.show_image("ext1", picture(), "image/jpeg", layer="top")
    await display.show_image("ext1", picture(), "image/jpeg", layer=layer)
    assert set(bench.sim.displays.shown["ext1"]) == {"top", layer}
    await display.clear("ext1", layer)
    assert set(bench.sim.displays.shown["ext1"]) == {"top"} - {layer}
    await display.clear("ext1", "all")
    assert not bench.sim.displays.shown["ext1"]


@pytest.mark.parametrize(("kind", "content_type"), [("JPEG", "image/jpeg"), ("BMP", "image/bmp"), ("PNG", "image/png")])
async def test_each_image_format_is_shown(bench: Bench, kind: str, content_type: str) -> None:
    content = picture(kind=kind)
    await bench.device().display.show_image("ext1", content, content_type)
    assert bench.sim.displays.shown["ext1"]["top"].data == content


@pytest.mark.parametrize(
    ("display", "content", "parameter"),
    [
        ("ext2", picture(), "display"),
        ("ext1", picture(640, 480), "blob-image"),
        ("ext1", picture(kind="GIF"), "blob-image"),
        ("ext1", picture(progressive=True), "blob-image"),
        ("ext1", b"<html>", "blob-image"),
        ("ext1", b"", "blob-image"),
    ],
)
async def test_an_invalid_picture_is_an_error(bench: Bench, display: str, content: bytes, parameter: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.device().display.show_image(display, content, "image/jpeg")
    assert refused.value.parameter == parameter


async def test_an_oversized_picture_is_an_error(bench: Bench) -> None:
    """HTTP API 2.3, code 13."""
    with pytest.raises(InvalidRequest, match="too big") as refused:
        await bench.device().display.show_image("ext1", bytes(5 * 2**20), "image/bmp")
    assert refused.value.parameter == "blob-image"


async def test_a_picture_after_the_connection_was_closed(bench: Bench) -> None:
    """A picture may be sent again, so a connection closed by the device is no failure."""
    display = bench.device().display
    await display.caps()
    bench.sim.reset_connections()
    await display.show_image("ext1", picture(), "image/jpeg")
    assert "top" in bench.sim.displays.shown["ext1"]


async def test_the_display_needs_a_privilege(start: Start) -> None:
    bench = await start("verso3", accounts=[Account("ha", "ha-pass", Privilege.MONITORING)])
    display = bench.device().display
    video = make_video()
    for request in (
        display.caps(),
        display.show_image("ext1", picture(), "image/jpeg"),
        display.show_video("ext1", BytesIO(video), "x.mp4", len(video)),
        display.clear("ext1"),
    ):
        with pytest.raises(PermissionDenied) as refused:
            await request
        assert refused.value.privilege == "Display – Control"


# -- videos ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "repeat", "lasts"), [(None, None, None), (8, None, 8), (None, 2, 10), (8, 2, 8), (30, 2, 10)]
)
async def test_a_video_is_shown_with_its_duration_and_repeats(
    bench: Bench, seconds: float | None, repeat: int | None, lasts: float | None
) -> None:
    content = make_video(seconds=5, size=2 * 2**20)
    reported: list[int] = []
    await bench.device().display.show_video(
        "ext1", BytesIO(content), "intro.mp4", len(content), seconds, repeat, reported.append
    )
    shown = bench.sim.displays.shown["ext1"]["top"]
    assert (shown.kind, shown.data, shown.duration, shown.repeat) == ("video", content, lasts, repeat)
    assert reported[-1] == len(content)
    assert [request.path for request in bench.seen()] == ["/api/display/caps"] * 2 + ["/api/display/image"]


@pytest.mark.parametrize("content", [make_video(seconds=61), make_video(640, 480), b"RIFF", b""])
async def test_an_invalid_video_is_an_error(bench: Bench, content: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.device().display.show_video("ext1", BytesIO(content), "x.mp4", len(content))
    assert refused.value.parameter == "blob-video"


async def test_the_connection_breaks_during_a_video(bench: Bench) -> None:
    content = make_video(size=64 * 2**20)

    def cut(_: int) -> None:
        bench.sim.lose_connection()

    with pytest.raises(ConnectionFailed):
        await bench.device().display.show_video("ext1", BytesIO(content), "x.mp4", len(content), progress=cut)


async def test_a_notification_disappears_after_its_duration(start: Start) -> None:
    bench = await start("verso3", speed=100)
    await bench.device().display.show_image("ext1", picture(), "image/jpeg", 5)
    assert bench.sim.displays.shown["ext1"]
    await until(lambda: not bench.sim.displays.shown["ext1"], "the end of the notification")


# -- texts and language ------------------------------------------------------------------------------


async def test_each_model_shows_texts_or_rejects_it(any_bench: Bench) -> None:
    sim, display = any_bench.sim, any_bench.device().display
    if not any_bench.has("display/text", 2, 50):
        for request in (display.show_text("Hello"), display.clear_text()):
            with pytest.raises(NotSupported):
                await request
        return
    for seconds in (None, 90):
        await display.show_text("Dobrý den", seconds)
        message = sim.messages.current
        assert message is not None
        assert (message.text, message.timeout) == ("Dobrý den", seconds or 3600)
    await display.clear_text()
    assert sim.messages.current is None
    await display.clear_text()  # there is none: no error
    for wrong in (display.show_text(""), display.show_text("x" * 1025), display.show_text("x", 0)):
        with pytest.raises(InvalidRequest):
            await wrong


async def test_each_model_sets_its_display_language_or_rejects_it(any_bench: Bench) -> None:
    display = any_bench.device().display
    if not any_bench.has("display/language", 2, 50):
        for request in (display.language(), display.set_language("en")):
            with pytest.raises(NotSupported):
                await request
        return
    assert await display.language() == Languages("en", any_bench.sim.model.languages)
    await display.set_language("nl")
    assert (await display.language()).current == "nl"
    with pytest.raises(InvalidRequest):
        await display.set_language("tlh")


BARE = '{"session": "cs", "default": "en", "supported": {"system": ["en", "cs"], "custom": "en"}, "enabled": ["en"]}'


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        (BARE, Languages("en", ("en", "cs"))),  # the example of the manual has no envelope
        (f'{{"success": true, "result": {BARE}}}', Languages("en", ("en", "cs"))),
        ('{"success": true, "result": {"language": "de", "supported": ["de"]}}', Languages("de", ("de",))),
        ('{"success": true}', Languages(None, ())),
        ("{}", None),
        ("[]", Languages(None, ())),
        ("null", None),
    ],
)
async def test_unusual_language_values_are_decoded(start: Start, reported: str, decoded: Languages | None) -> None:
    bench = await start("indoor")
    bench.sim.garbage("display/language", reported, "application/json")
    if decoded is None:
        with pytest.raises(UnexpectedReply):
            await bench.device().display.language()
    else:
        assert await bench.device().display.language() == decoded


async def test_a_response_without_an_envelope_is_an_error(bench: Bench) -> None:
    bench.sim.garbage("display/caps", '{"displays": []}', "application/json")
    with pytest.raises(UnexpectedReply):
        await bench.device().display.caps()
