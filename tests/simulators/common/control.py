"""The side channel of a simulator in its own process: HTTP and JSON, one verb per method of `Simulator`."""

from collections.abc import Container, Sequence
from dataclasses import asdict
import inspect
import json
from typing import Any, Protocol

from aiohttp import web


class Simulator(Protocol):
    """What can be controlled."""

    @property
    def requests(self) -> Sequence[Any]:
        """Requests answered so far, as dataclasses."""

    def state(self) -> dict[str, Any]:
        """Describe the device as JSON."""


class Control:
    """Serves `POST /control/<verb>` and `POST /control/set`; `GET` of `state` and `requests`."""

    def __init__(self, simulator: Simulator, verbs: Container[str], settings: Container[str] = ()) -> None:
        """Control that simulator by those of its methods, and let those of its attributes be set."""
        self._simulator = simulator
        self._verbs = verbs
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1."""
        app = web.Application()
        app.router.add_post("/control/{verb}", self._verb)
        app.router.add_get("/control/state", self._state)
        app.router.add_get("/control/requests", self._requests)
        self._add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.address = f"{host}:{bound}"

    def _add_routes(self, app: web.Application) -> None:
        """Add what only this system has."""

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _verb(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        try:
            arguments = json.loads(await request.text() or "{}")
            result = await self._do(verb, arguments)
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"success": False, "error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"success": True, "result": result})

    async def _do(self, verb: str, arguments: dict[str, Any]) -> object:
        if verb == "set":
            for name, value in arguments.items():
                if name not in self._settings:
                    raise KeyError(name)
                setattr(self._simulator, name, value)
            return None
        if verb not in self._verbs:
            raise KeyError(verb)
        result = getattr(self._simulator, verb)(**arguments)
        if inspect.isawaitable(result):
            result = await result
        return result

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self._simulator.state())

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(request) for request in self._simulator.requests])
