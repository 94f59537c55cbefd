"""A device on the network, with everything that can go wrong there."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
import gzip
from typing import Any, Self, override

from aiohttp import web

from .clock import Clock
from .faults import (
    DRIP_PAUSE,
    HUGE_MIB,
    Bodies,
    Fault,
    FunctionFault,
    FunctionFaults,
    Garbage,
    WrongAnswer,
    absurd,
    spoilt,
)
from .network import Certificate, Network, reset

REQUESTS_KEPT = 100_000
# Seconds in which an answer leaves.
AFTER_ANSWER = 0.005


class Active:
    """A part that acts without a request."""

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background."""
        raise NotImplementedError

    def _online(self) -> bool:
        """Is the cable plugged in?"""
        raise NotImplementedError


class Host[Request](Active):
    """The network side of a simulator; `Request` is what it remembers of one."""

    clock: Clock
    # What the system itself answers where a function fails: HTTP status and JSON.
    _refusal: tuple[int, bytes] = (500, b"{}")

    def _challenges(self) -> tuple[str, ...]:
        """Return ``WWW-Authenticate`` of a function that refuses the login."""
        return ()

    def __init__(self, name: str, prefix: str, bodies: Bodies, certificate: Certificate | None = None) -> None:
        """`name` is for the certificate, `prefix` for paths that are given without it, `bodies` are wrong answers."""
        self._prefix = prefix
        self._bodies = bodies
        self._network = Network(self._handle, name, certificate)
        self._requests: deque[Request] = deque(maxlen=REQUESTS_KEPT)
        self._delays: dict[str | None, float] = {}
        self._garbage: dict[str, WrongAnswer] = {}
        self._faults = FunctionFaults()
        self._losses: dict[str, tuple[int, int | None]] = {}
        self._overload: tuple[int, str, bytes, str | None] | None = None
        # Where what is on the way sends everything on to.
        self._location: str | None = None
        # What happens once so many more requests are answered.
        self._after_answers: list[tuple[int, Callable[[], object]]] = []
        self._handling: set[asyncio.Task[Any]] = set()
        self._background: set[asyncio.Task[None]] = set()

    def _doors(self) -> tuple[tuple[int, bool], ...]:
        """Return the ports to listen on, and whether each speaks TLS."""
        raise NotImplementedError

    def _cold_start(self) -> None:
        """Switch the device on."""

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as the device does."""
        raise NotImplementedError

    def _note_garbage(self, request: web.BaseRequest, status: int) -> None:
        """Remember a request that gets a wrong answer."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen."""
        self._cold_start()
        await self._network.start(*self._doors())

    async def stop(self) -> None:
        """Close every socket, task and timer."""
        self.clock.cancel_timers()
        self._network.cut()
        tasks = (self._background | self._handling) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._network.stop()
        self.clock.cancel_timers()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def requests(self) -> list[Request]:
        """Requests answered so far, oldest first; a long poll appears when it ends."""
        return list(self._requests)

    def clear_requests(self) -> None:
        """Forget them."""
        self._requests.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            response = await self._answer(request)
        except ConnectionError:
            # There is no client to read the answer.
            return web.Response()
        else:
            self._count_answer()
            return response
        finally:
            self._handling.discard(task)

    def _count_answer(self) -> None:
        due = [happen for answers, happen in self._after_answers if answers <= 1]
        self._after_answers = [(answers - 1, happen) for answers, happen in self._after_answers if answers > 1]
        for happen in due:
            # The answer leaves before.
            asyncio.get_running_loop().call_later(AFTER_ANSWER, happen)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        delay = self._delays.get(request.path, self._delays.get(None))
        if delay:
            await asyncio.sleep(delay)
        wrong = self._garbage.get(request.path)
        if wrong is not None and wrong.left != 0:
            if wrong.left is not None:
                wrong.left -= 1
            await drain(request)
            self._note_garbage(request, wrong.status)
            return await wrong.send(request)
        if self._overload is not None:
            return await self._failed(request, *self._overload)
        fault = self._faults.find(request.method, request.path)
        response = await self._respond(request) if fault is None else await self._fail(request, fault)
        path = request.get("path", request.path)
        left, status = self._losses.get(path, (0, None))
        if left:
            self._losses[path] = left - 1, status
            if status is not None:
                return web.Response(status=status, text="error")
            if request.transport is not None:
                reset(request.transport)
            raise ConnectionResetError
        return response

    async def _fail(self, request: web.BaseRequest, fault: FunctionFault) -> web.StreamResponse:
        """Answer as a function does that fails alone."""
        match fault.fault:
            case Fault.HANG | Fault.RESET:
                self._note_garbage(request, 0)
                if fault.fault is Fault.HANG:
                    await asyncio.Event().wait()
                if request.transport is not None:
                    reset(request.transport)
                raise ConnectionResetError
            case Fault.STATUS:
                return await self._failed(request, fault.status, "text/plain", b"", fault.retry_after, fault.location)
            case Fault.EMPTY:
                return await self._failed(request, 200, "application/json", b"")
            case Fault.HUGE:
                await drain(request)
                self._note_garbage(request, 200)
                return await WrongAnswer(self._bodies, Garbage.HUGE, mebibytes=HUGE_MIB).send(request)
            case Fault.PAGE:
                return await self._failed(request, 200, *self._bodies[Garbage.HTML])
            case Fault.REFUSED:
                status, body = self._refusal
                return await self._failed(request, status, "application/json", body)
            case Fault.DEEP | Fault.DIGITS | Fault.BARE:
                return await self._failed(request, 200, "application/json", absurd(fault.fault))
        response = await self._respond(request)
        if not self._faults.has(fault):
            return response  # it ended during a long poll
        if fault.fault is Fault.LOST:
            if request.transport is not None:
                reset(request.transport)
            raise ConnectionResetError
        if fault.fault in {Fault.STALL, Fault.DRIP}:
            drips = fault.fault is Fault.DRIP
            return await _stall(request, response, drips=drips, lasts=partial(self._faults.has, fault))
        if isinstance(response, web.Response) and isinstance(response.body, bytes) and not response.prepared:
            packed = response.headers.popall("Content-Encoding", None)
            response.headers.popall("Content-Length", None)
            response.body = spoilt(fault, gzip.decompress(response.body) if packed else response.body)
        return response

    async def _failed(
        self,
        request: web.BaseRequest,
        status: int,
        content_type: str,
        body: bytes,
        retry_after: str | None = None,
        location: str | None = None,
    ) -> web.StreamResponse:
        await drain(request)
        self._note_garbage(request, status)
        response = web.Response(body=body, status=status, headers={"Content-Type": content_type})
        if retry_after is not None:
            response.headers["Retry-After"] = retry_after
        if (target := location or self._location) is not None:
            response.headers["Location"] = target
        for challenge in self._challenges() if status == 401 else ():
            response.headers.add("WWW-Authenticate", challenge)
        return response

    @override
    def _online(self) -> bool:
        return self._network.up

    @override
    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def _cut_off(self) -> None:
        """Cut the network and end all requests in progress, except the calling one."""
        self._network.cut()
        for task in self._handling - {asyncio.current_task()}:
            task.cancel()

    def lose_connection(self) -> None:
        """Cut the network. Requests in progress continue on the device."""
        self._network.cut()

    def drop_idle(self, seconds: float | None) -> None:
        """Have a firewall forget connections without a byte for real seconds: both sides talk into the void; None ends it."""
        self._network.way.idle = seconds

    def hold_back(self, seconds: float) -> None:
        """Let all that the device sends arrive so many real seconds late; 0 ends it."""
        self._network.way.held = seconds

    def lose_connection_silently(self) -> None:
        """Cut the network or the power: peers do not notice that connections are lost, and new ones are refused."""
        self._network.cut_silently()

    def cut_power(self) -> None:
        """Take the power from the device, its memory kept: no packet is answered; ``restore_connection`` ends it."""
        self._network.cut_power()

    def restore_connection(self) -> asyncio.Task[None]:
        """Plug the cable in; await the result to know that it is."""
        return self._spawn(self._network.connect())

    def after(self, answers: int, happen: Callable[[], object]) -> None:
        """Let something happen once so many more requests are answered."""
        self._after_answers.append((answers, happen))

    async def move(self) -> None:
        """Get another address, as from a DHCP server: the old one refuses connections."""
        self._network.cut()
        await self._network.move()

    async def drop_network(self, seconds: float) -> None:
        """Pull the cable for real seconds."""
        self.lose_connection()
        await asyncio.sleep(seconds)
        await self.restore_connection()

    def reset_connections(self) -> None:
        """Reset every connection, but keep listening."""
        for task in self._handling:
            task.cancel()
        self._network.reset_all()

    def delay(self, seconds: float, path: str | None = None) -> None:
        """Answer late, everywhere or on one path; 0 ends it."""
        self._delays[None if path is None else self._full(path)] = seconds

    def garbage(
        self,
        path: str,
        body: str | bytes = "truncated",
        content_type: str | None = None,
        *,
        status: int = 200,
        times: int | None = None,
        mebibytes: int = 64,
    ) -> None:
        """Answer nonsense on a path: a body, or one of `Garbage` (truncated, html, empty, huge, endless)."""
        wrong = WrongAnswer(self._bodies, body, content_type, status, mebibytes, times)
        self._garbage[self._full(path)] = wrong

    def lose_next_answer(self, path: str, times: int = 1, *, status: int | None = None) -> None:
        """Carry out the next requests to a path, and reset the connection or answer a status in place of the answer."""
        self._losses[self._full(path)] = times, status

    def fault(
        self,
        path: str,
        fault: Fault | str | None,
        *,
        status: int = 500,
        times: int | None = None,
        text: str | None = None,
        retry_after: str | None = None,
        location: str | None = None,
    ) -> None:
        """Begin a fault of a function, or end it with None: `log/pull`, `GET /calls`, `*` for all.

        `text` is what a broken or control character comes behind, else it is in an unknown field. `retry_after` is the
        header of a status, in seconds or as a date, `location` that of a redirect.
        """
        method, _, name = path.rpartition(" ")
        broken = None if fault is None else FunctionFault(Fault(fault), status, times, text, retry_after, location)
        self._faults.set(f"{method} {self._full(name)}".strip(), broken)

    def overload(self, status: int = 503, retry_after: str | None = None) -> None:
        """Answer everything with a status and a page; `retry_after` is the header, in seconds or as a date."""
        self._overload = status, "text/html", b"<html>busy</html>", retry_after

    def intercept(self, status: int = 200, location: str | None = None) -> None:
        """Respond to every request with a page, as captive portals and other proxies do."""
        self._overload = status, "text/html", b"<html><body>Please log in</body></html>", None
        self._location = location

    def heal(self) -> None:
        """End delays, garbage, faults, lost responses, overload, and interception."""
        self._delays.clear()
        self._garbage.clear()
        self._faults.clear()
        self._losses.clear()
        self._overload = self._location = None

    def renew_certificate(self) -> None:
        """Sign a new certificate; new connections show it."""
        self._network.certificate.renew()

    def restore_certificate(self) -> None:
        """Show the first certificate again to new connections."""
        self._network.certificate.restore()

    @property
    def certificate(self) -> str:
        """The certificate that was shown first, as PEM."""
        return self._network.certificate.first

    async def wait_until_up(self, timeout: float = 5.0) -> None:
        """Wait until the device answers, such as after a restart."""
        await wait_for(self._online, timeout)

    def _full(self, path: str) -> str:
        return path if path.startswith("/") else self._prefix + path


async def wait_for(condition: Callable[[], bool], timeout: float) -> None:
    """Wait until something is the case, for real seconds at the most."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.002)


def scheme_of(request: web.BaseRequest) -> str | None:
    """Return the first word of `Authorization`, where a request has it."""
    authorization = request.headers.get("Authorization")
    return authorization.partition(" ")[0] if authorization else None


async def _stall(
    request: web.BaseRequest, response: web.StreamResponse, *, drips: bool, lasts: Callable[[], bool]
) -> web.StreamResponse:
    """Send half of a reply, and wait for ever; or drip all of it, byte by byte, as long as the fault lasts."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b"{}"
    half = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await half.prepare(request)
    if drips:
        sent = 0
        while sent < len(body):
            await asyncio.sleep(DRIP_PAUSE)
            more = 1 if lasts() else len(body)
            await half.write(body[sent : sent + more])
            sent += more
        await half.write_eof()
        return half
    await half.write(body[: len(body) // 2])
    await asyncio.Event().wait()
    return half


async def drain(request: web.BaseRequest) -> None:
    """Read the rest of a rejected request, so that its sender reads the response."""
    while await request.content.readany():
        pass
