"""Pictures of the last visitors, stored across restarts."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
import logging
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN

_LOGGER = logging.getLogger(__name__)

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
    """The last picture for each image entity of an entry, by the key of the entity.

    Args:
        store: Stores the pictures.
    """

    def __init__(self, store: Store[dict[str, Any]]) -> None:
        self._store = store
        self._pictures: dict[str, VisitorPicture] = {}

    async def async_load(self) -> None:
        """Read the stored pictures, without unreadable ones."""
        stored = await self._store.async_load()
        for key, kept in stored.items() if isinstance(stored, dict) else ():
            try:
                taken, content = kept
                self._pictures[key] = VisitorPicture(datetime.fromisoformat(taken), b64decode(content, validate=True))
            except (TypeError, ValueError) as err:
                _LOGGER.debug("Could not read the image of %s: %s", key, err)

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
