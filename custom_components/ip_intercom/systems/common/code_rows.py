"""Temporary codes as rows of a device's list.

A device may trim, truncate, or replace a name, report a PIN masked or as a number, and respond with an error although
it stored the row. So a new row is found by comparing lists, and a row is deleted by its ID.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
import logging

from ...model.functions import Code, Held, Remember
from .errors import CodeLeft, CommandFailed, ConnectionFailed, IntercomError, NotReached, PinNotKept, Rejected
from .parse import Fields, text

_LOGGER = logging.getLogger(__name__)

# A shorter name is not accepted as a truncated one.
_CUT_AT_LEAST = 8


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A row of the device.

    Attributes:
        id: ID on the device.
        name: Name as stored on the device.
        pin: PIN as the device reports it, possibly masked; None if it reports none.
        doors: Doors that the PIN opens; None if the device does not report them.
    """

    id: str
    name: str | None
    pin: str | None = field(repr=False)
    doors: frozenset[str] | None = None

    @property
    def digits(self) -> str | None:
        """The PIN, None if it is masked or not reported."""
        return self.pin if self.pin is not None and self.pin.isdecimal() else None

    def has_pin_of(self, code: Code) -> bool:
        """Return whether the row has the PIN of a code, possibly without leading zeros."""
        return self.digits is not None and self.digits.zfill(len(code.pin)) == code.pin

    def has_other_pin_than(self, code: Code) -> bool:
        """Return whether the row is known to have another PIN."""
        return self.digits is not None and not self.has_pin_of(code)


type Keep = Callable[[CodeRow], bool]


class RowCodes(ABC):
    """Temporary codes that are rows of a device's list; the caller enforces the time window."""

    async def add(self, code: Code, others: frozenset[str] | None, remember: Remember) -> Held:
        """Add a code unless it exists, and return how the device holds it.

        Raises:
            InvalidRequest: A PIN cannot open one of the doors.
            CommandFailed: The device rejects the code, for example because another row has the PIN.
            PinNotKept: The device stored another PIN; the row was deleted again.
            DoorsNotKept: The device does not store the PIN for these doors; the row was deleted again.
            CodeLeft: The device stored the code incorrectly, and the deletion failed.
            Rejected: The device reported success but stored nothing.
        """
        self._check(code)
        ids: set[str] = set()

        def is_there(row: CodeRow) -> bool:
            ids.add(row.id)
            return _is_ours(row, code, None, others) is True

        existing = await self._rows(is_there)
        if others is None:
            await remember(frozenset(ids))
        row = existing[0] if existing else await self._added(code, ids)
        try:
            if row.digits not in {None, code.pin}:
                raise PinNotKept("the device stored another PIN")
            await self._finish(code, row)
        except ConnectionFailed:
            raise  # the caller retries when the device responds again
        except IntercomError:
            await self._undo(row)
            raise
        return Held(row.id, row.name)

    async def remove(self, code: Code, held: Held | None, others: frozenset[str] | None) -> None:
        """Delete a code, and verify that it is gone.

        Raises:
            Rejected: The device did not delete it, or a row may be the code but cannot be identified with certainty.
        """

        def may_be_ours(row: CodeRow) -> bool:
            return _is_ours(row, code, held, others) is not False

        left = await self._rows(may_be_ours)
        if ours := [row for row in left if _is_ours(row, code, held, others)]:
            for row in ours:
                await self._delete(row.id)
            left = await self._rows(may_be_ours)
        if left:
            raise Rejected("the code may still be stored")

    @abstractmethod
    def _check(self, code: Code) -> None:
        """Raise if the device cannot hold a code."""

    @abstractmethod
    async def _rows(self, keep: Keep, name: str | None = None) -> list[CodeRow]:
        """Return the rows that pass ``keep``; only those with a ``name`` if the device can search by name."""

    @abstractmethod
    def _forms(self, code: Code) -> Iterable[Fields]:
        """Return the request variants to try in turn."""

    @abstractmethod
    async def _send(self, form: Fields) -> str | None:
        """Add a row, and return its ID if the device reports it."""

    @abstractmethod
    async def _delete(self, row_id: str) -> None:
        """Delete a row."""

    @abstractmethod
    async def _finish(self, code: Code, row: CodeRow) -> None:
        """Complete a new row and verify that it does what the code requires."""

    async def _added(self, code: Code, before: set[str]) -> CodeRow:
        """Add a code and return its row, even if the response was an error."""
        refusal: CommandFailed | None = None
        for form in self._forms(code):
            reported_id: str | None = None
            failure: IntercomError | None = None
            try:
                reported_id = await self._send(form)
            except NotReached:
                raise
            except IntercomError as err:
                failure = err
            if (row := await self._new_row(code, before, reported_id)) is not None:
                return row
            if not isinstance(failure, CommandFailed):
                raise failure or Rejected("the code was not stored")
            refusal = refusal or failure
        raise refusal or Rejected("the code was not stored")

    async def _new_row(self, code: Code, before: set[str], reported_id: str | None) -> CodeRow | None:
        """Return the row that was added, None if there is none."""

        def is_new(row: CodeRow) -> bool:
            return row.id not in before

        new = await self._rows(is_new, code.name) or await self._rows(is_new)
        ours = [row for row in new if row.id == reported_id] or [
            row for row in new if _is_ours(row, code, None, frozenset())
        ]
        if not ours and len(new) == 1 and (_is_alike(new[0].name, code.name) or not new[0].has_other_pin_than(code)):
            _LOGGER.debug("Matched a temporary code to the only new row, although its name differs")
            ours = new
        return ours[0] if ours else None

    async def _row(self, row: CodeRow) -> CodeRow | None:
        """Return the current state of a row, None if it is gone."""

        def is_same(other: CodeRow) -> bool:
            return other.id == row.id

        return next(iter(await self._rows(is_same, row.name) or await self._rows(is_same)), None)

    async def _undo(self, row: CodeRow) -> None:
        try:
            await self._delete(row.id)
            is_left = await self._row(row) is not None
        except IntercomError as err:
            raise CodeLeft(row.id, row.name) from err
        if is_left:
            raise CodeLeft(row.id, row.name)


def code_row(row: Fields, row_id: object, pin: object, doors: frozenset[str] | None = None) -> CodeRow | None:
    """Return a row from a JSON object with an ID and a ``Name`` or ``name``."""
    if (number := text(row_id)) is None:
        return None
    return CodeRow(number, text(row.get("Name")) or text(row.get("name")), text(pin), doors)


def _is_ours(row: CodeRow, code: Code, held: Held | None, others: frozenset[str] | None) -> bool | None:
    """Return whether a row belongs to a code; None if it may, but cannot be identified with certainty.

    Args:
        held: How the device holds the code, None if it never confirmed it.
        others: IDs of the rows before the code was first sent, None if it never was.
    """
    alike = _is_alike(row.name, code.name) or (held is not None and row.name == held.name)
    is_same = others is not None and row.id not in others if held is None else row.id == held.id
    if row.has_pin_of(code):
        return is_same or (alike and held is not None)
    if not is_same or (row.digits is not None and held is None):
        return False
    if alike:
        return True
    # The device may have reused the ID, and an unrelated row may be new.
    return None if row.digits is None and (row.pin is not None or held is not None) else False


def _is_alike(kept: str | None, name: str) -> bool:
    """Return whether a stored name may be a given one: trimmed, truncated, or without non-ASCII characters."""
    if kept is None or not (kept := kept.strip()):
        return False
    forms = {name.strip(), *(name.encode("ascii", how).decode().strip() for how in ("replace", "ignore"))}
    return any(kept == form or (len(kept) >= _CUT_AT_LEAST and form.startswith(kept)) for form in forms)
