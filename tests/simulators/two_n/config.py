"""What an installer sets on the device: services, accounts and privileges (HTTP API 3 and 4)."""

from dataclasses import dataclass
from enum import Flag, StrEnum, auto


class Service(StrEnum):
    """The services of Services / HTTP API (HTTP API 3)."""

    SYSTEM = "system"
    ACCESS_CONTROL = "access_control"
    SWITCH = "switch"
    IO = "io"
    AUDIO = "audio"
    CAMERA = "camera"
    DISPLAY = "display"
    EMAIL = "email"
    PHONE = "phone"
    LOGGING = "logging"
    AUTOMATION = "automation"


class Connection(StrEnum):
    """Connection type of a service: TCP accepts both schemes, TLS only HTTPS."""

    TCP = "tcp"
    TLS = "tls"


class Auth(StrEnum):
    """Authentication of a service."""

    NONE = "none"
    BASIC = "basic"
    DIGEST = "digest"


class Privilege(Flag):
    """The boxes of a user account (HTTP API 4); NONE marks functions that need none."""

    NONE = 0
    SYSTEM_MONITORING = auto()
    SYSTEM_CONTROL = auto()
    PHONE_MONITORING = auto()
    PHONE_CONTROL = auto()
    ACCESS_MONITORING = auto()
    ACCESS_CONTROL = auto()
    IO_MONITORING = auto()
    IO_CONTROL = auto()
    SWITCH_MONITORING = auto()
    SWITCH_CONTROL = auto()
    AUDIO_CONTROL = auto()
    CAMERA_MONITORING = auto()
    DISPLAY_CONTROL = auto()
    EMAIL_CONTROL = auto()
    UID_MONITORING = auto()
    KEYPAD_MONITORING = auto()
    AUTOMATION = auto()
    MONITORING = (
        SYSTEM_MONITORING
        | PHONE_MONITORING
        | ACCESS_MONITORING
        | IO_MONITORING
        | SWITCH_MONITORING
        | CAMERA_MONITORING
        | UID_MONITORING
        | KEYPAD_MONITORING
    )
    ALL = (
        MONITORING
        | SYSTEM_CONTROL
        | PHONE_CONTROL
        | ACCESS_CONTROL
        | IO_CONTROL
        | SWITCH_CONTROL
        | AUDIO_CONTROL
        | DISPLAY_CONTROL
        | EMAIL_CONTROL
        | AUTOMATION
    )

    @classmethod
    def parse(cls, text: str) -> Privilege:
        """Read "io_monitoring,switch_control" as given on the command line."""
        privileges = cls.NONE
        for name in filter(None, text.replace("|", ",").split(",")):
            privileges |= cls[name.strip().upper()]
        return privileges


@dataclass(frozen=True, slots=True)
class Account:
    """One of the up to five HTTP API accounts."""

    name: str
    password: str
    privileges: Privilege = Privilege.ALL
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """One row of the service table."""

    enabled: bool = True
    connection: Connection = Connection.TCP
    auth: Auth = Auth.DIGEST


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in device seconds; `Simulator(speed=…)` divides them all."""

    ring_delay: float = 0.2
    ring_timeout: float = 60.0
    register_delay: float = 3.0
    directory_save: float = 2.0
    reboot: float = 3.0
    switches_blocked: float = 1800.0
    # Time from the Internet comes back after it was set by hand (5.1.6).
    time_from_network: float = 60.0
    # An uploaded file that is never applied (5.2.1), and the writing of one that was applied.
    firmware_kept: float = 300.0
    firmware_apply: float = 10.0
    # "With a delay of approx. 15 s" (5.3.1, 5.3.2).
    config_apply: float = 15.0
    factory_reset: float = 15.0
    audio_test: float = 2.0
    # A display without overlays shows an image for "a pre-defined time" (5.9.2.1).
    notification: float = 30.0
    # Refusals that limit an access point, and for how long (5.10.1 of the later manuals).
    access_limited: float = 30.0
    # Switch-On Duration of the elevator floors (5.18.1).
    lift_floors: float = 10.0


DEFAULT_ACCOUNT = Account("ha", "ha-pass")
MAX_ACCOUNTS = 5
