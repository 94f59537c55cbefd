"""Ends of calls that are not reported."""

import pytest

from custom_components.ip_intercom.systems.mx_proxy.client.events import CallEvent, Kind
from tests.common import until

from .conftest import Start


async def test_a_call_ends_though_the_link_was_lost(start: Start) -> None:
    bench = await start()
    call = bench.sim.incoming_call("3108")
    assert bench.system.log is not None
    bench.system.log.receive(
        CallEvent(Kind.DELIVERED, call, calling="3108", called="3107", timestamp=bench.sim.clock.utc())
    )
    await until(lambda: bench.calls() == {call: "ringing"}, "the ring")
    bench.sim.set_reconnect(0.3)
    bench.sim.drop_link()
    bench.sim.hang_up(call)
    await until(lambda: bench.calls() == {}, "its end")
    await until(lambda: "CallLog" in bench.types(), "its record")


async def test_an_idle_extension_is_polled_twice_a_minute(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a call, calls are not polled."""
    bench = await start()
    await until(lambda: len(bench.asked("call_log")) >= 4 and len(bench.asked("voicemails")) >= 4, "polls")
    assert not bench.asked("call_info")
    assert len(bench.asked("login")) == 1
    assert len(bench.asked("contacts")) == 1
