"""The table of chapter 5: path, methods, service, privileges, and the firmware that brought it (HTTP API 1.1, 5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from .config import Privilege as P, Service as S

type Version = tuple[int, int]

GET_POST = frozenset({"GET", "POST"})
GET = frozenset({"GET"})
PUT = frozenset({"PUT"})
POST = frozenset({"POST"})
DELETE = frozenset({"DELETE"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row; an account needs any one of the privileges."""

    methods: frozenset[str]
    service: S
    privileges: P = P.NONE
    since: Version = (0, 0)
    # The parameters come as a JSON object in the body, not in the ways of 2.2.
    json: bool = False


# 5.5.3 asks Control for io/ctrl and the table Monitoring: the stricter one is taken.
# 5.4.1 and 5.4.2 ask Monitoring or Control for reading switches: either will do.
SWITCH_READ = P.SWITCH_MONITORING | P.SWITCH_CONTROL

ENDPOINTS: Mapping[str, tuple[Endpoint, ...]] = {
    "automation/trigger": (Endpoint(GET, S.AUTOMATION, P.AUTOMATION),),
    "accesspoint/blocking/ctrl": (Endpoint(GET_POST, S.ACCESS_CONTROL, P.ACCESS_CONTROL, (2, 26)),),
    "accesspoint/blocking/status": (Endpoint(GET_POST, S.ACCESS_CONTROL, P.ACCESS_MONITORING, (2, 26)),),
    "accesspoint/grantaccess": (Endpoint(GET_POST, S.ACCESS_CONTROL, P.ACCESS_CONTROL, (2, 37)),),
    "audio/test": (Endpoint(GET_POST, S.AUDIO, P.AUDIO_CONTROL, (2, 14)),),
    "call/answer": (Endpoint(GET_POST, S.PHONE, P.PHONE_CONTROL),),
    "call/dial": (Endpoint(GET_POST, S.PHONE, P.PHONE_CONTROL),),
    "call/hangup": (Endpoint(GET_POST, S.PHONE, P.PHONE_CONTROL),),
    "call/status": (Endpoint(GET_POST, S.PHONE, P.PHONE_MONITORING),),
    "camera/caps": (Endpoint(GET_POST, S.CAMERA, P.CAMERA_MONITORING),),
    "camera/snapshot": (Endpoint(GET_POST, S.CAMERA, P.CAMERA_MONITORING),),
    "config": (Endpoint(GET_POST | PUT, S.SYSTEM, P.SYSTEM_CONTROL),),
    "config/factoryreset": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL),),
    "config/holidays": (Endpoint(GET | PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27)),),
    "dir/create": (Endpoint(PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27), json=True),),
    "dir/delete": (Endpoint(PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27), json=True),),
    "dir/get": (Endpoint(POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27), json=True),),
    "dir/query": (Endpoint(POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27), json=True),),
    "dir/template": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27)),),
    "dir/update": (Endpoint(PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27), json=True),),
    "display/caps": (Endpoint(GET_POST, S.DISPLAY, P.DISPLAY_CONTROL),),
    "display/image": (Endpoint(PUT | DELETE, S.DISPLAY, P.DISPLAY_CONTROL),),
    "email/send": (Endpoint(GET_POST, S.EMAIL, P.EMAIL_CONTROL, (2, 14)),),
    "firmware": (Endpoint(PUT, S.SYSTEM, P.SYSTEM_CONTROL),),
    "firmware/apply": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL),),
    "firmware/reject": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL),),
    "holidays": (Endpoint(GET | PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 27)),),
    "io/caps": (Endpoint(GET_POST, S.IO, P.IO_MONITORING),),
    "io/ctrl": (Endpoint(GET_POST, S.IO, P.IO_CONTROL),),
    "io/status": (Endpoint(GET_POST, S.IO, P.IO_MONITORING),),
    "lift/grantaccess": (Endpoint(GET_POST, S.ACCESS_CONTROL, P.ACCESS_CONTROL, (2, 34)),),
    "log/caps": (Endpoint(GET_POST, S.LOGGING),),
    "log/pull": (Endpoint(GET_POST, S.LOGGING),),
    "log/subscribe": (Endpoint(GET_POST, S.LOGGING),),
    "log/unsubscribe": (Endpoint(GET_POST, S.LOGGING),),
    "lpr/image": (Endpoint(GET_POST, S.ACCESS_CONTROL, P.ACCESS_MONITORING, (2, 32)),),
    "lpr/licenseplate": (Endpoint(POST, S.ACCESS_CONTROL, P.ACCESS_CONTROL, (2, 32), json=True),),
    "mobilekey/config": (
        Endpoint(GET, S.ACCESS_CONTROL, P.ACCESS_MONITORING, (2, 31)),
        Endpoint(PUT, S.ACCESS_CONTROL, P.ACCESS_MONITORING, (2, 31), json=True),
    ),
    "pcap": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 14)),),
    "pcap/live": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 34)),),
    "pcap/live/stats": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 34)),),
    "pcap/live/stop": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 34)),),
    "pcap/restart": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 14)),),
    "pcap/stop": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 14)),),
    "phone/calllog": (
        Endpoint(DELETE, S.PHONE, P.PHONE_CONTROL, (2, 36)),
        Endpoint(GET_POST, S.PHONE, P.PHONE_MONITORING, (2, 36)),
    ),
    "phone/status": (Endpoint(GET_POST, S.PHONE, P.PHONE_MONITORING),),
    "switch/caps": (Endpoint(GET_POST, S.SWITCH, SWITCH_READ),),
    "switch/ctrl": (Endpoint(GET_POST, S.SWITCH, P.SWITCH_CONTROL),),
    "switch/status": (Endpoint(GET_POST, S.SWITCH, SWITCH_READ),),
    "system/caps": (Endpoint(GET, S.SYSTEM, P.SYSTEM_MONITORING, (2, 29)),),
    "system/info": (Endpoint(GET_POST, S.SYSTEM),),
    "system/restart": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL),),
    "system/status": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL),),
    "system/time": (
        Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_MONITORING, (2, 35)),
        Endpoint(PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 44)),
    ),
    "system/time/set": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 35)),),
    # What later manuals brought (captures/endpoints_manual_2.50_LTS.txt).
    "automation/trigger/{triggerId}": (Endpoint(POST, S.AUTOMATION, P.AUTOMATION, (3, 0)),),
    "display/language": (Endpoint(GET | PUT, S.DISPLAY, P.DISPLAY_CONTROL, (2, 50)),),
    "display/text": (
        Endpoint(PUT, S.DISPLAY, P.DISPLAY_CONTROL, (2, 50), json=True),
        Endpoint(DELETE, S.DISPLAY, P.DISPLAY_CONTROL, (2, 50)),
    ),
    "io/doorbell": (Endpoint(POST, S.IO, P.IO_CONTROL, (3, 3)),),
    "mobilekey/compatibility": (
        Endpoint(GET, S.ACCESS_CONTROL, P.ACCESS_CONTROL, (2, 50)),
        Endpoint(PUT, S.ACCESS_CONTROL, P.ACCESS_CONTROL, (2, 50), json=True),
    ),
    "phone/config": (
        Endpoint(GET, S.PHONE, P.PHONE_MONITORING, (2, 43)),
        Endpoint(PUT, S.PHONE, P.PHONE_CONTROL, (2, 43)),
    ),
    "system/devicename": (Endpoint(GET_POST, S.SYSTEM, P.SYSTEM_CONTROL, (2, 50)),),
    "system/timezone": (
        Endpoint(GET, S.SYSTEM, P.SYSTEM_MONITORING, (2, 44)),
        Endpoint(PUT, S.SYSTEM, P.SYSTEM_CONTROL, (2, 44)),
    ),
    "system/timezone/caps": (Endpoint(GET, S.SYSTEM, P.SYSTEM_MONITORING, (2, 44)),),
    # Their parameters are not known, so they answer code 1.
    "cert/ca": (Endpoint(GET | PUT | DELETE, S.SYSTEM, P.SYSTEM_CONTROL, (2, 42)),),
    "cert/csr": (Endpoint(GET_POST | PUT | DELETE, S.SYSTEM, P.SYSTEM_CONTROL, (2, 50)),),
    "cert/user": (Endpoint(GET | PUT | DELETE, S.SYSTEM, P.SYSTEM_CONTROL, (2, 42)),),
    "system/ca": (Endpoint(GET | PUT | DELETE, S.SYSTEM, P.SYSTEM_CONTROL, (2, 50)),),
    "system/user": (Endpoint(GET | PUT | DELETE, S.SYSTEM, P.SYSTEM_CONTROL, (2, 50)),),
}


def resolve(path: str) -> tuple[str, dict[str, str]]:
    """Return the row of a path, and the parameter that is written into it (2N OS, automation/trigger)."""
    if path not in ENDPOINTS:
        head, _, tail = path.rpartition("/")
        for name in ENDPOINTS:
            fixed, _, last = name.rpartition("/")
            if last.startswith("{") and fixed == head and tail:
                return name, {last.strip("{}"): tail}
    return path, {}
