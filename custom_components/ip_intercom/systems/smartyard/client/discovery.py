"""The API of one account, and the search for the server at an address: path and certificate."""

from aiohttp import ClientSession

from ...common.discovery import candidates, parse_address, parse_path, shown_certificate
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
from .client import Logins, SmartYardClient
from .journal import Recognition
from .pictures import Films, Images

# System, version, vendor, and model, in the format of the apps.
SYSTEM_INFO = "Linux,1,Home Assistant,IP Intercom"
# Paths of the API on the two servers.
PATHS = ("/mobile", "/api")


class SmartYard:
    """The complete API, grouped as in the field notes.

    Args:
        transport: Transport to the server; its base URL includes the path of the API.
        token: Access token, empty or None before the login.
        language: Language of the server's texts, such as ``en``.
        system_info: Description of this client: system, version, vendor, and model, separated by commas.
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
) -> tuple[SmartYard, bytes | None]:
    """Find the SmartYard at ``address``, without a login and without sending personal data.

    A given path is used as it is, otherwise those of ``PATHS``. HTTP is used only if it is given.

    Args:
        address: Base URL from the operator, or only its host.
        verify: Verify the certificate against the trusted authorities.
        pinned: SHA-256 of the only accepted certificate, in hexadecimal; None accepts any.
        language: As in ``SmartYard``.

    Returns:
        The API, and the SHA-256 of the certificate, None for HTTP.

    Raises:
        ConnectionFailed: No response; ``ServerBroken`` if the server reports an internal failure.
        CertificateChanged: The certificate is not the pinned one.
        SecureConnectionRequired: The server requires HTTPS.
        WrongDevice: Another server responds.
        ValueError: The address contains no host.
    """
    typed, path = parse_address(address), parse_path(address)
    (origin,) = candidates(typed, ((typed.scheme or "https", None),))
    certificate = await shown_certificate(
        origin, bytes.fromhex(pinned) if pinned else None, verify=verify, legacy=False
    )
    mismatch: IntercomError | None = None
    for folder in (path,) if path else PATHS:
        transport = certificate.transport(session, origin.with_path(folder), verify=verify)
        yard = SmartYard(transport, None, language=language)
        try:
            await _probe(yard)
        except SecureConnectionRequired, ServerBroken:
            raise
        except ConnectionFailed:
            # All paths are on one server: if it does not respond, do not try the others.
            raise
        except IntercomError as err:
            mismatch = mismatch or err
        else:
            return yard, certificate.fingerprint
    raise WrongDevice(f"{origin.host} does not answer as SmartYard") from mismatch


async def _probe(yard: SmartYard) -> None:
    """Request public data to identify the server."""
    try:
        await yard.login.phone_pattern()
    except NotSupported, NoData:
        # The second server has no phone pattern, but rejects requests without a token in the same format.
        if not await yard.client.is_smartyard():
            raise
