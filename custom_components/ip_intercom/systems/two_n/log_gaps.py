"""Events that the device withholds from the account, detected by gaps in the log.

Record numbers have no gaps (HTTP API 5.10.4), and a channel leaves out records that the account may not see
(5.10.2). A missing number before a record that never comes alone therefore reveals the missing privilege: a
key precedes a visitor's call, a card or a code precedes an access.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...model.state import Missing
from ..common.parse import text
from .client.cursor import LogEvent
from .client.protocol import Privilege

KEYPAD = Missing("privilege", Privilege.KEYPAD_MONITORING)
CARDS = Missing("privilege", Privilege.UID_MONITORING)

# A code consists of at least two keys pressed and released, and the code itself; a card is one record.
_CODE_RECORDS = 5
_CARD_RECORDS = 1
# A single gap may have other causes; a repeated one indicates a missing privilege.
_EVIDENCE = 2

# Events that need the privilege: receiving one refutes the evidence so far.
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
class WithheldEvents:
    """Collects evidence of withheld events.

    Attributes:
        listed: Event types that the device can record.
        missing: Privileges that the account lacks.
        exact: Whether no other privilege is known to be missing, so that gaps are conclusive.
    """

    listed: frozenset[str]
    missing: frozenset[Missing] = frozenset()
    exact: bool = True
    _last: LogEvent | None = field(default=None, init=False)
    _evidence: dict[Missing, int] = field(default_factory=dict, init=False)

    def reset(self) -> None:
        """Record that the device has lost records: a gap before the next one is meaningless."""
        self._last = None

    def observe(self, event: LogEvent) -> None:
        """Process the next record of the log."""
        last, self._last = self._last, event
        if (visible := _PROOF.get(event.event)) is not None:
            self._evidence.pop(visible, None)
            self.missing -= {visible}
            return
        hidden = event.id - last.id - 1 if last is not None and event.up_time >= last.up_time else 0
        find_missing = _FOLLOWERS.get(event.event)
        if hidden <= 0 or find_missing is None or not self.exact:
            return
        missing = find_missing(event, hidden)
        if missing is None or _LISTED[missing] not in self.listed:
            return
        self._evidence[missing] = self._evidence.get(missing, 0) + 1
        if self._evidence[missing] >= _EVIDENCE:
            self.missing |= {missing}
