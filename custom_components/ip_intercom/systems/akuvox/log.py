"""Events of an Akuvox: push messages, and changes found by polling its state and its logs.

The device has no complete event log. Action URLs report most events if they are set up; ``call/status``, the call
log and the door log are polled in addition, frequently without push and rarely with it. The first report of an event
counts, and each event is reported once. Sources fail independently.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
import logging
from math import inf
import time
from typing import Any

from ...model.events import AlarmChanged, Event, Fact, PortChanged, Restarted
from ...model.features import Delivery
from ...model.parts import Alarm
from ...model.state import Missing
from ..common.delivery import EventBuffer
from ..common.errors import CommandFailed, ConnectionFailed, NotSupported, UnexpectedReply
from ..common.parse import integer, texts
from ..common.parts import AWAY
from ..common.poller import Poller, PollJob
from .calls import CallTracker
from .client import AkuvoxDevice
from .client.system import SystemStatus
from .doors import AkuvoxDoors
from .events import CALL_STATUS_EVENT, Accesses, Alarms, CallEvents
from .log_reader import DeviceClock, LogReader, aged
from .push import CALL_EVENT, HANG_UP_EVENT, INPUT_EVENT, RELAY_EVENT, Pushed, alarm_of
from .wiring import LETTERS, RELAY_NUMBERS, Input, input_named, relay_numbered

_LOGGER = logging.getLogger(__name__)

# Polled functions, named as in the API.
DEVICE = "system/status"
CALL_STATUS = "call/status"
CALL_LOG = "calllog/get"
DOOR_LOG = "doorlog/get"

# Poll intervals in seconds: without push, and with it.
_CALL_INTERVALS = (2.0, 30.0)  # a visitor waits: only this poll is frequent
_DOOR_LOG_INTERVALS = (20.0, 60.0)
# The end of a polled call makes the call log due; other polls only find calls that were too short.
_CALL_LOG_INTERVALS = (60.0, 60.0)
# Poll interval of the call log if no other source reports calls: short enough for a ring.
_CALL_LOG_ONLY_INTERVAL = 3.0
# Poll interval of a log without pages, which is always read completely.
_WHOLE_LOG_INTERVAL = 60.0
# Minimum pause after reading a complete log, as a multiple of the reading time.
_PAUSE = 5.0
# Poll interval of clock and uptime, which reveal restarts and whether the device responds if a source fails.
_DEVICE_INTERVAL = 300.0
# The interval of a failing poll doubles up to this many seconds.
_MAX_FAILED_INTERVAL = 120.0
# Seconds until the device writes the record of an event.
_RECORD_DELAY = 1.0
_RECORD_RETRY = 2.0
# Seconds to wait for the clock before a ring is processed without it, and for the uptime after an outage.
_CLOCK_PATIENCE = 2.0
_RESTART_PATIENCE = 8.0
# Maximum number of queued push messages, as a limit for floods.
_MAX_PUSHES = 256
# Seconds within which a device accepts a connection.
_REACH_TIMEOUT = 1.5
# Number of successive unpushed calls, or failed reads of a part, that counts as a failure.
_EVIDENCE = 2
# Seconds after which an unreadable state is read again.
_READ_RETRY = 5.0

RESTART_EVENT = "DeviceRestarted"
ALARM_OVER_EVENT = "AlarmOver"


class AkuvoxLog:
    """Event log of one device.

    Args:
        doors: Doors of the device, which interpret relay changes.
        names: Whether names of users may be shown.
        stored: Cursor of the previous run (``Delivery.cursor``).
    """

    local = True
    replays = False

    def __init__(
        self,
        device: AkuvoxDevice,
        doors: AkuvoxDoors,
        tracker: CallTracker,
        *,
        names: bool = True,
        stored: Mapping[str, object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._doors = doors
        self._tracker = tracker
        self._names = names
        self._monotonic = monotonic
        stored = stored or {}
        words = stored.get("words")
        tracker.commanded = self._commanded
        tracker.words |= words if isinstance(words, Mapping) else {}
        tracker.restore(stored.get("calls_told"))
        tracker.idle |= set(texts(stored.get("idle")))
        self.clock = DeviceClock(monotonic, integer(stored.get("zone")))
        reader_of = self.clock, self._read_clock, monotonic
        self._call_log = LogReader(device.call_log.page, *reader_of, stored.get("calls"))
        self._door_log = LogReader(device.door_log.page, *reader_of, stored.get("doors"))
        self._calls = CallEvents(device, tracker, self._call_log, monotonic, names=names, ended=self._call_ended)
        self._accesses = Accesses(device, doors, self._door_log, monotonic, names=names, opened=self._request_state)
        # The enabled inputs; updated with each description of the device.
        self.inputs: Mapping[str, Input] = {}
        # Whether push messages arrive; proven by the first one.
        self._pushes_arrive = stored.get("pushes") is True
        self._pushes_lost: Missing | None = None
        self._inbox: deque[tuple[float, datetime, Pushed]] = deque(maxlen=_MAX_PUSHES)
        self._wake = asyncio.Event()
        # Poll jobs by function.
        self._jobs: dict[str, PollJob] = {}
        self._poller = Poller(self._jobs, self._wake, monotonic, longest=_MAX_FAILED_INTERVAL)
        self._alarms = Alarms(stored.get("alarms"), monotonic)
        # Number of successive failed reads by function.
        self._unread: Counter[str] = Counter()
        self._read_again_at = inf
        self._out = EventBuffer(self._poller, monotonic, aged=_aged)

    def follow(self, *, device: bool, call_status: bool, call_log: bool, door_log: bool) -> None:
        """Set the available sources; a source that is already polled continues."""
        sources: Mapping[str, tuple[bool, Callable[[], Coroutine[Any, Any, None]]]] = {
            CALL_STATUS: (call_status, self._poll_call_status),
            CALL_LOG: (call_log, self._poll_call_log),
            DOOR_LOG: (door_log, self._poll_door_log),
        }
        for name, (available, poll) in sources.items():
            if available and name not in self._jobs:
                job = PollJob(partial(self._poll_after_outage, poll), partial(self._interval, name))
                if name == CALL_STATUS:  # it was just polled
                    job.polled_at = self._monotonic()
                    job.due = job.polled_at + job.interval()
                self._jobs[name] = job
            elif not available and (removed := self._jobs.pop(name, None)) is not None and removed.task is not None:
                removed.task.cancel()
        if self._jobs and device and DEVICE not in self._jobs:
            now = self._monotonic()  # the device was just polled
            self._jobs[DEVICE] = PollJob(
                self._poll_device, partial(self._interval, DEVICE), due=now + _DEVICE_INTERVAL, polled_at=now
            )
        self._poller.retry_failed()

    def note_device(self, status: SystemStatus, asked_at: float) -> None:
        """Process a reading of clock and uptime; ``asked_at`` is the local Unix time of the request."""
        if self.clock.update(status, asked_at):
            self._tracker.restart()
            self._alarms.clear()
            self._report([Event(RESTART_EVENT, datetime.now(UTC), facts=(Restarted(),))])
            self._wake.set()

    def note_reading(self, failed: Collection[str]) -> None:
        """Record the functions that failed in a poll in which others succeeded."""
        self._unread = Counter({name: self._unread[name] + 1 for name in failed})
        self._out.lacking = frozenset(name for name, failures in self._unread.items() if failures >= _EVIDENCE)
        if 1 in self._unread.values():
            self._read_again_at = self._monotonic() + _READ_RETRY
        self._wake.set()

    def receive_push(self, pushed: Pushed) -> None:
        """Queue a push message."""
        self._inbox.append((self._monotonic(), datetime.now(UTC), pushed))
        self._wake.set()

    def _commanded(self) -> None:
        """Poll the call status soon after a command: no other source may report the end of the call."""
        self._poll_soon(CALL_STATUS, _CALL_INTERVALS[0])
        self._wake.set()

    def expect_pushes(self, lost: Missing | None) -> None:
        """Set what is missing if no push messages arrive; None if push is disabled."""
        self._pushes_lost = lost

    def is_alarmed(self, alarm: Alarm) -> bool:
        """Return whether an alarm is active."""
        return alarm in self._alarms

    async def reach(self) -> None:
        """Check that the device accepts connections."""
        await self._device.client.transport.check_port(_REACH_TIMEOUT)

    def recheck(self) -> None:
        """Discard the count of unpushed calls, and poll failed sources at once."""
        self._tracker.unpushed = 0
        self._poller.retry_failed()

    @property
    def _live(self) -> bool:
        return self._pushes_arrive and self._pushes_lost is not None

    async def next(self) -> Delivery:
        """Return the next events; wait for them for a while."""
        while True:
            if self._poller.finish():
                self._out.missed = True
            self._advance_call_log()
            if self._read_again_at <= self._monotonic():
                self._out.missed, self._read_again_at = True, inf
            # Before the delivery, as its cursor already covers what the polls have found.
            self._process_pushes()
            self._report_overdue()
            if self._out:
                return self._delivery()
            self._poller.start()
            if self._out.heartbeat <= self._monotonic():
                return self._delivery()
            await self._poller.wait(self._out.heartbeat, self._read_again_at, *self._ends)

    @property
    def _ends(self) -> list[float]:
        return [*self._alarms.ends, *self._accesses.deadlines]

    def _interval(self, name: str) -> float:
        alone, beside = {
            CALL_STATUS: _CALL_INTERVALS,
            CALL_LOG: _CALL_LOG_INTERVALS,
            DOOR_LOG: _DOOR_LOG_INTERVALS,
            DEVICE: (_DEVICE_INTERVAL, _DEVICE_INTERVAL),
        }[name]
        if name == CALL_STATUS and self._tracker.in_call:
            return alone
        if name == DOOR_LOG and self._accesses.deadlines:
            return _RECORD_RETRY
        readers: Mapping[str, LogReader[Any]] = {CALL_LOG: self._call_log, DOOR_LOG: self._door_log}
        reader = readers.get(name)
        if reader is not None and reader.journal.more:
            return 0.0
        if reader is not None and name == CALL_LOG and self._calls_are_logged_only:
            # Interval between the starts of two polls.
            pause = reader.took if reader.journal.paged else reader.took * _PAUSE
            return min(max(_CALL_LOG_ONLY_INTERVAL - reader.took, pause), _WHOLE_LOG_INTERVAL)
        if reader is not None and not reader.journal.paged:
            return max(_WHOLE_LOG_INTERVAL, alone)
        return beside if self._live else alone

    @property
    def _calls_are_logged_only(self) -> bool:
        """Whether only the call log reports calls at present."""
        status = self._jobs.get(CALL_STATUS)
        return not self._live and (status is None or status.failures > 0)

    def _advance_call_log(self) -> None:
        """Move the next poll of the call log forward if no other source reports calls."""
        job = self._jobs.get(CALL_LOG)
        if job is None or job.task is not None or job.polled_at is None or job.failures:
            return
        if self._calls_are_logged_only:
            job.due = min(job.due, job.polled_at + self._interval(CALL_LOG))

    def _poll_soon(self, name: str, delay: float = 0.0) -> None:
        if name in self._jobs:
            self._poller.soon(name, delay=delay)

    def _request_state(self) -> None:
        """Request a poll of the state: it may have changed without a report."""
        self._out.missed = True
        self._wake.set()

    def _call_ended(self) -> None:
        self._poll_soon(CALL_LOG, _RECORD_DELAY)

    def _report(self, events: Iterable[Event]) -> None:
        self._out.add(events)

    def _delivery(self) -> Delivery:
        certain = self._tracker.unpushed >= _EVIDENCE and self._pushes_lost is not None
        if self._tracker.unpushed and self._pushes_lost is not None:
            self._pushes_arrive = False
        ends = min(self._ends, default=None)
        return self._out.delivery(
            self._cursor,
            None if ends is None else max(0.0, ends - self._monotonic()),
            live=self._live,
            withheld=frozenset({self._pushes_lost} if certain and self._pushes_lost is not None else ()),
        )

    @property
    def _cursor(self) -> Mapping[str, object]:
        return {
            "calls": self._call_log.journal.as_json(),
            "doors": self._door_log.journal.as_json(),
            "words": dict(self._tracker.words),
            "idle": sorted(self._tracker.idle),
            "calls_told": self._tracker.as_store(),
            "zone": self.clock.zone,
            "pushes": self._pushes_arrive,
            "alarms": self._alarms.as_store(),
        }

    async def close(self) -> None:
        """Stop polling."""
        await self._poller.close()

    def _process_pushes(self) -> None:
        """Process the queued push messages."""
        while self._inbox:
            received_at, when, pushed = self._inbox.popleft()
            self._pushes_arrive = True
            data = {} if pushed.number is None else {"remote": pushed.number}
            self._out.add([Event(pushed.event, when, data, facts=self._facts(pushed, when))], received_at)

    def _facts(self, pushed: Pushed, when: datetime) -> tuple[Fact, ...]:
        event = pushed.event
        if event == CALL_EVENT:
            # Only polls reliably reveal that the call is answered or has ended.
            self._poll_soon(CALL_STATUS, _CALL_INTERVALS[0])
            return self._tracker.pushed_call(pushed.number)
        if event == HANG_UP_EVENT:
            self._call_ended()
            return self._tracker.pushed_hang_up()
        if (alarm := alarm_of(event)) is not None:
            self._alarms.begin(alarm)
            return (AlarmChanged(alarm, True),)
        if (found := RELAY_EVENT.fullmatch(event)) is not None:
            door = relay_numbered(self._doors.relays, RELAY_NUMBERS[found[1] or LETTERS[0]])
            return () if door is None else self._doors.moved(door, found[2] == "Triggered")
        if (found := INPUT_EVENT.fullmatch(event)) is not None:
            return (PortChanged(input_named(self.inputs, found[1] or LETTERS[0]), found[2] == "Triggered"),)
        self._poll_soon(DOOR_LOG, _RECORD_DELAY / 2)
        return self._accesses.pushed(event, when, recorded=DOOR_LOG in self._jobs)

    def _report_overdue(self) -> None:
        """Report changes by commands, ended alarms, and credentials without a record."""
        if changes := self._tracker.take_changes():
            self._report([Event(CALL_STATUS_EVENT, datetime.now(UTC), facts=changes)])
        for alarm in self._alarms.take_ended():
            over = AlarmChanged(alarm, False)
            self._report([Event(ALARM_OVER_EVENT, datetime.now(UTC), {"alarm": alarm.value}, facts=(over,))])
        self._report(self._accesses.overdue())

    async def _poll_after_outage(self, poll: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a poll; after an interruption, first check for a restart, which ends all calls."""
        if self._poller.interrupted:
            await self._read_device(_RESTART_PATIENCE)
        await poll()

    async def _read_clock(self) -> None:
        device = self._jobs.get(DEVICE)
        if device is not None and not device.failures and not self.clock.is_fresh:
            await self._read_device(_CLOCK_PATIENCE)
            if not self.clock.is_fresh:
                self._poll_soon(DEVICE)  # if that fails, no further ring waits for the clock

    async def _read_device(self, patience: float) -> None:
        """Read clock and uptime, with a timeout in seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._poll_device()
        except TimeoutError:
            _LOGGER.debug("No response from %s in time", DEVICE)
        except (CommandFailed, ConnectionFailed, NotSupported, UnexpectedReply) as err:
            if isinstance(err, AWAY):
                raise
            _LOGGER.debug("No response from %s: %s", DEVICE, err)

    async def _poll_device(self) -> None:
        asked_at = time.time()
        self.note_device(await self._device.system.status(), asked_at)

    async def _poll_call_status(self) -> None:
        self._report(await self._calls.poll(pushed=self._live))

    async def _poll_call_log(self) -> None:
        self._deliver(self._call_log, await self._calls.read())

    async def _poll_door_log(self) -> None:
        self._deliver(self._door_log, await self._accesses.read())

    def _deliver(self, log: LogReader[Any], events: Iterable[Event]) -> None:
        """Report records together with the cursor that includes them; there must be no await in between."""
        self._out.keep = self._out.keep or not log.journal.known
        log.commit()
        self._report(events)


def _aged(event: Event, waited: float) -> Event:
    """Return an event with the age increased by its waiting time; it may be late now."""
    return event if event.late else aged(event, event.age + waited)
