"""What adapters have in common: their functions, and the stored connection of an entry."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
import re
from typing import Any, Final, Protocol, TypeIs

from aiohttp import ClientSession
from yarl import URL

from ...const import CONF_FINGERPRINT, CONF_LEGACY_TLS, CONF_PASSWORD, CONF_URL, CONF_USERNAME, CONF_VERIFY_SSL
from ...model.features import System
from ...model.state import Description
from .discovery import Answers, Certificate, FoundDevice, parse_address, shown_certificate
from .errors import IntercomError
from .http import HttpTransport

type Find = Callable[[ClientSession, str, Mapping[str, Any], bool, str | None, Answers | None], Awaitable[Found]]
type Create = Callable[[ClientSession, Mapping[str, Any], Mapping[str, Any], Mapping[str, object] | None], System]

# Ports of streams, by scheme.
_PORTS = {"rtsp": 554, "rtsps": 322}
# MAC address or serial number, and longest name, that a device announces in the network.
_DEVICE_ID: Final = re.compile(r"[0-9A-Za-z:.-]{4,64}")
_MAX_NAME: Final = 100
_LOOKS_LIKE_PORT = re.compile(r"[^/?]*:\d")


@dataclass(frozen=True, slots=True)
class Found:
    """A device that was found, after the login.

    Attributes:
        data: The entry data for later connections (``const``).
        description: The description of the device, possibly only its identity.
        system: Its system for a new entry, which does not repeat what was read; None if there is nothing to keep. To be
            closed if there is no new entry.
    """

    data: dict[str, Any]
    description: Description
    system: System | None = None


class Recognize(Protocol):
    """Check whether a device at an address belongs to this system; ``likely`` if its MAC address suggests it."""

    def __call__(
        self, session: ClientSession, address: str, *, likely: bool, answers: Answers | None
    ) -> Awaitable[bool]:
        """Query the device."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """The functions of a system.

    Attributes:
        find: Finds a device by its address and logs in.
        create: Returns the system of an entry.
        recognizes: Returns whether a device belongs to this system; None if only ``find`` can determine it.
        refusal: Returns why an unidentified device rejects requests from this host; None if it does not.
    """

    find: Find
    create: Create
    recognizes: Recognize | None = None
    refusal: Callable[[ClientSession, str], Awaitable[IntercomError | None]] | None = None


async def find_local[Info](
    find_device: Callable[..., Awaitable[FoundDevice[Info]]],
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    pinned: str | None = None,
    answers: Answers | None = None,
) -> tuple[dict[str, Any], FoundDevice[Info]]:
    """Find a device in the local network with the ``find_device`` of its client, and log in.

    Returns:
        The entry data for later connections (``const``: entry data), and the device.
    """
    username, password = account_of(account)
    found = await find_device(
        session,
        address,
        username=username,
        password=password,
        verify=verify,
        pinned=bytes.fromhex(pinned) if pinned else None,
        answers=answers,
    )
    data = entry_data(found.base, found.fingerprint, username, password, verify, legacy=found.legacy)
    return data, found


def entry_data(
    base: URL, fingerprint: bytes | None, username: str, password: str, verify: bool, *, legacy: bool = False
) -> dict[str, Any]:
    """Return the connection data of an entry (``const``: entry data).

    Args:
        base: URL at which the device was found, including the path prefix of its API.
        fingerprint: SHA-256 of the certificate, None for HTTP.
        verify: Verify the certificate instead of pinning it.
        legacy: The device supports only outdated TLS.
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
    """Return the transport to the device of an entry; ``below`` as in ``HttpTransport``."""
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
    """Return the URL of a stream, without credentials.

    Args:
        path: The entered path on the device, or a complete URL that begins with rtsp:// or rtsps://.

    Raises:
        ValueError: It is neither, or contains credentials, which would be visible to others.
    """
    typed = path.strip()
    if "://" in typed:
        url = URL(typed)
        if url.scheme not in _PORTS or not url.host or url.user is not None or url.password is not None:
            raise ValueError("not the address of a stream")
        return url if url.explicit_port is not None else url.with_port(_PORTS[url.scheme])
    if typed.startswith("//") or _LOOKS_LIKE_PORT.match(typed) or any(char.isspace() for char in typed):
        raise ValueError("not the path of a stream")
    place, _, query = typed.lstrip("/").partition("?")
    return URL.build(scheme="rtsp", host=host, port=_PORTS["rtsp"], path=f"/{place}", query_string=query)


async def certificate_of(data: Mapping[str, Any]) -> Certificate:
    """Return the certificate that is shown at the address of an entry, whichever it is.

    Raises:
        ConnectionFailed: As ``discovery.shown_certificate``.
    """
    return await shown_certificate(URL(data[CONF_URL]), None, verify=False)


def account_of(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the user name and password of an entry."""
    return data.get(CONF_USERNAME, ""), data.get(CONF_PASSWORD, "")


def announced_address(text: object) -> URL | None:
    """Return the address in an announcement; None if it contains none, or one that needs a zone to be reached."""
    try:
        url = parse_address(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if url is None or _lacks_zone(url.host or "") else url


def _lacks_zone(host: str) -> bool:
    """Return whether a host is a link-local IPv6 address without the interface that it is valid on."""
    try:
        address = IPv6Address(host)
    except ValueError:
        return False
    return address.is_link_local and address.scope_id is None


def announced_name(text: object) -> str:
    """Return a name in an announcement without what cannot be printed; empty if there is none."""
    found = text[:_MAX_NAME] if isinstance(text, str) else ""
    return "".join(char for char in found if char.isprintable()).strip()


def is_device_id(text: object) -> TypeIs[str]:
    """Return whether an announcement contains a MAC address or serial number."""
    return isinstance(text, str) and _DEVICE_ID.fullmatch(text) is not None
