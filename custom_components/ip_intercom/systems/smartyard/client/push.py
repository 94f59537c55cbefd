"""Pushes of SmartYard in the formats of all forwarders (field notes 7).

This module sends no requests, because a push can come from any sender.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
import hashlib
import re
from typing import Annotated
from urllib.parse import parse_qsl

from ...common.decode import Key, decode
from ...common.parse import Fields, decode_json, fields, integer, string, text

__all__ = ["DEFAULT_TTL", "Action", "CallPush", "TextPush", "parse"]

# Default ringing time in seconds.
DEFAULT_TTL = 30
MAX_BODY = 256 * 1024
_MAX_FIELDS = 200
# The name of a field in the head of its part of a form.
_FIELD_NAME = re.compile(r"""[ ;]name="?([^";\s]+)""", re.IGNORECASE)
# Limit for times in Unix seconds and counts; a push may contain any number.
_LARGEST = 2**40
# Keys in which services and forwarders wrap a push; the value may be an object or a text.
_WRAPPERS = ("data", "message", "notification", "payload")
_DEPTH = 4
_SUPPORT = "-1"


class Action(StrEnum):
    """Topics of messages; servers send others as well."""

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
    # Spelling of the English document.
    "videoredy": Action.VIDEO_READY,
}


def _count(value: object) -> int | None:
    """Return a valid time or count, else None."""
    number = integer(value)
    return number if number is not None and 0 <= number < _LARGEST else None


@dataclass(frozen=True, slots=True)
class CallPush:
    """A ring; missing values are None. The hash gives access to the call and its images.

    Attributes:
        server: SIP server of the call.
        port: SIP port.
        transport: ``tcp``, ``udp``, or ``tls``.
        extension: SIP user name, valid for three minutes.
        password: SIP password, equal to the hash if there is one.
        dtmf: DTMF code that opens the door during the call.
        hash: Key of the call: one per ring, for all devices of the apartment.
        timestamp: Time in Unix seconds.
        ttl: Ringing time in seconds.
        caller: Display name of the door.
        platform: Platform of the receiving app: ``android``, ``ios``, or ``web``.
        flat_id: ID of the apartment.
        flat_number: Number of the apartment.
        domophone_id: ID of the intercom; -1 for the operator's support.
        house_id: ID of the house.
        image: URL of the image; usually ``Images.camshot`` is used with the hash instead.
        live: URL of live images.
        stun: STUN server.
        stun_transport: Transport to the STUN server.
        turn: TURN server.
        turn_transport: Transport to the TURN server.
        turn_username: User name for the TURN server.
        turn_password: Password for the TURN server.
        base_url: New base URL for the apps; ignored by this integration (field notes 7).
        video_server: Type of the camera server, as ``Camera.server_type``.
        video_token: Access token of the camera.
        video_type: Type of the stream, such as ``webrtc``.
        video_stream: URL of the camera.
        webrtc_url: WebRTC URL of the camera.
        no_video_sip: The SIP call has no video.
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
        """IDs of the ring: pushes that share one belong to the same ring. They are safe to store and show.

        One is a digest of the hash, one of extension and timestamp (field notes 7). Without an extension there is only
        the first one; a forwarder may omit the hash.
        """
        keys = [] if self.hash is None else [f"hash {self.hash}"]
        if self.extension is not None or self.hash is None:
            keys.append(f"extension {self.extension} {self.timestamp}")
        return tuple(hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys)

    @property
    def is_support(self) -> bool:
        """Whether the operator calls, not a visitor at a door."""
        return self.domophone_id == _SUPPORT


@dataclass(frozen=True, slots=True)
class TextPush:
    """A message; missing values are None.

    Attributes:
        action: An ``Action`` or another word; empty if missing.
        title: Title.
        body: Text.
        message_id: ID for ``Inbox.read`` and ``Inbox.delivered``.
        badge: Number of unread messages.
        ext: ID of the operator's page that the message is about.
        house_id: ID of the house.
        hash: Key of an image of the event, for ``Images.camshot``; the key alone gives access to it.
        timestamp: Time in Unix seconds.
        ttl: Validity in seconds.
        sound: Sound that the app plays.
        platform: Platform of the receiving app.
        flat_id: ID of the apartment.
        event_id: ID of the event in the journal.
        event_date: Time of the event, in the server's format.
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
    """Return the parsed push. It is not authenticated.

    The push is JSON as documented, or wrapped in ``data`` and ``notification`` as push services do, or a form, or the
    query of the server's request to its push service.

    Returns:
        The push; None if it is invalid.
    """
    for content in (_content(body), query):
        if content and (found := _push(_lowered(content))) is not None:
            return found
    return None


def _content(body: bytes) -> Fields:
    """Return the fields of a body, empty if it is too large or invalid."""
    if not body.strip() or len(body) > MAX_BODY:
        return {}
    found = decode_json(body)
    return _form(body) if found is None else fields(found)


def _form(body: bytes) -> Fields:
    """Return the fields of a form, also of one in parts; ``data[hash]``, as PHP writes nested data, is ``hash``."""
    plain = body.decode(errors="replace").strip()
    try:
        # Automation apps insert texts without escaping, including ampersands.
        found = _parts(plain) if plain.startswith("--") else parse_qsl(plain, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    return {name.rpartition("[")[2].removesuffix("]"): value for name, value in found}


def _parts(form: str) -> Iterator[tuple[str, str]]:
    """Iterate over the names and values of ``multipart/form-data``, whose first line is the boundary."""
    boundary = form.splitlines()[0]
    for piece in form.split(boundary, _MAX_FIELDS)[1:]:
        head, _, value = piece.strip().replace("\r\n", "\n").partition("\n\n")
        if value and (name := _FIELD_NAME.search(head)):
            yield name[1], value


def _unpacked(value: object) -> Fields:
    """Return an object that may be encoded as text."""
    if isinstance(value, str):
        return fields(decode_json(value))
    return fields(value)


def _lowered(content: Fields) -> Fields:
    """Return the fields with lower-case names, because the documents spell them in several ways."""
    return {name.lower(): value for name, value in content.items() if isinstance(name, str)}


def _push(content: Fields) -> CallPush | TextPush | None:
    shown: dict[str, object] = {}
    for level in _levels(content):
        # Title and text may be next to the data, or at an outer level.
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
    """Return the title and text of a notification in any format."""
    alert = _lowered(_unpacked(_lowered(_unpacked(level.get("aps"))).get("alert")))
    found: dict[str, object] = {}
    for part in (level, _lowered(_unpacked(level.get("notification"))), alert):
        for name in ("title", "body"):
            if (value := text(part.get(name))) is not None:
                found.setdefault(name, value)
    return found


def _is_text(level: Fields) -> bool:
    return any(text(level.get(name)) for name in ("action", "pushaction", "messageid", "msg"))


def _is_call(level: Fields) -> bool:
    return text(level.get("extension")) is not None


def _text_push(level: Fields, shown: Fields) -> TextPush | None:
    # The query of the server's request uses other names for two fields.
    value = text(level.get("action")) or text(level.get("pushaction")) or ""
    return decode(
        TextPush,
        level,
        action=_ACTIONS.get(value.strip().lower(), value.strip()),
        title=string(shown.get("title")),
        body=text(shown.get("body")) or string(level.get("msg")),
    )
