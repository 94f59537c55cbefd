"""Displays: pictures, videos and texts on them, and their language (HTTP API 5.9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from ...common.parse import fields, integer, text, texts
from ...common.upload import Upload
from .client import TwoNClient
from .endpoints import (
    DISPLAY_CAPS,
    DISPLAY_IMAGE,
    DISPLAY_IMAGE_DELETE,
    DISPLAY_LANGUAGE,
    DISPLAY_LANGUAGE_PUT,
    DISPLAY_TEXT,
    DISPLAY_TEXT_DELETE,
)


@dataclass(frozen=True, slots=True)
class DisplayCaps:
    """A display and its size in pixels (HTTP API 5.9.1)."""

    id: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Languages:
    """The language of a display, and those that it knows (manual 2.50)."""

    current: str | None
    known: tuple[str, ...]


class Display:
    """``/api/display``; needs *Display – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def caps(self) -> tuple[DisplayCaps, ...]:
        """Return the displays (HTTP API 5.9.1)."""
        return await self._client.rows(DISPLAY_CAPS, "displays", _caps)

    async def show_image(
        self, display: str, image: bytes, content_type: str, duration: float | None = None, layer: str | None = None
    ) -> None:
        """Show a picture of the display's size: a notification for ``duration`` seconds, else an overlay (5.9.2).

        Args:
            display: A display of the caps.
            image: Baseline JPEG, BMP or PNG; GIF instead of PNG on 2N IP Vario.
            content_type: Its media type.
            duration: Seconds; None until it is replaced or cleared.
            layer: ``top``, ``popup``, ``main`` or ``default``; 2N IP Style with firmware 2.50 and newer.

        Raises:
            InvalidRequest: Another size or format, or no such display.
        """
        name = f"image.{content_type.rpartition('/')[2]}"
        upload = Upload("blob-image", name, content_type, BytesIO(image), len(image))
        params = _target(display, layer) | _milliseconds(duration)
        await self._client.upload(DISPLAY_IMAGE, upload, params, first=DISPLAY_CAPS)

    async def show_video(
        self,
        display: str,
        file: IO[bytes],
        filename: str,
        size: int,
        duration: float | None = None,
        repeat: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Play a video of up to 60 s, MPEG-4 or H.264, 15 frames a second (HTTP API 5.9.2, 2N IP Verso).

        Raises:
            InvalidRequest: Another size or format, no such display, or one that plays no videos.
        """
        upload = Upload("blob-video", filename, "video/mp4", file, size, progress)
        params = _target(display, None) | _milliseconds(duration)
        if repeat is not None:
            params["repeat"] = str(repeat)
        await self._client.upload(DISPLAY_IMAGE, upload, params, first=DISPLAY_CAPS)

    async def clear(self, display: str, layer: str | None = None) -> None:
        """Delete what was sent to a display, or to one ``layer`` of it, ``all`` included (HTTP API 5.9.2)."""
        await self._client.call(DISPLAY_IMAGE_DELETE, _target(display, layer))

    async def show_text(self, content: str, duration: int | None = None) -> None:
        """Show a text in the device's own type for some seconds; firmware 2.50, 2N IP Style and answering units."""
        body: dict[str, object] = {"text": content}
        if duration is not None:
            body["timeout"] = duration
        await self._client.call(DISPLAY_TEXT, body=body)

    async def clear_text(self) -> None:
        """Delete the text."""
        await self._client.call(DISPLAY_TEXT_DELETE)

    async def language(self) -> Languages:
        """Return the language and those that are known; firmware 2.50 and newer."""
        result = fields(await self._client.call(DISPLAY_LANGUAGE))
        return Languages(text(result.get("default")) or text(result.get("language")), _known(result))

    async def set_language(self, language: str) -> None:
        """Set the language; firmware 2.50 and newer."""
        await self._client.call(DISPLAY_LANGUAGE_PUT, form={"language": language})


def _known(result: Mapping[str, object]) -> tuple[str, ...]:
    supported = result.get("supported")
    return texts(fields(supported).get("system")) or texts(supported)


def _target(display: str, layer: str | None) -> dict[str, str]:
    return {"display": display} | ({"displayLayer": layer} if layer is not None else {})


def _milliseconds(duration: float | None) -> dict[str, str]:
    return {} if duration is None else {"duration": str(max(1, round(duration * 1000)))}


def _caps(row: object) -> DisplayCaps | None:
    item = fields(row)
    size = fields(item.get("resolution"))
    name, width, height = text(item.get("display")), integer(size.get("width")), integer(size.get("height"))
    return DisplayCaps(name, width, height) if name is not None and width and height else None
