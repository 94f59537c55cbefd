"""The configuration of each device when it leaves the factory (captures/e18_config_keys_live.txt and the manual)."""

from collections.abc import Iterator

from .dialects import Auth, Dialect, Keys

RELAY = "Config.DoorSetting.RELAY."
INPUT = "Config.DoorSetting.INPUT."
DTMF = "Config.DoorSetting.DTMF."
PASSWORD = "Config.DoorSetting.PASSWORD."
APIFCGI = "Config.DoorSetting.APIFCGI."
RTSP = "Config.DoorSetting.RTSP."
ACTIONURL = "Config.Features.ACTIONURL."
LOGLEVEL = "Config.Settings.LOGLEVEL."
SOFTKEY = "Config.Programable.SOFTKEY01.LocalParam1"
DIAL_TIMEOUT = "Config.Settings.CALLTIMEOUT.DialOut"
MAX_CALL = "Config.Features.DOORPHONE.MaxCallTime"
LOCATION = "Config.DoorSetting.DEVICENODE.Location"

ACCOUNT = """
ANONYMOUS_CALL.Enable=0 ANONYMOUS_CALL.OffCode= ANONYMOUS_CALL.OnCode= ANONYMOUS_CALL.PrivacyHeaderValue=id
AUTO_ANSWER.Enable=1 GENERAL.AuthName= GENERAL.DisplayName= GENERAL.EditEnable= GENERAL.Enable=0 GENERAL.Label=
GENERAL.Pwd= GENERAL.UserAgent= GENERAL.UserName= NAT.Rport=0 NAT.UdpKeepEnable=1 NAT.UdpKeepInterval=30
OUTPROXY.BakPort=5060 OUTPROXY.BakServer= OUTPROXY.DHCPOption=0 OUTPROXY.Enable=0 OUTPROXY.Port=5060 OUTPROXY.Server=
REJECT_ANONYMOUSCALL.Enable=0 REJECT_ANONYMOUSCALL.OffCode= REJECT_ANONYMOUSCALL.OnCode= SIP.Port=5060 SIP.Port2=5060
SIP.Server= SIP.Server2= SIP.TransType=0 STUN.Enable=0 STUN.Port=3478 STUN.Server=
"""
CLOUD = """
DeviceCommunity= Enable=0 GatePort=0 GateServer= OpenDoorLimit= Port= RpsEnable=1 Server= Token= Type= UploadPassword=
UploadUrl= UploadUser=
"""
COMMON = {
    "Config.DoorSetting.CONNECT.DiscoveryMode": "1",
    "Config.DoorSetting.CLOUDSERVER.RpsServer": "http://rps.akuvox.com:8080/redirect?mac=",
    "Config.Settings.HANDFREE.MicVol": "8",
    "Config.Settings.HANDFREE.SpkVol": "8",
    f"{LOGLEVEL}Level": "3",
    f"{LOGLEVEL}RemoteSyslog": "0",
    f"{LOGLEVEL}RemoteServer": "",
}
PUBLIC_CODES = {
    f"{PASSWORD}PublicKeyEnable": "1",
    f"{PASSWORD}PublicKey1": "33333333",
    f"{PASSWORD}PublicKey2": "66666666",
    f"{PASSWORD}PublicKey3": "88888888",
    f"{PASSWORD}PublicKeyBitsLimit": "0",
}
# Highest value of numbers, by the end of the key without its letter (manual, Api relay, Api input, Api publiccode).
LIMITS = {
    f"{RELAY}HoldDelay": 60,
    f"{RELAY}TriggerDelay": 60,
    f"{RELAY}Type": 1,
    f"{INPUT}Delay": 65536,
    f"{INPUT}Option": 1,
    f"{INPUT}Enable": 1,
    f"{PASSWORD}PublicKeyEnable": 1,
    f"{PASSWORD}PublicKeyBitsLimit": 4,
    f"{LOGLEVEL}Level": 7,
}


def _pairs(prefix: str, text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        name, _, value = word.partition("=")
        yield prefix + name, value


def _relays(dialect: Dialect) -> Iterator[tuple[str, str]]:
    for number, letter in enumerate(dialect.relays):
        yield f"{RELAY}Name{letter}", f"Relay{letter}"
        if dialect.keys is Keys.DELAY:
            yield f"{RELAY}Relay{letter}Delay", str(2 + number)
            yield f"{RELAY}Relay{letter}TrigAlways", "0"
        else:
            yield f"{RELAY}HoldDelay{letter}", "5"
            yield f"{RELAY}TriggerDelay{letter}", "0"
        if dialect.keys is Keys.MANUAL:
            yield f"{RELAY}Type{letter}", "0"
        else:
            yield f"{RELAY}Relay{letter}Type", "0"
            yield f"{RELAY}Relay{letter}Mode", "0"
        yield f"{DTMF}Code{number + 1}", str(number)
        yield f"{DTMF}MultiCode{number + 1}", f"01{number}"
    for name, value in (("HttpTrig", "0"), ("UserName", ""), ("Password", "")):
        yield RELAY + name, value
    yield from ((f"{DTMF}Enable", "1"), (f"{DTMF}Option", "0"))


def _inputs(dialect: Dialect) -> Iterator[tuple[str, str]]:
    for number, letter in enumerate(dialect.inputs, 1):
        if dialect.keys is Keys.MANUAL:
            yield from _pairs(
                INPUT,
                f"Enable{letter}=1 Option{letter}=0 Delay{letter}=0 RelayId{letter}={number} FtpEnable{letter}=0 "
                f"HttpEnable{letter}=0 SipEnable{letter}=0 SmtpEnable{letter}=0 ActionUrl{letter}=",
            )
        else:
            own = "" if letter == "A" else letter
            yield from _pairs(INPUT, f"Input{own}Enable=1 Input{own}Trigger=0 Input{own}Relay=0")
            yield f"{INPUT}Input{letter}BreakInIntrusion", "0"


def _door_phone(dialect: Dialect) -> Iterator[tuple[str, str]]:
    if "call" in dialect.targets:
        yield from ((SOFTKEY, ""), (DIAL_TIMEOUT, "60"), (MAX_CALL, "5"))
    if dialect.camera:
        yield from _pairs(RTSP, "Enable=1 Audio=1 Video=1 VideoCodec=0 H264Resolution=6 UserName=admin Password=admin")
        yield f"{RTSP}MJPEGAuthorization", str(int(dialect.camera_auth != "none"))
        yield f"{RTSP}AuthenticationType", str(int(dialect.camera_auth == "digest"))


def factory(dialect: Dialect) -> dict[str, str]:
    """Return each key with its value; the factory default rejects all clients (field notes 4.1)."""
    values = dict(COMMON)
    for account in ("Config.Account1.", "Config.Account2."):
        values.update(_pairs(account, ACCOUNT))
    values.update(_pairs("Config.DoorSetting.CLOUDSERVER.", CLOUD))
    values.update(_pairs(APIFCGI, f"Enable=1 AuthMode={Auth.WHITELIST} UserName=admin Password=httpapi"))
    values.update((f"{APIFCGI}WhiteListIP0{number}", "") for number in range(1, 6))
    values[LOCATION] = dialect.location
    values.update(_relays(dialect))
    values.update(_inputs(dialect))
    values.update(_door_phone(dialect))
    if "publiccode" in dialect.targets:
        values.update(PUBLIC_CODES)
    if dialect.action_urls:
        values.update(_pairs(ACTIONURL, "Enable=0 Method= UserName= Password="))
        values.update((ACTIONURL + key, "") for key in dialect.action_urls)
    return dict(sorted(values.items()))
