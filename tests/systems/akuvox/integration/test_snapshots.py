"""The entities of each Akuvox dialect, as snapshots."""

from homeassistant.core import HomeAssistant
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.simulators.akuvox import DIALECTS
from tests.snapshots import entities

from .conftest import Start, add


@pytest.mark.default_entities
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_the_entities_of_a_dialect_match_the_snapshot(
    hass: HomeAssistant, device: Start, dialect: str, snapshot: SnapshotAssertion
) -> None:
    entry = await add(hass, await device(dialect))
    assert entities(hass, entry) == snapshot
