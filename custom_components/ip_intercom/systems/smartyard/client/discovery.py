"""Finding the server at an address that a person typed: path, certificate, and whether it is SmartYard."""

from aiohttp import ClientSession
from yarl import URL

from ...common.address import parse_address, parse_path
from ...common.errors import (
    CertificateChanged,
    ConnectionFailed,
    IntercomError,
    NoData,
    NotReached,
    NotSupported,
    SecureConnectionRequired,
    ServerBroken,
    WrongDevice,
)
from ...common.http import HttpTransport, certificate_fingerprint
from .yard import SYSTEM_INFO, SmartYard

# Of its two servers.
PATHS = ("/mobile", "/api")


async def find(
    session: ClientSession,
    address: str,
    *,
    verify: bool,
    pinned: str | None,
    language: str = "en",
    system_info: str = SYSTEM_INFO,
) -> tuple[SmartYard, bytes | None]:
    """Find the SmartYard at ``address``; there is no login, and no personal data is sent.

    A path is tried as it was typed, else those of ``PATHS``. HTTP is asked only where it was typed.

    Args:
        session: Used for the requests.
        address: Base address as the operator has it, or its host alone.
        verify: Check the certificate against the system's authorities.
        pinned: SHA-256 of the only certificate to talk to, in hexadecimal digits; None takes any.
        language: As in ``SmartYard``.
        system_info: As in ``SmartYard``.

    Returns:
        The server, and the SHA-256 of its certificate, None for http.

    Raises:
        ConnectionFailed: No response; ``ServerBroken`` where the server says that it cannot work.
        CertificateChanged: Another certificate than ``pinned`` is shown.
        SecureConnectionRequired: It is to be asked over HTTPS.
        WrongDevice: Something else answers.
        ValueError: The address names no host.
    """
    origin, typed = _origin(address), parse_path(address)
    fingerprint = await _certificate(origin, bytes.fromhex(pinned) if pinned else None)
    strange: IntercomError | None = None
    for path in (typed,) if typed else PATHS:
        transport = HttpTransport(session, origin.with_path(path), fingerprint=fingerprint, verify=verify)
        yard = SmartYard(transport, None, language=language, system_info=system_info)
        try:
            await _prove(yard)
        except SecureConnectionRequired, ServerBroken:
            raise
        except ConnectionFailed:
            # One server has all paths: where it does not answer, no other path helps.
            raise
        except IntercomError as err:
            strange = strange or err
        else:
            return yard, fingerprint
    raise WrongDevice(f"{origin.host} does not answer as SmartYard") from strange


def _origin(address: str) -> URL:
    typed = parse_address(address)
    scheme = typed.scheme or "https"
    assert typed.host is not None
    return URL.build(scheme=scheme, host=typed.host, port=typed.explicit_port)


async def _certificate(origin: URL, pinned: bytes | None) -> bytes | None:
    if origin.scheme == "http":
        if pinned is not None:
            raise NotReached("the server is to be asked over HTTPS")
        return None
    assert origin.host is not None
    assert origin.port is not None
    fingerprint = await certificate_fingerprint(origin.host, origin.port)
    if pinned is not None and fingerprint != pinned:
        raise CertificateChanged(pinned, fingerprint)
    return fingerprint


async def _prove(yard: SmartYard) -> None:
    """Request public data."""
    try:
        await yard.login.phone_pattern()
    except NotSupported, NoData:
        # The second server has no pattern; but it rejects requests without a token in the same form.
        if not await yard.client.speaks():
            raise
