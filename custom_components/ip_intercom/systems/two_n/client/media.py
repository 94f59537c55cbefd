"""Cameras, displays, audio and email (HTTP API 5.8, 5.9, 5.11, 5.12)."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import IO, Annotated

from ...common.decode import Key, decode
from ...common.errors import UnexpectedReply
from ...common.http import Stream
from ...common.messages import Upload
from ...common.parse import fields, integer, listed, objects, positive, text, texts
from .client import Functions
from .protocol import (
    AUDIO_TEST,
    CAMERA_CAPS,
    CAMERA_SNAPSHOT,
    DISPLAY_CAPS,
    DISPLAY_IMAGE,
    DISPLAY_IMAGE_DELETE,
    DISPLAY_LANGUAGE,
    DISPLAY_LANGUAGE_PUT,
    DISPLAY_TEXT,
    DISPLAY_TEXT_DELETE,
    EMAIL_SEND,
)

MAX_JPEG = 8 * 1024 * 1024
MAX_FPS = 15  # firmware 2.50 rejects 16 and more


@dataclass(frozen=True, slots=True)
class CameraCaps:
    """Video sources by name, and the available sizes (width, height) (HTTP API 5.8.1)."""

    sources: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]


class Camera(Functions):
    """``/api/camera``."""

    async def caps(self) -> CameraCaps:
        """Return sources and sizes, sorted by size (HTTP API 5.8.1)."""
        result = fields(await self._client.call(CAMERA_CAPS))
        resolutions, items = listed(result, "jpegResolution"), listed(result, "sources")
        if resolutions is None or items is None:
            raise UnexpectedReply("the device returned no list of cameras")
        sizes = {
            (width, height)
            for item in objects(resolutions)
            if (width := integer(item.get("width"))) and (height := integer(item.get("height")))
        }
        # Some firmware lists plain strings.
        sources = tuple(source for item in items if (source := text(fields(item).get("source")) or text(item)))
        if (items and not sources) or (resolutions and not sizes):
            raise UnexpectedReply("the device returned unreadable cameras")
        return CameraCaps(sources, tuple(sorted(sizes, key=lambda size: (size[0] * size[1], size))))

    async def snapshot(self, source: str, size: tuple[int, int], seconds_back: int = 0) -> bytes:
        """Return one JPEG (HTTP API 5.8.2).

        Args:
            source: A source of the caps.
            size: Width and height in pixels, one of the caps.
            seconds_back: Age of the frame, 0 to 30 seconds.

        Raises:
            InvalidRequest: The device does not have the size or source.
            UnexpectedReply: The response is not a JPEG.
        """
        params = _frame(source, size)
        if seconds_back:
            params["time"] = str(-seconds_back)
        reply = await self._client.fetch(CAMERA_SNAPSHOT, params, max_bytes=MAX_JPEG)
        if not reply.body.startswith(b"\xff\xd8"):
            raise UnexpectedReply("the snapshot is not a JPEG")
        return reply.body

    @asynccontextmanager
    async def stream(self, source: str, size: tuple[int, int], fps: int) -> AsyncIterator[Stream]:
        """Open motion JPEG: an endless ``multipart/x-mixed-replace`` response (HTTP API 5.8.2)."""
        params = _frame(source, size) | {"fps": str(min(max(fps, 1), MAX_FPS))}
        async with self._client.open(CAMERA_SNAPSHOT, params) as stream:
            yield stream


def _frame(source: str, size: tuple[int, int]) -> dict[str, str]:
    width, height = size
    return {"source": source, "width": str(width), "height": str(height)}


@dataclass(frozen=True, slots=True)
class DisplayCaps:
    """A display and its size in pixels (HTTP API 5.9.1)."""

    id: Annotated[str, Key("display")]
    width: Annotated[int, Key("resolution.width", convert=positive)]
    height: Annotated[int, Key("resolution.height", convert=positive)]


@dataclass(frozen=True, slots=True)
class Languages:
    """Current language of a display, and the available ones (manual 2.50)."""

    current: str | None
    known: tuple[str, ...]


class Display(Functions):
    """``/api/display``; needs *Display – Control*."""

    async def caps(self) -> tuple[DisplayCaps, ...]:
        """Return the displays (HTTP API 5.9.1)."""
        return await self._client.rows(DISPLAY_CAPS, "displays", partial(decode, DisplayCaps))

    async def show_image(
        self, display: str, image: bytes, content_type: str, duration: float | None = None, layer: str | None = None
    ) -> None:
        """Show an image of the display's size: a notification for ``duration`` seconds, else an overlay (5.9.2).

        Args:
            display: A display of the caps.
            image: Baseline JPEG, BMP or PNG; GIF instead of PNG on 2N IP Vario.
            content_type: Media type of the image.
            duration: Seconds; None until it is replaced or cleared.
            layer: ``top``, ``popup``, ``main`` or ``default``; 2N IP Style with firmware 2.50 and newer.

        Raises:
            InvalidRequest: The size or format is wrong, or the display does not exist.
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
        """Play a video of up to 60 s, MPEG-4 or H.264, 15 frames per second (HTTP API 5.9.2, 2N IP Verso).

        Raises:
            InvalidRequest: The size or format is wrong, or the display does not exist or plays no videos.
        """
        upload = Upload("blob-video", filename, "video/mp4", file, size, progress)
        params = _target(display, None) | _milliseconds(duration)
        if repeat is not None:
            params["repeat"] = str(repeat)
        await self._client.upload(DISPLAY_IMAGE, upload, params, first=DISPLAY_CAPS)

    async def clear(self, display: str, layer: str | None = None) -> None:
        """Delete the content sent to a display, or to one ``layer`` of it; ``all`` is a layer too (HTTP API 5.9.2)."""
        await self._client.call(DISPLAY_IMAGE_DELETE, _target(display, layer))

    async def show_text(self, content: str, duration: int | None = None) -> None:
        """Show a text in the device's font for some seconds; firmware 2.50, 2N IP Style and indoor units."""
        body: dict[str, object] = {"text": content}
        if duration is not None:
            body["timeout"] = duration
        await self._client.call(DISPLAY_TEXT, body=body)

    async def clear_text(self) -> None:
        """Delete the text."""
        await self._client.call(DISPLAY_TEXT_DELETE)

    async def language(self) -> Languages:
        """Return the current and the available languages; firmware 2.50 and newer."""
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


class Audio(Functions):
    """``/api/audio``; needs *Audio – Control*."""

    async def test(self) -> None:
        """Start the audio test; the event ``AudioLoopTest`` contains its result (HTTP API 5.11.1)."""
        await self._client.call(AUDIO_TEST)


class Email(Functions):
    """``/api/email``; needs *E-Mail – Control*."""

    async def send(
        self,
        to: str,
        subject: str,
        body: str | None = None,
        pictures: int = 0,
        time_span: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Send an email (HTTP API 5.12.1).

        Args:
            to: Address of the recipient.
            body: Text, HTML allowed.
            pictures: Number of camera images to attach, 0 to 5.
            time_span: Seconds until now over which the images are spread.
            size: Width and height of the images, one of the camera's.

        Raises:
            InvalidRequest: The device rejects a value.
        """
        params = {"to": to, "subject": subject}
        if body is not None:
            params["body"] = body
        if pictures:
            params["pictureCount"] = str(pictures)
        if time_span is not None:
            params["timeSpan"] = str(time_span)
        if size is not None:
            params |= {"width": str(size[0]), "height": str(size[1])}
        await self._client.call(EMAIL_SEND, params)
