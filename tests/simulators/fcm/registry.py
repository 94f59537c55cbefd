"""Devices and their registrations, over HTTP: check-in, register3, installations, registrations."""

from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import json
import secrets
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from firebase_messaging.proto.checkin_pb2 import AndroidCheckinRequest, AndroidCheckinResponse

from .messages import Keys, Message

PROJECT = "operator-app"
APP_ID = "1:123456789012:android:0123456789abcdef"
API_KEY = "AIzaSyA-0123456789-0123456789-0123456789"
SENDER = "123456789012"

REGISTER_ERROR = "Error=PHONE_REGISTRATION_ERROR"
SEND_URL = "https://fcm.googleapis.com/fcm/send/"


@dataclass(slots=True)
class Device:
    """A browser that has checked in, with what waits for it."""

    android_id: int
    security_token: int = field(repr=False)
    # Its subscriptions: what register3 gave, and for which subtype.
    subtypes: dict[str, str] = field(default_factory=dict, repr=False)
    messages: list[Message] = field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a token stands for."""

    token: str = field(repr=False)
    device: Device
    subtype: str
    keys: Keys


class Registry:
    """Who is registered; `refuse_key`, `unknown_project` and `phone_errors` are what goes wrong."""

    def __init__(self) -> None:
        """Begin without devices."""
        self.devices: dict[int, Device] = {}
        self.registrations: dict[str, Registration] = {}
        self.refuse_key = False
        # So many of the next attempts at register3 fail.
        self.phone_errors = 0
        # What was asked, by name.
        self.calls: deque[str] = deque(maxlen=1000)
        self._installations: set[str] = set()

    async def respond(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        handlers: dict[str, Callable[[web.BaseRequest, bytes], Awaitable[web.Response]]] = {
            "/checkin": self._checkin,
            "/c2dm/register3": self._register,
            f"/installations/projects/{PROJECT}/installations": self._install,
            f"/registrations/projects/{PROJECT}/registrations": self._subscribe,
        }
        body = await request.read()
        if (handler := handlers.get(request.path)) is None:
            return refusal(404, "NOT_FOUND", "Requested entity was not found.")
        self.calls.append(request.path.rpartition("/")[2])
        return await handler(request, body)

    def forget(self) -> None:
        """Forget all devices."""
        self.devices.clear()
        self.registrations.clear()

    async def _checkin(self, _: web.BaseRequest, body: bytes) -> web.Response:
        asked = AndroidCheckinRequest.FromString(body)
        device = self.devices.get(asked.id)
        if device is None or device.security_token != asked.security_token:
            device = Device(secrets.randbits(63), secrets.randbits(63))
            self.devices[device.android_id] = device
        answer = AndroidCheckinResponse(
            stats_ok=True, android_id=device.android_id, security_token=device.security_token
        )
        return web.Response(body=answer.SerializeToString(), content_type="application/x-protobuf")

    async def _register(self, request: web.BaseRequest, body: bytes) -> web.Response:
        scheme, _, login = request.headers.get("Authorization", "").partition(" ")
        number, _, token = login.partition(":")
        device = self.devices.get(int(number))
        asked = dict(parse_qsl(body.decode()))
        if scheme != "AidLogin" or device is None or device.security_token != int(token):
            return web.Response(status=401, text="Unauthorized")
        if self.phone_errors:
            self.phone_errors -= 1
            return web.Response(text=REGISTER_ERROR)
        given = secrets.token_urlsafe(90)
        device.subtypes[given] = asked["X-subtype"]
        return web.Response(text=f"token={given}")

    async def _install(self, request: web.BaseRequest, body: bytes) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        asked = json.loads(body)
        if asked["appId"] != APP_ID:
            return refusal(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        token = secrets.token_urlsafe(40)
        self._installations.add(token)
        auth = {"token": token, "expiresIn": "604800s"}
        return answer({"fid": asked["fid"], "refreshToken": secrets.token_urlsafe(40), "authToken": auth})

    async def _subscribe(self, request: web.BaseRequest, body: bytes) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        if request.headers.get("x-goog-firebase-installations-auth") not in self._installations:
            return refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        asked = json.loads(body)["web"]
        given = asked["endpoint"].removeprefix(SEND_URL)
        device = next((device for device in self.devices.values() if given in device.subtypes), None)
        if device is None:
            return refusal(400, "INVALID_ARGUMENT", "Invalid endpoint.")
        keys = Keys(decoded(asked["p256dh"]), decoded(asked["auth"]))
        token = secrets.token_urlsafe(100)
        self.registrations[token] = Registration(token, device, device.subtypes[given], keys)
        return answer({"token": token, "web": asked})

    def _refused(self, request: web.BaseRequest) -> web.Response | None:
        if self.refuse_key or request.headers.get("x-goog-api-key") != API_KEY:
            return refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        return None


def decoded(text: str) -> bytes:
    """Read base64 with or without padding."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def answer(content: dict[str, Any], status: int = 200) -> web.Response:
    """Answer JSON."""
    return web.json_response(content, status=status)


def refusal(status: int, name: str, message: str) -> web.Response:
    """Answer as Google's APIs refuse."""
    return answer({"error": {"code": status, "message": message, "status": name}}, status)
