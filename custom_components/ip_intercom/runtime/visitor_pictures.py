"""Pictures of the last visitors, stored across restarts."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..helpers.storage import async_load_stored, parse_items

STORAGE_VERSION = 1


@dataclass(frozen=True, slots=True)
class VisitorPicture:
    """A JPEG and the time at which it was taken."""

    taken: datetime
    content: bytes = field(repr=False)


def picture_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return the storage of the pictures of an entry."""
    return Store(
        hass,
        STORAGE_VERSION,
        f"{DOMAIN}.{entry_id}.visitors",
        private=True,
        atomic_writes=True,
        serialize_in_event_loop=False,
    )


class VisitorPictures:
    """The last picture for each image entity of an entry, by the key of the entity."""

    def __init__(self, hass: HomeAssistant, store: Store[dict[str, Any]], device: str) -> None:
        self._hass = hass
        self._store = store
        self._device = device
        self._pictures: dict[str, VisitorPicture] = {}

    async def async_load(self) -> None:
        """Read the stored pictures, without unreadable ones."""
        self._pictures, lost = await async_load_stored(self._hass, self._store, self._device, _parse)
        if lost:
            await self.async_save()

    def get(self, key: str) -> VisitorPicture | None:
        """Return the last picture; None without one."""
        return self._pictures.get(key)

    def put(self, key: str, picture: VisitorPicture | None) -> None:
        """Replace a picture, or remove it for None; ``async_save`` stores it."""
        self._pictures.pop(key, None)
        if picture is not None:
            self._pictures[key] = picture

    async def async_save(self) -> None:
        """Store the pictures."""
        await self._store.async_save(
            {
                key: [picture.taken.isoformat(), b64encode(picture.content).decode("ascii")]
                for key, picture in self._pictures.items()
            }
        )


def _parse(content: Mapping[str, Any], errors: list[Exception]) -> dict[str, VisitorPicture]:
    return dict(parse_items(content.items(), _parse_picture, errors))


def _parse_picture(item: tuple[str, Any]) -> tuple[str, VisitorPicture]:
    key, (taken, content) = item
    return key, VisitorPicture(dt_util.as_utc(datetime.fromisoformat(taken)), b64decode(content, validate=True))
