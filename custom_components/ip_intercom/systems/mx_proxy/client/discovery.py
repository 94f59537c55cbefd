"""One account at an MX Proxy, and finding the server at an address: scheme, port, certificate, and whether it is one."""

from functools import partial
from http import HTTPStatus

from aiohttp import ClientSession
from yarl import URL

from ...common.address import parse_address
from ...common.discovery import candidates, first_answer, shown_certificate
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
from .client import REQUEST_TIMEOUT, MxClient
from .conferences import Conferences
from .endpoints import USER_INFO
from .envelope import refusal
from .login import Credentials
from .voicemails import Voicemails

# The server listens by itself at 8080, something in front of it at the other ports.
PREFERRED = (("https", 443), ("http", 8080), ("http", 80))
_REALM = "mxproxy"


class MxProxy:
    """Every request of the API, grouped as in the manual.

    Args:
        transport: The connection to the server.
        credentials: Who logs in, which happens when it is needed.
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
    """Find the MX Proxy at ``address`` and log in; the credentials are shown to an MX Proxy only.

    HTTPS where there is one, else HTTP, at their usual ports where none is typed.

    Args:
        session: Used for the requests.
        address: Host or IP address, with or without scheme and port.
        credentials: Who logs in.
        verify: Check the certificate against the system's authorities.
        pinned: SHA-256 of the only certificate to talk to, in hexadecimal digits; None takes any.

    Returns:
        The account, who it is, and the SHA-256 of the certificate to insist on from now on; None for http, and for a
        certificate that was verified, which may be another one tomorrow.

    Raises:
        ConnectionFailed: No response; ``ExchangeUnreachable`` where the MX does not answer the server.
        CertificateChanged: Another certificate than ``pinned`` is shown.
        WrongDevice: Something else answers.
        AuthenticationFailed: As ``Login.token``, by its kind.
        ExchangeInsecure: The MX has no TLS.
        SecureConnectionRequired: It is to be asked over HTTPS.
        ValueError: The address names no host.
    """
    typed = parse_address(address)
    ask = partial(_greet_securely, session, verify=verify, pinned=bytes.fromhex(pinned) if pinned else None)
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


async def _greet_securely(
    session: ClientSession, base: URL, *, verify: bool, pinned: bytes | None
) -> tuple[HttpTransport, bytes | None]:
    """Return the way to an MX Proxy, and the certificate to insist on; there is no login."""
    certificate = await shown_certificate(base, pinned, verify=verify, legacy=False)
    if certificate.fingerprint is not None and pinned is None:
        # A public name has a certificate that is renewed every few weeks: it is verified, not remembered.
        try:
            return await _greet(HttpTransport(session, base, verify=True)), None
        except CertificateInvalid:
            if verify:
                raise
    transport = certificate.transport(session, base, verify=False)
    return await _greet(transport), certificate.fingerprint


async def _greet(transport: HttpTransport) -> HttpTransport:
    """Return the way again, if there is an MX Proxy at its end."""
    base = transport.base
    try:
        reply = await transport.request(Request(USER_INFO.method, USER_INFO.path, timeout=REQUEST_TIMEOUT))
    except UnexpectedReply as err:
        raise WrongDevice(f"{base.host} does not answer as an MX Proxy") from err
    if reply.status == HTTPStatus.UNAUTHORIZED and _REALM in reply.challenge.lower():
        return transport
    failure = refusal(USER_INFO, reply, None)
    if isinstance(failure, ConnectionFailed | SecureConnectionRequired | Throttled):
        raise failure
    raise WrongDevice(f"{base.host} does not answer as an MX Proxy")
