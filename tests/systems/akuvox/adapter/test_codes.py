"""Temporary codes in the user list of the device."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.ip_intercom.model.functions import Code, Held
from custom_components.ip_intercom.systems.akuvox.codes import AkuvoxCodes, relays_of
from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    DoorsNotKept,
    InvalidRequest,
    NotSupported,
    Rejected,
)
from tests.simulators.akuvox.envelope import Answer, Call, Reply, unsupported
from tests.systems.akuvox.client.conftest import Bench, Start

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PIN = "837261"
CODE = Code("Cleaner", PIN, NOW, NOW + timedelta(hours=1))
WITH_USERS = ("a_series", "e16c", "e18", "r29")


async def add(codes: AkuvoxCodes, code: Code = CODE, others: frozenset[str] | None = None) -> Held:
    """Add a code as one that was not sent before, or was when there were others only."""

    async def remember(ids: frozenset[str]) -> None:
        assert others is None

    return await codes.add(code, others, remember)


@pytest.mark.parametrize("dialect", WITH_USERS)
async def test_a_code_opens_the_doors_that_were_named(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    doors = ("A", "B") if len(bench.sim.dialect.relays) > 1 else ("A",)
    codes = AkuvoxCodes(bench.device())
    assert not bench.sim.enter_code(PIN)
    held = await add(codes, replace(CODE, doors=doors))
    assert bench.sim.users.rows[held.id]["Name"] == "Cleaner"
    assert bench.sim.enter_code(PIN)
    assert {letter for letter, is_open in bench.sim.relay_status().items() if is_open} == set(doors)
    await codes.remove(CODE, held, None)
    assert not bench.sim.users.rows
    assert not bench.sim.enter_code(PIN)


async def test_a_device_without_users_gets_a_private_key(bench: Bench) -> None:
    def refuse(_: Call) -> Reply:
        raise unsupported("unsupport action")

    bench.sim.handlers.update({name: refuse for name in bench.sim.handlers if name.startswith("user/")})
    codes = AkuvoxCodes(bench.device())
    held = await add(codes, replace(CODE, doors=("B", "C")))
    assert bench.sim.private_keys.rows[held.id]["DoorNum"] == "23"
    assert bench.sim.enter_code(PIN)
    assert bench.sim.relay_status() == {"A": False, "B": True, "C": True}
    await codes.remove(CODE, held, None)
    assert not bench.sim.private_keys.rows


async def test_codes_are_not_supported_without_users_and_keys(start: Start) -> None:
    bench = await start("it83")
    with pytest.raises(NotSupported):
        await add(AkuvoxCodes(bench.device()))


async def test_adding_again_adds_nothing(bench: Bench) -> None:
    """The response may have been lost."""
    codes = AkuvoxCodes(bench.device())
    assert await add(codes) == await add(codes, others=frozenset())
    assert len(bench.sim.users.rows) == 1


async def test_a_pin_of_another_user_is_rejected_and_kept(bench: Bench) -> None:
    bench.sim.add_user(Name="Anna", PrivatePIN=PIN)
    codes = AkuvoxCodes(bench.device())
    with pytest.raises(CommandFailed, match="PIN already exist") as failed:
        await add(codes)
    assert PIN not in str(failed.value)
    await codes.remove(CODE, None, frozenset("1"))
    assert [row["Name"] for row in bench.sim.users.rows.values()] == ["Anna"]


HELD = Held("1", "Cleaner")
NEW: frozenset[str] = frozenset()
OLD = frozenset("1")


@pytest.mark.parametrize(
    ("row", "held", "others"),
    [
        pytest.param({"Name": "Anna", "PrivatePIN": "1111"}, HELD, None, id="its ID was given to another"),
        pytest.param({"Name": "Cleaner", "PrivatePIN": "1111"}, None, NEW, id="another has its name"),
        pytest.param({"Name": "Anna", "PrivatePIN": PIN}, Held("7", "Cleaner"), None, id="another has its PIN"),
        pytest.param({"Name": "Anna", "PrivatePIN": PIN}, None, OLD, id="another had its PIN"),
        pytest.param({"Name": "Cleaner", "PrivatePIN": PIN}, None, OLD, id="another had both"),
        pytest.param({"Name": "Anna", "CardCode": "4711"}, None, NEW, id="another has a card and no PIN"),
    ],
)
async def test_one_matching_trait_does_not_delete_a_user(
    bench: Bench, row: dict[str, str], held: Held | None, others: frozenset[str] | None
) -> None:
    bench.sim.add_user(**row)
    await AkuvoxCodes(bench.device()).remove(CODE, held, others)
    assert len(bench.sim.users.rows) == 1


@pytest.mark.parametrize(
    ("row", "held", "others"),
    [
        pytest.param({"Name": "Renamed", "PrivatePIN": PIN}, HELD, None, id="it was renamed"),
        pytest.param({"Name": "Cleaner", "PrivatePIN": "1111"}, HELD, None, id="its PIN was changed"),
        pytest.param({"Name": "Cleaner", "PrivatePIN": PIN}, Held("7", "Cleaner"), None, id="its ID was changed"),
        pytest.param({"Name": "Cleaner", "PrivatePIN": PIN}, None, NEW, id="its ID never arrived"),
        pytest.param({"Name": "Person", "PrivatePIN": PIN}, None, NEW, id="its ID never arrived, its name is another"),
    ],
)
async def test_two_matching_traits_identify_the_code(
    bench: Bench, row: dict[str, str], held: Held | None, others: frozenset[str] | None
) -> None:
    bench.sim.add_user(**row)
    await AkuvoxCodes(bench.device()).remove(CODE, held, others)
    assert not bench.sim.users.rows


async def test_a_deletion_without_effect_is_an_error(bench: Bench) -> None:
    codes = AkuvoxCodes(bench.device())
    held = await add(codes)
    bench.sim.handlers["user/del"] = bench.sim.handlers["user/info"]
    with pytest.raises(Rejected):
        await codes.remove(CODE, held, None)
    assert held.id in bench.sim.users.rows


async def test_an_addition_without_effect_is_an_error(bench: Bench) -> None:
    bench.sim.handlers["user/add"] = bench.sim.handlers["user/info"]
    with pytest.raises(Rejected):
        await add(AkuvoxCodes(bench.device()))


def test_door_names_become_relay_numbers() -> None:
    assert relays_of(()) == "1"
    assert relays_of(("B", "a", "2")) == "12"
    for wrong in ("SA", "E", "0", "5", "", "AB", "11"):
        with pytest.raises(InvalidRequest):
            relays_of((wrong,))


def opened(bench: Bench) -> set[str]:
    """Enter the PIN and return which relays it opens."""
    bench.sim.enter_code(PIN)
    return {letter for letter, is_open in bench.sim.relay_status().items() if is_open}


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize(("number", "always_pages"), [(10_000, False), (35, True), (30, True), (9, True), (10, False)])
async def test_a_code_is_found_among_many_users(start: Start, number: int, filters: bool, always_pages: bool) -> None:
    """10,000 users are 5 MB; some devices return ten at a time, with or without a page number."""
    bench = await start("a_series")
    bench.sim.users.filters, bench.sim.users.always_pages = filters, always_pages
    bench.sim.users.fill(number)
    codes = AkuvoxCodes(bench.device())
    others = frozenset(bench.sim.users.rows)
    held = await add(codes)
    assert bench.sim.users.rows[held.id]["PrivatePIN"] == PIN
    assert await add(codes, others=others) == held
    await codes.remove(CODE, held, None)
    assert held.id not in bench.sim.users.rows
    assert len(bench.sim.users.rows) == number


@pytest.mark.parametrize("dialect", ["a_series", "r29"])
@pytest.mark.parametrize(
    ("separator", "pairs"), [(";", None), (",", None), (None, 1), (",", 1), (";", 1)], ids=lambda value: str(value)
)
async def test_a_code_opens_all_doors_on_every_firmware(
    start: Start, dialect: str, separator: str | None, pairs: int | None
) -> None:
    """Pairs are separated by semicolons or commas, and a device may store only the first one."""
    bench = await start(dialect)
    bench.sim.users.separator, bench.sim.users.pairs = separator, pairs
    codes = AkuvoxCodes(bench.device())
    await add(codes, replace(CODE, doors=("A", "C")))
    assert opened(bench) == {"A", "C"}
    assert len(bench.sim.users.rows) == 1


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_code_for_half_of_the_doors_is_undone(start: Start, is_there: bool) -> None:
    bench = await start("a_series")
    bench.sim.users.pairs = bench.sim.users.relays_each = 1
    codes = AkuvoxCodes(bench.device())
    if is_there:
        bench.sim.add_user(Name=CODE.name, PrivatePIN=PIN, ScheduleRelay="1001-1")
    with pytest.raises(DoorsNotKept):
        await add(codes, replace(CODE, doors=("A", "B")), NEW if is_there else None)
    assert not bench.sim.users.rows
    # One door is as good as ever.
    await add(codes, replace(CODE, doors=("B",)))
    assert opened(bench) == {"B"}


async def test_a_code_stored_in_spite_of_an_error_is_kept(start: Start) -> None:
    """The response is an error, but the PIN is stored and opens."""
    bench = await start("a_series")
    bench.sim.users.errs = True
    codes = AkuvoxCodes(bench.device())
    held = await add(codes)
    assert len(bench.sim.users.rows) == 1
    await codes.remove(CODE, held, None)
    assert not bench.sim.users.rows


async def test_the_pin_and_doors_of_a_key_are_read_back(bench: Bench) -> None:
    def refuse(_: Call) -> Reply:
        raise unsupported("unsupport action")

    bench.sim.handlers.update({name: refuse for name in bench.sim.handlers if name.startswith("user/")})
    usual = bench.sim.handlers["privatekey/add"]

    def halve(call: Call) -> Answer:
        call.data["item"] = [{**item, "DoorNum": item["DoorNum"][:1]} for item in call.data["item"]]
        return usual(call)

    bench.sim.handlers["privatekey/add"] = halve
    codes = AkuvoxCodes(bench.device())
    held = await add(codes, replace(CODE, doors=("B", "C")))
    assert bench.sim.private_keys.rows[held.id]["DoorNum"] == "23"


async def test_no_pin_is_sent_in_a_url(start: Start) -> None:
    bench = await start("e16c")
    codes = AkuvoxCodes(bench.device())
    await codes.remove(CODE, await add(codes), None)
    assert PIN not in str([(request.path, request.query) for request in bench.sim.requests])
