"""HTTP requests and replies as data, and what a reply means for every system: overload, redirects, `Retry-After`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from .errors import IntercomError, Overloaded, Redirected, SecureConnectionRequired, Throttled, UnexpectedReply
from .upload import Upload

REQUEST_TIMEOUT = 10.0
MAX_JSON = 4 * 1024 * 1024
# The longest wish to be left alone that is heeded, in seconds.
MAX_RETRY_AFTER = 300.0
_OVERLOADS: Mapping[int, type[IntercomError]] = {429: Throttled, 503: Overloaded}


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and what it may cost.

    Attributes:
        method: HTTP method.
        path: Absolute path on the device.
        params: Query parameters.
        json: Body to send as JSON.
        timeout: Seconds for everything together; with an upload, from its last byte to the answer.
        max_bytes: The largest body that is read.
        repeatable: False for what must not run twice on the device.
        form: Body to send as a form.
        upload: File to send in a multipart form.
        stall: Seconds without a byte after which a stream is given up; None for ``STREAM_TIMEOUT``.
        rest: Seconds without a byte after which an answer that has begun is given up; None for ``timeout`` alone.
        begin: Seconds after which a stream that has not begun is given up; None for ``STREAM_TIMEOUT``.
        parts: Values for the names in braces of the path. They are escaped, and no error tells them.
    """

    method: str
    path: str
    params: Mapping[str, str] | None = field(default=None, repr=False)
    json: object = field(default=None, repr=False)
    timeout: float = REQUEST_TIMEOUT
    max_bytes: int = MAX_JSON
    repeatable: bool = True
    form: Mapping[str, str] | None = field(default=None, repr=False)
    upload: Upload | None = None
    stall: float | None = None
    begin: float | None = None
    parts: Mapping[str, str] | None = field(default=None, repr=False)
    rest: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    Attributes:
        status: HTTP status.
        content_type: Media type without parameters.
        body: All of it.
        challenge: What ``WWW-Authenticate`` says, several of them with commas in between.
        authorization: The credentials that the request brought.
        location: Where a redirect leads.
        retry_after: Seconds for which the sender asks to be left alone, None where it does not.
        sent_at: When it was sent by the sender's clock, in Unix seconds; None where it does not say.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    challenge: str
    authorization: str = field(repr=False)
    location: str = ""
    retry_after: float | None = None
    sent_at: float | None = None


def unix_time(date: str | None) -> float | None:
    """Return what a ``Date`` says in Unix seconds."""
    try:
        return None if date is None else _moment(date).timestamp()
    except ValueError, OverflowError:
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds ``Retry-After`` asks to be left alone (RFC 9110, 10.2.3).

    A date counts from the sender's own ``Date``: its clock may be wrong. No wish is heeded for longer than
    ``MAX_RETRY_AFTER``, so that a slip of a device silences no doorbell for a day.
    """
    wish = headers.get("Retry-After", "").strip()
    try:
        seconds = float(wish) if wish.isascii() and wish.isdecimal() else _seconds_until(wish, headers.get("Date"))
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _seconds_until(date: str, now: str | None) -> float:
    present = datetime.now(UTC) if now is None else _moment(now)
    return (_moment(date) - present).total_seconds()


def _moment(date: str) -> datetime:
    found = parsedate_to_datetime(date)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def overload(path: str, reply: Reply) -> IntercomError | None:
    """Return what the statuses 429 and 503 mean, None for all others."""
    kind = _OVERLOADS.get(reply.status)
    if kind is None:
        return None
    err = kind(f"{path} answered {reply.status}")
    err.retry_after = reply.retry_after
    return err


def redirect(reply: Reply) -> Redirected | None:
    """Return where an answer sends requests on to, None where it does not."""
    if not (HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST and reply.location):
        return None
    try:
        return Redirected(reply.location)
    except ValueError:
        return None  # no address at all


def sent_on(path: str, location: str, service: str, is_same: Callable[[str], bool]) -> IntercomError:
    """Return what it means that an API sends a request on: to HTTPS, or to another page, as a captive portal does.

    Args:
        path: What was asked.
        location: Where the redirect leads.
        service: The API, for the user.
        is_same: Returns whether a path there is that of what was asked.
    """
    try:
        to = urlsplit(location)
    except ValueError:
        return UnexpectedReply(f"{path} is sent on to no address")
    if to.scheme == "https" and is_same(to.path):
        return SecureConnectionRequired(service)
    return Redirected(location) if to.netloc else UnexpectedReply(f"{path} is not there any more")
