"""Scheduled conferences (manual, conferences)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import secrets

from ...model.parts import Conference, ConferenceId
from ..common.errors import NoData
from .client import MxProxy
from .client.conferences import Conference as ApiConference
from .records import at

_EPOCH = datetime.fromtimestamp(0, UTC)
_MINUTE = timedelta(minutes=1)
# Minutes; a calendar with longer or negative durations shows no events.
_LONGEST = 366 * 24 * 60
# Eight digits, as in the manual.
_LOWEST_CODE, _HIGHEST_CODE = 10_000_000, 99_999_999


def new_access_code() -> int:
    """Return a random access code."""
    return _LOWEST_CODE + secrets.randbelow(_HIGHEST_CODE - _LOWEST_CODE + 1)


def neutral_conference(conference: ApiConference, own_id: int | None) -> Conference:
    """Return a conference as its model type; ``own_id`` is the user ID of the extension."""
    return Conference(
        id=conference.id,
        name=conference.name,
        start=at(conference.start) or _EPOCH,
        duration=min(max(0, conference.duration), _LONGEST) * _MINUTE,
        access_code=conference.access_id,
        own=conference.owner_id == own_id,
        wait_for_owner=conference.wait_for_owner,
        ends_with_owner=conference.delete_on_owner_leave,
        description=conference.description,
    )


def by_start(conferences: Iterable[ApiConference], own_id: int | None) -> dict[ConferenceId, Conference]:
    """Return conferences by ID, ordered by start."""
    neutral = (neutral_conference(conference, own_id) for conference in conferences)
    return {conference.id: conference for conference in sorted(neutral, key=lambda conference: conference.start)}


class MxConferences:
    """The conferences of an extension.

    Args:
        own_id: User ID of the extension, as in the owner of a conference.
    """

    def __init__(self, proxy: MxProxy, own_id: int | None) -> None:
        self._conferences = proxy.conferences
        self.delete = proxy.conferences.delete
        self._own_id = own_id

    async def query(self) -> tuple[Conference, ...]:
        """Return the conferences, ordered by start."""
        return tuple(by_start(await self._conferences.list(), self._own_id).values())

    async def create(
        self, name: str, start: datetime, duration: timedelta, access_code: int | None, description: str = ""
    ) -> Conference:
        """Create a conference; a random access code is used for None."""
        created = await self._conferences.create(
            ApiConference(
                owner_id=self._own_id or 0,
                name=name,
                access_id=new_access_code() if access_code is None else access_code,
                start=int(start.timestamp()),
                duration=_minutes(duration),
                description=description,
            )
        )
        return neutral_conference(created, self._own_id)

    async def update(self, conference: Conference) -> Conference:
        """Update a conference, keeping the fields that the model does not have."""
        changed = replace(
            await self._find(conference.id),
            name=conference.name,
            access_id=conference.access_code,
            start=int(conference.start.timestamp()),
            duration=_minutes(conference.duration),
            wait_for_owner=conference.wait_for_owner,
            delete_on_owner_leave=conference.ends_with_owner,
            description=conference.description,
        )
        return neutral_conference(await self._conferences.update(changed), self._own_id)

    async def join(self, conference: ConferenceId, access_code: int | None) -> None:
        """Call the extension and connect it to a conference; the access code is retrieved for None."""
        code = (await self._find(conference)).access_id if access_code is None else access_code
        await self._conferences.join(conference, code)

    async def _find(self, conference: ConferenceId) -> ApiConference:
        for found in await self._conferences.list():
            if found.id == conference:
                return found
        raise NoData("there is no such conference")


def _minutes(duration: timedelta) -> int:
    """Return a duration in whole minutes, at least one."""
    return max(1, -(-duration // _MINUTE))
