"""Temporary codes of an Akuvox in Home Assistant match the codes on the device."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.runtime import temporary_codes
from tests.common import command, refusal, until
from tests.simulators.akuvox import Simulator
from tests.simulators.akuvox.envelope import Answer, ApiError, Call

from .conftest import Start, add
from .test_push import repairs

PIN = "837261"


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(temporary_codes, "_RETRY_DELAY", 0.1)
    monkeypatch.setattr(temporary_codes, "_MAX_RETRY_DELAY", 0.1)


def code(**data: Any) -> dict[str, Any]:
    return {"name": "Cleaner", "code": PIN, "end": datetime.now(UTC) + timedelta(hours=1)} | data


def pins(sim: Simulator) -> set[str]:
    return {row["PrivatePIN"] for row in sim.users.rows.values()}


def refuse(_: Call) -> Answer:
    raise ApiError(-1, "System busy")


async def orphan(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> dict[str, Any]:
    """Let a code be added that the device says it has not, and that it does not show; return its functions."""
    functions = dict(sim.handlers)
    added = functions["user/add"]

    def add_and_break(call: Call) -> Answer:
        added(call)
        sim.handlers["user/get"] = sim.handlers["user/del"] = refuse
        return refuse(call)

    sim.handlers["user/add"] = add_and_break
    assert await refusal(hass, entry, "add_temporary_code", **code()) == "command_failed"
    assert pins(sim) == {PIN}
    return functions


async def test_a_rejected_code_that_was_stored_is_removed_later(hass: HomeAssistant, device: Start) -> None:
    """Until then, a repair says that the PIN may open the door."""
    sim = await device("a_series")
    entry = await add(hass, sim)
    functions = await orphan(hass, sim, entry)
    assert "code_left" in repairs(hass)
    (issue,) = (issue for issue in ir.async_get(hass).issues.values() if issue.translation_key == "code_left")
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["name"] == "Cleaner"
    # It is not forgotten over a restart either.
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: "code_left" in repairs(hass), "the repair")
    sim.handlers.update(functions)
    await until(lambda: not pins(sim), "the removal of the code")
    await until(lambda: "code_left" not in repairs(hass), "the end of the repair")


async def test_codes_left_after_removal_are_a_repair(hass: HomeAssistant, device: Start) -> None:
    sim = await device("a_series")
    entry = await add(hass, sim)
    await orphan(hass, sim, entry)
    await hass.config_entries.async_remove(entry.entry_id)
    (issue,) = (issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN)
    assert (issue.translation_key, issue.is_persistent) == ("codes_left_behind", True)
    assert PIN not in str(issue)


async def test_adding_a_code_with_an_unreadable_user_list_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device("a_series")
    entry = await add(hass, sim)
    sim.garbage("user/get", "html")
    assert await refusal(hass, entry, "add_temporary_code", **code()) == "unexpected_reply"
    sim.heal()
    await until(lambda: not entry.runtime_data.codes.all, "the end of the attempts to remove the code")
    assert not pins(sim)


async def test_a_code_stored_for_half_of_its_doors_is_an_error(hass: HomeAssistant, device: Start) -> None:
    sim = await device("a_series")
    entry = await add(hass, sim)
    sim.users.pairs = sim.users.relays_each = 1
    assert await refusal(hass, entry, "add_temporary_code", **code(doors=["A", "B"])) == "code_doors"
    assert not pins(sim)
    assert "code_left" not in repairs(hass)


async def test_a_code_among_10000_users_can_be_removed(hass: HomeAssistant, device: Start) -> None:
    sim = await device("a_series")
    sim.users.fill(10_000)
    entry = await add(hass, sim)
    added = await command(hass, entry, "add_temporary_code", **code())
    assert added["active"] is True
    assert PIN in pins(sim)
    await command(hass, entry, "remove_temporary_code", id=added["id"])
    assert PIN not in pins(sim)


async def test_a_code_rejected_at_its_start_is_a_repair(hass: HomeAssistant, device: Start) -> None:
    """The action succeeded long before; the repair is deleted once the device accepts the code."""
    sim = await device("a_series")
    entry = await add(hass, sim)
    other = sim.add_user(Name="Anna", PrivatePIN=PIN)
    added = await command(hass, entry, "add_temporary_code", **code(start=datetime.now(UTC) + timedelta(seconds=0.5)))
    assert added["active"] is False
    await until(lambda: "code_refused" in repairs(hass), "the repair")
    del sim.users.rows[other]
    await until(lambda: pins(sim) == {PIN} and "code_refused" not in repairs(hass), "the code")


async def test_a_failing_code_does_not_delay_the_removal_of_another(hass: HomeAssistant, device: Start) -> None:
    """The failing code is tried first each time."""
    sim = await device("a_series")
    entry = await add(hass, sim)
    await command(hass, entry, "add_temporary_code", **code(end=datetime.now(UTC) + timedelta(seconds=1.5)))
    assert pins(sim) == {PIN}
    sim.handlers["user/add"] = refuse
    sim.lose_next_answer("user/add", times=10_000)
    start = datetime.now(UTC) - timedelta(hours=1)
    await command(hass, entry, "add_temporary_code", **code(name="Breaks", code="112233", start=start))
    await until(lambda: PIN not in pins(sim), "the removal of the code")
