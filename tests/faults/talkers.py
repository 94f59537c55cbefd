"""Talk at a device of each system that has it: what answers, how it fails, and what it hears."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, override

from homeassistant.core import HomeAssistant

from tests.common import act, choose, entity_id, state_of, until
from tests.simulators.common.rtsp import RtspCamera
from tests.simulators.two_n.onvif import rtsp_server
from tests.talk.door import Door
from tests.talk.peer import UdpLine

from .rigs import Rig

JUNK = b"\xff\x00SIP/2.0 \r\n\r\n" * 40
# Seconds that a slow device takes: less than the integration waits.
SLOW = 2.0


class SipLine:
    """The line of a SIP device, broken in different ways."""

    def __init__(self, line: UdpLine) -> None:
        self._line = line
        self._port = line.port
        self._put = line.put

    def refuse(self) -> None:
        """Close the port."""
        self._line.close()

    def drop(self) -> None:
        """Lose every packet in both directions."""
        self._line.loses = lambda _: True

    def babble(self) -> None:
        """Respond with garbage."""
        self._line.put = lambda data, address: self._put(JUNK, address)  # type: ignore[method-assign]

    def delay(self) -> None:
        """Answer late."""
        loop = asyncio.get_running_loop()
        self._line.put = lambda data, address: loop.call_later(SLOW, self._put, data, address)  # type: ignore[method-assign,assignment]

    async def heal(self) -> None:
        """Work again."""
        self._line.loses = lambda _: False
        self._line.put = self._put  # type: ignore[method-assign]
        assert self._line.transport is not None
        if self._line.transport.is_closing():
            await self._line.open(port=self._port)


class Talker(ABC):
    """The side of a device that talks; the rig is the rest of the device.

    Attributes:
        route: What the sensor *Talk* shows while all works.
        camera: The camera at the door.
        breaks: How each fault begins.
        needs_visitor: Sound reaches the door only while a visitor calls.
    """

    route: str
    camera: str
    needs_visitor = False

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    @abstractmethod
    async def add(self, stack: AsyncExitStack) -> None:
        """Start it, and turn on talk."""

    @property
    @abstractmethod
    def breaks(self) -> Mapping[str, Callable[[], object]]:
        """How each fault begins, by its key."""

    @abstractmethod
    async def heal(self) -> None:
        """End any fault."""

    @abstractmethod
    def heard(self) -> int:
        """Return how many packets of sound the door has heard."""

    @property
    def hass(self) -> HomeAssistant:
        """Home Assistant."""
        return self.rig.hass

    @property
    def status(self) -> str:
        """What the sensor shows."""
        return state_of(self.hass, self.rig.entry, "sensor", "talk")

    @property
    def failure(self) -> str | None:
        """Why the last call failed, as the sensor says."""
        state = self.hass.states.get(entity_id(self.hass, self.rig.entry, "sensor", "talk"))
        return None if state is None else state.attributes.get("call_failure")

    @property
    def player(self) -> str:
        """The media player that makes announcements."""
        return entity_id(self.hass, self.rig.entry, "media_player", f"speaker_{self.camera}")

    def is_silent(self) -> bool:
        """Return whether no announcement is being made."""
        state = self.hass.states.get(self.player)
        return state is not None and state.state != "playing"

    async def turn_on(self, **options: Any) -> None:
        """Set the options, and wait for talk."""
        entry = self.rig.entry
        await choose(self.hass, entry, {**entry.options, "talk": True, **options})
        await self.ready()

    async def ready(self) -> None:
        """Wait until talk works."""
        await until(lambda: self.status == self.route, f"talk, now {self.status}")

    async def visit(self) -> None:  # noqa: B027 -- most need none
        """Let a visitor call, where that is needed to talk."""

    async def announce(self, sound: str) -> None:
        """Play a sound at the door."""
        await act(
            self.hass,
            "media_player.play_media",
            entity_id=self.player,
            media_content_id=sound,
            media_content_type="music",
            announce=True,
        )


class TwoN(Talker):
    """The audio track of ONVIF."""

    route = "onvif"
    camera = "internal"
    server: RtspCamera

    @override
    async def add(self, stack: AsyncExitStack) -> None:
        self.server = await stack.enter_async_context(rtsp_server())
        self.rig.sim.onvif.rtsp_port = self.server.port
        self._users, self._ways = self.server.users, dict(vars(self.server.ways))
        [(user, password)] = self._users.items()
        async with Door() as door:
            pass  # nothing is at its port now
        await self.turn_on(
            stream_username=user, stream_password=password, stream_path="h264_stream", sip_port=door.port
        )

    @property
    @override
    def breaks(self) -> Mapping[str, Callable[[], object]]:
        ways = self.server.ways
        methods = frozenset({"OPTIONS", "DESCRIBE", "SETUP", "PLAY"})
        return {
            "refused": self.server.stop,
            "reset": self.server.stop,
            "black_hole": lambda: setattr(ways, "mute", methods),
            "garbage": lambda: setattr(ways, "body", JUNK),
            "401": lambda: setattr(self.server, "users", {}),
            "busy": lambda: setattr(ways, "status", {"DESCRIBE": (453, "Not Enough Bandwidth")}),
            "no_media": lambda: setattr(self.server, "still", True),
            "slow": lambda: setattr(ways, "delay", SLOW),
        }

    @override
    async def heal(self) -> None:
        vars(self.server.ways).update(self._ways)
        self.server.users, self.server.still = self._users, False
        if self.server._server is None:
            await self.server.start()

    @override
    def heard(self) -> int:
        return len(self.server.microphone)


class Akuvox(Talker):
    """Calls to the device."""

    route = "sip_direct"
    camera = "main"
    door: Door

    @override
    async def add(self, stack: AsyncExitStack) -> None:
        self.door = await stack.enter_async_context(Door())
        self._line = SipLine(self.door._line)
        options: dict[str, Any] = {"stream_username": "admin", "stream_password": "admin"}
        if (pictures := self.rig.sim.camera_address) is not None:
            options["picture_port"] = int(pictures.rpartition(":")[2])
        await self.turn_on(sip_port=self.door.port, **options)

    @property
    @override
    def breaks(self) -> Mapping[str, Callable[[], object]]:
        return {
            "refused": self._line.refuse,
            "reset": self._line.refuse,
            "black_hole": self._line.drop,
            "garbage": self._line.babble,
            "401": lambda: setattr(self.door, "refusal", "401 Unauthorized"),
            "busy": lambda: setattr(self.door, "refusal", "486 Busy Here"),
            "no_media": lambda: None,  # this door is silent by default
            "slow": self._line.delay,
        }

    @override
    async def heal(self) -> None:
        self.door.refusal = None
        await self._line.heal()

    @override
    def heard(self) -> int:
        return len(self.door.listen())


class SmartYard(Talker):
    """The call of a visitor, with the account of its push."""

    route = "sip_account"
    camera = "intercom_21"
    needs_visitor = True
    rung = ""
    # By the calls before.
    _heard = 0

    @override
    async def add(self, stack: AsyncExitStack) -> None:
        self.phones = await self.rig.sim.start_telephony()
        self.phones.formats = "0 8 101"
        self._line = SipLine(self.phones.line)
        await self.turn_on()

    @property
    @override
    def breaks(self) -> Mapping[str, Callable[[], object]]:
        return {
            "refused": self._line.refuse,
            "reset": self._line.refuse,
            "black_hole": self._line.drop,
            "garbage": self._line.babble,
            "401": lambda: setattr(self.phones, "wrong", True),
            "no_media": lambda: None,  # nor does this one
            "slow": self._line.delay,
        }

    @override
    async def heal(self) -> None:
        self.phones.wrong = False
        await self._line.heal()

    @override
    async def visit(self) -> None:
        for account in self.phones.accounts.values():
            if account.port is not None and account.state == "ended":
                self._heard += len(account.listen().heard)
                account.port.close()
                account.port = None
                account.heard.clear()
        self.rig.ring()
        self.rung = self.rig._ring  # type: ignore[attr-defined]
        await until(lambda: self.phones.of(self.rung).state == "ringing", "the call")

    @override
    def heard(self) -> int:
        return self._heard + sum(len(account.listen().heard) for account in self.phones.accounts.values())


TALKERS: Mapping[str, type[Talker]] = {"two_n": TwoN, "akuvox": Akuvox, "smartyard": SmartYard}
