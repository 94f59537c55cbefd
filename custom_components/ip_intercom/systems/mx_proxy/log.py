"""The events of an extension: its pushes, and the changes found by polling its calls, their log, and the mailbox.

The proxy pushes to phones only; a forwarder may send that to Home Assistant. In addition, the log of calls and the
mailbox are polled now and then, and a known live call is followed to its end. The first report counts, and later
ones are ignored. A push can come from any sender: it is reported at once, and then the proxy is asked.
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
from ..common.errors import ExchangeSilent, ExchangeUnreachable, IntercomError, NoSuchCall, ServerSilent
from ..common.event_buffer import EventBuffer
from ..common.parse import texts
from ..common.parts import is_refusal
from ..common.poller import Poller, PollJob
from ..common.privacy import Privacy
from ..common.push_monitor import PushMonitor
from .client import MxProxy
from .client.calls import LogRecord
from .client.events import CallEvent, Kind, MailEvent
from .directory import MxPhoneBook
from .event_mapper import OWN_EVENTS, EventMapper
from .mailbox import neutral_mailbox
from .records import CallJournal, duration_of, is_incoming
from .server_time import ServerClock
from .tracker import STATES, CallTracker

_LOGGER = logging.getLogger(__name__)

# Seconds between looks: alone, and beside events that are pushed. Only the mailbox shows an exchange that says nothing.
_CALL_LOG_LOOKS = (30.0, 60.0)
_VOICEMAIL_LOOKS = (30.0, 30.0)
_CALL_LOOKS = 2.0
# While an outgoing call is not answered yet, only its record tells that it was abandoned.
_UNANSWERED_LOOKS = 10.0
# Seconds between looks that reach back a day.
_DEEP_LOOKS = 3600.0
# What is refused is tried at least once in so many seconds.
_FAILED_LOOKS = 300.0
# The exchange writes its records a moment after what they tell of.
_RECORD_DELAY = 1.0
# A message that was pushed is looked for so many times, with so many seconds between.
_MAIL_LOOKS = 5
_MAIL_AGAIN = 2.0
# What is found within so many seconds of the last look is news; what is older only happened.
_NEWS = 150.0
# What was pushed and is older, by the clock of the exchange, is believed only if the proxy says so, too.
_STALE = 30.0
# Limit for floods of the webhook: further pushes are not believed without asking the proxy.
_MANY_PUSHES = 256
_MANY_CALLS = 16

CALLS = "/calls/{callId}"
CALL_LOG = "/calls"
VOICEMAILS = "/voicemails"


class MxLog:
    """What happens at one extension.

    Args:
        proxy: Asked.
        book: Knows who has a number.
        privacy: Whether names of people may be told.
        stored: Where an earlier life left off (``Delivery.cursor``).
        expects_pushes: A forwarder was set up.
        monotonic: A clock in seconds.

    Attributes:
        arrivals: Whether pushes arrive.
        looks: What is looked at: `CALLS`, `CALL_LOG` and `VOICEMAILS`.
        tracker: The live calls.
        journal: The log of calls, as far as it was read.
        mails: The messages, as the last look found them; None before the first.
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
        self._tell = EventMapper(book, privacy)
        self._privacy = privacy
        self._monotonic = monotonic
        self._clock = ServerClock()
        known = stored.get("voicemails")
        self._known_mails = None if known is None else set(texts(known))
        self._arrived = asyncio.Event()
        self._inbox: deque[CallEvent | MailEvent] = deque(maxlen=_MANY_PUSHES)
        self._doubtful: deque[CallEvent] = deque(maxlen=_MANY_CALLS)
        self._awaited: dict[VoicemailId, int] = {}
        self.poller = Poller(
            {
                CALLS: PollJob(self._look_at_calls, lambda: _CALL_LOOKS, self._has_calls, proves=False),
                CALL_LOG: PollJob(self._look_at_call_log, self._call_log_interval),
                VOICEMAILS: PollJob(self._look_at_voicemails, self._voicemail_interval),
            },
            self._arrived,
            monotonic,
            longest=_FAILED_LOOKS,
            probe=proxy.session.info,
        )
        self._deep_at = -inf
        self._out = EventBuffer(self.poller, monotonic, self.push_monitor)

    # -- what others tell ------------------------------------------------------------------------

    def hear(self, pushed: CallEvent | MailEvent) -> None:
        """Take what was pushed."""
        self._inbox.append(pushed)
        self._arrived.set()

    def tell(self, kind: str, changed: CallChanged | None) -> None:
        """Take what was done to a call from here, by the name of the event that the exchange has for it."""
        if changed is not None:
            self._out.add([self._tell.call(kind, changed)])
        self.poller.soon(CALLS, delay=_CALL_LOOKS)

    def keep(self) -> None:
        """Have what is known now written down with the next delivery, whether or not it tells of anything."""
        self._out.keep = True
        self._arrived.set()

    def presume_complete(self) -> None:
        """Look again at once at what could not be read."""
        self.poller.hasten()

    # -- following -------------------------------------------------------------------------------

    async def next(self) -> Delivery:
        """Return the next events, waiting for them for a while."""
        while True:
            heard = bool(self._inbox)
            while self._inbox:
                self._take(self._inbox.popleft())
            # What is heard while the proxy refuses or is away is no reason to ask it.
            if self._out or (heard and self.poller.interrupted):
                return self._delivery()
            self.poller.start()
            if self._out.heartbeat <= self._monotonic():
                return self._delivery()
            await self.poller.wait(self._out.heartbeat)
            try:
                self._out.missed = self.poller.finish() or self._out.missed
            except ExchangeUnreachable, ExchangeSilent, ServerSilent:
                self.push_monitor.interrupted()  # the proxy does not hear what it should push
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
        """Stop looking."""
        await self.poller.close()

    # -- pushes ----------------------------------------------------------------------------------

    def _take(self, pushed: CallEvent | MailEvent) -> None:
        """Take what was pushed; a call cannot wait until the proxy was asked."""
        self.push_monitor.received()
        if isinstance(pushed, MailEvent):
            if pushed.mail_id not in (self._known_mails or ()) and len(self._awaited) < _MANY_CALLS:
                self._awaited.setdefault(pushed.mail_id, _MAIL_LOOKS)
                self.poller.soon(VOICEMAILS)
            return
        if self.tracker.is_repeated(pushed):
            return
        crowded = len(self.tracker.sessions) >= _MANY_CALLS
        if crowded or self.tracker.needs_context(pushed) or self._is_stale(pushed):
            self._doubtful.append(pushed)
            self.poller.soon(CALLS)
            return
        self._believe(pushed)

    def _is_stale(self, pushed: CallEvent) -> bool:
        return pushed.timestamp is not None and abs(self._clock.age(pushed.timestamp)) > _STALE

    def _believe(self, event: CallEvent) -> None:
        """Tell of an event, if it changes anything."""
        if event.type in OWN_EVENTS:
            return  # these are not pushed
        if event.type not in STATES:
            self._out.add([self._tell.unknown(event)])
            return
        changed = self.tracker.told(event)
        if event.type == Kind.CLEARED:
            self.poller.soon(CALL_LOG, delay=_RECORD_DELAY)
        if changed is not None:
            self.poller.soon(CALLS, delay=_CALL_LOOKS)
            self._out.add([self._tell.call(event.type, changed, event)])

    # -- looks -----------------------------------------------------------------------------------

    def _has_calls(self) -> bool:
        return bool(self.tracker.sessions or self._doubtful)

    def _call_log_interval(self) -> float:
        return _UNANSWERED_LOOKS if self.tracker.unanswered else _CALL_LOG_LOOKS[bool(self.push_monitor)]

    def _voicemail_interval(self) -> float:
        return _MAIL_AGAIN if self._awaited else _VOICEMAIL_LOOKS[bool(self.push_monitor)]

    async def _look_at_calls(self) -> None:
        """Ask how the calls stand that are known, and whether there are those that are doubtful."""
        doubtful = [*self._doubtful]
        for session in dict.fromkeys([*self.tracker.sessions, *(event.call_id for event in doubtful)]):
            try:
                info = await self._proxy.calls.info(session)
            except NoSuchCall:
                info = None
            self._call_seen(session, info)
            for event in [event for event in doubtful if event.call_id == session]:
                if event in self._doubtful:
                    self._doubtful.remove(event)
                self._clear_up(event, info)

    def _call_seen(self, session: int, info: CallEvent | None) -> None:
        changed = self.tracker.looked(session, info)
        if changed is None:
            return
        if info is None:
            self._out.add([self._tell.call(Kind.CLEARED, changed)])
            self.poller.soon(CALL_LOG, delay=_RECORD_DELAY)
            return
        self._out.add([self._tell.call(info.type, changed, info)])

    def _clear_up(self, event: CallEvent, info: CallEvent | None) -> None:
        """Believe a doubtful event where the proxy agrees: it knows of the call, or, of one that is over, nothing."""
        if (info is None) != (event.type == Kind.CLEARED):
            _LOGGER.debug("Push ignored: the proxy reports a different state than %s for the call", event.type)
            return
        if info is not None and event.timestamp and event.timestamp == info.timestamp:
            self._clock.learn(event.timestamp)
        self._believe(event)

    async def _look_at_call_log(self) -> None:
        fresh = self.poller.age(CALL_LOG) <= _NEWS
        began = self._monotonic()
        deep = began - self._deep_at >= _DEEP_LOOKS
        records = await self._proxy.calls.log(self.journal.since(deep=deep))
        if not records:
            await self._prove()
        if deep:
            self._deep_at = began
        if not self.journal.has_begun:
            self.keep()
            self._out.missed = True  # the last call is known now
        for record, missed in self.journal.take(records):
            self._record_found(record, missed, fresh)

    async def _prove(self) -> None:
        """See that the exchange has answered: the proxy takes its silence for an empty log."""
        if not self.poller.fails(VOICEMAILS):
            try:
                await self.poller.now(VOICEMAILS)
            except IntercomError as err:
                if not is_refusal(err):
                    raise
        elif self.journal.is_empty:
            await self._book.contacts()
        else:
            # The newest record is read each time.
            raise ExchangeSilent(f"{CALL_LOG} has lost its newest record, and {VOICEMAILS} is not answered")

    def _record_found(self, record: LogRecord, missed: int, fresh: bool) -> None:
        if fresh and is_incoming(record):
            # A call is reported only after its ringing was reported, unless nothing is forwarded any more.
            self.push_monitor.missed((duration_of(record) or 0) + _NEWS)
        if fresh and not is_incoming(record):
            ended = self.tracker.logged(record.calling, record.called)
            if ended is not None:
                self._out.add([self._tell.call(Kind.CLEARED, ended)])
        self._out.add([self._tell.record(record, missed, late=not fresh)])

    async def _look_at_voicemails(self) -> None:
        fresh = self.poller.age(VOICEMAILS) <= _NEWS
        mails = neutral_mailbox(await self._proxy.voicemails.list(), self._privacy)
        before, self.mails = self.mails, mails
        if self._known_mails is None:
            self.keep()
        known = set(mails) if self._known_mails is None else self._known_mails
        news = [mail for key, mail in mails.items() if key not in known]
        self._known_mails = set(mails)
        for mail in news:
            self._out.add([self._tell.mail(mail, late=not fresh)])
        if before is not None and {**before, **{mail.id: mail for mail in news}} != mails:
            self._out.add([self._tell.mailbox(mails)])
        self._awaited = {key: tries - 1 for key, tries in self._awaited.items() if key not in mails and tries > 1}
