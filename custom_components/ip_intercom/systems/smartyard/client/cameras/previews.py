"""Single-frame video files that some camera servers use as previews (field notes 6)."""

from http import HTTPStatus

from aiohttp import ClientSession
from yarl import URL

from ....common.errors import StreamRefused, UnexpectedReply
from ..links import expect_success, request_to, transport_to

MAX_PREVIEW = 16 * 1024 * 1024
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_WHAT = "a server of cameras"
# What the name of the first box of an MP4 is, after its length.
_FIRST_BOX = slice(4, 8)
_MP4 = b"ftyp"


async def preview(session: ClientSession, url: URL, *, verify: bool = True) -> bytes:
    """Return the MP4 at the address of a ``Still``.

    Args:
        session: For the request.
        url: The address.
        verify: Check the server's certificate against the system's authorities.

    Raises:
        StreamRefused: The server refuses the token.
        NoData: The server has no such camera, or no picture of it now.
        UnexpectedReply: It is no MP4, or larger than ``MAX_PREVIEW``.
        ConnectionFailed: The server does not answer.
    """
    reply = await transport_to(session, url, verify=verify).request(request_to(url, max_bytes=MAX_PREVIEW))
    if reply.status in _REFUSED:
        raise StreamRefused(f"{_WHAT} refuses the token")
    expect_success(reply.status, _WHAT)
    if reply.body[_FIRST_BOX] != _MP4:
        raise UnexpectedReply(f"{_WHAT} sent no film")
    return reply.body
