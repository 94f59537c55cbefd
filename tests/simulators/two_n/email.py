"""Emails with pictures of the camera (HTTP API 5.12)."""

from typing import NamedTuple

from aiohttp import web

from .envelope import ApiError, Call, Code, Handler, Params, success
from .models import Model

MAX_PICTURES = 5


class Mail(NamedTuple):
    """A message that was handed to the SMTP server."""

    to: str
    subject: str
    body: str
    pictures: int
    time_span: int
    size: tuple[int, int] | None


class Email:
    """Stores the sent messages."""

    def __init__(self, model: Model) -> None:
        """Pictures have the sizes of the model's camera."""
        self.outbox: list[Mail] = []
        self._model = model
        self.handlers: dict[str, Handler] = {"email/send": self._send}

    async def _send(self, call: Call) -> web.StreamResponse:
        params = call.params
        to, subject = params.required("to"), params.required("subject")
        if "@" not in to:
            raise ApiError(Code.INVALID_VALUE, "to")
        pictures = params.integer("pictureCount", 0, MAX_PICTURES, 0)
        time_span = params.integer("timeSpan", default=0)
        mail = Mail(to, subject, params.get("body", ""), pictures, time_span, self._size(params))
        self.outbox.append(mail)
        return success()

    def _size(self, params: Params) -> tuple[int, int] | None:
        if "width" not in params and "height" not in params:
            return None
        size = params.integer("width"), params.integer("height")
        if size not in self._model.jpeg_sizes:
            known = any(size[0] == width for width, _ in self._model.jpeg_sizes)
            raise ApiError(Code.INVALID_VALUE, "height" if known else "width")
        return size
