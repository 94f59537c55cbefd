"""The parts of the proxy and the MX and their connections, without their network and their users."""

from collections.abc import Mapping

from tests.simulators.common.clock import Clock
from tests.simulators.common.host import Active

from . import fixtures
from .auth import Door, Tokens
from .calls import Numbers
from .envelope import Json
from .events import Kind
from .extension import Extension, Functions
from .pbx import Mx
from .pipeline import Pipeline
from .push import Pushes
from .users import User, by_login

# Only these are remembered for GET /calls/{callId}.
REMEMBERED = frozenset({Kind.DELIVERED, Kind.ESTABLISHED})


class Server(Active):
    """The parts of one server."""

    def __init__(self, *, apps: Mapping[str, str] | None, empty: bool, speed: float) -> None:
        """With `empty` there are users but nothing else."""
        self.clock = Clock(speed)
        # Tokens live by real time, as their users count it.
        self._wall = Clock()
        self.users = dict(by_login(fixtures.users()))
        self.login = fixtures.LOGIN
        self.contacts: list[Json] = [] if empty else fixtures.contacts()
        self.services: list[Json] = [] if empty else fixtures.services()
        self.tokens = Tokens(self._wall.utc, lambda: f"https://{self._address()}")
        self.door = Door(dict(apps or fixtures.APPS), self.users)
        self.mx = Mx(self.clock)
        self.pushes = Pushes(self._spawn, self._online)
        self._numbers = Numbers()
        self.extensions: dict[str, Extension] = {}
        for user in self.users.values():
            self._extend(user)
        if not empty:
            self._furnish(self.extensions[self.login])
        functions = Functions(self.mx, self.extensions, self.contacts, self.services)
        self.pipeline = Pipeline(self.mx, self.door, self.tokens, self.users, self.pushes, functions.handlers)

    def _address(self) -> str:
        raise NotImplementedError

    def _extend(self, user: User) -> None:
        self.extensions[user.login] = Extension(user, self.clock, self._numbers, self.names, self._tell)

    @staticmethod
    def _furnish(extension: Extension) -> None:
        for record in fixtures.records():
            extension.log.enter(**record)
        for mail in fixtures.mails():
            extension.mailbox.add(mail)

    def names(self, number: str) -> tuple[str, str] | None:
        """Find who has an extension."""
        found = next((row for row in self.contacts if row["ext"] == number), None)
        return None if found is None else (found["firstName"], found["lastName"])

    def _tell(self, user: User, what: Json) -> None:
        """Let the proxy hear of an event, if it has a link."""
        link = self.mx.links.get(user.login)
        if link is None:
            return
        kind = what["type"]
        # Users get no events of calls that ring elsewhere.
        if kind == Kind.DELIVERED and what["alertingDevice"] != user.ext:
            return
        if kind in REMEMBERED:
            link.calls[what["callId"]] = what
        elif kind == Kind.CLEARED:
            link.calls.pop(what["callId"], None)
        for _ in range(1 + self.mx.doubled[user.login]):
            self.pushes.send(user.login, what)
