"""Google's side of Firebase Cloud Messaging as field notes 8 of SmartYard and the library's own messages have it.

`async with Simulator() as sim:` inside a test. Registrations are made over HTTP, messages come over TLS (MCS), encrypted
to the keys of the registered client.
"""

from .messages import Message, Spoilt
from .registry import API_KEY, APP_ID, PROJECT, SENDER
from .simulator import Simulator

__all__ = ["API_KEY", "APP_ID", "PROJECT", "SENDER", "Message", "Simulator", "Spoilt"]
