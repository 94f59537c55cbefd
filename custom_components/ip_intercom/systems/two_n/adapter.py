"""Adapter of 2N: finds devices and creates the system of an entry."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession

from ...const import (
    CONF_SHOW_CARDS,
    CONF_SHOW_NAMES,
    CONF_SHOW_TOUCHES,
    CONF_SHOW_UNKNOWN,
    CONF_SIP_PORT,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_TALK,
    DEFAULT_SIP_PORT,
    DEFAULT_STREAM_PATH,
)
from ..common.adapter import Adapter, Found, account_of, find_local, transport_of
from ..common.discovery import Answers
from ..common.privacy import Privacy
from .cameras import StreamAccess
from .client import TwoNClient, TwoNDevice, find_device
from .system import TwoNSystem


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
    system = create(session, data, {}, None)
    try:
        description = await system.find(device.info)
        system.require_usable()
    except BaseException:
        await system.close()
        raise
    return Found(data, description, system)


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> TwoNSystem:
    """Return the system of an entry from its data and options (``const``)."""
    stream = StreamAccess(
        options.get(CONF_STREAM_USERNAME, ""),
        options.get(CONF_STREAM_PASSWORD, ""),
        options.get(CONF_STREAM_PATH, DEFAULT_STREAM_PATH),
    )
    device = TwoNDevice(TwoNClient(transport_of(session, data), *account_of(data)))
    account = stream if stream.username else None
    talk = None
    if options.get(CONF_TALK):
        from .talk import TwoNTalk  # noqa: PLC0415  # large; loaded by now (load_systems)

        talk = TwoNTalk(device, account, options.get(CONF_SIP_PORT, DEFAULT_SIP_PORT))
    return TwoNSystem(
        device,
        cursor,
        Privacy(
            names=options.get(CONF_SHOW_NAMES, True),
            cards=options.get(CONF_SHOW_CARDS, False),
            touches=options.get(CONF_SHOW_TOUCHES, False),
            unknown=options.get(CONF_SHOW_UNKNOWN, False),
        ),
        account,
        talk,
    )


ADAPTER = Adapter(find, create)
