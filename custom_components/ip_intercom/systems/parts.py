"""Reading what can be read: a part that cannot be had now keeps none of the others from being read."""

from collections.abc import Coroutine
import logging
from typing import Any

from ..api.errors import CommandFailed, ConnectionFailed, IntercomError, NotSupported, UnexpectedReply

_LOGGER = logging.getLogger(__name__)


async def part[T](request: Coroutine[Any, Any, T], failures: list[IntercomError]) -> T | None:
    """Return the answer, or None where there is none; the failure is noted.

    Raises:
        IntercomError: The account is refused: no other part will be had either.
    """
    try:
        return await request
    except (CommandFailed, ConnectionFailed, NotSupported, UnexpectedReply) as err:
        failures.append(err)
        return None


async def offered[T](name: str, request: Coroutine[Any, Any, T]) -> T | None:
    """Return the answer, or None where a server that is there does not have it or refuses it.

    Raises:
        IntercomError: The server is out of reach, or refuses the account.
    """
    try:
        return await request
    except (CommandFailed, NotSupported, UnexpectedReply) as err:
        _LOGGER.debug("No %s: %s", name, err)
        return None
