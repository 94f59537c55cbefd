"""Methods of SmartYard in the order of the field notes (section 5), and its responses, errors, and value formats (3)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus

from ...common.errors import (
    CommandFailed,
    IntercomError,
    InvalidRequest,
    NoAnswer,
    NoCodePending,
    NoData,
    NotFound,
    NotPaid,
    NotSupported,
    Overloaded,
    ServerBroken,
    Throttled,
    TokenRefused,
    TooSoon,
    Unconfirmed,
    UnexpectedReply,
    WrongCode,
)
from ...common.messages import Reply, sent_on
from ...common.parse import Fields, decode_json, fields, integer, plausible, present, readable, row, text

# Timeout in seconds of methods that a working server answers at once.
_QUICK = 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method: a POST to its path below the base URL.

    Attributes:
        path: Module and method.
        command: The method changes something: it is never repeated if it may have been carried out.
        open: The method requires no token.
        needs: Fields of which the response has at least one; empty if the response may be empty.
        timeout: Timeout in seconds if it is shorter than usual.
    """

    path: str
    command: bool = False
    open: bool = False
    needs: frozenset[str] = frozenset()
    timeout: float | None = None


PING = Endpoint("user/ping")
PHONE_PATTERN = Endpoint("user/phonePattern", open=True)
REQUEST_CODE = Endpoint("user/requestCode", command=True, open=True)
CONFIRM_CODE = Endpoint("user/confirmCode", command=True, open=True)
CHECK_PHONE = Endpoint("user/checkPhone", command=True, open=True)
GET_NAME = Endpoint("user/getName")
NOTIFICATION = Endpoint("user/notification", needs=frozenset({"enable", "money"}), timeout=_QUICK)
SET_NOTIFICATION = Endpoint("user/notification", command=True)
REGISTER_PUSH_TOKEN = Endpoint("user/registerPushToken", command=True)
PUSH_TOKENS = Endpoint("user/pushTokens", needs=frozenset({"pushToken", "voipToken"}))
APP_VERSION = Endpoint("user/appVersion", command=True)

OPTIONS = Endpoint("ext/options")
EXTENSIONS = Endpoint("ext/list")
EXTENSION = Endpoint("ext/ext")

ADDRESSES = Endpoint("address/getAddressList")
SETTINGS = Endpoint("address/getSettingsList")
INTERCOM = Endpoint(
    "address/intercom", needs=frozenset({"allowDoorCode", "doorCode", "CMS", "VoIP", "autoOpen", "whiteRabbit"})
)
SET_INTERCOM = Endpoint("address/intercom", command=True)
OPEN_DOOR = Endpoint("address/openDoor", command=True)
RESET_CODE = Endpoint("address/resetCode", command=True)
LOG_DAYS = Endpoint("address/plogDays")
LOG = Endpoint("address/plog")
TRACK = Endpoint("address/trackEvent", command=True)
UNTRACK = Endpoint("address/untrackEvent", command=True)
TRACKED = Endpoint("address/getTrackedEvents")
# Other names of the previous three methods.
WATCH = Endpoint("address/watch", command=True)
UNWATCH = Endpoint("address/unwatch", command=True)
WATCHING = Endpoint("address/watching")
ACCESS = Endpoint("address/access", command=True)
RESEND = Endpoint("address/resend", command=True)
MODIFY_KEY = Endpoint("address/modifyKey", command=True)
REGISTER_QR = Endpoint("address/registerQR", command=True)
OFFICES = Endpoint("address/offices")
STORIES = Endpoint("address/getStories")

CAMERAS = Endpoint("cctv/all")
CAMERA_TREE = Endpoint("cctv/allTree")
CITY_CAMERAS = Endpoint("cctv/overview")
INTERCOM_CAMERAS = Endpoint("cctv/camMap")
RANGES = Endpoint("cctv/ranges")
PREPARE = Endpoint("cctv/recPrepare", command=True)
DOWNLOAD = Endpoint("cctv/recDownload")
YOUTUBE = Endpoint("cctv/youtube")

UNREAD = Endpoint("inbox/unreaded", needs=frozenset({"count"}), timeout=_QUICK)
INBOX = Endpoint("inbox/inbox", command=True)
READ = Endpoint("inbox/readed", command=True)
DELIVERED = Endpoint("inbox/delivered", command=True)
ALERT = Endpoint("inbox/alert", command=True)
CHAT_READ = Endpoint("inbox/chatReaded", command=True)

SIP_HELP = Endpoint("sip/helpMe")

FACES = Endpoint("frs/listFaces")
LIKE = Endpoint("frs/like", command=True)
DISLIKE = Endpoint("frs/disLike", command=True)
PLATES = Endpoint("lprs/listNumbers")
ADD_PLATE = Endpoint("lprs/addNumber", command=True)
REMOVE_PLATE = Endpoint("lprs/removeNumber", command=True)

# Images and recordings are the only GET requests, and need no token (field notes 3).
CALL_SHOT = "call/camshot/{key}"
CALL_LIVE = "call/live/{key}"
LOG_SHOT = "address/plogCamshot/{key}"
FILM = "cctv/download/{key}"

SERVICE = "SmartYard"

# 555 means that the server's database, cache, or configuration is unavailable; the method was not started.
_BROKEN = 555
_RETRY_WITH = 449
_TOKEN_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.GONE, HTTPStatus.FAILED_DEPENDENCY, _RETRY_WITH})
# 406 also means an invalid token, except in these methods, which reject a value with it.
_PICKY = frozenset({REGISTER_PUSH_TOKEN, ALERT})
# With a page instead of JSON, these are not from the API, and say nothing about the token or the payment.
_ON_THE_WAY = frozenset({
    HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED, *_TOKEN_REFUSED,
})  # fmt: skip
# Words in the response to the sixth wrong code, in both languages; its status is the same as for the first one.
_NO_MORE = ("attempts", "попыток")
_MAX_REASON = 300
# Shorter secrets occur in many texts by chance.
_MIN_SECRET = 4


def content(reply: Reply) -> Fields | None:
    """Return the JSON object of a reply, None for anything else."""
    found = decode_json(reply.body)
    return found if isinstance(found, dict) else None


def data(endpoint: Endpoint, reply: Reply, *, has_token: bool = True, secrets: Collection[str] = ()) -> object:
    """Return the payload of a success, None if it has none: 204, or 200 with an empty body.

    Args:
        has_token: The request had a token.
        secrets: Values to remove from errors, because the server may repeat them.

    Raises:
        IntercomError: The error of a failed response, as ``error`` returns it.
        UnexpectedReply: The response is not one of the API.
    """
    if reply.status == HTTPStatus.NO_CONTENT or (reply.status == HTTPStatus.OK and not reply.body.strip()):
        return None
    found = content(reply)
    if _is_foreign(reply, found):
        raise UnexpectedReply(f"{endpoint.path}: another server answered {reply.status}")
    if not _is_success(reply.status):
        err = error(endpoint, reply.status, found, reply.location, has_token=has_token, secrets=secrets)
        err.retry_after = reply.retry_after
        raise err
    if found is None:
        raise UnexpectedReply(f"{endpoint.path} answered without a JSON object")
    code = integer(found.get("code"))
    if code is not None and not _is_success(code):
        raise error(endpoint, code, found, has_token=has_token, secrets=secrets)
    if code is None and found and "data" not in found:
        if "error" in found:
            raise CommandFailed(_reason(found, secrets) or "error")
        raise UnexpectedReply(f"{endpoint.path} answered without an envelope")
    return found.get("data")


def _is_foreign(reply: Reply, found: Fields | None) -> bool:
    """Return whether the response comes from a proxy or a captive portal: the API responds with JSON."""
    return found is None and bool(reply.body.strip()) and reply.status in _ON_THE_WAY


def rows(endpoint: Endpoint, found: object) -> tuple[Fields, ...]:
    """Return the objects of a list; an empty list is sent as null.

    Raises:
        UnexpectedReply: It is not a list, or no row is readable.
    """
    if isinstance(found, dict) and all(isinstance(value, dict) for value in found.values()):
        # PHP encodes a list as an object after an item was removed.
        return tuple(found.values())
    if found is not None and not isinstance(found, list):
        raise UnexpectedReply(f"{endpoint.path} answered without a list")
    return readable(endpoint.path, found or (), row)


def record(endpoint: Endpoint, found: object) -> Fields:
    """Return an object; an empty object is sent as null or as an empty list.

    Raises:
        UnexpectedReply: It is not an object, or lacks all fields that the method needs.
    """
    if found and not isinstance(found, dict):
        raise UnexpectedReply(f"{endpoint.path} answered without an object")
    values = fields(found)
    if endpoint.needs and not endpoint.needs & values.keys():
        raise UnexpectedReply(f"{endpoint.path} answered without {' or '.join(sorted(endpoint.needs))}")
    return values


def error(
    endpoint: Endpoint,
    status: int,
    found: Fields | None,
    location: str = "",
    *,
    has_token: bool = True,
    secrets: Collection[str] = (),
) -> IntercomError:
    """Return the error of a failed response; its reason is the server's message for users, if there is one.

    Args:
        status: HTTP status, equal to the code of the envelope.
        found: JSON object of the response, None for anything else.
        location: Target of a redirect.
        has_token: The request had a token.
        secrets: Values to remove from the reason.
    """
    path, error_text = endpoint.path, _reason(found, secrets)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return sent_on(path, location, SERVICE, lambda to: to.endswith(path))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _broken(endpoint, status, error_text)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return Unconfirmed(f"{path}: {status}") if endpoint.command else NoAnswer(f"{path}: {status}")
    if _is_about_token(endpoint, status, has_token):
        return TokenRefused(f"{path}: {status} {error_text or ''}".rstrip())
    return _refusal(endpoint, status, found, error_text)


def _is_about_token(endpoint: Endpoint, status: int, has_token: bool) -> bool:
    if status in _TOKEN_REFUSED:
        return True
    if endpoint.open:
        return False
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return endpoint not in _PICKY
    return not has_token and status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}


def _broken(endpoint: Endpoint, status: int, error_text: str | None) -> IntercomError:
    message = f"{endpoint.path}: {status} {error_text or ''}".rstrip()
    if status == HTTPStatus.SERVICE_UNAVAILABLE and (error_text is not None or not endpoint.command):
        return Overloaded(message)
    if status == _BROKEN or not endpoint.command:
        return ServerBroken(message)
    # An error from the API itself is definite; after an error from a server in front of it, the result is unknown.
    return CommandFailed(error_text) if error_text is not None else Unconfirmed(message)


def _refusal(endpoint: Endpoint, status: int, found: Fields | None, error_text: str | None) -> IntercomError:
    reason = error_text or f"{endpoint.path}: {status}"
    if endpoint == CONFIRM_CODE and status == HTTPStatus.FORBIDDEN and not _extra(found):
        return WrongCode(reason, is_last=any(word in reason.lower() for word in _NO_MORE))
    if endpoint == CONFIRM_CODE and status == HTTPStatus.NOT_FOUND:
        return NoCodePending(reason)
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return NotPaid(reason)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        is_about_command = endpoint == REQUEST_CODE or (endpoint.command and error_text is not None)
        return TooSoon(reason) if is_about_command else Throttled(reason)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return NotSupported(f"{endpoint.path}: {reason}")
    if status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_ACCEPTABLE}:
        return InvalidRequest(reason)
    if status == HTTPStatus.NOT_FOUND and endpoint != OPEN_DOOR:
        if found is None:
            return NotSupported(f"{endpoint.path}: {status}")
        return NoData(reason) if error_text is None else NotFound(error_text)
    if endpoint in {OPEN_DOOR, ACCESS} or error_text is not None:
        return CommandFailed(reason)
    return UnexpectedReply(f"{endpoint.path} answered {status} without a reason")


def _is_success(code: int) -> bool:
    return HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES


def _extra(found: Fields | None) -> str | None:
    """Return why a login with the right code is rejected, such as too many devices; it is in the payload."""
    return text(fields((found or {}).get("data")).get("error"))


def _reason(found: Fields | None, secrets: Collection[str]) -> str | None:
    envelope = found or {}
    reason = _extra(found) or text(envelope.get("message")) or text(envelope.get("error")) or text(envelope.get("name"))
    if reason is None:
        return None
    for secret in sorted((value for value in secrets if len(value) >= _MIN_SECRET), key=len, reverse=True):
        reason = reason.replace(secret, "…")
    return " ".join(reason.split())[:_MAX_REASON] or None


_MOMENT = "%Y-%m-%d %H:%M:%S"
_DAY = "%Y-%m-%d"
# Usually eleven digits with country code; E.164 allows at most fifteen.
_MIN_DIGITS = 5
_RUSSIAN = 11


def letter(value: bool | None) -> str | None:
    """Return a boolean in the API's format, None for None."""
    return None if value is None else "t" if value else "f"


def given(**values: object) -> dict[str, object]:
    """Return the values that are not None."""
    return present(values)


def number(identifier: str | int) -> str | int:
    """Return a numeric ID as a number, as the apps send it."""
    if isinstance(identifier, str) and identifier.isascii() and identifier.isdecimal():
        return int(identifier)
    return identifier


def moment(value: object) -> datetime | None:
    """Return a time in the server's time zone (``Options.time_zone``), without one; None if missing or invalid."""
    try:
        return plausible(datetime.strptime(text(value) or "", _MOMENT))
    except ValueError:
        return None


def read_day(value: object) -> date | None:
    """Return a date, None if it is missing or invalid."""
    try:
        return datetime.strptime(text(value) or "", _DAY).date()
    except ValueError:
        return None


def written(value: datetime | None) -> str | None:
    """Return a time in the API's format, which the server interprets in its time zone."""
    return None if value is None else value.strftime(_MOMENT)


def phone_digits(phone: str) -> str:
    """Return a phone number in the API's format: country code and number, digits only.

    The server accepts the Russian prefix 8 instead of 7 only in some methods.

    Raises:
        InvalidRequest: The phone number is invalid.
    """
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdecimal())
    if len(digits) < _MIN_DIGITS:
        raise InvalidRequest("not a phone number", "userPhone")
    if len(digits) == _RUSSIAN and digits.startswith("8"):
        return f"7{digits[1:]}"
    return digits
