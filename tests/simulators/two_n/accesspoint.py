"""What the HTTP API does with access points (HTTP API 5.17)."""

from aiohttp import web

from .access import AccessPoints, Point
from .directory import Directory
from .entry import valid_uuid
from .envelope import ApiError, Call, Code, Handler, Json, Params, success
from .eventlog import EventLog

ON_OFF = {"on": True, "off": False}
# What UserRejected calls a reason, and what the answer of 5.17.3 calls it.
REASONS = {"accessBlocked": "accessBlocked", "invalidTime": "invalidCredential", "invalidProfile": "invalidAp"}


class AccessPointApi:
    """Blocking, and access granted from afar."""

    def __init__(self, points: AccessPoints, directory: Directory, log: EventLog) -> None:
        """Wire it to the access points."""
        self._points = points
        self._directory = directory
        self._log = log
        self.handlers: dict[str, Handler] = {
            "accesspoint/blocking/ctrl": self._ctrl,
            "accesspoint/blocking/status": self._status,
            "accesspoint/grantaccess": self._grant,
        }

    def _point(self, params: Params) -> Point:
        return self._points.all[params.integer("id", 0, len(self._points.all) - 1)]

    async def _ctrl(self, call: Call) -> web.StreamResponse:
        point = self._point(call.params)
        action = call.params.choice("action", ON_OFF)
        _check_enabled(point)
        self._points.block(point.id, ON_OFF[action])
        return success()

    async def _status(self, call: Call) -> web.StreamResponse:
        points = [self._point(call.params)] if "id" in call.params else self._points.all
        return success({"accessPoints": [{"id": point.id, "blocked": point.blocked} for point in points]})

    async def _grant(self, call: Call) -> web.StreamResponse:
        point = self._point(call.params)
        user = call.params.required("user")
        if not valid_uuid(user):
            raise ApiError(Code.INVALID_VALUE, "user")
        _check_enabled(point)
        try:
            entry = self._directory.by_uuid(user)
        except KeyError:
            self._log.record("ApiAccessRequested", {"ap": point.id, "valid": False})
            return success({"accessGranted": False, "reason": "invalidCredential"})
        where: Json = {"ap": point.id, "session": self._points.begin()}
        refusal = self._points.refusal(point.id, entry)
        requested = {**where, "uuid": entry["uuid"].lower(), "valid": refusal is None}
        self._log.record("ApiAccessRequested", requested)
        if refusal is not None:
            self._points.reject(where, entry, refusal)
            return success({"accessGranted": False, "reason": REASONS[refusal]})
        self._points.admit(where, entry)
        return success({"accessGranted": True})


def _check_enabled(point: Point) -> None:
    if not point.enabled:
        raise ApiError(Code.REJECTED, description="access point disabled")
