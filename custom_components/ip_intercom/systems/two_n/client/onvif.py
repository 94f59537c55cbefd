"""ONVIF of the device: the address of its video stream with audio in both directions.

Sources: ONVIF Core Specification 5.9 (WS-UsernameToken) and 8, Media Service Specification (ver10), Media2 Service
Specification (ver20), Streaming Specification 5.3 (audio backchannel), SOAP 1.2.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import hashlib
from http import HTTPStatus
import logging
import secrets
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

from aiohttp import ClientMiddlewareType, DigestAuthMiddleware
from yarl import URL

from ...common.errors import AuthenticationFailed, CommandFailed, IntercomError, NotSupported, UnexpectedReply
from ...common.http import HttpTransport
from ...common.messages import Reply, Request, overload, redirect

_LOGGER = logging.getLogger(__name__)

_DEVICE_PATH = "/onvif/device_service"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_PASSWORD_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_SCHEMA = "http://www.onvif.org/ver10/schema"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"

# Elements inside each other; those of ONVIF have about ten.
_DEPTH = 50
# Bytes of a response: the profiles of a device with many encoders have about 60 kB.
_MAX_RESPONSE = 512 * 1024
# Ports of streams, by scheme; a unit that is set to secure connections reports only rtsps.
_PORTS = {"rtsp": 554, "rtsps": 322}
# The profile whose width is nearest to this is used.
_WIDTH = 1280
# Subcodes of faults (ONVIF Core 5.8.2.3) for functions that a device may lack.
_MISSING = frozenset({"ActionNotSupported", "NoSuchService", "UnknownAction"})
# Statuses of a device without ONVIF, or with ONVIF turned off, if the response is no SOAP message.
_ABSENT = frozenset(
    {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)

_GET_STREAM_URI = {
    MEDIA: (
        f'<GetStreamUri xmlns="{MEDIA}"><StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
        f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
        "<ProfileToken>{token}</ProfileToken></GetStreamUri>"
    ),
    MEDIA2: (
        f'<GetStreamUri xmlns="{MEDIA2}"><Protocol>RTSP</Protocol><ProfileToken>{{token}}</ProfileToken></GetStreamUri>'
    ),
}
_GET_PROFILES = {
    MEDIA: f'<GetProfiles xmlns="{MEDIA}"/>',
    MEDIA2: f'<GetProfiles xmlns="{MEDIA2}"><Type>All</Type></GetProfiles>',
}


class NoProfile(NotSupported):
    """The device has no ONVIF profile with H.264."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile.

    Attributes:
        service: The media service that lists it (``MEDIA`` or ``MEDIA2``).
        source: Token of its video source, None without video.
        encoding: Encoding of its video in upper case, such as ``H264``; empty without video.
        speaks: It contains an audio output, as the audio backchannel requires.
    """

    service: str
    token: str
    source: str | None
    encoding: str
    width: int
    speaks: bool


class Onvif:
    """Client for the ONVIF services of the device.

    Args:
        transport: The web server of the device; ONVIF uses the same port.
        username: A user of ONVIF, not of the HTTP API.
    """

    def __init__(self, transport: HttpTransport, username: str, password: str) -> None:
        self._transport = transport
        self._username = username
        self._password = password
        self._ahead = timedelta()
        self._digest: DigestAuthMiddleware | None = None

    async def stream_url(self) -> URL:
        """Return the RTSP address of the best H.264 profile, without credentials and fragment.

        The host is that of the device as it is reached here: behind NAT, a device reports another one.

        Raises:
            NotSupported: The device has no ONVIF, or it is turned off.
            NoProfile: No profile has H.264.
            AuthenticationFailed: The device rejects the user.
            ConnectionFailed: The device does not respond.
            CommandFailed: Another SOAP fault; ``reason`` is its subcode.
            UnexpectedReply: The response is not SOAP.
        """
        await self._read_clock()
        services = await self._media_services()
        profiles = [profile for service in services for profile in await self._profiles(service, services[service])]
        profile = best_profile(profiles)
        body = _GET_STREAM_URI[profile.service].format(token=escape(profile.token))
        reply = await self._call(services[profile.service], body)
        uri = (reply.findtext(".//{*}Uri") or "").strip()
        return self._own(uri)

    async def _read_clock(self) -> None:
        """Determine how far the clock of the device is ahead: it rejects tokens from another time."""
        self._ahead = timedelta()
        try:
            reply = await self._call(_DEVICE_PATH, f'<GetSystemDateAndTime xmlns="{DEVICE}"/>', anonymous=True)
        except (AuthenticationFailed, CommandFailed) as err:
            _LOGGER.debug("ONVIF does not report the clock: %s", err)
            return
        if (clock := reply.find(".//{*}UTCDateTime")) is None:
            return
        try:
            year, month, day, hour, minute, second = (
                int(clock.findtext(f"{{*}}{part}/{{*}}{name}") or "")
                for part, names in (("Date", ("Year", "Month", "Day")), ("Time", ("Hour", "Minute", "Second")))
                for name in names
            )
            reported = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        except ValueError:
            _LOGGER.debug("ONVIF reports no valid time")
            return
        self._ahead = reported - datetime.now(UTC)

    async def _media_services(self) -> Mapping[str, str]:
        """Return the paths of the media services, by namespace."""
        try:
            reply = await self._call(
                _DEVICE_PATH,
                f'<GetServices xmlns="{DEVICE}"><IncludeCapability>false</IncludeCapability></GetServices>',
            )
            found = {
                (service.findtext("{*}Namespace") or "").strip(): service.findtext("{*}XAddr") or ""
                for service in reply.iterfind(".//{*}Service")
            }
        except (NotSupported, CommandFailed) as err:  # older than ONVIF 2.1
            _LOGGER.debug("ONVIF does not list its services: %s", err)
            reply = await self._call(
                _DEVICE_PATH, f'<GetCapabilities xmlns="{DEVICE}"><Category>Media</Category></GetCapabilities>'
            )
            found = {MEDIA: reply.findtext(".//{*}Media/{*}XAddr") or ""}
        paths = {name: _path(found[name]) for name in (MEDIA, MEDIA2) if found.get(name)}
        if not paths:
            raise NotSupported("ONVIF has no media service")
        return paths

    async def _profiles(self, service: str, path: str) -> list[Profile]:
        reply = await self._call(path, _GET_PROFILES[service])
        return [_profile(service, element) for element in reply.iterfind(".//{*}Profiles")]

    def _own(self, uri: str) -> URL:
        """Return a reported stream address with the host of the device as it is reached here."""
        try:
            url = URL(uri, encoded=True)
            port = url.explicit_port or _PORTS.get(url.scheme)
        except ValueError as err:
            raise UnexpectedReply("ONVIF reports no valid address of the stream") from err
        if url.scheme not in _PORTS or not url.host:
            raise UnexpectedReply("ONVIF reports no address of a stream")
        own = URL.build(scheme=url.scheme, host=self._transport.base.host or "", port=port)
        # Kept as reported: the path selects the profile, and only that of ONVIF has audio in both directions.
        return URL(f"{own}{url.raw_path_qs}", encoded=True)

    async def _call(self, path: str, body: str, *, anonymous: bool = False) -> Element:
        """Send a request, and return the body of the response.

        With credentials, WS-UsernameToken comes first. If it is rejected, HTTP Digest follows (ONVIF Core 5.9.1).
        """
        if anonymous or not self._username:
            return self._body(path, await self._send(path, body, ""))
        if self._digest is not None:
            return self._body(path, await self._send(path, body, "", (self._digest,)))
        try:
            return self._body(path, await self._send(path, body, self._token()))
        except AuthenticationFailed:
            digest = DigestAuthMiddleware(self._username, self._password)
            reply = await self._send(path, body, "", (digest,))
            if not reply.authorization:
                raise  # there was no challenge: HTTP Digest was not tried
            found = self._body(path, reply)
            self._digest = digest
            return found

    async def _send(
        self, path: str, body: str, security: str, middlewares: tuple[ClientMiddlewareType, ...] = ()
    ) -> Reply:
        header = f"<s:Header>{security}</s:Header>" if security else ""
        content = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<s:Envelope xmlns:s="{_SOAP}">{header}<s:Body>{body}</s:Body></s:Envelope>'
        )
        return await self._transport.request(
            Request("POST", path, content=content.encode(), max_bytes=_MAX_RESPONSE),
            headers={"Content-Type": "application/soap+xml; charset=utf-8"},
            middlewares=middlewares,
        )

    def _token(self) -> str:
        """Return a security header with a new nonce (UsernameToken Profile 1.1, 3.1)."""
        nonce = secrets.token_bytes(16)
        created = (datetime.now(UTC) + self._ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha1(nonce + f"{created}{self._password}".encode(), usedforsecurity=False).digest()
        return (
            f'<Security s:mustUnderstand="1" xmlns="{_SECURITY}"><UsernameToken>'
            f"<Username>{escape(self._username)}</Username>"
            f'<Password Type="{_PASSWORD_DIGEST}">{b64encode(digest).decode()}</Password>'
            f'<Nonce EncodingType="{_BASE64}">{b64encode(nonce).decode()}</Nonce>'
            f'<Created xmlns="{_UTILITY}">{created}</Created></UsernameToken></Security>'
        )

    def _body(self, path: str, reply: Reply) -> Element:
        """Return the body of a response; raise its fault."""
        if (err := overload(path, reply) or redirect(reply)) is not None:
            raise err
        try:
            body = parse_xml(reply.body).find("{*}Body")
        except UnexpectedReply:
            body = None
        if body is not None and (fault := body.find("{*}Fault")) is not None:
            raise _fault(fault)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise AuthenticationFailed("ONVIF rejected the user name or password")
        if body is None and reply.status in _ABSENT:
            raise NotSupported(f"{path} answered {reply.status}")
        if body is None or reply.status != HTTPStatus.OK:
            raise UnexpectedReply(f"{path} answered {reply.status} without a SOAP message")
        return body


def best_profile(profiles: Iterable[Profile]) -> Profile:
    """Return the H.264 profile of the main video source to use.

    One with an audio output comes first, as others have no backchannel, then the one nearest to 1280 pixels wide.

    Raises:
        NoProfile: There is none.
    """
    profiles = list(profiles)
    main = next((profile.source for profile in profiles if profile.source is not None), None)
    fitting = [profile for profile in profiles if profile.encoding == "H264" and profile.source == main]
    if not fitting:
        raise NoProfile("no ONVIF profile has H.264")
    return min(fitting, key=lambda profile: (not profile.speaks, abs(profile.width - _WIDTH)))


def _profile(service: str, element: Element) -> Profile:
    """Return a profile of GetProfiles; the two services name its parts differently."""
    if service == MEDIA:
        parts = {"source": "VideoSourceConfiguration", "video": "VideoEncoderConfiguration"}
        audio = element.find("{*}Extension/{*}AudioOutputConfiguration")
    else:
        parts = {"source": "Configurations/{*}VideoSource", "video": "Configurations/{*}VideoEncoder"}
        audio = element.find("{*}Configurations/{*}AudioOutput")
    video = element.find(f"{{*}}{parts['video']}")
    width = "" if video is None else video.findtext("{*}Resolution/{*}Width") or ""
    return Profile(
        service=service,
        token=element.get("token", ""),
        source=element.findtext(f"{{*}}{parts['source']}/{{*}}SourceToken"),
        encoding="" if video is None else (video.findtext("{*}Encoding") or "").strip().upper(),
        width=int(width) if width.strip().isdecimal() else 0,
        speaks=audio is not None,
    )


def _path(address: str) -> str:
    """Return the path of a service: its host may be wrong, and its port that of another protocol."""
    try:
        path = urlsplit(address.strip()).path
    except ValueError as err:
        raise UnexpectedReply("ONVIF reports no valid address of a service") from err
    return path if path.startswith("/") else f"/{path}"


def _fault(fault: Element) -> IntercomError:
    """Return the error of a SOAP fault; the innermost subcode tells most (ONVIF Core 5.8.2)."""
    values = [(value.text or "").strip() for value in fault.iterfind("{*}Code//{*}Value")]
    codes = [value.rpartition(":")[2] for value in values]
    if {"NotAuthorized", "FailedAuthentication", "FailedCheck", "InvalidSecurityToken"} & set(codes):
        return AuthenticationFailed("ONVIF rejected the user name or password")
    reason = codes[-1] if codes else "Fault"
    if _MISSING & set(codes):
        return NotSupported(f"ONVIF: {reason}")
    return CommandFailed(f"ONVIF: {reason}")


def parse_xml(content: bytes) -> Element:
    """Return the root element; names with a namespace have the form ``{uri}name``.

    Document types are rejected, so that XML of a device can neither expand nor load anything.

    Raises:
        UnexpectedReply: It is not XML, has a document type, or is nested too deeply.
    """
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate(namespace_separator="}")

    def refuse(*_: object) -> None:
        raise UnexpectedReply("XML with a document type")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise UnexpectedReply("XML is nested too deeply")
        builder.start(_qualified(name), {_qualified(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_qualified(name))

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as err:  # the latter two for its encoding
        raise UnexpectedReply("not XML") from err
    return builder.close()


def _qualified(name: str) -> str:
    return f"{{{name}" if "}" in name else name
