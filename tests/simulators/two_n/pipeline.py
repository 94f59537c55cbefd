"""The steps of a request: path, model, method, service, connection, authentication, privileges, parameters."""

from collections.abc import Iterable, Iterator
import json
from typing import NamedTuple

from aiohttp import web

from .auth import Authenticator, Challenge
from .blob import PREFIX as BLOB
from .config import Account, Auth, Connection, Service, ServiceConfig
from .endpoints import ENDPOINTS, Endpoint, resolve
from .envelope import ApiError, Call, Code, Handler, Json, Params, action_failed, reply
from .models import Model
from .upload import read_multipart

PREFIX = "/api/"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
# Answers without authentication "regardless of the set access rights" (HTTP API 5.1.1).
OPEN_FUNCTIONS = frozenset({"system/info"})
LOGIN_PAGE = "<!DOCTYPE html><html><title>2N</title></html>"


class Outcome(NamedTuple):
    """What became of a request; `function` is its row in the table of chapter 5."""

    response: web.StreamResponse
    function: str | None = None
    service: Service | None = None
    error: Code | None = None
    account: str | None = None


class Pipeline:
    """Checks a request in the device's order and hands it to its function."""

    def __init__(
        self,
        model: Model,
        lacks: set[str],
        handlers: dict[str, Handler],
        services: dict[Service, ServiceConfig],
        accounts: dict[str, Account],
        authenticator: Authenticator,
    ) -> None:
        """What is handed in is shared with the simulator, which changes it."""
        self._model = model
        self._lacks = lacks
        self._handlers = handlers
        self._services = services
        self._accounts = accounts
        self._authenticator = authenticator
        self.open_info = True
        self.post_refused = False
        self.boot()

    def boot(self) -> None:
        """Begin to behave as the firmware does."""
        self.post_refused = self._model.since(2, 50)

    async def answer(self, request: web.BaseRequest) -> Outcome:
        """Answer a request."""
        if not request.path.startswith(PREFIX):
            return Outcome(web.Response(text=LOGIN_PAGE, content_type="text/html"))
        if request.headers.get("Transfer-Encoding"):
            # A small server does not begin to read what has no end in sight (RFC 2616 4.4).
            endless = web.Response(status=411)
            endless.force_close()
            return Outcome(endless)
        name, written = resolve(request.path.removeprefix(PREFIX))
        endpoint: Endpoint | None = None
        account: Account | None = None
        try:
            endpoint = self._find(name, request.method)
            account = self._authorise(name, endpoint, request)
            call = Call(request, account)
            await self._read(call, endpoint)
            call.params.update(written)
            response = await self._handlers[name](call)
        except ApiError as error:
            return Outcome(reply(error.body()), name, _service(endpoint), error.code, account.name if account else None)
        except Challenge as challenge:
            body = ApiError(Code.AUTH_REQUIRED).body()
            response = web.Response(status=401) if challenge.empty else reply(body, 401)
            response.headers["WWW-Authenticate"] = challenge.header
            return Outcome(response, name, _service(endpoint), Code.AUTH_REQUIRED)
        return Outcome(response, name, endpoint.service, None, account.name if account else None)

    def _find(self, name: str, method: str) -> Endpoint:
        rows = [row for row in ENDPOINTS.get(name, ()) if self._model.version >= row.since]
        if not rows:
            raise ApiError(Code.INVALID_PATH)
        if name in self._lacks or name.partition("/")[0] in self._lacks or name not in self._handlers:
            raise ApiError(Code.NOT_SUPPORTED)
        for row in rows:
            if method in row.methods:
                return row
        raise ApiError(Code.INVALID_METHOD)

    def _authorise(self, name: str, endpoint: Endpoint, request: web.BaseRequest) -> Account | None:
        service = self._services[endpoint.service]
        if not service.enabled:
            raise ApiError(Code.DISABLED)
        if service.connection is Connection.TLS and not request.secure:
            raise ApiError(Code.INVALID_CONNECTION)
        if name in OPEN_FUNCTIONS and self.open_info:
            return None
        account = self._authenticator.check(request, service.auth, self._accounts)
        needed = endpoint.privileges
        if service.auth is not Auth.NONE and needed and not (account and account.privileges & needed):
            raise ApiError(Code.INSUFFICIENT_PRIVILEGES)
        return account

    async def _read(self, call: Call, endpoint: Endpoint) -> None:
        """Read the parameters of HTTP API 2.2; later ones replace earlier ones."""
        request = call.request
        call.params = Params(_simple(request.query.items()))
        if endpoint.json:
            call.body = await _json(request)
        elif request.method not in {"POST", "PUT"}:
            return
        elif request.content_type == FORM:
            call.params.update(_simple((await _form(request)).items()))
        elif request.content_type == MULTIPART and request.can_read_body:
            await read_multipart(request, call.params, call.blobs)
        elif request.method == "POST" and self.post_refused:
            # 2.50 answers POST without a form with code 14 (captures/errors.json).
            raise action_failed("Unsupported Content-Type")


def _simple(params: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Leave out what only multipart/form-data may bring."""
    return ((name, value) for name, value in params if not name.startswith(BLOB))


def _service(endpoint: Endpoint | None) -> Service | None:
    return None if endpoint is None else endpoint.service


async def _form(request: web.BaseRequest) -> dict[str, str]:
    try:
        form = await request.post()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(Code.TOO_BIG) from None
    except ValueError:
        raise action_failed() from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _json(request: web.BaseRequest) -> Json:
    if request.content_type != "application/json":
        raise action_failed("Unsupported Content-Type")
    try:
        body = json.loads(await request.read())
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(Code.TOO_BIG) from None
    except ValueError:
        raise action_failed("invalid JSON") from None
    if not isinstance(body, dict):
        raise action_failed("invalid JSON")
    return body
