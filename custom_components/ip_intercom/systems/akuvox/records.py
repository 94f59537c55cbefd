"""Logs of an Akuvox: calls and access (Api calllog, Api doorlog)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from ...model.functions import AccessRecord
from ...model.parts import CallRecord, DoorId
from ..common.parse import HOME_ZONE, is_set
from ..common.privacy import Privacy
from .client import AkuvoxDevice
from .client.logs import CallRecord as ApiCallRecord, DoorRecord
from .events import RECORDED_METHODS, user_of
from .wiring import Relay, doors_named

type Ahead = Callable[[], timedelta | None]

# Page size of both logs (field notes 4.2).
_PAGE = 10


class AkuvoxCallLog:
    """Log of calls.

    Args:
        privacy: Whether names may be shown.
        ahead: Returns the offset of the device's clock from UTC, None while unknown.
    """

    def __init__(self, device: AkuvoxDevice, privacy: Privacy, ahead: Ahead) -> None:
        self._log = device.call_log
        self._privacy = privacy
        self._ahead = ahead

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return the calls, newest first; a low limit costs only one page."""
        page = 1 if limit is not None and limit <= _PAGE else None
        records = await self._log.get(page=page)
        return tuple(neutral_call(record, self._privacy, self._ahead()) for record in records[:limit])

    async def delete(self, record: str | None) -> None:
        """Delete one record, or all for None."""
        await (self._log.clear() if record is None else self._log.delete(record))


class AkuvoxAccessLog:
    """Log of access attempts; codes and cards in it are not returned.

    Args:
        privacy: Whether names may be shown.
        ahead: Returns the offset of the device's clock from UTC, None while unknown.
        relays: Returns the relays of the device.
    """

    def __init__(
        self,
        device: AkuvoxDevice,
        privacy: Privacy,
        ahead: Ahead,
        relays: Callable[[], Mapping[DoorId, Relay]] = dict,
    ) -> None:
        self._log = device.door_log
        self._privacy = privacy
        self._ahead = ahead
        self._relays = relays

    async def query(self, limit: int) -> tuple[AccessRecord, ...]:
        """Return the newest records page by page, as a device needs half a second for the complete log."""
        found: dict[str | None, DoorRecord] = {}
        page = 0
        while len(found) < limit:
            page += 1
            answer = await self._log.page(page)
            records = {record.id: record for record in answer.records}
            # A device without pages returns all records each time.
            if not records.keys() - found.keys():
                break
            found |= records
            if answer.size != _PAGE:
                break
        newest = list(found.values())[:limit]
        relays = self._relays()
        return tuple(neutral_access(record, self._privacy, self._ahead(), relays) for record in newest)

    async def picture(self, record: str, /) -> bytes:
        """Return the picture of a record, by its path on the device."""
        return await self._log.picture(record)


def neutral_call(record: ApiCallRecord, privacy: Privacy, ahead: timedelta | None) -> CallRecord:
    """Return a call in the neutral model; without a name, the device writes the number in its place."""
    return CallRecord(
        id=record.id or "",
        type=record.kind.value,
        time=at(record.when, ahead),
        name=privacy.name(record.name or record.number),
    )


def neutral_access(
    record: DoorRecord, privacy: Privacy, ahead: timedelta | None, relays: Mapping[DoorId, Relay]
) -> AccessRecord:
    """Return an access attempt in the neutral model, without code or card."""
    return AccessRecord(
        id=record.id or "",
        time=at(record.when, ahead),
        granted=record.granted,
        name=privacy.name(user_of(record)),
        method=RECORDED_METHODS.get(record.method),
        door=", ".join(doors_named(relays, record.relay)) or record.relay,
        picture=record.picture,
    )


def at(when: datetime | None, ahead: timedelta | None) -> datetime | None:
    """Return the time of a record, in the zone of the home if the device's offset is unknown.

    None if the clock of the device is not set.
    """
    if when is None or not is_set(when):
        return None
    return HOME_ZONE.utc(when) if ahead is None else when.replace(tzinfo=UTC) - ahead
