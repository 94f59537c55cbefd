"""Bank holidays (HTTP API 5.3.3)."""

from collections.abc import Callable
from datetime import date
import re

from aiohttp import web

from .envelope import ApiError, Call, Code, Handler, Json, success

# The example prints "01\01"; that is "01\/01" with a slash lost on the way, JSON's other way to write 01/01.
DAY = re.compile(r"(\d\d)/(\d\d)(?:/(\d{4}))?")
# A leap year, for holidays of every year.
ANY_YEAR = 2024


class Holidays:
    """The list, in the order in which it was written."""

    def __init__(self, configured: Callable[[], None]) -> None:
        """`configured` logs that the configuration was changed."""
        self.dates = ["01/01", "24/12", "01/04/2018"]
        # Fields of a firmware to come: the object is replaced as a whole.
        self.more: Json = {}
        self._configured = configured
        # The table of chapter 5 has both paths.
        self.handlers: dict[str, Handler] = {"config/holidays": self._handle, "holidays": self._handle}

    async def _handle(self, call: Call) -> web.StreamResponse:
        if call.request.method == "GET":
            return success({"dates": self.dates, **self.more})
        wanted = call.blob_json()
        dates = wanted.get("dates")
        if not isinstance(dates, list) or not all(_valid(text) for text in dates):
            raise ApiError(Code.INVALID_VALUE, "blob-json")
        self.dates = dates
        self.more = {name: wanted[name] for name in self.more if name in wanted}
        self._configured()
        return success()


def _valid(text: object) -> bool:
    match = DAY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return False
    day, month, year = match.groups(default=str(ANY_YEAR))
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
