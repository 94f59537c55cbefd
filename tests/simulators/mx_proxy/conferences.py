"""Scheduled conferences."""

from .envelope import CstaError, Json

FIELDS: dict[str, type] = {
    "Id": str,
    "ownerId": int,
    "name": str,
    "description": str,
    "accessId": int,
    "type": str,
    "startDate": int,
    "duration": int,
    "waitForOwner": bool,
    "delOnOwnerLeave": bool,
    "ws": str,
    "wsType": str,
}
INFO = {
    "ext": "3900",
    "did": "",
    "subject": "Conference Call: %Date% @ %Time% - %Subject%",
    "body": "Please join my conference call\n\nSubject: %Subject%\n\nInternal participants call %Extension%-%ID%",
    "meeting": "View the web conference at: http://<insert your domain name here>/join?id=%ID%",
}


class Conferences:
    """The conferences of one user, by id."""

    def __init__(self, owner: int) -> None:
        """The owner is who creates one without saying whose it is; beyond 2^53."""
        self.rows: dict[str, Json] = {}
        self.joined: list[str] = []
        # A newer server knows more.
        self.fields = dict(FIELDS)
        self._owner = owner
        self._next = 1

    def _row(self, number: str, given: Json) -> Json:
        """Fill omitted fields with Go's zero values."""
        row = {name: given.get(name, kind()) for name, kind in self.fields.items()}
        # The one field of 2.1 that is left out where it is empty; the manual does not have it.
        if row["description"] == "":
            del row["description"]
        return {**row, "Id": number, "ownerId": row["ownerId"] or self._owner}

    def get(self, number: str) -> Json:
        """Find a conference."""
        if (row := self.rows.get(number)) is None:
            raise CstaError("not found")
        return row

    def create(self, given: Json) -> Json:
        """Schedule one; the id is the server's."""
        number = str(self._next)
        self._next += 1
        self.rows[number] = self._row(number, given)
        return self.rows[number]

    def update(self, number: str, given: Json) -> Json:
        """Replace a conference; omitted fields are not kept."""
        self.get(number)
        self.rows[number] = self._row(number, given)
        return self.rows[number]

    def delete(self, number: str) -> None:
        """Cancel one."""
        self.get(number)
        del self.rows[number]

    def join(self, number: str, access: int) -> None:
        """Enter one with its access number."""
        if self.get(number)["accessId"] != access:
            raise CstaError("URM Denied")
        self.joined.append(number)
