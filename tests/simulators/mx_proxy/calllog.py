"""The log of calls (manual, Список звонков пользователя)."""

from datetime import datetime
import re
from typing import Any

from .envelope import ApiError, Json, lean

# The MX sends the log in blocks, and does not say which is the last.
BLOCK = 21
MISSED, TALKED, VOICEMAIL = 9, 1, 3
FIRST_RECORD = 1301
RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


def timestamp(text: str) -> int:
    """Read the number or the RFC 3339 time of the query."""
    if text.isascii() and text.isdecimal():
        return int(text)
    # Python takes dates, local times and shorter forms as well, Go does not.
    if RFC_3339.fullmatch(text) is None:
        raise ApiError(400, "bad timestamp format")
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise ApiError(400, "bad timestamp format") from None


class CallLog:
    """The records of one user, ordered by `record_id`."""

    def __init__(self) -> None:
        """It begins empty."""
        self.records: list[Json] = []
        self._next = FIRST_RECORD

    def enter(self, *, missed: bool, direction: str, **fields: Any) -> Json:
        """Write a record; `missed` is always there, other fields only with a value."""
        kinds = {name: fields.pop(name, TALKED) for name in ("callType", "legType", "selfLegType")}
        record = {"missed": missed, "direction": direction, "record_id": self._next, **lean(**fields), **kinds}
        self._next += 1
        self.records.append(record)
        return record

    def since(self, moment: int | None) -> list[Json]:
        """Return the calls that ended after a time."""
        return [record for record in self.records if moment is None or record["disconnectTimestamp"] > moment]
