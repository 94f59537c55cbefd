"""A ring is a ring: one per visitor's wish to be let in, however many records the device makes of it.

A button pressed rings at once, and the outgoing call that the press starts is the same ring. A call
that goes out without a press (dialled on the keypad, or the account may not see the keypad) rings by
itself. A call that comes in, one that Home Assistant or another system dialled, and events that are late never ring.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from .events import ButtonPressed, CallChanged, Event, Restarted
from .parts import Bell, BellId, CallState, Direction, SessionId

# The bell of calls that no button can be found for.
CALL_BELL: BellId = "call"

# How long after a press the call it starts may appear.
_PRESS_TO_CALL = timedelta(seconds=10)
# Devices count sessions up: the newest ones are those that can still be in progress.
_SESSIONS_KEPT = 64
# Ids of events that rang; more of them than can come again after a kill or a reload.
_RUNG_KEPT = 32


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring: at which bell, when by the device's clock, with which call or button, if one is known.

    ``age`` is how many seconds ago that was when Home Assistant heard of it; ``picture`` and ``details`` are those
    of ``events.ButtonPressed``.
    """

    bell: Bell
    time: datetime
    session: SessionId | None = None
    button: int | None = None
    age: float = 0.0
    picture: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Press:
    """When a button was pressed: by the device's clock, and in Unix seconds by ours, None where that is not known."""

    time: datetime
    moment: float | None = None

    def precedes(self, time: datetime, moment: float | None) -> bool:
        """Return whether a call at this time can be the one that the press started, by one of the clocks.

        The device's clock may be set in between.
        """
        if abs(time - self.time) <= _PRESS_TO_CALL:
            return True
        if moment is None or self.moment is None:
            return False
        return abs(moment - self.moment) <= _PRESS_TO_CALL.total_seconds()


@dataclass(frozen=True, slots=True)
class RingMemory:
    """What has to be remembered between records to tell one ring from two.

    Attributes:
        presses: Those whose calls have not been seen yet, oldest first.
        sessions: Calls that have rung already, or are not to ring.
        dialling: A call is being dialled from Home Assistant, its session not yet known.
        rung: Ids of the last events that rang, oldest first: they may be delivered again.
    """

    presses: tuple[Press, ...] = ()
    sessions: frozenset[SessionId] = frozenset()
    dialling: bool = False
    rung: tuple[str, ...] = ()

    @classmethod
    def from_store(cls, stored: object) -> RingMemory | None:
        """Return what ``as_store`` wrote, None where nothing was written."""
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
        """Return it as JSON; what is being dialled is over when it is read."""
        return {
            "pressed_at": [press.time.isoformat() for press in self.presses],
            "sessions": sorted(self.sessions),
            "rung": list(self.rung),
        }

    def with_dialling(self, dialling: bool) -> RingMemory:
        """Return the memory with or without a call being dialled."""
        return replace(self, dialling=dialling)

    def quiet(self, session: SessionId) -> RingMemory:
        """Return the memory with a call that is not to ring."""
        return replace(self, sessions=frozenset(sorted(self.sessions | {session})[-_SESSIONS_KEPT:]))


class Detection(NamedTuple):
    """What became of an event.

    ``suppressed`` is why a press or a call that goes out rang no bell; None where it rang, and for other events.
    """

    memory: RingMemory
    ring: Ring | None = None
    suppressed: str | None = None


def detect(
    memory: RingMemory, event: Event, bells: Mapping[BellId, Bell], peers: Mapping[str, BellId], now: float
) -> Detection:
    """Return the memory after ``event``, and the ring in it or why there is none.

    Args:
        memory: What earlier events left.
        event: The next record.
        bells: The bells known.
        peers: The bell of a called number, as the directory tells.
        now: When the record arrived, in Unix seconds.
    """
    ring: Ring | None = None
    suppressed: str | None = None
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
                    button=button,
                    age=event.age,
                    picture=fact.picture,
                    details=fact.details,
                )
            case CallChanged(
                session=session, direction=Direction.OUTGOING, state=CallState.CONNECTING | CallState.RINGING
            ):
                if session in memory.sessions:
                    suppressed = f"call {session} is known already"
                    continue
                pressed = _recent(memory.presses, event.time, moment)
                suppressed = _reason(memory, fact, peers, pressed)
                if suppressed is None:
                    ring = Ring(_called_bell(fact.peer, bells, peers), event.time, session, age=event.age)
                memory = replace(memory.quiet(session), presses=pressed[1:])
    if ring is None:
        return Detection(memory, None, suppressed)
    if event.late:
        return Detection(memory, None, "the event is late")
    if event.id in memory.rung:
        return Detection(memory, None, "the same event rang before")
    if event.id is not None:
        memory = replace(memory, rung=(*memory.rung, event.id)[-_RUNG_KEPT:])
    return Detection(memory, ring)


def _reason(
    memory: RingMemory, call: CallChanged, peers: Mapping[str, BellId], pressed: tuple[Press, ...]
) -> str | None:
    """Return why a new call that goes out rings no bell; None where it does."""
    if pressed:
        return "a button that rang started the call"
    if memory.dialling:
        return "Home Assistant dialed the call"
    return "a different system dialed the call" if _is_from_house(call, peers) else None


def _is_from_house(call: CallChanged, peers: Mapping[str, BellId]) -> bool:
    """Return whether another system began a call: it says so, or the door was not touched and no button calls there.

    Without a directory it is not known whom the buttons call: then a visitor is taken for granted.
    """
    if call.from_house:
        return True
    return call.untouched and bool(peers) and call.peer is not None and peer_number(call.peer) not in peers


def _recent(presses: tuple[Press, ...], time: datetime, moment: float | None) -> tuple[Press, ...]:
    """Return the presses whose call may still appear."""
    return tuple(press for press in presses if press.precedes(time, moment))


def _pressed_bell(bell: BellId, button: int | None, bells: Mapping[BellId, Bell]) -> Bell:
    """Return the bell of a button: its own, or the common one where none has a name."""
    if (known := bells.get(bell)) is not None:
        return known
    if CALL_BELL in bells and len(bells) == 1:
        return bells[CALL_BELL]
    return Bell(bell, button=button)


def _called_bell(peer: str | None, bells: Mapping[BellId, Bell], peers: Mapping[str, BellId]) -> Bell:
    """Return the bell of a call: by the number called, else the only bell there is, else the common one."""
    if peer is not None and (known := bells.get(peers.get(peer_number(peer), ""))) is not None:
        return known
    buttons = [bell for bell in bells.values() if bell.button is not None]
    if len(buttons) == 1 and len(bells) == 1:
        return buttons[0]
    return bells.get(CALL_BELL, Bell(CALL_BELL))


def peer_number(peer: str) -> str:
    """Return the part of a SIP URI or number by which two of them can be compared.

    ``sip:4374834473@proxy.my2n.com:5061`` and ``4374834473`` are the same party; a call to an
    address without a user part is known by its host.
    """
    bare = peer.split(";", 1)[0].strip()
    for scheme in ("sip:", "sips:", "device:"):
        if bare.lower().startswith(scheme):
            bare = bare[len(scheme) :]
    user, at, host = bare.partition("@")
    return (user if at else host or user).split(":", 1)[0].split("/", 1)[0].lower()
