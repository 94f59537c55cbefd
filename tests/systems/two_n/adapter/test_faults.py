"""Each function of a 2N that setup requests fails alone: the others work, and it is added later."""

from dataclasses import replace

import pytest

from custom_components.ip_intercom.model.state import Description, Reading, State
from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.two_n import system as system_module
from custom_components.ip_intercom.systems.two_n.system import TwoNSystem
from tests.simulators.common.faults import Fault
from tests.systems.two_n.client.conftest import Bench, Start

from .test_description import connected, system_of

INFO = "/api/system/info"
# What of a state is lost with a function; the others change nothing of it.
LOSSES = {
    "/api/switch/caps": {"doors"},
    "/api/switch/status": {"doors"},
    "/api/io/caps": {"ports", "alarms"},
    "/api/io/status": {"ports", "alarms"},
    "/api/camera/caps": {"cameras"},
    "/api/display/caps": {"displays"},
    "/api/phone/status": {"lines"},
    "/api/phone/calllog": {"last_call"},
    "/api/call/status": {"calls"},
    "/api/dir/query": {"bells"},
    "/api/log/caps": {"alarms"},
    "/api/system/status": {"firmware"},
    "/api/system/time": {"clock"},
    "/api/accesspoint/blocking/status": {"access_points"},
}
SILENT = [
    (Fault.HANG, 0),
    (Fault.RESET, 0),
    (Fault.STATUS, 500),
    (Fault.STATUS, 404),
    (Fault.STATUS, 401),
    (Fault.PAGE, 200),
]
FAULTS = [*SILENT, (Fault.REFUSED, 0), (Fault.WRONG_VALUES, 0), (Fault.WRONG_SHAPES, 0)]


async def asked_at_bring_up(bench: Bench) -> tuple[list[str], Description]:
    """Return the functions that setup requests, and the complete state."""
    system = system_of(bench)
    description = await connected(system)
    await system.close()
    paths = list(dict.fromkeys(request.path for request in bench.seen()))
    return [path for path in paths if path not in {"/api/log/unsubscribe", "/api/firmware/reject"}], description


def lost(found: State, whole: State) -> set[str]:
    """Return the parts of a state that differ from the complete one."""
    same = replace(found, clock=whole.clock)
    return {name for name in State.__dataclass_fields__ if getattr(same, name) != getattr(whole, name)}


@pytest.mark.parametrize(("fault", "status"), FAULTS)
async def test_each_function_fails_alone(bench: Bench, fault: Fault, status: int) -> None:
    paths, whole = await asked_at_bring_up(bench)
    assert len(paths) >= 16
    for path in paths:
        bench.sim.heal()
        bench.sim.fault(path, fault, status=status)
        system = system_of(bench)
        if path == INFO:
            with pytest.raises(IntercomError):
                await connected(system)
            await system.close()
            continue
        found = await connected(system)
        assert lost(found.state, whole.state) <= LOSSES.get(path, set()), (path, fault)
        assert not found.unanswered - {path.removeprefix("/api/")}, (path, fault)
        if (fault, status) in SILENT and path != "/api/system/time":
            assert found.unanswered == {path.removeprefix("/api/")} or found.bells_pending, (path, fault)
        await system.close()


async def test_each_failed_function_is_retried(bench: Bench) -> None:
    paths, whole = await asked_at_bring_up(bench)
    for path in paths[1:]:
        bench.sim.fault(path, Fault.STATUS)
        system = system_of(bench)
        await connected(system)
        assert await system.read() != Reading(), path
        bench.sim.heal()
        mended = await system.describe()
        assert lost(mended.state, whole.state) == set(), path
        assert (mended.controls, mended.unanswered) == (whole.controls, frozenset()), path
        await system.close()


async def test_the_state_of_a_failing_function_is_kept(bench: Bench) -> None:
    paths, whole = await asked_at_bring_up(bench)
    for path in paths:
        if path == INFO:
            continue
        bench.sim.heal()
        system = system_of(bench)
        await connected(system)
        bench.sim.fault(path, Fault.STATUS)
        again = await system.describe()
        assert again.controls == whole.controls, path
        assert lost(again.state, whole.state) <= {*again.unread, "alarms"}, path
        await system.close()


async def test_a_device_that_answers_nothing_is_an_error(bench: Bench) -> None:
    paths, _ = await asked_at_bring_up(bench)
    for path in paths:
        if path != INFO:
            bench.sim.fault(path, Fault.STATUS)
    system = system_of(bench)
    with pytest.raises(IntercomError):
        await system.connect(None)
    await system.close()


async def test_a_function_that_always_rejects_is_unsupported(bench: Bench) -> None:
    bench.sim.fault("display/caps", Fault.REFUSED)
    system = system_of(bench)
    unanswered = [(await connected(system)).unanswered, *[(await system.describe()).unanswered for _ in range(3)]]
    assert unanswered == [{"display/caps"}, {"display/caps"}, set(), set()]
    await system.close()


async def test_a_slow_directory_is_read_in_the_background(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_module, "_DIRECTORY_PATIENCE", 0.1)
    bench.sim.delay(1.0, "dir/query")
    system = system_of(bench)
    found = await system.connect(None)
    assert found.bells_pending
    assert not found.unanswered
    assert not found.state.bells
    assert found.state.doors
    bells = await system.read_bells()
    assert bells is not None and [bell.name for bell in bells.bells.values()] == ["Alice Gruberová", "Jiří Novák"]
    assert len([request for request in bench.seen() if request.path == "/api/dir/query"]) == 1
    await system.close()


async def test_camera_sources_as_plain_texts_are_read(start: Start) -> None:
    bench = await start("vario")
    bench.sim.plain_sources = True
    system: TwoNSystem = system_of(bench)
    assert [*(await system.connect(None)).state.cameras] == ["internal", "external"]
    await system.close()
