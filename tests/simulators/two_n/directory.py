"""The directory: users with numbers, buttons, PINs and cards (HTTP API 5.14)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
import re
import secrets
from typing import Any
import uuid

from aiohttp import web

from tests.simulators.common.clock import Clock
from tests.simulators.common.spelling import PinReading, Spelling

from .config import Timing
from .entry import apply, non_default, select, template, valid_uuid
from .envelope import ApiError, Call, Code, Handler, Json, success
from .eventlog import EventLog

# Fields whose empty text real devices refuse in dir/create with error 3 (captures/errors.json).
NOT_EMPTY = (("access", "pin"), ("treepath",), ("access", "validFrom"), ("access", "validTo"))

DEFAULT_ENTRIES: tuple[Json, ...] = (
    {
        "uuid": "54877B0E-4CC3-C645-9530-6C7850F47A9C",
        "name": "Alice Gruberová",
        "email": "alice@example.com",
        "virtNumber": "101",
        "buttons": "1",
        "callPos": [{"peer": "sip:101@192.168.1.20"}, {"peer": "sip:102@192.168.1.20", "grouped": True}],
        "access": {"pin": "1234", "card": ["4BD9E903"]},
    },
    {
        "uuid": "8FA29EBC-2FE8-4A8C-9A3B-D8B0351FB6F8",
        "name": "Jiří Novák",
        "buttons": "2",
        "callPos": [{"peer": "sip:4374834473@proxy.my2n.com:5061"}],
        "access": {"pin": "2580", "card": ["3F00F318E7", "0A1B2C3D"], "code": ["", "7755"]},
    },
    {
        "uuid": "621A5A49-1F8B-D34C-9A8B-881055864DEB",
        "name": "Úklidová služba",
        "owner": "My2N",
        "access": {"pin": "9078", "validFrom": "1577836800", "validTo": "1609459200"},
    },
)


class Directory:
    """Entries by uuid; every change takes the next timestamp."""

    def __init__(
        self,
        clock: Clock,
        log: EventLog,
        timing: Timing,
        entries: Iterable[Mapping[str, Any]],
        *,
        photo: bool,
    ) -> None:
        """`photo` is for devices with a display."""
        self.limit = 10_000
        self.photo_limit = 1_000
        self.memory = 10_000
        self.strict_empty = True
        # How it writes names, and what it returns of PINs; whether it deletes what it reports as deleted.
        self.spelling = Spelling.AS_SENT
        self.pins = PinReading.DIGITS
        self.deletes = True
        # Whether it marks deleted entries also if their field `deleted` is not requested; the manual does not say.
        self.marks_deleted = True
        # An object or array that is updated is replaced as a whole, which the manual does not say.
        self.replaces = False
        self.series = str(secrets.randbelow(2**63))
        self.timestamp = 0
        self.invalid = 0
        self._default = template(photo=photo)
        self._entries: dict[str, Json] = {}
        self._clock = clock
        self._log = log
        self._timing = timing
        for entry in entries:
            if errors := self._create(dict(entry), force=False).get("errors"):
                raise ValueError(f"{entry}: {errors}")
        self.handlers: dict[str, Handler] = {
            "dir/template": self._template,
            "dir/create": self._create_all,
            "dir/update": self._update_all,
            "dir/delete": self._delete_all,
            "dir/get": self._get_all,
            "dir/query": self._query,
        }

    def __iter__(self) -> Iterator[Json]:
        """Iterate over the entries that are not deleted."""
        return (entry for entry in self._entries.values() if not entry["deleted"])

    def __len__(self) -> int:
        """Count them."""
        return sum(1 for _ in self)

    def __getitem__(self, key: str) -> Json:
        """Return an entry by uuid in either case, or by name."""
        entry = self._entries.get(key.upper())
        if entry is not None and not entry["deleted"]:
            return entry
        for entry in self:
            if entry["name"] == key:
                return entry
        raise KeyError(key)

    def by_uuid(self, key: str) -> Json:
        """Return an entry by uuid in either case."""
        if not valid_uuid(key):
            raise KeyError(key)
        return self[key]

    def name_of(self, peer: str) -> str | None:
        """Return the name that belongs to a number."""
        wanted = _number(peer)
        entry = self.find(lambda entry: any(p["peer"] and _number(p["peer"]) == wanted for p in entry["callPos"]))
        return entry["name"] if entry is not None else None

    def set_photo(self, photo: bool) -> None:
        """Take photos from now on, or forget them: keys depend on the hardware (5.14.1)."""
        self._default = template(photo=photo)
        for entry in self._entries.values():
            if photo:
                entry.setdefault("photo", "")
            else:
                entry.pop("photo", None)

    def extend(self, change: Callable[[Json], None]) -> None:
        """Have a firmware with more fields: `change` puts them into the template and into each entry."""
        for entry in (self._default, *self._entries.values()):
            change(entry)

    def clear(self) -> None:
        """Forget everything; a new series begins (5.14.6)."""
        self._entries.clear()
        self.series = str(secrets.randbelow(2**63))
        self.timestamp = self.invalid = 0

    def rename(self, key: str, name: str) -> None:
        """Rename an entry at the device's own web page."""
        entry, errors = apply(self[key], {"name": name})
        if errors:
            raise ValueError(f"{name}: {errors}")
        self._changed([self._store(entry["uuid"], entry)])

    def find(self, matches: Callable[[Json], bool]) -> Json | None:
        """Return the first entry that matches."""
        return next((entry for entry in self if matches(entry)), None)

    def peers_of(self, key: str) -> list[str]:
        """Return the numbers that ring first: the first one and those grouped with it."""
        if not valid_uuid(key):
            raise KeyError(key)
        positions = [position for position in self[key]["callPos"] if position["peer"]]
        first = next((i for i, position in enumerate(positions) if i and not position["grouped"]), len(positions))
        return [position["peer"] for position in positions[:first]]

    def peers_of_button(self, button: int) -> list[str]:
        """Return the numbers that a quick-dial button rings."""
        entries = [entry for entry in self if str(button) in entry["buttons"].split(",")]
        return [peer for entry in entries for peer in self.peers_of(entry["uuid"])]

    def _stamp(self) -> int:
        self.timestamp += 1
        return self.timestamp

    def _store(self, key: str, entry: Json) -> Json:
        stamp = self._stamp()
        access = {**entry["access"], "pin": self.pins.kept(entry["access"]["pin"])}
        entry = {**entry, "name": self.spelling.of(entry["name"]), "access": access}
        self._entries.pop(key, None)
        self._entries[key] = {**entry, "uuid": key, "deleted": False, "timestamp": stamp}
        self._forget_deleted()
        return {"uuid": key, "timestamp": stamp}

    def _forget_deleted(self) -> None:
        """Drop the oldest deleted entries when there are too many uuids."""
        for key, entry in list(self._entries.items()):
            if len(self._entries) <= self.memory:
                return
            if entry["deleted"]:
                self.invalid = entry["timestamp"]
                del self._entries[key]

    def _changed(self, results: list[Json]) -> None:
        stamps = [result["timestamp"] for result in results if "timestamp" in result]
        if stamps:
            params = {"series": self.series, "timestamp": stamps[-1]}
            self._log.record("DirectoryChanged", params)
            self._clock.later(self._timing.directory_save, lambda: self._log.record("DirectorySaved", params))

    async def _template(self, _: Call) -> web.StreamResponse:
        return success({"series": self.series, "users": [self._default]})

    async def _create_all(self, call: Call) -> web.StreamResponse:
        users = _users(call) or []
        if self.strict_empty and any(_has_empty(user) for user in users):
            raise ApiError(Code.INVALID_METHOD)
        if not users:
            return success({"series": self.series})
        force = (call.body or {}).get("force", False)
        if not isinstance(force, bool):
            raise ApiError(Code.INVALID_VALUE, "force")
        return self._report([self._create(user, force=force) for user in users])

    def _report(self, results: list[Json]) -> web.Response:
        self._changed(results)
        return success({"series": self.series, "users": results})

    def _create(self, user: Json, *, force: bool) -> Json:
        # As in the example of 5.14.2, a rejected entry is identified by its position only, without uuid.
        given = user.get("uuid")
        if given is not None and not valid_uuid(given):
            return _refused("EDIR_UUID_INVALID_FORMAT")
        key = (given or str(uuid.uuid4())).upper()
        old = self._entries.get(key)
        exists = old is not None and not old["deleted"]
        if exists and not force:
            return _refused("EDIR_UUID_ALREADY_EXISTS")
        entry, errors = apply(self._default, user)
        if errors:
            return {"errors": errors}
        if not exists and len(self) >= self.limit:
            return _refused("EDIRLIM_USER")
        if self._too_many_photos(key, entry):
            return _refused("EDIRLIM_PHOTO")
        return self._store(key, entry)

    def _too_many_photos(self, key: str, entry: Json) -> bool:
        others = sum(1 for other in self if other["uuid"] != key and other.get("photo"))
        return bool(entry.get("photo")) and others >= self.photo_limit

    async def _update_all(self, call: Call) -> web.StreamResponse:
        if not (users := _users(call)):
            raise ApiError(Code.MISSING_PARAMETER, "users")
        return self._report([self._update(user) for user in users])

    def _update(self, user: Json) -> Json:
        if "uuid" not in user:
            return _refused("EDIR_UUID_IS_MISSING")
        if (error := self._unknown(user["uuid"])) is not None:
            return error
        key = user["uuid"].upper()
        entry, errors = apply(self._entries[key], user, self._default if self.replaces else None)
        if not errors and self._too_many_photos(key, entry):
            errors = [{"code": "EDIRLIM_PHOTO"}]
        return {"uuid": user["uuid"], "errors": errors} if errors else self._store(key, entry)

    def _unknown(self, key: Any) -> Json | None:
        if not valid_uuid(key):
            return {"uuid": key, **_refused("EDIR_UUID_INVALID_FORMAT")}
        entry = self._entries.get(key.upper())
        if entry is None or entry["deleted"]:
            return {"uuid": key, **_refused("EDIR_UUID_DOES_NOT_EXIST")}
        return None

    async def _delete_all(self, call: Call) -> web.StreamResponse:
        users = _users(call)
        owner = (call.body or {}).get("owner")
        if owner is not None and users is not None:
            raise ApiError(Code.UNEXPECTED_PARAMETER, "owner")
        if owner is not None:
            users = [{"uuid": entry["uuid"]} for entry in self if entry["owner"] == owner]
        elif not users:
            raise ApiError(Code.MISSING_PARAMETER, "users")
        return self._report([self._delete(user) for user in users or []])

    def _delete(self, user: Json) -> Json:
        if "uuid" not in user:
            return _refused("EDIR_UUID_IS_MISSING")
        if (error := self._unknown(user["uuid"])) is not None:
            return error
        key = user["uuid"].upper()
        if not self.deletes:
            return {"uuid": key, "timestamp": self._stamp()}
        del self._entries[key]
        stamp = self._stamp()
        self._entries[key] = {**self._default, "uuid": key, "deleted": True, "timestamp": stamp}
        self._forget_deleted()
        return {"uuid": key, "timestamp": stamp}

    def _show(self, entry: Json, fields: list[str] | None) -> Json:
        ids = {"uuid": entry["uuid"], "timestamp": entry["timestamp"]}
        if entry["deleted"] and (self.marks_deleted or not fields or "deleted" in fields):
            return {**ids, "deleted": True}
        entry = {**entry, "access": {**entry["access"], "pin": self.pins.shown(entry["access"]["pin"])}}
        if fields is None:
            return {**non_default(entry, self._default), **ids}
        return {**(select(entry, fields) if fields else entry), **ids}

    async def _get_all(self, call: Call) -> web.StreamResponse:
        fields = _fields(call)
        results: list[Json] = []
        for user in _users(call) or []:
            if "uuid" not in user:
                results.append(_refused("EDIR_UUID_IS_MISSING"))
            else:
                error = self._unknown(user["uuid"])
                results.append(error or self._show(self._entries[user["uuid"].upper()], fields))
        return success({"series": self.series, "users": results})

    async def _query(self, call: Call) -> web.StreamResponse:
        body = call.body or {}
        fields = _fields(call)
        series = body.get("series", self.series)
        if not isinstance(series, str):
            raise ApiError(Code.INVALID_VALUE, "series")
        iterator = body.get("iterator", {"timestamp": 0})
        stamp = iterator.get("timestamp") if isinstance(iterator, dict) else None
        if not isinstance(stamp, int) or isinstance(stamp, bool) or stamp < 0:
            raise ApiError(Code.INVALID_VALUE, "iterator")
        unknown_past = bool(stamp) and stamp < self.invalid
        if series != self.series or stamp > self.timestamp or unknown_past:
            return success({"series": self.series, "timestamp": self.timestamp, "invalid": self.invalid})
        # The iterator names the first entry to be returned, so it is part of the answer.
        found = sorted(
            (e for e in self._entries.values() if e["timestamp"] >= stamp), key=lambda e: int(e["timestamp"])
        )
        result: Json = {"series": self.series, "users": [self._show(entry, fields) for entry in found]}
        if self.invalid:
            result["invalid"] = self.invalid
        return success(result)


def _number(peer: str) -> str:
    """Leave out scheme, port and parameters of a SIP URI."""
    return re.sub(r":\d+$", "", peer.removeprefix("sip:").partition(";")[0])


def _refused(code: str) -> Json:
    return {"errors": [{"code": code}]}


def _users(call: Call) -> list[Json] | None:
    users = (call.body or {}).get("users")
    if users is None:
        return None
    if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
        raise ApiError(Code.INVALID_VALUE, "users")
    return users


def _fields(call: Call) -> list[str] | None:
    fields = (call.body or {}).get("fields")
    if fields is None:
        return None
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise ApiError(Code.INVALID_VALUE, "fields")
    return fields


def _has_empty(user: Json) -> bool:
    for path in NOT_EMPTY:
        value: Any = user.get(".".join(path))
        if value is None:
            value = user
            for part in path:
                value = value.get(part) if isinstance(value, dict) else None
        if value == "":
            return True
    return False
