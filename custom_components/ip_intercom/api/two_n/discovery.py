"""Finding a device at an address that a person typed: scheme, certificate, and whether it is a 2N."""

from dataclasses import dataclass
import json

import aiohttp
from yarl import URL

from ..errors import ConnectionFailed, IntercomError, UnsupportedProduct, WrongDevice
from ..http import HttpTransport, certificate_fingerprint
from ..parse import fields, text
from .client import TwoNClient
from .system import System, SystemInfo

_INDOOR_TOUCH_STATUS = "/api/v1/status"


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A 2N that answers: its address, the SHA-256 of its certificate (None for http), and who it is."""

    base: URL
    fingerprint: bytes | None
    info: SystemInfo


def parse_address(address: str) -> URL:
    """Return scheme, host and port of what a person typed; the scheme is empty where it was not typed.

    Raises:
        ValueError: It names no host.
    """
    typed = address.strip()
    url = URL(typed if "://" in typed else f"//{typed}")
    if not url.host or url.scheme not in {"", "http", "https"} or url.user or url.password:
        raise ValueError(f"not an address: {typed!r}")
    return URL.build(scheme=url.scheme, host=url.host, port=url.explicit_port)


async def find_device(session: aiohttp.ClientSession, address: str, *, verify: bool = False) -> FoundDevice:
    """Find the 2N at ``address``: HTTPS where the device has it, else HTTP.

    Args:
        session: Used for the requests.
        address: Host or IP address, with or without scheme and port.
        verify: Check the certificate against the system's authorities.

    Raises:
        ConnectionFailed: Nobody answers.
        WrongDevice: Something else answers.
        UnsupportedProduct: An Indoor Touch, which has another API.
        ValueError: The address names no host.
    """
    typed = parse_address(address)
    unreachable: ConnectionFailed | None = None
    for scheme in (typed.scheme,) if typed.scheme else ("https", "http"):
        assert typed.host is not None
        base = URL.build(scheme=scheme, host=typed.host, port=typed.explicit_port)
        fingerprint = None
        try:
            if scheme == "https":
                assert base.port is not None
                fingerprint = await certificate_fingerprint(typed.host, base.port)
            return await _identify(session, base, fingerprint, verify)
        except ConnectionFailed as err:
            # The reason for the first scheme tells more: a bad certificate, say.
            unreachable = unreachable or err
            if verify and fingerprint is not None:
                break
    assert unreachable is not None
    raise unreachable


async def _identify(session: aiohttp.ClientSession, base: URL, fingerprint: bytes | None, verify: bool) -> FoundDevice:
    transport = HttpTransport(session, base, fingerprint=fingerprint, verify=verify)
    try:
        info = await System(TwoNClient(transport)).info()
    except ConnectionFailed:
        raise
    except IntercomError as err:
        await _refuse_indoor_touch(transport)
        raise WrongDevice(f"{base.host} does not answer as a 2N") from err
    if info.serial is None and info.mac is None:
        raise WrongDevice(f"{base.host} names neither serial number nor MAC address")
    return FoundDevice(base, fingerprint, info)


async def _refuse_indoor_touch(transport: HttpTransport) -> None:
    try:
        reply = await transport.request("GET", _INDOOR_TOUCH_STATUS)
        document = fields(json.loads(reply.body))
    except IntercomError, ValueError:
        return
    product = text(fields(fields(document.get("data")).get("device")).get("model"))
    if product is not None:
        raise UnsupportedProduct(product)
