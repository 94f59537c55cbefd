"""The stored connection of an entry to a local device, and how a client restores it."""

from collections.abc import Mapping
import re
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from ...const import CONF_FINGERPRINT, CONF_LEGACY_TLS, CONF_PASSWORD, CONF_URL, CONF_USERNAME, CONF_VERIFY_SSL
from .http import HttpTransport
from .tls import any_certificate_fingerprint

_RTSP_PORT = 554
_LOOKS_LIKE_PORT = re.compile(r"[^/?]*:\d")


def entry_data(
    base: URL, fingerprint: bytes | None, username: str, password: str, verify: bool, *, legacy: bool = False
) -> dict[str, Any]:
    """Return what an entry has to keep to connect again (``const``: entry data).

    Args:
        base: Where the device was found, with the path below which its API is.
        fingerprint: SHA-256 of its certificate, None for http.
        username: The account.
        password: Its password.
        verify: The certificate is to be verified, whichever it is.
        legacy: It speaks the TLS of old devices only.
    """
    return {
        CONF_URL: f"{base.origin()}{base.path.rstrip('/')}",
        CONF_USERNAME: username,
        CONF_PASSWORD: password,
        CONF_VERIFY_SSL: verify,
        CONF_FINGERPRINT: fingerprint.hex() if fingerprint is not None and not verify else None,
        CONF_LEGACY_TLS: legacy,
    }


def transport_of(session: ClientSession, data: Mapping[str, Any], *, below: bool = True) -> HttpTransport:
    """Return the connection to the device of an entry; ``below`` as in ``HttpTransport``."""
    fingerprint = data.get(CONF_FINGERPRINT)
    return HttpTransport(
        session,
        URL(data[CONF_URL]),
        fingerprint=bytes.fromhex(fingerprint) if fingerprint else None,
        verify=data.get(CONF_VERIFY_SSL, False),
        legacy=data.get(CONF_LEGACY_TLS, False),
        below=below,
    )


def stream_url(path: str, host: str) -> URL:
    """Return the address of a stream, without its account.

    Args:
        path: What a person entered: its path on the device, or a whole address that begins with rtsp://.
        host: The device.

    Raises:
        ValueError: It is neither; an account in it is not taken, for it would be shown to others.
    """
    typed = path.strip()
    if "://" in typed:
        url = URL(typed)
        if url.scheme not in {"rtsp", "rtsps"} or not url.host or url.user is not None or url.password is not None:
            raise ValueError("not the address of a stream")
        return url if url.explicit_port is not None else url.with_port(_RTSP_PORT)
    if typed.startswith("//") or _LOOKS_LIKE_PORT.match(typed) or any(char.isspace() for char in typed):
        raise ValueError("not the path of a stream")
    place, _, query = typed.lstrip("/").partition("?")
    return URL.build(scheme="rtsp", host=host, port=_RTSP_PORT, path=f"/{place}", query_string=query)


async def shown_certificate(data: Mapping[str, Any]) -> tuple[bytes, bool]:
    """Return the SHA-256 of the certificate shown at the address of an entry, and whether it takes old TLS only.

    Raises:
        ConnectionFailed: As ``tls.certificate_fingerprint``.
    """
    url = URL(data[CONF_URL])
    return await any_certificate_fingerprint(url.host or "", url.port or 0)


def account_of(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return user name and password of an entry."""
    return data.get(CONF_USERNAME, ""), data.get(CONF_PASSWORD, "")
