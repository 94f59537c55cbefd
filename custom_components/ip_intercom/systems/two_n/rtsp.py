"""The description of a stream, with the audio track to the door (RFC 2326, ONVIF Streaming Specification 5.3)."""

import asyncio
from http import HTTPStatus

from yarl import URL

from ...talk.digest import Authenticator
from ...talk.errors import RtspConnectionFailed, RtspError, RtspRefused, RtspUnauthorized
from ...talk.sdp import LONGEST, SessionDescription

# Seconds for the connection and both attempts.
_TIMEOUT = 10.0
_PORT = 554


async def describe(url: URL) -> SessionDescription:
    """Return the description of a stream; the URL contains the account.

    Raises:
        RtspError: The server does not respond, rejects the request, or sends something else.
        SdpError: The description is malformed.
    """
    authenticator = Authenticator(url.user or "", url.password or "")
    address = str(url.with_user(None))
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection(url.host, url.explicit_port or _PORT)
            try:
                status, challenges, body = await _ask(reader, writer, address, 1, None)
                if status == HTTPStatus.UNAUTHORIZED and authenticator.take(challenges):
                    answer = authenticator.answer("DESCRIBE", address)
                    status, _, body = await _ask(reader, writer, address, 2, answer)
            finally:
                writer.close()
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as err:
        raise RtspConnectionFailed(f"no answer to DESCRIBE: {type(err).__name__}") from err
    if status == HTTPStatus.UNAUTHORIZED:
        raise RtspUnauthorized("DESCRIBE", status, "")
    if status != HTTPStatus.OK:
        raise RtspRefused("DESCRIBE", status, "")
    return SessionDescription.parse(body.decode(errors="replace"))


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, number: int, answer: str | None
) -> tuple[int, list[str], bytes]:
    """Return status, challenges, and body of the response."""
    lines = [
        f"DESCRIBE {address} RTSP/1.0",
        f"CSeq: {number}",
        "Accept: application/sdp",
        "Require: www.onvif.org/ver20/backchannel",
        *([] if answer is None else [f"Authorization: {answer}"]),
    ]
    writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace").split("\r\n")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    words = first.split(" ", 2)
    size = next((value for name, value in headers if name == "content-length"), "0")
    if len(words) < 2 or not words[1].isdecimal() or not size.isdecimal() or int(size) > LONGEST:
        raise RtspError("the response is not RTSP")
    body = await reader.readexactly(int(size))
    return int(words[1]), [value for name, value in headers if name == "www-authenticate"], body
