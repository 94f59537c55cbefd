"""Detection of rings: one ring per visitor, even if the device reports several events for it.

A pressed button is a ring at once, and the outgoing call that it starts belongs to the same ring. An outgoing call
without a press is a ring of its own: dialed on the keypad, or the account cannot read presses. Incoming calls, calls
that Home Assistant or a different system dialed, and late events are no rings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from .events import ButtonPressed, CallChanged, Event, Restarted
from .parts import Bell, BellId, CallState, Direction, SessionId

# The bell of calls without a known button.
CALL_BELL: BellId = "call"

# The reason why a call that a different system dialed is no ring.
_FOREIGN = "a different system dialed the call"
# Longest delay between a press and the call that it starts.
PRESS_TO_CALL = timedelta(seconds=10)
# Sessions are counted up, so only the newest ones can still be in progress.
_SESSIONS_KEPT = 64
# Ids of rings; more than can be repeated after an unclean stop or a reload.
_RUNG_KEPT = 32


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring: the bell, the time by the device's clock, and the call or button, if known.

    ``age`` is the delay in seconds with which the ring arrived; ``picture`` and ``details`` are those of
    ``events.ButtonPressed``. ``id`` is that of the event, if it has one. A ``late`` ring is over: it rings nothing.
    """

    bell: Bell
    time: datetime
    session: SessionId | None = None
    button: int | None = None
    age: float = 0.0
    picture: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    id: str | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """The time of a press by the device's clock, and in Unix seconds by the system clock; None if unknown."""

    time: datetime
    moment: float | None = None

    def precedes(self, time: datetime, moment: float | None) -> bool:
        """Return whether the press can have started a call at this time, by either clock.

        The device's clock may have been set in between.
        """
        if abs(time - self.time) <= PRESS_TO_CALL:
            return True
        if moment is None or self.moment is None:
            return False
        return abs(moment - self.moment) <= PRESS_TO_CALL.total_seconds()


@dataclass(frozen=True, slots=True)
class RingMemory:
    """State between events that distinguishes one ring from two.

    Attributes:
        presses: Presses without a call so far, oldest first.
        sessions: Calls that belong to an earlier ring, or are no rings.
        dialing: Home Assistant is dialing a call whose session is not known yet.
        rung: Ids of the last events that were rings, oldest first: they may be delivered again.
    """

    presses: tuple[Press, ...] = ()
    sessions: frozenset[SessionId] = frozenset()
    dialing: bool = False
    rung: tuple[str, ...] = ()

    @classmethod
    def from_store(cls, stored: object) -> RingMemory | None:
        """Return the memory from the output of ``as_store``; None without valid data."""
        if not isinstance(stored, Mapping):
            return None
        sessions, presses, rung = stored.get("sessions"), stored.get("pressed_at"), stored.get("rung")
        try:
            return cls(
                tuple(Press(datetime.fromisoformat(str(at))) for at in presses) if isinstance(presses, list) else (),
                frozenset(int(session) for session in sessions) if isinstance(sessions, list) else frozenset(),
                rung=tuple(str(event) for event in rung) if isinstance(rung, list) else (),
            )
        except TypeError, ValueError:
            return None

    def as_store(self) -> dict[str, object]:
        """Return the memory as JSON, without a dialing in progress, which does not outlast a restart."""
        return {
            "pressed_at": [press.time.isoformat() for press in self.presses],
            "sessions": sorted(self.sessions),
            "rung": list(self.rung),
        }

    def with_dialing(self, dialing: bool) -> RingMemory:
        """Return the memory with dialing set or cleared."""
        return replace(self, dialing=dialing)

    def quiet(self, session: SessionId) -> RingMemory:
        """Return the memory with a call that is no ring."""
        return replace(self, sessions=frozenset(sorted(self.sessions | {session})[-_SESSIONS_KEPT:]))


class Detection(NamedTuple):
    """The result of an event: its ring, also a late one.

    ``suppressed`` is the reason why a press or an outgoing call rings nothing; None for rings and other events.
    ``foreign`` is a call that a different system dialed.
    """

    memory: RingMemory
    ring: Ring | None = None
    suppressed: str | None = None
    foreign: SessionId | None = None


def detect(
    memory: RingMemory, event: Event, bells: Mapping[BellId, Bell], peers: Mapping[str, BellId], now: float
) -> Detection:
    """Return the memory after an event, and its ring or the reason why it rings nothing.

    Args:
        memory: The memory after the previous event.
        event: The next event.
        peers: The bell for each called number, from the directory.
        now: The time at which the event arrived, in Unix seconds.
    """
    ring: Ring | None = None
    suppressed: str | None = None
    foreign: SessionId | None = None
    moment = None if event.late else now - event.age
    for fact in event.facts:
        match fact:
            case Restarted():
                memory = RingMemory(rung=memory.rung)
            case ButtonPressed(bell=bell, button=button):
                presses = _recent(memory.presses, event.time, moment)
                memory = replace(memory, presses=(*presses, Press(event.time, moment)))
                pressed_bell = _pressed_bell(bell, button, bells)
                ring = Ring(
                    pressed_bell,
                    event.time,
                    fact.session,
                    button,
                    age=event.age,
                    picture=fact.picture,
                    details=fact.details,
                    id=event.id,
                    late=event.late,
                )
            case CallChanged(
                session=session, direction=Direction.OUTGOING, state=CallState.CONNECTING | CallState.RINGING
            ):
                if session in memory.sessions:
                    suppressed = f"call {session} is already known"
                    continue
                pressed = _recent(memory.presses, event.time, moment)
                suppressed = _reason(memory, fact, peers, pressed)
                if suppressed is None:
                    ring = Ring(
                        _called_bell(fact.peer, bells, peers),
                        event.time,
                        session,
                        age=event.age,
                        id=event.id,
                        late=event.late,
                    )
                foreign = session if suppressed == _FOREIGN else None
                memory = replace(memory.quiet(session), presses=pressed[1:])
    if ring is None:
        return Detection(memory, None, suppressed, foreign)
    if event.id in memory.rung:
        return Detection(memory, None, "the event is a repetition")
    if event.id is not None:
        memory = replace(memory, rung=(*memory.rung, event.id)[-_RUNG_KEPT:])
    return Detection(memory, ring, "the event is late" if event.late else None)


def _reason(
    memory: RingMemory, call: CallChanged, peers: Mapping[str, BellId], pressed: tuple[Press, ...]
) -> str | None:
    """Return the reason why a new outgoing call is no ring; None if it is one."""
    if pressed:
        return "a pressed button started the call"
    if memory.dialing:
        return "Home Assistant dialed the call"
    return _FOREIGN if _is_from_house(call, peers) else None


def _is_from_house(call: CallChanged, peers: Mapping[str, BellId]) -> bool:
    """Return whether a different system started a call.

    Either the call is reported so, or the device was not touched and no button calls the peer. Without a directory,
    the numbers of the buttons are unknown, and the call counts as a visitor's.
    """
    if call.from_house:
        return True
    return call.untouched and bool(peers) and call.peer is not None and peer_number(call.peer) not in peers


def _recent(presses: tuple[Press, ...], time: datetime, moment: float | None) -> tuple[Press, ...]:
    """Return the presses whose call may still appear."""
    return tuple(press for press in presses if press.precedes(time, moment))


def _pressed_bell(bell: BellId, button: int | None, bells: Mapping[BellId, Bell]) -> Bell:
    """Return the bell of a button: its own, or the common one if there is no other."""
    if (known := bells.get(bell)) is not None:
        return known
    if CALL_BELL in bells and len(bells) == 1:
        return bells[CALL_BELL]
    return Bell(bell, button=button)


def _called_bell(peer: str | None, bells: Mapping[BellId, Bell], peers: Mapping[str, BellId]) -> Bell:
    """Return the bell of a call: by the called number, else the only bell, else the common one."""
    if peer is not None and (known := bells.get(peers.get(peer_number(peer), ""))) is not None:
        return known
    buttons = [bell for bell in bells.values() if bell.button is not None]
    if len(buttons) == 1 and len(bells) == 1:
        return buttons[0]
    return bells.get(CALL_BELL, Bell(CALL_BELL))


def peer_number(peer: str) -> str:
    """Return the comparable part of a SIP URI or number.

    ``sip:4374834473@proxy.my2n.com:5061`` and ``4374834473`` are the same party; the host identifies an address
    without a user part.
    """
    bare = peer.split(";", 1)[0].strip()
    for scheme in ("sip:", "sips:", "device:"):
        if bare.lower().startswith(scheme):
            bare = bare[len(scheme) :]
    user, at, _ = bare.partition("@")
    if not at and user.startswith("["):  # an IPv6 address
        return user.partition("]")[0].lower() + "]"
    return user.split(":", 1)[0].split("/", 1)[0].lower()
