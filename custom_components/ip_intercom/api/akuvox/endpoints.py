"""The functions of the Akuvox HTTP API as data (HTTP API Functions)."""

from dataclasses import dataclass, replace

GET, POST = "GET", "POST"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function of the API.

    ``methods`` are those the manual allows, the one to begin with first. ``repeatable`` is False where a second run
    would do something twice: such a request is never sent again by itself once it may have arrived.
    """

    target: str
    action: str
    methods: tuple[str, ...] = (GET, POST)
    repeatable: bool = True

    @property
    def path(self) -> str:
        """The absolute path."""
        return f"/api/{self.target}/{self.action}"


def by(method: str, endpoint: Endpoint) -> Endpoint:
    """Return a function that is asked by this method only."""
    return replace(endpoint, methods=(method,))


def _once(target: str, action: str) -> Endpoint:
    return Endpoint(target, action, repeatable=False)


def _post(target: str, action: str) -> Endpoint:
    return Endpoint(target, action, (POST,))


def _post_once(target: str, action: str) -> Endpoint:
    return Endpoint(target, action, (POST,), repeatable=False)


SYSTEM_INFO = Endpoint("system", "info")
SYSTEM_STATUS = Endpoint("system", "status")
SYSTEM_REBOOT = _once("system", "reboot")

FIRMWARE_STATUS = Endpoint("firmware", "status")
FIRMWARE_PREPARE = Endpoint("firmware", "prepare")
FIRMWARE_UPLOAD = _post_once("firmware", "upload")
FIRMWARE_UPGRADE = _once("firmware", "upgrade")

CONFIG_GET = Endpoint("config", "get")
CONFIG_SET = _post("config", "set")
# An E16C refuses the manual's method, and takes one key a request by this one.
CONFIG_SET_ONE = by(GET, CONFIG_SET)
CONFIG_EXPORT = Endpoint("config", "export")
CONFIG_IMPORT = _post_once("config", "import")
CONFIG_RESET_FACTORY = _once("config", "reset_factory")

RELAY_GET = Endpoint("relay", "get")
RELAY_SET = _post("relay", "set")
RELAY_STATUS = Endpoint("relay", "status")
RELAY_TRIG = _once("relay", "trig")

INPUT_GET = Endpoint("input", "get")
INPUT_SET = _post("input", "set")
INPUT_STATUS = Endpoint("input", "status")

PUBLICCODE_GET = Endpoint("publiccode", "get")
PUBLICCODE_SET = _post("publiccode", "set")

CALL_STATUS = Endpoint("call", "status")
CALL_DIAL = _once("call", "dial")
CALL_HANGUP = _once("call", "hangup")

SIP_GET = Endpoint("sip", "get")
SIP_SET = _post("sip", "set")
SIP_STATUS = Endpoint("sip", "status")

LOG_GET = Endpoint("log", "get")
LOG_SET = _post("log", "set")
LOG_EXPORT = Endpoint("log", "export")
LOG_CLEAR = Endpoint("log", "clear")

# The table of the manual spells it callog, its examples and devices calllog.
CALLLOG_GET = Endpoint("calllog", "get")
CALLLOG_DEL = _post_once("calllog", "del")
CALLLOG_CLEAR = _once("calllog", "clear")
CALLLOG_EXPORT = Endpoint("calllog", "export")

DOORLOG_GET = Endpoint("doorlog", "get")
DOORLOG_DEL = _post_once("doorlog", "del")
DOORLOG_CLEAR = _once("doorlog", "clear")
DOORLOG_EXPORT = Endpoint("doorlog", "export")

PCAP_STATUS = Endpoint("pcap", "status")
PCAP_START = _once("pcap", "start")
PCAP_STOP = _once("pcap", "stop")
PCAP_EXPORT = Endpoint("pcap", "export")

USER_INFO = Endpoint("user", "info")
USER_SCAN = _post("user", "scan")
USER_EXPORT = Endpoint("user", "export")


@dataclass(frozen=True, slots=True)
class ListEndpoints:
    """The functions of a list of things with an ID."""

    get: Endpoint
    add: Endpoint
    set: Endpoint
    delete: Endpoint
    clear: Endpoint
    export: Endpoint
    import_: Endpoint

    @classmethod
    def of(cls, target: str) -> ListEndpoints:
        """Return those of a target; a change may be made again, an ``add`` would add twice."""
        return cls(
            Endpoint(target, "get"),
            _post_once(target, "add"),
            _post(target, "set"),
            _post_once(target, "del"),
            _once(target, "clear"),
            Endpoint(target, "export"),
            _post_once(target, "import"),
        )


PRIVATEKEY = ListEndpoints.of("privatekey")
RFKEY = ListEndpoints.of("rfkey")
CONTACT = ListEndpoints.of("contact")
# The example of the manual's introduction adds one contact in the address.
CONTACT_ADD_ONE = by(GET, CONTACT.add)
GROUP = ListEndpoints.of("group")
DIALREPLACE = ListEndpoints.of("dialreplace")
USER = ListEndpoints.of("user")
