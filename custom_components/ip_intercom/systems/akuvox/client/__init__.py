"""Akuvox door phones and access control: the HTTP API (manual 2.0, and what is known of devices in the field)."""

from .camera import MAIN_STREAM, SUB_STREAM, AkuvoxCamera
from .client import AkuvoxClient
from .device import AkuvoxDevice
from .discovery import FoundDevice, find_device, is_akuvox, refusal

__all__ = [
    "MAIN_STREAM",
    "SUB_STREAM",
    "AkuvoxCamera",
    "AkuvoxClient",
    "AkuvoxDevice",
    "FoundDevice",
    "find_device",
    "is_akuvox",
    "refusal",
]
