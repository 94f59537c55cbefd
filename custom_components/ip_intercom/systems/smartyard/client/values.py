"""Values as SmartYard writes them: ``"t"``/``"f"``, ids as text or number, times without a zone (field notes 3)."""

from datetime import date, datetime

from ...common.errors import InvalidRequest
from ...common.parse import plausible, text

_MOMENT = "%Y-%m-%d %H:%M:%S"
_DAY = "%Y-%m-%d"
# "+" and eleven digits are usual; E.164 has fifteen at most.
_MIN_DIGITS = 5
_RUSSIAN = 11


def letter(value: bool | None) -> str | None:
    """Return a truth value as the API wants it, nothing for None."""
    return None if value is None else "t" if value else "f"


def given(**values: object) -> dict[str, object]:
    """Return those values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def number(identifier: str | int) -> str | int:
    """Return an id as a number where it is one, as the apps send it."""
    if isinstance(identifier, str) and identifier.isascii() and identifier.isdecimal():
        return int(identifier)
    return identifier


def moment(value: object) -> datetime | None:
    """Return a time, which has no zone: it is the server's (``Options.time_zone``); None where there is none."""
    try:
        return plausible(datetime.strptime(text(value) or "", _MOMENT))
    except ValueError:
        return None


def read_day(value: object) -> date | None:
    """Return a day, None where there is none."""
    try:
        return datetime.strptime(text(value) or "", _DAY).date()
    except ValueError:
        return None


def written(value: datetime | None) -> str | None:
    """Return a time as the API wants it; the server takes it for its own zone."""
    return None if value is None else value.strftime(_MOMENT)


def phone_digits(phone: str) -> str:
    """Return a phone number as the API wants it: country code and digits.

    The server takes the Russian 8 for 7 in some of its methods only.

    Raises:
        InvalidRequest: It is no phone number.
    """
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdecimal())
    if len(digits) < _MIN_DIGITS:
        raise InvalidRequest("not a phone number", "userPhone")
    if len(digits) == _RUSSIAN and digits.startswith("8"):
        return f"7{digits[1:]}"
    return digits
