"""Endpoints of the 2N HTTP API (HTTP API 5), and its JSON envelope with error codes (HTTP API 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ...common.errors import (
    AuthenticationFailed,
    CommandFailed,
    FileTooOld,
    IntercomError,
    InvalidRequest,
    NoData,
    NotSupported,
    PermissionDenied,
    Rejected,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from ...common.messages import Reply, overload, redirect
from ...common.parse import Fields, decode_json, fields, flag, integer, text


class Service(StrEnum):
    """Service groups, as named on the device's page *Services / HTTP API* (HTTP API 3)."""

    SYSTEM = "System API"
    SWITCH = "Switch API"
    IO = "I/O API"
    CAMERA = "Camera API"
    PHONE = "Phone/Call API"
    LOGGING = "Logging API"
    ACCESS = "API Access Control"
    AUDIO = "Audio API"
    DISPLAY = "Display API"
    EMAIL = "E-Mail API"
    AUTOMATION = "Automation API"


class Privilege(StrEnum):
    """Account privileges, as named on the device's page (HTTP API 4)."""

    NONE = ""
    SYSTEM_MONITORING = "System – Monitoring"
    SYSTEM_CONTROL = "System – Control"
    SWITCH_MONITORING = "Switches – Monitoring"
    SWITCH_CONTROL = "Switches – Control"
    IO_MONITORING = "Inputs and outputs – Monitoring"
    IO_CONTROL = "Inputs and outputs – Control"
    CAMERA_MONITORING = "Camera – Monitoring"
    PHONE_MONITORING = "Phone/Calls – Monitoring"
    PHONE_CONTROL = "Phone/Calls – Control"
    ACCESS_MONITORING = "Access Control – Monitoring"
    ACCESS_CONTROL = "Access Control – Control"
    AUDIO_CONTROL = "Audio – Control"
    DISPLAY_CONTROL = "Display – Control"
    EMAIL_CONTROL = "E-Mail – Control"
    UID_MONITORING = "UID (Cards & Wiegand) – Monitoring"
    KEYPAD_MONITORING = "Keypad – Monitoring"
    AUTOMATION = "Access to Automation"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function of the API.

    ``repeatable`` is False if a second execution has another effect: such a request is not sent again after the
    connection broke. ``anonymous`` endpoints need no authentication, regardless of their service. ``bare``
    endpoints may answer without the envelope of 2.3. ``timeout`` is in seconds, None for the default.
    """

    method: str
    path: str
    service: Service
    privilege: Privilege = Privilege.NONE
    repeatable: bool = True
    anonymous: bool = False
    bare: bool = False
    timeout: float | None = None


# A directory of a few thousand entries takes longer than any other request.
_DIRECTORY_TIMEOUT = 60.0

# Commands use GET: firmware 2.50 rejects a POST without a body, or ignores it (code 14).
SYSTEM_INFO = Endpoint("GET", "/api/system/info", Service.SYSTEM, anonymous=True)
SYSTEM_STATUS = Endpoint("GET", "/api/system/status", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
SYSTEM_CAPS = Endpoint("GET", "/api/system/caps", Service.SYSTEM, Privilege.SYSTEM_MONITORING)
SYSTEM_RESTART = Endpoint("GET", "/api/system/restart", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)

SWITCH_CAPS = Endpoint("GET", "/api/switch/caps", Service.SWITCH, Privilege.SWITCH_MONITORING)
SWITCH_STATUS = Endpoint("GET", "/api/switch/status", Service.SWITCH, Privilege.SWITCH_MONITORING)
# A second "on" or "hold" restarts the timer and is another event: after a lost response, the state is polled instead.
SWITCH_CTRL = Endpoint("GET", "/api/switch/ctrl", Service.SWITCH, Privilege.SWITCH_CONTROL, repeatable=False)

IO_CAPS = Endpoint("GET", "/api/io/caps", Service.IO, Privilege.IO_MONITORING)
IO_STATUS = Endpoint("GET", "/api/io/status", Service.IO, Privilege.IO_MONITORING)
IO_CTRL = Endpoint("GET", "/api/io/ctrl", Service.IO, Privilege.IO_CONTROL, repeatable=False)

PHONE_STATUS = Endpoint("GET", "/api/phone/status", Service.PHONE, Privilege.PHONE_MONITORING)
CALL_STATUS = Endpoint("GET", "/api/call/status", Service.PHONE, Privilege.PHONE_MONITORING)
CALL_DIAL = Endpoint("GET", "/api/call/dial", Service.PHONE, Privilege.PHONE_CONTROL, repeatable=False)
CALL_ANSWER = Endpoint("GET", "/api/call/answer", Service.PHONE, Privilege.PHONE_CONTROL)
CALL_HANGUP = Endpoint("GET", "/api/call/hangup", Service.PHONE, Privilege.PHONE_CONTROL, repeatable=False)

CAMERA_CAPS = Endpoint("GET", "/api/camera/caps", Service.CAMERA, Privilege.CAMERA_MONITORING)
CAMERA_SNAPSHOT = Endpoint("GET", "/api/camera/snapshot", Service.CAMERA, Privilege.CAMERA_MONITORING)

LOG_CAPS = Endpoint("GET", "/api/log/caps", Service.LOGGING)
LOG_SUBSCRIBE = Endpoint("GET", "/api/log/subscribe", Service.LOGGING, repeatable=False)
# A missing channel indicates a restart: closing a channel twice would report a false one.
LOG_UNSUBSCRIBE = Endpoint("GET", "/api/log/unsubscribe", Service.LOGGING, repeatable=False)
# The device removes events from the channel when it responds: a pull cannot be repeated.
LOG_PULL = Endpoint("GET", "/api/log/pull", Service.LOGGING, repeatable=False)

DIR_TEMPLATE = Endpoint("GET", "/api/dir/template", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
DIR_CREATE = Endpoint("PUT", "/api/dir/create", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
DIR_UPDATE = Endpoint("PUT", "/api/dir/update", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
DIR_DELETE = Endpoint("PUT", "/api/dir/delete", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
DIR_GET = Endpoint("POST", "/api/dir/get", Service.SYSTEM, Privilege.SYSTEM_CONTROL, timeout=_DIRECTORY_TIMEOUT)
DIR_QUERY = replace(DIR_GET, path="/api/dir/query")

SYSTEM_TIME = Endpoint("GET", "/api/system/time", Service.SYSTEM, Privilege.SYSTEM_MONITORING)
SYSTEM_TIME_SET = Endpoint("GET", "/api/system/time/set", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
SYSTEM_TIME_PUT = Endpoint("PUT", "/api/system/time", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
SYSTEM_TIMEZONE = Endpoint("GET", "/api/system/timezone", Service.SYSTEM, Privilege.SYSTEM_MONITORING)
SYSTEM_TIMEZONE_PUT = Endpoint("PUT", "/api/system/timezone", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
SYSTEM_TIMEZONE_CAPS = Endpoint("GET", "/api/system/timezone/caps", Service.SYSTEM, Privilege.SYSTEM_MONITORING)
SYSTEM_DEVICENAME = Endpoint("GET", "/api/system/devicename", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
SYSTEM_DEVICENAME_POST = replace(SYSTEM_DEVICENAME, method="POST")

FIRMWARE = Endpoint("PUT", "/api/firmware", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
FIRMWARE_APPLY = Endpoint("GET", "/api/firmware/apply", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
FIRMWARE_REJECT = replace(FIRMWARE_APPLY, path="/api/firmware/reject")

CONFIG = Endpoint("GET", "/api/config", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
CONFIG_PUT = replace(CONFIG, method="PUT", repeatable=False)
CONFIG_FACTORYRESET = Endpoint(
    "GET", "/api/config/factoryreset", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False
)
CONFIG_HOLIDAYS = Endpoint("GET", "/api/config/holidays", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
CONFIG_HOLIDAYS_PUT = replace(CONFIG_HOLIDAYS, method="PUT")
# Chapter 5 lists both paths; older firmware has this one.
HOLIDAYS = replace(CONFIG_HOLIDAYS, path="/api/holidays")
HOLIDAYS_PUT = replace(HOLIDAYS, method="PUT")

PHONE_CALLLOG = Endpoint("GET", "/api/phone/calllog", Service.PHONE, Privilege.PHONE_MONITORING)
PHONE_CALLLOG_DELETE = Endpoint(
    "DELETE", "/api/phone/calllog", Service.PHONE, Privilege.PHONE_CONTROL, repeatable=False
)
PHONE_CONFIG = Endpoint("GET", "/api/phone/config", Service.PHONE, Privilege.PHONE_MONITORING)
PHONE_CONFIG_PUT = Endpoint("PUT", "/api/phone/config", Service.PHONE, Privilege.PHONE_CONTROL)

DISPLAY_CAPS = Endpoint("GET", "/api/display/caps", Service.DISPLAY, Privilege.DISPLAY_CONTROL)
DISPLAY_IMAGE = Endpoint("PUT", "/api/display/image", Service.DISPLAY, Privilege.DISPLAY_CONTROL)
DISPLAY_IMAGE_DELETE = replace(DISPLAY_IMAGE, method="DELETE")
DISPLAY_TEXT = Endpoint("PUT", "/api/display/text", Service.DISPLAY, Privilege.DISPLAY_CONTROL)
DISPLAY_TEXT_DELETE = replace(DISPLAY_TEXT, method="DELETE")
DISPLAY_LANGUAGE = Endpoint("GET", "/api/display/language", Service.DISPLAY, Privilege.DISPLAY_CONTROL, bare=True)
DISPLAY_LANGUAGE_PUT = replace(DISPLAY_LANGUAGE, method="PUT", bare=False)

AUDIO_TEST = Endpoint("GET", "/api/audio/test", Service.AUDIO, Privilege.AUDIO_CONTROL, repeatable=False)
# The text may be too long for a query.
EMAIL_SEND = Endpoint("POST", "/api/email/send", Service.EMAIL, Privilege.EMAIL_CONTROL, repeatable=False)

PCAP = Endpoint("GET", "/api/pcap", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
PCAP_RESTART = Endpoint("GET", "/api/pcap/restart", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
PCAP_STOP = Endpoint("GET", "/api/pcap/stop", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
PCAP_LIVE = Endpoint("GET", "/api/pcap/live", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
PCAP_LIVE_STOP = Endpoint("GET", "/api/pcap/live/stop", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
PCAP_LIVE_STATS = Endpoint("GET", "/api/pcap/live/stats", Service.SYSTEM, Privilege.SYSTEM_CONTROL)

MOBILEKEY_CONFIG = Endpoint("GET", "/api/mobilekey/config", Service.ACCESS, Privilege.ACCESS_MONITORING)
MOBILEKEY_CONFIG_PUT = Endpoint("PUT", "/api/mobilekey/config", Service.ACCESS, Privilege.ACCESS_CONTROL)
MOBILEKEY_COMPATIBILITY = Endpoint("GET", "/api/mobilekey/compatibility", Service.ACCESS, Privilege.ACCESS_CONTROL)
MOBILEKEY_COMPATIBILITY_PUT = replace(MOBILEKEY_COMPATIBILITY, method="PUT")

LPR_LICENSEPLATE = Endpoint("POST", "/api/lpr/licenseplate", Service.ACCESS, Privilege.ACCESS_CONTROL, repeatable=False)
LPR_IMAGE = Endpoint("GET", "/api/lpr/image", Service.ACCESS, Privilege.ACCESS_MONITORING)

ACCESS_BLOCKING_CTRL = Endpoint(
    "GET", "/api/accesspoint/blocking/ctrl", Service.ACCESS, Privilege.ACCESS_CONTROL, repeatable=False
)
ACCESS_BLOCKING_STATUS = Endpoint(
    "GET", "/api/accesspoint/blocking/status", Service.ACCESS, Privilege.ACCESS_MONITORING
)
ACCESS_GRANT = Endpoint(
    "GET", "/api/accesspoint/grantaccess", Service.ACCESS, Privilege.ACCESS_CONTROL, repeatable=False
)
LIFT_GRANT = Endpoint("GET", "/api/lift/grantaccess", Service.ACCESS, Privilege.ACCESS_CONTROL, repeatable=False)

AUTOMATION_TRIGGER = Endpoint(
    "GET", "/api/automation/trigger", Service.AUTOMATION, Privilege.AUTOMATION, repeatable=False
)
AUTOMATION_TRIGGER_BY_PATH = replace(AUTOMATION_TRIGGER, method="POST", path="/api/automation/trigger/{triggerId}")

IO_DOORBELL = Endpoint("POST", "/api/io/doorbell", Service.IO, Privilege.IO_CONTROL, repeatable=False)

JSON_TYPES = frozenset({"application/json", "text/json", "text/plain"})

WRONG_SCHEME = 8
_NOT_SUPPORTED = frozenset({1, 2, 3})
_INVALID = frozenset({11, 12, 13, 17})
_COMMAND_ERRORS: Mapping[int | None, type[CommandFailed]] = {15: NoData, 18: Rejected, 19: FileTooOld}


def error_code(reply: Reply) -> int | None:
    """Return the code of an error response, without raising it."""
    # Long responses are results: error objects are short, and the check costs a second parse.
    if len(reply.body) > 1024 or b'"error"' not in reply.body:
        return None
    return integer(fields(fields(decode_json(reply.body)).get("error")).get("code"))


def result(endpoint: Endpoint, reply: Reply) -> Fields | list[object]:
    """Return the ``result`` of a response.

    Raises:
        IntercomError: A subclass, by the error code.
    """
    document = decode_json(reply.body)
    if isinstance(document, list):
        return document  # firmware 3.x answers some functions with a bare array without an envelope
    envelope = fields(document)
    if endpoint.bare and envelope and "success" not in envelope:
        return envelope
    if "success" not in envelope:
        if (busy := overload(endpoint.path, reply)) is not None:
            raise busy
        if (moved := redirect(reply)) is not None:
            raise moved
        raise UnexpectedReply(f"{endpoint.path} returned {reply.content_type} without an API response")
    if flag(envelope["success"]) is not True:
        raise _error(endpoint, fields(envelope.get("error")))
    value = envelope.get("result")
    return value if isinstance(value, list) else fields(value)


def _error(endpoint: Endpoint, error: Fields) -> IntercomError:
    code = integer(error.get("code"))
    reason = text(error.get("description")) or ("no reason given" if code is None else f"error {code}")
    if code in _NOT_SUPPORTED:
        return NotSupported(f"{endpoint.path}: {reason}")
    if code == 4:
        return ServiceDisabled(endpoint.service)
    if code == 7:
        return SecureConnectionRequired(endpoint.service)
    if code in {WRONG_SCHEME, 9}:
        return AuthenticationFailed(f"{endpoint.path}: {reason}")
    if code == 10:
        return PermissionDenied(endpoint.privilege or endpoint.service)
    details = fields(error.get("data"))  # firmware 2.50
    if code in _INVALID:
        return InvalidRequest(reason, text(error.get("param")), details=details)
    return _COMMAND_ERRORS.get(code, CommandFailed)(reason, details=details)
