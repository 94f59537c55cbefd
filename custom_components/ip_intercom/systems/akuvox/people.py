"""The owner of a code or card, if the door log of an Akuvox does not name them."""

from collections.abc import Iterable
import logging

from ..common.errors import IntercomError
from ..common.parse import Fields, text
from .client import AkuvoxDevice
from .client.users import parts

_LOGGER = logging.getLogger(__name__)


async def name_behind(device: AkuvoxDevice, code: str) -> str | None:
    """Return the name of the owner of a PIN or a card; None if unknown, or if the device cannot tell now."""
    for lookup in (_users, _cards, _private_keys):
        try:
            people = await lookup(device, code)
        except IntercomError as err:
            _LOGGER.debug("Could not look up the user: %s", err)
            continue
        for name, codes in people:
            if name and code in codes:
                return name
    return None


async def _users(device: AkuvoxDevice, code: str) -> Iterable[tuple[str | None, Iterable[str | None]]]:
    # Some devices answer with one user instead of hundreds, but not all of those know cards by it.
    def has(row: Fields) -> bool:
        return text(row.get("PrivatePIN")) == code or code in parts(text(row.get("CardCode")))

    users = await device.users.get(name=code, keep=has) or await device.users.get(keep=has)
    return [(user.name, (user.pin, *user.cards)) for user in users]


async def _cards(device: AkuvoxDevice, _: str) -> Iterable[tuple[str | None, Iterable[str | None]]]:
    # An entry may have several cards (field notes 4.2).
    return [(text(card.get("Name")), parts(text(card.get("Code")))) for card in await device.cards.get()]


async def _private_keys(device: AkuvoxDevice, _: str) -> Iterable[tuple[str | None, Iterable[str | None]]]:
    return [(text(key.get("Name")), (text(key.get("Code")),)) for key in await device.private_keys.get()]
