"""Media source: the voicemails of each device, newest first."""

from typing import override

from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.media_player import MediaClass, MediaType
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import IntercomCoordinator
from .helpers.permissions import async_current_user, async_may
from .media.voicemail_view import loaded, voicemail_path
from .model.parts import Voicemail
from .runtime import IntercomConfigEntry

# The media type before the file is opened; exchanges record in this format.
_MEDIA_TYPE = "audio/wav"


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the voicemails of all devices."""
    return VoicemailSource(hass)


class VoicemailSource(MediaSource):
    """A tree of two levels: ``<entry>`` and ``<entry>/<voicemail>``."""

    name = "IP Intercom"

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return the URL of a voicemail."""
        entry_id, _, voicemail = item.identifier.partition("/")
        if (coordinator := loaded(self._hass, entry_id)) is None or voicemail not in _messages(coordinator):
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_such_voicemail")
        self._check_may_read(coordinator)
        return PlayMedia(voicemail_path(entry_id, voicemail), _MEDIA_TYPE)

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return the devices, or the voicemails of a device."""
        if not item.identifier:
            return self._folder(None, self._translation("voicemails"), self._devices())
        if (coordinator := loaded(self._hass, item.identifier)) is None:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_such_voicemail")
        self._check_may_read(coordinator)
        newest_first = sorted(
            _messages(coordinator).values(), key=lambda message: (message.received, message.id), reverse=True
        )
        messages = [
            BrowseMediaSource(
                domain=DOMAIN,
                identifier=f"{item.identifier}/{message.id}",
                media_class=MediaClass.MUSIC,
                media_content_type=MediaType.MUSIC,
                title=self._title(message),
                can_play=True,
                can_expand=False,
            )
            for message in newest_first
        ]
        return self._folder(item.identifier, coordinator.name, messages)

    def _devices(self) -> list[BrowseMediaSource]:
        entries: list[IntercomConfigEntry] = self._hass.config_entries.async_loaded_entries(DOMAIN)
        with_mailbox = [
            entry
            for entry in entries
            if entry.runtime_data.coordinator.features.voicemails is not None
            and self._may_read(entry.runtime_data.coordinator)
        ]
        return [
            self._folder(entry.entry_id, entry.runtime_data.coordinator.name)
            for entry in sorted(with_mailbox, key=lambda entry: entry.title)
        ]

    def _may_read(self, coordinator: IntercomCoordinator) -> bool:
        user = async_current_user()
        return user is None or async_may(self._hass, user, POLICY_READ, coordinator.device_id)

    def _check_may_read(self, coordinator: IntercomCoordinator) -> None:
        if not self._may_read(coordinator):
            raise Unauthorized(permission=POLICY_READ)

    @staticmethod
    def _folder(
        identifier: str | None, title: str, children: list[BrowseMediaSource] | None = None
    ) -> BrowseMediaSource:
        return BrowseMediaSource(
            domain=DOMAIN,
            identifier=identifier,
            media_class=MediaClass.DIRECTORY,
            media_content_type=MediaType.MUSIC,
            title=title,
            can_play=False,
            can_expand=True,
            children=children,
            children_media_class=MediaClass.DIRECTORY if identifier is None else MediaClass.MUSIC,
        )

    def _title(self, message: Voicemail) -> str:
        """Return the caller, the time, the duration, and the user's note."""
        caller = message.name or message.number or self._translation("unknown_caller")
        minutes, seconds = divmod(message.duration, 60)
        parts = [
            caller,
            f"{dt_util.as_local(message.received):%Y-%m-%d %H:%M}",
            f"{minutes}:{seconds:02}",
            message.note,
        ]
        return " · ".join(part for part in parts if part)

    def _translation(self, key: str) -> str:
        """Return a common translation in the language of Home Assistant."""
        words = async_get_cached_translations(self._hass, self._hass.config.language, "common", DOMAIN)
        return words.get(f"component.{DOMAIN}.common.{key}", key)


def _messages(coordinator: IntercomCoordinator) -> dict[str, Voicemail]:
    supported = coordinator.features.voicemails is not None
    return dict(coordinator.data.voicemails or {}) if supported else {}
