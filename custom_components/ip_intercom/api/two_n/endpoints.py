"""The functions of the 2N HTTP API as data: path, method, service and privilege (HTTP API 5)."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Service(StrEnum):
    """Service groups as the device's page *Services / HTTP API* names them (HTTP API 3)."""

    SYSTEM = "System API"
    SWITCH = "Switch API"
    IO = "I/O API"
    CAMERA = "Camera API"
    PHONE = "Phone/Call API"
    LOGGING = "Logging API"


class Privilege(StrEnum):
    """Account privileges as the device's page names them (HTTP API 4)."""

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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function of the API.

    ``repeatable`` is False where a second run would do something twice: such a request is
    never sent again by itself after the connection broke. ``anonymous`` is answered whatever
    the authentication of its service.
    """

    method: str
    path: str
    service: Service
    privilege: Privilege = Privilege.NONE
    repeatable: bool = True
    anonymous: bool = False


# Commands go by GET: firmware 2.50 refuses a POST without a body, or ignores it (code 14).
SYSTEM_INFO = Endpoint("GET", "/api/system/info", Service.SYSTEM, anonymous=True)
SYSTEM_STATUS = Endpoint("GET", "/api/system/status", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
SYSTEM_CAPS = Endpoint("GET", "/api/system/caps", Service.SYSTEM, Privilege.SYSTEM_MONITORING)
SYSTEM_RESTART = Endpoint("GET", "/api/system/restart", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)

SWITCH_CAPS = Endpoint("GET", "/api/switch/caps", Service.SWITCH, Privilege.SWITCH_MONITORING)
SWITCH_STATUS = Endpoint("GET", "/api/switch/status", Service.SWITCH, Privilege.SWITCH_MONITORING)
SWITCH_CTRL = Endpoint("GET", "/api/switch/ctrl", Service.SWITCH, Privilege.SWITCH_CONTROL)
# Of all actions only "trigger" does something else the second time.
SWITCH_TRIGGER = replace(SWITCH_CTRL, repeatable=False)

IO_CAPS = Endpoint("GET", "/api/io/caps", Service.IO, Privilege.IO_MONITORING)
IO_STATUS = Endpoint("GET", "/api/io/status", Service.IO, Privilege.IO_MONITORING)
IO_CTRL = Endpoint("GET", "/api/io/ctrl", Service.IO, Privilege.IO_CONTROL)

PHONE_STATUS = Endpoint("GET", "/api/phone/status", Service.PHONE, Privilege.PHONE_MONITORING)
CALL_STATUS = Endpoint("GET", "/api/call/status", Service.PHONE, Privilege.PHONE_MONITORING)
CALL_DIAL = Endpoint("GET", "/api/call/dial", Service.PHONE, Privilege.PHONE_CONTROL, repeatable=False)
CALL_ANSWER = Endpoint("GET", "/api/call/answer", Service.PHONE, Privilege.PHONE_CONTROL)
CALL_HANGUP = Endpoint("GET", "/api/call/hangup", Service.PHONE, Privilege.PHONE_CONTROL, repeatable=False)

CAMERA_CAPS = Endpoint("GET", "/api/camera/caps", Service.CAMERA, Privilege.CAMERA_MONITORING)
CAMERA_SNAPSHOT = Endpoint("GET", "/api/camera/snapshot", Service.CAMERA, Privilege.CAMERA_MONITORING)

LOG_CAPS = Endpoint("GET", "/api/log/caps", Service.LOGGING)
LOG_SUBSCRIBE = Endpoint("GET", "/api/log/subscribe", Service.LOGGING, repeatable=False)
# A channel that is gone tells of a restart: closing it twice would tell of one that was not.
LOG_UNSUBSCRIBE = Endpoint("GET", "/api/log/unsubscribe", Service.LOGGING, repeatable=False)
# The device takes events off the channel when it answers: a lost answer must not be asked for again.
LOG_PULL = Endpoint("GET", "/api/log/pull", Service.LOGGING, repeatable=False)

DIR_TEMPLATE = Endpoint("GET", "/api/dir/template", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
DIR_CREATE = Endpoint("PUT", "/api/dir/create", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
DIR_UPDATE = Endpoint("PUT", "/api/dir/update", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
DIR_DELETE = Endpoint("PUT", "/api/dir/delete", Service.SYSTEM, Privilege.SYSTEM_CONTROL, repeatable=False)
DIR_GET = Endpoint("POST", "/api/dir/get", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
DIR_QUERY = Endpoint("POST", "/api/dir/query", Service.SYSTEM, Privilege.SYSTEM_CONTROL)
