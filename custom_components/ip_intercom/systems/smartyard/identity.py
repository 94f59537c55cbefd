"""Who an account is: the operator's server and the telephone number, which nobody can read from it."""

import hashlib

from yarl import URL

from ...model import Control, Description, Identity, Missing, State

CONTROLS = frozenset({Control.DOORS})
_DIGITS = 16


def account_id(base: URL, phone: str) -> str:
    """Return the id of an account.

    Args:
        base: Where its server was found first; who moves keeps the id.
        phone: Its number, digits only.
    """
    port = "" if base.explicit_port is None else f":{base.explicit_port}"
    key = f"{base.host}{port}{base.path.rstrip('/')} {phone}"
    return f"{base.host}_{hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]}"


def identity_of(account: str, base: URL) -> Identity:
    """Return who an account is."""
    return Identity(
        id=account,
        mac=None,
        serial=None,
        manufacturer="SmartYard",
        model="Account",
        name=base.host or account,
        firmware=None,
        hardware=None,
        has_page=False,
    )


def description_of(
    identity: Identity,
    state: State,
    unlisted: frozenset[str] = frozenset(),
    missing: frozenset[Missing] = frozenset(),
    wish: float = 0.0,
) -> Description:
    """Return what any account is and may; ``unlisted``, ``missing`` and ``wish`` as in ``Description``."""
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
    )
