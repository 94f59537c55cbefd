"""The events of an extension: what is pushed at once, and what looks at its calls, their log and the mailbox find.

The proxy pushes to telephones only; somebody may forward that to Home Assistant. Besides, the log of calls and the
mailbox are looked at now and then, and a live call that is known is followed to its end. Whatever tells first counts,
and nothing twice. A push may come from anybody: it is told at once, and then the proxy is asked.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
import logging
from math import inf
import time
from typing import Any

from ...api.errors import (
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NoAnswer,
    NoSuchCall,
    NotSupported,
    UnexpectedReply,
)
from ...api.mx_proxy import MxProxy
from ...api.mx_proxy.calls import LogRecord
from ...api.mx_proxy.events import CallEvent, Kind, MailEvent
from ...api.parse import texts
from ...events import CallChanged, Event
from ...facets import Delivery
from ...model import Voicemail, VoicemailId
from ..privacy import Privacy
from .directory import MxPhoneBook
from .mailbox import neutral_mailbox
from .moments import ServerClock
from .records import CallJournal, duration_of, is_incoming
from .telling import OWN_EVENTS, Teller
from .tracker import STATES, CallTracker

_LOGGER = logging.getLogger(__name__)

# Seconds between looks: alone, and beside events that are pushed.
_CALL_LOG_LOOKS = (30.0, 60.0)
_VOICEMAIL_LOOKS = (30.0, 60.0)
_CALL_LOOKS = 2.0
# While a call goes out that nobody has answered, only its record tells that it gave up.
_UNANSWERED_LOOKS = 10.0
# Seconds between looks that reach back a day.
_DEEP_LOOKS = 3600.0
# A look that fails again and again waits twice as long each time, up to so many seconds.
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
# Whoever floods the address of the webhook is not heard to the end, and believed no more without a question.
_MANY_PUSHES = 256
_MANY_CALLS = 16
# An empty delivery in so many seconds tells that the proxy is there.
_HEARTBEAT = 30.0

CALLS = "calls"
CALL_LOG = "call_log"
VOICEMAILS = "voicemails"


@dataclass(slots=True)
class _Look:
    """Something to look at: how, and when next by the monotonic clock; ``task`` while it is being done."""

    take: Callable[[], Coroutine[Any, Any, None]]
    due: float = 0.0
    looked_at: float | None = None
    failures: int = 0
    task: asyncio.Task[None] | None = None


class MxLog:
    """What happens at one extension.

    Args:
        proxy: Asked.
        book: Knows who has a number.
        privacy: Whether names of people may be told.
        stored: Where an earlier life left off (``Delivery.cursor``).
        monotonic: A clock in seconds.

    Attributes:
        tracker: The live calls.
        journal: The log of calls, as far as it was read.
        mails: The messages, as the last look found them; None before the first.
    """

    def __init__(
        self,
        proxy: MxProxy,
        book: MxPhoneBook,
        privacy: Privacy,
        *,
        stored: Mapping[str, object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """See the class."""
        stored = stored or {}
        self.tracker = CallTracker(monotonic)
        self.journal = CallJournal(stored.get("calls"))
        self.mails: Mapping[VoicemailId, Voicemail] | None = None
        self._proxy = proxy
        self._tell = Teller(book, privacy)
        self._privacy = privacy
        self._monotonic = monotonic
        self._clock = ServerClock()
        known = stored.get("voicemails")
        self._known_mails = None if known is None else set(texts(known))
        self._pushes_arrive = stored.get("pushes") is True
        self._pushed_at = -inf
        self._arrived = asyncio.Event()
        self._inbox: deque[CallEvent | MailEvent] = deque(maxlen=_MANY_PUSHES)
        self._doubtful: deque[CallEvent] = deque(maxlen=_MANY_CALLS)
        self._awaited: dict[VoicemailId, int] = {}
        self._found: list[Event] = []
        self._looks = {
            CALLS: _Look(self._look_at_calls),
            CALL_LOG: _Look(self._look_at_call_log),
            VOICEMAILS: _Look(self._look_at_voicemails),
        }
        self._deep_at = -inf
        self._interrupted = False
        self._missed = False
        self._kept = True
        self._delivered_at = -inf

    # -- what others tell ------------------------------------------------------------------------

    def hear(self, pushed: CallEvent | MailEvent) -> None:
        """Take what was pushed."""
        self._inbox.append(pushed)
        self._arrived.set()

    def tell(self, kind: str, changed: CallChanged | None) -> None:
        """Take what was done to a call from here, by the name of the event that the exchange has for it."""
        if changed is not None:
            self._found.append(self._tell.call(kind, changed))
        self.look_soon(CALLS, _CALL_LOOKS)

    def look_soon(self, name: str, delay: float = 0.0) -> None:
        """Have something looked at before its time."""
        look = self._looks.get(name)
        if look is not None and not look.failures:
            look.due = min(look.due, self._monotonic() + delay)
        self._arrived.set()

    def keep(self) -> None:
        """Have what is known now written down with the next delivery, whether or not it tells of anything."""
        self._kept = False
        self._arrived.set()

    def presume_complete(self) -> None:
        """Do nothing: the exchange keeps nothing from the account."""

    @property
    def pushes_arrive(self) -> bool:
        """Return whether events are forwarded to Home Assistant, as far as that shows."""
        return self._pushes_arrive

    # -- connecting ------------------------------------------------------------------------------

    async def look_at(self, name: str, patience: float | None = None) -> None:
        """Look at something now; what is new is told later on.

        Args:
            name: What to look at.
            patience: Seconds to wait for it; it goes on afterwards. None waits to the end.

        Raises:
            IntercomError: It failed.
        """
        look = self._looks[name]
        if look.task is None:
            self._start(look)
        task = look.task
        assert task is not None
        await asyncio.wait((task,), timeout=patience)
        if task.done():
            if task.cancelled():
                raise NoAnswer("nobody looks any more")
            error = task.exception()
            if look.task is task:
                look.task = None
                self._reckon(name, look, error)
            if error is not None:
                raise error

    # -- following -------------------------------------------------------------------------------

    async def next(self) -> Delivery:
        """Return the next events, waiting for them for a while.

        Raises:
            IntercomError: The proxy is out of reach or refuses; what is pushed is heard all the same.
        """
        while True:
            heard = bool(self._inbox)
            while self._inbox:
                self._take(self._inbox.popleft())
            # What is heard while the proxy refuses or is away is no reason to ask it.
            if self._found or self._missed or not self._kept or (heard and self._interrupted):
                return self._delivery()
            self._start_due()
            if self._heartbeat <= self._monotonic():
                return self._delivery()
            await self._wait()
            self._finish()

    @property
    def _heartbeat(self) -> float:
        """When to tell that nothing has happened: once all has been looked at, and again in a while."""
        steady = (look for name, look in self._looks.items() if name != CALLS)
        all_seen = all(look.looked_at is not None or look.failures for look in steady)
        return self._delivered_at + _HEARTBEAT if all_seen and not self._interrupted else inf

    @property
    def _has_calls(self) -> bool:
        return bool(self.tracker.sessions or self._doubtful)

    def _wanted(self) -> dict[str, _Look]:
        """Return what there is to look at now, and does not happen yet."""
        return {
            name: look for name, look in self._looks.items() if look.task is None and (name != CALLS or self._has_calls)
        }

    def _start_due(self) -> None:
        wanted = self._wanted()
        if not self._interrupted:
            for look in wanted.values():
                if look.due <= self._monotonic():
                    self._start(look)
        elif all(look.task is None for look in self._looks.values()):
            # One is enough to see whether it is there again.
            steady = [look for name, look in wanted.items() if name != CALLS]
            self._start(min(steady, key=lambda look: look.due))

    def _start(self, look: _Look) -> None:
        look.due = inf  # whoever wants it again meanwhile, says so
        look.task = asyncio.create_task(look.take())
        look.task.add_done_callback(lambda _: self._arrived.set())

    async def _wait(self) -> None:
        """Wait for a push, the end of a look, or the time of the next one."""
        dues = () if self._interrupted else (look.due for look in self._wanted().values())
        wait = min([*dues, self._heartbeat]) - self._monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wait == inf else max(0.0, wait)):
                await self._arrived.wait()
        self._arrived.clear()

    def _finish(self) -> None:
        """See what became of the looks.

        Raises:
            IntercomError: The proxy is out of reach.
        """
        failure: IntercomError | None = None
        answered = False
        for name, look in list(self._looks.items()):
            if look.task is None or not look.task.done():
                continue
            task, look.task = look.task, None
            error = task.exception()
            self._reckon(name, look, error)
            if error is not None and not isinstance(error, IntercomError):
                raise error  # a fault of ours
            answered = answered or not isinstance(error, ConnectionFailed)
            if error is not None and not self._is_mere_hiccup(error):
                failure = error
        if failure is not None:
            self._interrupted = True
            raise failure
        if self._interrupted and answered:
            self._interrupted, self._missed = False, True

    def _is_mere_hiccup(self, error: IntercomError) -> bool:
        """Return whether only one look has failed, and the others are worth taking all the same."""
        if isinstance(error, CommandFailed | NotSupported | UnexpectedReply):
            return True
        # The exchange is silent now and then; where nothing else works either, it is away.
        others = [look for name, look in self._looks.items() if name != CALLS]
        return isinstance(error, NoAnswer) and not all(look.failures for look in others)

    def _reckon(self, name: str, look: _Look, error: BaseException | None) -> None:
        """Note what became of a look, and when it is to be taken again."""
        now = self._monotonic()
        if error is None:
            look.failures = 0
            look.looked_at = now
            look.due = min(look.due, now + self._interval(name))
            return
        _LOGGER.debug("A look at %s failed: %s", name, error)
        look.due = now + min(self._interval(name) * 2.0 ** min(look.failures, 10), _FAILED_LOOKS)
        look.failures += 1

    def _interval(self, name: str) -> float:
        if name == CALLS:
            return _CALL_LOOKS
        if name == VOICEMAILS:
            return _MAIL_AGAIN if self._awaited else _VOICEMAIL_LOOKS[self._pushes_arrive]
        return _UNANSWERED_LOOKS if self.tracker.unanswered else _CALL_LOG_LOOKS[self._pushes_arrive]

    def _delivery(self) -> Delivery:
        events, self._found = self._found, []
        missed, self._missed = self._missed, False
        keep, self._kept = not self._kept, True
        self._delivered_at = self._monotonic()
        cursor: dict[str, object] = {
            "calls": self.journal.as_json(),
            "voicemails": None if self._known_mails is None else sorted(self._known_mails),
            "pushes": self._pushes_arrive,
        }
        return Delivery(tuple(events), missed, cursor, keep=keep, answered=not self._interrupted)

    async def close(self) -> None:
        """Stop looking."""
        tasks = [look.task for look in self._looks.values() if look.task is not None]
        for look in self._looks.values():
            look.task, look.due = None, 0.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- pushes ----------------------------------------------------------------------------------

    def _take(self, pushed: CallEvent | MailEvent) -> None:
        """Take what was pushed; a call cannot wait until the proxy was asked."""
        if not self._pushes_arrive:
            _LOGGER.debug("Pushes arrive")
        self._pushes_arrive = True
        self._pushed_at = self._monotonic()
        if isinstance(pushed, MailEvent):
            if pushed.mail_id not in (self._known_mails or ()) and len(self._awaited) < _MANY_CALLS:
                self._awaited.setdefault(pushed.mail_id, _MAIL_LOOKS)
                self.look_soon(VOICEMAILS)
            return
        if self.tracker.is_repeated(pushed):
            return
        crowded = len(self.tracker.sessions) >= _MANY_CALLS
        if crowded or self.tracker.needs_context(pushed) or self._is_stale(pushed):
            self._doubtful.append(pushed)
            self.look_soon(CALLS)
            return
        self._believe(pushed)

    def _is_stale(self, pushed: CallEvent) -> bool:
        return pushed.timestamp is not None and abs(self._clock.age(pushed.timestamp)) > _STALE

    def _believe(self, event: CallEvent) -> None:
        """Tell of an event, if it changes anything."""
        if event.type in OWN_EVENTS:
            return  # nobody pushes these
        if event.type not in STATES:
            self._found.append(self._tell.unknown(event))
            return
        changed = self.tracker.told(event)
        if event.type == Kind.CLEARED:
            self.look_soon(CALL_LOG, _RECORD_DELAY)
        if changed is not None:
            self.look_soon(CALLS, _CALL_LOOKS)
            self._found.append(self._tell.call(event.type, changed, event))

    # -- looks -----------------------------------------------------------------------------------

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
            self._found.append(self._tell.call(Kind.CLEARED, changed))
            self.look_soon(CALL_LOG, _RECORD_DELAY)
            return
        self._found.append(self._tell.call(info.type, changed, info))

    def _clear_up(self, event: CallEvent, info: CallEvent | None) -> None:
        """Believe a doubtful event where the proxy agrees: it knows of the call, or, of one that is over, nothing."""
        if (info is None) != (event.type == Kind.CLEARED):
            _LOGGER.debug("A push told %s of a call of which the proxy tells something else", event.type)
            return
        if info is not None and event.timestamp and event.timestamp == info.timestamp:
            self._clock.learn(event.timestamp)
        self._believe(event)

    async def _look_at_call_log(self) -> None:
        fresh = self._is_fresh(CALL_LOG)
        began = self._monotonic()
        deep = began - self._deep_at >= _DEEP_LOOKS
        records = await self._proxy.calls.log(self.journal.since(deep=deep))
        if deep:
            self._deep_at = began
        if not self.journal.has_begun:
            self.keep()
            self._missed = True  # the last call is known now
        for record, missed in self.journal.take(records):
            self._record_found(record, missed, fresh)

    def _record_found(self, record: LogRecord, missed: int, fresh: bool) -> None:
        if fresh and is_incoming(record):
            # Nobody tells of a call without having told that it rang, unless nothing is forwarded any more.
            lasted = (duration_of(record) or 0) + _NEWS
            self._pushes_arrive = self._pushes_arrive and self._monotonic() - self._pushed_at <= lasted
        if fresh and not is_incoming(record):
            ended = self.tracker.logged(record.calling, record.called)
            if ended is not None:
                self._found.append(self._tell.call(Kind.CLEARED, ended))
        self._found.append(self._tell.record(record, missed, late=not fresh))

    async def _look_at_voicemails(self) -> None:
        fresh = self._is_fresh(VOICEMAILS)
        mails = neutral_mailbox(await self._proxy.voicemails.list(), self._privacy)
        before, self.mails = self.mails, mails
        if self._known_mails is None:
            self.keep()
        known = set(mails) if self._known_mails is None else self._known_mails
        news = [mail for key, mail in mails.items() if key not in known]
        self._known_mails = set(mails)
        for mail in news:
            self._found.append(self._tell.mail(mail, late=not fresh))
        if before is not None and {**before, **{mail.id: mail for mail in news}} != mails:
            self._found.append(self._tell.mailbox(mails))
        self._awaited = {key: tries - 1 for key, tries in self._awaited.items() if key not in mails and tries > 1}

    def _is_fresh(self, name: str) -> bool:
        """Return whether what a look finds has only just happened."""
        looked_at = self._looks[name].looked_at
        return looked_at is not None and self._monotonic() - looked_at <= _NEWS
