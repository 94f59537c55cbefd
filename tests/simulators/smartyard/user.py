"""The functions of module `user`."""

from .address import flag
from .auth import Login
from .envelope import Answer, ApiError, Call, Handler
from .people import People

SHORTEST_TOKEN, LONGEST_TOKEN = 16, 1023
PLATFORMS = frozenset({"android", "ios", "web"})
SERVICES = frozenset({"fcm", "hms", "rustore", "apn"})
PATTERN = "7 (###) ###-##-##"
OFF = "off"


class User:
    """The functions, by their paths in the table."""

    def __init__(self, login: Login, people: People) -> None:
        """`people` have the devices that push tokens belong to."""
        # What appVersion says: nothing, `upgrade` or `force_upgrade`.
        self.upgrade: str | None = None
        self._people = people
        self.handlers: dict[str, Handler] = {
            "/user/requestCode": login.request_code,
            "/user/confirmCode": login.confirm,
            "/user/checkPhone": login.check_phone,
            "/user/phonePattern": lambda call: PATTERN,
            "/user/ping": lambda call: None,
            "/user/getName": lambda call: call.who.names(),
            "/user/notification": self._notification,
            "/user/registerPushToken": self._register,
            "/user/pushTokens": lambda call: {"pushToken": call.by.push_token, "voipToken": call.by.voip_token},
            "/user/appVersion": self._version,
        }

    @staticmethod
    def _notification(call: Call) -> Answer:
        device = call.by
        for name, attribute in (("enable", "texts"), ("money", "money")):
            if (value := call.text(name)) in ("t", "f"):
                setattr(device, attribute, value == "t")
        device.more |= {name: given for name in device.more if (given := call.text(name))}
        return {"money": flag(device.money), "enable": flag(device.texts), **device.more}

    def _register(self, call: Call) -> Answer:
        platform, token = call.text("platform"), call.text("pushToken")
        if platform not in PLATFORMS:
            raise ApiError(422)
        voip = call.text("voipToken")
        for given in (token, voip) if voip else (token,):
            if not SHORTEST_TOKEN <= len(given) <= LONGEST_TOKEN:
                raise ApiError(406)
        service = call.text("pushService") or ("apn" if platform == "ios" else "fcm")
        if service not in SERVICES:
            raise ApiError(422)
        device = call.by
        for other in self._people.devices:
            # A token is one installation; who had it before has it no longer.
            if other is not device and other.push_token == token:
                other.push_token = None
        device.platform, device.service, device.bundle = platform, service, call.text("bundle")
        device.push_token, device.voip_token = token, voip or OFF
        return None

    def _version(self, call: Call) -> Answer:
        if not call.text("version") or call.text("platform") not in PLATFORMS:
            raise ApiError(422)
        return self.upgrade
