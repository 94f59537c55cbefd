"""Event log of a 2N: records with their boot, gaps, the cursor, and withheld events (HTTP API 5.10)."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import batched, chain
import logging

from ...model.events import CallChanged, Event, Restarted
from ...model.features import PORTION, Delivery
from ...model.state import Missing
from ..common.errors import IntercomError
from ..common.parse import fields, integer, text
from ..common.privacy import Privacy
from .calls import KEY_EVENT, Visitors
from .client.cursor import Batch, Cursor, EventKey, GapReason, LogEvent, Reading
from .client.log import LogReader
from .client.protocol import Privilege
from .events import CREDENTIAL_EVENTS, DECISION_DELAY, DECISION_EVENTS, Credentials, gap_event, neutral_event, undecided
from .privacy import shows

_LOGGER = logging.getLogger(__name__)

# Seconds within which the record of a call's session follows that of its first leg, and a decision its credential.
_RECORD_DELAY = 1


# A clock before this time counts as unset: it starts at 1970 after every boot, so the boots look alike.
_CLOCK_SET = datetime(2010, 1, 1, tzinfo=UTC).timestamp()

KEYPAD = Missing("privilege", Privilege.KEYPAD_MONITORING)
CARDS = Missing("privilege", Privilege.UID_MONITORING)

# A code consists of at least two keys pressed and released, and the code itself; a card is one record.
_CODE_RECORDS = 5
_CARD_RECORDS = 1
# A single gap may have other causes; a repeated one indicates a missing privilege.
_EVIDENCE = 2

# Events that need the privilege: receiving one refutes the evidence so far.
_PROOF = {"KeyPressed": KEYPAD, "KeyReleased": KEYPAD, "CodeEntered": KEYPAD, "CardEntered": CARDS}
_LISTED = {KEYPAD: "KeyPressed", CARDS: "CardEntered"}


class Boots:
    """Assigns a name to each boot of the device.

    The name is derived from the first event read of the boot, ``utcTime`` minus ``upTime``; reading that event again
    after a crash gives the same name. Setting the clock does not change it. Without a clock, it contains a number.

    Args:
        stored: Result of ``as_json`` in the previous run.
    """

    def __init__(self, stored: object = None) -> None:
        known = fields(stored)
        self._number = integer(known.get("number")) or 0
        self.name = text(known.get("name"))

    def as_json(self) -> dict[str, object]:
        """Return the data to store."""
        return {"name": self.name, "number": self._number}

    def observe(self, batch: Batch, last_id: int | None) -> None:
        """Determine the boot of a batch; ``last_id`` is the id of the last event before it."""
        if (batch.gap is not None and batch.gap.reason is GapReason.RESTART) or _ids_restarted(batch.readings, last_id):
            self.name = None
        if self.name is not None or not batch.readings:
            return
        first = batch.readings[0].event
        start = first.utc_time - first.up_time
        self._number += 1
        self.name = str(start) if start >= _CLOCK_SET else f"{max(start, 0)}-{self._number}"


def _ids_restarted(readings: Sequence[Reading], last_id: int | None) -> bool:
    return bool(readings) and last_id is not None and readings[0].event.id <= last_id


class TwoNLog:
    """Event log in the neutral model.

    Args:
        privacy: Fields that may be shown.
        reported: Event types that the device can record.
        stored: Cursor of the previous run.
    """

    local = True
    replays = True

    def __init__(
        self,
        reader: LogReader,
        privacy: Privacy,
        reported: frozenset[str],
        stored: Mapping[str, object] | None = None,
    ) -> None:
        self.reader = reader
        self._boots = Boots((stored or {}).get("boot"))
        self._portions: deque[Callable[[], Delivery]] = deque()
        self._privacy = privacy
        self._withheld = WithheldEvents(reported)
        self._visitors = Visitors(reported)
        self._credentials = Credentials()
        self._restarted = False

    async def set_event_types(self, reported: frozenset[str]) -> None:
        """Change the event types without losing events; an empty set changes nothing."""
        if reported:
            self._withheld.listed = self._visitors.listed = reported
            await self.reader.set_event_types(reported)

    def set_exact(self, exact: bool) -> None:
        """Set whether only records of keys and cards may be missing from the log."""
        self._withheld.exact = exact

    async def reach(self) -> None:
        """Check that the device accepts connections."""
        await self.reader.reach()

    def take_restart(self) -> bool:
        """Return whether a restart was read since the last call."""
        restarted, self._restarted = self._restarted, False
        return restarted

    def recheck(self) -> None:
        """Discard the conclusions drawn from missing records."""
        self._withheld = WithheldEvents(self._withheld.listed, exact=self._withheld.exact)

    async def next(self) -> Delivery:
        """Return the next log events; wait up to a minute for them."""
        if not self._portions:
            self._portions.extend(await self._read())
        return self._portions.popleft()()

    async def _read(self) -> list[Callable[[], Delivery]]:
        """Read the log once; return the events in portions, each with the cursor behind its last event."""
        before, poll = self.reader.cursor, self.reader.poll
        self._visitors.resume(before.last if before is not None else None)
        batch = await self.reader.read()
        if batch.gap is not None:
            self._withheld.reset()
        self._see(batch.readings)
        live = [reading.event for reading in batch.readings if not reading.late]
        if any(map(self._visitors.needs_session_record, live)) or (self._reports_decisions and undecided(live)):
            batch = await self._with_following(batch)
        self._boots.observe(batch, before.last.id if before is not None and before.last is not None else None)
        portions = _portions(batch.readings)
        deciding = undecided(reading.event for reading in batch.readings)

        def deliver(number: int) -> Delivery:
            portion, gap = portions[number], batch.gap if number == 0 else None
            events = self._events(portion, deciding)
            if gap is not None:
                events = (gap_event(gap, self._boots.name), *events)
            facts = chain.from_iterable(event.facts for event in events)
            self._restarted = self._restarted or any(isinstance(fact, Restarted) for fact in facts)
            if number < len(portions) - 1:
                return Delivery(events, False, self._cursor(before, portion[-1].event), more=True)
            learned = self.reader.poll != poll
            return Delivery(events, batch.resumed, self._cursor(), self._withheld.missing, keep=learned)

        return [partial(deliver, number) for number in range(len(portions))]

    def _see(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._withheld.observe(reading.event)
            keys_shown = KEYPAD not in self._withheld.missing and not self._withheld.exact
            self._visitors.observe(reading.event, keys_shown=keys_shown)

    async def _with_following(self, batch: Batch) -> Batch:
        """Return a batch with the records right after it: they may contain the originator of a call, or a decision."""
        try:
            more = await self.reader.read(_RECORD_DELAY)
        except IntercomError as err:
            _LOGGER.debug("Could not read the records after a call or a credential: %s", err)
            return batch
        self._see(more.readings)
        if any(self._visitors.needs_session_record(reading.event) for reading in batch.readings):
            self._visitors.note_missing_session_record()
        gap, resumed = batch.gap or more.gap, batch.resumed or more.resumed
        return Batch((*batch.readings, *more.readings), gap, resumed)

    @property
    def _reports_decisions(self) -> bool:
        """Whether the device records access decisions."""
        return bool(self._withheld.listed & DECISION_EVENTS)

    def _events(self, readings: Iterable[Reading], deciding: Collection[LogEvent]) -> tuple[Event, ...]:
        """Return the events; ``deciding`` are the credentials of no user without a decision."""
        events: list[Event] = []
        for reading in readings:
            record = reading.event
            method = self._credentials.method(record)
            # Without a decision, the credential event is the decision.
            credential_decides = not self._reports_decisions
            if any(record is other for other in deciding):
                self._credentials.decide(record)
                credential_decides = True
            if shows(record.event, self._privacy):
                event = neutral_event(reading, self._privacy, credential_decides, self._boots.name, method)
                if self._credentials.is_repeated(record):
                    event = replace(event, facts=())
                events.append(self._with_visitor(event))
        return tuple(events)

    def _with_visitor(self, event: Event) -> Event:
        """Return an event with the known facts about the originators of its calls."""
        facts = tuple(self._with_originator(fact) if isinstance(fact, CallChanged) else fact for fact in event.facts)
        return event if facts == event.facts else replace(event, facts=facts)

    def _with_originator(self, call: CallChanged) -> CallChanged:
        from_house, untouched = self._visitors.from_house(call.session), self._visitors.untouched(call.session)
        if (from_house, untouched) == (call.from_house, call.untouched):
            return call
        return replace(call, from_house=from_house, untouched=untouched)

    def _cursor(self, before: Cursor | None = None, event: LogEvent | None = None) -> dict[str, object]:
        """Return the cursor behind everything that was read, or behind ``event``."""
        cursor = self.reader.cursor
        assert cursor is not None
        if event is not None and before is not None and cursor.last is not None:
            # Use the time of the event itself, so that a new channel reaches back to it.
            received_at = cursor.last.received_at - max(0, cursor.last.up_time - event.up_time)
            key = EventKey(event.id, event.utc_time, event.up_time, received_at)
            cursor = Cursor(before.complete_until, key, cursor.poll)
        return {**cursor.as_json(), "boot": self._boots.as_json()}


def _portions(readings: tuple[Reading, ...]) -> list[tuple[Reading, ...]]:
    """Return events in portions; a new press ends the first one, so that its ring does not wait for the next events."""
    found: list[tuple[Reading, ...]] = []
    for number, reading in enumerate(readings[:PORTION], 1):
        if reading.event.event == KEY_EVENT and not reading.late:
            found, readings = [readings[:number]], readings[number:]
            break
    found += batched(readings, PORTION, strict=False)
    return found or [()]


def _call(event: LogEvent, hidden: int) -> Missing | None:
    starts = text(event.params.get("state")) in {"connecting", "ringing"}
    return KEYPAD if starts and text(event.params.get("direction")) == "outgoing" else None


def _person(event: LogEvent, hidden: int) -> Missing | None:
    if hidden == _CARD_RECORDS:
        return CARDS
    return KEYPAD if hidden >= _CODE_RECORDS else None


_FOLLOWERS: dict[str, Callable[[LogEvent, int], Missing | None]] = {
    "CallStateChanged": _call,
    "UserAuthenticated": _person,
    "UserRejected": _person,
}


@dataclass(slots=True)
class WithheldEvents:
    """Collects evidence of events that the device withholds from the account, from gaps in the log.

    Record numbers have no gaps (HTTP API 5.10.4), and a channel leaves out records that the account may not see
    (5.10.2). A missing number before a record that never comes alone therefore reveals the missing privilege: a
    key precedes a visitor's call, a card or a code precedes an access.

    Attributes:
        listed: Event types that the device can record.
        missing: Privileges that the account lacks.
        exact: Whether no other privilege is known to be missing, so that gaps are conclusive.
    """

    listed: frozenset[str]
    missing: frozenset[Missing] = frozenset()
    exact: bool = True
    _last: LogEvent | None = field(default=None, init=False)
    # The last credential whose access is not decided yet.
    _credential: LogEvent | None = field(default=None, init=False)
    _evidence: dict[Missing, int] = field(default_factory=dict, init=False)

    def reset(self) -> None:
        """Record that the device has lost records: a gap before the next one is meaningless."""
        self._last = None

    def observe(self, event: LogEvent) -> None:
        """Process the next record of the log."""
        last, self._last = self._last, event
        if event.event in CREDENTIAL_EVENTS:
            self._credential = event
        if (visible := _PROOF.get(event.event)) is not None:
            self._evidence.pop(visible, None)
            self.missing -= {visible}
            return
        hidden = event.id - last.id - 1 if last is not None and event.up_time >= last.up_time else 0
        find_missing = _FOLLOWERS.get(event.event)
        if event.event in DECISION_EVENTS:
            credential, self._credential = self._credential, None
            if credential is not None and 0 <= event.up_time - credential.up_time <= DECISION_DELAY:
                return  # no card and no code is missing
        if hidden <= 0 or find_missing is None or not self.exact:
            return
        missing = find_missing(event, hidden)
        if missing is None or _LISTED[missing] not in self.listed:
            return
        self._evidence[missing] = self._evidence.get(missing, 0) + 1
        if self._evidence[missing] >= _EVIDENCE:
            self.missing |= {missing}
