"""Modules on the bus of a modular device: they come and go while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum, StrEnum

from .display import Displays
from .envelope import Json
from .eventlog import EventLog
from .models import DisplaySpec, Model
from .ports import Ports


class Kind(StrEnum):
    """Kinds of modules that can be plugged in."""

    IO = "io"
    DISPLAY = "display"


class Reason(IntEnum):
    """What happened to a module. That it is a number is known, which one is not."""

    PLUGGED = 1
    UNPLUGGED = 2


CLASSES = {Kind.IO: 5, Kind.DISPLAY: 9}


class Modules:
    """Tracks the plugged modules, and informs the parts of the device."""

    def __init__(
        self,
        model: Model,
        log: EventLog,
        ports: Ports,
        displays: Displays,
        show: Callable[[bool], None],
    ) -> None:
        """`show` gets whether the device has a display."""
        self.all = dict.fromkeys(displays.all, Kind.DISPLAY) if model.modular else {}
        self._model = model
        self._log = log
        self._ports = ports
        self._displays = displays
        self._show = show

    def plug(self, name: str, kind: str) -> None:
        """Plug a module in."""
        module = Kind(kind)
        if not self._model.modular or name in self.all:
            raise ValueError(f"there is no place for {name}")
        with self._changing(name, module, Reason.PLUGGED):
            self.all[name] = module
            if module is Kind.IO:
                self._ports.plug(f"{name}_input1", "input")
                self._ports.plug(f"{name}_relay1", "output")
            else:
                self._displays.plug(DisplaySpec(name, 320, 214, video=True))

    def unplug(self, name: str) -> None:
        """Pull a module out."""
        module = self.all[name]
        with self._changing(name, module, Reason.UNPLUGGED):
            del self.all[name]
            if module is Kind.IO:
                self._ports.unplug(f"{name}_input1")
                self._ports.unplug(f"{name}_relay1")
            else:
                self._displays.unplug(name)

    @contextmanager
    def _changing(self, name: str, module: Kind, reason: Reason) -> Iterator[None]:
        """Apply a change, and report it."""
        yield
        if module is Kind.DISPLAY:
            self._show(bool(self._displays.all))
        params: Json = {"reason": int(reason), "class": CLASSES[module], "id": name}
        self._log.record("HardwareChanged", params)
        self._log.record("CapabilitiesChanged", {})
