"""Lists of things with an ID: contacts, groups, keys, cards, replaced numbers (Api contact to Api dialreplace)."""

from collections.abc import Iterator, Mapping
import csv
from dataclasses import dataclass, field
import html
from io import StringIO
import re
from typing import Any, override

from .envelope import ApiError, Call, File, Handler, Json, Reply, as_text, bad_param

WEEK = dict.fromkeys(("Mon", "Tue", "Wed", "Thur", "Fri", "Sat", "Sun"), "1") | {
    "TimeStart": "00:00",
    "TimeEnd": "00:00",
}
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
ELEMENT = re.compile(r"<Item\s([^>]*)/>")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a list holds. `echo` are the fields of a reply, `unknown` is `Ret` for an ID that is not there."""

    target: str
    fields: Mapping[str, str]
    echo: tuple[str, ...]
    file: str = ""
    unique: str = ""
    unknown: int = -1
    # rfkey/add answers with the new ID as `Ret`, privatekey/add with no `Ret` at all.
    ret_is_id: bool = False
    add_ret: bool = True


PRIVATE_KEYS = Kind(
    "privatekey",
    {"Code": "", "DoorNum": "1", "Name": "", **WEEK},
    ("Code", "ID", "Name"),
    file="PrivateKey.xml",
    unique="Code",
    add_ret=False,
)
CARDS = Kind(
    "rfkey",
    {"Code": "", "DoorNum": "1", "Frequency": "0", "Name": "", "Tags": "0", **WEEK},
    ("Code", "ID", "Name"),
    file="ICKey.xml",
    unique="Code",
    ret_is_id=True,
)
CONTACTS = Kind("contact", {"DialType": "0", "Group": "", "Name": "", "Phone": ""}, ("ID", "Name", "Phone"), unknown=-7)
GROUPS = Kind("group", {"Name": ""}, ("ID", "Name"), unique="Name", unknown=-4)
REPLACEMENTS = Kind(
    "dialreplace",
    {"Line": "0", "Prefix": "", **{f"Replace{number}": "" for number in range(1, 6)}},
    ("ID", "Prefix"),
    file="DialReplace.xml",
    unique="Prefix",
)


@dataclass(slots=True)
class Items:
    """One list; IDs are never used twice, with any ID in an `add`."""

    kind: Kind
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    # `set` erases what is left out.
    replaces: bool = False
    # Fields of a firmware to come, kept as they are sent.
    more: frozenset[str] = frozenset()
    _last: int = 0

    @property
    def handlers(self) -> dict[str, Handler]:
        """The functions of the list."""
        functions: dict[str, Handler] = {
            "get": self._get,
            "add": self._add,
            "set": self._set,
            "del": self._del,
            "clear": self._clear,
            "export": self._export,
            "import": self._import,
        }
        return {f"{self.kind.target}/{action}": handler for action, handler in functions.items()}

    def insert(self, **values: object) -> str:
        """Add a row and give its ID."""
        self._last += 1
        row = {name: as_text(values.get(name, default)) for name, default in self.kind.fields.items()}
        more = {name: value for name, value in values.items() if name in self.more}
        self.rows[str(self._last)] = {**row, **more, "ID": str(self._last)}
        return str(self._last)

    def listed(self) -> list[dict[str, Any]]:
        """Return the rows in the order of the reply; the fields are sorted."""
        return [dict(sorted(row.items())) for row in self.rows.values()]

    def _get(self, _: Call) -> Reply:
        rows = self.listed()
        return Reply({"num": len(rows), "item": rows})

    def _echo(self, row: Mapping[str, object], ret: int | None) -> Json:
        echo = {name: as_text(row.get(name, "")) for name in self.kind.echo}
        return echo if ret is None else {"Ret": ret, **echo}

    def _refusal(self, values: Mapping[str, object], own: str = "") -> int:
        """Return a negative or special `Ret`, or 0."""
        unique = self.kind.unique
        if unique and unique in values:
            value = as_text(values[unique])
            taken = any(row[unique] == value for row_id, row in self.rows.items() if row_id != own)
            if not value or taken:
                return -1
        return 0

    def _add(self, call: Call) -> Reply:
        echoes = []
        for item in call.items():
            refused = self._refusal({self.kind.unique: "", **item} if self.kind.unique else item)
            if refused:
                echoes.append(self._echo({**item, "ID": "0"}, refused))
                continue
            new = self.insert(**item)
            ret = int(new) if self.kind.ret_is_id else 0
            echoes.append(self._echo(self.rows[new], ret if self.kind.add_ret else None))
        return Reply({"num": len(echoes), "item": echoes})

    def _set(self, call: Call) -> Reply:
        echoes = []
        for item in call.items():
            row = self.rows.get(as_text(item.get("ID", "")))
            ret = self.kind.unknown if row is None else self._refusal(item, row["ID"])
            if row is not None and not ret:
                if self.replaces:
                    row.update(dict.fromkeys(set(row) - {"ID"}, ""))
                row.update((name, value) for name, value in item.items() if name in self.more)
                row.update((name, as_text(value)) for name, value in item.items() if name in self.kind.fields)
            echoes.append(self._echo(item if row is None else row, ret))
        return Reply({"num": len(echoes), "item": echoes})

    def _find(self, item: Mapping[str, object]) -> str | None:
        """The first row that has everything the item says."""
        wanted = {name: as_text(value) for name, value in item.items() if name in self.kind.fields or name == "ID"}
        if not wanted:
            return None
        return next((key for key, row in self.rows.items() if wanted.items() <= row.items()), None)

    def _del(self, call: Call) -> Reply:
        echoes = []
        for item in call.items():
            found = self._find(item)
            if found is None:
                echoes.append(self._echo(item, self.kind.unknown))
            else:
                echoes.append(self._echo(self.rows.pop(found), 0))
        return Reply({"num": len(echoes), "item": echoes})

    def _clear(self, _: Call) -> Reply:
        self.rows.clear()
        return Reply()

    def _export(self, call: Call) -> File:
        return File.of(self.kind.file, "".join(self._xml()))

    def _xml(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<Items>\n'
        for row in self.rows.values():
            yield f"<Item {' '.join(f'{name}="{html.escape(value)}"' for name, value in row.items())} />\n"
        yield "</Items>\n"

    def _import(self, call: Call) -> Reply:
        """The file replaces the list."""
        rows = self.read(call.file().data)
        self.rows.clear()
        for row in rows:
            self.insert(**row)
        return Reply()

    def read(self, data: bytes) -> list[dict[str, str]]:
        """Read a file that was exported."""
        text = data.decode("utf-8", "surrogateescape")
        if "</Items>" not in text:
            raise ApiError(-1, "Import Failed.")
        return [
            {name: html.unescape(value) for name, value in ATTRIBUTE.findall(element)}
            for element in ELEMENT.findall(text)
        ]


@dataclass(slots=True)
class Contacts(Items):
    """Contacts are listed by name, and exported in three formats."""

    kind: Kind = CONTACTS
    # The introduction of the manual adds one by GET.
    adds_by_get: bool = False

    @override
    def listed(self) -> list[dict[str, Any]]:
        """Return the rows by name, as in the manual's example."""
        return sorted(Items.listed(self), key=lambda row: row["Name"])

    @override
    def _add(self, call: Call) -> Reply:
        if call.method == "POST":
            return Items._add(self, call)
        name, phone = call.text("name"), call.text("phone")
        if name is None or phone is None:
            raise bad_param()
        new = self.insert(Name=name, Phone=phone)
        return Reply({"id": int(new), "name": name, "phone": phone}, action=0)

    @override
    def _export(self, call: Call) -> File:
        if not self.rows:
            raise ApiError(-1, "Export Failed.")
        kind = call.text("filetype") or "csv"
        if kind == "xml":
            return File.of("Contacts.xml", "".join(self._xml()))
        if kind == "vcf":
            cards = (f"BEGIN:VCARD\r\nFN:{r['Name']}\r\nTEL:{r['Phone']}\r\nEND:VCARD\r\n" for r in self.rows.values())
            return File.of("Contacts.vcf", "".join(cards))
        if kind != "csv":
            raise bad_param()
        buffer = StringIO()
        writer = csv.DictWriter(buffer, ["ID", *self.kind.fields])
        writer.writeheader()
        writer.writerows(self.rows.values())
        return File.of("Contacts.csv", buffer.getvalue())

    @override
    def read(self, data: bytes) -> list[dict[str, str]]:
        """Read CSV, or XML."""
        if data.lstrip().startswith(b"<"):
            return Items.read(self, data)
        rows = list(csv.DictReader(StringIO(data.decode("utf-8", "replace"))))
        if not rows or "Phone" not in rows[0]:
            raise ApiError(-1, "Import Failed.")
        return rows


@dataclass(slots=True)
class Groups(Items):
    """Groups of contacts; not exported."""

    kind: Kind = GROUPS

    @override
    def _refusal(self, values: Mapping[str, object], own: str = "") -> int:
        """An empty name is 14 (captures/error_envelopes.md), although other positive numbers are success."""
        if "Name" in values and not as_text(values["Name"]):
            return 14
        return Items._refusal(self, values, own)

    @override
    def _del(self, call: Call) -> Reply:
        """Delete users; an unknown user is no error: retcode 0, data {}."""
        reply = Items._del(self, call)
        return Reply({}) if any(item["Ret"] < 0 for item in reply.data["item"]) else reply
