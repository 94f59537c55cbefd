"""Call events of an Akuvox, from its call status and its call log."""

from collections.abc import Callable
from datetime import UTC, datetime

from ...model.events import CallChanged, Event
from ...model.parts import CallState
from ..common.privacy import is_word
from .calls import CallTracker
from .client import AkuvoxDevice
from .client.logs import CallRecord
from .clock import CALL_LOG_EVENT, LIVE_FOR, aged, rings
from .log_reader import LogReader, numbered

CALL_STATUS_EVENT = "CallStatus"


class CallEvents:
    """Reports calls.

    Args:
        device: The device.
        tracker: Combines the reports of all sources.
        log: Reader of the call log.
        monotonic: Monotonic clock in seconds.
        names: Whether names may be shown.
        ended: Called when a call ended, whose record follows soon.
    """

    def __init__(
        self,
        device: AkuvoxDevice,
        tracker: CallTracker,
        log: LogReader[CallRecord],
        monotonic: Callable[[], float],
        *,
        names: bool,
        ended: Callable[[], None],
    ) -> None:
        self._device = device
        self._tracker = tracker
        self._log = log
        self._monotonic = monotonic
        self._names = names
        self._ended = ended

    async def poll(self, *, pushed: bool) -> list[Event]:
        """Poll the call status; ``pushed`` is whether the device pushes its outgoing calls."""
        asked_at = self._monotonic()
        self._tracker.pushes_calls = pushed
        word = await self._device.call.status()
        facts = self._tracker.polled(word, asked_at)
        if any(fact.state is CallState.TERMINATED for fact in facts):
            self._ended()
        data = {"status": word} if is_word(word) else {}
        return [Event(CALL_STATUS_EVENT, datetime.now(UTC), data, facts=facts)] if facts else []

    async def read(self) -> list[Event]:
        """Return the new records; the cursor includes them after ``commit`` of the log."""
        return [self._event(record, age) for record, age in await self._log.news()]

    def _event(self, record: CallRecord, age: float | None) -> Event:
        data: dict[str, object] = {"type": record.kind.value, "number": record.number}
        if self._names:
            data["name"] = record.name
        facts: tuple[CallChanged, ...] = ()
        if age is not None and age <= LIVE_FOR[CALL_LOG_EVENT]:
            tracked_for = self._tracker.tracked_for(record)
            facts = self._tracker.logged(record)
            if any(map(rings, facts)):
                age = max(age, tracked_for)  # the call was tracked as incoming until its record arrived
        when = self._log.clock.time_of(record.when)
        return aged(Event(CALL_LOG_EVENT, when, data, facts=facts, **numbered("call", record)), age)
