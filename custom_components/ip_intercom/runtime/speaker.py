"""The loudspeaker of a door: plays sounds one after the other."""

import asyncio
from functools import partial
import logging

import aiohttp
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.network import is_hass_url

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.errors import request_refused, translated
from ..model.parts import CameraId
from ..systems.common.errors import IntercomError, NoTalk
from ..talk.sound import SoundUnreadable, packets, say

_LOGGER = logging.getLogger(__name__)

# Bytes of a media file, and seconds to get it: a text may have to be spoken first.
_MOST_BYTES = 32 * 1024 * 1024
_PATIENCE = 60.0
# Seconds that the door still plays what it has stored when the last packet was sent.
_TAIL = 0.3


class DoorSpeaker:
    """Plays media files at the door of a camera.

    An announcement waits for earlier announcements; everything else replaces what is playing.

    Args:
        update: Called when playing begins or ends.

    Attributes:
        is_playing: Whether the door plays a sound.
    """

    def __init__(self, coordinator: IntercomCoordinator, camera: CameraId, update: CALLBACK_TYPE) -> None:
        self._coordinator = coordinator
        self._camera = camera
        self._update = update
        # What plays or waits, and whether it is an announcement.
        self._tasks: dict[asyncio.Task[None], bool] = {}
        self.is_playing = False

    async def async_play(self, url: str, announcement: bool) -> None:
        """Play a media file; return once it begins to play, or something else replaced it.

        Raises:
            HomeAssistantError: The file cannot be played, or sound does not reach the door.
        """
        coordinator = self._coordinator
        begun: asyncio.Future[None] = coordinator.hass.loop.create_future()
        run = self._async_run(url, dict(self._tasks), announcement, begun)
        task = coordinator.config_entry.async_create_background_task(
            coordinator.hass, run, f"{DOMAIN} speaker of {coordinator.name}", eager_start=False
        )
        self._tasks[task] = announcement
        task.add_done_callback(partial(self._async_ended, begun))
        await begun

    async def async_stop(self) -> None:
        """End everything that plays or waits."""
        await self._async_cancel(list(self._tasks))

    @staticmethod
    async def _async_cancel(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @callback
    def _async_ended(self, begun: asyncio.Future[None], task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not begun.done():
            begun.set_result(None)  # it was replaced or stopped

    async def _async_run(
        self, url: str, earlier: dict[asyncio.Task[None], bool], announcement: bool, begun: asyncio.Future[None]
    ) -> None:
        """Play a sound in place of or after those that began earlier."""
        try:
            sound = await self._async_read(url)
            await self._async_cancel([task for task, waits in earlier.items() if not (announcement and waits)])
            if earlier:
                await asyncio.wait(earlier)
            await self._async_send(sound, begun)
        except HomeAssistantError as err:
            if begun.done():
                _LOGGER.warning("%s: the sound at the door ended early: %s", self._coordinator.name, err)
            else:
                begun.set_exception(err)

    async def _async_send(self, sound: bytes, begun: asyncio.Future[None]) -> None:
        if (talk := self._coordinator.features.talk) is None:
            raise request_refused("not_supported", device=self._coordinator.name)
        try:
            async with talk.speaker(self._camera) as speaker:
                self._async_show(playing=True)
                begun.set_result(None)
                await say(sound, speaker.send, law=speaker.codec)
                await asyncio.sleep(_TAIL)
        except NoTalk as err:
            raise request_refused(f"talk_{err.reason}") from err
        except SoundUnreadable as err:
            raise request_refused("sound_unreadable") from err
        except IntercomError as err:
            raise translated(err, self._coordinator.name) from err
        finally:
            self._async_show(playing=False)

    @callback
    def _async_show(self, *, playing: bool) -> None:
        if self.is_playing is not playing:
            self.is_playing = playing
            self._update()

    async def _async_read(self, url: str) -> bytes:
        """Return a media file that begins with a sound."""
        hass = self._coordinator.hass
        if not url.startswith(("http://", "https://")):
            raise request_refused("sound_unreadable")
        # The certificate of Home Assistant names its external address.
        session = async_get_clientsession(hass, verify_ssl=not is_hass_url(hass, url))
        received = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE), session.get(url) as response:
                response.raise_for_status()
                async for chunk in response.content.iter_any():
                    received += chunk
                    if len(received) > _MOST_BYTES:
                        raise request_refused("sound_too_large")
            await hass.async_add_executor_job(_check, content := bytes(received))
        except (aiohttp.ClientError, TimeoutError, SoundUnreadable) as err:
            # Errors of aiohttp contain the address with its signature.
            status = getattr(err, "status", "")
            _LOGGER.debug("%s: could not read the sound: %s %s", self._coordinator.name, type(err).__name__, status)
            raise request_refused("sound_unreadable") from None
        return content


def _check(content: bytes) -> None:
    """Raise ``SoundUnreadable`` unless a file begins with a sound, before a line is opened."""
    if next(packets(content, "PCMU"), None) is None:
        raise SoundUnreadable("the file has no sound")
