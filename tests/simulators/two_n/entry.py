"""The shape and the rules of a directory entry (HTTP API 5.14.1)."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from ipaddress import ip_address
import re
from typing import Any

from .envelope import INT_MAX, Json

UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
EMPTY_UUID = "00000000-0000-0000-0000-000000000000"
SEGMENT = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?")
# Fields that the directory writes itself.
READ_ONLY = frozenset({"deleted", "timestamp"})

_PROFILE = r"(P=\d+(,\d+)*|D=[0-7](,[0-7])*(@\d{1,2}:\d\d-\d{1,2}:\d\d)?)"
_PROFILES = rf"{_PROFILE}(;{_PROFILE})*"
_FLOORS = rf"F=\d+(,\d+)*(@{_PROFILES})?"


def template(*, photo: bool) -> Json:
    """Return an entry with the default of every field of the model; photo only with a display."""
    entry: Json = {
        "uuid": "",
        "deleted": False,
        "owner": "",
        "name": "",
        "photo": "",
        "email": "",
        "treepath": "/",
        "virtNumber": "",
        "deputy": "",
        "buttons": "",
        "callPos": [{"peer": "", "profiles": "", "grouped": False, "ipEye": ""} for _ in range(3)],
        "access": {
            "validFrom": "0",
            "validTo": "0",
            "accessPoints": [{"enabled": True, "profiles": ""} for _ in range(2)],
            "pairingExpired": False,
            "virtCard": "",
            "card": ["", ""],
            "mobkey": "",
            "fpt": "",
            "pin": "",
            "apbException": False,
            "code": ["", "", "", ""],
            "licensePlates": "",
            "liftFloors": "",
        },
        "timestamp": 0,
    }
    if not photo:
        del entry["photo"]
    return entry


def valid_uuid(value: object) -> bool:
    """Is it a uuid, and not the all-zero one that means empty?"""
    return isinstance(value, str) and UUID.fullmatch(value) is not None and value != EMPTY_UUID


def _text(pattern: str, limit: int | None = None) -> Callable[[object], bool]:
    """Accept the empty string or what matches."""
    compiled = re.compile(pattern)

    def check(value: object) -> bool:
        if not isinstance(value, str) or (limit is not None and len(value) > limit):
            return False
        return not value or compiled.fullmatch(value) is not None

    return check


def _time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    text = str(value)
    return not text or (text.isdecimal() and int(text) <= INT_MAX)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _buttons(value: object) -> bool:
    parts = value.split(",") if isinstance(value, str) and value else []
    return isinstance(value, str) and all(part.isdecimal() and 1 <= int(part) <= 150 for part in parts)


def _address(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return not value or bool(ip_address(value))
    except ValueError:
        return False


def _plates(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 255:
        return False
    plates = ["".join(plate.split()) for plate in value.split(",")] if value else []
    return len(plates) <= 20 and all(0 < len(plate) <= 10 for plate in plates)


_ANY = r"(?s:.*)"
_HEX = r"[0-9A-Fa-f]{6,32}"
_MAIL = r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+"

# Rules by field path, array positions left out.
RULES: Mapping[str, Callable[[object], bool]] = {
    "owner": _text(_ANY, 63),
    "name": _text(_ANY, 63),
    "photo": _text(r"data:image/jpeg;base64,[A-Za-z0-9+/]+=*"),
    "email": _text(rf"{_MAIL}(,\s*{_MAIL})*"),
    "treepath": _text(r"/[^;:]*(:1)?(;[^;:]+(:1)?)*"),
    "virtNumber": _text(r"[A-Z0-9]([0-9]{0,5}[A-Z0-9])?"),
    "deputy": lambda value: value == "" or valid_uuid(value),
    "buttons": _buttons,
    "callPos.peer": _text(_ANY, 255),
    "callPos.profiles": _text(_PROFILES),
    "callPos.grouped": _flag,
    "callPos.ipEye": _address,
    "access.validFrom": _time,
    "access.validTo": _time,
    "access.accessPoints.enabled": _flag,
    "access.accessPoints.profiles": _text(_PROFILES),
    "access.pairingExpired": _flag,
    "access.virtCard": _text(_HEX),
    "access.card": _text(_HEX),
    "access.mobkey": _text(r"[0-9A-Fa-f]{32}"),
    "access.fpt": _text(_ANY),
    "access.pin": _text(r"\d{2,15}"),
    "access.apbException": _flag,
    "access.code": _text(r"\d{2,15}"),
    "access.licensePlates": _plates,
    "access.liftFloors": _text(rf"{_FLOORS}(\s*\|\s*{_FLOORS})*"),
}


def apply(entry: Json, changes: Mapping[str, Any], blank: Json | None = None) -> tuple[Json, list[Json]]:
    """Write changes, nested or with dotted names (5.14.3); gives the new entry and the errors.

    With a `blank` entry, an object or array that is written is replaced by what is sent of it and its defaults.
    """
    result = deepcopy(entry)
    errors: list[Json] = []
    for name, value in changes.items():
        if name == "uuid":
            continue
        parent: Any = result
        *path, last = name.split(".")
        for part in path:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if not isinstance(parent, dict) or last not in parent:
            errors.append({"code": "EDIR_FIELD_NAME_UNKNOWN", "field": name})
        else:
            old = parent[last]
            if blank is not None and isinstance(value, dict | list):
                old = blank
                for part in (*path, last):
                    old = old[part]
            parent[last] = _merge(old, value, name, errors)
    if not errors and not _consistent(result["access"]):
        errors.append({"code": "EINCONSISTENT"})
    return result, errors


def _merge(old: Any, new: Any, path: str, errors: list[Json]) -> Any:
    wrong = {"code": "EDIR_FIELD_VALUE_ERROR", "field": path}
    if isinstance(old, dict):
        if not isinstance(new, dict):
            errors.append(wrong)
            return old
        merged = dict(old)
        for name, value in new.items():
            if name in old:
                merged[name] = _merge(old[name], value, f"{path}.{name}", errors)
            else:
                errors.append({"code": "EDIR_FIELD_NAME_UNKNOWN", "field": f"{path}.{name}"})
        return merged
    if isinstance(old, list):
        if not isinstance(new, list) or len(new) > len(old):
            errors.append(wrong)
            return old
        # Positions that the request leaves out keep their value.
        return [_merge(item, new[i], path, errors) if i < len(new) else item for i, item in enumerate(old)]
    # What is not in the rules is of a firmware to come.
    if path in READ_ONLY or (path in RULES and not RULES[path](new)):
        errors.append(wrong)
        return old
    return (str(new) or "0") if path in {"access.validFrom", "access.validTo"} else new


def _consistent(access: Json) -> bool:
    start, end = int(access["validFrom"]), int(access["validTo"])
    return not start or not end or start < end


def non_default(value: Any, default: Any) -> Any:
    """Keep what differs from the default; arrays keep their positions."""
    if isinstance(value, dict):
        return {name: non_default(item, default[name]) for name, item in value.items() if item != default[name]}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [non_default(item, default[i]) for i, item in enumerate(value)]
    return value


def select(entry: Json, fields: list[str]) -> Json:
    """Pick fields such as "name", "access.pin", "callPos.peer" or "callPos[1].grouped"; unknown ones are ignored."""
    picked: Json = {}
    for name in fields:
        _pick(entry, picked, name.split("."))
    return picked


def _pick(source: Json, target: Json, path: list[str]) -> None:
    match = SEGMENT.fullmatch(path[0])
    if match is None or match[1] not in source:
        return
    name, index = match[1], match[2]
    value = source[name]
    rest = path[1:]
    if isinstance(value, list) and (rest or index is not None):
        if not all(isinstance(item, dict) for item in value) and rest:
            return
        target.setdefault(name, [{} if isinstance(item, dict) else "" for item in value])
        for position, item in enumerate(value):
            if index is not None and position != int(index):
                continue
            if rest:
                _pick(item, target[name][position], rest)
            else:
                target[name][position] = item
    elif index is None and not rest:
        target[name] = value
    elif isinstance(value, dict) and index is None:
        below: Json = {}
        _pick(value, below, rest)
        if below:
            target.setdefault(name, {})
            _deep_update(target[name], below)


def _deep_update(target: Json, source: Json) -> None:
    for name, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _deep_update(target[name], value)
        elif isinstance(value, list) and isinstance(target.get(name), list):
            for position, item in enumerate(value):
                if isinstance(item, dict):
                    _deep_update(target[name][position], item)
                elif item != "":
                    target[name][position] = item
        else:
            target[name] = value
