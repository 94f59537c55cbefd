"""Films of one picture."""

import aiohttp
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    IntercomError,
    NoData,
    Overloaded,
    ServerBroken,
    StreamRefused,
    Throttled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.smartyard.client.streams import preview

from .conftest import Server

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(64)


async def test_a_preview_film_is_read(server: Server, session: aiohttp.ClientSession) -> None:
    server.respond("/door/preview.mp4", FILM, content_type="video/mp4")
    url = server.url.with_path("/door/preview.mp4").with_query(token="s3cret")
    assert await preview(session, url) == FILM
    (asked,) = server.asked
    assert (asked.method, dict(asked.query)) == ("GET", {"token": "s3cret"})


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"", StreamRefused),
        (403, b"", StreamRefused),
        (404, b"", NoData),
        (429, b"", Throttled),
        (502, b"", ServerBroken),
        (503, b"", Overloaded),
        (302, b"", UnexpectedReply),
        (200, b"<html></html>", UnexpectedReply),
        (200, b"", UnexpectedReply),
    ],
)
async def test_a_preview_error_hides_the_token(
    server: Server, session: aiohttp.ClientSession, status: int, body: bytes, error: type[IntercomError]
) -> None:
    server.respond("/door/preview.mp4", body, status, "text/html", {"Location": "http://127.0.0.1:9/"})
    with pytest.raises(error) as failed:
        await preview(session, server.url.with_path("/door/preview.mp4").with_query(token="s3cret"))
    assert "s3cret" not in str(failed.value)
    assert len(server.asked) == 1
