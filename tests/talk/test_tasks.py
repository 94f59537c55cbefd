"""Background tasks and their errors are not lost."""

import asyncio
import logging

import pytest

from custom_components.ip_intercom.talk.errors import CallFailed
from custom_components.ip_intercom.talk.tasks import TaskSet


async def fail(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


async def test_an_unexpected_error_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    # The tests of Home Assistant fail with what comes here.
    before = loop.get_exception_handler()
    loop.set_exception_handler(None)
    tasks = TaskSet()
    kept = tasks.start(fail(ZeroDivisionError("by nothing")))
    await tasks.wait()
    loop.set_exception_handler(before)
    [record] = caplog.records
    assert (record.levelno, record.exc_info and record.exc_info[1]) == (logging.ERROR, kept.exception())
    assert "Unexpected error in a background task of talk" in caplog.text
    assert len(tasks) == 0


async def test_a_failed_call_is_logged_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tasks = TaskSet()
    tasks.start(fail(CallFailed("no response")))
    await tasks.wait()
    lines = [(record.levelno, record.getMessage()) for record in caplog.records if record.name.endswith("talk.tasks")]
    assert lines == [(logging.DEBUG, "Background task failed: no response")]


async def test_cancel_waits_for_the_cleanup_of_tasks(caplog: pytest.LogCaptureFixture) -> None:
    tasks = TaskSet()
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)
            if name == "first":
                # What a task starts at its end is canceled, too.
                tasks.start(work("second"))
                await asyncio.sleep(0.01)

    tasks.start(work("first"))
    await asyncio.sleep(0)
    await tasks.cancel()
    assert (ended, len(tasks)) == (["first", "second"], 0)
    await tasks.cancel()
    assert not caplog.records


async def test_waiting_includes_tasks_started_by_tasks() -> None:
    tasks = TaskSet()
    ended: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0.01)
        ended.append(number)
        if number < 3:
            tasks.start(work(number + 1))

    tasks.start(work(1))
    await tasks.wait()
    assert ended == [1, 2, 3]
