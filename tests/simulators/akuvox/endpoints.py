"""The table of HTTP API Functions, and what the manual's examples misprint in the replies."""

from collections.abc import Mapping
from dataclasses import dataclass

from .dialects import Dialect

GET, POST = "GET", "POST"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A function; `replied` is the action in its reply where that is another one (field notes 5)."""

    methods: frozenset[str]
    section: str
    replied: str = ""
    upload: bool = False


BOTH = {
    "system": "info status reboot",
    "firmware": "status prepare upgrade",
    "config": "get export reset_factory",
    "relay": "get status trig",
    "input": "get status",
    "publiccode": "get",
    "privatekey": "get clear export",
    "rfkey": "get clear export",
    "contact": "get clear export",
    "group": "get clear",
    "call": "status dial hangup",
    "sip": "get status",
    "dialreplace": "get clear export",
    "log": "get export clear",
    "calllog": "get clear export",
    "doorlog": "get clear export",
    "pcap": "status start stop export",
    "user": "info get clear export",
}
POST_ONLY = {
    "config": "set",
    "relay": "set",
    "input": "set",
    "publiccode": "set",
    "privatekey": "add set del",
    "rfkey": "add set del",
    "contact": "add set del",
    # The manual has no del, devices do.
    "group": "add set del",
    "sip": "set",
    "dialreplace": "add set del",
    "log": "set",
    "calllog": "del",
    "doorlog": "del",
    "user": "add set scan del",
}
UPLOADS = {
    "firmware": "upload",
    "config": "import",
    "privatekey": "import",
    "rfkey": "import",
    "contact": "import",
    "dialreplace": "import",
    "user": "import",
}
REPLIED = {
    "system/reboot": "status",
    "log/set": "get",
    "calllog/clear": "upgrade",
    "doorlog/get": "upgrade",
    "user/get": "info",
    "user/scan": "scam",
}


def _table() -> dict[str, Endpoint]:
    table: dict[str, Endpoint] = {}
    for actions, methods, upload in (
        (BOTH, {GET, POST}, False),
        (POST_ONLY, {POST}, False),
        (UPLOADS, {POST}, True),
    ):
        for target, names in actions.items():
            for action in names.split():
                name = f"{target}/{action}"
                section = f"Api {target} {action}"
                table[name] = Endpoint(frozenset(methods), section, REPLIED.get(name, ""), upload)
    return table


ENDPOINTS: Mapping[str, Endpoint] = _table()


def methods(dialect: Dialect, name: str) -> frozenset[str]:
    """Return the HTTP methods that a device accepts for a function."""
    target, _, _ = name.partition("/")
    if target not in dialect.targets or (name == "group/del" and not dialect.group_del):
        return frozenset()
    if name == "config/set" and dialect.sets_by_get:
        return frozenset({GET})
    if name == "contact/add" and dialect.get_adds_contact:
        return frozenset({GET, POST})
    return ENDPOINTS[name].methods if name in ENDPOINTS else frozenset()
