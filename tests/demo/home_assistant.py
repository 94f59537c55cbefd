"""A client of Home Assistant, as its own frontend is one: REST and the websocket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
import time
from types import TracebackType
from typing import Any, Self

import aiohttp

type Json = dict[str, Any]

USERNAME = "demo"
PASSWORD = "demo"
LANGUAGE = "en"


OPTIONS_FLOW = "/api/config/config_entries/options/flow"


class CommandFailed(Exception):
    """Home Assistant refused a command; the text is its own."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a subscription, and when it came in (monotonic)."""

    event: Json
    at: float


class Subscription:
    """What one subscription has brought so far."""

    def __init__(self) -> None:
        """Begin empty."""
        self.heard: list[Heard] = []
        self._changed = asyncio.Event()

    def take(self, event: Json) -> None:
        """Store a message."""
        self.heard.append(Heard(event, time.monotonic()))
        self._changed.set()

    def clear(self) -> None:
        """Remove the stored messages."""
        self.heard.clear()

    async def wait[T](self, find: Callable[[list[Heard]], T | None], timeout: float, what: str) -> T:
        """Wait until `find` finds something in the messages."""
        try:
            async with asyncio.timeout(timeout):
                while (found := find(self.heard)) is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: not within {timeout:g} s") from None
        return found


class HomeAssistant:
    """One Home Assistant, seen from outside. Use as a context; states are kept up to date from the websocket."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """`token` is that of an earlier login; else `onboard` first."""
        self.url = url
        self.token = token
        self.states: dict[str, Json] = {}
        self.changes = Subscription()
        self._session = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._listener: asyncio.Task[None] | None = None
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._subscriptions: dict[int, Subscription] = {}

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._socket is not None:
            await self._socket.close()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._session.close()

    # -- REST ------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _request(self, method: str, path: str, **kwargs: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._session.request(method, self.url + path, headers=headers, **kwargs) as response:
            if response.status >= 400:
                raise CommandFailed(f"{method} {path}: {response.status} {await response.text()}")
            yield response

    async def get(self, path: str) -> Any:
        """Get JSON."""
        async with self._request("GET", path) as response:
            return await response.json()

    async def post(self, path: str, data: Mapping[str, Any]) -> Any:
        """Post JSON and get JSON."""
        async with self._request("POST", path, json=data) as response:
            return await response.json()

    async def picture(self, entity_id: str) -> tuple[str, bytes]:
        """Get type and bytes of what a camera or an image shows, through the proxy that the frontend uses."""
        path: str = self.states[entity_id]["attributes"]["entity_picture"]
        return await self.download(path)

    async def answers(self) -> bool:
        """Return whether Home Assistant responds."""
        try:
            async with self._session.get(self.url + "/manifest.json"):
                return True
        except aiohttp.ClientError:
            return False

    async def onboard(self) -> None:
        """Create the first user and log in, as the browser does."""
        client_id = f"{self.url}/"
        user = {"name": "Demo", "username": USERNAME, "password": PASSWORD, "language": LANGUAGE}
        code = (await self.post("/api/onboarding/users", {"client_id": client_id, **user}))["auth_code"]
        form = {"client_id": client_id, "grant_type": "authorization_code", "code": code}
        async with self._request("POST", "/auth/token", data=form) as response:
            self.token = (await response.json())["access_token"]
        await self.post("/api/onboarding/analytics", {})
        await self.post("/api/onboarding/integration", {"client_id": client_id, "redirect_uri": client_id})

    async def add(self, handler: str, user_input: Mapping[str, Any], *, step: str) -> Json:
        """Add something through the config flow of its integration, whose menu leads to `step`; gives the result."""
        flow = await self.post("/api/config/config_entries/flow", {"handler": handler})
        await self.continue_flow(flow["flow_id"], {"next_step_id": step})
        return await self.continue_flow(flow["flow_id"], user_input)

    async def continue_flow(self, flow_id: str, user_input: Mapping[str, Any]) -> Json:
        """Send the form of a flow."""
        result: Json = await self.post(f"/api/config/config_entries/flow/{flow_id}", user_input)
        return result

    async def set_options(self, entry_id: str, user_input: Mapping[str, Any]) -> Json:
        """Set the options of an entry through its flow, which reloads it at its end; gives the flow's result."""
        flow = await self.post(OPTIONS_FLOW, {"handler": entry_id})
        return await self.continue_options(flow["flow_id"], user_input)

    async def continue_options(self, flow_id: str, user_input: Mapping[str, Any]) -> Json:
        """Send the form of an options flow; gives the flow's result."""
        result: Json = await self.post(f"{OPTIONS_FLOW}/{flow_id}", user_input)
        return result

    @asynccontextmanager
    async def reloading(self, entity_id: str, timeout: float, name: str) -> AsyncIterator[None]:
        """Wait until an action inside has reloaded the entry of an entity."""
        before = len(self.changes.heard)
        yield

        def loaded_again(heard: list[Heard]) -> bool | None:
            changes = [item.event["data"] for item in heard[before:]]
            states = [change["new_state"] for change in changes if change["entity_id"] == entity_id]
            names = ["" if state is None else state["state"] for state in states]
            return True if "unavailable" in names and names[-1] not in ("", "unavailable") else None

        await self.changes.wait(loaded_again, timeout, f"{name} is loaded again")

    async def download(self, path: str) -> tuple[str, bytes]:
        """Get type and bytes of a file."""
        async with self._request("GET", path) as response:
            return response.content_type, await response.read()

    async def remove(self, entry_id: str) -> None:
        """Remove an entry."""
        async with self._request("DELETE", f"/api/config/config_entries/entry/{entry_id}"):
            pass

    async def device_of(self, entry_id: str) -> str:
        """Return the id of an entry's device, to which others may belong."""
        return str((await self._device_of(entry_id))["id"])

    async def _device_of(self, entry_id: str) -> Json:
        devices: list[Json] = await self.command("config/device_registry/list")
        own = [device for device in devices if entry_id in device["config_entries"]]
        return next(device for device in own if device["via_device_id"] is None)

    async def device_of_entity(self, entity_id: str) -> str:
        """Return the id of an entity's device."""
        return str((await self.command("config/entity_registry/get", entity_id=entity_id))["device_id"])

    async def entities_of(self, entry_id: str) -> dict[str, str]:
        """Return the ids of an entry's enabled entities by what follows the device's in their unique ids."""
        ((_, identity),) = (await self._device_of(entry_id))["identifiers"]
        registry = await self.command("config/entity_registry/list")
        return {
            entry["unique_id"].removeprefix(f"{identity}_"): entry["entity_id"]
            for entry in registry
            if entry["config_entry_id"] == entry_id and entry["disabled_by"] is None
        }

    async def repair(self, domain: str, issue_id: str) -> Json:
        """Submit a repair that asks for nothing; gives the flow's result."""
        path = "/api/repairs/issues/fix"
        flow = await self.post(path, {"handler": domain, "issue_id": issue_id})
        result: Json = await self.post(f"{path}/{flow['flow_id']}", {})
        return result

    # -- websocket -------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Is the websocket open?"""
        return self._socket is not None and not self._socket.closed

    async def connect(self) -> None:
        """Log in on the websocket and follow the states."""
        self._socket = await self._session.ws_connect(f"{self.url}/api/websocket", max_msg_size=0)
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self.token})
        if (answer := await self._socket.receive_json())["type"] != "auth_ok":
            raise CommandFailed(str(answer))
        self._listener = asyncio.create_task(self._listen(self._socket))
        self.changes = await self.subscribe("state_changed")
        for state in await self.command("get_states"):
            self.states.setdefault(state["entity_id"], state)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            for item in data if isinstance(data := message.json(), list) else [data]:
                self._take(item)
        for answer in self._answers.values():
            answer.cancel()

    def _take(self, message: Json) -> None:
        if message["type"] == "event":
            event = message["event"]
            if isinstance(event, dict) and event.get("event_type") == "state_changed":
                if (new := event["data"]["new_state"]) is None:
                    self.states.pop(event["data"]["entity_id"], None)
                else:
                    self.states[new["entity_id"]] = new
            for item in event if isinstance(event, list) else [event]:
                self._subscriptions[message["id"]].take(item)
        elif (answer := self._answers.pop(message["id"], None)) is not None and not answer.done():
            if message["type"] == "pong" or message["success"]:
                answer.set_result(message.get("result"))
            else:
                answer.set_exception(CommandFailed(message["error"]["message"]))

    async def command(self, kind: str, **data: Any) -> Any:
        """Send a command and give its result."""
        return await self._send(next(self._ids), kind, data)

    async def _send(self, number: int, kind: str, data: Mapping[str, Any]) -> Any:
        assert self._socket is not None
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "type": kind, **data})
        return await answer

    async def follow(self, kind: str, **data: Any) -> Subscription:
        """Send a command that begins a subscription."""
        number = next(self._ids)
        self._subscriptions[number] = subscription = Subscription()
        await self._send(number, kind, data)
        return subscription

    async def subscribe(self, event_type: str) -> Subscription:
        """Listen to events of the bus."""
        return await self.follow("subscribe_events", event_type=event_type)

    async def act(self, action: str, entity_id: str | None = None, **data: Any) -> None:
        """Perform an action."""
        await self._call(action, data, {} if entity_id is None else {"target": {"entity_id": entity_id}})

    async def ask(self, action: str, **data: Any) -> Json:
        """Perform an action, and return its response."""
        response: Json = (await self._call(action, data, {"return_response": True}))["response"]
        return response

    async def refusal(self, action: str, entity_id: str | None = None, **data: Any) -> str:
        """Perform an action that has to fail, and return the reason."""
        try:
            await self.act(action, entity_id, **data)
        except CommandFailed as refusal:
            return str(refusal)
        raise AssertionError(f"{action} was not refused")

    async def _call(self, action: str, data: Json, options: Json) -> Any:
        domain, service = action.split(".")
        return await self.command("call_service", domain=domain, service=service, service_data=data, **options)

    async def wait_state(self, entity_id: str, wanted: Callable[[str], bool] | str, timeout: float = 5.0) -> Json:
        """Wait until an entity has a state; gives it."""

        def find(_: list[Heard]) -> Json | None:
            state = self.states.get(entity_id)
            fits = state is not None and (wanted(state["state"]) if callable(wanted) else state["state"] == wanted)
            return state if fits else None

        what = f"{entity_id} {'as wanted' if callable(wanted) else wanted}"
        return await self.changes.wait(find, timeout, what)
