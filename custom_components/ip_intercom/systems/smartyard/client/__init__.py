"""SmartYard (RBT, LanTa, AXIOSTV): the mobile API of one account, and its pushes."""

from .address import Door, Flat, House, Key, Office, Roommate, Story
from .cameras import (
    Archive,
    Camera,
    Clip,
    Film,
    Group,
    IntercomCamera,
    Range,
    ServerType,
    Still,
    archive_url,
    check,
    live_url,
    still,
)
from .discovery import find
from .ext import Extension, Page, ServerOptions
from .inbox import Unread
from .intercom import OFF, IntercomChanges, IntercomSettings
from .journal import Face, LogDay, LogEvent, LogRecord, Tracked
from .login import CodeRequest, Login, Method, Name, new_device_token
from .push import Action, CallPush, TextPush
from .recognition import KnownFace
from .sip import SipCredentials
from .user import Notification, PushTokens
from .yard import SYSTEM_INFO, SmartYard

__all__ = [
    "OFF",
    "SYSTEM_INFO",
    "Action",
    "Archive",
    "CallPush",
    "Camera",
    "Clip",
    "CodeRequest",
    "Door",
    "Extension",
    "Face",
    "Film",
    "Flat",
    "Group",
    "House",
    "IntercomCamera",
    "IntercomChanges",
    "IntercomSettings",
    "Key",
    "KnownFace",
    "LogDay",
    "LogEvent",
    "LogRecord",
    "Login",
    "Method",
    "Name",
    "Notification",
    "Office",
    "Page",
    "PushTokens",
    "Range",
    "Roommate",
    "ServerOptions",
    "ServerType",
    "SipCredentials",
    "SmartYard",
    "Still",
    "Story",
    "TextPush",
    "Tracked",
    "Unread",
    "archive_url",
    "check",
    "find",
    "live_url",
    "new_device_token",
    "still",
]
