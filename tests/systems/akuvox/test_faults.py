"""Each function of an Akuvox that is asked at bring-up fails alone: it is left out, the rest comes up, and it comes later."""

import pytest

from custom_components.ip_intercom.api.akuvox import exchange
from custom_components.ip_intercom.api.errors import IntercomError
from custom_components.ip_intercom.systems.akuvox import AkuvoxSystem
from tests.api.akuvox.conftest import Bench, Start, wait_for_answers
from tests.simulators.common.faults import Fault

INFO = "/api/system/info"
FAULTS = [(Fault.HANG, 0), (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.PAGE, 200)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for what never answers."""
    wait_for_answers(monkeypatch, 0.3)
    monkeypatch.setattr(exchange, "GAP", 0.0)


def system_of(bench: Bench) -> AkuvoxSystem:
    return AkuvoxSystem(bench.device(), bench.camera())


@pytest.mark.parametrize(("fault", "status"), FAULTS)
async def test_each_function_fails_alone(start: Start, fault: Fault, status: int) -> None:
    bench = await start("e16c")
    system = system_of(bench)
    whole = await system.connect(None)
    await system.close()
    paths = list(dict.fromkeys(request.path for request in bench.seen() if request.path.startswith("/api/")))
    assert len(paths) >= 7
    for path in paths:
        bench.sim.fault(path, fault, status=status)
        system = system_of(bench)
        if path == INFO:
            with pytest.raises(IntercomError):
                await system.connect(None)
        else:
            found = await system.connect(None)
            assert found.unanswered == {path.removeprefix("/api/")}, path
            if path not in {"/api/relay/status", "/api/config/get"}:
                assert found.state.doors == whole.state.doors, path
            bench.sim.heal()
            mended = await system.describe()
            assert not mended.unanswered, path
            assert mended.state.doors == whole.state.doors, path
            assert mended.has_phone == whole.has_phone, path
        bench.sim.heal()
        await system.close()
