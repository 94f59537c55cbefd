"""Directory of a 2N, and temporary codes as its entries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import override

from ...model.features import DirectoryResult, EntryResult
from ...model.functions import Code
from ...model.parts import BellId
from ...model.talk import ButtonNumber, ButtonReason, is_at
from ..common.code_rows import CodeRow, Keep, RowCodes, code_row
from ..common.errors import ButtonRefused, InvalidRequest, NotSupported
from ..common.parse import Fields, fields, flag, objects, text
from .client import TwoNDevice
from .client.directory import DirectoryAnswer
from .reading import buttons_of


class TwoNDirectory:
    """Directory of users."""

    secrets = frozenset({"pin", "code", "card", "virtCard", "mobkey", "fpt", "licensePlates"})

    def __init__(self, device: TwoNDevice) -> None:
        self._directory = device.directory
        self._template: Fields | None = None

    async def query(self, wanted: Sequence[str] | None, since: int, series: str | None) -> DirectoryResult:
        """Return the entries changed since a timestamp of a series, all for 0."""
        return _result(await self._directory.query(wanted, since, series))

    async def get(self, uuids: Sequence[str], wanted: Sequence[str] | None) -> DirectoryResult:
        """Return entries by uuid."""
        return _result(await self._directory.get(uuids, wanted))

    async def create(self, entries: Sequence[Mapping[str, object]], overwrite: bool) -> DirectoryResult:
        """Create entries; ``overwrite`` replaces entries with the same uuid."""
        template = await self._known_template()
        wanted = [without_defaults(fit(entry, template), template) for entry in entries]
        return _result(await self._directory.create(wanted, overwrite))

    async def update(self, entries: Sequence[Mapping[str, object]]) -> DirectoryResult:
        """Set the given fields of entries; the other parts of an object or array are sent back unchanged."""
        template = await self._known_template()
        requested = [fit(entry, template) for entry in entries]
        current = await self._current(requested)
        complete = [completed(entry, current.get(_uuid(entry), {})) for entry in requested]
        answer = _result(await self._directory.update(complete))
        # A device may reject a field that it returned itself: send such an entry again with the requested changes only.
        rejected = [index for index, result in enumerate(answer.entries) if result.errors]
        retried = [index for index in rejected if index < len(requested) and complete[index] != requested[index]]
        if not retried:
            return answer
        second = _result(await self._directory.update([requested[index] for index in retried]))
        results = [*answer.entries]
        for index, result in zip(retried, second.entries, strict=False):
            results[index] = result
        return replace(second, entries=tuple(results))

    async def delete(self, uuids: Iterable[str], owner: str | None) -> DirectoryResult:
        """Delete entries by uuid, or all entries of an owner."""
        return _result(await self._directory.delete(uuids, owner))

    async def _current(self, requested: Iterable[Fields]) -> dict[str, Fields]:
        """Return the entries with a changed object or array, by uuid, without fields at their default."""
        uuids = [
            _uuid(entry) for entry in requested if any(isinstance(value, Mapping | list) for value in entry.values())
        ]
        if not any(uuids):
            return {}
        answer = await self._directory.get([uuid for uuid in uuids if uuid], None)
        return {entry.uuid.upper(): entry.fields for entry in answer.entries if entry.uuid and not entry.errors}

    async def _known_template(self) -> Fields:
        if self._template is None:
            self._template = await self._directory.template()
        return self._template


def completed(entry: Fields, current: Fields) -> dict[str, object]:
    """Return changes merged into the current objects and arrays; a device may replace these as a complete."""
    return {name: _completed(value, _value(name, current)) for name, value in entry.items()}


def _completed(value: object, current: object) -> object:
    if isinstance(value, Mapping) and isinstance(current, Mapping):
        return {**current, **{name: _completed(inner, current.get(name)) for name, inner in value.items()}}
    if isinstance(value, list) and isinstance(current, list):
        both = [_completed(new, old) for new, old in zip(value, current, strict=False)]
        return [*both, *value[len(both) :], *current[len(both) :]]
    return value


def _uuid(entry: Fields) -> str:
    return str(entry.get("uuid", "")).upper()


def fit(entry: Fields, template: Fields) -> dict[str, object]:
    """Return an entry with its values converted to the types of the device's template.

    YAML turns a PIN into a number where the device expects text. Fields that are not in the template are
    kept: the device rejects them with its own reason.
    """
    return {name: _fitting(value, _value(name, template)) for name, value in entry.items()}


def _value(name: str, entry: Fields) -> object:
    """Return a field of an entry or template; a name may be dotted, such as ``access.pin`` (HTTP API 5.14.3)."""
    value: object = entry
    for part in name.split("."):
        value = fields(value).get(part)
    return value


def _fitting(value: object, default: object) -> object:
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return fit(value, default)
    if isinstance(value, list) and isinstance(default, list) and default:
        return [_fitting(item, default[min(index, len(default) - 1)]) for index, item in enumerate(value)]
    if not isinstance(default, str) or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    # Firmware rejects an empty value for a field with a default, such as treepath, with error 3.
    return default if value == "" else value


def without_defaults(entry: Fields, template: Fields) -> dict[str, object]:
    """Return an entry without fields at their default; firmware rejects empty ones."""
    kept: dict[str, object] = {}
    for name, value in entry.items():
        default = template.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            if inner := without_defaults(value, default):
                kept[name] = inner
        elif name not in template or value != default:
            kept[name] = value
    return kept


def _result(answer: DirectoryAnswer) -> DirectoryResult:
    return DirectoryResult(
        entries=tuple(
            EntryResult(
                uuid=entry.uuid,
                fields=entry.fields,
                errors=tuple(
                    {"code": error.code} | ({"field": error.field} if error.field is not None else {})
                    for error in entry.errors
                ),
                timestamp=entry.timestamp,
            )
            for entry in answer.entries
        ),
        series=answer.series,
        timestamp=answer.timestamp,
        complete=answer.invalid is None,
    )


_OWNER = "home-assistant"
# A deleted entry may be marked as such only if this is requested.
_WANTED = ("name", "access.pin", "deleted")


class TwoNCodes(RowCodes):
    """Directory entries with a name, a PIN and a validity (HTTP API 5.14.1); access rules of the device apply."""

    def __init__(self, device: TwoNDevice) -> None:
        self._directory = TwoNDirectory(device)

    @override
    def _check(self, code: Code) -> None:
        if code.doors:
            raise NotSupported("no choice of doors for a PIN")

    @override
    async def _rows(self, keep: Keep, name: str | None = None) -> list[CodeRow]:
        """Return entries; the device cannot search by name, and includes deleted entries."""
        entries = () if name is not None else (await self._directory.query(_WANTED, 0, None)).entries
        rows = (
            code_row(entry.fields, entry.uuid, fields(entry.fields.get("access")).get("pin"))
            for entry in entries
            if not flag(entry.fields.get("deleted"))
        )
        return [row for row in rows if row is not None and keep(row)]

    @override
    def _forms(self, code: Code) -> Iterator[Fields]:
        window = {"validFrom": str(int(code.start.timestamp())), "validTo": str(int(code.end.timestamp()))}
        yield {"name": code.name, "owner": _OWNER, "access": {"pin": code.pin, **window}}

    @override
    async def _send(self, form: Fields) -> str | None:
        (entry,) = (await self._directory.create([form], overwrite=False)).entries
        if entry.errors or entry.uuid is None:
            error = entry.errors[0] if entry.errors else {}
            raise InvalidRequest(error.get("code", "no entry"), error.get("field"))
        return entry.uuid

    @override
    async def _finish(self, code: Code, row: CodeRow) -> None:
        """Do nothing: one request creates the complete entry."""

    @override
    async def _delete(self, row_id: str) -> None:
        await self._directory.delete([row_id], None)


_BUTTON_FIELDS = ("owner", "buttons", "callPos.peer")


class TwoNButtonNumbers:
    """Numbers of buttons: call positions of the entries that have the button (HTTP API 5.14.1)."""

    def __init__(self, device: TwoNDevice) -> None:
        self._directory = device.directory
        self._most: int | None = None

    def serves(self, bell: BellId) -> bool:
        """Return whether a bell is a button of the directory."""
        return bell.isdecimal()

    async def find(self, bell: BellId, address: str) -> ButtonNumber | None:
        """Return a free place in an entry of the button; entries that another system manages come last."""
        answer = await self._directory.query(_BUTTON_FIELDS)
        entries = [
            (bool(text(entry.fields.get("owner"))), entry.uuid, _peers(objects(entry.fields.get("callPos"))))
            for entry in answer.entries
            if entry.uuid is not None and not entry.deleted and bell in map(str, buttons_of(entry.fields))
        ]
        if not entries:
            raise ButtonRefused(ButtonReason.UNKNOWN)
        if any(is_at(peer, address) for _, _, peers in entries for peer in peers):
            return None
        most = await self._positions_per_entry()
        if not most:
            raise ButtonRefused(ButtonReason.UNSUPPORTED)
        for _, uuid, peers in sorted(entries, key=lambda entry: entry[0]):
            if _free(peers, most) is not None:
                # The user part tells buttons apart in calls.
                return ButtonNumber(bell, uuid, f"sip:button-{bell}@{address.rpartition('@')[2]}")
        raise ButtonRefused(ButtonReason.FULL)

    async def write(self, number: ButtonNumber) -> None:
        """Write a number to a free position of its entry, in a group call with the number before it."""
        positions = await self._positions(number.place)
        if (free := _free(_peers(positions), len(positions))) is None:
            raise ButtonRefused(ButtonReason.FULL)
        positions[free] |= {"peer": number.number, "grouped": free > 0}
        await self._update(number.place, positions)

    async def remove(self, number: ButtonNumber) -> None:
        """Empty the position that has the number; an entry may be gone."""
        positions = await self._positions(number.place)
        peers = _peers(positions)
        if number.number in peers:
            positions[peers.index(number.number)] |= {"peer": "", "grouped": False}
            await self._update(number.place, positions)

    async def _positions_per_entry(self) -> int:
        if self._most is None:
            self._most = len(objects((await self._directory.template()).get("callPos")))
        return self._most

    async def _positions(self, uuid: str) -> list[dict[str, object]]:
        """Return all call positions of an entry with all fields; none if there is no such entry."""
        most = await self._positions_per_entry()
        (entry,) = (await self._directory.get([uuid], ["callPos"])).entries
        if entry.errors:
            return []
        known = [
            {**position, "grouped": flag(position.get("grouped")) is True}
            for position in objects(entry.fields.get("callPos"))
        ]
        return [*known, *({} for _ in range(most - len(known)))]

    async def _update(self, uuid: str, positions: Sequence[Fields]) -> None:
        # With all fields of all positions: firmware may replace the whole array.
        (entry,) = (await self._directory.update([{"uuid": uuid, "callPos": positions}])).entries
        if entry.errors:
            raise InvalidRequest(entry.errors[0].code, entry.errors[0].field)


def _peers(positions: Iterable[Fields]) -> list[str]:
    return [text(position.get("peer")) or "" for position in positions]


def _free(peers: Sequence[str], most: int) -> int | None:
    """Return the first free position after a number, the first one of all without numbers; None if there is none.

    A position before the first number would make that number wait.
    """
    first = next((index + 1 for index, peer in enumerate(peers) if peer), 0)
    return next((index for index in range(first, most) if index >= len(peers) or not peers[index]), None)
