"""Each function that setup requests fails alone: the others work, and it is added later."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custom_components.ip_intercom.model.state import Description, Reading, State
from custom_components.ip_intercom.systems.akuvox.client import AkuvoxCamera, exchange
from custom_components.ip_intercom.systems.akuvox.system import AkuvoxSystem
from custom_components.ip_intercom.systems.common.errors import IntercomError
from tests.simulators.akuvox import Redirect, Simulator
from tests.simulators.common.faults import Fault
from tests.systems.akuvox.client.conftest import Bench, Start, wait_for_answers

INFO = "system/info"
# What of a state is lost with a function; the others change nothing of it.
LOSSES = {
    "calllog/get": {"last_call"},
    "config/get": {"doors", "ports"},
    "input/status": {"ports"},
    "relay/status": {"doors"},
    "system/status": {"clock"},
}
FAULTS = [
    (Fault.HANG, 0),
    (Fault.RESET, 0),
    (Fault.STATUS, 500),
    (Fault.STATUS, 404),
    (Fault.STATUS, 401),
    (Fault.STATUS, 403),
    (Fault.PAGE, 200),
    # retcode -100
    (Fault.REFUSED, 0),
    (Fault.WRONG_VALUES, 0),
    (Fault.WRONG_SHAPES, 0),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts."""
    wait_for_answers(monkeypatch, 0.2)
    monkeypatch.setattr(exchange, "GAP", 0.0)


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A door phone with log records, without TLS, to be quick."""
    bench = await start("r29")
    bench.sim.pipeline.redirect = Redirect.NOWHERE
    bench.sim.fill_call_log(2)
    bench.sim.fill_door_log(2)
    return bench


def system_of(bench: Bench) -> AkuvoxSystem:
    return AkuvoxSystem(bench.device(), AkuvoxCamera(bench.session, "127.0.0.1", port=1))


async def asked_at_bring_up(bench: Bench) -> tuple[list[str], Description]:
    """Return the functions that setup requests, and the complete state."""
    system = system_of(bench)
    whole = await system.connect(None)
    await system.close()
    paths = [request.path for request in bench.seen() if request.path.startswith("/api/")]
    return [path.removeprefix("/api/") for path in dict.fromkeys(paths)], whole


def lost(found: State, whole: State) -> set[str]:
    """Return the parts of a state that differ from the complete one."""
    same = replace(found, clock=None if found.clock is None else whole.clock)
    return {name for name in State.__dataclass_fields__ if getattr(same, name) != getattr(whole, name)}


@pytest.mark.parametrize(("fault", "status"), FAULTS)
async def test_each_function_fails_alone(bench: Bench, fault: Fault, status: int) -> None:
    paths, whole = await asked_at_bring_up(bench)
    assert len(paths) >= 8
    for path in paths:
        bench.sim.fault(path, fault, status=status)
        system = system_of(bench)
        if path == INFO:
            with pytest.raises(IntercomError):
                await system.connect(None)
        else:
            found = await system.connect(None)
            assert found.unanswered == {path}, path
            assert lost(found.state, whole.state) <= LOSSES.get(path, set()), path
            bench.sim.heal()
            mended = await system.describe()
            assert not mended.unanswered, path
            assert lost(mended.state, whole.state) == set(), path
            assert mended.has_phone == whole.has_phone, path
        bench.sim.heal()
        await system.close()


@pytest.mark.parametrize(("fault", "status"), [(Fault.RESET, 0), (Fault.REFUSED, 0), (Fault.WRONG_VALUES, 0)])
async def test_the_state_of_a_failing_function_is_kept(bench: Bench, fault: Fault, status: int) -> None:
    paths, whole = await asked_at_bring_up(bench)
    for path in paths:
        if path == INFO:
            continue
        system = system_of(bench)
        await system.connect(None)
        bench.sim.fault(path, fault, status=status)
        again = await system.describe()
        assert lost(again.state, whole.state) <= {*again.unread, "clock"}, path
        assert await system.read() != Reading(), path
        bench.sim.heal()
        await system.close()


def refuse(sim: Simulator, times: int | None = None) -> None:
    sim.fault("calllog/get", Fault.REFUSED, times=times)


def forget(sim: Simulator) -> None:
    sim.fault("calllog/get", Fault.STATUS, status=404)


def lack(sim: Simulator) -> None:
    sim.withhold("calllog/get")


# With `page`, a function is asked twice: the parameter may be what is refused.
ANSWERS: dict[str, tuple[Callable[[Simulator], None], bool, list[bool]]] = {
    "it says that it has no such function": (lack, False, [False, False, False, False]),
    "-100 each time, and it never answered": (refuse, False, [True, True, False, False]),
    "404 each time, and it never answered": (forget, False, [True, True, False, False]),
    "-100 while it starts": (lambda sim: refuse(sim, 2), False, [True, False, False, False]),
    "-100 from a function that answered before": (refuse, True, [True, True, True, True]),
    "404 from a function that answered before": (forget, True, [True, True, True, True]),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_rejection_decides_whether_a_function_is_retried(bench: Bench, case: str) -> None:
    """Error -100 is about a parameter, and the request has none (field notes 4.3)."""
    say_no, answered_before, expected = ANSWERS[case]
    system = system_of(bench)
    if answered_before:
        await system.connect(None)
    say_no(bench.sim)
    asked = [await system.describe() for _ in expected]
    assert [found.unanswered == {"calllog/get"} for found in asked] == expected
    assert all(found.unanswered <= {"calllog/get"} for found in asked)
    await system.close()


async def test_a_rejected_parameter_is_omitted(bench: Bench) -> None:
    """Error -100 comes from firmware without pages or without configuration filters."""
    _, whole = await asked_at_bring_up(bench)
    bench.sim.call_log.form.refuses_page = bench.sim.door_log.form.refuses_page = True
    bench.sim.fault("POST config/get", Fault.REFUSED)
    system = system_of(bench)
    found = await system.connect(None)
    assert not found.unanswered
    assert lost(found.state, whole.state) == set()
    assert found.reports_access
    await system.close()
