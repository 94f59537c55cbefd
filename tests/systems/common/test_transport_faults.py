"""Errors of aiohttp that no simulated device can cause, and the errors that they become."""

from collections.abc import Iterator
import ssl
from typing import Any
from unittest.mock import Mock

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import aioresponses
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    CertificateChanged,
    CertificateInvalid,
    ConnectionFailed,
    IntercomError,
    NotReached,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.common.messages import Request

BASE = URL("https://192.0.2.1")
INFO = Request("GET", "/api/system/info")
KEY = ConnectionKey(
    host="192.0.2.1", port=443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)


class Response(aiohttp.ClientResponse):
    """A response as aiohttp 3.14 makes it: aioresponses 0.7.9 does not know of its writer yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Supply the writer."""
        super().__init__(*args, stream_writer=Mock(), **kwargs)


@pytest.fixture
def device() -> Iterator[aioresponses]:
    """A device that answers as a test says."""
    with aioresponses() as mocked:
        yield mocked


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [
        (aiohttp.ServerDisconnectedError(), ConnectionFailed),
        (aiohttp.ClientOSError(104, "reset"), ConnectionFailed),
        (aiohttp.ClientPayloadError("half an answer"), ConnectionFailed),
        (aiohttp.ConnectionTimeoutError(), NotReached),
        (aiohttp.ClientConnectorError(KEY, OSError(113, "no route")), NotReached),
        (aiohttp.ServerFingerprintMismatch(b"a" * 32, b"b" * 32, "192.0.2.1", 443), CertificateChanged),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("not ours")), CertificateInvalid),
        (aiohttp.ClientConnectorSSLError(KEY, OSError(1, "old TLS")), NotReached),
        (aiohttp.ClientResponseError(Mock(), ()), UnexpectedReply),
        (TimeoutError(), ConnectionFailed),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_every_aiohttp_error_becomes_a_client_error(
    device: aioresponses, fault: Exception, becomes: type[IntercomError]
) -> None:
    device.get(f"{BASE}{INFO.path}", exception=fault)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(becomes) as raised:
            await HttpTransport(session, BASE).request(INFO)
    assert str(raised.value)


async def test_a_reply_has_status_type_and_body(device: aioresponses) -> None:
    device.get(f"{BASE}{INFO.path}", body=b"{}", content_type="application/json", response_class=Response)
    async with aiohttp.ClientSession() as session:
        reply = await HttpTransport(session, BASE).request(INFO)
    assert (reply.status, reply.content_type, reply.body) == (200, "application/json", b"{}")


async def test_a_closed_session_is_a_connection_error() -> None:
    """Home Assistant closes it when it stops."""
    session = aiohttp.ClientSession()
    transport = HttpTransport(session, BASE)
    session.detach()
    with pytest.raises(ConnectionFailed, match="session is closed"):
        await transport.request(INFO)
