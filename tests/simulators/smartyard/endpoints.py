"""The table of requests, by the sections of the field notes; paths are those below the base."""

from collections.abc import Mapping
from dataclasses import dataclass

from .dialects import Dialect

EVERYWHERE = frozenset(Dialect)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request.

    `is_open` needs no token. `counted` are those that a client should know; others are answered because there is a
    capture, or are another name of one that is counted.
    """

    path: str
    section: str
    method: str = "POST"
    is_open: bool = False
    counted: bool = True
    dialects: frozenset[Dialect] = EVERYWHERE


RBT_ONLY = frozenset({Dialect.RBT})
AXIOS_ONLY = frozenset({Dialect.AXIOS})

ENDPOINTS = (
    Endpoint("/user/requestCode", "4", is_open=True),
    Endpoint("/user/confirmCode", "4", is_open=True),
    Endpoint("/user/checkPhone", "4", is_open=True),
    Endpoint("/user/ping", "5"),
    Endpoint("/user/phonePattern", "5", is_open=True),
    Endpoint("/user/getName", "5"),
    Endpoint("/user/notification", "5"),
    Endpoint("/user/registerPushToken", "5"),
    Endpoint("/user/pushTokens", "5"),
    Endpoint("/user/appVersion", "5"),
    Endpoint("/ext/options", "5"),
    Endpoint("/ext/list", "5"),
    Endpoint("/ext/ext", "5", counted=False),
    Endpoint("/address/getAddressList", "5"),
    Endpoint("/address/getSettingsList", "5"),
    Endpoint("/address/intercom", "5"),
    Endpoint("/address/openDoor", "5"),
    Endpoint("/address/resetCode", "5"),
    Endpoint("/address/plogDays", "5"),
    Endpoint("/address/plog", "5"),
    Endpoint("/address/trackEvent", "5"),
    Endpoint("/address/untrackEvent", "5"),
    Endpoint("/address/getTrackedEvents", "5"),
    Endpoint("/address/watch", "5", counted=False),
    Endpoint("/address/unwatch", "5", counted=False),
    Endpoint("/address/watching", "5", counted=False),
    Endpoint("/cctv/all", "5"),
    Endpoint("/cctv/allTree", "5"),
    Endpoint("/cctv/overview", "5"),
    Endpoint("/cctv/camMap", "5"),
    Endpoint("/cctv/ranges", "5"),
    Endpoint("/cctv/recPrepare", "5"),
    Endpoint("/cctv/recDownload", "5"),
    Endpoint("/cctv/youtube", "5"),
    Endpoint("/inbox/unreaded", "5"),
    Endpoint("/inbox/inbox", "5"),
    Endpoint("/inbox/readed", "5"),
    Endpoint("/inbox/delivered", "5", dialects=AXIOS_ONLY),
    Endpoint("/inbox/alert", "5"),
    Endpoint("/inbox/chatReaded", "5 doc"),
    Endpoint("/sip/helpMe", "5 doc"),
    Endpoint("/geo/address", "5 doc", counted=False),
    Endpoint("/frs/listFaces", "5 doc", counted=False),
    Endpoint("/lprs/listNumbers", "5 doc", counted=False),
    Endpoint("/call/camshot/{hash}", "3", "GET", is_open=True),
    Endpoint("/call/live/{hash}", "3", "GET", is_open=True),
    Endpoint("/address/plogCamshot/{uuid}", "3", "GET", is_open=True),
    Endpoint("/cctv/download/{uuid}", "3", "GET", is_open=True),
)
METHODS: Mapping[str, Endpoint] = {endpoint.path: endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"}
PICTURES: Mapping[str, Endpoint] = {
    endpoint.path.rpartition("/")[0]: endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"
}


def find(method: str, path: str, dialect: Dialect) -> tuple[Endpoint, str] | None:
    """Find the request of a path below the base, with the last part of a picture's path."""
    if method == "POST":
        endpoint = METHODS.get(path)
        return None if endpoint is None or dialect not in endpoint.dialects else (endpoint, "")
    folder, _, name = path.rpartition("/")
    picture = PICTURES.get(folder)
    return (picture, name) if method == "GET" and picture is not None and name else None
