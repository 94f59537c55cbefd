"""Background tasks of one owner."""

import asyncio
from collections.abc import Coroutine
import logging
from typing import Any

from .errors import TalkError

_LOGGER = logging.getLogger(__name__)


class TaskSet:
    """Tasks that outlast the call that starts them; the owner ends them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return the number of running tasks."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work in the background; its errors are logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    async def wait(self) -> None:
        """Return once all tasks have ended, those that they start included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Cancel all tasks without waiting for them."""
        for task in self._tasks:
            task.cancel()

    async def cancel(self) -> None:
        """Cancel all tasks, and wait for them."""
        while self._tasks:
            self.stop()
            await asyncio.wait(self._tasks)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, TalkError):
            _LOGGER.debug("Background task failed: %s", error)
            return
        # Home Assistant logs it with its traceback.
        message = "Unexpected error in a background task of talk"
        task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task})
