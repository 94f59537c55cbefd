"""Reading the log: no event is lost or repeated, and old events are marked (HTTP API 5.10)."""

import asyncio
from collections import deque
from contextlib import suppress
import json
import random
from typing import Any

import pytest

from custom_components.ip_intercom.systems.common.errors import ConnectionFailed, IntercomError, InvalidRequest
from custom_components.ip_intercom.systems.two_n.client.ages import Pace
from custom_components.ip_intercom.systems.two_n.client.cursor import Batch, Cursor, EventKey, Gap, GapReason, LogEvent
from custom_components.ip_intercom.systems.two_n.client.log import LogReader
from tests.common import until
from tests.simulators.two_n import Account, LogEvent as Record, Privilege, Simulator

from .conftest import Bench, Start

SPEED = 20
BOOT_SECONDS = 40
# Device seconds after which a press is old beyond doubt.
OLD = 9


def key(event: LogEvent | Record) -> tuple[int, int, int, str]:
    if isinstance(event, Record):
        return event.id, event.utc, event.uptime, event.name
    return event.id, event.utc_time, event.up_time, event.event


class Follower:
    """Reads a log as the integration does: again and again, with a pause after each failure."""

    def __init__(
        self, bench: Bench, cursor: Cursor | None = None, pause: float = 0.01, pace: Pace | None = None
    ) -> None:
        self.bench = bench
        self._pace = pace
        self.sim = bench.sim
        self.batches: list[Batch] = []
        self.failures: list[IntercomError] = []
        self.cursor = cursor
        self._pause = pause
        self._task: asyncio.Task[None] | None = None
        self.begin()

    def wall(self) -> float:
        """Return the correct time, at the speed of the device."""
        return self.sim.clock._epoch + self.sim.clock.now()

    def begin(self) -> None:
        caps = frozenset(self.sim.model.events)
        device = self.bench.device()
        self.reader = LogReader(
            device.log,
            caps,
            self.cursor,
            system=device.system,
            wall=self.wall,
            monotonic=self.sim.clock.now,
            pace=self._pace,
        )
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        with suppress(IntercomError):
            await self.reader.open()
        while True:
            try:
                batch = await self.reader.read()
            except IntercomError as err:
                self.failures.append(err)
                await asyncio.sleep(self._pause)
                continue
            self.batches.append(batch)
            assert self.reader.cursor is not None
            self.cursor = Cursor.from_json(json.loads(json.dumps(self.reader.cursor.as_json())))

    async def stop(self, *, close: bool = True) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if close:
            await self.reader.close()

    async def restart(self, *, close: bool = True) -> None:
        """Restart with nothing but the stored cursor."""
        await self.stop(close=close)
        self.begin()

    @property
    def events(self) -> list[LogEvent]:
        return [reading.event for batch in self.batches for reading in batch.readings]

    @property
    def gaps(self) -> list[Gap]:
        return [batch.gap for batch in self.batches if batch.gap is not None]

    @property
    def keys(self) -> list[Any]:
        return [event.params.get("key") for event in self.events if event.event == "KeyPressed"]

    @property
    def late(self) -> list[Any]:
        return [
            reading.event.params.get("key")
            for batch in self.batches
            for reading in batch.readings
            if reading.late and reading.event.event == "KeyPressed"
        ]

    def press(self, *keys: object) -> None:
        for pressed in keys:
            self.sim.emit("KeyPressed", key=str(pressed))

    async def ready(self) -> None:
        await until(lambda: self.batches, "the first batch")
        await self.sim.wait_for_pull()

    async def restarts(self, count: int) -> None:
        """Wait until so many restarts were noticed."""
        await until(lambda: len(self.gaps) == count, f"gap {count}")

    async def sees(self, **params: object) -> None:
        """Wait for an event with those parameters."""
        await until(lambda: any(params.items() <= event.params.items() for event in self.events), f"{params}")

    async def gets(self, *keys: object) -> None:
        """Wait until the events of the given keys arrived, and check that no other one follows."""
        wanted = [str(pressed) for pressed in keys]
        await until(lambda: len(self.keys) >= len(wanted), f"{wanted}, got {self.keys}")
        await self.sim.wait_for_pull()
        assert self.keys == wanted


@pytest.fixture
async def bench(start: Start) -> Bench:
    return await start(speed=SPEED)


@pytest.fixture
async def follower(bench: Bench) -> Any:
    follower = Follower(bench)
    await follower.ready()
    yield follower
    await follower.stop()


async def reboot(sim: Simulator, seconds: float = 0.05) -> None:
    sim.advance_clock(BOOT_SECONDS)
    await sim.reboot(seconds)


# -- nothing lost, nothing twice ---------------------------------------------------------------------


async def test_events_come_in_order_on_every_model(start: Start, any_bench: Bench) -> None:
    """The access unit is one of those where ``include=new`` never delivers (field notes 3.7)."""
    follower = Follower(any_bench)
    await follower.ready()
    follower.press(1, 2, 3)
    await follower.gets(1, 2, 3)
    assert follower.late == [] and follower.gaps == []
    await follower.stop()
    assert any_bench.sim.channels == []


async def test_events_before_the_subscription_are_not_reported(bench: Bench) -> None:
    follower = Follower(bench)
    follower.press("old")
    await follower.ready()
    follower.press("new")
    await follower.gets("new")
    # But it may have changed a state that was read since the channel was opened.
    assert follower.batches[0].resumed
    await follower.stop()


async def test_the_first_batch_of_a_quiet_device_asks_for_nothing(follower: Follower) -> None:
    assert follower.batches[0] == Batch((), None, resumed=False)
    follower.press(1)
    await follower.gets(1)
    assert not any(batch.resumed for batch in follower.batches)


async def test_events_of_a_lost_response_are_read_from_the_history(follower: Follower) -> None:
    """The events are removed from the channel but still in the history."""
    follower.press(1)
    await follower.gets(1)
    follower.sim.lose_next_pull_response()
    follower.press(2)
    await follower.gets(1, 2)
    assert len(follower.failures) == 1
    assert follower.late == [] and follower.gaps == []
    assert follower.batches[-1].resumed


async def test_several_lost_answers_in_a_row(follower: Follower) -> None:
    follower.press(1)
    await follower.gets(1)
    follower.sim.lose_next_pull_response(3)
    follower.press(2)
    await until(lambda: len(follower.failures) == 1)
    follower.press(3)
    await follower.gets(1, 2, 3)
    assert len(follower.failures) == 3


async def test_events_of_a_network_outage_are_read_after_it(start: Start) -> None:
    follower = Follower(await start())
    await follower.ready()
    follower.press(1)
    await follower.gets(1)
    follower.sim.lose_connection()
    follower.press(2, 3)
    follower.sim.pass_time(OLD)
    follower.press(4)
    await follower.sim.restore_connection()
    await follower.gets(1, 2, 3, 4)
    # A visitor who came a moment ago is waiting, also after an outage.
    assert follower.late == ["2", "3"] and follower.gaps == []
    follower.press(5)
    await follower.gets(1, 2, 3, 4, 5)
    assert follower.late == ["2", "3"]
    # The channel of before the drop was closed, not left to its time.
    assert len(follower.sim.channels) == 1
    await follower.stop()


@pytest.mark.parametrize("away", [0.0, 0.2])
async def test_a_reboot_is_a_gap(start: Start, away: float) -> None:
    follower = Follower(await start())
    await follower.ready()
    follower.press("a", "b")
    await follower.gets("a", "b")
    before = follower.wall()
    await follower.stop(close=False)
    await reboot(follower.sim, away)
    follower.press(1)
    follower.sim.pass_time(OLD)
    follower.press(2)
    follower.begin()
    await follower.gets("a", "b", 1, 2)
    assert [(e.event, e.id) for e in follower.events[2:4]] == [("DeviceState", 1), ("OutputChanged", 2)]
    assert [gap.reason for gap in follower.gaps] == [GapReason.RESTART]
    assert follower.gaps[0].start <= before <= follower.gaps[0].end
    # A press that was kept for too long rings nothing.
    assert follower.late == ["1"]
    follower.press(3)
    await follower.gets("a", "b", 1, 2, 3)
    assert follower.late == ["1"]
    await follower.stop()


async def test_two_reboots_while_we_are_away(follower: Follower) -> None:
    follower.press("a")
    await follower.gets("a")
    await follower.stop()
    await reboot(follower.sim)
    follower.press("lost")
    await reboot(follower.sim)
    follower.press(1)
    follower.begin()
    await follower.gets("a", 1)
    assert [gap.reason for gap in follower.gaps] == [GapReason.RESTART]


async def test_a_reboot_before_the_first_event_is_a_gap(follower: Follower) -> None:
    assert follower.cursor is not None and follower.cursor.last is None
    await reboot(follower.sim)
    follower.press(1)
    await follower.gets(1)
    assert [gap.reason for gap in follower.gaps] == [GapReason.RESTART]


async def test_the_first_event_after_an_outage_is_no_restart(follower: Follower, bench: Bench) -> None:
    """Its number is 1, as after a restart, but the open channel shows that there was none."""
    follower.sim.log.empty()
    await follower.sim.wait_for_pull()
    bench.seen()
    follower.sim.lose_connection()
    await until(lambda: follower.failures)
    follower.sim.pass_time(2)
    await follower.sim.restore_connection()
    follower.press(1)
    await follower.gets(1)
    assert follower.gaps == [] and follower.late == []
    assert all(request.query.get("include") != "all" for request in bench.seen())


async def test_a_restart_is_detected_though_its_log_is_longer(follower: Follower) -> None:
    """The new log has an event with the number of the last event read."""
    follower.press("a")
    await follower.gets("a")
    await follower.stop()
    last = follower.events[-1].id
    await reboot(follower.sim)
    follower.press(*range(last + 20))
    follower.begin()
    await follower.gets("a", *range(last + 20))
    assert len(follower.gaps) == 1


async def test_a_restart_seconds_after_another_is_detected(follower: Follower) -> None:
    """Both boots seem to have begun at the same time, and the new log has more events."""
    await reboot(follower.sim)
    follower.press(*range(20))
    await follower.gets(*range(20))
    await follower.stop()
    await follower.sim.reboot(0.05)
    follower.press(*range(20, 80))
    follower.begin()
    await follower.gets(*range(80))


async def test_an_expired_channel_is_replaced(follower: Follower) -> None:
    follower.press(1)
    await follower.gets(1)
    for channel in follower.sim.channels:
        follower.sim.log._close(channel)
    await until(lambda: follower.failures)
    assert isinstance(follower.failures[0], InvalidRequest)
    follower.press(2)
    await follower.gets(1, 2)
    assert follower.gaps == []


async def test_empty_pulls_use_the_same_channel(follower: Follower, bench: Bench) -> None:
    """An empty pull is followed by the next one on the same channel."""
    await until(lambda: len(follower.batches) >= 3)
    assert [request.path for request in bench.seen() if request.status == 200].count("/api/log/subscribe") == 1
    assert all(batch == Batch((), None, resumed=False) for batch in follower.batches)
    await follower.restart()
    await until(lambda: len(follower.batches) >= 4)
    assert follower.gaps == []


@pytest.mark.parametrize("close", [True, False])
async def test_events_are_read_on_after_a_restart_of_home_assistant(follower: Follower, close: bool) -> None:
    """After a kill, the channel stays open on the device."""
    follower.press(1)
    await follower.gets(1)
    await follower.stop(close=close)
    follower.press(2, 3)
    follower.begin()
    follower.press(4)
    await follower.gets(1, 2, 3, 4)
    assert follower.gaps == []
    assert follower.late == []


async def test_the_reader_is_stopped_in_the_middle_of_a_delivery(follower: Follower) -> None:
    for number in range(40):
        follower.press(number)
        await asyncio.sleep(random.Random(number).uniform(0, 0.004))
        await follower.restart(close=number % 2 == 0)
    await follower.gets(*range(40))
    assert follower.gaps == []


@pytest.mark.parametrize("count", [128, 129, 1001])
async def test_many_events_are_read_in_order(follower: Follower, count: int) -> None:
    follower.press("a")
    await follower.gets("a")
    await follower.stop()
    follower.press(*range(count))
    follower.begin()
    await follower.gets("a", *range(count))
    follower.press(*range(count))
    await follower.gets("a", *range(count), *range(count))


async def test_an_overflow_of_the_history_is_a_gap(follower: Follower) -> None:
    follower.sim.log.history = deque(follower.sim.history, maxlen=300)
    follower.press("a")
    await follower.gets("a")
    before = follower.wall()
    await follower.stop()
    follower.press(*range(310))
    follower.begin()
    await follower.gets("a", *range(10, 310))
    assert [gap.reason for gap in follower.gaps] == [GapReason.OVERFLOW]
    assert follower.gaps[0].start <= before + 1 and follower.gaps[0].end >= follower.gaps[0].start


async def test_the_whole_history_of_10000_events_is_read(start: Start) -> None:
    follower = Follower(await start())
    await follower.ready()
    follower.press("a")
    await follower.gets("a")
    await follower.stop()
    follower.press(*range(10_001))
    follower.begin()
    await follower.gets("a", *range(1, 10_001))
    assert [gap.reason for gap in follower.gaps] == [GapReason.OVERFLOW]
    await follower.stop()


async def test_an_emptied_log_is_one_gap(follower: Follower) -> None:
    """Reconnecting reports no further gap."""
    follower.press("a")
    await follower.gets("a")
    follower.sim.log.history.clear()
    for _ in range(2):
        await follower.sim.drop_network(0.02)
        await follower.sim.wait_for_pull()
    assert len(follower.gaps) == 1
    follower.press("b")
    await follower.gets("a", "b")


# -- clocks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [3600, -3600, 86400 * 400, -86400 * 400, 4, -4])
async def test_the_clock_of_the_device_is_set(follower: Follower, seconds: int) -> None:
    follower.press(1)
    await follower.gets(1)
    follower.sim.lose_connection()
    follower.press(2)
    follower.sim.advance_clock(seconds)
    follower.press(3)
    await asyncio.sleep(0.05)
    await follower.sim.restore_connection()
    await follower.gets(1, 2, 3)
    follower.press(4)
    await follower.gets(1, 2, 3, 4)
    await follower.restart()
    follower.press(5)
    await follower.gets(1, 2, 3, 4, 5)
    assert follower.gaps == []
    assert "4" not in follower.late


async def test_the_clock_of_the_device_is_unset_after_a_boot(follower: Follower) -> None:
    """The clock counts from 1970 until it is set."""
    follower.press("a")
    await follower.gets("a")
    await follower.stop()
    follower.sim.set_time(0)
    await follower.sim.reboot(0.05)
    follower.press(1)
    follower.sim.set_time(int(follower.wall()))
    follower.press(2)
    follower.begin()
    await follower.gets("a", 1, 2)
    [gap] = follower.gaps
    assert gap.reason is GapReason.RESTART and gap.start <= gap.end <= follower.wall()


async def test_each_restart_of_a_device_without_a_clock_is_detected(follower: Follower) -> None:
    """The first records of all boots have the same numbers and times; only the channel differs."""
    for boot in range(3):
        follower.sim.set_time(0)
        await follower.sim.reboot(0.02)
        follower.sim.set_time(8)
        await follower.restarts(boot + 1)
        await follower.sim.wait_for_pull()
    starts = [event for event in follower.events if event.event == "DeviceState"]
    assert len(starts) == 3
    follower.press(1)
    await follower.gets(1)


async def test_a_device_without_a_clock_and_a_network_drop(follower: Follower) -> None:
    follower.sim.set_time(0)
    follower.press(1)
    await follower.gets(1)
    await follower.sim.drop_network(0.05)
    follower.press(2)
    await follower.gets(1, 2)
    follower.sim.lose_next_pull_response()
    follower.press(3)
    await follower.gets(1, 2, 3)
    assert follower.gaps == []


async def test_a_device_without_a_clock_that_closes_a_channel(follower: Follower) -> None:
    """The uptime shows that it did not restart."""
    follower.sim.set_time(0)
    follower.press(1)
    await follower.gets(1)
    follower.sim.log.close_channels()
    follower.press(2)
    await follower.gets(1, 2)
    assert follower.gaps == []


# -- what the account may see ------------------------------------------------------------------------


async def test_a_revoked_privilege_is_no_gap_and_repeats_no_event(follower: Follower) -> None:
    sim = follower.sim
    for port in ("a", "b"):
        sim.emit("InputChanged", port=port, state=True)
    follower.press(1)
    await follower.gets(1)
    sim.revoke("ha", "keypad_monitoring")
    for restart in (False, True):
        follower.press("secret")
        sim.emit("InputChanged", port=f"c{restart}", state=True)
        await (follower.restart() if restart else sim.drop_network(0.02))
        await follower.sees(port=f"c{restart}")
    assert [e.params["port"] for e in follower.events if e.event == "InputChanged"] == ["a", "b", "cFalse", "cTrue"]
    assert follower.keys == ["1"] and follower.gaps == []


@pytest.mark.parametrize("shows_uptime", [True, False])
async def test_the_last_event_read_is_out_of_sight_on_a_device_without_a_clock(
    follower: Follower, shows_uptime: bool
) -> None:
    """Without the uptime, a restart cannot be ruled out: an event may be repeated, and a gap is reported."""
    if not shows_uptime:
        follower.sim.revoke("ha", "system_control")
    follower.sim.set_time(0)
    follower.sim.emit("InputChanged", port="a", state=True)
    follower.press(1)
    await follower.gets(1)
    follower.sim.revoke("ha", "keypad_monitoring")
    await follower.restart()
    follower.sim.emit("InputChanged", port="b", state=True)
    await follower.sees(port="b")
    assert len(follower.gaps) == (0 if shows_uptime else 1)
    assert len(follower.events) == 3 or not shows_uptime


async def test_hidden_keypad_events_are_no_gap(start: Start) -> None:
    account = Account("ha", "ha-pass", Privilege.ALL & ~Privilege.KEYPAD_MONITORING)
    follower = Follower(await start(accounts=[account], speed=SPEED))
    await follower.ready()
    follower.press("secret")
    follower.sim.motion()
    await until(lambda: follower.events)
    await follower.sim.drop_network(0.02)
    follower.sim.motion(False)
    await until(lambda: len(follower.events) == 2)
    assert follower.keys == [] and follower.gaps == []
    await follower.stop()


async def test_the_firmware_records_fewer_events_now(bench: Bench) -> None:
    """The device rejects a filter with other events (field notes 3.8)."""
    log = bench.device().log
    reader = LogReader(log, frozenset(bench.sim.model.events) | {"ErrorStateChanged"})
    await reader.open()
    assert await reader.read() == Batch((), None, resumed=False)
    assert [request.error_code for request in bench.seen() if request.path == "/api/log/subscribe"] == [9, 12, None]
    await reader.close()


async def test_the_subscription_names_all_supported_events(follower: Follower, bench: Bench) -> None:
    [subscribed] = [request for request in bench.seen() if request.query and request.status == 200][:1]
    assert set(subscribed.query["filter"].split(",")) == set(bench.sim.model.events)
    assert subscribed.query["include"].startswith("-")


async def test_a_new_event_filter_loses_no_event(bench: Bench) -> None:
    """The waiting read ends, and the next one returns all events."""
    everything = frozenset(bench.sim.model.events)
    reader = LogReader(bench.device().log, frozenset({"InputChanged"}))
    await reader.open()
    await reader.read()
    waiting = asyncio.ensure_future(reader.read())
    await bench.sim.wait_for_pull()
    bench.sim.set_input("input1", True)
    assert [reading.event.event for reading in (await waiting).readings] == ["InputChanged"]
    waiting = asyncio.ensure_future(reader.read())
    await bench.sim.wait_for_pull()
    await reader.set_event_types(everything)
    with pytest.raises(IntercomError):
        await waiting
    bench.sim.release("%1")
    bench.sim.set_input("input1", False)
    batch = await reader.read()
    assert [reading.event.event for reading in batch.readings] == ["KeyReleased", "InputChanged"]
    assert batch.gap is None
    assert len(bench.sim.channels) == 1
    await reader.close()


async def test_a_changed_filter_keeps_the_channel_until_it_is_read(bench: Bench) -> None:
    reader = LogReader(bench.device().log, frozenset({"InputChanged"}))
    await reader.open()
    await reader.set_event_types(frozenset(bench.sim.model.events))
    assert await reader.read() == Batch((), None, resumed=False)
    bench.sim.release("%1")
    batch = await reader.read()
    assert [reading.event.event for reading in batch.readings][-1] == "KeyReleased"
    assert len(bench.sim.channels) == 1
    await reader.close()


# -- late or live ------------------------------------------------------------------------------------


async def test_a_stalled_event_is_late(follower: Follower) -> None:
    """The network holds a packet back for longer than a visitor waits."""
    follower.press(1)
    await follower.gets(1)
    uptime = follower.sim.clock.uptime()
    follower.sim.log.append("KeyPressed", {"key": "2"}, follower.sim.clock.stamp(uptime - 30))
    follower.press(3)
    await follower.gets(1, 2, 3)
    assert follower.late == ["2"]


async def test_old_events_of_the_first_batch_are_late(follower: Follower) -> None:
    """No earlier event gives the age, but the uptime of the device does."""
    uptime = follower.sim.clock.uptime()
    for key_, age in (("1", 60), ("2", 30), ("3", 0)):
        follower.sim.log.append("KeyPressed", {"key": key_}, follower.sim.clock.stamp(uptime - age))
    await follower.gets(1, 2, 3)
    assert follower.late == ["1", "2"]


def test_the_clock_of_the_reader_includes_sleep() -> None:
    """A clock that stops during sleep would make old events look new."""
    reader = LogReader(None, frozenset())  # type: ignore[arg-type]  # nothing is read
    import time  # noqa: PLC0415

    assert reader._monotonic() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=1)


# -- connections that are forgotten ------------------------------------------------------------------

PACE = Pace(polls=(3, 2, 1), patience=0.5, reopen=(0.5,))


# As everything else here, connections are kept for a shorter time than usual.
@pytest.mark.parametrize("session", [1], indirect=True)
async def test_the_poll_is_shortened_behind_a_firewall(start: Start) -> None:
    """The firewall drops responses on idle connections."""
    bench = await start()
    bench.sim.drop_idle(1.4)
    follower = Follower(bench, pace=PACE)
    await follower.ready()
    follower.press("a")
    await until(lambda: follower.cursor is not None and follower.cursor.poll == 1, "the poll that works")
    await asyncio.sleep(1.8)  # longer than any connection is remembered
    failures = len(follower.failures)
    follower.press("b")
    await until(lambda: follower.keys == ["a", "b"])
    assert follower.late == [] and follower.gaps == []
    # It is known after a restart.
    await follower.restart()
    assert follower.reader.poll == 1
    await asyncio.sleep(1.8)
    follower.press("c")
    await until(lambda: follower.keys == ["a", "b", "c"])
    assert follower.late == []
    assert len(follower.failures) == failures
    await follower.stop()


@pytest.mark.parametrize("silent", [True, False])
async def test_an_outage_does_not_shorten_the_poll(start: Start, silent: bool) -> None:
    bench = await start()
    follower = Follower(bench, pause=0.2, pace=PACE)
    await follower.ready()
    follower.press("a")
    await follower.gets("a")
    if silent:
        bench.sim.lose_connection_silently()
    else:
        bench.sim.lose_connection()
    await asyncio.sleep(4)
    assert follower.failures
    await bench.sim.restore_connection()
    follower.press("b")
    await until(lambda: follower.keys == ["a", "b"])
    assert follower.late == []
    assert follower.reader.poll == 3 and follower.cursor is not None and follower.cursor.poll is None
    await follower.stop()


async def test_repeated_resets_shorten_the_poll(start: Start) -> None:
    """A firewall resets two polls in a row while the device is reachable."""
    bench = await start()
    follower = Follower(bench, pace=PACE)
    await follower.ready()
    await asyncio.sleep(2.3)
    bench.sim.reset_connections()
    await until(lambda: len(follower.failures) == 1)
    await bench.sim.wait_for_pull()
    assert follower.reader.poll == 3, "one reset does not change the poll time"
    await asyncio.sleep(2.3)
    bench.sim.reset_connections()
    await until(lambda: follower.reader.poll == 2)
    await follower.stop()


async def test_an_event_held_back_by_the_network_is_late(start: Start) -> None:
    """The connection is open but delays its packets."""
    bench = await start()
    follower = Follower(bench)
    await follower.ready()
    follower.press("a")
    await follower.gets("a")
    bench.sim.hold_back(1)
    follower.press("b")
    await until(lambda: follower.keys == ["a", "b"])
    assert follower.late == []
    bench.sim.hold_back(OLD)
    follower.press("c")
    await until(lambda: follower.keys == ["a", "b", "c"])
    assert follower.late == ["c"]
    bench.sim.hold_back(0)
    await follower.stop()


# -- light on the device -----------------------------------------------------------------------------


async def test_a_lost_response_takes_few_requests(follower: Follower, bench: Bench) -> None:
    follower.press(1)
    await follower.gets(1)
    bench.seen()
    follower.sim.lose_next_pull_response()
    follower.press(2)
    await follower.gets(1, 2)
    paths = [request.path.removeprefix("/api/log/") for request in bench.seen()]
    # A visitor may be waiting, so the channel that is left is closed beside the new one.
    assert paths[:2] == ["pull", "subscribe"]
    assert sorted(paths[2:]) == ["/api/system/status", "pull", "unsubscribe"]


async def test_a_reboot_takes_few_requests(follower: Follower, bench: Bench) -> None:
    follower.press(1)
    await follower.gets(1)
    await reboot(follower.sim)
    bench.seen()
    await until(lambda: follower.gaps)
    await follower.sim.wait_for_pull()
    assert len(bench.seen()) <= 10


async def test_a_permanent_error_12_causes_few_requests(follower: Follower, bench: Bench) -> None:
    """Another integration sent 388 requests a second here (field notes 9)."""
    follower.press(1)
    await follower.gets(1)
    await follower.stop()
    error = '{"success": false, "error": {"code": 12, "param": "id", "description": "invalid subscription id"}}'
    follower.sim.garbage("log/pull", error, "application/json")
    bench.seen()
    reader = LogReader(bench.device().log, frozenset(bench.sim.model.events), follower.cursor)
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            await reader.read()
    assert len(bench.seen()) <= 5 * 3
    follower.sim.heal()
    await reader.close()


@pytest.mark.parametrize("answer", ["html", '{"success": false, "error": {"code": 14}}'])
async def test_a_channel_that_cannot_be_closed_is_abandoned(follower: Follower, answer: str) -> None:
    follower.press(1)
    await follower.gets(1)
    follower.sim.garbage("log/unsubscribe", answer, "application/json")
    await follower.sim.drop_network(0.02)
    follower.press(2)
    await follower.gets(1, 2)


async def test_an_unreachable_device_raises_connection_errors(follower: Follower) -> None:
    follower.press(1)
    await follower.gets(1)
    follower.sim.lose_connection()
    await until(lambda: len(follower.failures) >= 3)
    assert all(isinstance(failure, ConnectionFailed) for failure in follower.failures)
    await follower.stop()


# -- the cursor --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", [Cursor(1.5, None), Cursor(1.5, None, 15), Cursor(1e9, EventKey(7, 2, 3, 4.5))])
def test_the_cursor_survives_as_json(cursor: Cursor) -> None:
    assert Cursor.from_json(json.loads(json.dumps(cursor.as_json()))) == cursor


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ({"complete_until": 5, "last": [1, 2, 3, 4], "poll": 15}, Cursor(5.0, EventKey(1, 2, 3, 4.0), 15)),
        ({"complete_until": 5, "poll": "x"}, Cursor(5.0, None)),
        ({}, None),
        ({"complete_until": "soon"}, None),
        ({"complete_until": 5}, Cursor(5.0, None)),
        ({"complete_until": 5, "last": "x"}, Cursor(5.0, None)),
        ({"complete_until": 5, "last": [1, 2, 3]}, Cursor(5.0, None)),
        ({"complete_until": 5, "last": [1, None, 3, 4]}, Cursor(5.0, None)),
        ({"complete_until": 5, "last": [1, 2, 3, 4]}, Cursor(5.0, EventKey(1, 2, 3, 4.0))),
    ],
)
def test_a_stored_cursor_is_read_as_far_as_it_is_valid(stored: dict[str, Any], read: Cursor | None) -> None:
    assert Cursor.from_json(stored) == read


# -- everything at random ----------------------------------------------------------------------------


async def test_a_lost_unsubscribe_response_is_no_restart(bench: Bench) -> None:
    """With a wrong clock, only the channel shows a restart."""
    bench.sim.advance_clock(90_000)
    follower = Follower(bench, pause=0.2)
    await follower.ready()
    follower.press(1, 2)
    await follower.gets(1, 2)
    channel = follower.reader._channel
    assert channel is not None
    bench.sim.delay(1.0, "log/unsubscribe")
    bench.sim.reset_connections()
    await until(lambda: len(follower.failures) == 1, "the pull to break")
    await until(lambda: bench.sim._handling, "the question to close the channel to be under way")
    bench.sim.reset_connections()
    await until(lambda: len(follower.failures) == 2, "the question to break")
    bench.sim.delay(0, "log/unsubscribe")
    await bench.device().log.unsubscribe(channel)  # it was heard all the same
    follower.press(3)
    await follower.gets(1, 2, 3)
    assert follower.gaps == []
    await follower.stop()


@pytest.mark.parametrize("seed", range(12))
async def test_events_are_complete_after_random_faults(
    start: Start, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events of each boot are a complete, ordered beginning of the list of the simulator."""
    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.client.client.REQUEST_TIMEOUT", 1)
    dice = random.Random(seed)
    bench = await start(dice.choice(["verso", "access_unit", "verso3", "vario"]), speed=SPEED)
    sim = bench.sim
    # A connection that is accepted and never answered costs seconds, not a minute.
    follower = Follower(bench, pace=Pace(polls=(5,)))
    await follower.ready()
    first = sim.history[-1].id
    follower.press("begin")
    await follower.gets("begin")
    boots: list[list[tuple[int, int, int, str]]] = []

    async def few() -> None:
        follower.press(*range(dice.randrange(1, 4)))

    async def many() -> None:
        follower.press(*range(dice.randrange(100, 300)))

    async def wait() -> None:
        await asyncio.sleep(dice.uniform(0, 0.05))

    async def lose_answer() -> None:
        sim.lose_next_pull_response(dice.randrange(1, 3))
        follower.press("x")

    async def drop() -> None:
        sim.lose_connection()
        await wait()
        follower.press("y")
        await sim.restore_connection()

    async def reset() -> None:
        sim.reset_connections()

    async def restart() -> None:
        await follower.restart(close=dice.random() < 0.5)

    async def set_clock() -> None:
        sim.advance_clock(dice.choice([-3, 5, 4000, 90000]))

    async def boot() -> None:
        boots.append([key(record) for record in sim.history])
        await reboot(sim, dice.uniform(0, 0.05))

    happenings = (few, few, few, many, wait, wait, lose_answer, drop, reset, restart, set_clock)
    for _ in range(60):
        await dice.choice(happenings)() if dice.random() > 0.04 else await boot()
    await asyncio.sleep(0.05)
    sim.lose_next_pull_response(0)
    follower.press("end")
    await until(
        lambda: "end" in follower.keys and key(follower.events[-1]) == key(sim.history[-1]),
        f"the end; {follower.failures[-1:]}",
    )
    boots.append([key(record) for record in sim.history])
    await follower.stop()

    got = [key(event) for event in follower.events]
    boots[0] = boots[0][first:]
    for boot_events in boots[:-1]:
        taken = 0
        while taken < min(len(boot_events), len(got)) and got[taken] == boot_events[taken]:
            taken += 1
        got = got[taken:]
    assert got == boots[-1], "stored events arrive completely, in order, and once"
    seen_boots = sum(event.event == "DeviceState" for event in follower.events)
    assert len(follower.gaps) == seen_boots
    assert all(gap.reason is GapReason.RESTART for gap in follower.gaps)
