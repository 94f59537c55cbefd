"""Client of SmartYard (RBT, LanTa, AXIOSTV): the mobile API of one account, and its pushes."""

from .account import Extension, Notification, Page, PushTokens, ServerOptions, SipCredentials, Unread
from .address import OFF, Door, Flat, House, IntercomChanges, IntercomSettings, KeyFob, Office, Roommate, Story
from .cameras import Archive, Camera, Clip, Group, IntercomCamera, Range, ServerType
from .client import CodeRequest, Login, Method, Name, new_device_token
from .discovery import SYSTEM_INFO, SmartYard, find
from .journal import Face, KnownFace, LogDay, LogEvent, LogRecord, Tracked
from .pictures import Film
from .push import Action, CallPush, TextPush
from .streams import Still, archive_url, check, live_url, still

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
    "KeyFob",
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
