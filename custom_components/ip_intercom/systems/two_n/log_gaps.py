"""Events that the device withholds from the account, detected by gaps in its log.

Records are numbered without holes (HTTP API 5.10.4), and a channel leaves out what the account may
not see (5.10.2). So a number that is missing just before a record that never comes alone tells which
privilege is missing: a visitor's call follows a key, a person let in follows a card or a code.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...model.state import Missing
from ..common.parse import text
from .client.cursor import LogEvent
from .client.endpoints import Privilege

KEYPAD = Missing("privilege", Privilege.KEYPAD_MONITORING)
CARDS = Missing("privilege", Privilege.UID_MONITORING)

# A code takes at least two keys pressed and released, and itself; a card is one record.
_CODE_RECORDS = 5
_CARD_RECORDS = 1
# One hole may be anything; the same hole again is a privilege.
_EVIDENCE = 2

# What comes only with the privilege: to see one disproves the evidence so far.
_PROOF = {"KeyPressed": KEYPAD, "KeyReleased": KEYPAD, "CodeEntered": KEYPAD, "CardEntered": CARDS}
_LISTED = {KEYPAD: "KeyPressed", CARDS: "CardEntered"}


def _call(event: LogEvent, hidden: int) -> Missing | None:
    starts = text(event.params.get("state")) in {"connecting", "ringing"}
    return KEYPAD if starts and text(event.params.get("direction")) == "outgoing" else None


def _person(event: LogEvent, hidden: int) -> Missing | None:
    if hidden == _CARD_RECORDS:
        return CARDS
    return KEYPAD if hidden >= _CODE_RECORDS else None


_FOLLOWERS: dict[str, Callable[[LogEvent, int], Missing | None]] = {
    "CallStateChanged": _call,
    "UserAuthenticated": _person,
    "UserRejected": _person,
}


@dataclass(slots=True)
class Withheld:
    """Weighs the evidence, record by record.

    Attributes:
        listed: The event types that the device says it records.
        missing: What the account lacks, beyond reasonable doubt.
        exact: Nothing else is known to be kept from the account, so that holes can be counted.
    """

    listed: frozenset[str]
    missing: frozenset[Missing] = frozenset()
    exact: bool = True
    _last: LogEvent | None = field(default=None, init=False)
    _evidence: dict[Missing, int] = field(default_factory=dict, init=False)

    def break_off(self) -> None:
        """Note that the device has lost records: a hole before the next one shows nothing."""
        self._last = None

    def see(self, event: LogEvent) -> None:
        """Look at the next record of the log."""
        last, self._last = self._last, event
        if (proved := _PROOF.get(event.event)) is not None:
            self._evidence.pop(proved, None)
            self.missing -= {proved}
            return
        hidden = event.id - last.id - 1 if last is not None and event.up_time >= last.up_time else 0
        judge = _FOLLOWERS.get(event.event)
        if hidden <= 0 or judge is None or not self.exact:
            return
        lacking = judge(event, hidden)
        if lacking is None or _LISTED[lacking] not in self.listed:
            return
        self._evidence[lacking] = self._evidence.get(lacking, 0) + 1
        if self._evidence[lacking] >= _EVIDENCE:
            self.missing |= {lacking}
