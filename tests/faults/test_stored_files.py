"""Entries load with spoiled files, and report lost data."""

from copy import deepcopy
from datetime import timedelta
import os
from random import Random
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from tests.common import command, until
from tests.simulators.two_n import Simulator

from .grammar import places

# The long run: IP_INTERCOM_FUZZ=100000.
ROUNDS = int(os.environ.get("IP_INTERCOM_FUZZ", "50"))
JUNK: tuple[Any, ...] = (
    None,
    [],
    {},
    "",
    "text",
    -1,
    0,
    1e308,
    True,
    [[]],
    {"": None},
    ["x", 1],
    2**70,
    "2026-13-45T99:99",
    [None] * 3,
)


def stores(storage: dict[str, Any], entry: ConfigEntry) -> dict[str, Any]:
    """Return the files of an entry."""
    return {key: value for key, value in storage.items() if key.startswith(f"ip_intercom.{entry.entry_id}")}


@pytest.fixture
async def filled_stores(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_storage: dict[str, Any]
) -> dict[str, Any]:
    """Return the stored files of an entry with rings, holds, codes, and pictures."""
    end = (dt_util.utcnow() + timedelta(hours=2)).isoformat()
    await command(hass, entry, "add_temporary_code", name="Cleaner", end=end)
    sim.press("%1")
    sim.enter_code("1234")
    picture = f"ip_intercom.{entry.entry_id}.visitors"
    await until(lambda: picture in hass_storage, "the picture")
    assert await hass.config_entries.async_unload(entry.entry_id)
    holds = f"ip_intercom.{entry.entry_id}.holds"
    hass_storage[holds] = {"version": 1, "minor_version": 1, "key": holds, "data": {"1": None, "2": end}}
    kept = deepcopy(stores(hass_storage, entry))
    assert {key.removeprefix(f"ip_intercom.{entry.entry_id}") for key in kept} == {"", ".codes", ".holds", ".visitors"}
    return kept


def spoil(document: dict[str, Any], random: Random) -> None:
    """Replace, remove, or double one value."""
    path = random.choice(list(places(document["data"])))
    holder: Any = document
    *parents, last = ("data", *path)
    for key in parents:
        holder = holder[key]
    if path and random.random() < 0.2:
        del holder[last]
    elif isinstance(holder, list) and random.random() < 0.2:
        holder.append(deepcopy(holder[last]))
    else:
        holder[last] = deepcopy(random.choice(JUNK))


async def test_an_entry_loads_with_a_spoiled_stored_file(
    hass: HomeAssistant,
    entry: ConfigEntry,
    hass_storage: dict[str, Any],
    filled_stores: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for seed in range(ROUNDS):
        random = Random(seed)
        hass_storage |= deepcopy(filled_stores)
        for key in filled_stores:
            for _ in range(random.randint(1, 3)):
                spoil(hass_storage[key], random)
        content = deepcopy(stores(hass_storage, entry))
        caplog.clear()
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.state is ConfigEntryState.LOADED, (seed, content, entry.reason)
        errors = [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]
        assert errors == [], (seed, content)
        assert await hass.config_entries.async_unload(entry.entry_id), (seed, content)


async def test_only_the_spoiled_code_is_dropped(
    hass: HomeAssistant, entry: ConfigEntry, hass_storage: dict[str, Any], filled_stores: dict[str, Any]
) -> None:
    codes = f"ip_intercom.{entry.entry_id}.codes"
    hass_storage[codes]["data"]["codes"].append({"id": 7})
    assert await hass.config_entries.async_setup(entry.entry_id)
    listed = await command(hass, entry, "list_temporary_codes")
    assert [code["name"] for code in listed["codes"]] == ["Cleaner"]
    issue = ir.async_get(hass).async_get_issue("ip_intercom", f"stored_data_{codes}")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert ".corrupt." in issue.translation_placeholders["path"]
    assert len(hass_storage[codes]["data"]["codes"]) == 1


async def test_an_unreadable_cursor_is_a_repair_until_the_entry_is_removed(
    hass: HomeAssistant, entry: ConfigEntry, hass_storage: dict[str, Any], filled_stores: dict[str, Any]
) -> None:
    """The device that responds does not end it: events may still be missing."""
    cursor, codes = f"ip_intercom.{entry.entry_id}", f"ip_intercom.{entry.entry_id}.codes"
    hass_storage[cursor]["data"] = [7]
    hass_storage[codes]["data"]["codes"].append({"id": 7})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    for key in (cursor, codes):
        assert ir.async_get(hass).async_get_issue("ip_intercom", f"stored_data_{key}") is not None, key
    assert await hass.config_entries.async_remove(entry.entry_id)
    for key in (cursor, codes):
        assert ir.async_get(hass).async_get_issue("ip_intercom", f"stored_data_{key}") is None, key
