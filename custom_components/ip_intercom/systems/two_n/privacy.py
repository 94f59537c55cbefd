"""Allow-list of the fields of a 2N log event that may be shown (HTTP API 5.10.4).

A field is shown if the manual or a device has it for the event type and its value has the expected type. Codes, keypad
digits, keys, license plates and card numbers are redacted; the options decide about names. A field that is not in the
list is dropped unless its value is harmless (``harmless``); of unknown event types, numbers and booleans are shown
(``countable``).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
import math
import re
from typing import override

from ..common.parse import Fields, flag
from ..common.privacy import REDACTED, Privacy, countable, harmless, is_word, without_secrets

_TOUCH_EVENT = "DisplayTouched"
# Tones of a call open doors; the parameter that contains them varies and is not documented for all events.
_TONE_EVENTS = frozenset({"DtmfEntered", "DtmfPressed", "DtmfSent"})

# Such as "input1", "led_secured" and "ext2.input_A".
_IDENTIFIER = re.compile(r"[A-Za-z]{1,20}\d{0,3}(?:[_.:-][A-Za-z]{0,20}\d{0,3}){0,3}")
_UUID = re.compile(r"[0-9A-Fa-f-]{1,36}")
_NUMBER = re.compile(r"-?\d{1,20}")
_BUTTON = re.compile(r"%\d{1,3}|[*#]")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_LONGEST_TEXT = 256
# A SIP address may contain a password (RFC 3261, 19.1.1).
_SIP_PASSWORD = re.compile(r"^(sips?:[^:@]*):[^@]*@", re.IGNORECASE)


def _is_flag(value: object) -> bool:
    return flag(value) is not None and (isinstance(value, bool | str) or value in {0, 1})


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and math.isfinite(value)


def _is_state(value: object) -> bool:
    return _is_flag(value) or is_word(value)


def _is_reason(value: object) -> bool:
    return is_word(value) or (_is_number(value) and len(str(value)) <= len("487"))


def _is_identifier(value: object) -> bool:
    return _is_number(value) or (isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_text(value: object) -> bool:
    return isinstance(value, str | int) and len(str(value)) <= _LONGEST_TEXT


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_is_button = _matches(_BUTTON)

# Expected types of the fields; secrets, cards and names are treated below.
_KINDS: Mapping[str, Callable[[object], bool]] = {
    "address": _matches(_ADDRESS),
    "ap": _is_number,
    "apbbroken": _is_flag,
    "call": _is_number,
    "class": _is_number,
    "device": _is_identifier,
    "direction": is_word,
    "dx": _is_number,
    "dy": _is_number,
    "enabled": _is_flag,
    "floors": _is_list,
    "hash": _is_number,
    "held": _is_flag,
    "hold_timeout": _is_number,
    "id": _is_identifier,
    "info": is_word,
    "key": _is_button,
    "locked": _is_flag,
    "module": _is_number,
    "name": _is_text,
    "originator": is_word,
    "peer": _is_text,
    "port": _is_identifier,
    "reader": _is_identifier,
    "ready": _is_flag,
    "reason": _is_reason,
    "result": is_word,
    "series": _is_number,
    "session": _is_number,
    "sipaccount": _is_number,
    "sipcallid": _is_text,
    "state": _is_state,
    "switch": _is_number,
    "timestamp": _is_number,
    "type": is_word,
    "uuid": _matches(_UUID),
    "valid": _is_flag,
    "x": _is_number,
    "y": _is_number,
}
_SECRET = frozenset(
    {"authid", "code", "digit", "digits", "dtmf", "fpt", "licenseplate", "mobkey", "password", "pin", "tones"}
)
_CARDS = frozenset({"card", "uid", "virtcard"})

_CREDENTIAL = "ap session direction reader type uuid valid"
_TONE = "ap call code direction session type uuid valid"
_STATE = "ap state"

# Fields by event type, from manuals 2.10 to 3.x and from devices (tests/data/two_n_api.json).
_FIELDS: Mapping[str, frozenset[str]] = {
    event: frozenset(names.lower().split())
    for event, names in {
        "AccessBlocked": _STATE,
        "AccessLimited": "ap type state",
        "AccessTaken": "ap session",
        "ApLockStateChanged": _STATE,
        "ApiAccessRequested": "ap session uuid valid",
        "AudioLoopTest": "result",
        "CallSessionStateChanged": "session state originator info direction",
        "CallStateChanged": "direction state peer session call reason originator info device sipAccount sipCallId",
        "CapabilitiesChanged": "",
        "CardEntered": f"{_CREDENTIAL} uid",
        "CardHeld": f"{_CREDENTIAL} uid",
        "CheckingCall": "session call state peer direction result",
        "CodeEntered": f"{_CREDENTIAL} code",
        "ConfigurationChanged": "",
        "DeviceState": "state",
        "DirectoryChanged": "series timestamp",
        "DirectorySaved": "series timestamp",
        _TOUCH_EVENT: "x y dx dy",
        "DoorOpenTooLong": _STATE,
        "DoorStateChanged": _STATE,
        "DtmfEntered": _TONE,
        "DtmfPressed": _TONE,
        "DtmfSent": _TONE,
        "ErrorStateChanged": "state reason",
        "ExternalCameraStateChanged": "state id",
        "FingerEnrollState": "state result",
        "FingerEntered": f"{_CREDENTIAL} fpt",
        "HardwareChanged": "reason class id",
        "InputChanged": "port state",
        "KeyPressed": "key",
        "KeyReleased": "key",
        "LicensePlateRecognized": f"{_CREDENTIAL} licensePlate",
        "LiftConfigChanged": "hash",
        "LiftFloorsEnabled": "type floors uuid",
        "LiftStatusChanged": "module ready",
        "LoginBlocked": "address",
        "MobKeyEntered": f"{_CREDENTIAL} authid",
        "MotionDetected": "state id",
        "NoiseDetected": "state",
        "OutputChanged": "port state",
        "PairingStateChanged": "state authId",
        "RegistrationStateChanged": "sipAccount state reason",
        "RescueStateChanged": "state reason",
        "RexActivated": "ap session",
        "SilentAlarm": "ap session name uuid",
        "SwitchOperationChanged": "switch enabled locked held hold_timeout originator",
        "SwitchStateChanged": "switch state originator",
        "SwitchesBlocked": "state",
        "TamperSwitchActivated": "state",
        "UnauthorizedDoorOpen": _STATE,
        "UserActionActivated": "id state",
        "UserAuthenticated": "ap session name uuid apbBroken",
        "UserRejected": "ap session name uuid reason",
        "VirtualInput": "port state",
        "VirtualOutput": "port state",
        "WaveKeyActivated": "type state",
    }.items()
}


def shows(event: str, privacy: Privacy) -> bool:
    """Return whether events of a type are shown at all."""
    return privacy.touches or event != _TOUCH_EVENT


def expected(event: str, params: Fields) -> Fields:
    """Return the known parameters of an event whose values have the expected type; without secrets."""
    names = _FIELDS.get(event, frozenset())
    return {
        name: _cleaned(name, value)
        for name, value in params.items()
        if (lower := name.lower()) in names and (kind := _KINDS.get(lower)) is not None and kind(value)
    }


def _cleaned(name: str, value: object) -> object:
    if isinstance(value, list):
        return [item for item in value if _is_number(item)]
    return _SIP_PASSWORD.sub(r"\1@", value) if isinstance(value, str) and name.lower() == "peer" else value


def redact(event: str, params: Fields, privacy: Privacy) -> Mapping[str, object]:
    """Return the parameters of an event that may be shown, in their order."""
    names = _FIELDS.get(event)
    open_params = expected(event, params)
    shown: dict[str, object] = {}
    for name, value in params.items():
        lower = name.lower()
        if names is not None and lower in names and lower in _SECRET:
            shown[name] = REDACTED
        elif names is not None and lower in names and lower in _CARDS:
            shown[name] = privacy.card(value)
        elif lower == "name" and name in open_params:
            shown[name] = value if privacy.names else REDACTED
        elif name in open_params:
            shown[name] = open_params[name]
        elif lower == "key" and names is not None and lower in names:
            shown[name] = REDACTED  # KeyPressed contains PINs digit by digit; only quick-dial buttons are shown
        elif privacy.unknown:
            shown[name] = REDACTED if event in _TONE_EVENTS or lower == "name" else _unknown_field(name, value, privacy)
        elif names is None:
            shown |= countable(event, {name: value})
        elif lower not in names:
            shown |= harmless({name: value})
    return shown


class ShownParams(Mapping[str, object]):
    """The result of ``redact``, determined when it is first read: a ring does not wait for it."""

    def __init__(self, event: str, params: Fields, privacy: Privacy) -> None:
        self._source = event, params, privacy

    @cached_property
    def _shown(self) -> Mapping[str, object]:
        return redact(*self._source)

    @override
    def __getitem__(self, name: str) -> object:
        return self._shown[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    @override
    def __len__(self) -> int:
        return len(self._shown)

    @override
    def __repr__(self) -> str:
        return repr(self._shown)


def _unknown_field(name: str, value: object, privacy: Privacy) -> object:
    """Return an unknown field for debugging; the options decide about cards."""
    if name.lower() in _CARDS:
        return [privacy.card(item) for item in value] if isinstance(value, list) else privacy.card(value)
    return without_secrets(name, value)
