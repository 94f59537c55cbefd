"""The API of one account, and the search for an MX Proxy at an address: scheme, port, and certificate."""

from functools import partial
from http import HTTPStatus

from aiohttp import ClientSession
from yarl import URL

from ...common.discovery import candidates, first_answer, first_right, parse_address, parse_path, shown_certificate
from ...common.errors import (
    AuthenticationFailed,
    CertificateInvalid,
    ConnectionFailed,
    ExchangeInsecure,
    IntercomError,
    SecureConnectionRequired,
    Throttled,
    UnexpectedReply,
    WrongDevice,
)
from ...common.http import HttpTransport
from ...common.messages import Request
from .account import Directory, Session, Tokens, UserInfo
from .calls import Calls
from .client import REQUEST_TIMEOUT, Credentials, MxClient
from .conferences import Conferences
from .protocol import USER_INFO, refusal
from .voicemails import Voicemails

# The server itself listens at 8080, a reverse proxy at the other ports.
PREFERRED = (("https", 443), ("http", 8080), ("http", 80))
_NAME = "mxproxy"


class MxProxy:
    """The complete API, grouped as in the manual.

    Args:
        credentials: Credentials; the first request logs in.
    """

    def __init__(self, transport: HttpTransport, credentials: Credentials) -> None:
        self.transport = transport
        client = MxClient(transport, credentials)
        self.client = client
        self.session = Session(client)
        self.directory = Directory(client)
        self.calls = Calls(client)
        self.voicemails = Voicemails(client)
        self.conferences = Conferences(client)
        self.tokens = Tokens(client)


async def find(
    session: ClientSession, address: str, credentials: Credentials, *, verify: bool, pinned: str | None
) -> tuple[MxProxy, UserInfo, bytes | None]:
    """Find the MX Proxy at ``address`` and log in; the credentials are sent only to an MX Proxy.

    HTTPS is preferred to HTTP; the usual ports are tried if none is given.

    Args:
        address: Host or IP address, with or without scheme and port.
        verify: Verify the certificate against the trusted authorities.
        pinned: SHA-256 of the only accepted certificate, in hexadecimal; None accepts any.

    Returns:
        The API, the logged-in user, and the SHA-256 of the certificate to pin; None for HTTP and for a verified
        certificate, which may be renewed.

    Raises:
        ConnectionFailed: No response; ``ExchangeUnreachable`` if the MX does not respond to the server.
        CertificateChanged: The certificate is not the pinned one.
        WrongDevice: Another device responds.
        AuthenticationFailed: As ``Login.token``, by its kind.
        ExchangeInsecure: The MX has no TLS.
        SecureConnectionRequired: The server requires HTTPS.
        ValueError: The address contains no host.
    """
    typed, path = parse_address(address), parse_path(address)
    connect = partial(_connect, session, verify=verify, pinned=bytes.fromhex(pinned) if pinned else None)

    async def ask(base: URL) -> tuple[HttpTransport, bytes | None]:
        return await first_right((base, base.with_path(path)) if path else (base,), connect)

    transport, fingerprint = await first_answer(candidates(typed, PREFERRED), ask, verify=verify)
    proxy = MxProxy(transport, credentials)
    try:
        await proxy.session.login()
        info = await proxy.session.info()
    except ConnectionFailed, AuthenticationFailed, ExchangeInsecure, SecureConnectionRequired, Throttled:
        raise
    except IntercomError as err:
        raise WrongDevice(f"{typed.host} does not answer as an MX Proxy") from err
    return proxy, info, fingerprint


async def _connect(
    session: ClientSession, base: URL, *, verify: bool, pinned: bytes | None
) -> tuple[HttpTransport, bytes | None]:
    """Return the transport to an MX Proxy and the certificate to pin, without logging in."""
    certificate = await shown_certificate(base, pinned, verify=verify, legacy=False)
    if certificate.fingerprint is not None and pinned is None:
        # A certificate of a public host name is renewed every few weeks, so it is verified instead of pinned.
        try:
            return await _probe(HttpTransport(session, base, verify=True, below=True)), None
        except CertificateInvalid:
            if verify:
                raise
    transport = certificate.transport(session, base, verify=False, below=True)
    return await _probe(transport), certificate.fingerprint


async def _probe(transport: HttpTransport) -> HttpTransport:
    """Return the transport if an MX Proxy responds."""
    base = transport.base
    try:
        reply = await transport.request(Request(USER_INFO.method, USER_INFO.path, timeout=REQUEST_TIMEOUT))
    except UnexpectedReply as err:
        raise WrongDevice(f"{base.host} does not answer as an MX Proxy") from err
    # A reverse proxy may keep only one of the two headers that name the server.
    if reply.status == HTTPStatus.UNAUTHORIZED and _NAME in f"{reply.challenge} {reply.server}".lower():
        return transport
    failure = refusal(USER_INFO, reply, None)
    if isinstance(failure, ConnectionFailed | SecureConnectionRequired | Throttled):
        raise failure
    raise WrongDevice(f"{base.host} does not answer as an MX Proxy")
