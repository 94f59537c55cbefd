"""A simulator in a process of its own."""

import asyncio
from collections.abc import Callable, Mapping
import json
import signal
import sys

from .control import Control
from .host import Host


async def serve[Request](
    simulator: Host[Request], control: Control, port: int, ready: Callable[[], Mapping[str, object]]
) -> None:
    """Serve until SIGTERM or SIGINT; one line of JSON says where, with what is `ready`, once it listens."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with simulator:
        await control.start(port)
        sys.stdout.write(json.dumps({**ready(), "control": control.address}) + "\n")
        sys.stdout.flush()
        try:
            await stopped.wait()
        finally:
            await control.stop()


def pair(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(text)
    return key, value
