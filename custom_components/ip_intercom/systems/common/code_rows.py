"""Temporary codes as rows of a device's list: which row is ours, and that success and removal are what the device holds.

A device may trim, cut off or replace a name, tell a PIN masked or as a number, and answer an error to what it did: a new
row is found by what is new in the list, and taken away by its ID.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
import logging

from ...model.functions import Code, Held, Remember
from .errors import CodeLeft, CommandFailed, ConnectionFailed, IntercomError, NotReached, PinNotKept, Rejected
from .parse import Fields, text

_LOGGER = logging.getLogger(__name__)

# No shorter name is taken for the beginning of another one that the device cut off.
_CUT_AT_LEAST = 8


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A row of the device.

    Attributes:
        id: The device's ID of it.
        name: The name as the device writes it.
        pin: What the device tells of the PIN, which may be masked; None where it tells nothing.
        doors: What the PIN opens; None where the device does not tell.
    """

    id: str
    name: str | None
    pin: str | None = field(repr=False)
    doors: frozenset[str] | None = None

    @property
    def digits(self) -> str | None:
        """The PIN, None where it is not told."""
        return self.pin if self.pin is not None and self.pin.isdecimal() else None

    def has_pin_of(self, code: Code) -> bool:
        """Tell whether it has the PIN of a code, perhaps without its leading zeros."""
        return self.digits is not None and self.digits.zfill(len(code.pin)) == code.pin

    def has_other_pin_than(self, code: Code) -> bool:
        """Tell whether it certainly has another PIN."""
        return self.digits is not None and not self.has_pin_of(code)


type Keep = Callable[[CodeRow], bool]


class RowCodes(ABC):
    """Codes that are rows; the window is for others to keep."""

    async def add(self, code: Code, others: frozenset[str] | None, remember: Remember) -> Held:
        """Add it, unless it is there, and return how the device holds it.

        Raises:
            InvalidRequest: A door that a PIN cannot open.
            CommandFailed: The device refuses, for instance because another row has the PIN.
            PinNotKept: It made another PIN of it; that one is gone again.
            DoorsNotKept: It takes the PIN, but not for these doors; the PIN is gone again.
            CodeLeft: It holds the code otherwise than asked, and does not let it be deleted now.
            Rejected: It says that it did, and did not.
        """
        self._check(code)
        ids: set[str] = set()

        def is_there(row: CodeRow) -> bool:
            ids.add(row.id)
            return _is_ours(row, code, None, others) is True

        there = await self._rows(is_there)
        if others is None:
            await remember(frozenset(ids))
        row = there[0] if there else await self._added(code, ids)
        try:
            if row.digits not in {None, code.pin}:
                raise PinNotKept("the device made another PIN of it")
            await self._finish(code, row)
        except ConnectionFailed:
            raise  # it is looked for when the device is back
        except IntercomError:
            await self._undo(row)
            raise
        return Held(row.id, row.name)

    async def remove(self, code: Code, held: Held | None, others: frozenset[str] | None) -> None:
        """Delete it, and see that it is gone.

        Raises:
            Rejected: The device says that it did, and did not; or it may have it, and nothing proves that it is ours.
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
        """Refuse a code that the device cannot hold."""

    @abstractmethod
    async def _rows(self, keep: Keep, name: str | None = None) -> list[CodeRow]:
        """Return rows of the whole list; of a ``name`` only, where the device looks that up."""

    @abstractmethod
    def _forms(self, code: Code) -> Iterable[Fields]:
        """Return what to send, in the forms that devices are known to take."""

    @abstractmethod
    async def _send(self, form: Fields) -> str | None:
        """Add a row, and return its ID where the device tells it."""

    @abstractmethod
    async def _delete(self, row_id: str) -> None:
        """Delete a row."""

    @abstractmethod
    async def _finish(self, code: Code, row: CodeRow) -> None:
        """See that a row does all that the code is to do."""

    async def _added(self, code: Code, before: set[str]) -> CodeRow:
        """Add it, and return it as the device has it: also where its answer is an error."""
        refusal: CommandFailed | None = None
        for form in self._forms(code):
            told: str | None = None
            failure: IntercomError | None = None
            try:
                told = await self._send(form)
            except NotReached:
                raise
            except IntercomError as err:
                failure = err
            if (row := await self._new_row(code, before, told)) is not None:
                return row
            if not isinstance(failure, CommandFailed):
                raise failure or Rejected("the code was not stored")
            refusal = refusal or failure
        raise refusal or Rejected("the code was not stored")

    async def _new_row(self, code: Code, before: set[str], told: str | None) -> CodeRow | None:
        """Return the row that has come since, None where none has."""

        def is_new(row: CodeRow) -> bool:
            return row.id not in before

        new = await self._rows(is_new, code.name) or await self._rows(is_new)
        ours = [row for row in new if row.id == told] or [row for row in new if _is_ours(row, code, None, frozenset())]
        if not ours and len(new) == 1 and (_is_alike(new[0].name, code.name) or not new[0].has_other_pin_than(code)):
            _LOGGER.debug("Matched a temporary code to the only new row, although its name differs")
            ours = new
        return ours[0] if ours else None

    async def _row(self, row: CodeRow) -> CodeRow | None:
        """Return a row as it is now."""

        def is_it(other: CodeRow) -> bool:
            return other.id == row.id

        return next(iter(await self._rows(is_it, row.name) or await self._rows(is_it)), None)

    async def _undo(self, row: CodeRow) -> None:
        try:
            await self._delete(row.id)
            is_left = await self._row(row) is not None
        except IntercomError as err:
            raise CodeLeft(row.id, row.name) from err
        if is_left:
            raise CodeLeft(row.id, row.name)


def code_row(row: Fields, row_id: object, pin: object, doors: frozenset[str] | None = None) -> CodeRow | None:
    """Return a row of a device that has an ID and a ``Name`` or ``name``."""
    if (number := text(row_id)) is None:
        return None
    return CodeRow(number, text(row.get("Name")) or text(row.get("name")), text(pin), doors)


def _is_ours(row: CodeRow, code: Code, held: Held | None, others: frozenset[str] | None) -> bool | None:
    """Tell whether a row is that of a code; None where it may be, and nothing proves it.

    Args:
        row: The row.
        code: The code.
        held: What the device is known to hold, None where it never said so.
        others: The IDs that were there before the code was first sent, None where it never was.
    """
    alike = _is_alike(row.name, code.name) or (held is not None and row.name == held.name)
    is_it = others is not None and row.id not in others if held is None else row.id == held.id
    if row.has_pin_of(code):
        return is_it or (alike and held is not None)
    if not is_it or (row.digits is not None and held is None):
        return False
    if alike:
        return True
    # Its ID may have been given to another, and another may be new.
    return None if row.digits is None and (row.pin is not None or held is not None) else False


def _is_alike(kept: str | None, name: str) -> bool:
    """Tell whether a device may have made one name of the other: trimmed, cut off, or without what is not ASCII."""
    if kept is None or not (kept := kept.strip()):
        return False
    forms = {name.strip(), *(name.encode("ascii", how).decode().strip() for how in ("replace", "ignore"))}
    return any(kept == form or (len(kept) >= _CUT_AT_LEAST and form.startswith(kept)) for form in forms)
