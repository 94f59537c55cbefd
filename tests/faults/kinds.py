"""The faults of the matrix: how each begins and ends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
import inspect
from typing import Any

import aiohttp

from tests.simulators.common.faults import Fault, FunctionFault, absurd, spoilt

from .rigs import Push, Rig, Stage

MIB = 2**20
DAY = 86_400.0
# Seconds that a fault lasts, that a device is off, and between two reads of another client.
LASTS = 15.0
OFF = 3.0
OTHER_CLIENT = 1.0
RETRY_AFTER = 20

type Happen = Callable[[Rig, Stage], object]
type Spoil = Callable[[Push], Push]


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault.

    Attributes:
        name: As in the documentation.
        begin: Begins it; what it returns is awaited, and ended with the fault if it is a task.
        end: Ends it.
        everywhere: It reaches the whole device at every stage, not only the functions that the stage asks.
        spoil: What becomes of a push, for a fault of the content of a message.
        lasts: Seconds until it ends.
        secure: The connections have to be TLS.
        settles: Seconds after its end in which the integration still does what the fault asked for.
        whole: It lasts so long also if it begins during the set-up; others end with the first attempt.
        moves: The entry is loaded again because of it, which logs no return.
    """

    name: str
    begin: Happen
    end: Happen
    everywhere: bool = False
    spoil: Spoil | None = None
    lasts: float = LASTS
    secure: bool = False
    settles: float = 0.0
    whole: bool = False
    moves: bool = False


def _heal(rig: Rig, _: Stage) -> None:
    rig.sim.heal()


def _faulty(fault: Fault, **settings: Any) -> Happen:
    def begin(rig: Rig, stage: Stage) -> None:
        for function in rig.functions[stage]:
            rig.sim.fault(function, fault, **settings)

    return begin


def _nothing(_: Rig, __: Stage) -> None:
    pass


def _restore(rig: Rig, _: Stage) -> Awaitable[object]:
    return rig.sim.restore_connection()  # type: ignore[no-any-return]


def _restore_power(rig: Rig, _: Stage) -> Awaitable[object]:
    """Answer again; a keep-alive probe on a connection from before is answered by a reset.

    The kernel sends these probes in real time, which the clock of the tests skips.
    """
    rig.sim.reset_connections()
    return rig.sim.restore_connection()  # type: ignore[no-any-return]


def _answer(name: str, fault: Fault, spoil: Spoil | None = None, **settings: Any) -> Kind:
    """Return a fault that answers wrongly."""
    return Kind(name, _faulty(fault, **settings), _heal, spoil=spoil)


def _status(
    status: int, name: str = "", *, lasts: float = LASTS, settles: float = 0.0, whole: bool = False, **settings: Any
) -> Kind:
    begin = _faulty(Fault.STATUS, status=status, **settings)
    return Kind(name or str(status), begin, _heal, lasts=lasts, settles=settles, whole=whole)


def _show_certificate(rig: Rig, _: Stage) -> None:
    rig.sim.renew_certificate()
    rig.sim.reset_connections()


def _restore_certificate(rig: Rig, _: Stage) -> None:
    rig.sim.restore_certificate()
    rig.sim.reset_connections()


def _drop_idle(seconds: float | None, rig: Rig, _: Stage) -> None:
    rig.sim.drop_idle(seconds)


def _shift(seconds: float, rig: Rig, _: Stage) -> None:
    rig.shift_clock(seconds)


def _off(rig: Rig, _: Stage) -> asyncio.Task[None]:
    return asyncio.create_task(rig.reboot(OFF))


def _read_too(rig: Rig, _: Stage) -> asyncio.Task[None]:
    async def read() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                await rig.read_too(session)
                await asyncio.sleep(OTHER_CLIENT)

    return asyncio.create_task(read())


def _bytes(change: Callable[[bytes], bytes]) -> Spoil:
    """Return what spoils a push: its body, or the values of its query where it has no body."""

    def spoil(push: Push) -> Push:
        if push.body:
            return Push(push.method, push.query, change(push.body))
        text = {name: change(value.encode()).decode("latin-1")[:1000] for name, value in push.query.items()}
        return Push("POST", text, change(b'{"event": "InputATriggered"}'))

    return spoil


def _spoilt(fault: Fault) -> Spoil:
    return _bytes(partial(spoilt, FunctionFault(fault)))


KINDS: Mapping[str, Kind] = {
    "refused": Kind("connection refused", lambda rig, _: rig.sim.lose_connection(), _restore, everywhere=True),
    "reset": _answer("connection reset", Fault.RESET),
    "black_hole": Kind("black hole", lambda rig, _: rig.sim.cut_power(), _restore_power, everywhere=True, lasts=60.0),
    "slow_drip": _answer("slow drip", Fault.DRIP),
    "idle_drop": Kind(
        "idle connections dropped", partial(_drop_idle, 2.0), partial(_drop_idle, None), everywhere=True, lasts=30.0
    ),
    "lost_answer": _answer("answer lost", Fault.LOST),
    "tls_change": Kind(
        "TLS certificate changed", _show_certificate, _restore_certificate, everywhere=True, secure=True
    ),
    "address_change": Kind(
        "address changed",
        lambda rig, _: rig.sim.move(),
        lambda rig, _: rig.enter_address(),
        everywhere=True,
        moves=True,
    ),
    "401_once": _status(401, "401 once", times=1),
    "401_minute": _status(401, "401 for a minute", lasts=60.0, whole=True),
    "401_good": Kind(
        "401 for good",
        lambda rig, _: rig.refuse_login(),
        lambda rig, _: rig.accept_login(),
        everywhere=True,
        lasts=150.0,
        whole=True,
        moves=True,
    ),
    "403": _status(403),
    "404": _status(404),
    "408": _status(408),
    "429": _status(429, "429 with Retry-After", retry_after=str(RETRY_AFTER), settles=RETRY_AFTER),
    "500": _status(500),
    "503": _status(503),
    "redirect": _status(302, "redirect", location="https://elsewhere.example/login"),
    "wrong_type": _answer("wrong type", Fault.PAGE, _bytes(lambda _: b"<!DOCTYPE html><html></html>")),
    "empty": _answer("empty", Fault.EMPTY, _bytes(lambda _: b"")),
    "truncated": _answer("truncated", Fault.CUT, _bytes(lambda body: body[: len(body) // 2])),
    "deep": _answer("deeply nested", Fault.DEEP, _bytes(lambda _: absurd(Fault.DEEP))),
    "huge": _answer("100 MiB", Fault.HUGE, _bytes(lambda body: body.ljust(100 * MIB, b" "))),
    "broken_text": _answer("broken characters", Fault.BROKEN_TEXT, _spoilt(Fault.BROKEN_TEXT)),
    "wrong_values": _answer("wrong types of fields", Fault.WRONG_VALUES, _spoilt(Fault.WRONG_VALUES)),
    "unknown_values": _answer("unknown values", Fault.UNKNOWN_WORDS, _spoilt(Fault.UNKNOWN_WORDS)),
    "clock_forward": Kind("clock + 1 day", partial(_shift, DAY), partial(_shift, -DAY), everywhere=True),
    "clock_back": Kind("clock − 1 day", partial(_shift, -DAY), partial(_shift, DAY), everywhere=True),
    "reboot": Kind("reboot", _off, _nothing, everywhere=True),
    "id_restart": Kind("ids restart", lambda rig, _: rig.restart_ids(), _nothing, everywhere=True),
    "duplicates": _answer("duplicates", Fault.DOUBLED),
    "reordering": _answer("other order", Fault.REVERSED),
    "channel_expiry": Kind(
        "channel expired", lambda rig, _: rig.end_channel(), lambda rig, _: rig.restore_channel(), everywhere=True
    ),
    "second_subscriber": Kind("second subscriber", _read_too, _nothing, everywhere=True),
}


@dataclass(slots=True)
class Running:
    """A fault in force."""

    kind: Kind
    rig: Rig
    stage: Stage
    _task: asyncio.Task[Any] | None = field(default=None)

    async def begin(self) -> None:
        """Begin it."""
        found = self.kind.begin(self.rig, self.stage)
        if isinstance(found, asyncio.Task):
            self._task = found
        elif inspect.isawaitable(found):
            await found

    async def end(self) -> None:
        """End it; what had to run to its end, such as a restart, did."""
        if self._task is not None:
            if self.kind is KINDS["reboot"]:
                await self._task
            else:
                self._task.cancel()
                with suppress(asyncio.CancelledError):
                    await self._task
        found = self.kind.end(self.rig, self.stage)
        if inspect.isawaitable(found):
            await found
