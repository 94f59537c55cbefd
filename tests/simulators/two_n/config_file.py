"""The configuration as a file, and the factory reset (HTTP API 5.3.1 and 5.3.2)."""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, NamedTuple
from xml.parsers import expat

from aiohttp import web

from tests.simulators.common.blob import Blob
from tests.simulators.common.clock import Clock, Timer

from .config import Account, Timing
from .directory import Directory
from .envelope import ApiError, Call, Code, Handler, success
from .models import Model
from .switches import Switches

ROOT = "DeviceDatabase"
NAME = "DeviceName"
# Found in the file and nowhere else: a place that shows them has leaked it.
SECRETS: Mapping[str, str] = {
    "WebPassword": "web-admin-Pa55",
    "SmtpPassword": "smtp-Relay-77",
    "SipPassword": "sip-Secret-5207",
    "Dot1xPassword": "eap-Secret-1x",
    "RtspPassword": "rtsp-Viewer-42",
    "SnmpCommunity": "snmp-Private-9",
}


class Section(NamedTuple):
    """An element with attributes and lines of content."""

    name: str
    values: Mapping[str, object]
    children: tuple[Section, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Write it."""
        indent = "    " * depth
        yield f"{indent}<{self.name}>"
        for name, value in self.values.items():
            text = int(value) if isinstance(value, bool) else value
            yield f"{indent}    <{name}>{escape(str(text))}</{name}>"
        for child in self.children:
            yield from child.lines(depth + 1)
        yield f"{indent}</{self.name}>"


class ConfigFile:
    """Download, upload, and factory reset; an uploaded file takes effect later."""

    def __init__(
        self,
        model: Model,
        clock: Clock,
        timing: Timing,
        accounts: dict[str, Account],
        directory: Directory,
        switches: Switches,
        configured: Callable[[], None],
        reset: Callable[[], None],
    ) -> None:
        """`configured` logs that the configuration was changed, `reset` makes everything new."""
        self.uploaded: bytes | None = None
        self._model = model
        self._clock = clock
        self._timing = timing
        self._accounts = accounts
        self._directory = directory
        self._switches = switches
        self._configured = configured
        self._reset = reset
        self._pending: Timer | None = None
        self.handlers: dict[str, Handler] = {"config": self._config, "config/factoryreset": self._factory_reset}

    @property
    def secrets(self) -> list[str]:
        """What of the file must never be seen."""
        accounts = [account.password for account in self._accounts.values()]
        codes = [text for entry in self._directory for text in (entry["access"]["pin"], *entry["access"]["code"])]
        return [secret for secret in (*SECRETS.values(), *accounts, *codes) if secret]

    async def _config(self, call: Call) -> web.StreamResponse:
        if call.request.method == "PUT":
            return self._upload(call.blob("blob-cfg"))
        response = web.StreamResponse(headers={"Content-Type": "application/xml"})
        response.headers["Server"] = f"HIP{self._model.info['swVersion']}"
        await response.prepare(call.request)
        await response.write(self._head().encode())
        for section in self._sections():
            await response.write(("\n".join(section.lines()) + "\n").encode())
        await response.write(f"</{ROOT}>\n".encode())
        return response

    def _head(self) -> str:
        info = self._model.info
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            "<!--\n"
            f"    Product name: {info['variant']}\n"
            f"    Serial number: {info['serialNumber']}\n"
            f"    Software version: {info['swVersion']}\n"
            f"    Hardware version: {info['hwVersion']}\n"
            f"    Bootloader version: {info['swVersion'].rpartition('.')[0]}.1\n"
            f"    Display: {'Yes' if self._model.displays else 'No'}\n"
            f"    Card reader: {'Yes' if self._model.card_reader else 'No'}\n"
            "-->\n"
            f'<{ROOT} Version="4">\n'
        )

    def _sections(self) -> Iterator[Section]:
        info = self._model.info
        yield Section("Network", {"DhcpEnabled": True, "HostName": "", "Dot1xPassword": SECRETS["Dot1xPassword"]})
        yield Section("WebServer", {NAME: info["deviceName"], "Password": SECRETS["WebPassword"]})
        accounts = (
            Section("Account", {"Enabled": account.enabled, "Username": account.name, "Password": account.password})
            for account in self._accounts.values()
        )
        yield Section("HttpApi", {}, tuple(accounts))
        yield Section("Phone", {"SipNumber": self._model.sip_numbers[0], "AuthPassword": SECRETS["SipPassword"]})
        yield Section("Smtp", {"Server": "", "Password": SECRETS["SmtpPassword"]})
        yield Section("RtspServer", {"Username": "viewer", "Password": SECRETS["RtspPassword"]})
        yield Section("Snmp", {"Community": SECRETS["SnmpCommunity"]})
        switches = (
            Section("Switch", {"Number": spec.number, "Enabled": spec.enabled, "Mode": spec.mode})
            for spec in (switch.spec for switch in self._switches.all.values())
        )
        yield Section("Switches", {}, tuple(switches))
        yield Section("Directory", {}, tuple(_user(entry) for entry in self._directory))

    def _upload(self, blob: Blob) -> web.Response:
        try:
            root, name = _read(blob.data)
        except expat.ExpatError:
            raise ApiError(Code.INVALID_VALUE, "blob-cfg") from None
        if root != ROOT:
            raise ApiError(Code.INVALID_VALUE, "blob-cfg")
        self.uploaded = blob.data
        self._later(self._timing.config_apply, lambda: self._apply(name))
        return success()

    def _apply(self, name: str) -> None:
        if name:
            self._model.info["deviceName"] = name
        self._configured()

    async def _factory_reset(self, _: Call) -> web.StreamResponse:
        self._later(self._timing.factory_reset, self._reset)
        return success()

    def _later(self, seconds: float, effect: Callable[[], None]) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self._pending = self._clock.later(seconds, effect)


def _user(entry: Mapping[str, Any]) -> Section:
    access = entry["access"]
    values = {"Uuid": entry["uuid"], "Name": entry["name"], "Pin": access["pin"], "Card": ",".join(access["card"])}
    return Section("User", values | {"Codes": ",".join(access["code"])})


def _read(data: bytes) -> tuple[str, str]:
    """Return the name of the root element and the text of the first device name."""
    path: list[str] = []
    roots: list[str] = []
    names: list[str] = []

    def start(tag: str, _: object) -> None:
        if not path:
            roots.append(tag)
        path.append(tag)
        if tag == NAME:
            names.append("")

    def text(data: str) -> None:
        if path and path[-1] == NAME:
            names[-1] += data

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = text
    parser.Parse(data, True)
    return roots[0], next(iter(names), "").strip()
