"""Logs of an Akuvox: calls and access (Api calllog, Api doorlog)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ...model.functions import AccessRecord
from ...model.parts import CallRecord, DoorId
from ..common.privacy import Privacy
from .client import AkuvoxDevice
from .client.logs import PAGE, CallRecord as ApiCallRecord, DoorRecord
from .events import RECORDED_METHODS, user_of
from .journal import newest_first, newest_of
from .wiring import Relay, doors_named

type ToUtc = Callable[[datetime | None], datetime | None]


class AkuvoxCallLog:
    """Log of calls.

    Args:
        privacy: Whether names may be shown.
        utc: Returns the time of a record in UTC; None if the device has no clock.
    """

    def __init__(self, device: AkuvoxDevice, privacy: Privacy, utc: ToUtc) -> None:
        self._log = device.call_log
        self._privacy = privacy
        self._utc = utc

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return the calls, newest first; a low limit costs only one page."""
        if limit is not None and limit <= PAGE:
            records: Sequence[ApiCallRecord] = await newest_of(self._log.page, limit)
        else:
            records = newest_first(await self._log.get())
        return tuple(neutral_call(record, self._privacy, self._utc) for record in records[:limit])

    async def delete(self, record: str | None) -> None:
        """Delete one record, or all for None."""
        await (self._log.clear() if record is None else self._log.delete(record))


class AkuvoxAccessLog:
    """Log of access attempts; codes and cards in it are not returned.

    Args:
        privacy: Whether names may be shown.
        utc: Returns the time of a record in UTC; None if the device has no clock.
        relays: Returns the relays of the device.
    """

    def __init__(
        self,
        device: AkuvoxDevice,
        privacy: Privacy,
        utc: ToUtc,
        relays: Callable[[], Mapping[DoorId, Relay]] = dict,
    ) -> None:
        self._log = device.door_log
        self._privacy = privacy
        self._utc = utc
        self._relays = relays

    async def query(self, limit: int) -> tuple[AccessRecord, ...]:
        """Return the newest records page by page, as a device needs half a second for the complete log."""
        newest = await newest_of(self._log.page, limit)
        relays = self._relays()
        return tuple(neutral_access(record, self._privacy, self._utc, relays) for record in newest)

    async def picture(self, record: str, /) -> bytes:
        """Return the picture of a record, by its path on the device."""
        return await self._log.picture(record)


def neutral_call(record: ApiCallRecord, privacy: Privacy, utc: ToUtc) -> CallRecord:
    """Return a call in the neutral model; without a name, the device writes the number in its place."""
    return CallRecord(
        id=record.id or "",
        type=record.kind.value,
        time=utc(record.when),
        name=privacy.name(record.name or record.number),
    )


def neutral_access(record: DoorRecord, privacy: Privacy, utc: ToUtc, relays: Mapping[DoorId, Relay]) -> AccessRecord:
    """Return an access attempt in the neutral model, without code or card."""
    return AccessRecord(
        id=record.id or "",
        time=utc(record.when),
        granted=record.granted,
        name=privacy.name(user_of(record)),
        method=RECORDED_METHODS.get(record.method),
        door=", ".join(doors_named(relays, record.relay)) or record.relay,
        picture=record.picture,
    )
