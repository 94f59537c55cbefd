"""Maps pushes to events, without door credentials and keys of images (field notes 7)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from ...model.events import (
    BellRings,
    ButtonPressed,
    CallChanged,
    CapabilitiesChanged,
    Event,
    Fact,
    MessageReceived,
    MessagesCounted,
    RecordingsListed,
)
from ...model.parts import BellId, CallState, Direction, SessionId
from ...model.ring_detector import CALL_BELL
from ..common.parse import instant, present
from ..common.privacy import is_word
from .client import Action, CallPush, Flat, House, TextPush
from .recordings import Recordings, film_in
from .topology import AccountTopology

CALL, CALL_ENDED, MESSAGE, UNREAD, CHANGED = "Call", "CallEnded", "Message", "Unread", "Changed"
CALL_STATE = "CallState"

_KINDS: Mapping[str, str] = {
    Action.INBOX: "inbox",
    Action.CHAT: "chat",
    Action.NEW_ADDRESS: "new_address",
    Action.PAY_SUCCESS: "pay_success",
    Action.PAY_ERROR: "pay_error",
    Action.VIDEO_READY: "video_ready",
    Action.EXT: "ext",
    Action.MONEY: "money",
    Action.PARANOID: "paranoid",
}
_OTHER = "other"
# Limits for texts, because a push can come from any sender.
_SHORT, _LONG = 128, 2048
# Value for apartment and intercom in calls of the operator.
_NOWHERE = "-1"


def moment(seconds: int | None, ahead: timedelta = timedelta()) -> datetime:
    """Return the time of a push by the local clock; now if it has none or it is in the future.

    Args:
        seconds: Unix seconds on the server's clock.
        ahead: Offset of that clock to the local one.
    """
    now, sent_at = datetime.now(UTC), instant(seconds)
    return now if sent_at is None else min(now, sent_at - ahead)


def bell_of(push: CallPush, topology: AccountTopology) -> BellId | None:
    """Return the bell that rings, None if it is not one of the account.

    The documented format lacks the intercom: it is found by the name of the door, or if there is only one.
    """
    if push.domophone_id is not None:
        return push.domophone_id if push.domophone_id in topology.bells else None
    if push.flat_id is not None and push.flat_id not in topology.flats:
        return None
    house = None if push.flat_id is None else topology.flats[push.flat_id].house_id
    bells = [
        relay.domophone
        for door, relay in topology.relays.items()
        if house in {None, relay.house} and push.caller is not None and topology.name_of(door) == push.caller
    ]
    # If several doors have the name, return none rather than a wrong one.
    there = dict.fromkeys(bells) or dict.fromkeys(
        relay.domophone for relay in topology.relays.values() if house in {None, relay.house}
    )
    return next(iter(there)) if len(there) == 1 else CALL_BELL


def may_be_ours(push: CallPush, topology: AccountTopology) -> bool:
    """Return whether a call at an unknown door may be for the account: it does not name another apartment and house."""
    named = [
        known in there
        for known, there in ((push.flat_id, topology.flats), (push.house_id, topology.houses))
        if known is not None
    ]
    return not named or any(named)


def is_at(push: CallPush, houses: Iterable[House], flats: Iterable[Flat]) -> bool:
    """Return whether a call is at one of these houses or, if it names no intercom, for one of these apartments."""
    if push.domophone_id is None:
        return any(flat.id == push.flat_id for flat in flats)
    return any(door.domophone_id == push.domophone_id for house in houses for door in house.doors)


def call(
    push: CallPush,
    bell: BellId | None,
    picture: str | None,
    now: datetime,
    ahead: timedelta = timedelta(),
    session: SessionId | None = None,
) -> Event:
    """Return the event of a ring.

    Args:
        picture: Name of its picture.
        ahead: As in ``moment``.
        session: Its call, if it can be answered here.
    """
    when = moment(push.timestamp, ahead)
    flat = None if push.flat_number in {None, _NOWHERE} else push.flat_number
    details = present({"caller": _cut(push.caller), "flat": _cut(flat)})
    facts: tuple[Fact, ...] = ()
    if bell is not None:
        facts = (ButtonPressed(bell, None, picture, details, session), BellRings(bell, True))
    data = present({"bell": bell, "support": push.is_support or None, "session": session}) | details
    age = max(0.0, (now - when).total_seconds())
    return Event(CALL, when, data, facts=facts, age=age, id=f"ring-{push.ring_ids[0]}")


def call_ended(bell: BellId) -> Event:
    """Return the event of a bell that stopped ringing."""
    return Event(CALL_ENDED, datetime.now(UTC), {"bell": bell}, facts=(BellRings(bell, False),))


def call_changed(
    session: SessionId, bell: BellId, state: CallState, caller: str | None, reason: str | None = None
) -> Event:
    """Return the event of a call that can be answered here; ``reason`` tells why it ended."""
    fact = CallChanged(session, Direction.INCOMING, state, _cut(caller), reason=reason, bell=bell)
    data = present({"bell": bell, "session": session, "state": state.value, "reason": reason})
    return Event(CALL_STATE, datetime.now(UTC), data, facts=(fact,))


def message(
    push: TextPush,
    picture: str | None,
    *,
    late: bool,
    ahead: timedelta = timedelta(),
    recordings: Recordings | None = None,
) -> Event:
    """Return the event of a message; ``ahead`` as in ``moment``, ``recordings`` records a recording that is ready."""
    kind = _KINDS.get(push.action, _OTHER)
    film = film_in(push.body, None if recordings is None else recordings.host)
    if film is not None and kind == "inbox":
        kind = "video_ready"  # the published server reports it in an ordinary message
    ready = None if film is None or recordings is None else recordings.ready(film, f"{push.title}\n{push.body}")
    details = present(
        {
            "id": _cut(push.message_id),
            "action": push.action if kind == _OTHER and is_word(push.action) else None,
            "title": _cut(push.title, _LONG),
            "text": _cut(push.body, _LONG),
            "ext": _cut(push.ext),
            "badge": push.badge,
            "record": _cut(push.event_id),
            "recording": film if kind == "video_ready" else None,
            "prepared": ready,
            "picture": picture,
        }
    )
    return Event(
        MESSAGE,
        moment(push.timestamp, ahead),
        {"kind": kind} | details,
        late=late,
        facts=(
            MessageReceived(kind, details),
            *(() if film is None or recordings is None else (RecordingsListed(recordings.shown),)),
        ),
        id=f"message-{_cut(push.message_id)}" if push.message_id else None,
    )


def counted(messages: int, chat: int) -> Event:
    """Return the event of a changed number of unread messages."""
    facts = (MessagesCounted(messages),)
    return Event(UNREAD, datetime.now(UTC), {"messages": messages, "chat": chat}, facts=facts)


def changed() -> Event:
    """Return the event of an account whose houses, doors, or apartments may have changed."""
    return Event(CHANGED, datetime.now(UTC), facts=(CapabilitiesChanged(),))


def _cut(value: str | None, most: int = _SHORT) -> str | None:
    return None if not value else value[:most]
