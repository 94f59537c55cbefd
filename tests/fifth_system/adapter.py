"""A fifth system in one file: a door, a bell, and a camera. It names nothing that is above the model."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
import json
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from custom_components.ip_intercom.const import CONF_URL
from custom_components.ip_intercom.model.events import ButtonPressed, Event
from custom_components.ip_intercom.model.features import Bells, Delivery, Doors, DoorTiming, Features, MjpegStream
from custom_components.ip_intercom.model.parts import (
    Bell,
    Camera,
    CameraId,
    Control,
    Door,
    DoorCommand,
    DoorId,
    Identity,
)
from custom_components.ip_intercom.model.state import Description, Reading, State
from custom_components.ip_intercom.systems.common.adapter import Adapter, Found
from custom_components.ip_intercom.systems.common.discovery import Answers
from custom_components.ip_intercom.systems.common.errors import IntercomError, NotSupported, WrongDevice
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.common.messages import Request

BELLS = {"button": Bell("button")}


class Client:
    """The protocol."""

    def __init__(self, session: ClientSession, url: URL) -> None:
        self._transport = HttpTransport(session, url)

    async def about(self) -> dict[str, Any]:
        """Return what it is."""
        return await self._json(Request("GET", "/about"))

    async def open(self) -> None:
        """Open the door."""
        await self._transport.request(Request("POST", "/open", repeatable=False))

    async def wait(self, known: int) -> int:
        """Return how often it has rung, once that is more than known."""
        answer = await self._json(Request("GET", "/rings", params={"known": str(known)}, timeout=60))
        return int(answer["rings"])

    async def picture(self) -> bytes:
        """Return a JPEG."""
        return (await self._transport.request(Request("GET", "/picture"))).body

    async def _json(self, request: Request) -> dict[str, Any]:
        try:
            answer = json.loads((await self._transport.request(request)).body)
        except ValueError as err:
            raise WrongDevice("no JSON") from err
        return dict(answer)


class ChimeDoors(Doors):
    """The only door, which opens for five seconds and does not report it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def read(self, door: DoorId) -> Door | None:
        """Return the door."""
        return Door(door, released=None)

    async def send(self, command: DoorCommand, door: Door, seconds: int | None = None) -> None:
        """Open it."""
        if command is not DoorCommand.OPEN:
            raise NotSupported("it can be opened only")
        await self._client.open()

    def extends(self, door: Door) -> bool:
        """Return True."""
        return True

    def timing(self, command: DoorCommand, door: DoorId) -> DoorTiming:
        """Return how long it stays open."""
        return DoorTiming(0.0, 5.0)

    def resume_hold(self, door: DoorId, until: datetime | None) -> None:
        """Do nothing: it cannot be held."""

    def keeps_hold(self, door: DoorId) -> bool:
        """Return False: it cannot be held."""
        return False


class ChimeCameras:
    """The only camera, which has pictures and no video."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.memory = 0

    async def snapshot(self, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0) -> bytes:
        """Return a JPEG."""
        return await self._client.picture()

    def mjpeg(self, camera: CameraId) -> AbstractAsyncContextManager[MjpegStream]:
        """Refuse: there is no video."""
        raise NotSupported("no video")

    def streams(self, camera: CameraId) -> bool:
        """Return False."""
        return False

    async def stream_address(self, camera: CameraId) -> str | None:
        """Return None."""
        return None


class ChimeLog:
    """The rings, by long polling."""

    local = True
    replays = False

    def __init__(self, client: Client, known: int | None) -> None:
        self._client = client
        self._known = known

    async def next(self) -> Delivery:
        """Return the next rings."""
        if self._known is None:
            self._known = (await self._client.about())["rings"]
            return Delivery((), missed=False, cursor={"rings": self._known})
        before, self._known = self._known, await self._client.wait(self._known)
        events = tuple(
            Event("Ring", datetime.now(UTC), id=f"ring-{number}", facts=(ButtonPressed("button", button=None),))
            for number in range(before + 1, self._known + 1)
        )
        return Delivery(events, missed=False, cursor={"rings": self._known})

    async def reach(self) -> None:
        """Do nothing: each attempt takes one request."""

    def recheck(self) -> None:
        """Do nothing: nothing is missing."""


class ChimeSystem:
    """One device."""

    def __init__(self, client: Client, cursor: Mapping[str, object] | None) -> None:
        known = (cursor or {}).get("rings")
        self._client = client
        self.log = ChimeLog(client, known if isinstance(known, int) else None)
        self.features = Features(doors=ChimeDoors(client), cameras=ChimeCameras(client))

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Find out what the device is."""
        return await self.describe()

    async def complete(self) -> Description:
        """Describe it again: no description is incomplete."""
        return await self.describe()

    async def describe(self) -> Description:
        """Return what it is and has."""
        about = await self._client.about()
        if about.get("product") != "Chime":
            raise WrongDevice("no Chime")
        return Description(
            Identity(about["serial"], None, about["serial"], "Chime", "Chime One", about["name"], None, None),
            State(doors={"1": Door("1", released=None)}, bells=BELLS, cameras={"main": Camera("main")}),
            frozenset({Control.DOORS}),
            pushes=True,
        )

    async def read(self) -> Reading:
        """Return nothing but whether the device answers: nothing has a state."""
        await self._client.about()
        return Reading()

    async def read_bells(self) -> Bells | None:
        """Return the bell."""
        return Bells(BELLS, {})

    async def examine(self) -> Mapping[str, object]:
        """Return nothing more."""
        return {}

    async def close(self) -> None:
        """Do nothing: the device keeps nothing for us."""


async def find(
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    pinned: str | None = None,
    answers: Answers | None = None,
) -> Found:
    """Find the device at an address."""
    data = {CONF_URL: f"http://{address}"}
    return Found(data, await create(session, data, {}, None).connect(None))


async def recognizes(
    session: ClientSession, address: str, *, likely: bool = False, answers: Answers | None = None
) -> bool:
    """Return whether the device at an address is one of these."""
    try:
        return (await Client(session, URL(f"http://{address}")).about()).get("product") == "Chime"
    except IntercomError:
        return False


def create(
    session: ClientSession, data: Mapping[str, Any], options: Mapping[str, Any], cursor: Mapping[str, object] | None
) -> ChimeSystem:
    """Return the system of an entry."""
    return ChimeSystem(Client(session, URL(data[CONF_URL])), cursor)


ADAPTER = Adapter(find, create, recognizes)
