"""Media source: the voicemails and visitors of each device, newest first."""

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
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import IntercomCoordinator
from .helpers.permissions import async_current_user, async_may, async_may_see_visitors
from .media.views import (
    async_bell_name,
    async_device_of,
    async_runtime_of,
    async_visible,
    content_type,
    loaded,
    visitor_path,
    voicemail_path,
)
from .model.parts import Voicemail
from .model.visitors import Visitor
from .runtime import IntercomConfigEntry, IntercomRuntime

# Folders, and their names in the translations.
VOICEMAILS = "voicemails"
VISITORS = "visitors"

# The media type before the file is opened; exchanges record in this format.
_MEDIA_TYPE = "audio/wav"


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the media of all devices."""
    return IntercomMediaSource(hass)


class IntercomMediaSource(MediaSource):
    """The voicemails and the visitors of all devices.

    Voicemails have the ids ``<entry>`` and ``<entry>/<voicemail>`` below ``voicemails``, visitors
    ``visitors/<device>/<day>/<visitor>``.
    """

    name = "IP Intercom"

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return the URL of a voicemail, or of the picture of a visitor."""
        kind, *path = (item.identifier or "").split("/")
        if kind == VISITORS:
            return await self._async_resolve_visitor(path)
        entry_id, _, voicemail = item.identifier.partition("/")
        if (coordinator := loaded(self._hass, entry_id)) is None or voicemail not in _messages(coordinator):
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_such_voicemail")
        self._check_may_read(coordinator)
        return PlayMedia(voicemail_path(entry_id, voicemail), _MEDIA_TYPE)

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return the content of a folder; the root is the only kind of media, or a folder for each."""
        folders = {VOICEMAILS: self._voicemail_devices, VISITORS: self._visitor_devices}
        kind, *path = (item.identifier or "").split("/")
        if not item.identifier:
            found = {name: devices for name, list_devices in folders.items() if (devices := list_devices())}
            if len(found) > 1:
                children = [self._folder(name, self._translation(name)) for name in found]
                return self._folder(None, self.name, children)
            kind = next(iter(found), VOICEMAILS)
            return self._folder(None, self._translation(kind), found.get(kind, []))
        if kind in folders and not path:
            return self._folder(kind, self._translation(kind), folders[kind]())
        return self._browse_visitors(*path) if kind == VISITORS else self._browse_voicemails(item.identifier)

    def _browse_voicemails(self, entry_id: str) -> BrowseMediaSource:
        if (coordinator := loaded(self._hass, entry_id)) is None:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_such_voicemail")
        self._check_may_read(coordinator)
        newest_first = sorted(
            _messages(coordinator).values(), key=lambda message: (message.received, message.id), reverse=True
        )
        messages = [
            BrowseMediaSource(
                domain=DOMAIN,
                identifier=f"{entry_id}/{message.id}",
                media_class=MediaClass.MUSIC,
                media_content_type=MediaType.MUSIC,
                title=self._title(message),
                can_play=True,
                can_expand=False,
            )
            for message in newest_first
        ]
        return self._folder(entry_id, coordinator.name, messages, MediaClass.MUSIC)

    def _browse_visitors(self, device_id: str, day: str | None = None, *_: str) -> BrowseMediaSource:
        """Return the days of a device with visitors, or the visitors of a day."""
        runtime = async_runtime_of(self._hass, device_id)
        if runtime is None or (device := dr.async_get(self._hass).async_get(device_id)) is None:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_such_visitor")
        if (user := async_current_user()) is not None and not async_may_see_visitors(self._hass, user, device_id):
            raise Unauthorized(permission=POLICY_READ)
        visitors = self._visitors_at(runtime, device_id)
        folder, name = f"{VISITORS}/{device_id}", device.name_by_user or device.name or ""
        if day is None:
            days = dict.fromkeys(_day(visitor) for visitor in visitors)
            return self._folder(folder, name, [self._folder(f"{folder}/{day}", day) for day in days])
        entry_id = runtime.coordinator.config_entry.entry_id
        shown = [
            BrowseMediaSource(
                domain=DOMAIN,
                identifier=f"{folder}/{day}/{visitor.id}",
                media_class=MediaClass.IMAGE,
                media_content_type=MediaType.IMAGE,
                title=self._visitor_title(runtime, visitor),
                can_play=visitor.taken is not None,
                can_expand=False,
                thumbnail=None if visitor.taken is None else visitor_path(entry_id, visitor.id),
            )
            for visitor in visitors
            if _day(visitor) == day
        ]
        return self._folder(f"{folder}/{day}", day, shown, MediaClass.IMAGE)

    async def _async_resolve_visitor(self, path: list[str]) -> PlayMedia:
        runtime = async_runtime_of(self._hass, path[0]) if path else None
        visitors = [] if runtime is None else async_visible(runtime, async_current_user())
        visitor = next((visitor for visitor in visitors if visitor.id == path[-1]), None)
        picture = None if runtime is None or visitor is None else await runtime.visitors.async_picture(visitor.id)
        if runtime is None or visitor is None or picture is None:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_such_visitor")
        entry_id = runtime.coordinator.config_entry.entry_id
        return PlayMedia(visitor_path(entry_id, visitor.id), content_type(picture))

    def _visitor_devices(self) -> list[BrowseMediaSource]:
        entries: list[IntercomConfigEntry] = self._hass.config_entries.async_loaded_entries(DOMAIN)
        registry, found = dr.async_get(self._hass), {}
        for runtime in (entry.runtime_data for entry in entries):
            for visitor in async_visible(runtime, async_current_user()):
                device = registry.async_get(async_device_of(runtime, visitor.place))
                if device is not None:
                    found[device.id] = device.name_by_user or device.name or ""
        return [
            self._folder(f"{VISITORS}/{device_id}", name)
            for device_id, name in sorted(found.items(), key=lambda item: item[1])
        ]

    @staticmethod
    def _visitors_at(runtime: IntercomRuntime, device_id: str) -> list[Visitor]:
        visitors = async_visible(runtime, async_current_user())
        devices = {place: async_device_of(runtime, place) for place in {visitor.place for visitor in visitors}}
        return [visitor for visitor in visitors if devices[visitor.place] == device_id]

    def _visitor_title(self, runtime: IntercomRuntime, visitor: Visitor) -> str:
        """Return the time, the bell or entrance, the person, and the outcome."""
        where = visitor.entrance or async_bell_name(runtime, visitor)
        if visitor.is_visit:
            where = where or self._translation("visitor")
            outcome = "" if visitor.outcome is None else self._event_type("visitor", visitor.outcome)
        else:
            outcome = self._event_type("access", "granted" if visitor.granted else "denied")
        shown = f"{dt_util.as_local(visitor.time):%H:%M} {where or ''}".rstrip()
        return " - ".join(part for part in (shown, visitor.name, outcome) if part)

    def _event_type(self, entity: str, event_type: str) -> str:
        """Return an event type as an entity shows it."""
        words = async_get_cached_translations(self._hass, self._hass.config.language, "entity", DOMAIN)
        key = f"component.{DOMAIN}.entity.event.{entity}.state_attributes.event_type.state.{event_type}"
        return words.get(key, event_type)

    def _voicemail_devices(self) -> list[BrowseMediaSource]:
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
        identifier: str | None,
        title: str,
        children: list[BrowseMediaSource] | None = None,
        of: MediaClass = MediaClass.DIRECTORY,
    ) -> BrowseMediaSource:
        return BrowseMediaSource(
            domain=DOMAIN,
            identifier=identifier,
            media_class=MediaClass.DIRECTORY,
            media_content_type="",
            title=title,
            can_play=False,
            can_expand=True,
            children=children,
            children_media_class=of,
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


def _day(visitor: Visitor) -> str:
    return f"{dt_util.as_local(visitor.time):%Y-%m-%d}"
