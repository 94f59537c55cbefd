"""Unknown fields of an Akuvox object are sent back unchanged, because the device replaces the whole object."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from tests.common import command

from .conftest import Start, add

LOCATION = "Config.DoorSetting.DEVICENODE.Location"
DISPLAY_NAME = "Config.Account1.GENERAL.DisplayName"
MORE: dict[str, Any] = {
    "Zone": "7",
    "Floors": ["1", {"Name": "Cellar", "Open": True}],
    "Limits": {"PerDay": 3, "Quiet": None},
    "Weight": 1.50,
    "ScheduleNote": "by hand",
    "Remark": "",
}


@pytest.mark.parametrize("dialect", ["a_series", "r29"])
@pytest.mark.parametrize(
    ("kind", "row", "change"),
    [
        ("user", {"Name": "Anna", "PrivatePIN": "012345", "CardCode": "AABBCCDD"}, {"CardCode": "00112233"}),
        ("contact", {"Name": "Anna", "Phone": "101", "DialType": "1"}, {"Phone": "102"}),
        ("group", {"Name": "Family"}, {"Name": "Neighbors"}),
        ("key", {"Name": "Anna", "Code": "012345", "DoorNum": "12", "Mon": "0"}, {"Code": "543210"}),
        ("card", {"Name": "Anna", "Code": "AABBCCDD", "DoorNum": "12"}, {"DoorNum": "3"}),
        ("replacement", {"Prefix": "9", "Line": "2", "Replace1": "101"}, {"Replace2": "102"}),
    ],
)
async def test_unknown_fields_survive_an_update_of_an_akuvox_row(
    hass: HomeAssistant, device: Start, dialect: str, kind: str, row: dict[str, str], change: dict[str, str]
) -> None:
    sim = await device(dialect)
    sim.pipeline.throttle = 0
    lists: dict[str, Any] = {
        "user": sim.users,
        "contact": sim.contacts,
        "group": sim.groups,
        "key": sim.private_keys,
        "card": sim.cards,
        "replacement": sim.replacements,
    }
    items = lists[kind]
    items.replaces, items.more = True, frozenset(MORE)
    number = items.insert(**deepcopy(MORE), **row)
    other = items.insert(**deepcopy(MORE), **{name: f"{value}0" for name, value in row.items()})
    before = deepcopy(items.rows)
    assert before[number].items() >= MORE.items()
    entry = await add(hass, sim)
    await command(hass, entry, "directory_update", entries=[{"uuid": f"{kind}:{number}", **change}])
    assert items.rows == {number: before[number] | change, other: before[other]}


async def test_unknown_fields_survive_when_a_temporary_code_gets_its_doors(hass: HomeAssistant, device: Start) -> None:
    """The device stores the first pair only, so the user is written again with all fields."""
    sim = await device("a_series")
    sim.users.replaces, sim.users.more, sim.users.pairs = True, frozenset(MORE), 1
    usual = sim.users.insert
    sim.users.insert = lambda **values: usual(**deepcopy(MORE), **values)  # type: ignore[method-assign]  # a default of the device
    entry = await add(hass, sim)
    end = datetime.now(UTC) + timedelta(hours=1)
    await command(hass, entry, "add_temporary_code", name="Guest", code="837261", end=end, doors=["A", "C"])
    (row,) = sim.users.rows.values()
    assert sim.users.relays_of(row) == {1, 3}
    assert {name: row[name] for name in MORE} == MORE


@pytest.mark.parametrize(
    ("action", "data", "key"),
    [
        ("set_config", {"values": {LOCATION: "Gate"}}, LOCATION),
        ("device_name", {"name": "Gate"}, LOCATION),
        ("sip_accounts", {"account": 1, "settings": {"GENERAL.DisplayName": "Gate"}}, DISPLAY_NAME),
    ],
)
async def test_unknown_fields_survive_an_update_of_the_akuvox_configuration(
    hass: HomeAssistant, device: Start, action: str, data: dict[str, Any], key: str
) -> None:
    """The configuration is written by key."""
    sim = await device("a_series")
    sim.config.values |= {"Config.Account1.GENERAL.Zone": "7", "Config.DoorSetting.DEVICENODE.Zone": " 7 "}
    entry = await add(hass, sim)
    before = dict(sim.config.values)
    assert key in before
    await command(hass, entry, action, **data)
    assert sim.config.values == before | {key: "Gate"}
