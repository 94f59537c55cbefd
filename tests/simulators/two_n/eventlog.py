"""The event history and its subscription channels (HTTP API 5.10)."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import secrets
from typing import Any
from zlib import crc32

from aiohttp import web

from tests.simulators.common.clock import BOOT_UPTIME, Clock, Stamp, Timer
from tests.simulators.common.network import reset
from tests.simulators.common.state_file import StateFile

from .config import Account, Privilege as P
from .envelope import UINT_MAX, ApiError, Call, Code, Handler, Json, success

HISTORY = 10_000
BATCH = 128
DEFAULT_DURATION = 90
MAX_DURATION = 3600

# HTTP API 5.10.2; an event that is not here needs no privilege (captures/privileges_for_events.json).
EVENT_PRIVILEGES: Mapping[str, P] = {
    "KeyPressed": P.KEYPAD_MONITORING,
    "KeyReleased": P.KEYPAD_MONITORING,
    "CodeEntered": P.KEYPAD_MONITORING,
    "CardEntered": P.UID_MONITORING,
    "InputChanged": P.IO_MONITORING,
    "OutputChanged": P.IO_MONITORING,
    "SwitchStateChanged": P.IO_MONITORING,
    "CallStateChanged": P.PHONE_MONITORING,
    "RegistrationStateChanged": P.PHONE_MONITORING,
}


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One record of the history."""

    id: int
    utc: int
    uptime: int
    tz_shift: int
    name: str
    params: Mapping[str, Any]

    def wire(self, *, hashed: bool) -> Json:
        """Write it as `log/pull` does; firmware 2.4x adds `hash`."""
        record: Json = {
            "id": self.id,
            "tzShift": self.tz_shift,
            "utcTime": self.utc,
            "upTime": self.uptime,
            "event": self.name,
            "params": dict(self.params),
        }
        if hashed:
            record["hash"] = crc32(f"{self.id}:{self.utc}:{self.name}".encode())
        return record


class Pull:
    """A `log/pull` in progress."""

    def __init__(self, request: web.BaseRequest) -> None:
        """Remember whose connection waits."""
        self._transport = request.transport
        self._wake = asyncio.Event()

    @property
    def gone(self) -> bool:
        """Is its connection dead?"""
        return self._transport is None or self._transport.is_closing()

    def wake(self) -> None:
        """End the wait."""
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Wait for an event, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass


@dataclass(slots=True, eq=False)
class Channel:
    """A subscription with a queue of its own."""

    id: int
    filter: frozenset[str] | None
    account: str | None
    duration: int
    deaf: bool = False
    queue: deque[LogEvent] = field(default_factory=deque)
    pull: Pull | None = None
    expiry: Timer | None = None

    def close(self) -> None:
        """End what waits on it."""
        if self.expiry is not None:
            self.expiry.cancel()
        if self.pull is not None:
            self.pull.wake()


class EventLog:
    """Numbers the events of a boot, keeps the last 10000 and fills the channels."""

    def __init__(
        self,
        clock: Clock,
        supported: tuple[str, ...],
        account: Callable[[str], Account | None],
        delivered: Callable[[str], None],
    ) -> None:
        """`account` looks one up by name, so that a change of privileges takes effect at once.

        `delivered` is told the type of each event that a client received.
        """
        self._clock = clock
        self._supported = supported
        self._account = account
        self._delivered = delivered
        self.hashed = False
        self.state = StateFile()
        self._next_id = 1
        self.tz_shift = 60
        self.history: deque[LogEvent] = deque(maxlen=HISTORY)
        self.channels: dict[int, Channel] = {}
        self.include_new_bug = False
        self.needs_filter = False
        self.lose_responses = 0
        self.handlers: dict[str, Handler] = {
            "log/caps": self._caps,
            "log/subscribe": self._subscribe,
            "log/unsubscribe": self._unsubscribe,
            "log/pull": self._pull,
        }

    def leave_out(self, *names: str) -> None:
        """Be firmware that does not know these events."""
        self._supported = tuple(name for name in self._supported if name not in names)

    def boot(self) -> None:
        """Forget everything and write the first record."""
        for channel in tuple(self.channels.values()):
            channel.close()
        self.channels.clear()
        self.history.clear()
        self._next_id = 1
        self.state.write(boot=True, clock=self._clock.moment())
        self.record("DeviceState", {"state": "startup"}, self._clock.stamp(BOOT_UPTIME))

    def empty(self) -> None:
        """Be firmware that records no start and has had nothing to record."""
        self.history.clear()
        self._next_id = 1

    def resume(self) -> bool:
        """Take up the log of a process that was killed; give whether there was one. The channels are gone."""
        lines = list(self.state.lines())
        for line in lines:
            if line.get("boot"):
                self.history.clear()
                self._next_id = 1
            else:
                event = LogEvent(*line["event"])
                self.history.append(event)
                self._next_id = event.id % UINT_MAX + 1
        if lines:
            self._clock.resume(lines[-1]["clock"])
        return bool(lines)

    def record(self, name: str, params: Mapping[str, Any], stamp: Stamp | None = None) -> None:
        """Record an event that the model knows."""
        if name in self._supported:
            self.append(name, params, stamp)

    def append(self, name: str, params: Mapping[str, Any], stamp: Stamp | None = None) -> LogEvent:
        """Record any event, now or at another time."""
        utc, uptime = stamp or self._clock.stamp()
        event = LogEvent(self._next_id, utc, uptime, self.tz_shift, name, dict(params))
        self._next_id = self._next_id % UINT_MAX + 1
        self.history.append(event)
        self.state.write(event=[event.id, utc, uptime, self.tz_shift, name, dict(params)], clock=self._clock.moment())
        for channel in self.channels.values():
            if not channel.deaf and self._wanted(channel, event):
                channel.queue.append(event)
                if channel.pull is not None:
                    channel.pull.wake()
        return event

    def _wanted(self, channel: Channel, event: LogEvent) -> bool:
        if channel.filter is None:
            if self.needs_filter:
                return False
        elif event.name not in channel.filter:
            return False
        needed = EVENT_PRIVILEGES.get(event.name, P.NONE)
        if channel.account is None or not needed:
            return True
        account = self._account(channel.account)
        return account is not None and bool(account.privileges & needed)

    async def _caps(self, _: Call) -> web.StreamResponse:
        return success({"events": list(self._supported)})

    async def _subscribe(self, call: Call) -> web.StreamResponse:
        params = call.params
        backlog = self._backlog(include := params.get("include", "new"))
        wanted = frozenset(params["filter"].split(",")) if params.get("filter") else None
        if wanted and not wanted <= frozenset(self._supported):
            raise ApiError(Code.INVALID_VALUE, "filter")
        duration = params.integer("duration", 1, MAX_DURATION, DEFAULT_DURATION)
        number = secrets.randbelow(UINT_MAX) + 1
        channel = Channel(number, wanted, call.account.name if call.account else None, duration)
        channel.deaf = include == "new" and self.include_new_bug
        channel.queue.extend(event for event in backlog if self._wanted(channel, event))
        self.channels[number] = channel
        self._expire_later(channel)
        return success({"id": number})

    def _backlog(self, include: str) -> list[LogEvent]:
        if include == "new":
            return []
        if include == "all":
            return list(self.history)
        if include.startswith("-") and include[1:].isdecimal():
            since = self._clock.utc() - int(include[1:])
            return [event for event in self.history if event.utc >= since]
        raise ApiError(Code.INVALID_VALUE, "include")

    def _channel(self, call: Call) -> Channel:
        number = call.params.integer("id", 0, UINT_MAX)
        if (channel := self.channels.get(number)) is None:
            raise ApiError(Code.INVALID_VALUE, "id", "invalid subscription id")
        return channel

    async def _unsubscribe(self, call: Call) -> web.StreamResponse:
        self._close(self._channel(call))
        return success()

    def _close(self, channel: Channel) -> None:
        self.channels.pop(channel.id, None)
        channel.close()

    def close_channels(self) -> None:
        """Close all channels before they expire, as a device with too many clients may."""
        for channel in tuple(self.channels.values()):
            self._close(channel)

    def _expire_later(self, channel: Channel) -> None:
        channel.expiry = self._clock.later(channel.duration, lambda: self._close(channel))

    async def _pull(self, call: Call) -> web.StreamResponse:
        channel = self._channel(call)
        timeout = call.params.integer("timeout", 0, UINT_MAX, 0)
        if channel.pull is not None:
            if not channel.pull.gone:
                # Only one pull at a time (field notes 3.9).
                raise ApiError(Code.REJECTED)
            channel.pull.wake()
        pull = channel.pull = Pull(call.request)
        if channel.expiry is not None:
            channel.expiry.cancel()
        try:
            if not channel.queue and timeout:
                await pull.wait(timeout / self._clock.speed)
        finally:
            mine = channel.pull is pull
            if mine:
                channel.pull = None
        if self.channels.get(channel.id) is not channel:
            raise ApiError(Code.INVALID_VALUE, "id", "invalid subscription id")
        if not mine:
            return success({"events": []})
        # Dequeued here and now: if the answer does not arrive, these events are lost for the channel.
        batch = [channel.queue.popleft() for _ in range(min(BATCH, len(channel.queue)))]
        self._expire_later(channel)
        if batch and self.lose_responses:
            self.lose_responses -= 1
            if call.request.transport is not None:
                reset(call.request.transport)
        else:
            for event in batch:
                self._delivered(event.name)
        return success({"events": [event.wire(hashed=self.hashed) for event in batch]})
