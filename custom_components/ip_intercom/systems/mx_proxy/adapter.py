"""The adapter of MX Proxy: finds an extension and creates the system of an entry."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession

from ...const import (
    CONF_CALL_DEVICE,
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_MOBILE_NUMBER,
    CONF_PASSWORD,
    CONF_PUSH,
    CONF_RING_DELAY,
    CONF_SHOW_NAMES,
    CONF_USERNAME,
    CONF_VOICEMAIL_DELAY,
)
from ...model.state import State
from ..common.adapter import Adapter, Found, entry_data, transport_of
from ..common.discovery import Answers
from .client import Credentials, MxProxy, find as find_proxy
from .system import MxSystem, Options, description_of


async def find(
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    pinned: str | None = None,
    answers: Answers | None = None,
) -> Found:
    """Find the proxy at an entered address, and log in; ``pinned`` is the SHA-256 of the only accepted certificate."""
    credentials = _credentials(account)
    proxy, info, fingerprint = await find_proxy(session, address, credentials, verify=verify, pinned=pinned)
    base = proxy.transport.base
    verified = base.scheme == "https" and fingerprint is None
    data = entry_data(base, fingerprint, credentials.username, credentials.password, verify or verified)
    data |= {CONF_CLIENT_ID: credentials.client_id, CONF_CLIENT_SECRET: credentials.client_secret}
    return Found(data, description_of(info, State()), MxSystem(proxy, found=info))


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> MxSystem:
    """Return the system of an entry."""
    entry_options = Options(
        names=options.get(CONF_SHOW_NAMES, True),
        push=options.get(CONF_PUSH, False),
        device=options.get(CONF_CALL_DEVICE) or None,
        mobile=options.get(CONF_MOBILE_NUMBER) or None,
        ring_delay=options.get(CONF_RING_DELAY),
        voicemail_delay=options.get(CONF_VOICEMAIL_DELAY),
    )
    return MxSystem(MxProxy(transport_of(session, data), _credentials(data)), cursor, entry_options)


def _credentials(account: Mapping[str, Any]) -> Credentials:
    return Credentials(
        account.get(CONF_CLIENT_ID, ""),
        account.get(CONF_CLIENT_SECRET, ""),
        account.get(CONF_USERNAME, ""),
        account.get(CONF_PASSWORD, ""),
    )


ADAPTER = Adapter(find, create)
