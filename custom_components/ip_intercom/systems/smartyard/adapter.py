"""The adapter of SmartYard: creates the system of an entry."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession

from ...const import (
    CONF_ACCOUNT,
    CONF_LANGUAGE,
    CONF_PUSH,
    CONF_PUSH_ROUTE,
    CONF_SHOW_NAMES,
    CONF_TALK,
    CONF_TOKEN,
    CONF_VERIFY_SSL,
    CONFS_FCM,
)
from ..common.adapter import Adapter, transport_of
from .client import SmartYard
from .login import find, identity_of
from .system import Options, SmartYardSystem


def create(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> SmartYardSystem:
    """Return the system of an entry."""
    entry_options = Options(
        names=options.get(CONF_SHOW_NAMES, True),
        push=options.get(CONF_PUSH, False) or all(options.get(key) for key in CONFS_FCM),
        push_route=(options.get(CONF_PUSH_ROUTE) or None) if options.get(CONF_PUSH, False) else None,
        talk=options.get(CONF_TALK, False),
        verify=data.get(CONF_VERIFY_SSL, True),
    )
    yard = SmartYard(transport_of(session, data, below=False), data[CONF_TOKEN], language=data[CONF_LANGUAGE])
    identity = identity_of(data[CONF_ACCOUNT], yard.transport.base, data)
    return SmartYardSystem(session, yard, identity, cursor, entry_options)


ADAPTER = Adapter(find, create)
