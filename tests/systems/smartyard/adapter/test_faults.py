"""Each part of an account that setup requests fails alone: the others work, and it is added later."""

from dataclasses import replace

import pytest

from custom_components.ip_intercom.model.parts import Place
from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.systems.common import parts as common_parts
from custom_components.ip_intercom.systems.common.errors import IntercomError, NotPaid, UnexpectedReply
from custom_components.ip_intercom.systems.smartyard import system as system_module
from custom_components.ip_intercom.systems.smartyard.system import Options, SmartYardSystem, identity_of
from tests.simulators.common.faults import Fault
from tests.simulators.smartyard import PHONE

from .conftest import Bench

BASE = "/mobile/"
HOUSES, FLATS = "address/getAddressList", "address/getSettingsList"
# What of a state is lost with a part; the time zone alone changes nothing of it.
LOSSES = {
    HOUSES: {"doors", "bells", "ringing", "cameras", "places"},
    "address/getSettingsList": {"settings", "door_codes", "places"},
    "address/intercom": {"settings", "door_codes"},
    "cctv/all": {"cameras", "places"},
    "cctv/camMap": {"cameras", "places"},
    "inbox/unreaded": {"unread_messages"},
    "user/notification": {"settings"},
}
SILENT = [
    (Fault.HANG, 0), (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.STATUS, 404), (Fault.PAGE, 200), (Fault.DEEP, 200)
]  # fmt: skip
FAULTS = [*SILENT, (Fault.REFUSED, 0), (Fault.WRONG_VALUES, 0), (Fault.WRONG_SHAPES, 0)]


def give_up_soon(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    """Shorten the timeouts."""
    if fault is Fault.HANG:
        monkeypatch.setattr(common_parts, "_FIRST_TIMEOUT", 0.2)
        monkeypatch.setattr(common_parts, "TIMEOUT", 0.2)
        monkeypatch.setattr(system_module, "TIMEOUT", 0.2)


def system_of(bench: Bench) -> SmartYardSystem:
    return SmartYardSystem(
        bench.session, bench.yard, identity_of("account", bench.yard.transport.base), None, Options(verify=False)
    )


def parts(bench: Bench) -> list[str]:
    """Return the requests of setup."""
    asked = [request.path.removeprefix(BASE) for request in bench.sim.requests if request.path.startswith(BASE)]
    return [path for path in dict.fromkeys(asked) if path not in {"user/requestCode", "user/confirmCode"}]


def lost(found: State, whole: State) -> set[str]:
    """Return the parts of a state that differ from the complete one."""
    return {name for name in State.__dataclass_fields__ if getattr(found, name) != getattr(whole, name)}


def test_the_fault_table_covers_each_request_of_the_setup(bench: Bench) -> None:
    assert set(parts(bench)) == {*LOSSES, "ext/options"}


@pytest.mark.parametrize(("fault", "status"), FAULTS)
async def test_each_failed_function_is_retried_and_leaves_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int
) -> None:
    give_up_soon(monkeypatch, fault)
    for path in parts(bench):
        bench.sim.fault(path, fault, status=status)
        system = system_of(bench)
        found = await system.connect(None)
        assert lost(found.state, bench.state) <= LOSSES.get(path, set()), path
        silent = {name.partition(" ")[0] for name in found.unanswered}
        # A flat of a wrong number is nowhere.
        mute = {path, "address/intercom"} if fault is Fault.WRONG_VALUES else {path}
        assert silent == {path} if (fault, status) in SILENT else silent <= mute, path
        await system.read()
        bench.sim.heal()
        mended = await system.describe()
        assert lost(mended.state, bench.state) == set(), path
        assert not mended.unanswered, path
        await system.close()


@pytest.mark.parametrize(("fault", "status"), [(Fault.HANG, 0), (Fault.STATUS, 500), (Fault.REFUSED, 0)])
async def test_the_state_of_a_failing_function_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int
) -> None:
    give_up_soon(monkeypatch, fault)
    system = bench.system
    for path in parts(bench):
        bench.sim.fault(path, fault, status=status)
        again = await system.describe()
        assert lost(again.state, bench.state) <= {"unread_messages"}, path
        assert not again.unlisted, path
        reading = await system.read()
        assert reading.doors == bench.state.doors, path
        assert (reading.settings, reading.door_codes) == (bench.state.settings, bench.state.door_codes), path
        bench.sim.heal()


async def test_houses_are_unlisted_while_their_list_fails(bench: Bench) -> None:
    bench.sim.fault(HOUSES, Fault.STATUS)
    system = system_of(bench)
    found = await system.connect(None)
    assert found.unlisted == {"house_", "door_"}
    assert {place.partition("_")[0] for place in found.state.places} == {"flat", "camera"}
    # Cameras of intercoms come with their doors.
    assert set(found.state.cameras) == {"42", "43"}
    flat = bench.state.places["flat_51"]
    assert found.state.places["flat_51"] == replace(flat, parent=None)
    await system.close()


async def test_apartments_are_unlisted_while_their_list_fails(bench: Bench) -> None:
    bench.sim.fault("address/getSettingsList", Fault.RESET)
    system = system_of(bench)
    found = await system.connect(None)
    assert found.unlisted == {"flat_"}
    assert isinstance(found.state.places["door_21_0"], Place)
    await system.close()


async def test_a_new_door_code_is_read_while_the_settings_fail(bench: Bench) -> None:
    bench.sim.fault("address/intercom", Fault.STATUS)
    bench.sim.town.flat(53).door_code = "11111"
    reading = await bench.system.read()
    assert reading.door_codes == {"flat_51": "40374", "flat_53": "11111"}


@pytest.mark.parametrize("fault", [Fault.STATUS, Fault.HANG])
async def test_an_account_that_answers_nothing_is_an_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    give_up_soon(monkeypatch, fault)
    bench.sim.fault("*", fault)
    for ask in (system_of(bench).describe, bench.system.describe, bench.system.read):
        with pytest.raises(IntercomError):
            await ask()


async def test_an_account_with_only_rejections_raises_their_reason(bench: Bench) -> None:
    for path in parts(bench):
        bench.sim.refuse(path, 402, None)
    with pytest.raises(NotPaid):
        await system_of(bench).connect(None)


# -- answers of nothing ------------------------------------------------------------------------------

NOTHING = [(200, ""), (204, ""), (200, "{}"), (200, '{"code":200}'), (200, '{"code":200,"data":[]}')]
NEVER_EMPTY = ("inbox/unreaded", "user/notification", "address/intercom")


@pytest.mark.parametrize(("status", "body"), NOTHING)
@pytest.mark.parametrize("path", NEVER_EMPTY)
async def test_an_empty_response_where_none_is_valid_is_a_failure(
    bench: Bench, path: str, status: int, body: str
) -> None:
    bench.sim.garbage(path, body, "application/json", status=status)
    reading = await bench.system.read()
    assert {name.partition(" ")[0] for name in bench.system._reader.failures} == {path}
    assert (reading.settings, reading.door_codes) == (bench.state.settings, bench.state.door_codes)


@pytest.mark.parametrize("body", ['{"code":200,"data":{"count":"many"}}', '{"code":200,"data":{"chat":1}}'])
async def test_an_invalid_unread_count_is_an_error(bench: Bench, body: str) -> None:
    bench.sim.garbage("inbox/unreaded", body, "application/json")
    with pytest.raises(UnexpectedReply):
        await bench.yard.inbox.unread()


@pytest.mark.parametrize(("status", "body"), NOTHING)
async def test_a_server_with_only_empty_responses_is_an_error(bench: Bench, status: int, body: str) -> None:
    for path in parts(bench):
        bench.sim.garbage(path, body, "application/json", status=status)
    for ask in (system_of(bench).connect(None), bench.system.describe(), bench.system.read()):
        with pytest.raises(UnexpectedReply):
            await ask
    # What it returned then is not used later either.
    bench.sim.heal()
    for path in (HOUSES, FLATS):
        bench.sim.fault(path, Fault.STATUS)
    again = await bench.system.describe()
    assert lost(again.state, bench.state) == set()


@pytest.mark.parametrize("path", [HOUSES, FLATS])
async def test_an_empty_list_contradicted_by_another_is_a_failure(bench: Bench, path: str) -> None:
    bench.sim.garbage(path, "", status=204)
    again = await bench.system.describe()
    assert again.unanswered == {path}
    assert lost(again.state, bench.state) == set()
    reading = await bench.system.read()
    assert (reading.doors, reading.settings) == (bench.state.doors, bench.state.settings)


async def test_an_account_that_left_its_apartments_has_none(bench: Bench) -> None:
    for flat in (51, 53):
        bench.sim.move_out(PHONE, flat)
    assert (await bench.system.describe()).state.places == {}


async def test_an_empty_answer_changes_no_time_zone(bench: Bench) -> None:
    bench.sim.set_option("timeZone", "Asia/Omsk")
    await bench.system.describe()
    zone = str(bench.system._time.zone)
    bench.sim.garbage("ext/options", "", status=204)
    await bench.system.describe()
    assert str(bench.system._time.zone) == zone == "Asia/Omsk"
