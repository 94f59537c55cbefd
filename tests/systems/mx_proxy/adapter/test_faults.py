"""Each part of an extension that setup requests fails alone: the others work, and it is added later."""

import aiohttp
import pytest

from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.mx_proxy.client import client
from custom_components.ip_intercom.systems.mx_proxy.system import MxSystem
from tests.simulators.common.faults import Fault

from .conftest import Bench, Start, proxy_of

ACCOUNT = "/auth"
# What of a state is lost with a part; the address book only has names.
LOSSES = {
    "/calls": {"last_call"},
    "/conferences": {"conferences"},
    "/contacts": set[str](),
    "/voicemails": {"voicemails"},
}
FACETS = {"/conferences": "conferences", "/voicemails": "voicemails"}
SILENT = [(Fault.HANG, 0), (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.PAGE, 200), (Fault.DEEP, 200)]
REFUSING = [(Fault.STATUS, 404), (Fault.REFUSED, 0)]
FAULTS = [*SILENT, *REFUSING, (Fault.WRONG_VALUES, 0), (Fault.WRONG_SHAPES, 0)]


def give_up_soon(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    """Shorten the timeouts."""
    if fault is Fault.HANG:
        monkeypatch.setattr(client, "REQUEST_TIMEOUT", 0.3)
        monkeypatch.setattr(client, "LOG_TIMEOUT", 0.3)


def lost(found: State, whole: State) -> set[str]:
    """Return the parts of a state that differ from the complete one."""
    return {name for name in State.__dataclass_fields__ if getattr(found, name) != getattr(whole, name)}


async def quiet(start: Start) -> Bench:
    """Start a server whose extension is connected, and nothing else is asked."""
    bench = await start(speed=10)
    assert bench.task is not None
    bench.task.cancel()
    return bench


async def test_the_fault_table_covers_each_request_of_the_setup(start: Start) -> None:
    bench = await quiet(start)
    assert {request.path for request in bench.sim.requests} == {*LOSSES, ACCOUNT}


@pytest.mark.parametrize(("fault", "status"), FAULTS)
async def test_each_failed_function_is_retried_and_leaves_the_others(
    start: Start, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int
) -> None:
    give_up_soon(monkeypatch, fault)
    bench = await quiet(start)
    whole = (await bench.system.describe()).state
    for path, losses in LOSSES.items():
        bench.sim.fault(f"GET {path}", fault, status=status)
        system = MxSystem(proxy_of(bench.sim, session))
        found = await system.connect(None)
        assert lost(found.state, whole) <= losses, path
        is_unread = (fault, status) in SILENT + REFUSING
        assert found.unanswered == {path} if is_unread else found.unanswered <= {path}, path
        # What refuses from the beginning, an extension may not have; what says nothing, it has until it refuses.
        if (feature := FACETS.get(path)) is not None:
            assert (getattr(system.features, feature) is None) is ((fault, status) in REFUSING), path
        await system.read()
        bench.sim.heal()
        mended = await system.describe()
        assert lost(mended.state, whole) == set(), path
        assert not mended.unanswered, path
        assert all(getattr(system.features, feature) is not None for feature in FACETS.values()), path
        await system.close()


@pytest.mark.parametrize(("fault", "status"), [(Fault.HANG, 0), (Fault.STATUS, 500), (Fault.REFUSED, 0)])
async def test_the_state_of_a_failing_function_is_kept(
    start: Start, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int
) -> None:
    give_up_soon(monkeypatch, fault)
    bench = await quiet(start)
    whole = (await bench.system.describe()).state
    for path in (ACCOUNT, *LOSSES):
        bench.sim.fault(f"GET {path}", fault, status=status)
        again = await bench.system.describe()
        assert lost(again.state, whole) <= {"conferences"}, path
        assert again.identity == (await bench.system.describe()).identity, path
        assert all(getattr(bench.system.features, feature) is not None for feature in FACETS.values()), path
        bench.sim.heal()


@pytest.mark.parametrize(("fault", "status"), SILENT)
async def test_connecting_without_the_identity_is_an_error(
    start: Start, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int
) -> None:
    give_up_soon(monkeypatch, fault)
    bench = await quiet(start)
    bench.sim.fault("GET /auth", fault, status=status)
    system = MxSystem(proxy_of(bench.sim, session))
    with pytest.raises(IntercomError):
        await system.connect(None)
    await system.close()


async def test_an_extension_that_answers_nothing_is_unavailable(start: Start, session: aiohttp.ClientSession) -> None:
    bench = await quiet(start)
    for path in LOSSES:
        bench.sim.fault(f"GET {path}", Fault.STATUS)
    system = MxSystem(proxy_of(bench.sim, session))
    for ask in (system.describe, bench.system.describe, bench.system.read):
        with pytest.raises(IntercomError):
            await ask()
    await system.close()
