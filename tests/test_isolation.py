"""Fixtures that the tests of a module share keep nothing from one test to the next."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
import pytest

from tests.clock import CLOCK


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_begins_with_an_empty_storage(
    hass: HomeAssistant, hass_storage: dict[str, Any], turn: str
) -> None:
    store: Store[dict[str, str]] = Store(hass, 1, "isolation")
    assert await store.async_load() is None
    await store.async_save({"turn": turn})
    assert hass_storage["isolation"]["data"] == {"turn": turn}


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_begins_with_a_clock_that_skips_and_measures_nothing(turn: str) -> None:
    assert (CLOCK.real, CLOCK.longest_turn) == (False, None), turn
    CLOCK.real, CLOCK.longest_turn = True, 0.0
