"""How an entry keeps the way to a device of the local network, and how a client gets it back."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from ..api.http import HttpTransport, any_certificate_fingerprint
from ..const import CONF_FINGERPRINT, CONF_LEGACY_TLS, CONF_PASSWORD, CONF_URL, CONF_USERNAME, CONF_VERIFY_SSL


def entry_data(
    base: URL, fingerprint: bytes | None, username: str, password: str, verify: bool, *, legacy: bool = False
) -> dict[str, Any]:
    """Return what an entry has to keep to connect again (``const``: entry data).

    Args:
        base: Where the device was found.
        fingerprint: SHA-256 of its certificate, None for http.
        username: The account.
        password: Its password.
        verify: The certificate is to be verified, whichever it is.
        legacy: It speaks the TLS of old devices only.
    """
    return {
        CONF_URL: str(base.origin()),
        CONF_USERNAME: username,
        CONF_PASSWORD: password,
        CONF_VERIFY_SSL: verify,
        CONF_FINGERPRINT: fingerprint.hex() if fingerprint is not None and not verify else None,
        CONF_LEGACY_TLS: legacy,
    }


def transport_of(session: ClientSession, data: Mapping[str, Any]) -> HttpTransport:
    """Return the connection to the device of an entry."""
    fingerprint = data.get(CONF_FINGERPRINT)
    return HttpTransport(
        session,
        URL(data[CONF_URL]),
        fingerprint=bytes.fromhex(fingerprint) if fingerprint else None,
        verify=data.get(CONF_VERIFY_SSL, False),
        legacy=data.get(CONF_LEGACY_TLS, False),
    )


async def shown_certificate(data: Mapping[str, Any]) -> tuple[bytes, bool]:
    """Return the SHA-256 of the certificate shown at the address of an entry, and whether it takes old TLS only.

    Raises:
        ConnectionFailed: As ``api.http.certificate_fingerprint``.
    """
    url = URL(data[CONF_URL])
    return await any_certificate_fingerprint(url.host or "", url.port or 0)


def account_of(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return user name and password of an entry."""
    return data.get(CONF_USERNAME, ""), data.get(CONF_PASSWORD, "")
