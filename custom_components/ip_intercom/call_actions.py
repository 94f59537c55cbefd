"""Commanding calls: which call is meant, and whether the device did what it said."""

import asyncio

from homeassistant.exceptions import HomeAssistantError

from .coordinator import IntercomCoordinator
from .exceptions import refused, told
from .facets import Calls
from .model import CallState, Direction, SessionId

# Seconds between looks whether a call has ended: devices answer success and go on ringing.
_LOOKS = (0.1, 0.4, 1.0, 2.0)


async def async_dial(coordinator: IntercomCoordinator, number: str | None, users: list[str]) -> SessionId:
    """Call a number or directory entries and return the session.

    Raises:
        HomeAssistantError: The intercom cannot or will not call.
    """
    _calls(coordinator)
    return await coordinator.async_dial(number, users)


async def async_answer(coordinator: IntercomCoordinator, session: SessionId | None = None) -> SessionId:
    """Answer a call that comes in and rings, by default the only one, and return its session.

    Raises:
        ServiceValidationError: There is none.
        HomeAssistantError: The intercom refuses.
    """
    calls = _calls(coordinator)
    if session is None:
        in_progress = await coordinator.async_command(calls.in_progress())
        session = next(
            (
                call.id
                for call in in_progress.values()
                if call.direction is Direction.INCOMING and call.state is CallState.RINGING
            ),
            None,
        )
        if session is None:
            raise refused("no_incoming_call", device=coordinator.name)
    await coordinator.async_command(calls.answer(session))
    return session


async def async_hang_up(
    coordinator: IntercomCoordinator, session: SessionId | None = None, reason: str | None = None
) -> list[SessionId]:
    """End a call, or all there are, see that they did end, and return their sessions.

    Raises:
        ServiceValidationError: There is none.
        HomeAssistantError: The intercom refuses, or says it did and goes on.
    """
    calls = _calls(coordinator)
    if session is not None:
        sessions = [session]
    elif not (sessions := list(await coordinator.async_command(calls.in_progress()))):
        raise refused("no_call", device=coordinator.name)
    for ending in sessions:
        await coordinator.async_command(calls.hang_up(ending, reason))
    for delay in _LOOKS:
        await asyncio.sleep(delay)
        if not set(sessions) & set(await coordinator.async_command(calls.in_progress())):
            return sessions
    raise told(HomeAssistantError, "call_goes_on", device=coordinator.name)


def _calls(coordinator: IntercomCoordinator) -> Calls:
    if coordinator.system.calls is None:
        raise refused("no_calls", device=coordinator.name)
    return coordinator.system.calls
