"""Privacy options for people, cards, and events, in every system."""

from collections.abc import Mapping
from dataclasses import dataclass
import re

from .parse import Fields, fields

REDACTED = "**REDACTED**"

# A card number of fewer characters would be told as a whole.
_CARD_END = 4

# Words of states. No secret looks like one of these, so a field that is not known may have them.
_HARMLESS_WORDS = frozenset(
    {"closed", "entry", "exit", "failed", "false", "in", "incoming", "off", "on", "opened", "out", "outgoing", "passed",
     "true"}
)  # fmt: skip
# Parts of names, also of newer firmware, whose fields carry what opens a door.
_SECRET_NAME = re.compile(
    r"auth|card|code|digit|dtmf|finger|fpt|key|licen[sc]e|passw|pin|plate|secret|token|tone|uid", re.IGNORECASE
)
_OPEN_NAME = re.compile(r"uuid", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+(?:[_ -][A-Za-z]+)*")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the user wants told.

    Attributes:
        names: Names of people.
        cards: The last four characters of card numbers.
        touches: Each touch of a display.
        unknown: Events and fields that are not known, for debugging; what is known to be secret stays secret.
    """

    names: bool = True
    cards: bool = False
    touches: bool = False
    unknown: bool = False

    def name(self, name: str | None) -> str | None:
        """Return the name of a person, or None where names are not wanted."""
        return name if self.names else None

    def card(self, number: object) -> str:
        """Return what is told of a card number."""
        return f"…{str(number)[-_CARD_END:]}" if self.cards and len(str(number)) > _CARD_END else REDACTED


def is_secret_name(name: str) -> bool:
    """Return whether a field or event of this name may carry what opens a door."""
    return _SECRET_NAME.search(_OPEN_NAME.sub("", name)) is not None


def harmless(params: Fields) -> Mapping[str, object]:
    """Return what may be told of unknown fields of a known event: booleans, and words of states.

    A number may be a PIN.
    """
    return {
        name: value
        for name, value in params.items()
        if isinstance(value, bool) or (isinstance(value, str) and value.lower() in _HARMLESS_WORDS)
    }


def countable(event: str, params: Fields) -> Mapping[str, object]:
    """Return what may be told of an unknown event: booleans, and numbers where no name speaks of a secret."""
    return {
        name: value
        for name, value in params.items()
        if isinstance(value, bool)
        or (isinstance(value, int | float) and not is_secret_name(name) and not is_secret_name(event))
    }


def without_secrets(name: str, value: object) -> object:
    """Return a field for debugging: all of it but what its name, or one inside of it, tells to be secret."""
    if is_secret_name(name):
        return REDACTED
    if isinstance(value, list):
        return [without_secrets(name, item) for item in value]
    if isinstance(value, Mapping):
        return {key: without_secrets(key, inner) for key, inner in fields(value).items()}
    return value


def is_word(value: object) -> bool:
    """Return whether a value is a word of an enumeration; a code is none."""
    return isinstance(value, str) and len(value) <= _LONGEST and _WORD.fullmatch(value) is not None
