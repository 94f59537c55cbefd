"""Logins by phone number, and tokens that do not expire (field notes 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import hashlib
import re
import secrets
import uuid

from .envelope import ApiError, Call, Json
from .people import Device, People
from .texts import NO_AUTHORIZATION, NO_MORE_ATTEMPTS, NO_TOKEN, TOO_MANY_DEVICES, UNKNOWN_TOKEN, WRONG_CODE

# Seconds for which a code can be used, and for which there is no other one.
PENDING = 60
# Seconds for which the server remembers who has called it.
CALLED = 60
ATTEMPTS = 5
METHODS = frozenset({"sms", "smsCode", "flashCall", "outgoingCall"})
NUMBERS = ("74750000001", "74750000002")
PLATFORMS = ("android", "ios", "web")


@dataclass(slots=True)
class Code:
    """A code that was sent to a phone."""

    pin: str = field(repr=False)
    asked: int
    wrong: int = 0


class Login:
    """Lets phones in."""

    def __init__(self, people: People, now: Callable[[], int]) -> None:
        """`now` counts the seconds of the server."""
        self.method = "sms"
        self.confirmation_numbers = list(NUMBERS)
        self.device_limit: int | None = None
        self._people = people
        self._now = now
        self.codes: dict[str, Code] = {}
        self._called: dict[str, int] = {}

    def request_code(self, call: Call) -> Json:
        """Send a code, or say whom to call."""
        phone = self._phone(call)
        method = call.text("method") or self.method
        if method == "outgoingCall":
            return {"method": method, "confirmationNumbers": list(self.confirmation_numbers)}
        if method not in METHODS:
            method = self.method
        if self.pending(phone) is not None:
            raise ApiError(429)
        self.codes[phone] = Code(f"{secrets.randbelow(10000):04}", self._now())
        return {"method": method}

    def pending(self, phone: str) -> Code | None:
        """Return the code that was sent to a phone, while it is valid."""
        code = self.codes.get(phone)
        if code is not None and self._now() - code.asked >= PENDING:
            del self.codes[phone]
            return None
        return code

    def confirm(self, call: Call) -> Json:
        """Take a code; the sixth wrong one ends it."""
        phone, pin = self._phone(call), call.text("smsCode")
        if len(pin) != 4:
            raise ApiError(422)
        code = self.pending(phone)
        if code is None:
            raise ApiError(404)
        if not secrets.compare_digest(pin.encode(), code.pin.encode()):
            code.wrong += 1
            if code.wrong > ATTEMPTS:
                del self.codes[phone]
                raise ApiError(403, NO_MORE_ATTEMPTS)
            raise ApiError(403, WRONG_CODE)
        answer = self._enter(phone, call)
        del self.codes[phone]
        return answer

    def called_by(self, phone: str) -> None:
        """Take a call of a phone at one of the confirmation numbers."""
        self._called[phone] = self._now()

    def check_phone(self, call: Call) -> Json:
        """Let in who has called."""
        phone = self._phone(call)
        moment = self._called.get(phone)
        if moment is None or self._now() - moment >= CALLED:
            raise ApiError(401)
        answer = self._enter(phone, call)
        del self._called[phone]
        return answer

    @staticmethod
    def _phone(call: Call) -> str:
        phone = call.text("userPhone")
        if re.fullmatch(r"[78][0-9]{10}", phone) is None:
            raise ApiError(422)
        return f"7{phone[1:]}"

    def _enter(self, phone: str, call: Call) -> Json:
        subscriber = self._people.get(phone)
        device_token = call.text("deviceToken") or self._made_up(call.headers)
        own = self._people.of_phone(phone)
        device = next((row for row in own if row.device_token == device_token), None)
        token = str(uuid.uuid4())
        if device is None:
            if self.device_limit is not None and len(own) >= self.device_limit:
                raise ApiError(403, reason=TOO_MANY_DEVICES)
            device = Device(self._people.next_device(), phone, device_token, token)
            self._people.devices.append(device)
        device.token = token
        platform = call.number("platform")
        device.platform = PLATFORMS[platform] if 0 <= platform < len(PLATFORMS) else PLATFORMS[0]
        return {"accessToken": token, "names": subscriber.names()}

    @staticmethod
    def _made_up(headers: Mapping[str, str]) -> str:
        text = headers.get("Accept-Language", "") + headers.get("X-System-Info", "")
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() if text else "default"

    def who(self, headers: Mapping[str, str]) -> Device:
        """Return the owner of a token."""
        authorization = headers.get("Authorization")
        if not authorization:
            raise ApiError(403, NO_AUTHORIZATION)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise ApiError(422, NO_TOKEN)
        device = self._people.by_token(token.strip())
        if device is None:
            raise ApiError(401, UNKNOWN_TOKEN)
        return device
