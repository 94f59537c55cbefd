"""Requests to complete URLs that may contain secrets, which errors never show."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import ClientSession
from yarl import URL

from ...common.errors import InvalidRequest, NoData, Overloaded, ServerBroken, Throttled, UnexpectedReply
from ...common.http import HttpTransport
from ...common.messages import Request

TIMEOUT = 20.0
MAX_TEXT = 1024 * 1024
_GONE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
# A hash has 32 characters, a UUID has 36.
_MAX_KEY = 256


def parsed(address: str, what: str) -> URL:
    """Return a web URL.

    Raises:
        InvalidRequest: The URL is invalid; ``what`` is its purpose.
    """
    try:
        url = URL(address)
        usable = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None
    except ValueError:
        usable = False
    if not usable:
        raise InvalidRequest("not an address", what)
    return url


def own(address: str, base: URL, what: str) -> URL:
    """Return a URL of the server of a base URL.

    Raises:
        InvalidRequest: The URL is invalid or belongs to another server; ``what`` is its purpose.
    """
    url = parsed(address, what)
    if url.origin() != base.origin() or url.user is not None or url.password is not None:
        raise InvalidRequest("an address of a different server", what)
    return url


def kept(base: URL, path: str, key: str, *, timeout: float, max_bytes: int) -> Request:
    """Return the request of an object below the base URL; no error contains its key.

    Raises:
        InvalidRequest: The key is invalid.
    """
    if not key.isprintable() or "/" in key or len(key) > _MAX_KEY:
        raise InvalidRequest("not a key", "key")
    folder = base.raw_path.rstrip("/").replace("{", "{{").replace("}", "}}")
    return Request("GET", f"{folder}/{path}", timeout=timeout, max_bytes=max_bytes, parts={"key": key})


def expect_success(status: int, what: str) -> None:
    """Raise for failed responses, none of which is about the account, because no token was sent.

    Raises:
        NoData: The object does not exist, or access has expired.
        ServerBroken: The server reports an internal failure.
        Throttled: The server receives too many requests.
        UnexpectedReply: Any other response, such as a redirect.
    """
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Throttled(f"{what}: {status}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise Overloaded(f"{what}: {status}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ServerBroken(f"{what}: {status}")
    raise NoData(f"{what}: {status}") if status in _GONE else UnexpectedReply(f"{what}: {status}")


def transport_to(session: ClientSession, url: URL, *, verify: bool) -> HttpTransport:
    """Return the transport to the server of a URL."""
    return HttpTransport(session, url.with_path("/").with_query(None).with_fragment(None), verify=verify)


def request_to(
    url: URL, *, method: str = "GET", params: Mapping[str, str] | None = None, max_bytes: int = MAX_TEXT
) -> Request:
    """Return the request of a URL; no error contains its path.

    Args:
        url: The URL.
        method: HTTP method; the query of a POST becomes a form.
        params: Query to use instead of the URL's.
        max_bytes: Size limit of the response.

    Raises:
        InvalidRequest: The path contains ``..``.
    """
    # The first part is the leading slash.
    segments = url.parts[1:]
    query = dict(url.query) if params is None else params
    return Request(
        method,
        "/" + "/".join(f"{{part{place}}}" for place in range(len(segments))),
        query if method == "GET" else None,
        timeout=TIMEOUT,
        max_bytes=max_bytes,
        form=None if method == "GET" else query,
        parts={f"part{place}": segment for place, segment in enumerate(segments)},
    )
