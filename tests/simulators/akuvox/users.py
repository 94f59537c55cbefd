"""Users with their PIN, cards and relays (Api user)."""

from collections.abc import Mapping
from typing import Any

from tests.simulators.common.spelling import PinReading, Spelling

from .config import seal, unseal
from .dialects import Dialect
from .envelope import ApiError, Call, Handler, Reply, as_text, bad_param

# "API truncates to 63 chars" (field notes 4.2).
CARD_CODE_LENGTH = 63
EXPORT = "/download/UserData.tgz"
ALWAYS, NEVER = "1001", "1002"

FIELDS = {
    "CardCode": "", "FaceUrl": "", "LiftFloorNum": "0", "Name": "", "PrivatePIN": "", "SourceType": "1", "Type": "0",
    "UserID": "", "WebRelay": "0",
}  # fmt: skip
# captures/s532_r20a_e12_user_object_defaults.json
NEW_FIELDS = {
    "DoorNum": "0", "C4Event": "0", "PriorityCall": "0", "DialAccount": "0", "PhoneNum": "", "AnalogSystem": "0",
    "AnalogNumber": "", "ContactID": "", "Group": "Default", "BLEAuthCode": "", "Source": "Local", "QrCodeUrl": "",
}  # fmt: skip


class Users:
    """The users; `scanned` is the card that was held before the reader last."""

    def __init__(self, dialect: Dialect) -> None:
        """What a user has depends on the device."""
        self._dialect = dialect
        self._last = 0
        self.scanned = ""
        # The separator of pairs in ScheduleRelay that the device takes; None for either.
        self.separator: str | None = None
        # How many pairs it keeps; None for all.
        self.pairs: int | None = None
        # How many relays of a pair it keeps; None for all.
        self.relays_each: int | None = None
        # It looks at NameOrPerID.
        self.filters = True
        # Ten users come at once, also where no page is asked for.
        self.always_pages = False
        # What is added or set is kept, but the answer is an error.
        self.errs = False
        # It answers that it added, set or deleted users, and did not.
        self.adds = self.sets = self.deletes = True
        # `user/set` erases what is left out.
        self.replaces = dialect.replaces_users
        # Fields of a firmware to come, kept as they are sent.
        self.more: frozenset[str] = frozenset()
        # How it writes names, and what it returns of PINs.
        self.spelling = Spelling.AS_SENT
        self.pins = PinReading.DIGITS
        self.rows: dict[str, dict[str, Any]] = {}
        newer = "Schedule-Relay" in dialect.schedule_fields
        self._defaults: dict[str, Any] = {**FIELDS, **(NEW_FIELDS if newer else {})}
        self._defaults |= {dialect.schedule_fields[0]: f"{ALWAYS}-1" + (";" if newer else "")}
        if newer:
            self._defaults["Schedule"] = [ALWAYS]
        self.handlers: dict[str, Handler] = {
            "user/info": lambda _: Reply({"DefaultUserId": self._last + 1}),
            "user/get": self._get,
            "user/add": self._add,
            "user/set": self._set,
            "user/scan": lambda _: Reply({"RFCode": self.scanned}),
            "user/del": self._del,
            "user/clear": self._clear,
            "user/export": lambda _: Reply({"address": EXPORT}),
            "user/import": self._import,
        }

    def insert(self, **values: Any) -> str:
        """Add a user and give the ID."""
        self._last += 1
        row = self._defaults | self._clean(values)
        row["UserID"] = row["UserID"] or str(self._last)
        self.rows[str(self._last)] = {**row, "ID": str(self._last)}
        return str(self._last)

    def _clean(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check and shorten what is written; unknown fields are left out."""
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name == "Schedule" and name in self._defaults:
                # Free text is refused (captures/error_envelopes.md).
                if not isinstance(value, list) or not all(as_text(part).isdecimal() for part in value):
                    raise bad_param()
                clean[name] = [as_text(part) for part in value]
            elif name == self._dialect.schedule_fields[0] and name in self._defaults:
                clean[name] = self._pairs(as_text(value))
            elif name in self.more:
                clean[name] = value
            elif name in self._defaults:
                clean[name] = self._kept(name, as_text(value))
        return clean

    def _kept(self, name: str, text: str) -> str:
        match name:
            case "CardCode":
                return text[:CARD_CODE_LENGTH]
            case "Name":
                return self.spelling.of(text)
            case "PrivatePIN":
                return self.pins.kept(text)
        return text

    def _pairs(self, value: str) -> str:
        if self.separator is not None and any(other in value.rstrip(";,") for other in {";", ","} - {self.separator}):
            raise bad_param()
        separator = "," if "," in value else ";"
        kept = [part.partition("-") for part in value.split(separator)][: self.pairs]
        return separator.join(f"{when}{dash}{relays[: self.relays_each]}" for when, dash, relays in kept)

    def _answer(self, done: int) -> Reply:
        if self.errs:
            raise ApiError(-1, "System busy")
        return Reply(retcode=self._number(done))

    def fill(self, number: int) -> None:
        """Add users of half a kilobyte each, as those of a real device are."""
        for count in range(number):
            self.insert(Name=f"Resident {count}", PrivatePIN=f"9{count:07}", FaceUrl="x" * 260)

    def _number(self, done: int) -> int:
        return done if self._dialect.counts_users else 0

    def _get(self, call: Call) -> Reply:
        wanted = call.text("NameOrPerID", "NameOrCode")
        rows = [
            dict(sorted({**row, "PrivatePIN": self.pins.shown(row["PrivatePIN"])}.items()))
            for row in self.rows.values()
            if wanted is None or not self.filters or wanted in (row["Name"], row["UserID"], row["PrivatePIN"])
        ]
        page = call.text("page") or ("1" if self.always_pages else None)
        if (self._dialect.paging or self.always_pages) and page is not None and page.isdecimal():
            start = 10 * max(0, int(page) - 1)
            return Reply({"num": len(rows), "item": rows[start : start + 10]})
        return Reply({"num": len(rows), "item": rows})

    def _refuse_double(self, item: Mapping[str, Any], own: str = "") -> None:
        others = [row for key, row in self.rows.items() if key != own]
        user_id, pin = as_text(item.get("UserID", "")), self.pins.kept(as_text(item.get("PrivatePIN", "")))
        if user_id and any(row["UserID"] == user_id for row in others):
            raise ApiError(-1, "User already exist")
        if pin and any(row["PrivatePIN"] == pin for row in others):
            raise ApiError(-1, "PIN already exist")

    def _add(self, call: Call) -> Reply:
        items = call.items()
        for item in items:
            if not as_text(item.get("Name", "")):
                raise bad_param()
            self._refuse_double(item)
            if self.adds:
                self.insert(**item)
        return self._answer(len(items))

    def _set(self, call: Call) -> Reply:
        items = call.items()
        for item in items:
            row = self.rows.get(as_text(item.get("ID", "")))
            if row is None:
                raise ApiError(-1, "User not exist")
            if self.pins is PinReading.MASKED and item.get("PrivatePIN") == self.pins.shown(row["PrivatePIN"]):
                item = {**item, "PrivatePIN": row["PrivatePIN"]}
            self._refuse_double(item, row["ID"])
            if not self.sets:
                continue
            changes = self._clean(item)
            if self.replaces:
                row.update(dict.fromkeys(set(row) - {"ID"}, "") | changes)
            else:
                row.update(changes)
        return self._answer(len(items))

    def _del(self, call: Call) -> Reply:
        """Deleting an unknown user succeeds."""
        gone = [key for item in call.items() if (key := as_text(item.get("ID", ""))) in self.rows]
        for key in gone if self.deletes else ():
            self.rows.pop(key, None)
        return Reply(retcode=self._number(len(gone)))

    def _clear(self, _: Call) -> Reply:
        self.rows.clear()
        return Reply()

    def export(self) -> bytes:
        """Return the content of UserData.tgz."""
        return seal({"users": list(self.rows.values())})

    def _import(self, call: Call) -> Reply:
        try:
            users = unseal(call.file().data)["users"]
        except ValueError, KeyError:
            raise ApiError(-1, "Import Failed.") from None
        self.rows.clear()
        for user in users:
            self.insert(**user)
        return Reply({})

    def relays_of(self, user: Mapping[str, Any]) -> set[int]:
        """Which relays a user may open, by ScheduleRelay such as `1001-1;1001-2` or with commas."""
        relays: set[int] = set()
        for part in user[self._dialect.schedule_fields[0]].replace(",", ";").split(";"):
            schedule, _, numbers = part.partition("-")
            if schedule and schedule != NEVER:
                relays.update(int(number) for number in numbers if number.isdecimal())
        return relays

    def with_pin(self, code: str) -> dict[str, Any] | None:
        """Find who has that PIN."""
        return next((row for row in self.rows.values() if code and row["PrivatePIN"] == code), None)

    def with_card(self, card: str) -> dict[str, Any] | None:
        """Find who has that card."""
        return next((row for row in self.rows.values() if card and card in row["CardCode"].split(";")), None)
