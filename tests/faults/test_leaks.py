"""An entry of each system that is reloaded again and again leaves nothing behind, also in a call."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
import logging

from homeassistant.core import HomeAssistant
import pytest

from tests.common import until
from tests.talk.sounds import file_server, tone

from .leaks import growth_over_reloads
from .rigs import RIGS
from .talkers import TALKERS


@pytest.fixture(autouse=True)
def no_log() -> Generator[None]:
    """Log nothing: the harness keeps every line."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.mark.parametrize("system", RIGS)
async def test_reloads_leave_nothing_behind(
    hass: HomeAssistant,
    sockets: None,
    local_url: str,
    stack: AsyncExitStack,
    record_property: Callable[[str, object], None],
    system: str,
) -> None:
    rig = RIGS[system](hass, local_url)
    await rig.add(stack, secure=False)
    grown, report = await growth_over_reloads(hass, rig.entry, rig.sim.clear_requests)
    record_property("leaks", report)
    assert grown == {}, report


@pytest.mark.parametrize("system", TALKERS)
async def test_reloads_in_a_call_leave_nothing_behind(
    hass: HomeAssistant,
    sockets: None,
    local_url: str,
    stack: AsyncExitStack,
    record_property: Callable[[str, object], None],
    system: str,
) -> None:
    rig = RIGS[system](hass, local_url)
    await rig.add(stack, secure=False)
    talker = TALKERS[system](rig)
    await talker.add(stack)
    sound = (await stack.enter_async_context(file_server()))(tone(5, rate=8000))

    async def call() -> None:
        await talker.ready()
        await talker.visit()
        before = talker.heard()
        await talker.announce(sound)
        await until(lambda: talker.heard() > before + 3, "the sound")

    grown, report = await growth_over_reloads(hass, rig.entry, rig.sim.clear_requests, call)
    record_property("leaks", report)
    assert grown == {}, report
