"""Privacy options for names, cards, and events, for all systems."""

from collections.abc import Mapping
from dataclasses import dataclass
import re

from .parse import Fields, fields

REDACTED = "**REDACTED**"

# A shorter card number would be shown completely.
_CARD_END = 4

# State values. No secret has such a value, so they are shown for unknown fields.
_HARMLESS_WORDS = frozenset(
    {"closed", "entry", "exit", "failed", "false", "in", "incoming", "off", "on", "opened", "out", "outgoing", "passed",
     "true"}
)  # fmt: skip
# Parts of names, also of newer firmware, of fields with credentials.
_SECRET_NAME = re.compile(
    r"auth|card|code|digit|dtmf|finger|fpt|key|licen[sc]e|passw|pin|plate|secret|token|tone|uid", re.IGNORECASE
)
_OPEN_NAME = re.compile(r"uuid", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+(?:[_ -][A-Za-z]+)*")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the user wants events to contain.

    Attributes:
        names: Names of users.
        cards: Last four characters of card numbers.
        touches: Touches of a display.
        unknown: Unknown events and fields, for debugging; known secrets stay redacted.
    """

    names: bool = True
    cards: bool = False
    touches: bool = False
    unknown: bool = False

    def name(self, name: str | None) -> str | None:
        """Return a user name, or None if names are disabled."""
        return name if self.names else None

    def card(self, number: object) -> str:
        """Return the visible part of a card number."""
        return f"…{str(number)[-_CARD_END:]}" if self.cards and len(str(number)) > _CARD_END else REDACTED


def is_secret_name(name: str) -> bool:
    """Return whether a field or event with this name may contain credentials."""
    return _SECRET_NAME.search(_OPEN_NAME.sub("", name)) is not None


def harmless(params: Fields) -> Mapping[str, object]:
    """Return the safe unknown fields of a known event: booleans and state values.

    A number may be a PIN.
    """
    return {
        name: value
        for name, value in params.items()
        if isinstance(value, bool) or (isinstance(value, str) and value.lower() in _HARMLESS_WORDS)
    }


def countable(event: str, params: Fields) -> Mapping[str, object]:
    """Return the safe fields of an unknown event: booleans, and numbers without a suspicious name."""
    return {
        name: value
        for name, value in params.items()
        if isinstance(value, bool)
        or (isinstance(value, int | float) and not is_secret_name(name) and not is_secret_name(event))
    }


def without_secrets(name: str, value: object) -> object:
    """Return a field for debugging, with all values redacted whose names are suspicious."""
    if is_secret_name(name):
        return REDACTED
    if isinstance(value, list):
        return [without_secrets(name, item) for item in value]
    if isinstance(value, Mapping):
        return {key: without_secrets(key, inner) for key, inner in fields(value).items()}
    return value


def is_word(value: object) -> bool:
    """Return whether a value is a word of an enumeration, which a code never is."""
    return isinstance(value, str) and len(value) <= _LONGEST and _WORD.fullmatch(value) is not None
