"""Cameras of the account, and how each of their servers wants to be asked."""

from .cameras import Archive, Camera, Cameras, Clip, Group, IntercomCamera, Range, ServerType
from .films import Film, Films
from .streams import Still, archive_url, check, live_url, still

__all__ = [
    "Archive",
    "Camera",
    "Cameras",
    "Clip",
    "Film",
    "Films",
    "Group",
    "IntercomCamera",
    "Range",
    "ServerType",
    "Still",
    "archive_url",
    "check",
    "live_url",
    "still",
]
