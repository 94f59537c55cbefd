"""Texts on the display of 2N IP Style and of answering units.

HTTP API 5.9.3 and 5.9.4 of the later manuals: the message comes as JSON, either with translations (`message`) or as a
free `text`; the reader may be asked for a response.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.simulators.common.clock import Clock, Timer

from .envelope import ApiError, Call, Code, Handler, Json, reply, success
from .models import Model

MAX_TEXT = 1024
MAX_UID = 40
DEFAULT_TIMEOUT = 3600
MAX_TIMEOUT = 1_209_600
ICONS = frozenset({"none", "operator", "technician"})


@dataclass(slots=True)
class Message:
    """A text for the display."""

    text: str | None
    translations: dict[str, str]
    uid: str
    icon: str
    wants_response: bool
    timeout: int
    timer: Timer | None = field(default=None, repr=False)


class Messages:
    """At most one message at a time, and the language of the display."""

    def __init__(self, model: Model, clock: Clock, configured: Callable[[], None]) -> None:
        """`configured` logs that the configuration was changed."""
        self.current: Message | None = None
        self.language = next(iter(model.languages), "en")
        self._model = model
        self._clock = clock
        self._configured = configured
        self.handlers: dict[str, Handler] = {"display/text": self._text, "display/language": self._language}

    def boot(self) -> None:
        """Show nothing."""
        self._remove()

    def _remove(self) -> str:
        message, self.current = self.current, None
        if message is None:
            return ""
        if message.timer is not None:
            message.timer.cancel()
        return message.uid

    async def _text(self, call: Call) -> web.StreamResponse:
        if call.request.method == "DELETE":
            return success({"uid": self._remove()})
        message = _read(call.body or {})
        self._remove()
        self.current = message
        message.timer = self._clock.later(message.timeout, self._remove)
        return success({"response": "", "uid": message.uid})

    async def _language(self, call: Call) -> web.StreamResponse:
        known = list(self._model.languages)
        if call.request.method == "PUT":
            # The table has PUT, no manual has its parameter.
            self.language = call.params.choice("language", frozenset(known))
            self._configured()
            return success()
        languages: Json = {"default": self.language, "supported": {"system": known, "custom": known[0]}}
        # Its example has no envelope, like that of call/status in the same manual.
        return reply(languages) if self._model.since(3, 0) else success(languages)


def _read(body: Json) -> Message:
    if "text" in body and "message" in body:
        raise ApiError(Code.UNEXPECTED_PARAMETER, "message")
    text = _string(body, "text", MAX_TEXT) if "text" in body else None
    translations = _translations(body["message"]) if "message" in body else {}
    if not text and not translations:
        raise ApiError(Code.MISSING_PARAMETER, "text")
    response = body.get("response", False)
    if not isinstance(response, bool):
        raise ApiError(Code.INVALID_VALUE, "response")
    timeout = body.get("timeout", DEFAULT_TIMEOUT)
    longest = DEFAULT_TIMEOUT if response else MAX_TIMEOUT
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 1 <= timeout <= longest:
        raise ApiError(Code.INVALID_VALUE, "timeout")
    icon = body.get("icon", "none")
    if icon not in ICONS:
        raise ApiError(Code.INVALID_VALUE, "icon")
    return Message(text, translations, _string(body, "uid", MAX_UID), icon, response, timeout)


def _string(body: Json, name: str, limit: int) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise ApiError(Code.INVALID_VALUE, name)
    return value


def _translations(value: object) -> dict[str, str]:
    if not isinstance(value, list) or not value:
        raise ApiError(Code.INVALID_VALUE, "message")
    texts: dict[str, str] = {}
    for item in value:
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("language", "text")):
            raise ApiError(Code.INVALID_VALUE, "message")
        texts[item["language"]] = item["text"]
    return texts
