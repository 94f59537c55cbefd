"""Who has an account, and with which devices."""

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count


class Role(StrEnum):
    """The role of a person in a flat."""

    OWNER = "owner"
    INNER = "inner"


@dataclass(slots=True)
class Message:
    """One message of the inbox; `written` is Unix time."""

    id: int
    title: str
    text: str
    action: str
    written: int
    read: bool = False
    delivered: bool = False


@dataclass(slots=True)
class Subscriber:
    """A phone number; `flats` says what its owner is where."""

    phone: str
    name: str = ""
    patronymic: str = ""
    last: str = ""
    flats: dict[int, Role] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    chat: int = 0

    @property
    def unread(self) -> int:
        """Count the unread messages."""
        return sum(not message.read for message in self.messages)

    def names(self) -> dict[str, str]:
        """Return the names as the server does."""
        return {"name": self.name, "patronymic": self.patronymic, "last": self.last}


@dataclass(slots=True)
class Device:
    """An installation of a client; `token` opens the API, `push_token` is what it registered.

    Whether it gets calls, texts and texts about money is its own: other devices of the number get theirs all the same.
    """

    id: int
    phone: str
    device_token: str = field(repr=False)
    token: str = field(repr=False)
    platform: str = "android"
    service: str = "fcm"
    push_token: str | None = field(default=None, repr=False)
    voip_token: str | None = field(default=None, repr=False)
    bundle: str = ""
    voip: bool = True
    texts: bool = True
    money: bool = True
    # Settings of a server to come.
    more: dict[str, str] = field(default_factory=dict)


class People:
    """All subscribers and their devices."""

    def __init__(self, subscribers: list[Subscriber]) -> None:
        """Begin with these."""
        self.subscribers = {subscriber.phone: subscriber for subscriber in subscribers}
        self.devices: list[Device] = []
        self.next_device = count(1).__next__
        self._next_message = count(1).__next__

    def get(self, phone: str) -> Subscriber:
        """Find a subscriber; an unknown one is added without apartments."""
        return self.subscribers.setdefault(phone, Subscriber(phone))

    def of_flat(self, flat: int) -> list[Subscriber]:
        """Return the residents."""
        return [subscriber for subscriber in self.subscribers.values() if flat in subscriber.flats]

    def of_phone(self, phone: str) -> list[Device]:
        """Return the devices of a subscriber."""
        return [device for device in self.devices if device.phone == phone]

    def by_token(self, token: str) -> Device | None:
        """Find the device that a token was given to."""
        return next((device for device in self.devices if device.token == token), None)

    def write_to(self, subscriber: Subscriber, title: str, text: str, action: str, now: int) -> Message:
        """Put a message into the inbox of a user."""
        message = Message(self._next_message(), title, text, action, now)
        subscriber.messages.append(message)
        return message
