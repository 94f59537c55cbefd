"""Logic inputs and outputs (HTTP API 5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from .envelope import ApiError, Call, Code, Handler, Params, success, text_or_success
from .eventlog import EventLog

EVENT_OF_TYPE: Mapping[str, str] = {"input": "InputChanged", "output": "OutputChanged"}
STATE_OF_ACTION: Mapping[str, bool] = {"on": True, "off": False}


@dataclass(slots=True)
class Port:
    """A port with its logic state."""

    name: str
    type: str
    state: bool = False


class Ports:
    """All ports of the device."""

    def __init__(self, ports: Mapping[str, str], log: EventLog) -> None:
        """`ports` maps names to "input" or "output"."""
        self.all = {name: Port(name, kind) for name, kind in ports.items()}
        self._log = log
        self.handlers: dict[str, Handler] = {"io/caps": self._caps, "io/status": self._status, "io/ctrl": self._ctrl}

    def plug(self, name: str, kind: str) -> None:
        """Add a port of a module."""
        self.all[name] = Port(name, kind)

    def unplug(self, name: str) -> None:
        """Take one away; its last state is not reported."""
        del self.all[name]

    def set(self, name: str, state: bool) -> None:
        """Change a port, with its event."""
        port = self.all[name]
        if port.state is not state:
            port.state = state
            self._log.record(EVENT_OF_TYPE[port.type], {"port": name, "state": state})

    def _selected(self, params: Params) -> list[Port]:
        return [self._port(params)] if "port" in params else list(self.all.values())

    def _port(self, params: Params) -> Port:
        if (port := self.all.get(params.required("port"))) is None:
            raise ApiError(Code.INVALID_VALUE, "port")
        return port

    async def _caps(self, call: Call) -> web.StreamResponse:
        return success({"ports": [{"port": p.name, "type": p.type} for p in self._selected(call.params)]})

    async def _status(self, call: Call) -> web.StreamResponse:
        return success({"ports": [{"port": p.name, "state": int(p.state)} for p in self._selected(call.params)]})

    async def _ctrl(self, call: Call) -> web.StreamResponse:
        port = self._port(call.params)
        if port.type != "output":
            raise ApiError(Code.INVALID_VALUE, "port")
        self.set(port.name, STATE_OF_ACTION[call.params.choice("action", STATE_OF_ACTION)])
        return text_or_success(call.params)
