"""The steps of a request to the API: route, token, function; pictures need no token."""

from collections.abc import Callable, Mapping
import re
from typing import NamedTuple

from aiohttp import web

from .auth import Login
from .dialects import Dialect
from .endpoints import Endpoint, find
from .envelope import ApiError, Call, Handler, Json, Loose, parse, refusal, success
from .faults import Trouble, broken
from .people import People

# Pictures of a call at the addresses of the documents.
SHOT = re.compile(r"/shot/([0-9A-Za-z-]+)\.jpg|/live/([0-9A-Za-z-]+)/image\.jpg")
PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body></body></html>"

type Picture = Callable[[str], web.Response | None]


class Outcome(NamedTuple):
    """What became of a request."""

    response: web.StreamResponse
    endpoint: Endpoint | None = None
    phone: str | None = None
    error: str | None = None
    body: Json | None = None


class Pipeline:
    """Responds to requests at the port of the API."""

    def __init__(
        self,
        dialect: Dialect,
        people: People,
        login: Login,
        handlers: Mapping[str, Handler],
        pictures: Mapping[str, Picture],
        trouble: Trouble,
        loose: Loose,
    ) -> None:
        """`handlers` and `pictures` are the functions by their paths in the table."""
        self._dialect = dialect
        self._people = people
        self._login = login
        self._handlers = handlers
        self._pictures = pictures
        self._trouble = trouble
        self.loose = loose

    async def answer(self, request: web.BaseRequest) -> Outcome:
        """Answer a request."""
        data = await request.read()
        if (target := self._trouble.moved.get(request.path)) is not None:
            return Outcome(web.Response(status=302, headers={"Location": target}), error="moved")
        if self._trouble.breakage is not None:
            return Outcome(broken(self._trouble.breakage), error=self._trouble.breakage)
        if (shot := SHOT.fullmatch(request.path)) is not None and request.method == "GET":
            picture = self._pictures["/call/camshot/{hash}"](shot[1] or shot[2])
            return Outcome(picture or web.Response(body=PAGE, status=404, content_type="text/html"))
        base = self._dialect.base
        if not request.path.startswith(f"{base}/"):
            return Outcome(web.Response(body=PAGE, status=404, content_type="text/html"), error="no such page")
        path, language = request.path.removeprefix(base), request.headers.get("Accept-Language", "")
        endpoint: Endpoint | None = None
        phone: str | None = None
        body = parse(data)
        try:
            endpoint, name = self._route(request.method, path)
            self._trouble.check(path)
            if endpoint.method == "GET":
                return Outcome(self._picture(endpoint, name), endpoint)
            call = Call(body, language, request.headers)
            if not endpoint.is_open:
                call.device = self._login.who(request.headers)
                call.subscriber = self._people.get(call.device.phone)
                phone = call.device.phone
            answer = self._handlers[endpoint.path](call)
            return Outcome(success(answer, language, self.loose), endpoint, phone, None, body)
        except ApiError as error:
            response = refusal(error, language, self._dialect)
            return Outcome(response, endpoint, phone, error.message.en, body)

    def _picture(self, endpoint: Endpoint, name: str) -> web.Response:
        picture = self._pictures[endpoint.path](name)
        if picture is None:
            raise ApiError(404)
        return picture

    def _route(self, method: str, path: str) -> tuple[Endpoint, str]:
        if (found := find(method, path, self._dialect)) is not None:
            return found
        # All requests other than POST are looked for among the pictures.
        raise ApiError(405 if method == "POST" else 404)
