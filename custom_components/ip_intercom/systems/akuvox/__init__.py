"""Akuvox door phones, access control and indoor monitors."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from ...api.akuvox import AkuvoxCamera, AkuvoxClient, AkuvoxDevice, find_device, is_akuvox
from ...api.http import HttpTransport
from ...const import (
    CONF_FINGERPRINT,
    CONF_INVERTED,
    CONF_LEGACY_TLS,
    CONF_OPENING_PASSWORD,
    CONF_OPENING_USERNAME,
    CONF_PASSWORD,
    CONF_PICTURE_PORT,
    CONF_PUSH,
    CONF_SECURITY_RELAYS,
    CONF_SHOW_NAMES,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_USERNAME,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    DEFAULT_PICTURE_PORT,
)
from ...model import Description
from .doors import OpeningLogin
from .system import AkuvoxSystem, Choices

__all__ = ["OPTIONS", "AkuvoxSystem", "create", "find", "recognises"]

OPTIONS = frozenset(
    {
        CONF_INVERTED,
        CONF_OPENING_PASSWORD,
        CONF_OPENING_USERNAME,
        CONF_PICTURE_PORT,
        CONF_PUSH,
        CONF_SECURITY_RELAYS,
        CONF_SHOW_NAMES,
        CONF_STREAM_PASSWORD,
        CONF_STREAM_USERNAME,
    }
)


async def recognises(session: ClientSession, address: str) -> bool:
    """Return whether an Akuvox answers at an address, whether or not it lets anybody in."""
    return await is_akuvox(session, address)


async def find(
    session: ClientSession, address: str, username: str, password: str, verify: bool, pinned: str | None = None
) -> tuple[dict[str, Any], Description]:
    """Find the device at an address that a person typed, and log in; ``pinned`` is the certificate to insist on.

    Returns:
        What an entry has to keep to connect again (``const``: entry data), and what was found.

    Raises:
        IntercomError: One of its kinds; ``AddressRefused`` and ``LoginRefused`` say what to change at the device.
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
        CONF_LEGACY_TLS: found.legacy,
    }
    return data, await create(session, data, {}, None).introduce(found.info)


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> AkuvoxSystem:
    """Return the system of an entry from its data and options (``const``)."""
    fingerprint = data.get(CONF_FINGERPRINT)
    base = URL(data[CONF_URL])
    transport = HttpTransport(
        session,
        base,
        fingerprint=bytes.fromhex(fingerprint) if fingerprint else None,
        verify=data.get(CONF_VERIFY_SSL, False),
        legacy=data.get(CONF_LEGACY_TLS, False),
    )
    username, password = data.get(CONF_USERNAME, ""), data.get(CONF_PASSWORD, "")
    stream = options.get(CONF_STREAM_USERNAME, ""), options.get(CONF_STREAM_PASSWORD, "")
    # Many people have one password for all; whoever has another for RTSP enters it.
    picture_login = stream if stream[0] else (username, password)
    camera = AkuvoxCamera(
        session,
        base.host or "",
        port=options.get(CONF_PICTURE_PORT, DEFAULT_PICTURE_PORT),
        username=picture_login[0],
        password=picture_login[1],
    )
    choices = Choices(
        names=options.get(CONF_SHOW_NAMES, True),
        inverted=frozenset(options.get(CONF_INVERTED, ())),
        security=frozenset(options.get(CONF_SECURITY_RELAYS, ())),
        opening=OpeningLogin(options.get(CONF_OPENING_USERNAME, ""), options.get(CONF_OPENING_PASSWORD, "")),
        stream=stream,
        pushes=options.get(CONF_PUSH, False),
    )
    return AkuvoxSystem(AkuvoxDevice(AkuvoxClient(transport, username, password)), camera, cursor, choices)
