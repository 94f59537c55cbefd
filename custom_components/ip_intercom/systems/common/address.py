"""Addresses: of a device as a person types it, its MAC, and our own as the device sees it."""

import asyncio
from ipaddress import IPv6Address
import re

from yarl import URL

from .errors import Redirected

_MAC_DIGITS = 12


def parse_address(address: str) -> URL:
    """Return scheme, host and port of what a person typed; the scheme is empty where it was not typed.

    Raises:
        ValueError: It names no host.
    """
    typed = address.strip()
    if "://" not in typed:
        typed = f"//[{typed}]" if _is_ipv6(typed) else f"//{typed}"
    try:
        url = URL(typed)
    except ValueError:
        url = URL()
    if not url.host or url.scheme not in {"", "http", "https"} or url.user or url.password:
        raise ValueError("not an address")  # what was typed may hold a password
    return URL.build(scheme=url.scheme, host=url.host, port=url.explicit_port)


def parse_path(address: str) -> str:
    """Return the path of what a person typed, without a slash at its end."""
    typed = address.strip()
    try:
        return URL(typed if "://" in typed else f"//{typed}").path.rstrip("/")
    except ValueError:
        # A bare IPv6 address, which has none.
        return ""


def redirected(base: URL, location: str) -> URL:
    """Return where a redirect leads on the host that was asked.

    Args:
        base: What was asked, with its path.
        location: Where it leads, as the device says it.

    Raises:
        Redirected: It leads to another host, or from HTTPS back into the clear.
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
    """Return a MAC address in lower case with colons, None where it is not one."""
    digits = re.sub(r"[^0-9a-f]", "", (address or "").lower())
    if len(digits) != _MAC_DIGITS or int(digits, 16) in {0, 0xFFFFFFFFFFFF}:
        return None
    return ":".join(digits[place : place + 2] for place in range(0, _MAC_DIGITS, 2))


async def own_address(host: str, port: int) -> str:
    """Return our address on the way to a host, ``""`` where there is no way; nothing is sent."""
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
