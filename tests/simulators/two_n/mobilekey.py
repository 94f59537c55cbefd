"""Location and keys for phones (HTTP API 5.15)."""

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .envelope import UINT_MAX, ApiError, Call, Code, Handler, Json, success
from .models import Model

SLOTS = 4
MAX_LOCATION = 127
SEQUENCE, INTEGER = 0x30, 0x02
# Looks like an RSA key from far away, and is none.
FAKE_KEY = bytes((SEQUENCE, 0x82, 0x02, 0x03, INTEGER, 1, 0)) + bytes(range(256)) * 2


class MobileKey:
    """Four slots for keys, the newest first; a missing one is an empty object."""

    def __init__(self, model: Model, configured: Callable[[], None]) -> None:
        """`configured` logs that the configuration was changed."""
        self.location: str = model.info.get("serialNumber", "")
        key = {"type": "rsa", "key": b64encode(FAKE_KEY).decode(), "ctime": 1_608_046_389}
        self.keys: list[Json] = [key, {}, {}, {}]
        self.compatible = False
        # Fields of a firmware to come; whether what is left out is erased, which the manual does not say.
        self.more: Json = {}
        self.replaces = False
        self._configured = configured
        self.handlers: dict[str, Handler] = {
            "mobilekey/config": self._config,
            "mobilekey/compatibility": self._compatibility,
        }

    async def _config(self, call: Call) -> web.StreamResponse:
        if call.request.method == "GET":
            return success({"location": self.location, "keys": self.keys, **self.more})
        body = call.body or {}
        location = body.get("location", "" if self.replaces else self.location)
        keys = body.get("keys", [] if self.replaces else None)
        if not isinstance(location, str) or len(location) > MAX_LOCATION:
            raise ApiError(Code.INVALID_VALUE, "location")
        if keys is not None:
            if not isinstance(keys, list) or len(keys) > SLOTS or not all(isinstance(key, dict) for key in keys):
                raise ApiError(Code.INVALID_VALUE, "keys")
            self.keys = [self._key(slot, key) for slot, key in enumerate([*keys, *[{}] * SLOTS][:SLOTS])]
        self.location = location
        if self.replaces:
            self.more = {name: body[name] for name in self.more if name in body}
        self._configured()
        return success()

    def _key(self, slot: int, wanted: Json) -> Json:
        """Return the content of a slot; an invalid key is "not written without any notification"."""
        if not wanted:
            return {}
        if wanted.get("type", "rsa") != "rsa" or not _is_key(wanted.get("key")):
            return self.keys[slot]
        key: Json = {**wanted, "type": "rsa"}
        ctime = key.pop("ctime", None)
        if isinstance(ctime, int) and not isinstance(ctime, bool) and 0 <= ctime <= UINT_MAX:
            key["ctime"] = ctime
        return key

    async def _compatibility(self, call: Call) -> web.StreamResponse:
        if call.request.method == "GET":
            return success({"compatibilityMode": self.compatible})
        body = call.body or {}
        if "compatibilityMode" not in body:
            raise ApiError(Code.MISSING_PARAMETER, "compatibilityMode")
        if not isinstance(body["compatibilityMode"], bool):
            raise ApiError(Code.INVALID_VALUE, "compatibilityMode")
        self.compatible = body["compatibilityMode"]
        self._configured()
        return success()


def _is_key(text: Any) -> bool:
    """Is it DER in Base64: one sequence as long as it says, that begins with an integer?"""
    try:
        data = b64decode(text, validate=True)
    except Error, TypeError, ValueError:
        return False
    if len(data) < 3 or data[0] != SEQUENCE:
        return False
    octets = data[1] - 0x80 if data[1] > 0x80 else 0
    length = int.from_bytes(data[2 : 2 + octets]) if octets else data[1]
    content = data[2 + octets :]
    return len(content) == length and content[:1] == bytes([INTEGER])
