"""The steps of a request: route, token, link to the MX, function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web

from .auth import Door, Tokens, token_reply, unauthorized
from .endpoints import METHODS, Endpoint, find, is_path
from .envelope import SERVER, Answer, ApiError, Call, CstaError, File, Handler, not_found, refusal, reply
from .pbx import Mx
from .push import Pushes
from .users import User

MOVED = {"GET": 301}
PERMANENT = 308


class Outcome(NamedTuple):
    """The result of a request; `overlapped` if an equal one of the same account was in progress."""

    response: web.StreamResponse
    endpoint: Endpoint | None = None
    login: str | None = None
    error: str | None = None
    overlapped: bool = False


@dataclass(slots=True, eq=False)
class Flight:
    """A request of an account in progress."""

    login: str
    function: str
    overlapped: bool = False


class Pipeline:
    """Responds to requests at the port of the API."""

    def __init__(
        self,
        mx: Mx,
        door: Door,
        tokens: Tokens,
        users: Mapping[str, User],
        pushes: Pushes,
        handlers: Mapping[str, Handler],
    ) -> None:
        """`handlers` are the functions that need the MX."""
        # Neither 2.1 nor 2.3 answers the documented path; a server that does is one of the manual only.
        self.documented_logout = False
        self._mx = mx
        self._door = door
        self._tokens = tokens
        self._users = users
        self._pushes = pushes
        self._flights: list[Flight] = []
        self._handlers: dict[str, Handler] = {
            **handlers,
            "user_info": self._user_info,
            "logout": self._logout,
            "documented_logout": self._logout,
            "call_info": self._call_info,
            "token_add": self._token_add,
            "token_remove": self._token_remove,
        }

    async def answer(self, request: web.BaseRequest) -> Outcome:
        """Answer a request."""
        body = await request.read()
        path = request.rel_url.raw_path
        endpoint: Endpoint | None = None
        login: str | None = None
        flight: Flight | None = None
        try:
            moved = self._moved(request, path)
            if moved is not None:
                return Outcome(moved)
            endpoint, parts = self._route(request.method, path)
            if endpoint.name == "login":
                user = self._door.check(request.headers, body)
                self._mx.connect(user)
                return Outcome(
                    reply(request, token_reply(self._tokens.issue(user.login), self._tokens.ttl)), endpoint, user.login
                )
            login = self._tokens.login_of(request.headers.get("Authorization", ""))
            flight = self._begin(login, endpoint.name)
            call = Call(self._user(login), parts, dict(request.query), request.headers, body)
            answer = await self._do(endpoint, call)
            response = await self._send(request, answer)
            return Outcome(response, endpoint, login, None, flight.overlapped)
        except ApiError as error:
            overlapped = flight is not None and flight.overlapped
            return Outcome(refusal(request, error), endpoint, login, error.text, overlapped)
        finally:
            if flight is not None:
                self._flights.remove(flight)

    @staticmethod
    def _moved(request: web.BaseRequest, path: str) -> web.Response | None:
        short = path.rstrip("/")
        if short == path or not is_path(short):
            return None
        status = MOVED.get(request.method, PERMANENT)
        response = reply(request, {"code": status, "location": short}, status)
        response.headers["Location"] = short
        return response

    def _route(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        found = find(method, path)
        if found is not None and (found[0].name != "documented_logout" or self.documented_logout):
            return found
        # A method that the router does not know at all; a wrong one of the others is simply not found.
        if method not in METHODS and is_path(path):
            raise ApiError(405, "method not allowed")
        raise not_found()

    def _begin(self, login: str, function: str) -> Flight:
        others = [flight for flight in self._flights if (flight.login, flight.function) == (login, function)]
        for other in others:
            other.overlapped = True
        flight = Flight(login, function, bool(others))
        self._flights.append(flight)
        return flight

    def _user(self, login: str) -> User:
        user = self._users.get(login)
        if user is None:
            raise unauthorized()
        # Every function needs the link, also those that do not ask the MX.
        self._mx.link(user)
        return user

    async def _do(self, endpoint: Endpoint, call: Call) -> Answer:
        try:
            return await self._handlers[endpoint.name](call)
        except CstaError as error:
            raise ApiError(endpoint.csta, error.text) from None

    @staticmethod
    async def _send(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        if answer is None:
            return web.Response(status=204, headers={"Server": SERVER})
        if not isinstance(answer, File):
            return reply(request, answer)
        response = web.StreamResponse(headers={"Content-Type": answer.media_type, "Server": SERVER})
        response.headers["Content-Disposition"] = f'attachment; filename="{answer.name}"'
        response.enable_chunked_encoding()
        await response.prepare(request)
        async for chunk in answer.chunks():
            await response.write(chunk)
        await response.write_eof()
        return response

    # ---- Functions of the proxy itself ----

    async def _user_info(self, call: Call) -> Answer:
        user = call.user
        return {"mx": self._mx.serial, "ext": user.ext, "jid": user.jid, "softPhonePwd": user.soft_phone_password}

    async def _logout(self, call: Call) -> Answer:
        self._mx.disconnect(call.user.login)
        return {"userLogout": call.user.login}

    async def _call_info(self, call: Call) -> Answer:
        info = self._mx.link(call.user).calls.get(call.call_id())
        if info is None:
            raise not_found()
        return {"callInfo": info}

    async def _token_add(self, call: Call) -> Answer:
        parts = call.parts
        self._pushes.add(call.user.login, parts["type"], parts["topic"], "sandbox" in call.query, parts["token"])
        return None

    async def _token_remove(self, call: Call) -> Answer:
        parts = call.parts
        self._pushes.remove(call.user.login, parts["type"], parts["topic"], "sandbox" in call.query, parts["token"])
        return None
