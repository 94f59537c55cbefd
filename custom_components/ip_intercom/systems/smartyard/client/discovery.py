"""One account of SmartYard, and finding the server at an address: path, certificate, and whether it is one."""

from aiohttp import ClientSession

from ...common.address import parse_address, parse_path
from ...common.discovery import candidates, shown_certificate
from ...common.errors import (
    ConnectionFailed,
    IntercomError,
    NoData,
    NotSupported,
    SecureConnectionRequired,
    ServerBroken,
    WrongDevice,
)
from ...common.http import HttpTransport
from .account import Ext, Inbox, Sip, User
from .address import Address
from .cameras import Cameras
from .client import SmartYardClient
from .journal import Recognition
from .login import Logins
from .pictures import Films, Images

# System, version, vendor and model, as the apps have it.
SYSTEM_INFO = "Linux,1,Home Assistant,IP Intercom"
# Of its two servers.
PATHS = ("/mobile", "/api")


class SmartYard:
    """Every method of the API, grouped as in the field notes.

    Args:
        transport: The connection to the server; its base address has the path below which the methods are.
        token: What a login has given, empty or None before it.
        language: The language of the server's texts for people, such as ``en``.
        system_info: Who asks: system, version, vendor and model, with commas between.
    """

    def __init__(
        self, transport: HttpTransport, token: str | None, *, language: str = "en", system_info: str = SYSTEM_INFO
    ) -> None:
        self.transport = transport
        client = SmartYardClient(transport, token or "", language, system_info)
        self.client = client
        self.login = Logins(client)
        self.user = User(client)
        self.address = Address(client)
        self.cameras = Cameras(client)
        self.inbox = Inbox(client)
        self.sip = Sip(client)
        self.ext = Ext(client)
        self.recognition = Recognition(client)
        self.images = Images(transport)
        self.films = Films(transport)


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
    typed, path = parse_address(address), parse_path(address)
    (origin,) = candidates(typed, ((typed.scheme or "https", None),))
    certificate = await shown_certificate(
        origin, bytes.fromhex(pinned) if pinned else None, verify=verify, legacy=False
    )
    strange: IntercomError | None = None
    for folder in (path,) if path else PATHS:
        transport = certificate.transport(session, origin.with_path(folder), verify=verify)
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
            return yard, certificate.fingerprint
    raise WrongDevice(f"{origin.host} does not answer as SmartYard") from strange


async def _prove(yard: SmartYard) -> None:
    """Request public data."""
    try:
        await yard.login.phone_pattern()
    except NotSupported, NoData:
        # The second server has no pattern; but it rejects requests without a token in the same form.
        if not await yard.client.speaks():
            raise
