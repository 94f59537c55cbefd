"""What a push says: the fields of calls and texts, as each kind of server writes them (field notes 7, seeds)."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
import json

from .dialects import Dialect
from .envelope import Json

CALL = "call"
TITLE = "Входящий вызов"
STUN = "stun:stun.example.test:19302"
SIP = {"server": "sip.example.test", "port": "54675", "transport": "tcp"}


class Form(StrEnum):
    """How a push arrives."""

    # A JSON object, with the fields of the document.
    SEED = "seed"
    # The server's own fields as a JSON object.
    BARE = "bare"
    # Under `data`, with what an iPhone shows under `notification`.
    DATA = "data"
    # As the push service addresses Google (captured).
    FCM = "fcm"
    # As the server asks the push service, by GET or with a form.
    QUERY = "query"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One ring for one device; `base` is the address of the API, `origin` that of the server."""

    hash: str = field(repr=False)
    extension: str = field(repr=False)
    timestamp: int
    ttl: int
    caller: str
    flat: int
    flat_number: str
    domophone: int
    house: int
    base: str
    origin: str
    platform: str = "android"
    # Server type, token and address of a camera that speaks WebRTC.
    video: tuple[str, str, str] | None = field(default=None, repr=False)
    # Fields that are written over the others, None takes one away.
    changed: tuple[tuple[str, object], ...] = ()

    @property
    def kind(self) -> str:
        """Return the kind of the push."""
        return CALL

    def changing(self, **fields: object) -> CallFacts:
        """Return the push with other contents of fields."""
        return replace(self, changed=(*self.changed, *fields.items()))

    def _sip(self) -> dict[str, str]:
        return {**SIP, "extension": self.extension, "pass": self.hash, "dtmf": "1"}

    def _about(self) -> dict[str, str]:
        return {
            "timestamp": str(self.timestamp),
            "ttl": str(self.ttl),
            "callerId": self.caller,
            "platform": self.platform,
            "flatId": str(self.flat),
            "flatNumber": self.flat_number,
        }

    def _video(self) -> dict[str, str]:
        if self.video is None:
            return {}
        server, token, url = self.video
        return {"videoServer": server, "videoToken": token, "videoType": "webrtc", "videoStream": url}

    def seed(self) -> Json:
        """Return the fields of the document."""
        return self._changed(
            {
                **self._sip(),
                "stun": STUN,
                "stunTransport": "udp",
                "turn": "turn:turn.example.test:3478",
                "turnTransport": "udp",
                "turnUsername": self.extension,
                "turnPassword": self.hash,
                "image": f"{self.origin}/shot/{self.hash}.jpg",
                "live": f"{self.origin}/live/{self.hash}/image.jpg",
                **self._about(),
                "baseUrl": self.base,
            }
        )

    def data(self, dialect: Dialect) -> Json:
        """Return the fields that a server really sends."""
        if dialect is Dialect.AXIOS:
            fields = {
                **self._about(),
                **self._sip(),
                "type": CALL,
                "domophoneId": str(self.domophone),
                "houseId": str(self.house),
                "image": f"{self.origin}/shot/{self.hash}.jpg",
                "live": f"{self.origin}/live/{self.hash}/image.jpg",
                "webRtcUrl": f"{self.origin}/webrtc/{self.domophone}",
                "noVideoSip": "t",
                "stun": STUN,
                "stun_transport": "udp",
                "stunTransport": "udp",
            }
            return self._changed(fields)
        about = self._about()
        fields = {
            "timestamp": about.pop("timestamp"),
            **SIP,
            **about,
            "hash": self.hash,
            "domophoneId": str(self.domophone),
            **self._video(),
            "pass": self.hash,
            "extension": self.extension,
            "dtmf": "1",
            "stun": STUN,
            "stunTransport": "udp",
        }
        return self._changed(fields)

    def query(self, token: str, bundle: str) -> Json:
        """Return the request of the server to the push service."""
        fields = {
            "token": token,
            "type": "0",
            "hash": self.hash,
            "extension": self.extension,
            **SIP,
            "dtmf": "1",
            **self._about(),
            "domophoneId": str(self.domophone),
            "bundle": bundle,
            "title": TITLE,
            "stun": STUN,
            "stunTransport": "udp",
        }
        return self._changed(fields)

    def notification(self) -> Json:
        """Return what an iPhone shows."""
        return {"title": TITLE, "body": self.caller}

    def _changed(self, fields: dict[str, str]) -> Json:
        changed: Json = {**fields, **dict(self.changed)}
        return {name: value for name, value in changed.items() if value is not None}


@dataclass(frozen=True, slots=True)
class TextFacts:
    """One message for one device; `ext` goes out under that name, which the documents write in two ways."""

    action: str
    title: str
    body: str
    badge: int
    message: str
    timestamp: int
    platform: str = "android"
    hash: str = field(default="", repr=False)
    house: str = ""
    ext: str | None = None
    ext_name: str = "ext"
    # What an event of the independent server has besides.
    more: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """Return the kind of the push."""
        return self.action

    def _extension(self) -> dict[str, str]:
        return dict(self.more) if self.ext is None else {**dict(self.more), self.ext_name: self.ext}

    def seed(self) -> Json:
        """Return the fields of the document, with the heading and the text as a forwarder sees them."""
        shown = {"title": self.title, "body": self.body}
        return {
            **shown,
            "messageId": self.message,
            "action": self.action,
            "badge": str(self.badge),
            **self._extension(),
        }

    def data(self, dialect: Dialect) -> Json:
        """Return the fields that a server really sends; an iPhone is shown the text by itself."""
        if self.platform == "ios":
            return {"messageId": self.message, "badge": str(self.badge), "action": self.action, **self._extension()}
        fields = {
            "title": self.title,
            "body": self.body,
            "badge": str(self.badge),
            "sound": "default",
            "messageId": self.message,
            "action": self.action,
        }
        if dialect is Dialect.RBT:
            fields |= {"houseId": self.house, "hash": self.hash, "timestamp": str(self.timestamp)}
        return {**fields, **self._extension()}

    def query(self, token: str, bundle: str) -> Json:
        """Return the request of the server to the push service."""
        fields = {
            "token": token,
            "type": "0",
            "timestamp": str(self.timestamp),
            "ttl": "30",
            "platform": self.platform,
            "title": self.title,
            "msg": self.body,
            "badge": str(self.badge),
            "sound": "default",
            "pushAction": self.action,
            "messageId": self.message,
            "bundle": bundle,
        }
        if self.hash:
            fields["hash"] = self.hash
        return {**fields, **self._extension()}

    def notification(self) -> Json:
        """Return what an iPhone shows."""
        return {"title": self.title, "body": self.body}


type Facts = CallFacts | TextFacts


def fields(facts: Facts, form: Form, dialect: Dialect, token: str, bundle: str) -> Json:
    """Return the fields of a push."""
    if form is Form.SEED:
        return facts.seed()
    if form in (Form.QUERY, Form.FORM):
        return facts.query(token, bundle)
    return facts.data(dialect)


def body(facts: Facts, form: Form, content: Json, token: str) -> bytes:
    """Return the body of a JSON form."""
    whole = content
    if form in (Form.DATA, Form.FCM):
        whole = {"data": content}
        if facts.platform == "ios":
            whole = {"notification": facts.notification(), **whole}
    if form is Form.FCM:
        aps: Json = {"mutable-content": 1} if facts.platform == "ios" else {}
        aps |= {"sound": "default", "interruption-level": "time-sensitive"}
        whole |= {
            "android": {"notification": {}, "priority": "HIGH", "ttl": 30000},
            "apns": {"headers": {"apns-collapse-id": "voip"}, "payload": {"aps": aps}},
            "token": token,
        }
    return json.dumps(whole, ensure_ascii=False, indent=2).encode()
