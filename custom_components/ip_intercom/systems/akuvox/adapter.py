"""Adapter of Akuvox: recognizes and finds devices, and creates the system of an entry."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession

from ...const import (
    CONF_INVERTED,
    CONF_OPENING_PASSWORD,
    CONF_OPENING_USERNAME,
    CONF_PICTURE_PORT,
    CONF_PUSH,
    CONF_SECURITY_RELAYS,
    CONF_SHOW_NAMES,
    CONF_SIP_PORT,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PORT,
    CONF_STREAM_USERNAME,
    CONF_TALK,
    DEFAULT_PICTURE_PORT,
    DEFAULT_SIP_PORT,
    DEFAULT_STREAM_PORT,
)
from ..common.adapter import Adapter, Found, account_of, find_local, transport_of
from ..common.discovery import Answers
from ..common.login import Login
from .cameras import AkuvoxCameras, StreamAccess
from .client import AkuvoxCamera, AkuvoxClient, AkuvoxDevice, find_device, is_akuvox, refusal
from .doors import OpeningLogin
from .system import AkuvoxSystem, Options


async def find(
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    pinned: str | None = None,
    answers: Answers | None = None,
) -> Found:
    """Find the device at an entered address and log in; ``pinned`` is the only accepted certificate."""
    data, device = await find_local(find_device, session, address, account, verify, pinned, answers)
    system = create(session, data, {}, None, device.login)
    return Found(data, await system.introduce(device.info), system)


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
    login: Login | None = None,
) -> AkuvoxSystem:
    """Return the system of an entry from its data and options (``const``); ``login`` as in ``AkuvoxClient``."""
    transport = transport_of(session, data)
    account = account_of(data)
    stream = StreamAccess(
        options.get(CONF_STREAM_USERNAME, ""),
        options.get(CONF_STREAM_PASSWORD, ""),
        options.get(CONF_STREAM_PORT, DEFAULT_STREAM_PORT),
    )
    # RTSP often has the same account; a different one has to be entered.
    username, password = (stream.username, stream.password) if stream.username else account
    port = options.get(CONF_PICTURE_PORT, DEFAULT_PICTURE_PORT)
    camera = AkuvoxCamera(session, transport.base.host or "", port=port, username=username, password=password)
    entry_options = Options(
        names=options.get(CONF_SHOW_NAMES, True),
        inverted=frozenset(options.get(CONF_INVERTED, ())),
        security=frozenset(options.get(CONF_SECURITY_RELAYS, ())),
        opening=OpeningLogin(options.get(CONF_OPENING_USERNAME, ""), options.get(CONF_OPENING_PASSWORD, "")),
        stream=stream,
        pushes=options.get(CONF_PUSH, False),
    )
    talk = None
    if options.get(CONF_TALK):
        from .talk import talk_at  # noqa: PLC0415  # large; loaded by now (load_systems)

        host = transport.base.host
        talk = talk_at(host, options.get(CONF_SIP_PORT, DEFAULT_SIP_PORT), AkuvoxCameras(camera, host, stream))
    return AkuvoxSystem(
        AkuvoxDevice(AkuvoxClient(transport, *account, login=login)), camera, cursor, entry_options, talk
    )


ADAPTER = Adapter(find, create, is_akuvox, refusal)
