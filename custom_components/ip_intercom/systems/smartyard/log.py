"""The events of an account: pushes, and changes found by polling its messages and journals.

A server pushes only to push services; a forwarder may send the pushes to Home Assistant as well. The number of unread
messages and the journals of the apartments are also polled. A push is not authenticated: it only rings or is reported,
opens no door, and no address or picture of another server is taken from it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
import logging
from math import inf
import time
from typing import TYPE_CHECKING

from ...model.events import Event
from ...model.features import Delivery
from ...model.parts import BellId
from ..common.delivery import EventBuffer, PushMonitor
from ..common.errors import IntercomError, NoAnswer
from ..common.parts import AWAY, is_refusal, together
from ..common.poller import NO_RESPONSE, Poller, PollJob
from .account import RingSwitches
from .client import Action, CallPush, LogEvent, LogRecord, SmartYard, TextPush, Unread
from .clocks import PushClock, ServerTime
from .event_mapper import bell_of, call, call_ended, changed, counted, is_at, may_be_ours, message
from .push_filter import PushFilter
from .recordings import Recordings
from .records import Journal, Recorder, by_day
from .topology import AccountTopology
from .visitors import SmartYardSip, SmartYardVisitors, is_of_operator

if TYPE_CHECKING:
    from .visitor_calls import VisitorCalls

_LOGGER = logging.getLogger(__name__)

# Poll intervals in seconds: without pushes, and with them.
_UNREAD_INTERVALS = (60.0, 300.0)
_HISTORY_INTERVALS = (60.0, 120.0)
# Minimum seconds between polls after pushes, and between re-reads of the account.
_UNREAD_PAUSE = 2.0
_CHANGES_PAUSE = 30.0
# Longest interval in seconds between retries of failing polls.
_MAX_RETRY_INTERVAL = 600.0
# Up to this many days are requested without asking first which have records.
_FEW_DAYS = 2
# A new call in the history had its push, if any, at most this many seconds ago: the call rings, lasts as long as its
# phone account, and waits for the next poll.
_PUSH_WINDOW = 600.0
_CALLS = frozenset({LogEvent.MISSED_CALL, LogEvent.ANSWERED})
# Limit for waiting pushes against floods.
_MAX_WAITING = 64
# Limit for concurrent requests about calls, and their timeout in seconds.
_MAX_REQUESTS = 4
_REQUEST_TIMEOUT = 10.0

# Journals to read concurrently, so that other requests are not blocked.
_JOURNALS = 2
# Consecutive failures after which a journal counts as failing.
_LASTING_FAILURES = 2

UNREAD = "inbox/unreaded"
HISTORY = "address/plog"


class SmartYardLog:
    """The event log of one account.

    Args:
        server_time: Time of the server.
        recorder: Maps records to events.
        visitors: Holds the pictures of pushes.
        sip: Holds the SIP accounts of calls.
        switches: Whether calls of each apartment are pushed.
        recordings: Tracks prepared recordings.
        stored: ``Delivery.cursor`` of the previous run.
        expects_pushes: Pushes are configured.
        talks: Rings can be answered here.

    Attributes:
        calls: The calls of visitors; None if rings are not answered here.
        push_monitor: Tracks whether pushes arrive.
        unread: Unread counts of the last poll; None before the first one.
    """

    local = False
    replays = False

    def __init__(
        self,
        yard: SmartYard,
        topology: Callable[[], AccountTopology],
        server_time: ServerTime,
        recorder: Recorder,
        visitors: SmartYardVisitors,
        sip: SmartYardSip,
        switches: RingSwitches,
        recordings: Recordings,
        *,
        stored: Mapping[str, object] | None = None,
        expects_pushes: bool = True,
        talks: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        stored = stored or {}
        self.push_monitor = PushMonitor(
            expected=expects_pushes, arrived=stored.get("pushes") is True, monotonic=monotonic
        )
        self.unread: Unread | None = None
        self._yard = yard
        self._topology = topology
        self._time = server_time
        self._recorder = recorder
        self._visitors = visitors
        self._sip = sip
        self._switches = switches
        self._recordings = recordings
        self._monotonic = monotonic
        self.calls: VisitorCalls | None = None
        if talks:
            from .visitor_calls import VisitorCalls  # noqa: PLC0415  # large; loaded by now (load_systems)

            self.calls = VisitorCalls(partial(is_of_operator, yard, visitors), self._report, self._stop_ringing)
        self._push_filter = PushFilter(
            stored.get("heard"), clock=PushClock(stored.get("clock"), server_time.reported_ahead)
        )
        # Requests in progress about calls.
        self._requests: set[asyncio.Task[None]] = set()
        self._journal = Journal(stored.get("history"), monotonic)
        self._journal_limit = asyncio.Semaphore(_JOURNALS)
        # The last poll of the unread count failed; that response is never empty.
        self._unread_failed = False
        # Consecutive failures, by apartment.
        self._failures: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._inbox: deque[CallPush | TextPush] = deque()
        self._ringing: dict[BellId, float] = {}
        # Calls at unknown doors, each with the end of its ringing.
        self._unmatched: deque[tuple[CallPush, float]] = deque(maxlen=_MAX_WAITING)
        self._changes_due = inf
        self._changed_at = -inf
        # When to re-read doors and apartments, and when that was last done.
        self._search_due = inf
        self._searched_at = -inf
        self._poller = Poller(
            {
                UNREAD: PollJob(self._poll_unread, lambda: _UNREAD_INTERVALS[bool(self.push_monitor)]),
                HISTORY: PollJob(self._poll_history, lambda: _HISTORY_INTERVALS[bool(self.push_monitor)]),
            },
            self._wake,
            monotonic,
            longest=_MAX_RETRY_INTERVAL,
        )
        self._out = EventBuffer(self._poller, monotonic, self.push_monitor)

    def receive(self, push: CallPush | TextPush) -> str | None:
        """Accept a push and return None, or return why it is ignored."""
        if len(self._inbox) >= _MAX_WAITING:
            return "too many pushes are waiting"
        if isinstance(push, CallPush) and push.hash is not None and self._push_filter.needs_verification(push):
            return self._verify_call(push, push.hash)
        objection = self._push_filter.objection(push)
        if objection is None:
            self._accept(push)
        return objection

    def _accept(self, push: CallPush | TextPush) -> None:
        self._inbox.append(push)
        self._wake.set()

    def _verify_call(self, push: CallPush, key: str) -> str | None:
        """Check with the server whether a call with an uncertain time still rings."""
        if len(self._requests) >= _MAX_REQUESTS:
            return "its time is uncertain, and other calls are being checked"
        self._start(self._resolve(push, key, self._push_filter.begin_verification(push)))
        return None

    def _start(self, request: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(request)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _resolve(self, push: CallPush, key: str, shift: float) -> None:
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT):
                is_current = await self._visitors.is_current(key)
        except (IntercomError, TimeoutError) as err:
            _LOGGER.debug("Could not check whether a call with an uncertain time still rings: %s", err)
            objection = self._push_filter.give_up(push)
        else:
            if is_current:
                self._push_filter.confirm(push, shift)
            objection = None if is_current else self._push_filter.deny(push)
        if objection is None:
            _LOGGER.debug("Call rings: its push is %.0f s ahead of the clock in the server's responses", shift)
            self._accept(push)
        else:
            _LOGGER.debug("Call push does not ring: %s", objection)

    def count_soon(self) -> None:
        """Poll the unread count early."""
        self._poller.soon(UNREAD, pause=_UNREAD_PAUSE)

    def houses_changed(self) -> None:
        """Report soon that houses, doors, or apartments have changed."""
        self._changes_due = min(self._changes_due, max(self._monotonic(), self._changed_at + _CHANGES_PAUSE))
        self._wake.set()

    def houses_known(self) -> None:
        """Retry calls at unknown doors, because the topology was updated."""
        self._wake.set()

    def counted(self, unread: Unread) -> None:
        """Store the unread counts of another request."""
        self.unread = unread

    def keep(self) -> None:
        """Store the cursor with the next delivery, even without events."""
        self._out.keep = True
        self._wake.set()

    async def reach(self) -> None:
        """Do nothing: a server is not a local device."""

    def recheck(self) -> None:
        """Retry all failed polls at once."""
        self._poller.retry_failed()

    @property
    def ringing(self) -> frozenset[BellId]:
        """Return the bells that are ringing."""
        return frozenset(self._ringing)

    async def next(self) -> Delivery:
        """Wait for the next events and return them."""
        while True:
            self._process_pushes()
            self._process_due()
            if self._out:
                return self._delivery()
            self._poller.start()
            if self._out.heartbeat <= self._monotonic():
                return self._delivery()
            await self._poller.wait(self._out.heartbeat, self._changes_due, self._search_due, *self._ringing.values())
            if self._poller.finish():
                self._out.missed = True

    def _delivery(self) -> Delivery:
        self._visitors.prune()
        cursor: dict[str, object] = {
            "clock": self._push_filter.clock.as_json(),
            "heard": self._push_filter.as_json(),
            "history": self._journal.as_json(),
            "pushes": bool(self.push_monitor),
            "recordings": self._recordings.as_json(),
        }
        end = min(self._ringing.values(), default=None)
        return self._out.delivery(cursor, again=None if end is None else max(0.0, end - self._monotonic()))

    async def close(self) -> None:
        """Stop polling, and end the calls."""
        requests = tuple(self._requests)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        if self.calls is not None:
            await self.calls.close()
        self._sip.close()
        await self._poller.close()

    def _process_pushes(self) -> None:
        waiting, now = tuple(self._unmatched), self._monotonic()
        self._unmatched.clear()
        for ring, until in waiting:
            if until > now:
                self._process_call(ring, until, is_new=False)
            else:
                _LOGGER.debug("Call push does not ring: its door stayed unknown until the call ended")
        while self._inbox:
            push = self._inbox.popleft()
            self.push_monitor.received()
            if isinstance(push, CallPush):
                self._process_call(push, self._monotonic() + self._push_filter.rings_for(push), is_new=True)
            else:
                self._process_text(push)

    @property
    def _pushes_ahead(self) -> timedelta:
        """Return by how much the clock of pushes is ahead of the local one."""
        return timedelta(seconds=self._push_filter.clock.ahead)

    def _process_call(self, push: CallPush, until: float, *, is_new: bool) -> None:
        bell = None if push.is_support else bell_of(push, self._topology())
        if bell is None and not push.is_support:
            self._process_unmatched(push, until, is_new=is_new)
            return
        picture = None if bell is None else self._visitors.name_of(push)
        session = None if bell is None or self.calls is None else self.calls.rang(bell, push)
        self._out.add([call(push, bell, picture, datetime.now(UTC), self._pushes_ahead, session)])
        if bell is None:
            return
        self._sip.rang(bell, push)
        self._ringing[bell] = max(until, self._ringing.get(bell, until))

    def _report(self, event: Event) -> None:
        self._out.add([event])
        self._wake.set()

    def _stop_ringing(self, bell: BellId) -> None:
        """End the ringing of a bell: its call was answered or has ended."""
        if self._ringing.pop(bell, None) is not None:
            self._report(call_ended(bell))

    def _process_unmatched(self, push: CallPush, until: float, *, is_new: bool) -> None:
        """Keep a call at an unknown door while it rings, because the door may be new."""
        self._unmatched.append((push, until))
        if not is_new:
            return
        if may_be_ours(push, self._topology()):
            _LOGGER.debug("Call push for an unknown door: waiting for the door")
            self.houses_changed()
            return
        _LOGGER.debug("Call push for an unknown door: reading the doors of the account again")
        self._search_due = max(self._monotonic(), self._searched_at + _CHANGES_PAUSE)

    async def _search(self) -> None:
        """Re-read the account, and report a change if a kept call is at one of its doors."""
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT):
                houses, flats = await together(
                    self._yard.address.houses(refresh=True), self._yard.address.settings(refresh=True)
                )
        except (IntercomError, TimeoutError) as err:
            _LOGGER.debug("Could not read the doors of the account: %s", err)
            return
        if any(is_at(push, houses, flats) for push, _ in self._unmatched):
            self._changes_due = self._monotonic()
            self._wake.set()

    def _process_text(self, push: TextPush) -> None:
        picture, late = self._visitors.name_of(push), self._push_filter.is_late(push)
        self._out.add([message(push, picture, late=late, ahead=self._pushes_ahead, recordings=self._recordings)])
        self.count_soon()
        if push.action == Action.NEW_ADDRESS:
            self.houses_changed()

    def _process_due(self) -> None:
        now = self._monotonic()
        if self._search_due <= now:
            self._search_due, self._searched_at = inf, now
            self._start(self._search())
        for bell in [bell for bell, until in self._ringing.items() if until <= now]:
            del self._ringing[bell]
            self._out.add([call_ended(bell)])
        if self._changes_due <= now:
            self._changes_due, self._changed_at = inf, now
            self._out.add([changed()])

    async def _poll_unread(self) -> None:
        try:
            unread = await self._yard.inbox.unread()
        except IntercomError:
            self._unread_failed = True
            raise
        self._unread_failed = False
        if unread != self.unread:
            self._out.add([counted(unread.messages, unread.chat)])
        self.unread = unread

    async def _poll_history(self) -> None:
        if self._unread_failed or self._poller.interrupted:
            await self._check_server()
        flats = [flat.id for flat in self._topology().flats.values() if flat.has_log is not False]
        outage: list[IntercomError] = []
        found = await together(*(self._read_journal(flat, outage) for flat in flats))
        read: list[tuple[str, list[LogRecord], datetime]] = []
        failures: list[IntercomError] = []
        for flat, answer in zip(flats, found, strict=True):
            if isinstance(answer, tuple):
                read.append((flat, *answer))
            elif not is_refusal(answer):
                failures.append(answer)
                self._failures[flat] += 1
                continue
            del self._failures[flat]
        self._out.lacking = frozenset({HISTORY} if max(self._failures.values(), default=0) >= _LASTING_FAILURES else ())
        self._process_history(read)  # before failures of other journals are raised
        lost = next((err for err in failures if isinstance(err, AWAY) or not isinstance(err, NO_RESPONSE)), None)
        if lost is not None:
            raise lost
        if failures and not read:
            raise failures[0]

    async def _check_server(self) -> None:
        """Check that the server works, because a broken one also returns empty journals."""
        try:
            await self._yard.user.notification()
        except IntercomError as err:
            if not is_refusal(err):
                raise

    async def _read_journal(
        self, flat: str, outage: list[IntercomError]
    ) -> tuple[list[LogRecord], datetime] | IntercomError:
        """Return the records of the due days and the request time, or the error.

        If a journal does not respond, the server is checked. If it fails too, the other journals, which share
        ``outage``, are not requested.
        """
        async with self._journal_limit:
            if outage:
                return outage[0]
            now = self._time.now()
            try:
                return await self._request_journal(flat, self._journal.days(flat, now)), now
            except IntercomError as err:
                if isinstance(err, NoAnswer):
                    self._poller.soon(UNREAD)
                    await self._check_outage(outage)
                return err

    async def _check_outage(self, outage: list[IntercomError]) -> None:
        try:
            await self._check_server()
        except IntercomError as err:
            outage.append(err)

    def _process_history(self, read: Iterable[tuple[str, list[LogRecord], datetime]]) -> None:
        """Report new records, and advance the journals with them, so that no cursor skips an unreported record."""
        found: list[tuple[str, LogRecord, bool]] = []
        for flat, records, now in read:
            self._out.keep = self._out.keep or not self._journal.has(flat)
            found += [(flat, record, late) for record, late in self._journal.take(flat, records, now)]
        self._journal.prune(self._time.now())
        ordered = sorted(found, key=lambda item: item[1].date or datetime.max)
        calls = [(flat, record) for flat, record, late in ordered if record.event in _CALLS and not late]
        if any(self._switches.rang(flat, record.date) for flat, record in calls):
            self.push_monitor.missed(_PUSH_WINDOW)
        self._out.add([self._recorder.event(flat, record, late=late) for flat, record, late in ordered])

    async def _request_journal(self, flat: str, days: tuple[date, ...]) -> list[LogRecord]:
        """Return the records of some days."""
        if len(days) > _FEW_DAYS:
            counts = {row.day: row.events for row in await self._yard.address.log_days(flat)}
            days = by_day(counts, days)
        return [record for day in days for record in await self._yard.address.log(flat, day)]
