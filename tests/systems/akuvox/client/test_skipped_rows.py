"""An unreadable row of a list is skipped and counted, and the others are read."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from custom_components.ip_intercom.systems.akuvox.client import AkuvoxDevice
from custom_components.ip_intercom.systems.akuvox.client.protocol import CorruptReply
from custom_components.ip_intercom.systems.common.errors import UnexpectedReply
from tests.simulators.akuvox import Simulator
from tests.simulators.common.faults import Fault

from .conftest import Bench, Start

type Page = Callable[[AkuvoxDevice], Awaitable[Any]]

LOGS: dict[str, Page] = {
    "doorlog/get": lambda device: device.door_log.page(1),
    "calllog/get": lambda device: device.call_log.page(1),
}
# What is no record: another type, nothing at all, and values that no field has.
ODD: tuple[object, ...] = ("a text", None, 7, [], {}, {"ID": {"odd": 1}, "Date": [], "Time": None, "Name": "Lucy"})


def form_of(sim: Simulator, function: str) -> Any:
    return (sim.door_log if function == "doorlog/get" else sim.call_log).form


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A door phone with a page of records and two more."""
    bench = await start("r29")
    bench.sim.fill_door_log(12)
    bench.sim.fill_call_log(12)
    return bench


@pytest.mark.parametrize("function", LOGS)
async def test_invalid_records_are_skipped_and_counted(bench: Bench, function: str) -> None:
    form_of(bench.sim, function).shown = {str(number): row for number, row in enumerate(ODD, 4)}
    device = bench.device()
    page = await LOGS[function](device)
    assert [record.id for record in page.records] == ["12", "11", "10", "3"]
    assert page.size == 10, "the next page is requested"
    assert device.client.skipped == {f"/api/{function}": len(ODD)}


@pytest.mark.parametrize("function", LOGS)
async def test_a_page_of_only_invalid_records_is_an_error(bench: Bench, function: str) -> None:
    """The page does not show that the log is empty."""
    form_of(bench.sim, function).shown = {str(number): "odd" for number in range(1, 13)}
    with pytest.raises(UnexpectedReply):
        await LOGS[function](bench.device())


@pytest.mark.parametrize("function", LOGS)
@pytest.mark.parametrize("spoilt", ["3", "2", "1"])
async def test_a_record_with_invalid_json_is_skipped(start: Start, spoilt: str, function: str) -> None:
    """Firmware that does not escape quotation marks in names repeats the same reply."""
    bench = await start("r29")
    bench.sim.fill_door_log(3)
    bench.sim.fill_call_log(3)
    bench.sim.fault(function, Fault.QUOTED_TEXT, text=f'"ID": "{spoilt}')
    device = bench.device()
    page = await LOGS[function](device)
    assert [record.id for record in page.records] == [number for number in "321" if number != spoilt]
    assert device.client.skipped == {f"/api/{function}": 1}


async def test_a_user_with_invalid_json_is_skipped(start: Start) -> None:
    bench = await start("r29")
    for name in ("Adam", "Berta", "Cäsar"):
        bench.sim.add_user(Name=name)
    bench.sim.fault("user/get", Fault.QUOTED_TEXT, text='"Name": "B')
    device = bench.device()
    assert [user.name for user in await device.users.get()] == ["Adam", "Cäsar"]
    assert device.client.skipped == {"/api/user/get": 1}


async def test_a_reply_with_invalid_json_is_requested_again(bench: Bench) -> None:
    """No row of it is used: it may be mixed with another reply."""
    bench.sim.fault("doorlog/get", Fault.QUOTED_TEXT, text='"Name": "', times=1)
    device = bench.device()
    assert len((await device.door_log.page(1)).records) == 10
    assert not +device.client.skipped


async def test_a_truncated_reply_is_an_error(bench: Bench) -> None:
    bench.sim.garbage("doorlog/get", '{"retcode": 0, "data": {"item": [{"ID": "1"}, {"ID": "2", "Na')
    with pytest.raises(CorruptReply):
        await bench.device().door_log.page(1)
