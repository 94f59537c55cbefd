"""Addresses: the one that the user enters, MAC addresses, and the local address that a device sees."""

import asyncio
from ipaddress import IPv6Address
import re

from yarl import URL

from .errors import Redirected

_MAC_DIGITS = 12


def parse_address(address: str) -> URL:
    """Return the scheme, host, and port of an entered address; the scheme is empty if it was not entered.

    Raises:
        ValueError: The address contains no host.
    """
    typed = address.strip()
    if "://" not in typed:
        typed = f"//[{typed}]" if _is_ipv6(typed) else f"//{typed}"
    try:
        url = URL(typed)
    except ValueError:
        url = URL()
    if not url.host or url.scheme not in {"", "http", "https"} or url.user or url.password:
        raise ValueError("not an address")  # the input may contain a password
    return URL.build(scheme=url.scheme, host=url.host, port=url.explicit_port)


def parse_path(address: str) -> str:
    """Return the path of an entered address, without a trailing slash."""
    typed = address.strip()
    try:
        return URL(typed if "://" in typed else f"//{typed}").path.rstrip("/")
    except ValueError:
        # A bare IPv6 address has no path.
        return ""


def redirected(base: URL, location: str) -> URL:
    """Return the target of a redirect on the same host.

    Args:
        base: The requested URL, with its path.
        location: The ``Location`` header.

    Raises:
        Redirected: The target is another host, or a downgrade from HTTPS to HTTP.
    """
    try:
        to = base.join(URL(location))
    except ValueError:
        to = URL()
    if to.scheme not in {"http", "https"} or to.host != base.host or (base.scheme, to.scheme) == ("https", "http"):
        raise Redirected(location)
    return to


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def normalize_mac(address: str | None) -> str | None:
    """Return a MAC address in lower case with colons; None if it is invalid."""
    digits = re.sub(r"[^0-9a-f]", "", (address or "").lower())
    if len(digits) != _MAC_DIGITS or int(digits, 16) in {0, 0xFFFFFFFFFFFF}:
        return None
    return ":".join(digits[place : place + 2] for place in range(0, _MAC_DIGITS, 2))


async def own_address(host: str, port: int) -> str:
    """Return the local address of the route to a host, ``""`` without a route; nothing is sent."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, port))
    except OSError:
        return ""
    try:
        address: str = transport.get_extra_info("sockname")[0]
    finally:
        transport.close()
    return address
