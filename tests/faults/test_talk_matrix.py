"""Each fault of a device that talks: bell and doors go on, the sensor says why there is no talk, and talk comes back."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
import inspect
import time

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from tests.common import act, entity_id, until
from tests.talk.sounds import file_server, tone

from .rigs import RIGS, Rig
from .talk_matrix import BACK, FAILURES, TalkCell, chosen
from .talkers import TALKERS, Talker
from .test_matrix import COMMAND, LOOK, RING, Witness, wait

# Seconds until an announcement ends that no device hears.
ENDS = 60.0


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def check(talker: Talker) -> None:
    """Press the button; its error says what the sensor shows."""
    button = entity_id(talker.hass, talker.rig.entry, "button", "check_talk")
    pressed = act(talker.hass, "button.press", entity_id=button)
    if talker.status == talker.route:
        with suppress(HomeAssistantError):
            await asyncio.wait_for(pressed, COMMAND)
        return
    with pytest.raises(HomeAssistantError) as caught:
        await asyncio.wait_for(pressed, COMMAND)
    assert caught.value.translation_key == f"talk_{talker.status}"


async def rings_and_opens(rig: Rig, witness: Witness) -> None:
    """Expect a visitor to ring, and the door to open."""
    rings, opened = len(witness.rings), rig.carried_out()
    rig.ring()
    assert await wait(lambda: len(witness.rings) > rings, RING) is not None, "no ring"
    await asyncio.wait_for(rig.act(), COMMAND)
    assert rig.carried_out() == opened + 1
    await asyncio.sleep(rig.usual_pause)


async def heard(talker: Talker, sound: str) -> None:
    """Expect an announcement to be heard."""
    before = talker.heard()
    await talker.announce(sound)
    await until(lambda: talker.heard() > before + 3, "the sound")


@pytest.mark.parametrize("cell", chosen(), ids=lambda cell: cell.id)
async def test_fault(
    hass: HomeAssistant,
    sockets: None,
    local_url: str,
    stack: AsyncExitStack,
    caplog: pytest.LogCaptureFixture,
    cell: TalkCell,
) -> None:
    rig = RIGS[cell.system](hass, local_url)
    await rig.add(stack, secure=False)
    talker = TALKERS[cell.system](rig)
    await talker.add(stack)
    sounds = await stack.enter_async_context(file_server())
    long, short = sounds(tone(20, rate=8000), "long.wav"), sounds(tone(0.5, rate=8000), "short.wav")
    await until(lambda: rig.entry.runtime_data.events.following)
    await asyncio.sleep(5)
    witness = Witness(hass, rig, caplog)
    witness.begin()

    if cell.fault == "reset":
        await talker.visit()
        await heard(talker, long)
    begun = talker.breaks[cell.fault]()
    if inspect.isawaitable(begun):
        await begun
    await rings_and_opens(rig, witness)
    if cell.fault != "reset":
        with suppress(HomeAssistantError):
            await asyncio.wait_for(talker.announce(short), COMMAND)
    assert await wait(talker.is_silent, ENDS) is not None, "the announcement does not end"
    if not talker.needs_visitor:
        await check(talker)
    wanted = cell.reason or talker.route
    assert await wait(lambda: talker.status == wanted, COMMAND) is not None, (wanted, talker.status)
    await check(talker)
    assert talker.status == wanted
    if (failure := FAILURES.get((cell.system, cell.fault))) is not None:
        assert talker.failure == failure
    rig.end_ring()

    await talker.heal()
    ended = time.monotonic()
    if cell.later:
        if talker.needs_visitor:
            await talker.visit()
        else:
            await rig.entry.runtime_data.coordinator.async_describe()
    while talker.status != talker.route and time.monotonic() < ended + 4 * BACK:
        await asyncio.sleep(LOOK)
    took = time.monotonic() - ended
    assert talker.status == talker.route, talker.status
    assert took <= BACK, f"back after {took:.1f} s"
    if not cell.later or not talker.needs_visitor:
        await talker.visit()
    await heard(talker, short)
    assert await wait(talker.is_silent, ENDS) is not None
    rig.end_ring()
    await asyncio.sleep(5)
    if not talker.needs_visitor:
        await rings_and_opens(rig, witness)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert not witness.missing()
    assert witness.tracebacks() == []
    lines = witness.lines()
    returns = sum("works again" in line for line in lines)
    assert returns <= 1 and len(lines) - returns <= 1, lines
    assert not witness.questions
    assert await hass.config_entries.async_unload(rig.entry.entry_id)
