"""Which flats ring at our device of the account: a call that is not pushed because rings are off is not a lost push."""

from datetime import datetime


class RingSwitches:
    """Whether the calls of flats are pushed to us, and since when. Times are those of the server, without a zone."""

    def __init__(self) -> None:
        self._off: set[str] = set()
        self._on_since: dict[str, datetime] = {}

    def note(self, flat: str, on: bool | None, now: datetime) -> None:
        """Note what the server reports of a flat; None where it does not report it."""
        if on is False:
            self._off.add(flat)
        elif flat in self._off:
            self._off.remove(flat)
            self._on_since[flat] = now

    def rang(self, flat: str, when: datetime | None) -> bool:
        """Return whether a call at that time was to be pushed."""
        began = self._on_since.get(flat)
        return flat not in self._off and (began is None or when is None or when >= began)
