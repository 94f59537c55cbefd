"""What of people and cards may be seen, whatever the system: as the user wants it."""

from dataclasses import dataclass

REDACTED = "**REDACTED**"

# A card number of fewer characters would be told as a whole.
_CARD_END = 4


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the user wants told: names of people, the last four characters of card numbers, each touch of a display."""

    names: bool = True
    cards: bool = False
    touches: bool = False

    def name(self, name: str | None) -> str | None:
        """Return the name of somebody, or None where names are not wanted."""
        return name if self.names else None

    def card(self, number: object) -> str:
        """Return what is told of a card number."""
        return f"…{str(number)[-_CARD_END:]}" if self.cards and len(str(number)) > _CARD_END else REDACTED
