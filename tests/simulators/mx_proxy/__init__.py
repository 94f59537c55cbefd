"""An MX Proxy 2.1 that behaves as its manual, the captures and the field notes say, with an MX behind it.

`async with Simulator() as sim:` inside a test, `python -m tests.simulators.mx_proxy` on the command line.
"""

from .control import VERBS, Control
from .endpoints import ENDPOINTS, Endpoint
from .events import Kind
from .fixtures import APPS, LOGIN, MX, PASSWORD
from .pbx import Outage
from .push import Form, Sent
from .simulator import Request, Simulator

__all__ = [
    "APPS",
    "ENDPOINTS",
    "LOGIN",
    "MX",
    "PASSWORD",
    "VERBS",
    "Control",
    "Endpoint",
    "Form",
    "Kind",
    "Outage",
    "Request",
    "Sent",
    "Simulator",
]
