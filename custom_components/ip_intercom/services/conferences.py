"""Creating, changing, and deleting conferences, for the calendar and the actions."""

from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from homeassistant.exceptions import HomeAssistantError

from ..entity import require_feature
from ..helpers.errors import request_refused
from ..model.features import Conferences
from ..model.parts import Conference, ConferenceId
from ..runtime import IntercomRuntime


def _conferences(runtime: IntercomRuntime) -> Conferences:
    return require_feature(runtime.coordinator, runtime.coordinator.features.conferences, "no_conferences")


async def async_create(
    runtime: IntercomRuntime,
    name: str,
    start: datetime,
    duration: timedelta,
    access_code: int | None = None,
    description: str = "",
) -> Conference:
    """Create a conference and publish it."""
    conferences = _conferences(runtime)
    return await _async_change(runtime, conferences.create(name, start, duration, access_code, description))


async def async_update(runtime: IntercomRuntime, conference: ConferenceId, **changes: object) -> Conference:
    """Change fields of a conference of the user, and publish it."""
    conferences = _conferences(runtime)
    before = await _async_find_own(runtime, conference)
    after = replace(before, **changes)  # type: ignore[arg-type]
    return await _async_change(runtime, conferences.update(after))


async def async_delete(runtime: IntercomRuntime, conference: ConferenceId) -> None:
    """Delete a conference of the user."""
    conferences = _conferences(runtime)
    await _async_find_own(runtime, conference)
    await _async_change(runtime, conferences.delete(conference))


async def async_find(runtime: IntercomRuntime, conference: ConferenceId) -> Conference:
    """Read a conference."""
    # Read again, so that an update does not revert changes by other clients.
    for known in await runtime.coordinator.async_command(_conferences(runtime).query()):
        if known.id == conference:
            return known
    raise request_refused("no_such_conference", device=runtime.coordinator.name)


async def _async_find_own(runtime: IntercomRuntime, conference: ConferenceId) -> Conference:
    found = await async_find(runtime, conference)
    if not found.own:
        raise request_refused("foreign_conference", name=found.name)
    return found


async def _async_change[T](runtime: IntercomRuntime, command: Coroutine[Any, Any, T]) -> T:
    """Run a command that changes conferences, and read them again."""
    try:
        result = await runtime.coordinator.async_command(command)
    except HomeAssistantError:
        runtime.coordinator.async_read_soon()  # the change may have been made
        raise

    async def ask() -> dict[ConferenceId, Conference]:
        return {conference.id: conference for conference in await _conferences(runtime).query()}

    await runtime.coordinator.async_read_part("conferences", ask)
    return result
