"""SIP lines and calls (Api sip, Api call)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.simulators.common.clock import Clock, Timer

from .config import Config
from .config_keys import DIAL_TIMEOUT, MAX_CALL, SOFTKEY
from .envelope import ApiError, Call, Handler, Json, Reply, bad_param
from .logs import CallLog

REGISTRATION_DELAY = 1.0
LINES = (1, 2)


class Status(StrEnum):
    """Of call/status only READY is documented; the other words are guesses."""

    READY = "READY"
    CALLING = "CALLING"
    RINGING = "RINGING"
    TALKING = "TALKING"


@dataclass(slots=True)
class Session:
    """A call; `kind` is its type in the call log, `begun` its beginning in device seconds."""

    number: str
    name: str
    kind: str
    status: Status
    timer: Timer
    begun: float


class Lines:
    """Accounts 1 and 2: "-1" unknown, "0" disabled, "1" registering, "2" registered, "3" failed (Api system)."""

    def __init__(self, config: Config, clock: Clock) -> None:
        """Register the enabled accounts."""
        self._config = config
        self._clock = clock
        self._status = dict.fromkeys(LINES, "0")
        self.reachable = True
        config.listeners.append(self._configured)
        self.handlers: dict[str, Handler] = {"sip/status": lambda _: Reply(self.state())}

    def boot(self) -> None:
        """Register again."""
        for line in LINES:
            self._register(line)

    def _configured(self, key: str, _: str) -> None:
        for line in LINES:
            if key.startswith((f"Config.Account{line}.GENERAL", f"Config.Account{line}.SIP")):
                self._register(line)

    def _register(self, line: int) -> None:
        if self._config[f"Config.Account{line}.GENERAL.Enable"] != "1":
            self._status[line] = "0"
            return
        self._status[line] = "1"
        self._clock.later(REGISTRATION_DELAY, lambda: self.settle(line))

    def settle(self, line: int) -> None:
        """Hear from the registrar, or not."""
        if self._status[line] != "0":
            self._status[line] = "2" if self.reachable else "3"

    def state(self) -> Json:
        """Describe both."""
        return {
            f"Account{line}": {
                "SipServer": self._config[f"Config.Account{line}.SIP.Server"],
                "Status": self._status[line],
                "UserName": self._config[f"Config.Account{line}.GENERAL.UserName"],
            }
            for line in LINES
        }


class Phone:
    """At most one call."""

    def __init__(self, config: Config, clock: Clock, log: CallLog, send: Callable[[str, str], None]) -> None:
        """`send` gets MakeCall or HangUp, with the number of the other side."""
        self._config = config
        self._clock = clock
        self._log = log
        self._send = send
        self.session: Session | None = None
        # What this firmware says in place of the words of `Status`.
        self.words: dict[str, str] = {}
        # Whether the record of an outgoing call is written when it begins; the manual does not say when.
        self.records_at_once = False
        # The numbers that the last call rings, all at once.
        self.called: tuple[str, ...] = ()
        self.handlers: dict[str, Handler] = {
            "call/status": lambda _: Reply({"Status": self.words.get(self.status, self.status)}),
            "call/dial": self._dial,
            "call/hangup": self._hangup,
        }

    @property
    def status(self) -> Status:
        """What call/status says."""
        return Status.READY if self.session is None else self.session.status

    def boot(self) -> None:
        """Forget the call without a report."""
        self.session = None

    def press(self) -> bool:
        """Push the button: call its numbers at once, unless there is none or the phone is busy.

        Numbers are separated by semicolons; which of them MakeCall and the call log name is not known, here the first.
        """
        numbers = tuple(number for number in self._config[SOFTKEY].split(";") if number)
        if not numbers or self.session is not None:
            return False
        self.dial(numbers[0], "")
        self.called = numbers
        return True

    def dial(self, number: str, name: str) -> None:
        """Start a call."""
        self.called = (number,)
        timer = self._clock.later(self._config.number(DIAL_TIMEOUT, 60), self.hang_up)
        self.session = Session(number, name, "Dialed", Status.CALLING, timer, self._clock.now())
        if self.records_at_once:
            self._record(self.session)
        self._send("MakeCall", number)

    def ring(self, number: str, name: str) -> None:
        """Be called; MakeCall is for outgoing calls only."""
        if self.session is None:
            timer = self._clock.later(60, self.hang_up)
            self.session = Session(number, name, "Missed", Status.RINGING, timer, self._clock.now())
            if self._config["Config.Account1.AUTO_ANSWER.Enable"] == "1":
                self.answer()

    def answer(self) -> None:
        """Answer the call, at either end."""
        session = self.session
        if session is None:
            raise ValueError("there is no call")
        session.timer.cancel()
        session.timer = self._clock.later(60 * self._config.number(MAX_CALL, 5), self.hang_up)
        session.status = Status.TALKING
        if session.kind == "Missed":
            session.kind = "Received"

    def hang_up(self) -> None:
        """End the call, from either side."""
        session, self.session = self.session, None
        if session is None:
            return
        session.timer.cancel()
        if not self.records_at_once or session.kind != "Dialed":
            self._record(session)
        self._send("HangUp", session.number)

    def _record(self, session: Session) -> None:
        self._log.note(
            session.begun,
            Type=session.kind,
            Name=session.name or session.number,
            Num=session.number,
            LocalIdentity=self._config["Config.Account1.GENERAL.UserName"] or "192.168.1.78@192.168.1.78",
        )

    def _dial(self, call: Call) -> Reply:
        number = call.text("Phone")
        if not number:
            raise bad_param()
        if self.session is not None:
            raise ApiError(-1, "Dial Failed.")
        self.dial(number, call.text("DisplayName") or "")
        return Reply()

    def _hangup(self, _: Call) -> Reply:
        """Without a call this is success as well."""
        self.hang_up()
        return Reply()
