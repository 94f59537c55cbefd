"""A 2N IP intercom that behaves as the HTTP API manual 2.38 and the field notes say.

`async with Simulator("verso") as sim:` inside a test, `python -m tests.simulators.two_n` on the command line.
"""

from tests.simulators.common.faults import Garbage

from .config import Account, Auth, Connection, Privilege, Service, ServiceConfig, Timing
from .control import VERBS, Control
from .envelope import Code
from .eventlog import LogEvent
from .firmware import firmware_chunks, make_firmware
from .models import MODELS, Model
from .phone import Session
from .simulator import Request, Simulator
from .switches import Activation, Switch
from .video import make_video

__all__ = [
    "MODELS",
    "VERBS",
    "Account",
    "Activation",
    "Auth",
    "Code",
    "Connection",
    "Control",
    "Garbage",
    "LogEvent",
    "Model",
    "Privilege",
    "Request",
    "Service",
    "ServiceConfig",
    "Session",
    "Simulator",
    "Switch",
    "Timing",
    "firmware_chunks",
    "make_firmware",
    "make_video",
]
