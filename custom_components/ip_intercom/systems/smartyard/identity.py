"""Identity of an account: the operator's server and the phone number, hashed so that it cannot be read."""

from collections.abc import Collection, Mapping
import hashlib
from typing import Any

from yarl import URL

from ...const import CONF_NAME, CONF_PHONE
from ...model.parts import Control, Identity
from ...model.state import Description, Missing, State

CONTROLS = frozenset({Control.DOORS})
_DIGITS = 16
# So many digits of a phone number tell accounts apart.
_LAST = 4


def account_id(base: URL, phone: str) -> str:
    """Return the id of an account.

    Args:
        base: Where its server was found first; who moves keeps the id.
        phone: Its number, digits only.
    """
    port = "" if base.explicit_port is None else f":{base.explicit_port}"
    key = f"{base.host}{port}{base.path.rstrip('/')} {phone}"
    return f"{base.host}_{hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]}"


def mark_of(phone: str) -> str:
    """Return the end of a phone number, for people."""
    return f"…{phone[-_LAST:]}"


def name_of(base: URL, phone: str, flat: str | None, taken: Collection[str]) -> str:
    """Return what an account is called: by the address of its flat, else by the end of its number.

    Args:
        base: Its server.
        phone: Its number.
        flat: The address of its flat, None where none is known.
        taken: What other accounts are called.
    """
    host, mark = base.host or "", mark_of(phone)
    if flat is None:
        return f"{host} ({mark})"
    name = f"{flat} ({host})"
    return name if name not in taken else f"{flat} ({host} {mark})"


def identity_of(account: str, base: URL, data: Mapping[str, Any] | None = None) -> Identity:
    """Return who an account is; ``data`` are those of its entry, where there is one."""
    data = data or {}
    return Identity(
        id=account,
        mac=None,
        serial=None,
        manufacturer="SmartYard",
        model="Account",
        name=data.get(CONF_NAME) or base.host or account,
        firmware=None,
        hardware=None,
        has_page=False,
        mark=mark_of(data[CONF_PHONE]) if CONF_PHONE in data else "",
    )


def description_of(
    identity: Identity,
    state: State,
    unlisted: frozenset[str] = frozenset(),
    missing: frozenset[Missing] = frozenset(),
    wish: float = 0.0,
    nothing: Missing | None = None,
) -> Description:
    """Return what any account is and may; all but ``identity`` and ``state`` as in ``Description``."""
    return Description(
        identity=identity,
        state=state,
        controls=CONTROLS,
        reports_access=True,
        pushes=True,
        messages=True,
        missing=missing,
        unlisted=unlisted,
        wish=wish,
        nothing=nothing,
    )
