"""2N intercoms, access units and indoor units."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from ...api.http import HttpTransport
from ...api.two_n import TwoNClient, TwoNDevice, find_device
from ...const import (
    CONF_FINGERPRINT,
    CONF_PASSWORD,
    CONF_SHOW_CARDS,
    CONF_SHOW_NAMES,
    CONF_SHOW_TOUCHES,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    DEFAULT_STREAM_PATH,
)
from ...model import Description
from ..privacy import Privacy
from .cameras import StreamAccess
from .system import TwoNSystem

__all__ = ["OPTIONS", "TwoNSystem", "create", "find"]

OPTIONS = frozenset(
    {
        CONF_SHOW_CARDS,
        CONF_SHOW_NAMES,
        CONF_SHOW_TOUCHES,
        CONF_STREAM_PASSWORD,
        CONF_STREAM_PATH,
        CONF_STREAM_USERNAME,
    }
)


async def find(
    session: ClientSession, address: str, username: str, password: str, verify: bool, pinned: str | None = None
) -> tuple[dict[str, Any], Description]:
    """Find the device at an address that a person typed, and log in; ``pinned`` is the certificate to insist on.

    Returns:
        What an entry has to keep to connect again (``const``: entry data), and what was found.

    Raises:
        IntercomError: One of its kinds; ``ServiceDisabled``, ``PermissionDenied`` or
            ``SecureConnectionRequired`` only where nothing at all can be used.
        ValueError: The address names no host.
    """
    found = await find_device(
        session,
        address,
        username=username,
        password=password,
        verify=verify,
        pinned=bytes.fromhex(pinned) if pinned else None,
    )
    data = {
        CONF_URL: str(found.base.origin()),
        CONF_USERNAME: username,
        CONF_PASSWORD: password,
        CONF_VERIFY_SSL: verify,
        CONF_FINGERPRINT: found.fingerprint.hex() if found.fingerprint is not None and not verify else None,
    }
    system = create(session, data, {}, None)
    try:
        description = await system.connect(None)
        system.require_something()
    finally:
        await system.close()
    return data, description


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> TwoNSystem:
    """Return the system of an entry from its data and options (``const``)."""
    fingerprint = data.get(CONF_FINGERPRINT)
    transport = HttpTransport(
        session,
        URL(data[CONF_URL]),
        fingerprint=bytes.fromhex(fingerprint) if fingerprint else None,
        verify=data.get(CONF_VERIFY_SSL, False),
    )
    stream = StreamAccess(
        options.get(CONF_STREAM_USERNAME, ""),
        options.get(CONF_STREAM_PASSWORD, ""),
        options.get(CONF_STREAM_PATH, DEFAULT_STREAM_PATH),
    )
    return TwoNSystem(
        TwoNDevice(TwoNClient(transport, data.get(CONF_USERNAME, ""), data.get(CONF_PASSWORD, ""))),
        cursor,
        Privacy(
            names=options.get(CONF_SHOW_NAMES, True),
            cards=options.get(CONF_SHOW_CARDS, False),
            touches=options.get(CONF_SHOW_TOUCHES, False),
        ),
        stream if stream.username else None,
    )
