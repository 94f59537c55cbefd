"""Forged pushes of an attacker who knows the push address."""

from enum import StrEnum
import json
import secrets

from .payloads import CALL, CallFacts
from .push import FORM_TYPE, Parcel, Route

# Thousands of times as much as a push has.
HUGE = 2 * 2**20


class Hostile(StrEnum):
    """What is wrong with it."""

    # Pictures on another host.
    FOREIGN_IMAGE = "foreign_image"
    # A base that would send the token elsewhere.
    BASE_URL = "base_url"
    # Pictures on the right host that lead elsewhere.
    REDIRECTING_IMAGE = "redirecting_image"
    HUGE = "huge"
    WRONG_TYPES = "wrong_types"
    NOT_JSON = "not_json"
    EMPTY = "empty"
    # The last one once more, byte by byte.
    REPLAY = "replay"
    # A ring of an hour ago.
    OLD = "old"
    # A ring that is yet to come.
    FUTURE = "future"
    # A door and a flat that do not exist.
    FOREIGN_FLAT = "foreign_flat"


def parcel(kind: Hostile, facts: CallFacts, route: Route, elsewhere: str) -> Parcel:
    """Return a forged push; `facts` are of an invented ring, `elsewhere` is the address of another host."""
    picture = f"{elsewhere}/shot/{secrets.token_hex(16)}.jpg"
    match kind:
        case Hostile.FOREIGN_IMAGE:
            content = facts.changing(image=picture, live=picture).seed()
        case Hostile.BASE_URL:
            content = facts.changing(baseUrl=f"{elsewhere}/mobile").seed()
        case Hostile.REDIRECTING_IMAGE:
            content = facts.seed()
        case Hostile.HUGE:
            content = facts.changing(callerId="x" * HUGE).seed()
        case Hostile.WRONG_TYPES:
            content = facts.changing(
                timestamp={"now": True},
                ttl=["30"],
                hash=17,
                callerId=None,
                flatId=[1, 2],
                extension={},
                image=[picture],
            ).seed()
        case Hostile.OLD:
            content = facts.changing(timestamp=str(facts.timestamp - 3600)).seed()
        case Hostile.FUTURE:
            content = facts.changing(timestamp=str(facts.timestamp + 86400)).seed()
        case Hostile.FOREIGN_FLAT:
            content = facts.changing(flatId="999999", domophoneId="999999").seed()
        case _:
            content = {}
    data = json.dumps(content).encode()
    if kind is Hostile.NOT_JSON:
        data = b'{"server": "sip.example.test", "hash": '
    elif kind is Hostile.EMPTY:
        data = b""
    content_type = FORM_TYPE if kind is Hostile.EMPTY else "application/json"
    return Parcel(CALL, content, "POST", route.url, content_type, data)
