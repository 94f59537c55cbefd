"""An Akuvox device that behaves as the HTTP API manual 2.0, the captures and the field notes say.

`async with Simulator("e18") as sim:` inside a test, `python -m tests.simulators.akuvox` on the command line.
"""

from .action_urls import Result, Sent
from .camera import Broken
from .control import VERBS, Control
from .dialects import DIALECTS, Auth, Dialect, Redirect, RelayNames, RelayReading, Root
from .logs import LogForm, Positions
from .simulator import Request, Simulator
from .system import firmware_chunks, make_firmware

__all__ = [
    "DIALECTS",
    "VERBS",
    "Auth",
    "Broken",
    "Control",
    "Dialect",
    "LogForm",
    "Positions",
    "Redirect",
    "RelayNames",
    "RelayReading",
    "Request",
    "Result",
    "Root",
    "Sent",
    "Simulator",
    "firmware_chunks",
    "make_firmware",
]
