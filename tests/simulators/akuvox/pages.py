"""Opening a door beside the API: `/fcgi/OpenDoor` and `/fcgi/do` (captures/error_envelopes.md)."""

from collections.abc import Mapping

from aiohttp import web

from .config import Config
from .config_keys import RELAY
from .dialects import Dialect, Opening
from .envelope import ApiError, to_json
from .pipeline import Page
from .relays import Relays
from .users import EXPORT, Users

# Where a firmware has another command (captures/error_envelopes.md).
MOVED = "please use new interface"
# 88 bytes (captures/port8080_snapshot_mjpeg.md).
SNAPSHOT_FORM = "<html><body><form><input id=hcSingleResult type=hidden value='-1'></form></body></html>\n"


class Pages:
    """Everything beside `/api` that is no web app."""

    def __init__(self, dialect: Dialect, config: Config, relays: Relays, users: Users) -> None:
        """Say which paths there are."""
        # High Security Mode: no opening by HTTP.
        self.high_security = False
        # Whether OpenDoor refers to another command, as `do` does in other firmware.
        self.open_door_moved = False
        self._dialect = dialect
        self._config = config
        self._relays = relays
        self._users = users
        self.all: dict[str, tuple[bool, Page]] = {
            "/fcgi/do": (False, self._do),
            "/fcgi/OpenDoor": (dialect.open_door, self._open_door),
        }
        if "user" in dialect.targets:
            self.all[EXPORT] = (True, self._user_data)

    @property
    def _enabled(self) -> bool:
        """Is *Open Relay via HTTP* ticked?"""
        return self._config[f"{RELAY}HttpTrig"] == "1"

    def _user_data(self, _: Mapping[str, str]) -> web.Response:
        return web.Response(body=self._users.export(), content_type="application/octet-stream")

    def _open_door(self, query: Mapping[str, str]) -> web.Response:
        """With the login of the API; answers like the API, but without an action."""
        if not self._dialect.open_door:
            return web.Response(status=404)
        if self.open_door_moved:
            return web.Response(text=MOVED)
        if self._dialect.open_door_503 and not self._enabled:
            return web.Response(status=503, headers={"Server": "lighttpd"})
        if query.get("action") != "OpenDoor":
            raise ApiError(-1, "Unknown action")
        if not self._enabled:
            raise ApiError(-3, "Not Enable")
        if self.high_security:
            raise ApiError(-4, "Not Safe")
        self._relays.open_door(query.get("DoorNum", ""))
        return web.Response(body=to_json({"retcode": 0, "message": "OK"}), content_type="application/json")

    def _do(self, query: Mapping[str, str]) -> web.Response:
        """With the login of *Open Relay via HTTP* in the query."""
        if self._dialect.opening is Opening.MISSING:
            return web.Response(status=404)
        if query.get("action") == "GetSnapshot":
            return web.Response(text=SNAPSHOT_FORM, content_type="text/html")
        if self._dialect.opening is Opening.NEW_INTERFACE:
            return web.Response(text=MOVED)
        login = (query.get("UserName", ""), query.get("Password", ""))
        known = (self._config[f"{RELAY}UserName"], self._config[f"{RELAY}Password"])
        opened = query.get("action") == "OpenDoor" and self._enabled and login == known
        if opened:
            try:
                self._relays.open_door(query.get("DoorNum", ""))
            except ApiError:
                opened = False
        value = "0" if opened else "-1"
        page = f"<html><body><input id=hcSingleResult type=hidden value='{value}'></body></html>"
        return web.Response(text=page, content_type="text/html")
