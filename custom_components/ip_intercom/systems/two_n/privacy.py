"""What of a 2N's log may be seen: no codes, keypad digits, keys and card numbers, and names as the user wants."""

from collections.abc import Mapping

from ...api.parse import Fields, fields
from ..privacy import REDACTED, Privacy

_SECRET_PARAMS = frozenset({"authid", "code", "fpt", "licenseplate", "mobkey", "password", "pin"})
# Tones of a call open doors; which parameter has them differs, and is not documented for all.
_TONE_EVENTS = frozenset({"DtmfEntered", "DtmfPressed", "DtmfSent"})
_OPEN_TONE_PARAMS = frozenset({"ap", "call", "direction", "session", "type", "uuid", "valid"})
_CARD_PARAMS = frozenset({"uid", "card", "virtcard"})
_TOUCH_EVENT = "DisplayTouched"


def shows(event: str, privacy: Privacy) -> bool:
    """Return whether events of a type are told at all."""
    return privacy.touches or event != _TOUCH_EVENT


def redact(event: str, params: Fields, privacy: Privacy) -> Mapping[str, object]:
    """Return the parameters of an event without codes, keypad digits, card numbers and the like."""
    if event in _TONE_EVENTS:
        return {name: value if name in _OPEN_TONE_PARAMS else REDACTED for name, value in params.items()}
    return {name: _shown(name, value, privacy) for name, value in params.items()}


def _shown(name: str, value: object, privacy: Privacy) -> object:
    if isinstance(value, list):
        return [_shown(name, item, privacy) for item in value]
    lower = name.lower()
    if lower in _SECRET_PARAMS:
        return REDACTED
    if lower in _CARD_PARAMS:
        return privacy.card(value)
    if lower == "name" and not privacy.names:
        return REDACTED
    # PINs pass through KeyPressed digit by digit; only quick-dial buttons are shown.
    if lower == "key" and str(value).isdigit():
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _shown(key, inner, privacy) for key, inner in fields(value).items()}
    return value
