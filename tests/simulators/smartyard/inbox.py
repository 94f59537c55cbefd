"""The functions of module `inbox`, and those of the small modules."""

from collections.abc import Callable
from html import escape

from .envelope import BARE, Answer, ApiError, Call, Handler, Json
from .people import Message, Subscriber
from .texts import EMPTY_ACTION, EMPTY_MESSAGE, ERROR
from .timezone import written

OPTIONS: Json = {
    "cityCams": "t",
    "payments": "t",
    "chat": "f",
    "supportPhone": "+7(4752)000000",
    "paymentsUrl": "https://pay.example.test/",
    "timeZone": "Europe/Moscow",
    "guestAccess": "turnOnOnly",
    "version": 0,
    "cctvView": "list",
    "entrancesView": "list",
    "activeTab": "addresses",
    "addressVerificationTabLayoutVisible": "t",
    "addressVerificationTab1Visible": "t",
    "addressVerificationTab2Visible": "t",
    "eventsTracking": "t",
    "stories": "f",
    "faceGroups": "f",
    "faceClustering": "f",
}
SUPPORT: Json = {
    "server": "sip.example.test",
    "port": 54675,
    "transport": "tcp",
    "extension": "123",
    "pass": "support-secret",
    "dial": "429999",
    "stun": "stun:stun.example.test:19302",
}

type Send = Callable[[Subscriber, str, str, str], Message]


class Inbox:
    """The functions, by their paths in the table."""

    def __init__(self, send: Send, static_url: Callable[[], str]) -> None:
        """`send` writes a message to a user and pushes it: title, text, action."""
        self.options = dict(OPTIONS)
        self._send = send
        self._static_url = static_url
        self.handlers: dict[str, Handler] = {
            "/inbox/unreaded": lambda call: {"count": call.who.unread, "chat": call.who.chat},
            "/inbox/inbox": self._page,
            "/inbox/readed": self._read,
            "/inbox/delivered": self._delivered,
            "/inbox/alert": self._alert,
            "/inbox/chatReaded": self._chat_read,
            "/ext/options": lambda call: dict(self.options),
            "/ext/list": lambda call: None,
            "/ext/ext": lambda call: None,
            "/sip/helpMe": lambda call: dict(SUPPORT),
            "/geo/address": lambda call: BARE,
            "/frs/listFaces": self._faces,
            "/lprs/listNumbers": lambda call: None,
        }

    def _page(self, call: Call) -> Answer:
        rows = "".join(
            f'<div class="message"><span>{written(message.written)}</span><p>{escape(message.text)}</p></div>'
            for message in reversed(call.who.messages)
        )
        for message in call.who.messages:
            message.read = True
        page = f'<!DOCTYPE html>\n<html lang="ru"><head><title>inbox</title></head><body>{rows}</body></html>'
        return {"basePath": self._static_url(), "code": page}

    @staticmethod
    def _read(call: Call) -> Answer:
        number = call.text("messageId")
        for message in call.who.messages:
            if not number or str(message.id) == number:
                message.read = True
        return None

    @staticmethod
    def _delivered(call: Call) -> Answer:
        number = call.text("messageId")
        found = next((message for message in call.who.messages if str(message.id) == number), None)
        if found is None:
            raise ApiError(404)
        found.delivered = True
        return None

    def _alert(self, call: Call) -> Answer:
        if not (text := call.text("msg")):
            raise ApiError(406, EMPTY_MESSAGE, ERROR)
        if not (action := call.text("action")):
            raise ApiError(406, EMPTY_ACTION, ERROR)
        self._send(call.who, "", text, action)
        return None

    @staticmethod
    def _chat_read(call: Call) -> Answer:
        call.who.chat = 0
        return None

    @staticmethod
    def _faces(call: Call) -> Answer:
        # No faces are recognized in any of the houses.
        raise ApiError(422)
