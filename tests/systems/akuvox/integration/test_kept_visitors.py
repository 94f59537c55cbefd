"""Visitors of a door phone are stored, with accesses and the pictures of the door log."""

from typing import Any

from homeassistant.components import media_source
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.model.visitors import Visitor
from tests.common import until

from .conftest import Start, add
from .test_access import PIN, lucy, watching


def rows(entry: ConfigEntry) -> list[Visitor]:
    """Return the stored visitors, newest first."""
    visitors: list[Visitor] = entry.runtime_data.visitors.newest_first
    return visitors


@pytest.mark.parametrize(("dialect", "names"), [("e16c", True), ("e16c", False), ("r29", True)])
async def test_granted_and_denied_accesses_are_stored_with_a_picture(
    hass: HomeAssistant, device: Start, local_url: str, dialect: str, names: bool, hass_storage: dict[str, Any]
) -> None:
    sim = await device(dialect)
    lucy(sim)
    entry = await add(hass, sim, show_names=names)
    await watching(sim)
    sim.enter_code(PIN)
    sim.enter_code("0000")
    await until(lambda: len(rows(entry)) == 2 and all(visitor.taken for visitor in rows(entry)), "both pictures")
    assert {(visitor.granted, visitor.name) for visitor in rows(entry)} == {
        (True, "Lucy" if names else None),
        (False, None),
    }
    for visitor in rows(entry):
        picture = await entry.runtime_data.visitors.async_picture(visitor.id)
        assert picture is not None
        assert picture.startswith(b"\xff\xd8")
    key = f"{DOMAIN}.{entry.entry_id}.visitors"
    await until(lambda: str(hass_storage.get(key)).count("taken") == 2, "the rows")
    assert ("Lucy" in str(hass_storage[key])) is names
    assert PIN not in str(hass_storage[key])
    root: Any = await media_source.async_browse_media(hass, f"media-source://{DOMAIN}")
    days: Any = await media_source.async_browse_media(hass, root.children[0].media_content_id)
    day: Any = await media_source.async_browse_media(hass, days.children[0].media_content_id)
    titles = {child.title.partition(" ")[2] for child in day.children}
    assert titles == {"A - Lucy - Granted" if names else "A - Granted", "- Denied"}


async def test_a_ring_is_stored_once_after_a_reload(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    await until(lambda: any(request.function == "call/status" for request in sim.requests))
    assert sim.press()
    await until(lambda: rows(entry) and rows(entry)[0].taken, "the picture")
    before = rows(entry)[0]
    assert await hass.config_entries.async_reload(entry.entry_id)
    sim.call_ended()
    await until(lambda: rows(entry)[0].outcome, "the outcome")
    assert [(visitor.id, visitor.taken) for visitor in rows(entry)] == [(before.id, before.taken)]
