"""Polling of conditions."""

import asyncio
from collections.abc import Awaitable, Callable


async def until[T, U](look: Callable[[], Awaitable[T]], find: Callable[[T], U | None], what: str, patience: float) -> U:
    """Poll until something is found."""
    try:
        async with asyncio.timeout(patience):
            while (found := find(await look())) is None:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {patience:g} s") from None
    return found
