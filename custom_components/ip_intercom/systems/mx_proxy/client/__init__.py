"""Client of MX Proxy in front of a Zultys MX PBX: the REST API of one extension (manual 2.1 and field notes)."""

from .account import Contact, Service, UserInfo
from .calls import Answered, CallMode, LogRecord, MadeCall, Transferred
from .client import Credentials
from .conferences import Conference, ConferenceSettings
from .discovery import MxProxy, find
from .events import CallEvent, Kind, MailEvent
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
