"""The events of an extension: pushes, and changes found by polling its calls, call log, and voicemails.

The proxy pushes only to phones; a forwarder may send the pushes to Home Assistant as well. Call log and voicemails are
also polled, and a live call is followed until its end. The first report of a change counts, later ones are ignored. A
push is not authenticated, so it is reported at once and then verified with the proxy.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
import logging
from math import inf
import time

from ...model.events import CallChanged
from ...model.features import Delivery
from ...model.parts import Voicemail, VoicemailId
from ..common.delivery import EventBuffer, PushMonitor
from ..common.errors import ExchangeSilent, ExchangeUnreachable, IntercomError, NoSuchCall, ServerSilent
from ..common.parse import texts
from ..common.parts import is_refusal
from ..common.poller import Poller, PollJob
from ..common.privacy import Privacy
from .client import MxProxy
from .client.calls import LogRecord
from .client.events import CallEvent, Kind, MailEvent
from .directory import MxPhoneBook
from .records import OWN_EVENTS, CallJournal, EventMapper, ServerClock, duration_of, is_incoming, neutral_mailbox
from .tracker import STATES, CallTracker

_LOGGER = logging.getLogger(__name__)

# Poll intervals in seconds: without pushes, and with them. Only voicemails show that the exchange does not respond.
_CALL_LOG_INTERVALS = (30.0, 60.0)
_VOICEMAIL_INTERVALS = (30.0, 30.0)
_CALL_INTERVAL = 2.0
# Interval while an outgoing call is unanswered: only its record reports that it was abandoned.
_UNANSWERED_INTERVAL = 10.0
# Seconds between polls with the deep overlap.
_DEEP_INTERVAL = 3600.0
# Longest interval in seconds between retries of rejected polls.
_MAX_RETRY_INTERVAL = 300.0
# Seconds until the exchange has written the record of a call that has ended.
_RECORD_DELAY = 1.0
# A pushed voicemail is polled for this many times, at this interval in seconds.
_MAIL_ATTEMPTS = 5
_MAIL_INTERVAL = 2.0
# A change is live if the previous poll was at most this many seconds ago; otherwise it is late.
_LIVE_WINDOW = 150.0
# A push that is older by the clock of the exchange is reported only after the proxy has confirmed it.
_STALE = 30.0
# Limits against floods: further pushes are dropped, or reported only after the proxy has confirmed them.
_MAX_PUSHES = 256
_MAX_CALLS = 16

CALLS = "/calls/{callId}"
CALL_LOG = "/calls"
VOICEMAILS = "/voicemails"


class MxLog:
    """The event log of one extension.

    Args:
        book: Provides names of numbers.
        privacy: Whether names are shown.
        stored: ``Delivery.cursor`` of the previous run.
        expects_pushes: A forwarder is configured.

    Attributes:
        push_monitor: Tracks whether pushes arrive.
        poller: Polls `CALLS`, `CALL_LOG`, and `VOICEMAILS`.
        tracker: The live calls.
        journal: Position in the call log.
        mails: Voicemails of the last poll; None before the first one.
    """

    local = False
    replays = False

    def __init__(
        self,
        proxy: MxProxy,
        book: MxPhoneBook,
        privacy: Privacy,
        *,
        stored: Mapping[str, object] | None = None,
        expects_pushes: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        stored = stored or {}
        self.push_monitor = PushMonitor(
            expected=expects_pushes, arrived=stored.get("pushes") is True, monotonic=monotonic
        )
        self.tracker = CallTracker(monotonic)
        self.tracker.restore(stored.get("live"))
        self.journal = CallJournal(stored.get("calls"))
        self.mails: Mapping[VoicemailId, Voicemail] | None = None
        self._proxy = proxy
        self._book = book
        self._mapper = EventMapper(book, privacy)
        self._privacy = privacy
        self._monotonic = monotonic
        self._clock = ServerClock()
        known = stored.get("voicemails")
        self._known_mails = None if known is None else set(texts(known))
        self._arrived = asyncio.Event()
        self._inbox: deque[CallEvent | MailEvent] = deque(maxlen=_MAX_PUSHES)
        self._unverified: deque[CallEvent] = deque(maxlen=_MAX_CALLS)
        self._awaited: dict[VoicemailId, int] = {}
        self.poller = Poller(
            {
                CALLS: PollJob(self._poll_calls, lambda: _CALL_INTERVAL, self._has_calls, proves=False),
                CALL_LOG: PollJob(self._poll_call_log, self._call_log_interval),
                VOICEMAILS: PollJob(self._poll_voicemails, self._voicemail_interval),
            },
            self._arrived,
            monotonic,
            longest=_MAX_RETRY_INTERVAL,
            probe=proxy.session.info,
        )
        self._deep_at = -inf
        self._out = EventBuffer(self.poller, monotonic, self.push_monitor)

    def receive(self, pushed: CallEvent | MailEvent) -> None:
        """Queue a push."""
        self._inbox.append(pushed)
        self._arrived.set()

    def report(self, kind: str, changed: CallChanged | None) -> None:
        """Report a call that was changed from here; ``kind`` is the corresponding event type."""
        if changed is not None:
            self._out.add([self._mapper.call(kind, changed)])
        self.poller.soon(CALLS, delay=_CALL_INTERVAL)

    def keep(self) -> None:
        """Store the current state with the next delivery, even without events."""
        self._out.keep = True
        self._arrived.set()

    async def reach(self) -> None:
        """Do nothing: a server is not a local device."""

    def recheck(self) -> None:
        """Retry all failed polls at once."""
        self.poller.retry_failed()

    async def next(self) -> Delivery:
        """Wait for the next events and return them."""
        while True:
            received = bool(self._inbox)
            while self._inbox:
                self._process(self._inbox.popleft())
            # A push is delivered even while the proxy rejects requests or is unreachable.
            if self._out or (received and self.poller.interrupted):
                return self._delivery()
            self.poller.start()
            if self._out.heartbeat <= self._monotonic():
                return self._delivery()
            await self.poller.wait(self._out.heartbeat)
            try:
                self._out.missed = self.poller.finish() or self._out.missed
            except ExchangeUnreachable, ExchangeSilent, ServerSilent:
                self.push_monitor.interrupted()  # the proxy receives no events to push
                raise

    def _delivery(self) -> Delivery:
        cursor: dict[str, object] = {
            "calls": self.journal.as_json(),
            "voicemails": None if self._known_mails is None else sorted(self._known_mails),
            "pushes": bool(self.push_monitor),
            "live": self.tracker.as_json(),
        }
        return self._out.delivery(cursor)

    async def close(self) -> None:
        """Stop polling."""
        await self.poller.close()

    def _process(self, pushed: CallEvent | MailEvent) -> None:
        """Process a push; calls are reported before the proxy confirms them, because latency matters."""
        self.push_monitor.received()
        if isinstance(pushed, MailEvent):
            if pushed.mail_id not in (self._known_mails or ()) and len(self._awaited) < _MAX_CALLS:
                self._awaited.setdefault(pushed.mail_id, _MAIL_ATTEMPTS)
                self.poller.soon(VOICEMAILS)
            return
        if self.tracker.is_repeated(pushed):
            return
        crowded = len(self.tracker.sessions) >= _MAX_CALLS
        if crowded or self.tracker.needs_context(pushed) or self._is_stale(pushed):
            self._unverified.append(pushed)
            self.poller.soon(CALLS)
            return
        self._apply(pushed)

    def _is_stale(self, pushed: CallEvent) -> bool:
        return pushed.timestamp is not None and abs(self._clock.age(pushed.timestamp)) > _STALE

    def _apply(self, event: CallEvent) -> None:
        """Report an event if it changes anything."""
        if event.type in OWN_EVENTS:
            return  # never pushed by the proxy
        if event.type not in STATES:
            self._out.add([self._mapper.unknown(event)])
            return
        changed = self.tracker.apply(event)
        if event.type == Kind.CLEARED:
            self.poller.soon(CALL_LOG, delay=_RECORD_DELAY)
        if changed is not None:
            self.poller.soon(CALLS, delay=_CALL_INTERVAL)
            self._out.add([self._mapper.call(event.type, changed, event)])

    def _has_calls(self) -> bool:
        return bool(self.tracker.sessions or self._unverified)

    def _call_log_interval(self) -> float:
        return _UNANSWERED_INTERVAL if self.tracker.unanswered else _CALL_LOG_INTERVALS[bool(self.push_monitor)]

    def _voicemail_interval(self) -> float:
        return _MAIL_INTERVAL if self._awaited else _VOICEMAIL_INTERVALS[bool(self.push_monitor)]

    async def _poll_calls(self) -> None:
        """Poll the live calls and those of unverified pushes."""
        unverified = [*self._unverified]
        for session in dict.fromkeys([*self.tracker.sessions, *(event.call_id for event in unverified)]):
            try:
                info = await self._proxy.calls.info(session)
            except NoSuchCall:
                info = None
            self._call_polled(session, info)
            for event in [event for event in unverified if event.call_id == session]:
                if event in self._unverified:
                    self._unverified.remove(event)
                self._verify(event, info)

    def _call_polled(self, session: int, info: CallEvent | None) -> None:
        changed = self.tracker.polled(session, info)
        if changed is None:
            return
        if info is None:
            self._out.add([self._mapper.call(Kind.CLEARED, changed)])
            self.poller.soon(CALL_LOG, delay=_RECORD_DELAY)
            return
        self._out.add([self._mapper.call(info.type, changed, info)])

    def _verify(self, event: CallEvent, info: CallEvent | None) -> None:
        """Apply an unverified push if the proxy agrees: it knows the call, or for an ended call, does not."""
        if (info is None) != (event.type == Kind.CLEARED):
            _LOGGER.debug("Push ignored: the proxy reports a different state than %s for the call", event.type)
            return
        if info is not None and event.timestamp and event.timestamp == info.timestamp:
            self._clock.learn(event.timestamp)
        self._apply(event)

    async def _poll_call_log(self) -> None:
        fresh = self.poller.age(CALL_LOG) <= _LIVE_WINDOW
        began = self._monotonic()
        deep = began - self._deep_at >= _DEEP_INTERVAL
        records = await self._proxy.calls.log(self.journal.since(deep=deep))
        if not records:
            await self._verify_exchange()
        if deep:
            self._deep_at = began
        if not self.journal.has_begun:
            self.keep()
            self._out.missed = True  # the state needs the last call
        for record, missed in self.journal.take(records):
            self._record_found(record, missed, fresh)

    async def _verify_exchange(self) -> None:
        """Check that the exchange responds, because the proxy returns an empty log if it does not."""
        if not self.poller.fails(VOICEMAILS):
            try:
                await self.poller.now(VOICEMAILS)
            except IntercomError as err:
                if not is_refusal(err):
                    raise
        elif self.journal.is_empty:
            await self._book.contacts()
        else:
            # Each poll overlaps the newest record, so it must be in the response.
            raise ExchangeSilent(f"{CALL_LOG} lacks its newest record, and {VOICEMAILS} fails")

    def _record_found(self, record: LogRecord, missed: int, fresh: bool) -> None:
        if fresh and is_incoming(record):
            # The record of an incoming call without a push shows that pushes do not arrive any more.
            self.push_monitor.missed((duration_of(record) or 0) + _LIVE_WINDOW)
        if fresh and not is_incoming(record):
            ended = self.tracker.logged(record.calling, record.called)
            if ended is not None:
                self._out.add([self._mapper.call(Kind.CLEARED, ended)])
        self._out.add([self._mapper.record(record, missed, late=not fresh)])

    async def _poll_voicemails(self) -> None:
        fresh = self.poller.age(VOICEMAILS) <= _LIVE_WINDOW
        mails = neutral_mailbox(await self._proxy.voicemails.list(), self._privacy)
        before, self.mails = self.mails, mails
        if self._known_mails is None:
            self.keep()
        known = set(mails) if self._known_mails is None else self._known_mails
        news = [mail for key, mail in mails.items() if key not in known]
        self._known_mails = set(mails)
        for mail in news:
            self._out.add([self._mapper.mail(mail, late=not fresh)])
        if before is not None and {**before, **{mail.id: mail for mail in news}} != mails:
            self._out.add([self._mapper.mailbox(mails)])
        self._awaited = {key: tries - 1 for key, tries in self._awaited.items() if key not in mails and tries > 1}
