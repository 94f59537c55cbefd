"""Conferences that people dial into (manual, conferences)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import secrets

from ...model.parts import Conference, ConferenceId
from ..common.errors import NoData
from .client import MxProxy
from .client.conferences import Conference as ApiConference
from .server_time import at

_EPOCH = datetime.fromtimestamp(0, UTC)
_MINUTE = timedelta(minutes=1)
# Minutes; a calendar that is told more, or less than none, shows nothing at all.
_LONGEST = 366 * 24 * 60
# A code of eight digits, as those of the manual.
_LOWEST_CODE, _HIGHEST_CODE = 10_000_000, 99_999_999


def new_access_code() -> int:
    """Return a code that cannot be guessed."""
    return _LOWEST_CODE + secrets.randbelow(_HIGHEST_CODE - _LOWEST_CODE + 1)


def neutral_conference(conference: ApiConference, own_id: int | None) -> Conference:
    """Return a conference in the neutral model; ``own_id`` is the number of the extension's person."""
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
    """Return conferences by their id, the first to begin first."""
    neutral = (neutral_conference(conference, own_id) for conference in conferences)
    return {conference.id: conference for conference in sorted(neutral, key=lambda conference: conference.start)}


class MxConferences:
    """The conferences of an extension.

    Args:
        proxy: Asked.
        own_id: The number of its person, as conferences name their owner.
    """

    def __init__(self, proxy: MxProxy, own_id: int | None) -> None:
        self._conferences = proxy.conferences
        self.delete = proxy.conferences.delete
        self._own_id = own_id

    async def query(self) -> tuple[Conference, ...]:
        """Return the conferences by their start."""
        return tuple(by_start(await self._conferences.list(), self._own_id).values())

    async def create(
        self, name: str, start: datetime, duration: timedelta, access_code: int | None, description: str = ""
    ) -> Conference:
        """Plan a conference of our own; an access code is made up for None."""
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
        """Change a conference; what this model does not know of it stays."""
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
        """Have the extension called and put into a conference; the code is looked up for None."""
        code = (await self._find(conference)).access_id if access_code is None else access_code
        await self._conferences.join(conference, code)

    async def _find(self, conference: ConferenceId) -> ApiConference:
        for known in await self._conferences.list():
            if known.id == conference:
                return known
        raise NoData("there is no such conference")


def _minutes(duration: timedelta) -> int:
    """Return a duration in whole minutes, and never none at all."""
    return max(1, -(-duration // _MINUTE))
