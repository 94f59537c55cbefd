"""Time profiles: when a number, an access point or an elevator floor is valid (HTTP API 5.14.1)."""

from datetime import UTC, datetime
import re

from tests.simulators.common.clock import Clock

from .eventlog import EventLog

HOLIDAY = 7
TIMES = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
FLOORS = re.compile(r"F=(\d+(?:,\d+)*)(?:@(.*))?")


class Profiles:
    """Says whether a definition is valid now; of the twenty predefined profiles those in `active` are."""

    def __init__(self, clock: Clock, log: EventLog) -> None:
        """The log knows the time zone."""
        self.active: set[int] = set()
        self._clock = clock
        self._log = log

    def valid(self, definition: str) -> bool:
        """Is an empty definition, or one of several, valid now?"""
        return not definition or any(self._valid(part) for part in definition.split(";"))

    def floors(self, definition: str) -> list[int]:
        """Return the elevator floors that are accessible now, such as of `F=0,2|F=5@D=1@8:00-16:00`."""
        found: set[int] = set()
        for part in filter(None, definition.replace(" ", "").split("|")):
            match = FLOORS.fullmatch(part)
            if match is not None and self.valid(match[2] or ""):
                found.update(int(floor) for floor in match[1].split(","))
        return sorted(found)

    def _valid(self, part: str) -> bool:
        kind, _, rest = part.partition("=")
        if kind == "P":
            return any(int(number) in self.active for number in rest.split(","))
        days, _, times = rest.partition("@")
        local = datetime.fromtimestamp(self._clock.utc() + self._log.tz_shift * 60, UTC)
        # Days of the week begin with Sunday; holidays are not looked up.
        if str(local.isoweekday() % HOLIDAY) not in days.split(","):
            return False
        if (match := TIMES.fullmatch(times)) is None:
            return True
        first, second, third, fourth = (int(group) for group in match.groups())
        return first * 60 + second <= local.hour * 60 + local.minute < third * 60 + fourth
