"""The devices that can be played, as data: what they report of themselves and where they are odd."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .endpoints import Version


@dataclass(frozen=True, slots=True)
class SwitchSpec:
    """A switch as configured in Hardware / Switches; `relay` is the output it drives."""

    number: int
    enabled: bool = False
    mode: str = "monostable"
    duration: int = 5
    type: str = "normal"
    relay: str | None = None


@dataclass(frozen=True, slots=True)
class DisplaySpec:
    """A display; without `overlay` it knows only notifications, which go by themselves (5.9.2.1)."""

    name: str
    width: int
    height: int
    formats: frozenset[str] = frozenset({"JPEG", "BMP", "PNG"})
    video: bool = False
    overlay: bool = True


@dataclass(frozen=True, slots=True)
class Model:
    """A model with its firmware. `lacks` are functions and groups of them that answer code 1."""

    info: dict[str, Any]
    events: tuple[str, ...]
    switches: tuple[SwitchSpec, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    jpeg_sizes: tuple[tuple[int, int], ...] = ()
    external_camera: str = "absent"
    sip_accounts: int = 2
    sip_numbers: tuple[str, ...] = ("5207",)
    buttons: int = 0
    keypad: bool = False
    card_reader: bool = False
    displays: tuple[DisplaySpec, ...] = ()
    languages: tuple[str, ...] = ()
    doorbell: bool = False
    modular: bool = False
    minimum_firmware: str = "2.10.0.0.0"
    door_input: str | None = None
    include_new_bug: bool = False
    needs_filter: bool = False

    @property
    def version(self) -> Version:
        """Major and minor number of the firmware."""
        major, minor = self.info["swVersion"].split(".")[:2]
        return int(major), int(minor)

    @property
    def display(self) -> bool:
        """Has it a display of its own?"""
        return bool(self.displays)

    def since(self, major: int, minor: int) -> bool:
        """Is the firmware that new?"""
        return self.version >= (major, minor)


# captures/camera_caps_2.50_observed.json: the device does not sort them.
SIZES_2_50 = (
    (176, 144), (320, 240), (352, 288), (640, 480), (800, 600), (1280, 960),
    (160, 120), (352, 272), (480, 272), (1024, 600), (1280, 720), (640, 360),
)  # fmt: skip
# captures/camera_caps_old_manual.json
SIZES_OLD = ((160, 120), (176, 144), (320, 240), (352, 272), (352, 288), (640, 480))

# captures/events_manual_2.50_LTS.json
EVENTS_LTS = (
    "DeviceState", "AudioLoopTest", "MotionDetected", "NoiseDetected", "KeyPressed", "KeyReleased", "CodeEntered",
    "CardEntered", "CardHeld", "InputChanged", "OutputChanged", "SwitchStateChanged", "SwitchOperationChanged",
    "CallStateChanged", "CallSessionStateChanged", "RegistrationStateChanged", "TamperSwitchActivated",
    "UnauthorizedDoorOpen", "DoorOpenTooLong", "DoorStateChanged", "LoginBlocked", "UserAuthenticated", "UserRejected",
    "SilentAlarm", "AccessLimited", "AccessBlocked", "AccessTaken", "PairingStateChanged", "SwitchesBlocked",
    "FingerEntered", "MobKeyEntered", "DisplayTouched", "DtmfEntered", "DtmfSent", "ApLockStateChanged", "RexActivated",
    "LiftStatusChanged", "LiftFloorsEnabled", "LiftConfigChanged", "CapabilitiesChanged", "ConfigurationChanged",
    "HardwareChanged", "DirectoryChanged", "DirectorySaved", "LicensePlateRecognized", "ApiAccessRequested",
    "UserActionActivated", "VirtualInput", "VirtualOutput", "WaveKeyActivated", "RescueStateChanged",
)  # fmt: skip
# In the list of HTTP API 5.10.1, and described nowhere.
EVENTS_UNDESCRIBED = (
    "CheckingCall",
    "DtmfPressed",
    "ErrorStateChanged",
    "ExternalCameraStateChanged",
    "FingerEnrollState",
)
CALL_EVENTS = frozenset(
    {"CallStateChanged", "CallSessionStateChanged", "RegistrationStateChanged", "DtmfEntered", "DtmfSent"}
)
CAMERA_EVENTS = frozenset({"MotionDetected", "NoiseDetected", "AudioLoopTest", "DisplayTouched"})

# The example of HTTP API 5.10.1
EVENTS_OLD = (
    "KeyPressed", "KeyReleased", "InputChanged", "OutputChanged", "CardEntered", "CallStateChanged", "AudioLoopTest",
    "CodeEntered", "DeviceState", "RegistrationStateChanged",
)  # fmt: skip

# captures/log_caps_indoor_unit_events.json
EVENTS_INDOOR = (
    "ApiAccessRequested", "CallSessionStateChanged", "CallStateChanged", "DeviceState", "DtmfEntered", "DtmfSent",
    "InputChanged", "KeyPressed", "KeyReleased", "LoginBlocked", "RegistrationStateChanged",
)  # fmt: skip

OPTIONS_INTERCOM = (
    "audioLoopTest", "noiseDetection", "camera", "video", "motionDetection", "phone", "rtspServer", "my2n", "switches",
    "advancedSwitches", "securedInput", "rexInput", "tamperInput", "doorSensor", "keypad", "buttons", "silentAlarm",
    "limitFailedAccess", "dir", "automation", "httpApi", "accessControl", "doorControl", "cardReader", "bleReader",
    "smtpClient",
)  # fmt: skip
OPTIONS_CALLS = frozenset(
    {
        "camera",
        "video",
        "motionDetection",
        "phone",
        "rtspServer",
        "buttons",
        "noiseDetection",
        "audioLoopTest",
        "smtpClient",
    }
)

# Texts on the display are for 2N IP Style and the answering units.
MESSAGES = frozenset({"display/text", "display/language"})

VERSO_SWITCHES = (
    SwitchSpec(1, enabled=True, relay="relay1"),
    SwitchSpec(2, enabled=True, mode="bistable", relay="output1"),
    SwitchSpec(3),
    SwitchSpec(4),
)
VERSO_PORTS = {"led_secured": "output", "relay1": "output", "output1": "output", "input1": "input"}

MODELS: Mapping[str, Model] = {
    "verso": Model(
        info={
            "devType": "2-14-0-0",
            "variant": "2N IP Verso",
            "variantId": 14,
            "customerId": 0,
            "serialNumber": "54-2201-0017",
            "macAddr": "7C-1E-B3-05-2A-11",
            "hwVersion": "570v1",
            "swVersion": "2.50.0.76.2",
            "buildType": "release",
            "firmwarePackage": "verso",
            "deviceName": "Front Gate",
        },
        events=EVENTS_LTS,
        switches=VERSO_SWITCHES,
        ports=VERSO_PORTS,
        # A display can be plugged in.
        lacks=frozenset({"display", "lift", "io/doorbell"}) | MESSAGES,
        options=OPTIONS_INTERCOM,
        jpeg_sizes=SIZES_2_50,
        buttons=3,
        keypad=True,
        card_reader=True,
        modular=True,
        minimum_firmware="2.36.0.0.0",
        door_input="input1",
    ),
    "vario": Model(
        info={
            "variant": "2N Helios IP Vario",
            "serialNumber": "08-1860-0035",
            "hwVersion": "535v1",
            "swVersion": "2.10.0.19.2",
            "buildType": "beta",
            "deviceName": "2N Helios IP Vario",
        },
        events=EVENTS_OLD,
        switches=(
            SwitchSpec(1, enabled=True, relay="relay1"),
            SwitchSpec(2, enabled=True, relay="relay2"),
            SwitchSpec(3),
            SwitchSpec(4),
        ),
        ports={"relay1": "output", "relay2": "output"},
        lacks=frozenset({"lift", "io/doorbell"}) | MESSAGES,
        jpeg_sizes=SIZES_OLD,
        external_camera="enabled",
        sip_accounts=1,
        buttons=6,
        keypad=True,
        card_reader=True,
        displays=(DisplaySpec("internal", 320, 240, frozenset({"JPEG", "GIF", "BMP"}), overlay=False),),
        minimum_firmware="2.8.0.0.0",
    ),
    "access_unit": Model(
        info={
            "devType": "2-23-0-0",
            "variant": "2N Access Unit 2.0",
            "variantId": 23,
            "customerId": 0,
            "serialNumber": "54-1987-0403",
            "macAddr": "7C-1E-B3-04-91-C2",
            "hwVersion": "632v2",
            "swVersion": "2.46.1.70.4",
            "buildType": "release",
            "firmwarePackage": "au2",
            "deviceName": "Back Door",
        },
        events=tuple(event for event in EVENTS_LTS if event not in CALL_EVENTS | CAMERA_EVENTS),
        switches=(SwitchSpec(1, enabled=True, relay="relay1"), SwitchSpec(2), SwitchSpec(3), SwitchSpec(4)),
        ports={"led_secured": "output", "relay1": "output", "input1": "input", "tamper": "input"},
        lacks=frozenset({"camera", "phone", "call", "display", "audio", "email", "io/doorbell"}),
        options=(*(option for option in OPTIONS_INTERCOM if option not in OPTIONS_CALLS), "liftControl"),
        keypad=True,
        card_reader=True,
        modular=True,
        minimum_firmware="2.40.0.0.0",
        door_input="input1",
        include_new_bug=True,
        needs_filter=True,
    ),
    "indoor": Model(
        info={
            "devType": "4-13-1-2",
            "variant": "2N Indoor View",
            "variantId": 48,
            "customerId": 0,
            "serialNumber": "54-2810-1166",
            "macAddr": "7C-1E-B3-07-33-5E",
            "hwVersion": "691v3",
            "swVersion": "2.50.1.76.5",
            "buildType": "release",
            "firmwarePackage": "indoorview",
            "deviceName": "Hallway Panel",
        },
        events=EVENTS_INDOOR,
        ports={"input1": "input"},
        lacks=frozenset(
            {"camera", "switch", "accesspoint", "lift", "lpr", "mobilekey", "automation", "audio", "email"}
        ),
        options=("phone", "phoneVideo", "my2n", "localCalls", "dir", "httpApi", "display", "audioInput"),
        sip_numbers=("5301",),
        displays=(DisplaySpec("internal", 1024, 600),),
        languages=("en", "cs", "de", "nl"),
        doorbell=True,
        minimum_firmware="2.40.0.0.0",
    ),
    "verso3": Model(
        info={
            "devType": "2-31-0-0",
            "variant": "2N IP Verso 2.0",
            "variantId": 31,
            "customerId": 0,
            "serialNumber": "54-3107-0290",
            "macAddr": "7c-1e-b3-0b-6d-42",
            "hwVersion": "712v1",
            "swVersion": "3.3.1.82.4",
            "buildType": "release",
            "firmwarePackage": "verso2",
            "deviceName": "Main Entrance",
        },
        events=EVENTS_LTS + EVENTS_UNDESCRIBED,
        switches=VERSO_SWITCHES,
        ports={**VERSO_PORTS, "tamper": "input"},
        lacks=frozenset({"lift", "io/doorbell"}) | MESSAGES,
        options=(*OPTIONS_INTERCOM, "display", "dirPhoto"),
        jpeg_sizes=SIZES_2_50,
        external_camera="disabled",
        sip_accounts=4,
        sip_numbers=("", "1784973567"),
        buttons=5,
        keypad=True,
        card_reader=True,
        displays=(DisplaySpec("ext1", 320, 214, video=True),),
        modular=True,
        minimum_firmware="3.0.0.0.0",
        door_input="input1",
    ),
}
