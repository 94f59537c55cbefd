"""Pushes of SmartYard, in any form that a forwarder uses (seed, field notes 7).

Nothing is requested and no address is followed here: a push can come from any sender.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
import hashlib
from typing import Annotated
from urllib.parse import parse_qsl

from ...common.decode import Key, decode
from ...common.parse import Fields, decode_json, fields, integer, string, text

__all__ = ["DEFAULT_TTL", "Action", "CallPush", "TextPush", "parse"]

# Seconds for which a call rings where the push does not say.
DEFAULT_TTL = 30
MAX_BODY = 256 * 1024
_MAX_FIELDS = 200
# Times are seconds since 1970, and a badge is small; a push may bring any number.
_LARGEST = 2**40
# What services and forwarders wrap a push in; each may be an object or a text.
_WRAPPERS = ("data", "message", "notification", "payload")
_DEPTH = 4
_SUPPORT = "-1"


class Action(StrEnum):
    """What a message is about; servers send others as well."""

    INBOX = "inbox"
    CHAT = "chat"
    NEW_ADDRESS = "newAddress"
    PAY_SUCCESS = "paySuccess"
    PAY_ERROR = "payError"
    VIDEO_READY = "videoReady"
    EXT = "ext"
    MONEY = "money"
    PARANOID = "paranoid"
    EVENT_LOG = "eventLog"


_ACTIONS: Mapping[str, Action] = {
    **{action.lower(): action for action in Action},
    # So it stands in the English document.
    "videoredy": Action.VIDEO_READY,
}


def _count(value: object) -> int | None:
    """Return a whole number as times and counts have it."""
    number = integer(value)
    return number if number is not None and 0 <= number < _LARGEST else None


@dataclass(frozen=True, slots=True)
class CallPush:
    """A ring; None for what is not reported. The hash gives access to the call and the pictures.

    Attributes:
        server: Host at which the call waits.
        port: Its port.
        transport: ``tcp``, ``udp`` or ``tls``.
        extension: SIP user name, good for three minutes.
        password: The password of it, which is the hash where there is one.
        dtmf: What opens the door in the call.
        hash: Key of the call: one per ring, for all devices of the flat.
        timestamp: When, in Unix time.
        ttl: Seconds for which it rings.
        caller: Name of the door, for people.
        platform: For which app it is: ``android``, ``ios`` or ``web``.
        flat_id: Which flat.
        flat_number: Its number.
        domophone_id: Which intercom; -1 for the operator's support.
        house_id: Which house.
        image: Address of the picture, where it is sent; ``Images.camshot`` takes the hash.
        live: Address of pictures from now, where it is sent.
        stun: Server that tells our address.
        stun_transport: How it is asked.
        turn: Server that hands media on.
        turn_transport: How it is asked.
        turn_username: User name there.
        turn_password: The password of it.
        base_url: What the apps would take for their base address from now on; we never do (field notes 7).
        video_server: Kind of the camera's server, as ``Camera.server_type``.
        video_token: What lets us see the camera.
        video_type: As ``webrtc``.
        video_stream: Where the camera is.
        webrtc_url: Where it is by WebRTC.
        no_video_sip: The call itself brings no picture.
    """

    server: str | None = None
    port: Annotated[int | None, Key(convert=_count)] = None
    transport: str | None = None
    extension: str | None = field(default=None, repr=False)
    password: Annotated[str | None, Key("hash", "pass")] = field(default=None, repr=False)
    dtmf: str | None = field(default=None, repr=False)
    hash: str | None = field(default=None, repr=False)
    timestamp: Annotated[int | None, Key(convert=_count)] = None
    ttl: Annotated[int, Key(convert=_count)] = DEFAULT_TTL
    caller: Annotated[str | None, Key("callerid")] = None
    platform: str | None = None
    flat_id: Annotated[str | None, Key("flatid")] = None
    flat_number: Annotated[str | None, Key("flatnumber")] = None
    domophone_id: Annotated[str | None, Key("domophoneid")] = None
    house_id: Annotated[str | None, Key("houseid")] = None
    image: str | None = field(default=None, repr=False)
    live: str | None = field(default=None, repr=False)
    stun: str | None = None
    stun_transport: Annotated[str | None, Key("stuntransport", "stun_transport")] = None
    turn: str | None = None
    turn_transport: Annotated[str | None, Key("turntransport")] = None
    turn_username: Annotated[str | None, Key("turnusername")] = field(default=None, repr=False)
    turn_password: Annotated[str | None, Key("turnpassword")] = field(default=None, repr=False)
    base_url: Annotated[str | None, Key("baseurl")] = field(default=None, repr=False)
    video_server: Annotated[str | None, Key("videoserver")] = None
    video_token: Annotated[str | None, Key("videotoken")] = field(default=None, repr=False)
    video_type: Annotated[str | None, Key("videotype")] = None
    video_stream: Annotated[str | None, Key("videostream")] = field(default=None, repr=False)
    webrtc_url: Annotated[str | None, Key("webrtcurl")] = field(default=None, repr=False)
    no_video_sip: Annotated[bool | None, Key("novideosip")] = None

    @property
    def ring_ids(self) -> tuple[str, ...]:
        """What tells a ring from others: pushes that have one in common are of the same. They can be kept and shown.

        One is of the hash, one of extension and timestamp (field notes 7), none of which can be read from it. Without
        an extension there is one only; a forwarder may leave out the hash.
        """
        keys = [] if self.hash is None else [f"hash {self.hash}"]
        if self.extension is not None or self.hash is None:
            keys.append(f"extension {self.extension} {self.timestamp}")
        return tuple(hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys)

    @property
    def ends_at(self) -> int | None:
        """When it has rung out, in Unix time; None if its beginning is unknown."""
        return None if self.timestamp is None else self.timestamp + self.ttl

    @property
    def is_support(self) -> bool:
        """The operator calls; there is no visitor at a door."""
        return self.domophone_id == _SUPPORT


@dataclass(frozen=True, slots=True)
class TextPush:
    """A message; None for what is not told.

    Attributes:
        action: One of ``Action``, or what else the server says; empty where it says nothing.
        title: Its heading.
        body: What it says.
        message_id: Its id, for ``Inbox.read`` and ``Inbox.delivered``.
        badge: How many messages are unread.
        ext: Id of the operator's page that it is about.
        house_id: Which house.
        hash: Key of a picture of the event, for ``Images.camshot``; the key alone gives access to it.
        timestamp: When, in Unix time.
        ttl: Seconds for which it is of use.
        sound: Which sound the app makes.
        platform: For which app it is.
        flat_id: Which flat.
        event_id: Id of the event in the journal.
        event_date: When that was, as the server writes it.
    """

    action: str = ""
    title: str = ""
    body: str = ""
    message_id: Annotated[str | None, Key("messageid")] = None
    badge: Annotated[int | None, Key(convert=_count)] = None
    ext: str | None = None
    house_id: Annotated[str | None, Key("houseid")] = None
    hash: str | None = field(default=None, repr=False)
    timestamp: Annotated[int | None, Key(convert=_count)] = None
    ttl: Annotated[int | None, Key(convert=_count)] = None
    sound: str | None = None
    platform: str | None = None
    flat_id: Annotated[str | None, Key("flatid")] = None
    event_id: Annotated[str | None, Key("eventlogid")] = None
    event_date: Annotated[str | None, Key("eventdate")] = None


def parse(query: Mapping[str, str], body: bytes) -> CallPush | TextPush | None:
    """Return the push that came; nothing of it is to be believed without asking the server.

    It is JSON as in the documents, or wrapped in ``data`` and ``notification`` as push services do it, or a form, or the
    query of the server's own request to its push service.

    Args:
        query: Parameters of the address.
        body: What came.

    Returns:
        The push; None for what is none.
    """
    for content in (_content(body), query):
        if content and (found := _push(_lowered(content))) is not None:
            return found
    return None


def _content(body: bytes) -> Fields:
    """Return what a body says, nothing where it is too large or no push."""
    if not body.strip() or len(body) > MAX_BODY:
        return {}
    found = decode_json(body)
    return _form(body) if found is None else fields(found)


def _form(body: bytes) -> Fields:
    try:
        # Automation apps fill texts in as they are, with an ampersand now and then.
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def _unpacked(value: object) -> Fields:
    """Return an object that may have come as text."""
    if isinstance(value, str):
        return fields(decode_json(value))
    return fields(value)


def _lowered(content: Fields) -> Fields:
    """Return fields by names in lower case: the documents write some of them in several ways."""
    return {name.lower(): value for name, value in content.items() if isinstance(name, str)}


def _push(content: Fields) -> CallPush | TextPush | None:
    shown: dict[str, object] = {}
    for level in _levels(content):
        # Title and text stand beside the data, or around it.
        shown = {**_shown(level), **shown}
        if _is_text(level):
            return _text_push(level, shown)
        if _is_call(level):
            return decode(CallPush, level)
    return TextPush(title=text(shown.get("title")) or "", body=text(shown["body"]) or "") if shown.get("body") else None


def _levels(content: Fields) -> Iterator[Fields]:
    """Iterate over an object and those that it wraps, the outermost first."""
    waiting = [content]
    for _ in range(_DEPTH):
        inner: list[Fields] = []
        for level in waiting:
            yield level
            inner += [_lowered(found) for name in _WRAPPERS if (found := _unpacked(level.get(name)))]
        waiting = inner


def _shown(level: Fields) -> dict[str, object]:
    """Return the title and text of a notification in any form."""
    alert = _lowered(_unpacked(_lowered(_unpacked(level.get("aps"))).get("alert")))
    found: dict[str, object] = {}
    for part in (level, _lowered(_unpacked(level.get("notification"))), alert):
        for name in ("title", "body"):
            if (said := text(part.get(name))) is not None:
                found.setdefault(name, said)
    return found


def _is_text(level: Fields) -> bool:
    return any(text(level.get(name)) for name in ("action", "pushaction", "messageid", "msg"))


def _is_call(level: Fields) -> bool:
    return text(level.get("extension")) is not None


def _text_push(level: Fields, shown: Fields) -> TextPush | None:
    # The query of the server's own request has other names for two of them.
    said = text(level.get("action")) or text(level.get("pushaction")) or ""
    return decode(
        TextPush,
        level,
        action=_ACTIONS.get(said.strip().lower(), said.strip()),
        title=string(shown.get("title")),
        body=text(shown.get("body")) or string(level.get("msg")),
    )
