"""ONVIF of a device: the services device and media (ONVIF Core, Media and Media2 Service Specifications).

Streaming Specification 5.3: a profile with an audio output has a backchannel. Written from the specifications; where
devices differ, each of the readings is an attribute of `OnvifService`.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import hashlib
import hmac
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import web

from tests.simulators.common.digest import Digest, StaleNonceError
from tests.simulators.common.rtsp import RtspCamera, Ways

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SCHEMA = "http://www.onvif.org/ver10/schema"
ERROR = "http://www.onvif.org/ver10/error"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"

PATHS = {"/onvif/device_service": DEVICE, "/onvif/media_service": MEDIA, "/onvif/media2_service": MEDIA2}
# A token is valid so long before and after the time of the device.
VALIDITY = timedelta(minutes=5)
# Functions that need no account (access class PRE_AUTH, ONVIF Core 5.9.4.3).
OPEN = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetHostname"})


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile; `speaks` if it has an audio output and a decoder."""

    token: str
    encoding: str = "H264"
    width: int = 1280
    height: int = 960
    source: str = "internal"
    speaks: bool = True


# The tokens of a Verso in the field are of this form (go2rtc#1904).
PROFILES = (
    Profile("3D1F4C70-5C0B-4B9E-9B0D-000000000001", "JPEG", 640, 480),
    Profile("4FC68F7A-BE39-4972-9065-48D5BF4E9CCA", width=640, height=480),
    Profile("4FC68F7A-BE39-4972-9065-000000000002", width=1280, height=960),
    Profile("4FC68F7A-BE39-4972-9065-000000000003", width=1920, height=1080),
    Profile("7A3D6F00-1111-4972-9065-000000000004", width=1280, height=720, source="external"),
)


class FaultError(Exception):
    """A SOAP fault: its subcodes, outermost first, and the HTTP status."""

    def __init__(self, *subcodes: str, status: int = 400, code: str = "Sender") -> None:
        """Subcodes are local names of the error namespace."""
        super().__init__(subcodes)
        self.subcodes = subcodes
        self.status = status
        self.code = code


def rtsp_server() -> RtspCamera:
    """Return the RTSP server of a device with everything enabled; ``rtsp_port`` names its port."""
    ways = Ways(login="digest", realm="2N RTSP", codec="0 PCMU/8000", fmtp="packetization-mode=1")
    return RtspCamera(ways, {"viewer": "p@ss/w"})


class OnvifService:
    """ONVIF of one device."""

    def __init__(self) -> None:
        """As it is when everything is enabled."""
        # Not with `enabled`: the web server knows none of the paths.
        self.enabled = True
        self.users = {"viewer": "p@ss/w"}
        self.profiles: tuple[Profile, ...] = PROFILES
        self.media2 = True
        # GetServices came with ONVIF 2.1.
        self.lists_services = True
        # How far the clock of the device is ahead.
        self.ahead = timedelta()
        # Whether the device returns its clock without an account, and at all.
        self.tells_clock = True
        # What it calls itself in the addresses of services and streams.
        self.host = "192.168.1.100"
        self.rtsp_port = 554
        # The account is checked by HTTP Digest, and UsernameToken ignored: 401, or the fault NotAuthorized with 400.
        self.http_digest = False
        self.hides_challenge = False
        # A fault that every call with an account gets, such as "OutOfMemory".
        self.broken: str | None = None
        # Prefixes of the namespaces: none is guaranteed.
        self.prefixes = {"soap": "SOAP-ENV", "device": "tds", "media": "trt", "media2": "tr2", "schema": "tt"}
        # The address of the stream is this, in place of its own.
        self.stream_uri: str | None = None
        # Names of the calls answered, with the namespace of each.
        self.calls: list[tuple[str, str]] = []
        self._nonces: set[bytes] = set()
        self._digest = Digest("ONVIF", algorithm="MD5")

    async def respond(self, request: web.BaseRequest) -> web.Response:
        """Answer a request to /onvif/."""
        body = await request.read()
        if not self.enabled or (namespace := PATHS.get(request.path)) is None:
            return web.Response(status=404, text="<html>Not found</html>", content_type="text/html")
        if request.method != "POST":
            return web.Response(status=405)
        try:
            content = self._answer(request, namespace, body)
        except FaultError as fault:
            return self._fault(fault)
        return self._envelope(content, 200)

    def _answer(self, request: web.BaseRequest, namespace: str, body: bytes) -> str:
        try:
            envelope = ET.fromstring(body)  # noqa: S314  # it is our own client's
        except ET.ParseError as error:
            raise FaultError("WellFormed") from error
        content = envelope.find(f"{{{SOAP}}}Body")
        if envelope.tag != f"{{{SOAP}}}Envelope" or content is None or len(content) != 1:
            raise FaultError("InvalidArgs")
        call = content[0]
        space, _, name = call.tag.removeprefix("{").partition("}")
        if space != namespace or (space == MEDIA2 and not self.media2):
            raise FaultError("ActionNotSupported", status=500, code="Receiver")
        self.calls.append((space, name))
        if name not in OPEN or (name == "GetSystemDateAndTime" and not self.tells_clock):
            self._check_account(request, envelope)
            if self.broken is not None:
                raise FaultError("Action", self.broken, status=500, code="Receiver")
        match space, name:
            case _, "GetSystemDateAndTime":
                return self._clock()
            case _, "GetServices" if self.lists_services:
                return self._services()
            case _, "GetCapabilities":
                return self._capabilities()
            case _, "GetProfiles":
                return self._profiles(space)
            case _, "GetStreamUri":
                return self._stream(space, call)
        raise FaultError("ActionNotSupported", status=500, code="Receiver")

    def _check_account(self, request: web.BaseRequest, envelope: ET.Element) -> None:
        if self.http_digest:
            scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
            try:
                if scheme == "Digest" and self._digest.check(request, credentials, self.users.get) is not None:
                    return
            except StaleNonceError:
                pass
            token = envelope.find(f"{{{SOAP}}}Header")
            raise FaultError("NotAuthorized", status=400 if self.hides_challenge and token is not None else 401)
        token = envelope.find(f"{{{SOAP}}}Header/{{{SECURITY}}}Security/{{{SECURITY}}}UsernameToken")
        if token is None or not self._is_valid(token):
            raise FaultError("NotAuthorized")

    def _is_valid(self, token: ET.Element) -> bool:
        """Check a token by the clock of the device (UsernameToken Profile 1.1, 3.1)."""
        given = {part.tag.rpartition("}")[2]: part for part in token}
        if given.keys() != {"Username", "Password", "Nonce", "Created"}:
            return False
        if given["Created"].tag != f"{{{UTILITY}}}Created" or given["Password"].get("Type") != DIGEST_TYPE:
            return False
        password = self.users.get(given["Username"].text or "")
        nonce, created = b64decode(given["Nonce"].text or ""), given["Created"].text or ""
        now = datetime.now(UTC) + self.ahead
        if password is None or nonce in self._nonces or abs(datetime.fromisoformat(created) - now) > VALIDITY:
            return False
        self._nonces.add(nonce)
        sha1 = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
        return hmac.compare_digest(sha1.digest(), b64decode(given["Password"].text or ""))

    def _clock(self) -> str:
        now = datetime.now(UTC) + self.ahead
        device, schema = self.prefixes["device"], self.prefixes["schema"]

        def tag(name: str, content: object) -> str:
            return f"<{schema}:{name}>{content}</{schema}:{name}>"

        time = tag("Hour", now.hour) + tag("Minute", now.minute) + tag("Second", now.second)
        date = tag("Year", now.year) + tag("Month", now.month) + tag("Day", now.day)
        utc = tag("UTCDateTime", tag("Time", time) + tag("Date", date))
        return self._response(device, "SystemDateAndTime", tag("DateTimeType", "NTP") + utc, "GetSystemDateAndTime")

    @staticmethod
    def _response(prefix: str, part: str, content: str, call: str) -> str:
        return f"<{prefix}:{call}Response><{prefix}:{part}>{content}</{prefix}:{part}></{prefix}:{call}Response>"

    def _address(self, path: str) -> str:
        return f"http://{self.host}:80{path}"

    def _services(self) -> str:
        device = self.prefixes["device"]
        listed = "".join(
            f"<{device}:Service><{device}:Namespace>{namespace}</{device}:Namespace>"
            f"<{device}:XAddr>{self._address(path)}</{device}:XAddr></{device}:Service>"
            for path, namespace in PATHS.items()
            if namespace != MEDIA2 or self.media2
        )
        return f"<{device}:GetServicesResponse>{listed}</{device}:GetServicesResponse>"

    def _capabilities(self) -> str:
        schema = self.prefixes["schema"]
        media = (
            f"<{schema}:Media><{schema}:XAddr>{self._address('/onvif/media_service')}</{schema}:XAddr></{schema}:Media>"
        )
        return self._response(self.prefixes["device"], "Capabilities", media, "GetCapabilities")

    def _profiles(self, space: str) -> str:
        own, schema = self.prefixes["media" if space == MEDIA else "media2"], self.prefixes["schema"]

        def tag(name: str, content: object, prefix: str = schema) -> str:
            return f"<{prefix}:{name}>{content}</{prefix}:{name}>"

        listed = ""
        for profile in self.profiles:
            if space == MEDIA2 and profile.encoding == "JPEG":
                continue
            size = tag("Resolution", tag("Width", profile.width) + tag("Height", profile.height))
            video = tag("Encoding", profile.encoding) + size
            source = tag("Name", "source") + tag("SourceToken", profile.source)
            if space == MEDIA:
                parts = tag("VideoSourceConfiguration", source) + tag("VideoEncoderConfiguration", video)
                if profile.speaks:
                    parts += tag("Extension", tag("AudioOutputConfiguration", tag("OutputToken", "speaker")))
            else:
                parts = tag("VideoSource", source, own) + tag("VideoEncoder", video, own)
                if profile.speaks:
                    parts += tag("AudioOutput", tag("OutputToken", "speaker"), own)
                parts = tag("Configurations", parts, own)
            listed += f'<{own}:Profiles token="{profile.token}" fixed="true">{parts}</{own}:Profiles>'
        return f"<{own}:GetProfilesResponse>{listed}</{own}:GetProfilesResponse>"

    def _stream(self, space: str, call: ET.Element) -> str:
        token = call.findtext(f"{{{space}}}ProfileToken")
        if token not in {profile.token for profile in self.profiles}:
            raise FaultError("InvalidArgVal", "NoProfile")
        if space == MEDIA:
            setup = f"{{{MEDIA}}}StreamSetup/{{{SCHEMA}}}"
            wanted = (call.findtext(f"{setup}Stream"), call.findtext(f"{setup}Transport/{{{SCHEMA}}}Protocol"))
            if wanted != ("RTP-Unicast", "RTSP"):
                raise FaultError("InvalidArgVal", "InvalidStreamSetup")
        elif call.findtext(f"{{{MEDIA2}}}Protocol") != "RTSP":
            raise FaultError("InvalidArgVal", "InvalidStreamSetup")
        uri = f"rtsp://{self.host}:{self.rtsp_port}/onvif/media?transport=unicast&amp;profile={token}"
        uri = uri if self.stream_uri is None else self.stream_uri
        if space == MEDIA2:
            own = self.prefixes["media2"]
            return f"<{own}:GetStreamUriResponse><{own}:Uri>{uri}</{own}:Uri></{own}:GetStreamUriResponse>"
        schema = self.prefixes["schema"]
        return self._response(self.prefixes["media"], "MediaUri", f"<{schema}:Uri>{uri}</{schema}:Uri>", "GetStreamUri")

    def _fault(self, fault: FaultError) -> web.Response:
        soap = self.prefixes["soap"]
        subcode = ""
        for code in reversed(fault.subcodes):
            subcode = f"<{soap}:Subcode><{soap}:Value>ter:{code}</{soap}:Value>{subcode}</{soap}:Subcode>"
        content = (
            f'<{soap}:Fault xmlns:ter="{ERROR}"><{soap}:Code><{soap}:Value>{soap}:{fault.code}</{soap}:Value>{subcode}'
            f'</{soap}:Code><{soap}:Reason><{soap}:Text xml:lang="en">refused</{soap}:Text></{soap}:Reason></{soap}:Fault>'
        )
        response = self._envelope(content, fault.status)
        if fault.status == 401:
            response.headers["WWW-Authenticate"] = self._digest.challenge()
        return response

    def _envelope(self, content: str, status: int) -> web.Response:
        spaces: dict[str, Any] = {"soap": SOAP, "device": DEVICE, "media": MEDIA, "media2": MEDIA2, "schema": SCHEMA}
        names = " ".join(f'xmlns:{self.prefixes[key]}="{space}"' for key, space in spaces.items())
        soap = self.prefixes["soap"]
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{soap}:Envelope {names}><{soap}:Body>{content}</{soap}:Body></{soap}:Envelope>'
        return web.Response(body=text.encode(), status=status, headers={"Content-Type": "application/soap+xml"})
