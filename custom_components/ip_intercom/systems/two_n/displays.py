"""Displays of a 2N."""

from ...model.functions import DisplayLanguage, Payload
from ...model.parts import DisplayId
from .client import TwoNDevice


class TwoNDisplays:
    """Pictures, videos and texts on displays."""

    def __init__(self, device: TwoNDevice) -> None:
        self._display = device.display

    async def show(self, display: DisplayId, image: bytes, content_type: str, seconds: float | None) -> None:
        """Show a picture: for a while as a notification, else as an overlay."""
        await self._display.show_image(display, image, content_type, seconds)

    async def play(self, display: DisplayId, video: Payload, seconds: float | None, repeat: int | None) -> None:
        """Play a video (MPEG-4 or H.264, up to a minute)."""
        await self._display.show_video(
            display, video.file, video.name, video.size, seconds, repeat, progress=video.progress
        )

    async def clear(self, display: DisplayId) -> None:
        """Delete the picture or video that was sent."""
        await self._display.clear(display)

    async def show_text(self, text: str | None, seconds: int | None) -> None:
        """Show a text for a while, or for None delete it."""
        if text is None:
            await self._display.clear_text()
        else:
            await self._display.show_text(text, seconds)

    async def language(self) -> DisplayLanguage:
        """Return the language of the display, and those that it knows."""
        answer = await self._display.language()
        return DisplayLanguage(answer.current, answer.known)

    async def set_language(self, language: str) -> None:
        """Set the language of the display."""
        await self._display.set_language(language)
