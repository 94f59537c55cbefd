"""The functions of module `address`: houses, doors, settings of flats, the log, tracked events."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import count
import secrets

from .cameras import Camera
from .envelope import Answer, ApiError, Call, Handler, Json
from .history import Event, History
from .houses import Door, Flat, Town
from .people import People, Role
from .texts import BLOCKED, ERROR, NOT_FOUND_DOOR, UNAVAILABLE
from .timezone import day, parse, written

BLOCKED_DOOR = "Услуга домофонии заблокирована"
WHITE_RABBIT = (0, 1, 2, 3, 5, 7, 10)
TRACKED = frozenset({Event.KEY, Event.APP, Event.FACE, Event.CODE, Event.VEHICLE})
NO_CODE = "00000"


def flag(value: bool) -> str:
    """Write a truth as the server does."""
    return "t" if value else "f"


class Rounding(StrEnum):
    """How a server keeps seconds."""

    SECONDS = "seconds"
    DOWN = "down"
    NEAREST = "nearest"
    UP = "up"

    def round(self, moment: int) -> int:
        """Round a Unix time."""
        added = {Rounding.DOWN: 0, Rounding.NEAREST: 30, Rounding.UP: 59}
        return moment if self is Rounding.SECONDS else (moment + added[self]) // 60 * 60


@dataclass(frozen=True, slots=True)
class Watcher:
    """What a device wants to hear of."""

    id: int
    device: int
    phone: str
    flat: int
    event: Event
    detail: str
    comments: str

    def row(self) -> Json:
        """Return the row of the list."""
        return {
            "watcherId": self.id,
            "flatId": self.flat,
            "eventType": int(self.event),
            "eventDetail": self.detail,
            "comments": self.comments,
        }


class Address:
    """The functions, by their paths in the table."""

    def __init__(self, town: Town, people: People, history: History, picture_url: str) -> None:
        """`picture_url` is where pictures of the log are, below the address of the server."""
        self.watchers: list[Watcher] = []
        # The server's own address, known when it listens.
        self.origin = ""
        self._town = town
        self._people = people
        self._history = history
        self._picture_url = picture_url
        self._next_watcher = count(1)
        # Seconds by which what is written of `autoOpen` is later than what was asked for: that of two time zones.
        self.auto_open_shift = 0
        # How seconds of it are kept.
        self.rounding = Rounding.SECONDS
        # Until when flats were open to guests, oldest first.
        self.auto_opened: list[str] = []
        # What doors have been opened, oldest first: intercom, door and phone number.
        self.opened: list[tuple[int, int, str]] = []
        self.handlers: dict[str, Handler] = {
            "/address/getAddressList": self._houses,
            "/address/getSettingsList": self._settings,
            "/address/intercom": self._intercom,
            "/address/openDoor": self._open,
            "/address/resetCode": self._reset,
            "/address/plogDays": self._days,
            "/address/plog": self._log,
            "/address/trackEvent": self._track,
            "/address/untrackEvent": self._untrack,
            "/address/getTrackedEvents": self._tracked,
            "/address/watch": self._track,
            "/address/unwatch": self._untrack,
            "/address/watching": self._tracked,
        }

    def flats(self, call: Call) -> list[Flat]:
        """Return the flats of the caller."""
        return [self._town.flat(number) for number in call.who.flats]

    def _flat(self, call: Call) -> Flat:
        number = call.needed("flatId")
        if number not in call.who.flats:
            raise ApiError(404)
        return self._town.flat(number)

    def cameras(self, call: Call, house: int | None = None) -> list[Camera]:
        """Return the cameras of the houses of the caller; blocked flats have none."""
        houses = {flat.house for flat in self.flats(call) if not flat.closed}
        if house is not None:
            houses &= {house}
        return [camera for camera in self._town.cameras if camera.house in houses]

    # ---- Houses and flats ----

    def _houses(self, call: Call) -> Answer:
        rows: dict[int, Json] = {}
        for flat in self.flats(call):
            row = rows.get(flat.house)
            if row is None:
                house = self._town.house(flat.house)
                row = rows[house.id] = {"houseId": str(house.id), "address": house.address, "hasPlog": "f", "doors": {}}
                row["cctv"] = sum(camera.house == house.id for camera in self._town.cameras)
            if self._may_read(flat, call):
                row["hasPlog"] = "t"
            for door in self._town.doors_of(flat):
                row["doors"].setdefault((door.domophone, door.door), self._door(door, flat))
        return [{**row, "doors": list(row["doors"].values())} for row in rows.values()]

    @staticmethod
    def _door(door: Door, flat: Flat) -> Json:
        row: Json = {
            "domophoneId": str(door.domophone),
            "doorId": door.door,
            "icon": door.icon,
            "name": door.name,
        }
        if door.coded and flat.door_code != NO_CODE:
            row["doorCode"] = flat.door_code
        # Only an attempt to open shows what the operator blocked by hand.
        if reason := door.blocked or (BLOCKED_DOOR if flat.unpaid else ""):
            row["blocked"] = reason
        if door.numbered:
            row["entrance"] = door.entrance
        return row

    @staticmethod
    def _may_read(flat: Flat, call: Call) -> bool:
        owner = call.who.flats[flat.id] is Role.OWNER
        return not flat.log_disabled and (owner or not flat.log_hidden)

    def _settings(self, call: Call) -> Answer:
        return [self._setting(flat, call) for flat in self.flats(call)]

    def _setting(self, flat: Flat, call: Call) -> Json:
        owner = call.who.flats[flat.id] is Role.OWNER
        row: Json = {
            "address": f"{self._town.house(flat.house).address}, кв. {flat.number}",
            "houseId": str(flat.house),
            "flatId": str(flat.id),
            "flatNumber": flat.number,
        }
        if flat.door_code != NO_CODE:
            row["doorCode"] = flat.door_code
        row |= {
            "flatOwner": flag(owner),
            "hasGates": "f",
            "hasPlog": flag(self._may_read(flat, call)),
            "services": ["domophone"],
            "contractOwner": "f",
            "roommates": [
                {"phone": other.phone, "expire": "3001-01-01 00:00:00", "type": other.flats[flat.id].value}
                for other in self._people.of_flat(flat.id)
                if other is not call.who
            ],
        }
        if owner:
            row["keys"] = [{"keyId": key.id, "rfId": key.rfid, "comments": key.comments} for key in flat.keys]
        return row

    def _intercom(self, call: Call) -> Answer:
        flat = self._flat(call)
        settings = call.body.get("settings")
        if isinstance(settings, dict):
            self._change(flat, call, settings)
        row: Json = {
            "allowDoorCode": "t",
            "doorCode": flat.door_code,
            "CMS": flag(flat.cms),
            "VoIP": flag(call.by.voip),
            "autoOpen": flat.auto_open,
            "whiteRabbit": str(flat.white_rabbit),
            **flat.more,
        }
        if call.who.flats[flat.id] is Role.OWNER:
            row |= {"disablePlog": flag(flat.log_disabled), "hiddenPlog": flag(flat.log_hidden)}
        return row

    def _change(self, flat: Flat, call: Call, settings: Json) -> None:
        flat.more |= {name: str(settings[name]) for name in flat.more if name in settings}
        if settings.get("CMS"):
            flat.cms = settings["CMS"] == "t"
        if settings.get("VoIP"):
            call.by.voip = settings["VoIP"] == "t"
        if settings.get("autoOpen"):
            # What is no date is the beginning of time.
            moment = parse(str(settings["autoOpen"]))
            flat.auto_open = written(self.rounding.round((moment or 0) + self.auto_open_shift))
            self.auto_opened.append(flat.auto_open)
        if "whiteRabbit" in settings:
            text = str(settings["whiteRabbit"])
            minutes = int(text) if text.isascii() and text.isdecimal() else 0
            flat.white_rabbit = minutes if minutes in WHITE_RABBIT else 0
        # Only an owner decides about the log; for others, nothing happens without an error.
        if call.who.flats[flat.id] is Role.OWNER:
            if settings.get("disablePlog"):
                flat.log_disabled = settings["disablePlog"] == "t"
            if settings.get("hiddenPlog"):
                flat.log_hidden = settings["hiddenPlog"] == "t"

    def _reset(self, call: Call) -> Answer:
        flat = self._flat(call)
        code = 10000 + secrets.randbelow(90000)
        flat.door_code = str(code)
        return {"code": code}

    # ---- Doors ----

    def _open(self, call: Call) -> Answer:
        number, output = call.number("domophoneId"), call.number("doorId")
        door = self._town.door(number, output)
        flats = [] if door is None else [flat for flat in self.flats(call) if door.is_for(flat) and not flat.closed]
        if door is None or door.blocked or not flats:
            raise ApiError(404, BLOCKED, NOT_FOUND_DOOR)
        if door.broken:
            raise ApiError(404, UNAVAILABLE, ERROR)
        self.opened.append((number, output, call.who.phone))
        self._history.enter(flats[0], door, Event.APP, {"phone": call.who.phone})
        return None

    # ---- The log ----

    def _days(self, call: Call) -> Answer:
        flat = self._flat(call)
        self._readable(flat, call)
        given = call.text("events")
        events = frozenset(int(text) for text in given.split(",") if text.strip().isdecimal())
        return self._history.days(flat, events)

    def _log(self, call: Call) -> Answer:
        flat = self._flat(call)
        wanted = call.text("day")
        if not wanted:
            raise ApiError(404)
        self._readable(flat, call)
        url = self.origin + self._picture_url
        return [record.row(url) for record in self._history.of(flat) if day(record.moment) == wanted]

    def _readable(self, flat: Flat, call: Call) -> None:
        if flat.log_broken:
            raise ApiError(500)
        if flat.unpaid:
            raise ApiError(402)
        if flat.blocked or not self._may_read(flat, call):
            raise ApiError(403)

    # ---- Tracked events ----

    def _track(self, call: Call) -> Answer:
        flat, kind = self._flat(call), call.number("eventType")
        if kind not in TRACKED or not call.text("eventDetail"):
            raise ApiError(422)
        watcher = Watcher(
            next(self._next_watcher),
            call.by.id,
            call.who.phone,
            flat.id,
            Event(kind),
            call.text("eventDetail"),
            call.text("comments"),
        )
        self.watchers.append(watcher)
        return {"watcherId": watcher.id}

    def _untrack(self, call: Call) -> Answer:
        number = call.needed("watcherId")
        self.watchers[:] = [row for row in self.watchers if (row.id, row.device) != (number, call.by.id)]
        return None

    def _tracked(self, call: Call) -> Answer:
        return [row.row() for row in self.watchers if row.device == call.by.id]
