"""The images of the last visitors, kept in Home Assistant's storage over restarts."""

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
    """A JPEG, and when it was taken."""

    taken: datetime
    content: bytes = field(repr=False)


def picture_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where an entry keeps its pictures."""
    return Store(
        hass,
        STORAGE_VERSION,
        f"{DOMAIN}.{entry_id}.visitors",
        private=True,
        atomic_writes=True,
        serialize_in_event_loop=False,
    )


class VisitorPictures:
    """The last picture of each image entity of an entry, by the key of the entity.

    Args:
        store: Where to keep them.
    """

    def __init__(self, store: Store[dict[str, Any]]) -> None:
        self._store = store
        self._pictures: dict[str, VisitorPicture] = {}

    async def async_load(self) -> None:
        """Read the pictures that were kept; what cannot be read is left out."""
        stored = await self._store.async_load()
        for key, kept in stored.items() if isinstance(stored, dict) else ():
            try:
                taken, content = kept
                self._pictures[key] = VisitorPicture(datetime.fromisoformat(taken), b64decode(content, validate=True))
            except (TypeError, ValueError) as err:
                _LOGGER.debug("Could not read the image of %s: %s", key, err)

    def get(self, key: str) -> VisitorPicture | None:
        """Return the last picture, None where there is none."""
        return self._pictures.get(key)

    def put(self, key: str, picture: VisitorPicture | None) -> None:
        """Have a picture in place of the one before, none for None; ``async_save`` writes it."""
        self._pictures.pop(key, None)
        if picture is not None:
            self._pictures[key] = picture

    async def async_save(self) -> None:
        """Write the pictures down."""
        await self._store.async_save(
            {
                key: [picture.taken.isoformat(), b64encode(picture.content).decode("ascii")]
                for key, picture in self._pictures.items()
            }
        )
