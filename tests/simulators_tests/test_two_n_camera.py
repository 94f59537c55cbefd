"""Pictures of the 2N simulator (HTTP API 5.8)."""

from io import BytesIO
import json
from typing import Any

from PIL import Image
import pytest

from tests.simulators.two_n import MODELS

from .conftest import Api, Factory

WITH_CAMERA = [model for model in MODELS if MODELS[model].jpeg_sizes]


def facts(jpeg: bytes) -> dict[str, Any]:
    """What the simulator wrote into the comment of its picture."""
    found: dict[str, Any] = json.loads(Image.open(BytesIO(jpeg)).info["comment"])
    return found


async def snapshot(api: Api, **params: Any) -> bytes:
    async with api.session.get(api.url("camera/snapshot"), params=params) as response:
        assert response.content_type == "image/jpeg"
        return await response.read()


@pytest.mark.parametrize("model", WITH_CAMERA)
async def test_a_snapshot_has_each_size_of_the_caps(device: Factory, model: str) -> None:
    api = await device(model)
    caps = await api.result("camera/caps")
    for size in caps["jpegResolution"]:
        image = Image.open(BytesIO(await snapshot(api, **size)))
        assert (image.format, image.size) == ("JPEG", (size["width"], size["height"]))


@pytest.mark.parametrize(("model", "external"), [("verso", False), ("verso3", False), ("vario", True)])
async def test_each_model_has_its_camera_sources(device: Factory, model: str, external: bool) -> None:
    """verso3 has an external camera that is configured but disabled."""
    api = await device(model)
    sources = [source["source"] for source in (await api.result("camera/caps"))["sources"]]
    assert sources == (["internal", "external"] if external else ["internal"])
    for source in sources:
        assert facts(await snapshot(api, width=320, height=240, source=source))["source"] == source
    if not external:
        assert await api.error("camera/snapshot", width=320, height=240, source="external") == (12, "source")


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, (11, "width")),
        ({"width": 640}, (11, "height")),
        ({"width": 641, "height": 480}, (12, "width")),
        ({"width": 640, "height": 481}, (12, "height")),
        ({"width": 640, "height": 480, "fps": 16}, (12, "fps")),
        ({"width": 640, "height": 480, "fps": -1}, (12, "fps")),
        ({"width": 640, "height": 480, "time": -31}, (12, "time")),
        ({"width": 640, "height": 480, "time": 1}, (12, "time")),
        ({"width": 640, "height": 480, "source": "garden"}, (12, "source")),
    ],
)
async def test_invalid_snapshot_parameters_are_rejected(
    api: Api, params: dict[str, Any], error: tuple[int, str]
) -> None:
    assert await api.error("camera/snapshot", **params) == error


async def test_a_snapshot_may_be_of_the_past(device: Factory) -> None:
    """With `time` the picture of that moment, and `fps` is ignored."""
    api = await device("verso")
    api.sim.press("%1")
    now = facts(await snapshot(api, width=320, height=240))
    past = facts(await snapshot(api, width=320, height=240, time=-10, fps=5))
    assert past["frame"] - now["frame"] == pytest.approx(-150, abs=5)
    assert now["utcTime"] - past["utcTime"] in (9, 10, 11)
    assert (past["visitor"], now["visitor"]) == (False, True)


async def test_the_camera_streams_by_server_push(device: Factory) -> None:
    api = await device("verso")
    async with api.session.get(api.url("camera/snapshot?width=176&height=144&fps=15")) as response:
        assert response.content_type == "multipart/x-mixed-replace"
        assert response.headers["Content-Type"].endswith("boundary=2n-frame")
        assert response.headers["Server"] == "HIP2.50.0.76.2"
        frames: list[int] = []
        while len(frames) < 3:
            assert await response.content.readline() == b"--2n-frame\r\n"
            assert await response.content.readline() == b"Content-Type: image/jpeg\r\n"
            length = int((await response.content.readline()).split()[1])
            assert await response.content.readline() == b"\r\n"
            frames.append(facts(await response.content.readexactly(length))["frame"])
            assert await response.content.readline() == b"\r\n"
        assert frames == sorted(set(frames))
        assert api.sim.camera.streams == 1
