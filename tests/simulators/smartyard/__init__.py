"""A SmartYard server that behaves as its two documents, the captures and the field notes say, with cameras behind it.

`async with Simulator() as sim:` inside a test, `python -m tests.simulators.smartyard` on the command line.
"""

from .cameras import Camera, Kind
from .control import VERBS, Control
from .dialects import Dialect
from .endpoints import ENDPOINTS, Endpoint
from .faults import Breakage, Dates
from .fixtures import NEIGHBOUR, PHONE, ROOMMATE
from .forged_pushes import Hostile
from .history import Event
from .houses import Door, Flat, House, Town
from .payloads import CALL, Form
from .people import Role
from .push import Sent
from .simulator import ELSEWHERE, Request, Simulator

__all__ = [
    "CALL",
    "ELSEWHERE",
    "ENDPOINTS",
    "NEIGHBOUR",
    "PHONE",
    "ROOMMATE",
    "VERBS",
    "Breakage",
    "Camera",
    "Control",
    "Dates",
    "Dialect",
    "Door",
    "Endpoint",
    "Event",
    "Flat",
    "Form",
    "Hostile",
    "House",
    "Kind",
    "Request",
    "Role",
    "Sent",
    "Simulator",
    "Town",
]
