"""2N IP intercoms, access units and indoor units: the HTTP API (HTTP API manual 2.38, and what is known of 3.x)."""

from .client import TwoNClient
from .device import TwoNDevice
from .discovery import find_device

__all__ = ["TwoNClient", "TwoNDevice", "find_device"]
