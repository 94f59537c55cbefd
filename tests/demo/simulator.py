"""The simulator in its own process, from outside: its control port, and its log as any client can read it."""

import json
from types import TracebackType
from typing import Any, Self

import aiohttp

type Json = dict[str, Any]

BATCH = 128


class DeviceClient:
    """A bare client of a 2N: the lower limit for times, and an independent reader of its log."""

    def __init__(self, address: str, username: str, password: str) -> None:
        """`address` is host and port."""
        self._url = f"http://{address}/api/"
        digest = aiohttp.DigestAuthMiddleware(username, password)
        self._session = aiohttp.ClientSession(middlewares=(digest,))

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self._session.close()

    async def get(self, path: str, **params: str) -> Json:
        """Call a function of the HTTP API and give its result."""
        async with self._session.get(self._url + path, params=params) as response:
            answer = await response.json()
        if not answer["success"]:
            raise ValueError(f"{path}: {answer['error']}")
        result: Json = answer.get("result", {})
        return result

    async def open_log(self, include: str = "new") -> str:
        """Open a channel of the log with every type of event; gives its id."""
        return str((await self.get("log/subscribe", include=include))["id"])

    async def pull(self, channel: str, timeout: int) -> list[Json]:
        """Return the next events of a channel."""
        events: list[Json] = (await self.get("log/pull", id=channel, timeout=str(timeout)))["events"]
        return events

    async def history(self) -> list[Json]:
        """Return all events that the device still holds."""
        channel = await self.open_log("all")
        events: list[Json] = []
        while True:
            events.extend(batch := await self.pull(channel, 0))
            if len(batch) < BATCH:
                break
        await self.get("log/unsubscribe", id=channel)
        return events


class SimulatorControl:
    """The control port of a simulator."""

    def __init__(self, address: str) -> None:
        """`address` is host and port of the control port."""
        self.url = f"http://{address}/control"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300))

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        await self._session.close()

    async def do(self, verb: str, **arguments: Any) -> Any:
        """Call a verb of the simulator in `tests.simulators`."""
        async with self._session.post(f"{self.url}/{verb}", data=json.dumps(arguments)) as response:
            answer = await response.json()
        if not answer["success"]:
            raise ValueError(f"{verb}: {answer['error']}")
        return answer["result"]

    async def state(self) -> Json:
        """Return the state of the simulator."""
        async with self._session.get(f"{self.url}/state") as response:
            state: Json = await response.json()
        return state

    async def display(self, name: str) -> bytes:
        """Return the uploaded image that a display shows; None if it shows its own."""
        async with self._session.get(self.display_url(name)) as response:
            return await response.read()

    def display_url(self, name: str) -> str:
        """Return the address of the page that shows a display."""
        return f"{self.url}/display/{name}"

    async def requests(self, account: str | None = None) -> list[Json]:
        """Return the requests answered since `clear_requests`, oldest first, those of one account if named."""
        async with self._session.get(f"{self.url}/requests") as response:
            requests: list[Json] = await response.json()
        return [request for request in requests if account is None or request["account"] == account]

    def ring_command(self, **arguments: Any) -> str:
        """Return the command line that presses a button."""
        return f"curl -s -d '{json.dumps(arguments)}' {self.url}/press"
