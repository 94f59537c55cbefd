"""The parts of the device and their connections, without its network and its users."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tests.simulators.common.clock import BOOT_UPTIME, Clock, Stamp
from tests.simulators.coverage import Recorder

from .access import AccessPoints
from .accesspoint import AccessPointApi
from .audio import Audio
from .automation import Automation
from .calllog import CallLog
from .camera import Camera
from .capture import Capture
from .config import Account, Timing
from .config_file import ConfigFile
from .directory import DEFAULT_ENTRIES, Directory
from .display import Displays
from .doorbell import Doorbell
from .email import Email
from .envelope import Handler
from .eventlog import Channel, EventLog, LogEvent
from .firmware import Firmware
from .holidays import Holidays
from .lift import Lift
from .lpr import LicensePlates
from .message import Messages
from .mobilekey import MobileKey
from .models import MODELS, Model
from .modules import Modules
from .phone import Phone, Session
from .ports import Port, Ports
from .profiles import Profiles
from .sip import SipAccounts
from .switches import Activation, Switch, Switches
from .system import System
from .timezone import TimeZone

# The manual's example of 5.1.2: a device that has been running for two days.
DEFAULT_UPTIME = 190_524


class Device:
    """The parts of one device."""

    def __init__(
        self,
        model: str = "verso",
        *,
        accounts: Iterable[Account],
        directory: Iterable[Mapping[str, Any]] | None = None,
        speed: float = 1.0,
        uptime: float = DEFAULT_UPTIME,
        timing: Timing | None = None,
        firmware: str | None = None,
        has_clock: bool = True,
        identity: Mapping[str, str | None] | None = None,
    ) -> None:
        """Build it; `start` switches it on."""
        blank = MODELS[model]
        # Name and firmware change while it runs; every part looks them up in this one.
        info = {**blank.info, "swVersion": firmware or blank.info["swVersion"], **(identity or {})}
        info = {name: value for name, value in info.items() if value is not None}
        self.model: Model = replace(blank, info=info)
        self.model_key = model
        self.timing = timing or Timing()
        self.accounts = {account.name: account for account in accounts}
        # What answers code 1; modules and licences change it.
        self.lacks = set(self.model.lacks)
        self.tamper_blocks_switches = False
        self._coverage = Recorder("two_n")
        self.clock = Clock(speed, uptime)
        if not has_clock:
            self.clock.lose_time()
        self.log = EventLog(self.clock, self.model.events, lambda name: self.accounts.get(name), self._coverage.event)
        self.log.include_new_bug = self.model.include_new_bug
        self.log.needs_filter = self.model.needs_filter
        entries = DEFAULT_ENTRIES if directory is None else directory
        has_display = self.model.display
        self.directory = Directory(self.clock, self.log, self.timing, entries, photo=has_display)
        self.profiles = Profiles(self.clock, self.log)
        self.handlers: dict[str, Handler] = {}
        self._build_outside()
        self._build_phone()
        self._build_access()
        self._build_settings()

    def _build_outside(self) -> None:
        """Build the outer parts: ports, switches, displays, camera."""
        self._ports = Ports(self.model.ports, self.log)
        self._switches = Switches(self.model.switches, self.clock, self.log, self._ports)
        self.displays = Displays(self.model, self.clock, self.timing)
        self.messages = Messages(self.model, self.clock, self._configured)
        self.modules = Modules(self.model, self.log, self._ports, self.displays, self._has_display)
        self.camera = Camera(self.model, self.clock)
        self.audio = Audio(self.clock, self.log, self.timing)
        self.email = Email(self.model)
        self._add(self._ports, self._switches, self.displays, self.messages, self.camera, self.audio, self.email)

    def _build_phone(self) -> None:
        self.call_log = CallLog(self.directory.name_of)
        self.sip = SipAccounts(self.model, self.clock, self.log, self.timing, self._configured)
        self.phone = Phone(
            self.model, self.clock, self.log, self.timing, self.sip, self.call_log, self.directory.peers_of
        )
        self.doorbell = Doorbell(self.clock, self.call_log)
        self._add(self.call_log, self.sip, self.phone, self.doorbell)

    def _build_access(self) -> None:
        self.lift = Lift(self.clock, self.log, self.timing, self.directory, self.profiles)
        self._access = AccessPoints(
            self.model,
            self.clock,
            self.log,
            self.timing,
            self.directory,
            self._switches,
            self.profiles,
            None if "lift" in self.model.lacks else self.lift,
        )
        self.mobile_key = MobileKey(self.model, self._configured)
        self.license_plates = LicensePlates(self.model, self.log, self._access, self.directory)
        access_api = AccessPointApi(self._access, self.directory, self.log)
        self._add(self.lift, access_api, self.mobile_key, self.license_plates)

    def _build_settings(self) -> None:
        self.system = System(self.model, self.clock, self.timing, self._restart, self._configured)
        self.time_zone = TimeZone(self.log, self._configured)
        self.firmware = Firmware(self.model, self.clock, self.timing, self._restart)
        self.holidays = Holidays(self._configured)
        self.config_file = ConfigFile(
            self.model,
            self.clock,
            self.timing,
            self.accounts,
            self.directory,
            self._switches,
            self._configured,
            self._factory_reset,
        )
        self.capture = Capture(self.model, self.clock)
        self.automation = Automation()
        self._add(self.system, self.time_zone, self.firmware, self.holidays, self.config_file)
        self._add(self.log, self.directory, self.capture, self.automation)

    def _add(self, *parts: Any) -> None:
        for part in parts:
            self.handlers.update(part.handlers)

    def _restart(self) -> None:
        raise NotImplementedError

    def _configured(self) -> None:
        """The configuration was changed."""
        self.log.record("ConfigurationChanged", {})

    def _has_display(self, present: bool) -> None:
        """A display was plugged in, or the last one is gone."""
        (self.lacks.discard if present else self.lacks.add)("display")
        self.directory.set_photo(present)
        options = set(self.system.options) - {"display"}
        self.system.options = [*sorted(options, key=self.system.options.index), *(["display"] if present else [])]

    def _factory_reset(self) -> None:
        """Forget what an installer has set (5.3.2)."""
        self.accounts.clear()
        self.directory.clear()
        self.holidays.dates = []
        self.mobile_key.keys = [{}, {}, {}, {}]
        self.mobile_key.location = self.model.info.get("serialNumber", "")
        self.model.info["deviceName"] = self.model.info["variant"]
        self._configured()

    def _follow_firmware(self) -> None:
        """Behave as the version that runs."""
        self.log.hashed = self.model.since(2, 40)
        self._switches.operations = self.model.since(2, 20)

    def _cold_start(self) -> None:
        """Make the past of a device that has been running since `uptime`, or take up that of a killed process."""
        self._follow_firmware()
        if self.log.resume():
            return
        self.log.boot()
        self._secured_led(self.clock.stamp(BOOT_UPTIME + 1))
        for account in self.sip.all.values():
            if account.registers and "phone" not in self.model.lacks:
                self.sip.register(account.account, stamp=self.clock.stamp(BOOT_UPTIME + 3))

    def _boot(self) -> None:
        """Start again after a reboot, with a different firmware if one was applied."""
        self.clock.boot()
        self.model.info["swVersion"] = self.firmware.boot() or self.model.info["swVersion"]
        self._follow_firmware()
        self.log.boot()
        self.system.boot()
        self._switches.boot()
        self.displays.boot()
        self.messages.boot()
        self.capture.boot()
        self._access.boot()
        self.lift.boot()
        self._secured_led()
        self.phone.boot()
        self.sip.boot()
        if self._switches.blocked:
            self._unblock_later()

    def _unblock_later(self) -> None:
        self.clock.later(self.timing.switches_blocked, lambda: self._switches.block(False))

    def _secured_led(self, stamp: Stamp | None = None) -> None:
        if "led_secured" in self.ports:
            self.log.record("OutputChanged", {"port": "led_secured", "state": False}, stamp)

    @property
    def switches(self) -> dict[int, Switch]:
        """Switches by number."""
        return self._switches.all

    @property
    def switch_activations(self) -> list[Activation]:
        """Commands that switches carried out, by whom."""
        return self._switches.activations

    @property
    def ports(self) -> dict[str, Port]:
        """Ports by name."""
        return self._ports.all

    @property
    def outputs(self) -> dict[str, bool]:
        """States of the outputs."""
        return {port.name: port.state for port in self.ports.values() if port.type == "output"}

    @property
    def calls(self) -> dict[int, Session]:
        """Call sessions by number."""
        return self.phone.sessions

    @property
    def channels(self) -> list[Channel]:
        """Open log subscriptions."""
        return list(self.log.channels.values())

    @property
    def history(self) -> list[LogEvent]:
        """Events of this boot."""
        return list(self.log.history)
