"""Media players: the loudspeakers of doors, for announcements."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, override

from homeassistant.components import media_source
from homeassistant.components.media_player import (
    ATTR_MEDIA_ANNOUNCE,
    BrowseMedia,
    MediaPlayerDeviceClass,
    MediaPlayerEntity,
    MediaPlayerEntityFeature,
    MediaPlayerState,
    MediaType,
    async_process_play_media_url,
)
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import IntercomEntity, alone, async_add_as_found
from .helpers.devices import distinct_name
from .model.parts import CameraId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.speaker import DoorSpeaker

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a speaker for each camera at which talk is possible."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], MediaPlayerEntity]]:
        return {
            camera: partial(SpeakerPlayer, runtime, camera)
            for camera in state.cameras
            if runtime.talk.was_possible(camera)
        }

    async_add_as_found(Platform.MEDIA_PLAYER, entry, async_add_entities, find)


class SpeakerPlayer(IntercomEntity, MediaPlayerEntity):
    """The loudspeaker of the door of a camera."""

    shows = frozenset()

    _attr_device_class = MediaPlayerDeviceClass.SPEAKER
    _attr_supported_features = (
        MediaPlayerEntityFeature.BROWSE_MEDIA
        | MediaPlayerEntityFeature.MEDIA_ANNOUNCE
        | MediaPlayerEntityFeature.PLAY_MEDIA
        | MediaPlayerEntityFeature.STOP
    )

    def __init__(self, runtime: IntercomRuntime, camera: CameraId) -> None:
        cameras = runtime.coordinator.data.cameras
        source = cameras[camera]
        super().__init__(runtime, f"speaker_{camera}", source.place)
        self._camera_id = camera
        self._speaker = DoorSpeaker(runtime.coordinator, camera, self._async_update)
        name = distinct_name(source, cameras.values())
        if name is None or alone(source, cameras.values()):
            self._attr_translation_key = "speaker"
        else:
            self._attr_translation_key, self._attr_translation_placeholders = "speaker_named", {"name": name}

    @override
    @callback
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        """Follow whether talk is possible."""
        return (self.runtime.talk.async_listen(self._async_update),)

    @callback
    def _async_update(self) -> None:
        if self.hass is not None:
            self.async_write_ha_state()

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Stop the playback."""
        await self._speaker.async_stop()
        await super().async_will_remove_from_hass()

    @property
    @override
    def available(self) -> bool:
        """Return whether sound reaches the door."""
        return super().available and self.runtime.talk.is_possible(self._camera_id)

    @property
    @override
    def state(self) -> MediaPlayerState:
        """Return whether the door plays a sound."""
        return MediaPlayerState.PLAYING if self._speaker.is_playing else MediaPlayerState.IDLE

    @override
    async def async_play_media(self, media_type: MediaType | str, media_id: str, **kwargs: Any) -> None:
        """Play a media file, a spoken text, or another media source."""
        if media_source.is_media_source_id(media_id):
            media_id = (await media_source.async_resolve_media(self.hass, media_id, self.entity_id)).url
        url = async_process_play_media_url(self.hass, media_id)
        await self._speaker.async_play(url, bool(kwargs.get(ATTR_MEDIA_ANNOUNCE)))

    @override
    async def async_media_stop(self) -> None:
        """End everything that plays or waits."""
        await self._speaker.async_stop()

    @override
    async def async_browse_media(
        self, media_content_type: MediaType | str | None = None, media_content_id: str | None = None
    ) -> BrowseMedia:
        """Return the sounds of the media sources."""
        return await media_source.async_browse_media(
            self.hass, media_content_id, content_filter=lambda item: item.media_content_type.startswith("audio/")
        )
