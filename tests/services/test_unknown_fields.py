"""Unknown fields of a 2N object are sent back unchanged if the device may replace the whole object."""

from base64 import b64encode
from copy import deepcopy
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import command
from tests.simulators.two_n import Simulator
from tests.simulators.two_n.mobilekey import FAKE_KEY

NEW_KEY = b64encode(FAKE_KEY[:-1] + b"\0").decode()
NAME = "Alice Gruberová"
MORE: dict[str, Any] = {"zone": "7", "limits": [{"perDay": 3}, {}], "quiet": None}


@pytest.fixture
def newer(sim: Simulator) -> Simulator:
    """A device of future firmware that replaces whole objects and arrays."""

    def change(entry: dict[str, Any]) -> None:
        entry["remarks"] = deepcopy(MORE)
        entry["access"] |= {"pairings": [{"id": "", "name": ""}, {"id": "", "name": ""}], "extra": deepcopy(MORE)}
        for slot in (*entry["callPos"], *entry["access"]["accessPoints"]):
            slot["zone"] = ""

    sim.directory.extend(change)
    sim.directory.replaces = True
    alice = sim.directory[NAME]
    alice["callPos"][0]["zone"], alice["callPos"][1]["zone"] = "7", "8"
    alice["access"]["accessPoints"][1] |= {"enabled": False, "zone": "9"}
    alice["access"]["pairings"] = [{"id": "1", "name": "Phone"}, {"id": "2", "name": "Watch"}]
    alice["access"]["extra"]["zone"] = alice["remarks"]["zone"] = "6"
    return sim


@pytest.mark.parametrize("replaces", [True, False])
@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        pytest.param({"name": "Anna"}, ("name",), "Anna", id="name"),
        pytest.param({"access": {"pin": "4711"}}, ("access", "pin"), "4711", id="pin"),
        pytest.param({"access.pin": 4711}, ("access", "pin"), "4711", id="pin_by_path"),
        pytest.param({"callPos": [{"peer": "sip:1@host"}]}, ("callPos", 0, "peer"), "sip:1@host", id="first_number"),
        pytest.param({"callPos": [{}, {"grouped": False}]}, ("callPos", 1, "grouped"), False, id="second_number"),
        pytest.param({"access": {"code": ["4711"]}}, ("access", "code", 0), "4711", id="code"),
        pytest.param({"access.code": ["4711"]}, ("access", "code", 0), "4711", id="code_by_path"),
        pytest.param(
            {"access": {"accessPoints": [{"profiles": "P=1"}]}},
            ("access", "accessPoints", 0, "profiles"),
            "P=1",
            id="access_point",
        ),
        pytest.param(
            {"access.pairings": [{}, {"name": "Band"}]}, ("access", "pairings", 1, "name"), "Band", id="pairing"
        ),
    ],
)
async def test_unknown_fields_survive_an_update_of_a_2n_entry(
    hass: HomeAssistant,
    newer: Simulator,
    entry: ConfigEntry,
    replaces: bool,
    change: dict[str, Any],
    path: tuple[Any, ...],
    value: object,
) -> None:
    newer.directory.replaces = replaces
    wanted = deepcopy(newer.directory[NAME])
    others = [deepcopy(other) for other in newer.directory if other["name"] != NAME]
    await command(hass, entry, "directory_update", entries=[{"uuid": wanted["uuid"], **change}])
    slot: Any = wanted
    for part in path[:-1]:
        slot = slot[part]
    assert slot[path[-1]] != value
    slot[path[-1]] = value
    now = newer.directory[wanted["uuid"]]
    assert {**now, "timestamp": 0} == {**wanted, "timestamp": 0}
    assert [other for other in newer.directory if other["uuid"] != wanted["uuid"]] == others


async def test_a_rejected_update_is_retried_without_unknown_fields(
    hass: HomeAssistant, newer: Simulator, entry: ConfigEntry
) -> None:
    """A device may return a field that it does not accept."""
    alice = newer.directory[NAME]
    alice["access"]["virtCard"] = "no card that it takes"
    await command(hass, entry, "directory_update", entries=[{"uuid": alice["uuid"], "access": {"pin": "4711"}}])
    assert newer.directory[NAME]["access"]["pin"] == "4711"


async def test_unknown_fields_survive_an_update_of_the_2n_holidays(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.holidays.more = deepcopy(MORE)
    await command(hass, entry, "set_holidays", dates=["06/12"])
    assert (sim.holidays.dates, sim.holidays.more) == (["06/12"], MORE)


@pytest.mark.parametrize("replaces", [True, False])
async def test_unknown_fields_survive_an_update_of_the_2n_mobile_keys(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, replaces: bool
) -> None:
    keys = sim.mobile_key
    keys.more, keys.replaces = deepcopy(MORE), replaces
    keys.keys[0] |= MORE
    old = deepcopy(keys.keys[0])
    await command(hass, entry, "set_mobile_keys", location="Home")
    assert (keys.location, keys.keys, keys.more) == ("Home", [old, {}, {}, {}], MORE)
    await command(hass, entry, "set_mobile_keys", keys=[NEW_KEY, old["key"]])
    assert (keys.location, keys.keys[0]["key"], keys.keys[1:], keys.more) == ("Home", NEW_KEY, [old, {}, {}], MORE)


async def test_unknown_fields_survive_an_update_of_a_2n_sip_account(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    """Only changed fields are sent, as in the manual: the password is never returned."""
    account = sim.sip.all[1]
    account.settings |= MORE
    before, password = deepcopy(account.settings), account.password
    await command(hass, entry, "sip_accounts", account=1, settings={"displayName": "Gate"})
    assert account.settings == before | {"displayName": "Gate"}
    assert account.password == password
