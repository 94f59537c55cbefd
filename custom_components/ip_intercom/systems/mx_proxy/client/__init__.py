"""MX Proxy in front of a Zultys MX PBX: the REST API of one extension (manual 2.1, and what is known of servers)."""

from .calls import Answered, CallMode, LogRecord, MadeCall, Transferred
from .conferences import Conference, ConferenceSettings
from .directory import Contact, Service
from .discovery import find
from .events import CallEvent, Kind, MailEvent
from .login import Credentials
from .proxy import MxProxy
from .session import UserInfo
from .voicemails import Recording, Voicemail

__all__ = [
    "Answered",
    "CallEvent",
    "CallMode",
    "Conference",
    "ConferenceSettings",
    "Contact",
    "Credentials",
    "Kind",
    "LogRecord",
    "MadeCall",
    "MailEvent",
    "MxProxy",
    "Recording",
    "Service",
    "Transferred",
    "UserInfo",
    "Voicemail",
    "find",
]
