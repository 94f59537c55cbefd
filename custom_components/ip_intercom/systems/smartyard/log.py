"""The events of an account: its pushes, and the changes found by polling its messages and journals.

A server pushes to push services only; a forwarder may send that to Home Assistant. In addition, the number of unread
messages and the journals of the flats are polled now and then. A push can come from any sender: it only rings
and is reported. It opens no door, and no address or picture of another server is taken from it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
import logging
from math import inf
import time

from ...model.features import Delivery
from ...model.parts import BellId
from ..common.errors import IntercomError, NoAnswer
from ..common.event_buffer import EventBuffer
from ..common.parts import AWAY, is_refusal, together
from ..common.poller import SAYS_NOTHING, Poller, PollJob
from ..common.push_monitor import PushMonitor
from .account_settings import RingSwitches
from .client import Action, CallPush, LogEvent, LogRecord, SmartYard, TextPush, Unread
from .event_mapper import bell_of, call, call_ended, changed, counted, is_at, may_be_ours, message
from .push_clock import PushClock
from .push_filter import PushFilter
from .recordings import Recordings
from .records import Journal, Recorder, by_day
from .server_time import ServerTime
from .topology import AccountTopology
from .visitors import SmartYardSip, SmartYardVisitors

_LOGGER = logging.getLogger(__name__)

# Seconds between looks: alone, and beside pushes.
_UNREAD_LOOKS = (60.0, 300.0)
_HISTORY_LOOKS = (60.0, 120.0)
# And at least, with or without pushes.
_UNREAD_PAUSE = 2.0
_CHANGES_PAUSE = 30.0
# A look that fails again and again waits no longer than so many seconds.
_FAILED_LOOKS = 600.0
# Days that are asked for without asking which have records.
_FEW_DAYS = 2
# A call that has only just come into the history was pushed within so many seconds before, if anything is: it rings,
# lasts as long as its phone account, and waits for the next look.
_NEWS = 600.0
_CALLS = frozenset({LogEvent.MISSED_CALL, LogEvent.ANSWERED})
# Limit for floods of the webhook.
_MANY = 64
# Calls that the server is asked about at a time, and the seconds to wait for what it says of calls and of doors.
_QUESTIONS = 4
_QUESTION = 10.0

# Journals that are read at a time: other requests of the account are to find a way beside them.
_JOURNALS = 2
# So many failures of a journal in a row are more than a hiccup.
_LASTING = 2

UNREAD = "inbox/unreaded"
HISTORY = "address/plog"


class SmartYardLog:
    """What happens at one account.

    Args:
        yard: Asked.
        town: Returns what there is.
        time_there: The server's.
        recorder: Knows what records mean.
        visitors: Has the pictures of pushes.
        sip: Has the accounts of calls.
        switches: Which flats ring.
        recordings: Told of those that are ready.
        stored: Where an earlier life left off (``Delivery.cursor``).
        expects_pushes: A forwarder was set up.
        monotonic: A clock in seconds.

    Attributes:
        arrivals: Whether pushes arrive.
        unread: How much is unread, as the last look found it; None before the first.
    """

    local = False
    replays = False

    def __init__(
        self,
        yard: SmartYard,
        topology: Callable[[], AccountTopology],
        time_there: ServerTime,
        recorder: Recorder,
        visitors: SmartYardVisitors,
        sip: SmartYardSip,
        switches: RingSwitches,
        recordings: Recordings,
        *,
        stored: Mapping[str, object] | None = None,
        expects_pushes: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        stored = stored or {}
        self.push_monitor = PushMonitor(
            expected=expects_pushes, arrived=stored.get("pushes") is True, monotonic=monotonic
        )
        self.unread: Unread | None = None
        self._yard = yard
        self._topology = topology
        self._time = time_there
        self._recorder = recorder
        self._visitors = visitors
        self._sip = sip
        self._switches = switches
        self._recordings = recordings
        self._monotonic = monotonic
        self._push_filter = PushFilter(stored.get("heard"), clock=PushClock(stored.get("clock"), time_there.told_ahead))
        # What the server is asked because of calls.
        self._questions: set[asyncio.Task[None]] = set()
        self._journal = Journal(stored.get("history"), monotonic)
        self._journal_turns = asyncio.Semaphore(_JOURNALS)
        # The last look at what is never empty has failed.
        self._unread_failed = False
        # How often a journal failed, by flat.
        self._failures: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._inbox: deque[CallPush | TextPush] = deque()
        self._ringing: dict[BellId, float] = {}
        # Calls at unknown doors, and until when they ring.
        self._strangers: deque[tuple[CallPush, float]] = deque(maxlen=_MANY)
        self._changes_due = inf
        self._changed_at = -inf
        # When to see whether there are new doors and flats, and when that was last done.
        self._search_due = inf
        self._searched_at = -inf
        self._poller = Poller(
            {
                UNREAD: PollJob(self._look_at_unread, lambda: _UNREAD_LOOKS[bool(self.push_monitor)]),
                HISTORY: PollJob(self._look_at_history, lambda: _HISTORY_LOOKS[bool(self.push_monitor)]),
            },
            self._wake,
            monotonic,
            longest=_FAILED_LOOKS,
        )
        self._out = EventBuffer(self._poller, monotonic, self.push_monitor)

    # -- what others tell ------------------------------------------------------------------------

    def hear(self, push: CallPush | TextPush) -> str | None:
        """Accept a push and return None, or return why it is ignored."""
        if len(self._inbox) >= _MANY:
            return "too many pushes are waiting"
        if isinstance(push, CallPush) and push.hash is not None and self._push_filter.doubts(push):
            return self._ask_about(push, push.hash)
        objection = self._push_filter.objection(push)
        if objection is None:
            self._accept(push)
        return objection

    def _accept(self, push: CallPush | TextPush) -> None:
        self._inbox.append(push)
        self._wake.set()

    def _ask_about(self, push: CallPush, key: str) -> str | None:
        """Check with the server whether a call with an uncertain time still rings."""
        if len(self._questions) >= _QUESTIONS:
            return "its time is uncertain, and other calls are being checked"
        self._begin(self._resolve(push, key, self._push_filter.begin_asking(push)))
        return None

    def _begin(self, question: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(question)
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _resolve(self, push: CallPush, key: str, shift: float) -> None:
        try:
            async with asyncio.timeout(_QUESTION):
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
        """Have the unread messages counted before their time."""
        self._poller.soon(UNREAD, pause=_UNREAD_PAUSE)

    def houses_changed(self) -> None:
        """Tell soon that there is something else than before."""
        self._changes_due = min(self._changes_due, max(self._monotonic(), self._changed_at + _CHANGES_PAUSE))
        self._wake.set()

    def houses_known(self) -> None:
        """Check whether a call rings at a door that was unknown."""
        self._wake.set()

    def counted(self, unread: Unread) -> None:
        """Note the number of unread messages from a different request."""
        self.unread = unread

    def keep(self) -> None:
        """Have the cursor written down though nothing has happened."""
        self._out.keep = True
        self._wake.set()

    def presume_complete(self) -> None:
        """Look again at once at what could not be read."""
        self._poller.hasten()

    @property
    def ringing(self) -> frozenset[BellId]:
        """Return the bells that ring now."""
        return frozenset(self._ringing)

    # -- following -------------------------------------------------------------------------------

    async def next(self) -> Delivery:
        """Return the next events, waiting for them for a while."""
        while True:
            self._take_pushes()
            self._take_due()
            if self._out:
                return self._delivery()
            self._poller.start()
            if self._out.heartbeat <= self._monotonic():
                return self._delivery()
            await self._poller.wait(self._out.heartbeat, self._changes_due, self._search_due, *self._ringing.values())
            if self._poller.finish():
                self._out.missed = True

    def _delivery(self) -> Delivery:
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
        """Stop looking."""
        questions = tuple(self._questions)
        for question in questions:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
        await self._poller.close()

    # -- pushes ----------------------------------------------------------------------------------

    def _take_pushes(self) -> None:
        waiting, now = tuple(self._strangers), self._monotonic()
        self._strangers.clear()
        for ring, until in waiting:
            if until > now:
                self._take_call(ring, until, is_new=False)
            else:
                _LOGGER.debug("Call push does not ring: its door stayed unknown until the call ended")
        while self._inbox:
            push = self._inbox.popleft()
            self.push_monitor.received()
            if isinstance(push, CallPush):
                self._take_call(push, self._monotonic() + self._push_filter.rings_for(push), is_new=True)
            else:
                self._take_text(push)

    @property
    def _pushes_ahead(self) -> timedelta:
        """Return by how much the clock of pushes is ahead of ours."""
        return timedelta(seconds=self._push_filter.clock.ahead)

    def _take_call(self, push: CallPush, until: float, *, is_new: bool) -> None:
        bell = None if push.is_support else bell_of(push, self._topology())
        if bell is None and not push.is_support:
            self._take_stranger(push, until, is_new=is_new)
            return
        picture = None if bell is None else self._visitors.name_of(push)
        self._out.add([call(push, bell, picture, datetime.now(UTC), self._pushes_ahead)])
        if bell is None:
            return
        self._sip.rang(bell, push)
        self._ringing[bell] = max(until, self._ringing.get(bell, until))

    def _take_stranger(self, push: CallPush, until: float, *, is_new: bool) -> None:
        """Keep a call at an unknown door while it rings: the door may be newer than what is known."""
        self._strangers.append((push, until))
        if not is_new:
            return
        if may_be_ours(push, self._topology()):
            _LOGGER.debug("Call push for an unknown door: waiting for the door")
            self.houses_changed()
            return
        _LOGGER.debug("Call push for an unknown door: reading the doors of the account again")
        self._search_due = max(self._monotonic(), self._searched_at + _CHANGES_PAUSE)

    async def _search(self) -> None:
        """Read the account again if a waiting call is at one of its doors by now."""
        try:
            async with asyncio.timeout(_QUESTION):
                houses, flats = await together(
                    self._yard.address.houses(refresh=True), self._yard.address.settings(refresh=True)
                )
        except (IntercomError, TimeoutError) as err:
            _LOGGER.debug("Could not read the doors of the account: %s", err)
            return
        if any(is_at(push, houses, flats) for push, _ in self._strangers):
            self._changes_due = self._monotonic()
            self._wake.set()

    def _take_text(self, push: TextPush) -> None:
        picture, late = self._visitors.name_of(push), self._push_filter.is_late(push)
        self._out.add([message(push, picture, late=late, ahead=self._pushes_ahead, recordings=self._recordings)])
        self.count_soon()
        if push.action == Action.NEW_ADDRESS:
            self.houses_changed()

    def _take_due(self) -> None:
        now = self._monotonic()
        if self._search_due <= now:
            self._search_due, self._searched_at = inf, now
            self._begin(self._search())
        for bell in [bell for bell, until in self._ringing.items() if until <= now]:
            del self._ringing[bell]
            self._out.add([call_ended(bell)])
        if self._changes_due <= now:
            self._changes_due, self._changed_at = inf, now
            self._out.add([changed()])

    # -- looks -----------------------------------------------------------------------------------

    async def _look_at_unread(self) -> None:
        try:
            unread = await self._yard.inbox.unread()
        except IntercomError:
            self._unread_failed = True
            raise
        self._unread_failed = False
        if unread != self.unread:
            self._out.add([counted(unread.messages, unread.chat)])
        self.unread = unread

    async def _look_at_history(self) -> None:
        if self._unread_failed or self._poller.interrupted:
            await self._prove()
        flats = [flat.id for flat in self._topology().flats.values() if flat.has_log is not False]
        silence: list[IntercomError] = []
        found = await together(*(self._read_journal(flat, silence) for flat in flats))
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
        self._out.lacking = frozenset({HISTORY} if max(self._failures.values(), default=0) >= _LASTING else ())
        self._take_history(read)  # before any failure of the others is raised
        lost = next((err for err in failures if isinstance(err, AWAY) or not isinstance(err, SAYS_NOTHING)), None)
        if lost is not None:
            raise lost
        if failures and not read:
            raise failures[0]

    async def _prove(self) -> None:
        """Have the server show that it works: an empty journal is also what a broken one answers."""
        try:
            await self._yard.user.notification()
        except IntercomError as err:
            if not is_refusal(err):
                raise

    async def _read_journal(
        self, flat: str, silence: list[IntercomError]
    ) -> tuple[list[LogRecord], datetime] | IntercomError:
        """Return the records of the days that are due and when they were asked for, or why there are none.

        Where one journal does not answer, the server has to show that it works: else the others, which are told by
        ``silence``, would wait in vain as well.
        """
        async with self._journal_turns:
            if silence:
                return silence[0]
            now = self._time.now()
            try:
                return await self._ask_for_journal(flat, self._journal.days(flat, now)), now
            except IntercomError as err:
                if isinstance(err, NoAnswer):
                    self._poller.soon(UNREAD)
                    await self._note_silence(silence)
                return err

    async def _note_silence(self, silence: list[IntercomError]) -> None:
        try:
            await self._prove()
        except IntercomError as err:
            silence.append(err)

    def _take_history(self, read: Iterable[tuple[str, list[LogRecord], datetime]]) -> None:
        """Tell of new records; the journals move with them, so that no cursor is ahead of what was told."""
        found: list[tuple[str, LogRecord, bool]] = []
        for flat, records, now in read:
            self._out.keep = self._out.keep or not self._journal.has(flat)
            found += [(flat, record, late) for record, late in self._journal.take(flat, records, now)]
        self._journal.forget(self._time.now())
        ordered = sorted(found, key=lambda item: item[1].date or datetime.max)
        calls = [(flat, record) for flat, record, late in ordered if record.event in _CALLS and not late]
        if any(self._switches.rang(flat, record.date) for flat, record in calls):
            self.push_monitor.missed(_NEWS)
        self._out.add([self._recorder.event(flat, record, late=late) for flat, record, late in ordered])

    async def _ask_for_journal(self, flat: str, days: tuple[date, ...]) -> list[LogRecord]:
        """Return the records of some days."""
        if len(days) > _FEW_DAYS:
            counts = {row.day: row.events for row in await self._yard.address.log_days(flat)}
            days = by_day(counts, days)
        return [record for day in days for record in await self._yard.address.log(flat, day)]
