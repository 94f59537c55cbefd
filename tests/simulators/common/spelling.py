"""How devices return stored values (the devices of an independent reviewer)."""

from enum import StrEnum

SHORT = 20


class Spelling(StrEnum):
    """What becomes of a name: kept, trimmed, cut off, without characters beyond ASCII, or replaced."""

    AS_SENT = "as_sent"
    TRIMMED = "trimmed"
    CUT = "cut"
    ASCII = "ascii"
    REPLACED = "replaced"

    def of(self, name: str) -> str:
        """Return a name as the device keeps it."""
        match self:
            case Spelling.TRIMMED:
                return name.strip()
            case Spelling.CUT:
                return name[:SHORT]
            case Spelling.ASCII:
                return name.encode("ascii", "replace").decode()
            case Spelling.REPLACED:
                return "Person"
        return name


class PinReading(StrEnum):
    """How a device returns a PIN: its digits, an empty text, or a number, which it also stores."""

    DIGITS = "digits"
    MASKED = "masked"
    NUMBER = "number"

    def kept(self, pin: str) -> str:
        """Return the digits that open the door."""
        return str(int(pin)) if self is PinReading.NUMBER and pin.isdecimal() else pin

    def shown(self, pin: str) -> str | int:
        """Return the PIN as the device returns it."""
        if self is PinReading.MASKED and pin:
            return "******"
        return int(pin) if self is PinReading.NUMBER and pin.isdecimal() else pin
