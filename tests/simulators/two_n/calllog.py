"""Records of calls and of the doorbell (HTTP API 5.6.2)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from .envelope import UINT_MAX, ApiError, Call, Code, Handler, Json, success

# How many a device keeps is not known.
KEPT = 500


@dataclass(frozen=True, slots=True)
class Record:
    """One call; the doorbell has neither peer nor duration."""

    id: int
    type: str
    utc: int
    name: str | None = None
    dev_type: str | None = None
    duration: int | None = None

    def wire(self) -> Json:
        """Return the record; unknown fields are left out."""
        date = f"{datetime.fromtimestamp(self.utc, UTC):%Y-%m-%dT%H:%M:%SZ}"
        fields = {"devType": self.dev_type, "name": self.name, "date": date, "duration": self.duration}
        return {"id": self.id, "callType": self.type} | {k: v for k, v in fields.items() if v is not None}


class CallLog:
    """The records, which outlive a restart."""

    def __init__(self, name_of: Callable[[str], str | None]) -> None:
        """`name_of` gives the name that the directory has for a number."""
        self.records: deque[Record] = deque(maxlen=KEPT)
        self._name_of = name_of
        self._next_id = 1
        self.handlers: dict[str, Handler] = {"phone/calllog": self._handle}

    def call(self, kind: str, utc: int, peer: str, dev_type: str | None, duration: float) -> None:
        """Record a call that has ended."""
        self._add(kind, utc, self._name_of(peer), dev_type, int(duration))

    def doorbell(self, utc: int) -> None:
        """Record a ring; the table calls it "doorbell button", the example "doorbell"."""
        self._add("doorbell", utc)

    def _add(
        self, kind: str, utc: int, name: str | None = None, dev_type: str | None = None, duration: int | None = None
    ) -> None:
        self.records.append(Record(self._next_id, kind, utc, name, dev_type, duration))
        self._next_id += 1

    async def _handle(self, call: Call) -> web.StreamResponse:
        if call.request.method == "DELETE":
            return self._delete(call)
        # From the newest to the oldest "according to the absolute call record time", which can be stepped.
        newest_first = sorted(self.records, key=lambda record: (record.utc, record.id), reverse=True)
        return success({"callLog": [record.wire() for record in newest_first]})

    def _delete(self, call: Call) -> web.Response:
        if "id" not in call.params:
            self.records.clear()
            return success()
        wanted = call.params.integer("id", 0, UINT_MAX)
        found = next((record for record in self.records if record.id == wanted), None)
        if found is None:
            raise ApiError(Code.INVALID_VALUE, "id", "record not found")
        self.records.remove(found)
        return success()
