"""Displays and what is shown on them (HTTP API 5.9)."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from aiohttp import web
from PIL import Image

from tests.simulators.common.blob import Blob
from tests.simulators.common.clock import Clock, Timer

from .config import Timing
from .envelope import INT_MAX, ApiError, Call, Code, Handler, Json, Params, success
from .models import DisplaySpec, Model
from .video import read_video

# Of firmware 2.50 (captures/endpoints_manual_2.50_LTS.txt), the one in front first; "all" can only be deleted.
STACK = ("top", "popup", "main", "default")
LAYERS = frozenset(STACK)
ALL_LAYERS = "all"
DEFAULT_LAYER = "top"
MAX_VIDEO_SECONDS = 60
# 5.9.2 names one size for parameters, the other in its tables.
VIDEO_SIZES = frozenset({(320, 214), (214, 240)})


@dataclass(slots=True)
class Shown:
    """A picture or a video on a layer of a display; an overlay has no `duration` and stays."""

    kind: str
    data: bytes
    duration: float | None = None
    repeat: int | None = None
    timer: Timer | None = None

    @property
    def content_type(self) -> str:
        """Its type."""
        if self.kind == "video":
            return "video/mp4"
        with Image.open(BytesIO(self.data)) as image:
            return Image.MIME[image.format or ""]

    @property
    def notification(self) -> bool:
        """Return whether the content disappears by itself."""
        return self.duration is not None


class Displays:
    """All displays of the device; modules come and go."""

    def __init__(self, model: Model, clock: Clock, timing: Timing) -> None:
        """Begin with the model's own."""
        self.all = {spec.name: spec for spec in model.displays}
        self.shown: dict[str, dict[str, Shown]] = {name: {} for name in self.all}
        self._model = model
        self._clock = clock
        self._timing = timing
        self.handlers: dict[str, Handler] = {"display/caps": self._caps, "display/image": self._image}

    def boot(self) -> None:
        """Show nothing: the uploaded content is lost."""
        for name in self.all:
            self.clear(name)

    def plug(self, spec: DisplaySpec) -> None:
        """Add a display."""
        self.all[spec.name] = spec
        self.shown[spec.name] = {}

    def unplug(self, name: str) -> None:
        """Remove a display with its content."""
        self.clear(name)
        del self.all[name], self.shown[name]

    def touch(self, name: str) -> None:
        """End notifications."""
        for layer, shown in list(self.shown[name].items()):
            if shown.notification:
                self._remove(name, layer)

    def clear(self, name: str) -> None:
        """Remove everything from a display."""
        for layer in list(self.shown[name]):
            self._remove(name, layer)

    def _remove(self, name: str, layer: str) -> None:
        shown = self.shown[name].pop(layer, None)
        if shown is not None and shown.timer is not None:
            shown.timer.cancel()

    def seen(self, name: str) -> Shown | None:
        """Return what a person in front of a display sees, None where it shows its own."""
        layers = self.shown[name]
        return next((layers[layer] for layer in STACK if layer in layers), None)

    def state(self) -> Json:
        """Describe what is shown as JSON, bytes by their number."""
        return {
            name: {
                layer: {"kind": s.kind, "bytes": len(s.data), "duration": s.duration, "repeat": s.repeat}
                for layer, s in layers.items()
            }
            for name, layers in self.shown.items()
        }

    async def _caps(self, _: Call) -> web.StreamResponse:
        displays: list[dict[str, Any]] = [
            {"display": spec.name, "resolution": {"width": spec.width, "height": spec.height}}
            for spec in self.all.values()
        ]
        return success({"displays": displays})

    async def _image(self, call: Call) -> web.StreamResponse:
        spec = self.all[call.params.choice("display", self.all)]
        if call.request.method == "PUT":
            self._put(call, spec, self._layer(call.params, LAYERS))
        elif (layer := self._layer(call.params, LAYERS | {ALL_LAYERS})) == ALL_LAYERS:
            self.clear(spec.name)
        else:
            self._remove(spec.name, layer)
        return success()

    def _layer(self, params: Params, layers: frozenset[str]) -> str:
        if "displayLayer" not in params or not self._model.since(2, 50):
            return DEFAULT_LAYER
        return params.choice("displayLayer", layers)

    def _put(self, call: Call, spec: DisplaySpec, layer: str) -> None:
        image, video = call.blobs.get("blob-image"), call.blobs.get("blob-video")
        if image is not None and video is not None:
            raise ApiError(Code.UNEXPECTED_PARAMETER, "blob-video")
        # Milliseconds; a display without video knows no blob-video.
        duration = call.params.integer("duration", 1, INT_MAX) / 1000 if "duration" in call.params else None
        if image is None and video is not None and spec.video:
            shown = self._video(video, duration, call.params)
        elif image is None:
            raise ApiError(Code.MISSING_PARAMETER, "blob-image")
        else:
            _check_image(image, spec)
            # `repeat` is ignored for images (5.9.2.1).
            shown = Shown("image", image.data, duration)
        if shown.duration is None and not spec.overlay:
            shown.duration = self._timing.notification
        self._remove(spec.name, layer)
        self.shown[spec.name][layer] = shown
        if shown.duration is not None:
            shown.timer = self._clock.later(shown.duration, lambda: self._remove(spec.name, layer))

    @staticmethod
    def _video(blob: Blob, duration: float | None, params: Params) -> Shown:
        repeat = params.integer("repeat", 1, INT_MAX) if "repeat" in params else None
        try:
            video = read_video(blob.data)
        except ValueError:
            raise ApiError(Code.INVALID_VALUE, "blob-video") from None
        if (video.width, video.height) not in VIDEO_SIZES or video.seconds > MAX_VIDEO_SECONDS:
            raise ApiError(Code.INVALID_VALUE, "blob-video")
        if repeat is not None:
            # Whichever ends earlier.
            played = repeat * video.seconds
            duration = played if duration is None else min(duration, played)
        return Shown("video", blob.data, duration, repeat)


def _check_image(blob: Blob, spec: DisplaySpec) -> None:
    try:
        with Image.open(BytesIO(blob.data)) as image:
            right = image.format in spec.formats and image.size == (spec.width, spec.height)
            if not right or image.info.get("progressive"):
                raise ApiError(Code.INVALID_VALUE, "blob-image")
            image.load()
    except OSError, SyntaxError, ValueError, Image.DecompressionBombError:
        raise ApiError(Code.INVALID_VALUE, "blob-image") from None
