"""The event log: which events there are, channels, and reading them (HTTP API 5.10)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode
from ...common.errors import UnexpectedReply
from ...common.parse import Fields, fields, integer, text
from .client import Functions
from .endpoints import LOG_CAPS, LOG_PULL, LOG_SUBSCRIBE, LOG_UNSUBSCRIBE

BATCH = 128


def _uint32(value: object) -> int:
    return min(max(integer(value) or 0, 0), 2**32 - 1)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One record of the log (HTTP API 5.10.4).

    ``id`` counts from 1 after every restart of the device; ``utc_time`` is in Unix seconds by its
    clock, ``up_time`` in seconds since its restart.
    """

    id: int
    event: str
    utc_time: Annotated[int, Key(convert=_uint32)]
    up_time: Annotated[int, Key(convert=_uint32)]
    params: Fields


class Log(Functions):
    """``/api/log``."""

    async def caps(self) -> frozenset[str]:
        """Return the event types that the device records (HTTP API 5.10.1)."""
        return frozenset(await self._client.rows(LOG_CAPS, "events", text))

    async def subscribe(self, events: Iterable[str], include: str, duration: int, patience: float | None = None) -> int:
        """Open a channel and return its id (HTTP API 5.10.2).

        Events that the account may not see are left out by the device without a word.

        Args:
            events: The types wanted, all of them in the caps.
            include: ``new``, ``all``, or ``-t`` for the last t seconds as well.
            duration: Seconds without a pull after which the device closes the channel, 3600 at most.
            patience: How many seconds the device may take; None for the client's own.
        """
        params = {"include": include, "filter": ",".join(sorted(events)), "duration": str(duration)}
        result = fields(await self._client.call(LOG_SUBSCRIBE, params, patience=patience))
        if (channel := integer(result.get("id"))) is None:
            raise UnexpectedReply("subscribed, but the device named no channel")
        return channel

    async def unsubscribe(self, channel: int, patience: float | None = None) -> None:
        """Close a channel (HTTP API 5.10.3); ``patience`` is how many seconds the device may take."""
        await self._client.call(LOG_UNSUBSCRIBE, {"id": str(channel)}, patience=patience)

    async def reach(self, patience: float) -> None:
        """See whether anything listens there at all, at the cost of a connection.

        Raises:
            NotReached: Nothing does.
        """
        await self._client.transport.reach(patience)

    async def pull(self, channel: int, timeout: int, patience: float | None = None) -> tuple[LogEvent, ...]:
        """Take up to 128 events off a channel, waiting up to ``timeout`` seconds for one (HTTP API 5.10.4).

        ``patience`` is how many seconds the device may take longer than that.

        A channel takes one pull at a time. Events of an answer that is lost on the way are off the
        channel all the same.

        Raises:
            InvalidRequest: The channel is closed, or the device has restarted.
        """
        params = {"id": str(channel), "timeout": str(timeout)}
        return await self._client.rows(
            LOG_PULL, "events", partial(decode, LogEvent), params, wait=timeout, tolerant=True, patience=patience
        )
