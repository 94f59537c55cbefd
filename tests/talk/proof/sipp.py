"""Proofs with sipp: it plays the door, the agent is the code under test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
import time

from custom_components.ip_intercom.talk.errors import CallFailed, CallRefused, TalkError
from custom_components.ip_intercom.talk.sip_agent import CallState, EndReason, SipAccount, SipAgent, SipCall, SipPeer

from . import scenarios
from .programs import command, free_port, start, stop

HOST = "127.0.0.1"
_LONGEST = 60


class Failed(Exception):
    """A proof failed."""


@dataclass
class Door:
    """A running sipp, and the agent that has it as its peer."""

    agent: SipAgent
    calls: list[SipCall]
    output: str = ""

    async def dial(self, number: str = "100", stay: float = 0.1) -> None:
        """Call the door, stay on the line, and hang up."""
        call = await self.agent.call(number)
        if call.state is not CallState.ESTABLISHED:
            raise Failed(f"the call is {call.state}")
        await asyncio.sleep(stay)
        await call.hang_up()


@asynccontextmanager
async def door(
    scenario: str,
    count: int = 1,
    *arguments: str,
    account: SipAccount | None = None,
    on_call: Callable[[SipCall], Awaitable[None]] | None = None,
) -> AsyncIterator[Door]:
    """Run sipp with a scenario for a number of calls; raises Failed unless it is content with all of them."""
    program = command("sipp")
    if program is None:
        raise Failed("sipp is not there")
    port, media = free_port(), free_port()
    calls: list[SipCall] = []
    tasks: set[asyncio.Task[None]] = set()

    def take(call: SipCall) -> None:
        calls.append(call)
        if on_call is not None:
            task = asyncio.ensure_future(_guarded(on_call(call)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    agent = SipAgent(SipPeer(HOST, port), account=account, on_call=take)
    await agent.start()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.xml"
        path.write_text(scenario, encoding="ascii")
        remote = f"{HOST}:{agent.local[1]}"
        process = await start(
            (
                *program,
                *(remote, "-sf", str(path), "-i", HOST, "-p", str(port), "-mi", HOST, "-mp", str(media & ~1)),
                *("-m", str(count), "-nostdin", "-nd", "-timeout", str(_LONGEST), "-timeout_error"),
                *arguments,
            ),
            Path(folder),
        )
        # sipp needs a moment to listen; what comes too early is repeated by UDP anyway.
        await asyncio.sleep(0.3)
        made = Door(agent, calls)
        try:
            yield made
            async with asyncio.timeout(_LONGEST + 10):
                made.output = (await process.communicate())[0].decode("utf-8", "replace")
        finally:
            await stop(process)
            if tasks:
                await asyncio.wait(tasks, timeout=10)
            await agent.stop()
    if process.returncode != 0:
        raise Failed(f"sipp ended with {process.returncode}:\n{made.output[-2000:]}")
    if agent.calls:
        raise Failed("the agent has calls left")


async def _guarded(action: Awaitable[None]) -> None:
    """The errors that sipp reports of a door."""
    try:
        await action
    except TalkError as err:
        print(f"    the agent: {err}")  # noqa: T201


async def _answer(call: SipCall) -> None:
    await call.ring()
    await call.answer()


# ---- The proofs ----


async def call_out() -> None:
    """The agent calls, the door answers."""
    async with door(scenarios.ANSWERS) as made:
        await made.dial()


async def call_in() -> None:
    """The door calls, the agent answers, the door hangs up."""
    async with door(scenarios.calls(200), on_call=_answer) as made:
        pass
    _expect([call.end_reason for call in made.calls], [EndReason.REMOTE])


async def refused_out() -> None:
    """The door declines, and is busy."""
    for scenario, status in ((scenarios.REFUSES, 603), (scenarios.IS_BUSY, 486)):
        async with door(scenario) as made:
            try:
                await made.dial()
            except CallRefused as err:
                _expect(err.status, status)
            else:
                raise Failed("the call was not refused")


async def refused_in() -> None:
    """The agent declines, and is busy."""
    for status in (603, 486):

        async def refuse(call: SipCall, status: int = status) -> None:
            await call.ring()
            await call.refuse(status)

        async with door(scenarios.is_refused(status), on_call=refuse) as made:
            pass
        _expect(len(made.calls), 1)


async def canceled_out() -> None:
    """It rings at the door, and the agent gives up."""
    async with door(scenarios.IS_CANCELED) as made:
        try:
            await made.agent.call("100", timeout=0.5)
        except CallFailed as err:
            _expect(str(err), "no answer")


async def canceled_in() -> None:
    """It rings at the agent, and the door gives up."""

    async def ring(call: SipCall) -> None:
        await call.ring()

    async with door(scenarios.CANCELS, on_call=ring) as made:
        pass
    _expect([call.end_reason for call in made.calls], [EndReason.CANCELED])


async def login() -> None:
    """The door wants a login, for a call and a registration; Debian's sipp 3.6.1 can check MD5 only."""
    account = SipAccount("door7", "s3cret", HOST)
    async with door(scenarios.CHALLENGES, account=account) as made:
        await made.dial()
    async with door(scenarios.REGISTERS, account=account) as made:
        await made.agent.register()
        await made.agent.stop()


async def lost_out(count: int = 20) -> None:
    """A fifth of the door's packets is lost, calls of the agent."""
    async with door(scenarios.ANSWERS, count, "-lost", "20") as made:
        await asyncio.gather(*(made.dial(stay=1) for _ in range(count)))


async def lost_in(count: int = 20) -> None:
    """A fifth of the door's packets is lost, calls of the door."""
    async with door(scenarios.calls(1000), count, "-lost", "20", "-r", "20", on_call=_answer) as made:
        pass
    _expect(len(made.calls), count)


async def many_out(count: int = 20) -> None:
    """20 calls at once to the door."""
    async with door(scenarios.ANSWERS, count) as made:
        calls = await asyncio.gather(*(made.agent.call("100") for _ in range(count)))
        _expect(len(made.agent.calls), count)
        await asyncio.gather(*(call.hang_up() for call in calls))


async def many_in(count: int = 20) -> None:
    """20 calls at once of the door."""
    most = 0
    answered: list[SipCall] = []

    async def answer(call: SipCall) -> None:
        nonlocal most
        await _answer(call)
        answered.append(call)
        most = max(most, sum(other.state is CallState.ESTABLISHED for other in answered))

    async with door(scenarios.calls(3000), count, "-r", str(count), "-l", str(count), on_call=answer):
        pass
    _expect(most, count)


def _expect(found: object, expected: object) -> None:
    if found != expected:
        raise Failed(f"{found} instead of {expected}")


PROOFS: dict[str, Callable[[], Awaitable[None]]] = {
    "call out": call_out,
    "call in": call_in,
    "refused and busy, out": refused_out,
    "refused and busy, in": refused_in,
    "ringing and canceled, out": canceled_out,
    "ringing and canceled, in": canceled_in,
    "authentication": login,
    "20 % lost, 20 calls out": lost_out,
    "20 % lost, 20 calls in": lost_in,
    "20 calls at once, out": many_out,
    "20 calls at once, in": many_in,
}


async def prove() -> bool:
    """Run all proofs, print a line for each, and return whether all succeeded."""
    good = True
    for name, proof in PROOFS.items():
        begun = time.perf_counter()
        try:
            await proof()
            result = "ok"
        except (Failed, TalkError, TimeoutError) as err:
            good = False
            result = f"FAILED: {type(err).__name__}: {err}"
        print(f"{name:<28} {time.perf_counter() - begun:5.1f} s  {result}", flush=True)  # noqa: T201
    return good
