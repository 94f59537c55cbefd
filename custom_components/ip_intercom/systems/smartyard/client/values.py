"""SmartYard's value formats: ``"t"``/``"f"``, IDs as text or number, times without a time zone (field notes 3)."""

from datetime import date, datetime

from ...common.errors import InvalidRequest
from ...common.parse import plausible, text

_MOMENT = "%Y-%m-%d %H:%M:%S"
_DAY = "%Y-%m-%d"
# Usually eleven digits with country code; E.164 allows at most fifteen.
_MIN_DIGITS = 5
_RUSSIAN = 11


def letter(value: bool | None) -> str | None:
    """Return a boolean in the API's format, None for None."""
    return None if value is None else "t" if value else "f"


def given(**values: object) -> dict[str, object]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def number(identifier: str | int) -> str | int:
    """Return a numeric ID as a number, as the apps send it."""
    if isinstance(identifier, str) and identifier.isascii() and identifier.isdecimal():
        return int(identifier)
    return identifier


def moment(value: object) -> datetime | None:
    """Return a time in the server's time zone (``Options.time_zone``), without one; None if missing or invalid."""
    try:
        return plausible(datetime.strptime(text(value) or "", _MOMENT))
    except ValueError:
        return None


def read_day(value: object) -> date | None:
    """Return a date, None if it is missing or invalid."""
    try:
        return datetime.strptime(text(value) or "", _DAY).date()
    except ValueError:
        return None


def written(value: datetime | None) -> str | None:
    """Return a time in the API's format, which the server interprets in its time zone."""
    return None if value is None else value.strftime(_MOMENT)


def phone_digits(phone: str) -> str:
    """Return a phone number in the API's format: country code and number, digits only.

    The server accepts the Russian prefix 8 instead of 7 only in some methods.

    Raises:
        InvalidRequest: The phone number is invalid.
    """
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdecimal())
    if len(digits) < _MIN_DIGITS:
        raise InvalidRequest("not a phone number", "userPhone")
    if len(digits) == _RUSSIAN and digits.startswith("8"):
        return f"7{digits[1:]}"
    return digits
