"""Email by the device's own SMTP client (HTTP API 5.12)."""

from .client import TwoNClient
from .endpoints import EMAIL_SEND


class Email:
    """``/api/email``; needs *E-Mail – Control*."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def send(
        self,
        to: str,
        subject: str,
        body: str | None = None,
        pictures: int = 0,
        time_span: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Send an email (HTTP API 5.12.1).

        Args:
            to: Address of the receiver.
            subject: Subject.
            body: Text, HTML allowed.
            pictures: How many camera pictures to attach, 0 to 5.
            time_span: Seconds over which they are spread, up to now.
            size: Their width and height, one of the camera's.

        Raises:
            InvalidRequest: A value that the device does not take.
        """
        params = {"to": to, "subject": subject}
        if body is not None:
            params["body"] = body
        if pictures:
            params["pictureCount"] = str(pictures)
        if time_span is not None:
            params["timeSpan"] = str(time_span)
        if size is not None:
            params |= {"width": str(size[0]), "height": str(size[1])}
        await self._client.call(EMAIL_SEND, params)
