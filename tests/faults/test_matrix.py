"""Each cell of the fault matrix, in Home Assistant with a simulator."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
import logging
import time

import aiohttp
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.ip_intercom.const import DOMAIN
from tests.clock import CLOCK
from tests.common import entity_id, until
from tests.outages import unusable

from .kinds import KINDS, Running
from .matrix import Cell, chosen
from .rigs import Rig, Stage

OURS = "custom_components.ip_intercom"
# Seconds that a command, an unload, and a push may take, each with timeouts of its own.
COMMAND = 60.0
UNLOAD = 30.0
# Seconds for a ring to arrive, and for one that must not come twice.
RING = 35.0
AGAIN = 5.0
# What Home Assistant itself logs of each attempt to set up an entry.
AT_SETUP = ("not ready yet", "could not authenticate")
# Seconds after which a cell has failed.
LONGEST = 600.0
# Words of the lines about a return.
RETURN = ("data recovered", "available again", "login accepted again")
SETUPS = {Stage.CONNECT, Stage.FIRST_READ}
# Seconds between two looks.
LOOK = 0.25
# Bytes of a push that are sent at once.
PIECE = 2**16
# The library for pictures is optional, and its absence has a traceback.
HARMLESS = ("homeassistant.components.camera.img_util",)


class Witness:
    """Sees what users see: log lines, rings, and questions."""

    def __init__(self, hass: HomeAssistant, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        self._hass = hass
        self._rig = rig
        self._caplog = caplog
        self.rings: list[str] = []
        self.asked = False
        self.entities: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Begin to count."""
        hass, entry = self._hass, self._rig.entry
        self.entities = frozenset(unusable(hass, entry))
        self._caplog.clear()

        @callback
        def changed(event: Event[EventStateChangedData]) -> None:
            if (new := event.data["new_state"]) is None or new.state in {"unavailable", "unknown", *self.rings}:
                return
            if new.attributes.get("event_type") in {"ring", "ringing"}:
                self.rings.append(new.state)

        async_track_state_change_event(hass, entity_id(hass, entry, "event", self._rig.bell), changed)

    def missing(self) -> list[str]:
        """Return what does not work that worked before."""
        entry = self._rig.entry
        if entry.state is not ConfigEntryState.LOADED:
            return [str(entry.state)]
        found = sorted(unusable(self._hass, entry) - self.entities)
        if not entry.runtime_data.coordinator.last_update_success:
            found.append("polls")
        if not entry.runtime_data.coordinator.log_health.working:
            found.append("events")
        return found

    @property
    def questions(self) -> list[str]:
        """Return the forms that ask for a login."""
        return [
            flow["flow_id"]
            for flow in self._hass.config_entries.flow.async_progress_by_handler(DOMAIN)
            if flow["context"]["source"] == SOURCE_REAUTH
        ]

    async def watch(self) -> None:
        """Note whether a login is asked for."""
        while True:
            self.asked = self.asked or bool(self.questions)
            await asyncio.sleep(LOOK)

    def tracebacks(self) -> list[str]:
        """Return what must not be in any log."""
        return [
            f"{record.name}: {record.getMessage()} {record.exc_info or ''}"
            for record in self._caplog.get_records("call")
            if record.name not in HARMLESS
            and record.levelno > logging.DEBUG  # Home Assistant has the cause of a failed set-up there
            and (record.exc_info or (record.levelno >= logging.ERROR and record.name == "asyncio"))
        ]

    def lines(self) -> list[str]:
        """Return the log lines of the integration that users see."""
        return [
            record.getMessage()
            for record in self._caplog.records
            if record.name.startswith(OURS)
            and record.levelno >= logging.INFO
            and not any(text in record.getMessage() for text in AT_SETUP)
        ]


async def wait(condition: Callable[[], object], seconds: float) -> float | None:
    """Wait for something; return the seconds it took, or None if it did not come."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            return None
        await asyncio.sleep(LOOK)
    return time.monotonic() - began


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.mark.parametrize("cell", chosen(), ids=lambda cell: cell.id)
async def test_fault(
    hass: HomeAssistant,
    sockets: None,
    local_url: str,
    stack: AsyncExitStack,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
    cell: Cell,
) -> None:
    rig = cell.rig(hass, local_url)
    await rig.add(stack, secure=cell.kind.secure)
    await until(lambda: rig.entry.state is ConfigEntryState.LOADED and rig.entry.runtime_data.events.following)
    await hass.async_block_till_done()
    await asyncio.sleep(AGAIN)
    witness = Witness(hass, rig, caplog)
    witness.begin()
    CLOCK.longest_turn = 0.0
    fault = Running(cell.kind, rig, cell.stage)
    watching = hass.async_create_background_task(witness.watch(), "questions")
    pressed = await STAGES[cell.stage](rig, fault, witness)

    await asyncio.sleep(cell.kind.settles)
    ended, missing = time.monotonic(), list[str]()
    while (now := witness.missing()) and time.monotonic() < ended + max(LONGEST, cell.expected.back):
        missing = now
        await asyncio.sleep(LOOK)
    took = time.monotonic() - ended
    record_property("back_s", round(took, 1))
    assert not now, f"not back after {took:.1f} s: {now}"
    assert took <= cell.expected.back, f"back after {took:.1f} s, last of all: {missing}"
    watching.cancel()
    assert witness.asked is cell.expected.asks
    assert not witness.questions, "the user is still asked for the password"
    lines = witness.lines()
    returns = sum(any(word in line for word in RETURN) for line in lines)
    losses = len(lines) - returns
    assert losses <= 1 and returns <= 1, lines
    assert losses == returns or cell.kind.moves or cell.stage in SETUPS, lines

    # A visitor after the fault rings once, and the door opens once.
    before = len(witness.rings)
    rig.ring()
    assert await wait(lambda: len(witness.rings) > before, RING) is not None, "no ring after the fault"
    await asyncio.sleep(AGAIN)
    rig.end_ring()
    await asyncio.sleep(AGAIN)
    assert len(witness.rings) == pressed + 1, f"{len(witness.rings)} rings of {pressed + 1}"
    done = rig.carried_out()
    await asyncio.wait_for(rig.act(), COMMAND)
    assert rig.carried_out() == done + 1
    await hass.async_block_till_done()
    assert witness.tracebacks() == []
    assert len(witness.lines()) == len(lines), witness.lines()
    record_property("longest_turn_ms", round(CLOCK.longest_turn * 1000))
    assert await hass.config_entries.async_unload(rig.entry.entry_id)


async def rest(fault: Running, began: float) -> None:
    """Let a fault last, and end it."""
    await asyncio.sleep(max(0.0, began + fault.kind.lasts - time.monotonic()))
    await fault.end()


async def in_setup(rig: Rig, fault: Running, _: Witness) -> int:
    """Set up the entry during the fault, which may begin after the first response."""
    hass, entries = rig.hass, rig.hass.config_entries
    assert await entries.async_unload(rig.entry.entry_id)
    began = time.monotonic()
    if fault.stage is Stage.FIRST_READ and fault.kind.everywhere:
        beginning = asyncio.Event()
        rig.sim.after(1, beginning.set)

        async def begin() -> None:
            await beginning.wait()
            await fault.begin()

        begun = hass.async_create_background_task(begin(), "fault")
        await entries.async_setup(rig.entry.entry_id)
        await begun
    else:
        await fault.begin()
        await entries.async_setup(rig.entry.entry_id)
    if fault.kind.whole:
        await asyncio.sleep(max(0.0, began + fault.kind.lasts - time.monotonic()))
    await fault.end()
    return 0


async def in_command(rig: Rig, fault: Running, _: Witness) -> int:
    """Send a command during the fault: the device runs it at most once, and an error is translated."""
    done, began = rig.carried_out(), time.monotonic()
    await fault.begin()
    with suppress(HomeAssistantError):
        await asyncio.wait_for(rig.act(), COMMAND)
    assert rig.carried_out() <= done + 1
    await rest(fault, began)
    await asyncio.sleep(rig.usual_pause)
    return 0


async def while_following(rig: Rig, fault: Running, _: Witness) -> int:
    """Run the fault while events are followed; a command to a working function succeeds."""
    began = time.monotonic()
    await fault.begin()
    await asyncio.sleep(fault.kind.lasts / 2)
    await works(rig, fault)
    await rest(fault, began)
    return 0


async def works(rig: Rig, fault: Running) -> None:
    """Expect a command to succeed if the fault does not affect its function."""
    if fault.kind.everywhere:
        return
    done = rig.carried_out()
    await asyncio.wait_for(rig.act(), COMMAND)
    assert rig.carried_out() == done + 1, "a door that should open does not open"


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """Iterate over a body in pieces, between which the loop turns."""
    for begin in range(0, len(body), PIECE):
        yield body[begin : begin + PIECE]


async def with_push(rig: Rig, fault: Running, witness: Witness) -> int:
    """Let a visitor ring by a push while what is asked because of it fails, or send a spoiled push."""
    began = time.monotonic()
    await fault.begin()
    if fault.kind.spoil is not None:
        # A large push is built in a thread, and sent in pieces, so that the turns of the loop are those of its receiver.
        push = await asyncio.to_thread(fault.kind.spoil, rig.push())
        async with aiohttp.ClientSession() as session:
            with suppress(aiohttp.ClientConnectionError):
                length = {"Content-Length": str(len(push.body))}
                async with session.request(
                    push.method, rig.webhook.with_query(dict(push.query)), data=pieces(push.body), headers=length
                ) as response:
                    assert response.status < 500
    if fault.kind.everywhere:
        await rest(fault, began)
        return 0
    rig.ring()
    assert await wait(lambda: witness.rings, RING) is not None, "no ring by the push"
    rig.repeat_push()
    await works(rig, fault)
    rig.end_ring()
    await rest(fault, began)
    return 1


async def in_unload(rig: Rig, fault: Running, _: Witness) -> int:
    """Unload the entry during the fault, and set it up again after it; during it where that alone shows the fault."""
    began = time.monotonic()
    await fault.begin()
    async with asyncio.timeout(UNLOAD):
        assert await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    if fault.kind is not KINDS["401_good"]:
        await fault.end()
    if rig.entry.state is ConfigEntryState.NOT_LOADED:
        await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    if fault.kind is KINDS["401_good"]:
        await rest(fault, began)
    return 0


STAGES = {
    Stage.CONNECT: in_setup,
    Stage.FIRST_READ: in_setup,
    Stage.COMMAND: in_command,
    Stage.EVENTS: while_following,
    Stage.PUSH: with_push,
    Stage.UNLOAD: in_unload,
}
