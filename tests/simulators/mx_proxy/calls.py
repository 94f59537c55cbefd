"""Live calls of one extension, and their events from the MX to the proxy."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from tests.simulators.common.clock import Clock

from .calllog import MISSED, TALKED, CallLog
from .envelope import CstaError, Json, lean
from .events import (
    HELD_COMMANDS,
    HELD_FLAGS,
    INCOMING_FLAGS,
    NORMAL,
    OUTGOING_FLAGS,
    RETRIEVED_FLAGS,
    Kind,
    event,
)  # fmt: skip
from .users import User

# A transferred call leaves the extension when the other side has taken it, in the MX's seconds.
TRANSFER = 2.0
FIRST_CALL = 123
FIRST_GLOBAL = 2_808_630_435_142_300_000

type Emit = Callable[[User, Json], None]
type Names = Callable[[str], tuple[str, str] | None]


class State(StrEnum):
    """Where a call is."""

    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"


@dataclass(slots=True)
class LiveCall:
    """One call; `caller` and `called` are numbers, `began` and `connected` Unix times."""

    id: int
    incoming: bool
    caller: str
    called: str
    device: str
    began: int
    state: State = State.RINGING
    connected: int = 0

    @property
    def global_id(self) -> str:
        """Return the number that the call has everywhere."""
        return str(FIRST_GLOBAL + self.id)

    @property
    def gcid(self) -> str:
        """Return the number that the call has in the log."""
        return f"63107-00-0000D-{self.id:X}"

    @property
    def peer(self) -> str:
        """Return the number at the other end."""
        return self.caller if self.incoming else self.called


class Numbers:
    """Numbers calls; small ones, one row for the whole MX."""

    def __init__(self) -> None:
        """Begin."""
        self.next = count(FIRST_CALL).__next__


class Calls:
    """The calls of one user."""

    def __init__(self, user: User, clock: Clock, log: CallLog, numbers: Numbers, names: Names, emit: Emit) -> None:
        """`names` finds first and last name of a number, `emit` sends an event to the proxy."""
        self.live: dict[int, LiveCall] = {}
        self._user = user
        self._clock = clock
        self._log = log
        self._numbers = numbers
        self._names = names
        self._emit = emit

    def get(self, number: int) -> LiveCall:
        """Find a call."""
        if (call := self.live.get(number)) is None:
            raise CstaError
        return call

    def ring(self, caller: str) -> LiveCall:
        """Let a caller call the extension."""
        call = self._begin(True, caller, self._user.ext, self._user.ext)
        self._tell(
            Kind.DELIVERED,
            call,
            globalCallId=call.global_id,
            callingDevice=call.caller,
            calledDevice=call.called,
            alertingDevice=self._user.ext,
            lastRedirectionDevice="",
            localConnectionInfo="alerting",
            cause=NORMAL,
            callTypeFlags=INCOMING_FLAGS,
        )
        return call

    def make(self, caller: str, called: str) -> LiveCall:
        """Call a number; only the callee gets a push of the ringing."""
        if not called or caller not in {self._user.ext, *self._user.numbers}:
            raise CstaError("URM Denied")
        call = self._begin(False, caller, called, caller)
        self._tell(
            Kind.ORIGINATED,
            call,
            globalCallId=call.global_id,
            callingDevice=call.caller,
            calledDevice=call.called,
            cause=NORMAL,
            callTypeFlags=OUTGOING_FLAGS,
        )
        return call

    def _begin(self, incoming: bool, caller: str, called: str, device: str) -> LiveCall:
        call = LiveCall(self._numbers.next(), incoming, caller, called, device, self._clock.utc())
        self.live[call.id] = call
        return call

    def pick_up(self, number: int) -> None:
        """Answer a call, here or at the other end."""
        call = self.get(number)
        if call.state is not State.RINGING:
            raise CstaError("noCallToAnswer")
        call.state = State.TALKING
        call.connected = self._clock.utc()
        self._tell(
            Kind.ESTABLISHED,
            call,
            globalCallId=call.global_id,
            answeringDevice=call.called,
            answeringDisplayName=self._display(call.called),
            callingDevice=call.caller,
            calledDevice=call.called,
            callingDisplayName=self._display(call.caller),
            cause=NORMAL,
            callTypeFlags=INCOMING_FLAGS if call.incoming else OUTGOING_FLAGS,
            cads=[{"name": "__FIRST_CALL_ID__", "type": "string", "value": call.gcid}],
        )

    def hold(self, number: int) -> Json:
        """Put a call on hold."""
        call = self.get(number)
        if call.state is not State.TALKING:
            raise CstaError("noActiveCall")
        call.state = State.HELD
        flags = {"callTypeFlags": HELD_FLAGS, "cmdsAllowed": HELD_COMMANDS}
        # What it calls releasing is the device that holds.
        return self._tell(Kind.HELD, call, releasingDevice=self._user.ext, cause=NORMAL, **flags)

    def retrieve(self, number: int) -> Json:
        """Go on with a call."""
        call = self.get(number)
        if call.state is not State.HELD:
            raise CstaError("noHeldCall")
        call.state = State.TALKING
        flags = {"callTypeFlags": RETRIEVED_FLAGS}
        return self._tell(Kind.RETRIEVED, call, releasingDevice=self._user.ext, cause=NORMAL, **flags)

    def transfer(self, number: int, to: str) -> None:
        """Send a call to another number; it leaves the extension a little later."""
        self.get(number)
        if not to:
            raise CstaError("invalidDestination")

        def leave() -> None:
            if number in self.live:
                self.clear(number)

        self._clock.later(TRANSFER, leave)

    def clear(self, number: int) -> Json:
        """End a call and write it down."""
        call = self.get(number)
        del self.live[number]
        self._write(call)
        return self._tell(Kind.CLEARED, call, releasingDevice=self._user.ext, cause=NORMAL)

    def record(self, call: LiveCall, leg: int, called: str | None = None) -> None:
        """Write a record of a call that ends now."""
        now = self._clock.utc()
        first, last = self._names(call.peer) or ("", "")
        self._log.enter(
            missed=leg == MISSED,
            direction="incoming" if call.incoming else "outgoing",
            gcid=call.gcid,
            # An unanswered outgoing call has none.
            connectTimestamp=call.connected or (call.began if call.incoming else 0),
            disconnectTimestamp=now,
            callingPartyNo=call.caller,
            originalCalledPartyNo=called or call.called,
            **lean(firstName=first, lastName=last, ext=call.peer if first or last else ""),
            selfLegType=leg,
        )

    def _write(self, call: LiveCall) -> None:
        self.record(call, MISSED if call.incoming and not call.connected else TALKED)

    def _display(self, number: str) -> str:
        return " ".join(self._names(number) or ())

    def _tell(self, kind: Kind, call: LiveCall, **fields: object) -> Json:
        what = event(kind, self._clock.utc(), callId=call.id, deviceId=call.device, **fields)
        self._emit(self._user, what)
        return what
