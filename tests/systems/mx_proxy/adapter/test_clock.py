"""The clock of the phone system, with any time."""

import pytest

from custom_components.ip_intercom.systems.mx_proxy import log
from tests.common import until

from .conftest import Start

DAY = 24 * 3600


async def test_calls_are_reported_after_a_record_from_the_future(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record from next month stays the newest for a month."""
    monkeypatch.setattr(log, "_DEEP_INTERVAL", 0.5)
    bench = await start()
    bench.sim.advance_clock(40 * DAY)
    bench.sim.hang_up(bench.sim.incoming_call("3108"))
    await until(lambda: bench.state.missed_calls == 1, "a call of next month")
    bench.sim.advance_clock(-40 * DAY)
    bench.sim.hang_up(bench.sim.incoming_call("3108"))
    await until(lambda: bench.state.missed_calls == 2, "a call of today")
    asked = len(bench.asked("call_log"))
    bench.sim.hang_up(bench.sim.incoming_call("3108"))
    await until(lambda: bench.state.missed_calls == 3, "one more")
    await until(lambda: len(bench.asked("call_log")) > asked + 2, "more polls")
    assert bench.types().count("CallLog") == 3
