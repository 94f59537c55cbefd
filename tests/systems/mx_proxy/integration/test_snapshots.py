"""The entities of an extension, as a snapshot."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.snapshots import entities


@pytest.mark.default_entities
async def test_the_entities_of_an_extension_match_the_snapshot(
    hass: HomeAssistant, entry: ConfigEntry, snapshot: SnapshotAssertion
) -> None:
    assert entities(hass, entry) == snapshot
