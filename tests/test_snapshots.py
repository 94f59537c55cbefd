"""The entities of each 2N model, as snapshots; `scripts/test tests -k snapshot --snapshot-update` writes them again."""

from homeassistant.core import HomeAssistant
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.common import add_intercom
from tests.simulators.two_n import Simulator

from .snapshots import entities


@pytest.mark.default_entities
async def test_the_entities_of_a_model_match_the_snapshot(
    hass: HomeAssistant, any_model: Simulator, snapshot: SnapshotAssertion
) -> None:
    entry = await add_intercom(hass, any_model)
    assert entities(hass, entry) == snapshot
