"""The events of an Akuvox: what it pushes at once, and what looks at its state and its logs find.

There is no log of everything. Action URLs tell of most things, where they are set up; ``call/status``,
the call log and the door log are looked at besides, often where nothing is pushed and now and then
where it is. Whatever tells first counts, and nothing twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
import logging
from math import inf
import time
from typing import Any, TypedDict

from ...api.akuvox import AkuvoxDevice
from ...api.akuvox.logs import CallRecord, DoorRecord
from ...api.errors import CommandFailed, ConnectionFailed, IntercomError, NotSupported, Overloaded, UnexpectedReply
from ...api.parse import integer, texts
from ...events import AccessDecided, AlarmChanged, CallChanged, Event, Fact, PortChanged, Restarted
from ...facets import Delivery
from ...model import Access, Alarm, CallState, Missing
from ..clocks import is_set
from ..looks import SAYS_NOTHING
from ..privacy import is_word
from .calls import READY, CallTracker
from .clock import DeviceClock
from .credentials import RECORDED_METHODS, Credentials, access_of, is_person, somebody
from .doors import AkuvoxDoors
from .journal import Journal
from .people import name_behind
from .push import CALL_EVENT, HANG_UP_EVENT, INPUT_EVENT, RELAY_EVENT, Pushed, alarm_of
from .wiring import LETTERS, RELAY_NUMBERS, Input, doors_named, input_named, relay_numbered

_LOGGER = logging.getLogger(__name__)

# Seconds between looks: alone, and beside events that are pushed.
_CALL_LOOKS = (2.0, 30.0)
_DOOR_LOG_LOOKS = (10.0, 60.0)
_CALL_LOG_LOOKS = (30.0, 60.0)
# A log without pages is read whole each time.
_WHOLE_LOG_LOOKS = 60.0
# A look that fails again and again waits twice as long each time, up to so many seconds.
_FAILED_LOOKS = 300.0
# The device writes its records a moment after what they tell of.
_RECORD_DELAY = 1.0
_RECORD_AGAIN = 2.0
# What is found within so many seconds of the last look is news; what is older only happened.
_NEWS = 90.0
# The alarms of an Akuvox have a beginning only.
_ALARM_LASTS = 60.0
# An empty delivery in so many seconds tells that the device is there.
_HEARTBEAT = 30.0
# Whoever floods the address is not heard to the end.
_MANY_PUSHES = 256
# Calls in a row that were not pushed leave no doubt.
_EVIDENCE = 2

RESTART_EVENT = "DeviceRestarted"
ALARM_OVER_EVENT = "AlarmOver"
CALL_STATUS_EVENT = "CallStatus"
CALL_LOG_EVENT = "CallLog"
DOOR_LOG_EVENT = "DoorLog"
UNRECORDED_EVENT = "AccessUnrecorded"


@dataclass(slots=True)
class _Look:
    """Something to look at: how, how often (alone, beside pushes), and when next by the monotonic clock."""

    take: Callable[[], Coroutine[Any, Any, list[Event]]]
    intervals: tuple[float, float]
    due: float = 0.0
    looked_at: float | None = None
    failures: int = 0


class AkuvoxLog:
    """What happens at one device.

    Args:
        device: The device.
        doors: Its doors, which know what a relay that moves means.
        tracker: Its calls.
        names: Whether names of people may be told.
        stored: Where an earlier life left off (``Delivery.cursor``).
        monotonic: A clock in seconds.
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
        """See the class."""
        self._device = device
        self._doors = doors
        self._tracker = tracker
        self._names = names
        self._monotonic = monotonic
        stored = stored or {}
        self._call_journal = Journal.from_json(stored.get("calls"))
        self._door_journal = Journal.from_json(stored.get("doors"))
        words = stored.get("words")
        tracker.commanded = self._commanded
        tracker.words |= words if isinstance(words, Mapping) else {}
        tracker.restore(stored.get("calls_told"))
        tracker.idle |= set(texts(stored.get("idle")))
        self.clock = DeviceClock(monotonic, integer(stored.get("zone")))
        # The inputs that are enabled, set with each description of the device.
        self.inputs: Mapping[str, Input] = {}
        # Whether pushes arrive: only the first one proves it.
        self._pushes_arrive = stored.get("pushes") is True
        self._pushes_lost: Missing | None = None
        self._inbox: deque[tuple[datetime, Pushed]] = deque(maxlen=_MANY_PUSHES)
        self._arrived = asyncio.Event()
        self._found: list[Event] = []
        self._looks: dict[str, _Look] = {}
        self._look: asyncio.Task[list[Event]] | None = None
        self._credentials = Credentials()
        self._alarms_end = _alarms_that_last(stored.get("alarms"), monotonic())
        self._interrupted = False
        # Whether the device itself has answered last, and not something in its place.
        self._speaks = True
        self._missed = False
        self._keep = False
        self._delivered_at = -inf

    # -- what there is to follow -----------------------------------------------------------------

    def follow(self, *, phone: bool, call_log: bool, door_log: bool, uptime: int | None) -> None:
        """Say what the device has; asked for again, what is followed already goes on."""
        wanted: dict[str, tuple[Callable[[], Coroutine[Any, Any, list[Event]]], tuple[float, float]]] = {}
        if phone:
            wanted[CALL_STATUS_EVENT] = (self._look_at_call, _CALL_LOOKS)
        if call_log and phone:
            wanted[CALL_LOG_EVENT] = (self._look_at_call_log, _CALL_LOG_LOOKS)
        if door_log:
            wanted[DOOR_LOG_EVENT] = (self._look_at_door_log, _DOOR_LOG_LOOKS)
        self._looks = {name: self._looks.get(name) or _Look(*how) for name, how in wanted.items()}
        if self.clock.has_restarted(uptime):
            self._found.append(self._restarted())
            self._arrived.set()

    def hear(self, pushed: Pushed) -> None:
        """Take what the device has pushed."""
        self._inbox.append((datetime.now(UTC), pushed))
        self._arrived.set()

    def _commanded(self) -> None:
        """Look soon at the call that was begun or ended from here: nothing else may tell of its end."""
        self._look_soon(CALL_STATUS_EVENT, _CALL_LOOKS[0])
        self._arrived.set()

    def expect_pushes(self, lost: Missing | None) -> None:
        """Say that the device shall push, and what it lacks if it does not; None where it shall not."""
        self._pushes_lost = lost

    def is_alarmed(self, alarm: Alarm) -> bool:
        """Return whether an alarm has begun not long ago."""
        return alarm in self._alarms_end

    def presume_complete(self) -> None:
        """Forget that pushes did not arrive."""
        self._tracker.unpushed = 0

    @property
    def _live(self) -> bool:
        return self._pushes_arrive and self._pushes_lost is not None

    # -- following -------------------------------------------------------------------------------

    async def next(self) -> Delivery:
        """Return the next events, waiting for them for a while.

        Raises:
            IntercomError: The device is out of reach or refuses; what it pushes is heard all the same.
        """
        while True:
            # Before a cursor is told of: the look has moved it already.
            if self._look is not None and self._look.done():
                events = self._finish_look(self._look)
                if events or self._missed or self._keep:
                    return self._delivery(events)
            if events := [*self._take_pushed(), *self._take_overdue()]:
                return self._delivery(events)
            if self._look is None:
                self._look = self._begin_look()
            if self._heartbeat <= self._monotonic():
                return self._delivery([])
            await self._wait()

    @property
    def _heartbeat(self) -> float:
        """When to tell that nothing has happened: once all has been looked at, and again in a while."""
        all_seen = self._looks and all(look.looked_at is not None or look.failures for look in self._looks.values())
        return self._delivered_at + _HEARTBEAT if all_seen and not self._interrupted else inf

    def _begin_look(self) -> asyncio.Task[list[Event]] | None:
        # The one that waits longest: a slow device gets to all of them.
        name = min(self._looks, key=lambda name: self._looks[name].due, default=None)
        if name is None or (self._looks[name].due > self._monotonic() and not self._interrupted):
            return None
        take = self._look_for_restart if self._interrupted else self._looks[name].take
        task = asyncio.create_task(take(), name="" if self._interrupted else name)
        task.add_done_callback(lambda _: self._arrived.set())
        return task

    def _finish_look(self, task: asyncio.Task[list[Event]]) -> list[Event]:
        """Return what a look has found; a failed one is taken again, and keeps none of the others from being taken."""
        self._look = None
        name = task.get_name()
        look = self._looks.get(name)
        try:
            events = task.result()
        except (CommandFailed, NotSupported, Overloaded, UnexpectedReply) as err:
            _LOGGER.debug("A look at %s failed: %s", name or "the device", err)
            self._speaks = not isinstance(err, SAYS_NOTHING)
            if look is not None:
                self._put_off(name, look, wish=err.retry_after)
            if not self._speaks and (look is None or all(look.failures for look in self._looks.values())):
                self._interrupted = True  # what answers everything with a page is not back
                raise
            if look is not None:
                return []
            events = []  # it answers
        except IntercomError as err:
            self._speaks = False
            self._interrupted = True
            if look is not None and isinstance(err, ConnectionFailed):
                self._put_off(name, look, at_first=0.0)
            raise
        self._speaks = True
        if self._interrupted:
            self._interrupted, self._missed = False, True
        if look is not None:
            look.failures = 0
            look.looked_at = self._monotonic()
            look.due = look.looked_at + self._interval(name, look)
        return events

    def _put_off(self, name: str, look: _Look, at_first: float = 1.0, wish: float | None = None) -> None:
        factor = 2.0 ** min(look.failures, 10) if look.failures else at_first
        look.failures += 1
        look.due = self._monotonic() + max(min(self._interval(name, look) * factor, _FAILED_LOOKS), wish or 0.0)

    def _interval(self, name: str, look: _Look) -> float:
        alone, beside = look.intervals
        if name == CALL_STATUS_EVENT and self._tracker.in_call:
            return alone
        if name == DOOR_LOG_EVENT and self._credentials.deadlines:
            return _RECORD_AGAIN
        journal = {CALL_LOG_EVENT: self._call_journal, DOOR_LOG_EVENT: self._door_journal}.get(name)
        if journal is not None and journal.more:
            return 0.0
        if journal is not None and not journal.paged:
            return max(_WHOLE_LOG_LOOKS, alone)
        return beside if self._live else alone

    def _look_soon(self, name: str, delay: float = 0.0) -> None:
        look = self._looks.get(name)
        if look is not None and not look.failures:
            look.due = min(look.due, self._monotonic() + delay)

    async def _wait(self) -> None:
        """Wait for a push, the end of a look, or the time of the next one."""
        times = [*self._alarms_end.values(), *self._credentials.deadlines]
        if self._look is None:
            times += [-inf if self._interrupted else look.due for look in self._looks.values()]
        wait = min([*times, self._heartbeat]) - self._monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wait == inf else max(0.0, wait)):
                await self._arrived.wait()
        self._arrived.clear()

    def _delivery(self, events: list[Event]) -> Delivery:
        missed, self._missed = self._missed, False
        keep, self._keep = self._keep, False
        self._delivered_at = self._monotonic()
        certain = self._tracker.unpushed >= _EVIDENCE and self._pushes_lost is not None
        if self._tracker.unpushed and self._pushes_lost is not None:
            self._pushes_arrive = False
        cursor = {
            "calls": self._call_journal.as_json(),
            "doors": self._door_journal.as_json(),
            "words": dict(self._tracker.words),
            "idle": sorted(self._tracker.idle),
            "calls_told": self._tracker.as_store(),
            "zone": self.clock.seconds_ahead,
            "pushes": self._pushes_arrive,
            "alarms": {alarm.value: time.time() + end - self._delivered_at for alarm, end in self._alarms_end.items()},
        }
        withheld = frozenset({self._pushes_lost} if certain and self._pushes_lost is not None else ())
        ends = min([*self._alarms_end.values(), *self._credentials.deadlines], default=None)
        return Delivery(
            tuple(events),
            missed,
            cursor,
            withheld,
            self._live,
            keep=keep,
            answered=self._speaks and not self._interrupted,
            again=None if ends is None else max(0.0, ends - self._delivered_at),
        )

    async def close(self) -> None:
        """Stop looking."""
        look, self._look = self._look, None
        if look is not None:
            look.cancel()
            with suppress(asyncio.CancelledError, IntercomError):
                await look

    # -- pushes ----------------------------------------------------------------------------------

    def _take_pushed(self) -> list[Event]:
        """Return what was pushed since the last time."""
        events: list[Event] = []
        while self._inbox:
            when, pushed = self._inbox.popleft()
            self._pushes_arrive = True
            data = {} if pushed.number is None else {"remote": pushed.number}
            events.append(Event(pushed.event, when, data, facts=self._facts(pushed, when)))
        return events

    def _facts(self, pushed: Pushed, when: datetime) -> tuple[Fact, ...]:
        event = pushed.event
        if event == CALL_EVENT:
            # Who answers, and when it ends, only looks tell for sure.
            self._look_soon(CALL_STATUS_EVENT, _CALL_LOOKS[0])
            return self._tracker.made(pushed.number)
        if event == HANG_UP_EVENT:
            self._look_soon(CALL_LOG_EVENT, _RECORD_DELAY)
            return self._tracker.hung()
        if (alarm := alarm_of(event)) is not None:
            return self._alarm(alarm)
        if (found := RELAY_EVENT.fullmatch(event)) is not None:
            door = relay_numbered(self._doors.relays, RELAY_NUMBERS[found[1] or LETTERS[0]])
            return () if door is None else self._doors.moved(door, found[2] == "Triggered")
        if (found := INPUT_EVENT.fullmatch(event)) is not None:
            return (PortChanged(input_named(self.inputs, found[1] or LETTERS[0]), found[2] == "Triggered"),)
        return self._credential(event, when)

    def _alarm(self, alarm: Alarm) -> tuple[Fact, ...]:
        self._alarms_end[alarm] = self._monotonic() + _ALARM_LASTS
        return (AlarmChanged(alarm, True),)

    def _credential(self, event: str, when: datetime) -> tuple[Fact, ...]:
        access = access_of(event, when)
        # The relay may have moved without a push of its own (field notes 4.4).
        self._missed = self._missed or access.granted
        if DOOR_LOG_EVENT not in self._looks:
            return (AccessDecided(access),)
        self._look_soon(DOOR_LOG_EVENT, _RECORD_DELAY / 2)
        self._credentials.push(event, access, self._monotonic())
        return ()

    def _take_overdue(self) -> list[Event]:
        """Return what was found beside the looks, the alarms that are over, and credentials without a record."""
        now = self._monotonic()
        events, self._found = self._found, []
        if changes := self._tracker.untold():
            events.append(Event(CALL_STATUS_EVENT, datetime.now(UTC), facts=changes))
        for alarm in [alarm for alarm, end in self._alarms_end.items() if end <= now]:
            del self._alarms_end[alarm]
            over = AlarmChanged(alarm, False)
            events.append(Event(ALARM_OVER_EVENT, datetime.now(UTC), {"alarm": alarm.value}, facts=(over,)))
        for credential in self._credentials.take_overdue(now):
            facts = (AccessDecided(credential.access),)
            events.append(Event(UNRECORDED_EVENT, credential.access.time, {"event": credential.event}, facts=facts))
        return events

    # -- looks -----------------------------------------------------------------------------------

    async def _look_at_call(self) -> list[Event]:
        asked_at = self._monotonic()
        self._tracker.pushes_calls = self._live
        word = await self._device.call.status() or READY
        facts = self._tracker.looked(word, asked_at)
        if any(fact.state is CallState.TERMINATED for fact in facts):
            self._look_soon(CALL_LOG_EVENT, _RECORD_DELAY)
        return (
            [Event(CALL_STATUS_EVENT, datetime.now(UTC), {"status": word} if is_word(word) else {}, facts=facts)]
            if facts
            else []
        )

    async def _look_at_call_log(self) -> list[Event]:
        fresh = self._is_fresh(CALL_LOG_EVENT) and not self._call_journal.more
        begins = not self._call_journal.known

        async def page(number: int) -> tuple[CallRecord, ...]:
            return await self._device.call_log.get(page=number)

        records = await self._call_journal.news(page)
        self._keep = self._keep or begins
        return [self._call_event(record, fresh) for record in records]

    def _call_event(self, record: CallRecord, fresh: bool) -> Event:
        when, age = self.clock.time_of(record.when, fresh)
        facts: tuple[CallChanged, ...] = self._tracker.logged(record) if fresh else ()
        data: dict[str, object] = {"type": record.kind.value, "number": record.number}
        if self._names:
            data["name"] = record.name
        return Event(CALL_LOG_EVENT, when, data, late=not fresh, facts=facts, age=age, **_numbered("call", record))

    async def _look_at_door_log(self) -> list[Event]:
        fresh = self._is_fresh(DOOR_LOG_EVENT) and not self._door_journal.more
        # Moved once its records can be handed on: a question follows for some of them.
        journal = replace(self._door_journal)

        async def page(number: int) -> tuple[DoorRecord, ...]:
            return await self._device.door_log.get(page=number)

        records = await journal.news(page)
        if fresh and any(record.granted for record in records):
            self._missed = True  # nothing else tells that the door was released
        events = [self._access_event(record, fresh, await self._who(record, fresh)) for record in records]
        self._keep = self._keep or not self._door_journal.known
        self._door_journal = journal
        return events

    async def _who(self, record: DoorRecord, fresh: bool) -> str | None:
        """Return who came in or was refused, None where that is not known or not to be told."""
        if not self._names:
            return None
        known = somebody(record)
        if known is not None or not (fresh and record.granted and record.code):
            return known
        return await name_behind(self._device, record.code)

    def _access_event(self, record: DoorRecord, fresh: bool, who: str | None) -> Event:
        when, age = self.clock.time_of(record.when, fresh)
        method = RECORDED_METHODS.get(record.method)
        doors = doors_named(self._doors.relays, record.relay)
        data = {"name": who, "method": method, "granted": record.granted, "doors": doors}
        granted = record.granted if is_person(record) else None
        facts: tuple[Fact, ...] = ()
        if granted is not None and not self._credentials.is_told(granted, method, self._monotonic()):
            facts = (AccessDecided(Access(when, granted, name=who, method=method, entrance=", ".join(doors) or None)),)
        return Event(DOOR_LOG_EVENT, when, data, late=not fresh, facts=facts, age=age, **_numbered("door", record))

    def _is_fresh(self, name: str) -> bool:
        """Return whether what a look finds has only just happened."""
        looked_at = self._looks[name].looked_at
        return looked_at is not None and self._monotonic() - looked_at <= _NEWS

    async def _look_for_restart(self) -> list[Event]:
        """Look, after the device was out of reach, whether it has restarted."""
        try:
            status = await self._device.system.status()
        except NotSupported:
            return []
        return [self._restarted()] if self.clock.has_restarted(status.uptime) else []

    def _restarted(self) -> Event:
        self._tracker.restart()
        self._alarms_end.clear()
        return Event(RESTART_EVENT, datetime.now(UTC), facts=(Restarted(),))


def _is_clocked(record: CallRecord | DoorRecord) -> bool:
    return record.when is None or is_set(record.when)


def _alarms_that_last(stored: object, now: float) -> dict[Alarm, float]:
    """Return when alarms end that began in an earlier life, by the monotonic clock; ``stored`` tells Unix seconds."""
    left = {
        Alarm(alarm): end - time.time()
        for alarm, end in (stored.items() if isinstance(stored, Mapping) else ())
        if alarm in Alarm and isinstance(end, int | float)
    }
    return {alarm: now + min(seconds, _ALARM_LASTS) for alarm, seconds in left.items() if seconds > 0}


class _Numbered(TypedDict):
    id: str
    sequence: int | None
    clocked: bool


def _numbered(log: str, record: CallRecord | DoorRecord) -> _Numbered:
    """Return what tells a record from all others: its number counts from 1 after the log was emptied, so its time, too."""
    when = "" if record.when is None else record.when.isoformat()
    return {
        "id": f"{log}-{when}-{record.id or ''}",
        "sequence": integer(record.id),
        "clocked": _is_clocked(record),
    }
