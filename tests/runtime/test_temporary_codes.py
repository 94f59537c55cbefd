"""Temporary codes are added and removed in time, through any outage."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.runtime import temporary_codes
from tests.common import command, refusal, until
from tests.simulators.common.spelling import PinReading, Spelling
from tests.simulators.two_n import Simulator

PIN = "837261"
HOUR = timedelta(hours=1)


class Clock:
    """The time that Home Assistant uses."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that a test moves; due codes are noticed soon."""
    clock = Clock()
    monkeypatch.setattr(temporary_codes, "utcnow", clock)
    monkeypatch.setattr(temporary_codes, "_MAX_CHECK_DELAY", 0.05)
    return clock


@pytest.fixture
async def quiet(hass: HomeAssistant, entry: ConfigEntry) -> AsyncGenerator[ConfigEntry]:
    """An intercom whose entry is unloaded before its simulator ends."""
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def pins(sim: Simulator) -> set[str]:
    return {entry["access"]["pin"] for entry in sim.directory} - {""}


def our_lines(caplog: pytest.LogCaptureFixture) -> str:
    """Return what the integration logged; the test plugin logs what it keeps in place of files."""
    return "\n".join(record.getMessage() for record in caplog.records if "ip_intercom" in record.name)


def stored(hass_storage: dict[str, Any], entry: ConfigEntry) -> Any:
    return hass_storage.get(f"{DOMAIN}.{entry.entry_id}.codes")


async def add(hass: HomeAssistant, entry: ConfigEntry, clock: Clock, **data: Any) -> Any:
    data = {"name": "Cleaner", "code": PIN, "end": clock.now + HOUR} | data
    return await command(hass, entry, "add_temporary_code", **data)


async def test_a_code_is_on_the_device_from_its_start_to_its_end(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, hass_storage: dict[str, Any]
) -> None:
    before = pins(sim)
    added = await add(hass, quiet, clock, start=clock.now + HOUR, end=clock.now + 2 * HOUR)
    assert (added["active"], added["code"]) == (False, PIN)
    assert pins(sim) == before
    clock.now += HOUR
    await until(lambda: PIN in pins(sim))
    await until(lambda: stored(hass_storage, quiet)["data"]["codes"][0]["known_as"])
    listed = await command(hass, quiet, "list_temporary_codes")
    assert [(code["id"], code["active"]) for code in listed["codes"]] == [(added["id"], True)]
    clock.now += HOUR
    await until(lambda: pins(sim) == before)
    await until(lambda: stored(hass_storage, quiet) is None)
    assert await command(hass, quiet, "list_temporary_codes") == {"codes": []}


async def test_a_code_without_start_and_digits_is_generated_at_once(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock
) -> None:
    answers = [
        await command(hass, quiet, "add_temporary_code", name=name, end=clock.now + HOUR) for name in ("Anna", "Ben")
    ]
    codes = {answer["code"] for answer in answers}
    assert len(codes) == 2 and all(len(code) == 6 and code.isdecimal() for code in codes)
    assert all(answer["active"] for answer in answers)
    assert codes <= pins(sim)


@pytest.mark.parametrize("marked", [True, False])
async def test_a_code_can_be_removed_before_its_end(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, marked: bool
) -> None:
    sim.directory.marks_deleted = marked
    before = pins(sim)
    added = await add(hass, quiet, clock)
    assert PIN in pins(sim)
    await command(hass, quiet, "remove_temporary_code", id=added["id"])
    assert pins(sim) == before
    assert await refusal(hass, quiet, "remove_temporary_code", id=added["id"]) == "no_such_code"


async def test_the_digits_of_a_code_are_returned_only_when_added(
    hass: HomeAssistant,
    sim: Simulator,
    quiet: ConfigEntry,
    clock: Clock,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.getLogger("custom_components.ip_intercom").setLevel(logging.DEBUG)
    added = await add(hass, quiet, clock)
    assert PIN not in str(await command(hass, quiet, "list_temporary_codes"))
    assert PIN not in repr(quiet.runtime_data.codes.all)
    assert PIN in str(stored(hass_storage, quiet))
    await command(hass, quiet, "remove_temporary_code", id=added["id"])
    assert PIN not in str(stored(hass_storage, quiet))
    assert "dir/create" in our_lines(caplog) and PIN not in our_lines(caplog)


async def test_codes_that_became_due_while_unloaded_are_applied(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, clock: Clock
) -> None:
    before = pins(sim)
    await add(hass, entry, clock, name="Ends", code="111222")
    await add(hass, entry, clock, name="Begins", code="333444", start=clock.now + HOUR, end=clock.now + 3 * HOUR)
    await hass.config_entries.async_unload(entry.entry_id)
    clock.now += 2 * HOUR
    assert pins(sim) == before | {"111222"}
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: pins(sim) == before | {"333444"})
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_code_stored_by_an_earlier_version_is_removed(
    hass: HomeAssistant,
    sim: Simulator,
    quiet: ConfigEntry,
    clock: Clock,
    hass_storage: dict[str, Any],
    is_told: bool,
) -> None:
    await add(hass, quiet, clock)
    await hass.config_entries.async_unload(quiet.entry_id)
    [item] = stored(hass_storage, quiet)["data"]["codes"]
    del item["others"], item["known_name"]
    item |= {"tried": True} if is_told else {"tried": True, "known_as": None}
    clock.now += 2 * HOUR
    await hass.config_entries.async_setup(quiet.entry_id)
    await until(lambda: PIN not in pins(sim))
    await until(lambda: stored(hass_storage, quiet) is None)


async def test_a_code_is_added_and_removed_once_the_device_is_reachable(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    before = pins(sim)
    sim.lose_connection()
    added = await add(hass, quiet, clock)
    assert added["active"] is False
    await sim.restore_connection()
    await until(lambda: PIN in pins(sim))
    sim.lose_connection()
    assert await refusal(hass, quiet, "remove_temporary_code", id=added["id"]) == "code_not_removed"
    await sim.restore_connection()
    await until(lambda: pins(sim) == before)
    assert PIN not in our_lines(caplog)


async def test_a_lost_answer_adds_no_second_entry(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, hass_storage: dict[str, Any]
) -> None:
    """The device created the entry, but its response was lost."""
    create = sim.handlers["dir/create"]
    there = len(sim.directory)

    async def create_unheard(*args: Any) -> Any:
        sim.handlers["dir/create"] = create
        answer = await create(*args)
        sim.lose_connection()
        return answer

    sim.handlers["dir/create"] = create_unheard
    added = await add(hass, quiet, clock)
    assert added["active"] is False and len(sim.directory) == there + 1
    await sim.restore_connection()
    await until(lambda: stored(hass_storage, quiet)["data"]["codes"][0]["known_as"])
    assert len(sim.directory) == there + 1


def left_over(hass: HomeAssistant) -> set[str | None]:
    """Return the repairs."""
    return {issue.translation_key for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN}


@pytest.mark.parametrize("spelling", list(Spelling))
@pytest.mark.parametrize("pin", list(PinReading))
async def test_a_code_is_added_and_removed_in_any_notation_of_the_device(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, spelling: Spelling, pin: PinReading
) -> None:
    """This holds for error responses, lost responses, and deletions without effect."""
    before = pins(sim)
    sim.directory.spelling, sim.directory.pins = spelling, pin
    for answer in ("good", "page", "lost"):
        if answer != "good":
            sim.lose_next_answer("dir/create", status=500 if answer == "page" else None)
        added = await add(hass, quiet, clock, name=" Gäste, zweiter Stock links ")
        assert pins(sim) == before | {PIN}, answer
        await until(lambda: quiet.runtime_data.codes.all[0].held, f"{answer}: the uuid of the code")
        await command(hass, quiet, "remove_temporary_code", id=added["id"])
        assert pins(sim) == before, answer
    added = await add(hass, quiet, clock)
    sim.directory.deletes = False
    assert await refusal(hass, quiet, "remove_temporary_code", id=added["id"]) == "code_not_removed"
    assert left_over(hass) == {"code_left"}
    sim.directory.deletes = True
    await until(lambda: pins(sim) == before and not left_over(hass), "the removal of the code")


async def test_a_pin_that_the_device_would_change_is_rejected(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, hass_storage: dict[str, Any]
) -> None:
    before = pins(sim)
    sim.directory.pins = PinReading.NUMBER
    end = clock.now + HOUR
    assert await refusal(hass, quiet, "add_temporary_code", name="Cleaner", code="012345", end=end) == "code_pin"
    assert pins(sim) == before
    assert stored(hass_storage, quiet) is None
    sim.directory.deletes = False
    assert (
        await refusal(hass, quiet, "add_temporary_code", name="Cleaner", code="012345", end=end) == "code_not_removed"
    )
    assert left_over(hass) == {"code_left"}
    sim.directory.deletes = True
    await until(lambda: pins(sim) == before and not left_over(hass), "the removal of the code")


@pytest.mark.parametrize("pin", list(PinReading))
async def test_a_renamed_code_is_removed_or_becomes_a_repair(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, pin: PinReading
) -> None:
    before = pins(sim)
    sim.directory.pins = pin
    await add(hass, quiet, clock)
    sim.directory.rename("Cleaner", "Berta")
    clock.now += HOUR
    if pin is not PinReading.MASKED:
        await until(lambda: pins(sim) == before, "the removal of the code")
        return
    await until(lambda: left_over(hass) == {"code_left"}, "the repair")
    assert pins(sim) == before | {PIN}


async def test_invalid_codes_are_rejected_and_not_stored(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock, hass_storage: dict[str, Any]
) -> None:
    before = pins(sim)
    past = clock.now - HOUR
    assert await refusal(hass, quiet, "add_temporary_code", name="A", end=past) == "code_window"
    assert (
        await refusal(hass, quiet, "add_temporary_code", name="A", start=clock.now + 2 * HOUR, end=clock.now + HOUR)
        == "code_window"
    )
    for code in ("12", "12ab", "1" * 16):
        assert (
            await refusal(hass, quiet, "add_temporary_code", name="A", end=clock.now + HOUR, code=code)
            == "code_not_digits"
        )
    # The device lets a PIN open all or nothing.
    assert (
        await refusal(hass, quiet, "add_temporary_code", name="A", end=clock.now + HOUR, doors=["1"]) == "not_supported"
    )
    assert pins(sim) == before
    assert stored(hass_storage, quiet) is None


async def test_two_codes_cannot_have_the_same_digits(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock
) -> None:
    await add(hass, quiet, clock)
    end = clock.now + 2 * HOUR
    assert await refusal(hass, quiet, "add_temporary_code", name="Other", code=PIN, end=end) == "code_taken"
    later = await add(hass, quiet, clock, name="Later", start=clock.now + HOUR, end=end)
    clock.now += HOUR
    await until(lambda: {entry["name"] for entry in sim.directory if entry["access"]["pin"] == PIN} == {"Later"})
    await command(hass, quiet, "remove_temporary_code", id=later["id"])


async def test_a_person_with_the_name_of_a_code_is_not_removed(
    hass: HomeAssistant, sim: Simulator, quiet: ConfigEntry, clock: Clock
) -> None:
    """The directory was cleared on the device, and a person of the same name was added later."""
    await command(hass, quiet, "directory_create", entries=[{"name": "Cleaner", "access": {"pin": "5566"}}])
    added = await add(hass, quiet, clock)
    await command(hass, quiet, "remove_temporary_code", id=added["id"])
    assert PIN not in pins(sim)
    assert "5566" in pins(sim)


async def test_removing_the_entry_removes_its_codes_from_the_device(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, clock: Clock, hass_storage: dict[str, Any]
) -> None:
    before = pins(sim)
    await add(hass, entry, clock)
    await hass.config_entries.async_remove(entry.entry_id)
    assert pins(sim) == before
    assert stored(hass_storage, entry) is None


async def test_codes_left_on_an_unreachable_device_are_logged(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await add(hass, entry, clock)
    sim.lose_connection()
    await hass.config_entries.async_remove(entry.entry_id)
    assert "they still open: Cleaner" in caplog.text
    assert PIN not in our_lines(caplog)


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("add_temporary_code", {"name": "Thief", "end": "2099-01-01 00:00:00"}),
        ("remove_temporary_code", {"id": "0"}),
        ("list_temporary_codes", {}),
        ("scan_card", {}),
    ],
)
async def test_codes_are_for_administrators(
    hass: HomeAssistant, quiet: ConfigEntry, hass_read_only_user: MockUser, action: str, data: dict[str, Any]
) -> None:
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": quiet.runtime_data.coordinator.device_id, **data},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
