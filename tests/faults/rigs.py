"""A simulated device or server of each system, as the fault matrix uses it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
import json
from typing import Any, override

import aiohttp
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry
from homeassistant.core import HomeAssistant
from yarl import URL

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, DOMAIN
from tests.common import (
    PASSWORD,
    USERNAME,
    act,
    add_intercom,
    choose,
    command,
    configure,
    enter,
    entity_id,
    reopen,
    until,
    user_input,
)
from tests.simulators import akuvox, mx_proxy, smartyard, two_n
from tests.systems.akuvox.integration.conftest import BUTTON
from tests.systems.mx_proxy.integration.conftest import add as add_extension
from tests.systems.smartyard.integration.conftest import add as add_account


class Stage(StrEnum):
    """What the integration is doing when a fault begins."""

    CONNECT = "connect"
    FIRST_READ = "first read"
    COMMAND = "command"
    EVENTS = "event channel"
    PUSH = "push"
    UNLOAD = "unload"


@dataclass(frozen=True, slots=True)
class Push:
    """A request to the webhook."""

    method: str
    query: Mapping[str, str]
    body: bytes


class Rig(ABC):
    """A simulator with an entry in Home Assistant.

    Attributes:
        functions: The functions that each stage asks; a fault that reaches only functions is in these.
        bell: The key of the event entity of the bell.
        usual_pause: Seconds that a door needs before it can be opened again.
    """

    functions: Mapping[Stage, tuple[str, ...]]
    bell: str
    usual_pause = 7.0
    entry: ConfigEntry[Any]
    sim: Any

    def __init__(self, hass: HomeAssistant, url: str) -> None:
        self.hass = hass
        self.url = url

    @abstractmethod
    async def add(self, stack: AsyncExitStack, *, secure: bool) -> None:
        """Start the simulator, and add it to Home Assistant; ``secure`` if its connections have to be TLS."""

    @abstractmethod
    async def act(self) -> None:
        """Send the main command: open the door, or dial."""

    @abstractmethod
    def carried_out(self) -> int:
        """Return how many of these commands the simulator has carried out."""

    @abstractmethod
    def ring(self) -> None:
        """Press the button, or call."""

    def end_ring(self) -> None:  # noqa: B027 -- there may be nothing to end
        """End the ring."""

    @abstractmethod
    async def reboot(self, seconds: float) -> None:
        """Switch the simulator off and on again."""

    def shift_clock(self, seconds: float) -> None:
        """Set the clock of the simulator."""
        self.sim.advance_clock(seconds)

    def refuse_login(self) -> None:
        """Refuse the login that the integration has."""
        raise NotImplementedError

    async def accept_login(self) -> None:
        """Accept it again."""
        raise NotImplementedError

    def restart_ids(self) -> None:
        """Count log records from the beginning again."""
        raise NotImplementedError

    def end_channel(self) -> None:
        """End the subscription, session, or link that events come through."""
        raise NotImplementedError

    def restore_channel(self) -> None:  # noqa: B027 -- it may be the integration's own doing
        """Reopen the channel, if the integration does not do so by itself."""

    async def read_too(self, session: aiohttp.ClientSession) -> None:
        """Read the events as another client does, once."""
        raise NotImplementedError

    def push(self) -> Push:
        """Return a push like those of the system, of an event that rings nothing."""
        raise NotImplementedError

    def repeat_push(self) -> None:
        """Send the last push again."""
        self.sim.repeat_push()

    @property
    def address(self) -> str:
        """The address that a user enters."""
        return str(self.sim.url)

    @property
    def webhook(self) -> URL:
        """The address that pushes are sent to."""
        return URL(f"{self.url}/api/webhook/{self.entry.data[CONF_PUSH_TOKEN]}")

    async def enter_address(self) -> None:
        """Enter the address that the simulator has now, as a user does after it moved."""
        form = await reopen(self.hass, self.entry, SOURCE_RECONFIGURE)
        given = {**self._given(), "host": self.address}
        result = await configure(self.hass, form, given)
        assert result.get("reason") == "reconfigure_successful", result

    def _given(self) -> dict[str, Any]:
        return {key: value for key, value in self.entry.data.items() if key in {"username", "password"}} | {
            "security": {"verify_ssl": False}
        }

    async def _open(self, door: str) -> None:
        await act(self.hass, "lock.open", entity_id=entity_id(self.hass, self.entry, "lock", f"door_{door}_door"))


class TwoN(Rig):
    """A Verso."""

    functions = {
        Stage.CONNECT: ("*",),
        Stage.FIRST_READ: ("switch/status", "io/status"),
        Stage.COMMAND: ("switch/ctrl",),
        Stage.EVENTS: ("log/subscribe", "log/pull"),
        Stage.UNLOAD: ("*",),
    }
    bell = "bell_1"

    @override
    async def add(self, stack: AsyncExitStack, *, secure: bool) -> None:
        self.sim = await stack.enter_async_context(two_n.Simulator("verso"))
        self.entry = await add_intercom(self.hass, self.sim)

    @override
    async def act(self) -> None:
        await self._open("1")

    @override
    def carried_out(self) -> int:
        return len(self.sim.switch_activations)

    @override
    def ring(self) -> None:
        self.sim.press("%1", call=False)

    @override
    async def reboot(self, seconds: float) -> None:
        await self.sim.reboot(seconds)

    @override
    def restart_ids(self) -> None:
        self.sim.log.empty()

    @override
    def refuse_login(self) -> None:
        self.sim.accounts[USERNAME] = replace(self.sim.accounts[USERNAME], password="another")

    @override
    async def accept_login(self) -> None:
        self.sim.accounts[USERNAME] = replace(self.sim.accounts[USERNAME], password=PASSWORD)

    @override
    def end_channel(self) -> None:
        for channel in list(self.sim.log.channels.values()):
            self.sim.log._close(channel)

    @override
    async def read_too(self, session: aiohttp.ClientSession) -> None:
        login = (aiohttp.DigestAuthMiddleware(USERNAME, PASSWORD),)
        api = f"https://{self.address}/api/log"
        subscribe = session.get(f"{api}/subscribe", params={"include": "all"}, middlewares=login, ssl=False)
        async with subscribe as response:
            channel = (await response.json(content_type=None))["result"]["id"]
        pull = session.get(f"{api}/pull", params={"id": channel, "timeout": "1"}, middlewares=login, ssl=False)
        async with pull as response:
            assert (await response.json(content_type=None))["success"]

    @property
    @override
    def address(self) -> str:
        return str(self.sim.https_address)


class Akuvox(Rig):
    """An R29 that pushes and is polled."""

    functions = {
        Stage.CONNECT: ("*",),
        Stage.FIRST_READ: ("relay/status", "input/status"),
        Stage.COMMAND: ("relay/trig",),
        Stage.EVENTS: ("call/status", "calllog/get", "doorlog/get"),
        Stage.PUSH: ("call/status", "calllog/get", "doorlog/get"),
        Stage.UNLOAD: ("*",),
    }
    bell = "bell_call"
    _secure = False

    @override
    async def add(self, stack: AsyncExitStack, *, secure: bool) -> None:
        self._secure = secure
        self.sim = akuvox.Simulator("r29", config=BUTTON, auth=akuvox.Auth.DIGEST)
        self.sim.pipeline.redirect = akuvox.Redirect.NOWHERE
        await stack.enter_async_context(self.sim)
        result = await enter(self.hass, user_input(self.address, "admin", "httpapi"))
        assert "result" in result, result
        await self.hass.async_block_till_done()
        self.entry = result["result"]
        await choose(self.hass, self.entry, {"push": True})
        await until(lambda: self.sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the Action URLs")

    @override
    async def act(self) -> None:
        await self._open("A")

    @override
    def carried_out(self) -> int:
        return int(self.sim.relays.all["A"].openings)

    @override
    def ring(self) -> None:
        assert self.sim.press()

    @override
    def end_ring(self) -> None:
        self.sim.call_ended()

    @override
    async def reboot(self, seconds: float) -> None:
        await self.sim.reboot(seconds)

    @override
    def refuse_login(self) -> None:
        self.sim.change_password("another")

    @override
    async def accept_login(self) -> None:
        self.sim.change_password("httpapi")

    @override
    def repeat_push(self) -> None:
        last = self.sim.action_urls.sent[-1]
        self.sim.action_urls.send(last.event, last.url)

    @override
    async def read_too(self, session: aiohttp.ClientSession) -> None:
        login = (aiohttp.DigestAuthMiddleware("admin", "httpapi"),)
        for function in self.functions[Stage.EVENTS]:
            async with session.get(f"{self.address}/api/{function}", middlewares=login, ssl=False) as response:
                assert (await response.json(content_type=None))["retcode"] == 0

    @override
    def push(self) -> Push:
        return Push("GET", {"event": "InputATriggered", "mac": self.sim.dialect.mac}, b"")

    @property
    @override
    def address(self) -> str:
        return f"https://{self.sim.https_address}" if self._secure else f"http://{self.sim.http_address}"


class MxProxy(Rig):
    """An extension whose events are forwarded; it has no door, so it dials."""

    functions = {
        Stage.CONNECT: ("*",),
        Stage.FIRST_READ: ("GET /voicemails", "GET /contacts"),
        Stage.COMMAND: ("POST /calls",),
        Stage.EVENTS: ("GET /calls", "GET /voicemails"),
        Stage.PUSH: ("GET /calls", "GET /voicemails"),
        Stage.UNLOAD: ("*",),
    }
    bell = "call"
    usual_pause = 0.0

    @override
    async def add(self, stack: AsyncExitStack, *, secure: bool) -> None:
        self.sim = await stack.enter_async_context(mx_proxy.Simulator(https=secure))
        self.entry = await add_extension(self.hass, self.sim, push=True)
        self.sim.push_to(str(self.webhook), mx_proxy.Form.BARE)

    @override
    async def act(self) -> None:
        dialed = await command(self.hass, self.entry, "dial", number="3108")
        self.sim.hang_up(dialed["session"])

    @override
    def carried_out(self) -> int:
        return sum(
            (request.function, request.error) == ("make_call", None) and request.status < 300
            for request in self.sim.requests
        )

    @override
    def ring(self) -> None:
        self._call = self.sim.incoming_call("3108")

    @override
    def end_ring(self) -> None:
        self.sim.hang_up(self._call)

    @override
    async def reboot(self, seconds: float) -> None:
        await self.sim.restart(seconds)

    @override
    def restart_ids(self) -> None:
        log = self.sim.extensions[self.sim.login].log
        log.records.clear()
        log._next = 1

    @override
    def refuse_login(self) -> None:
        self.sim.change_password("another")
        self.sim.rotate_key()

    @override
    async def accept_login(self) -> None:
        self.sim.change_password(mx_proxy.PASSWORD)

    @override
    def end_channel(self) -> None:
        self.sim.set_reconnect(3600)
        self.sim.drop_link()

    @override
    def restore_channel(self) -> None:
        self.sim.restore_link()

    @override
    async def read_too(self, session: aiohttp.ClientSession) -> None:
        app = aiohttp.BasicAuth(*next(iter(mx_proxy.APPS.items())))
        form = {"username": mx_proxy.LOGIN, "password": mx_proxy.PASSWORD, "grant_type": "password"}
        async with session.post(f"{self.address}/auth", data=form, auth=app, ssl=False) as response:
            token = (await response.json(content_type=None))["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{self.address}/calls", headers=headers, ssl=False) as response:
            assert response.status == 200

    @override
    def push(self) -> Push:
        return Push("POST", {}, json.dumps({"type": "RecordingState", "callId": 77}).encode())

    @override
    def _given(self) -> dict[str, Any]:
        keys = {"client_id", "client_secret", "username", "password"}
        return {key: value for key, value in self.entry.data.items() if key in keys} | {
            "security": {"verify_ssl": False}
        }


class SmartYard(Rig):
    """An account whose pushes are forwarded."""

    functions = {
        Stage.CONNECT: ("*",),
        Stage.FIRST_READ: ("address/getAddressList",),
        Stage.COMMAND: ("address/openDoor",),
        Stage.EVENTS: ("address/plogDays", "address/plog", "inbox/unreaded"),
        Stage.PUSH: ("address/plogDays", "address/plog", "inbox/unreaded"),
        Stage.UNLOAD: ("*",),
    }
    bell = "bell_21"

    @override
    async def add(self, stack: AsyncExitStack, *, secure: bool) -> None:
        self.sim = await stack.enter_async_context(smartyard.Simulator(https=secure))
        self.sim.set_log_delay(0)
        self.entry = await add_account(self.hass, self.sim, push=True)
        self.sim.push_to(str(self.webhook), smartyard.Form.FCM)

    @override
    async def act(self) -> None:
        await self._open("21:0")

    @override
    def carried_out(self) -> int:
        return len(self.sim.address_functions.opened)

    @override
    def ring(self) -> None:
        self._ring = self.sim.ring(21)

    @override
    def end_ring(self) -> None:
        self.sim.walk_away(self._ring)

    @override
    async def reboot(self, seconds: float) -> None:
        await self.sim.restart(seconds)

    @override
    def push(self) -> Push:
        body = {"messageId": "77", "title": "Water", "body": "Off", "action": "inbox"}
        return Push("POST", {}, json.dumps(body).encode())

    @override
    def refuse_login(self) -> None:
        self.sim.revoke_tokens()

    @override
    async def accept_login(self) -> None:
        """Log in again by a code, as a user does."""
        flows = self.hass.config_entries.flow
        await until(lambda: flows.async_progress_by_handler(DOMAIN), "the question")
        [flow] = flows.async_progress_by_handler(DOMAIN)
        result: Any = await configure(self.hass, flow, None)
        result = await configure(self.hass, result, {"phone": self.entry.data["phone"]})
        result = await configure(self.hass, result, {"code": self.sim.code_of()})
        assert result["reason"] == "reauth_successful", result


RIGS: Mapping[str, type[Rig]] = {
    "two_n": TwoN,
    "akuvox": Akuvox,
    "mx_proxy": MxProxy,
    "smartyard": SmartYard,
}
