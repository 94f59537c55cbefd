"""The time zone (HTTP API 5.1.6 and 5.1.7 of the later manuals)."""

from collections.abc import Callable, Mapping
import re

from aiohttp import web

from .envelope import ApiError, Call, Code, Handler, success
from .eventlog import EventLog

# Minutes from UTC in winter. The device writes names with blanks.
ZONES: Mapping[str, int] = {
    "UTC": 0,
    "America/Los Angeles": -480,
    "America/New York": -300,
    "Asia/Kolkata": 330,
    "Australia/Sydney": 600,
    "Europe/London": 0,
    "Europe/Prague": 60,
    "Europe/Helsinki": 120,
}
HOME = "Europe/Prague"
CUSTOM = "custom"
OFFSET = re.compile(r"UTC([+-])(\d\d):([0-5]\d)")
MAX_HOURS = 14


class TimeZone:
    """Found by the device itself, chosen from a list, or written as an offset."""

    def __init__(self, log: EventLog, configured: Callable[[], None]) -> None:
        """The log writes the offset into each event; `configured` logs that the configuration was changed."""
        self.automatic = True
        self.zone = HOME
        self.custom = ""
        self._log = log
        self._configured = configured
        self._log.tz_shift = ZONES[HOME]
        self.handlers: dict[str, Handler] = {"system/timezone": self._handle, "system/timezone/caps": self._caps}

    async def _caps(self, _: Call) -> web.StreamResponse:
        return success({"timezones": list(ZONES)})

    async def _handle(self, call: Call) -> web.StreamResponse:
        if call.request.method == "GET":
            custom = {"custom": self.custom} if self.zone == CUSTOM else {}
            return success({"automatic": self.automatic, "zone": self.zone, **custom})
        self._set(call)
        self._configured()
        return success()

    def _set(self, call: Call) -> None:
        params = call.params
        automatic = params.flag("automatic")
        if automatic:
            # "No more parameters are entered."
            for name in ("zone", "custom"):
                if name in params:
                    raise ApiError(Code.UNEXPECTED_PARAMETER, name)
            zone, custom, shift = HOME, "", ZONES[HOME]
        else:
            zone = params.choice("zone", {**ZONES, CUSTOM: None})
            if zone != CUSTOM and "custom" in params:
                raise ApiError(Code.UNEXPECTED_PARAMETER, "custom")
            custom = params.required("custom") if zone == CUSTOM else ""
            shift = _minutes(custom) if zone == CUSTOM else ZONES[zone]
        self.automatic, self.zone, self.custom, self._log.tz_shift = automatic, zone, custom, shift


def _minutes(text: str) -> int:
    match = OFFSET.fullmatch(text)
    if match is None or int(match[2]) > MAX_HOURS:
        raise ApiError(Code.INVALID_VALUE, "custom")
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes
