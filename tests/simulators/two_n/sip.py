"""SIP accounts: their registration and their settings (HTTP API 5.6.1, and 5.6.3 of the later manuals)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from tests.simulators.common.clock import Clock, Stamp

from .config import Timing
from .envelope import ApiError, Call, Code, Handler, Json, Params, success
from .eventlog import EventLog
from .models import Model

# captures/phone_config_manual3x.json; the password can be written, but is never returned.
DEFAULTS: Mapping[str, Any] = {
    "enabled": False,
    "displayName": "",
    "sipNumber": "",
    "domain": "",
    "domainPort": "",
    "authId": "",
    "proxyAddress": "",
    "proxyPort": "",
    "registrationEnabled": False,
    "registrarAddress": "",
    "registrarPort": "",
    "answerMode": "1",
}
PASSWORD = "password"


@dataclass(slots=True)
class SipAccount:
    """A SIP account; the ones without a number are switched off."""

    account: int
    settings: Json = field(default_factory=lambda: dict(DEFAULTS))
    password: str = field(default="", repr=False)
    registered: bool = False
    register_time: int = 0

    @property
    def enabled(self) -> bool:
        """Is it in use?"""
        return bool(self.settings["enabled"])

    @property
    def number(self) -> str:
        """Its phone number."""
        return str(self.settings["sipNumber"])

    @property
    def registers(self) -> bool:
        """Return whether it registers with a server."""
        return self.enabled and bool(self.settings["registrationEnabled"])


def _account(index: int, number: str, model: Model) -> SipAccount:
    account = SipAccount(index)
    if number:
        account.settings |= {
            "enabled": True,
            "displayName": model.info["deviceName"],
            "sipNumber": number,
            "domain": "192.168.1.20",
            "domainPort": "5060",
            "authId": number,
            "registrationEnabled": True,
            "registrarAddress": "192.168.1.20",
            "registrarPort": "5060",
        }
        account.password = f"sip-{number}-secret"
    return account


class SipAccounts:
    """All SIP accounts of the device."""

    def __init__(
        self, model: Model, clock: Clock, log: EventLog, timing: Timing, configured: Callable[[], None]
    ) -> None:
        """`configured` logs that the configuration was changed."""
        numbers = [*model.sip_numbers, *[""] * model.sip_accounts][: model.sip_accounts]
        self.all = {index: _account(index, number, model) for index, number in enumerate(numbers, 1)}
        self._model = model
        self._clock = clock
        self._log = log
        self._timing = timing
        self._configured = configured
        self.handlers: dict[str, Handler] = {"phone/status": self._status, "phone/config": self._config}

    @property
    def outgoing(self) -> int:
        """The account that calls go out with."""
        return next((account.account for account in self.all.values() if account.enabled), 1)

    def boot(self) -> None:
        """Register again."""
        for account in self.all.values():
            account.registered = False
            self._register_later(account)

    def _register_later(self, account: SipAccount) -> None:
        if account.registers:
            self._clock.later(self._timing.register_delay, partial(self.register, account.account))

    def register(self, number: int, *, registered: bool = True, stamp: Stamp | None = None) -> None:
        """Change a registration."""
        account = self.all[number]
        if account.registered is registered:
            return
        account.registered = registered
        if registered:
            account.register_time = (stamp or self._clock.stamp()).utc
            self._changed(number, "registering", stamp)
        self._changed(number, "registered" if registered else "unregistered", stamp)

    def _changed(self, number: int, state: str, stamp: Stamp | None) -> None:
        self._log.record("RegistrationStateChanged", {"sipAccount": number, "state": state}, stamp)

    def _selected(self, params: Params) -> list[SipAccount]:
        if "account" in params:
            return [self.all[params.integer("account", 1, len(self.all))]]
        return list(self.all.values())

    async def _status(self, call: Call) -> web.StreamResponse:
        return success({"accounts": [self._report(account) for account in self._selected(call.params)]})

    def _report(self, account: SipAccount) -> Json:
        status: Json = {"account": account.account}
        if self._model.since(3, 0):
            status["accountType"] = "general"
        status |= {
            "enabled": account.enabled,
            "sipNumber": account.number,
            "registrationEnabled": account.settings["registrationEnabled"],
            "registered": account.registered,
        }
        if account.registered and self._model.since(2, 36):
            status["registerTime"] = account.register_time
        return status

    async def _config(self, call: Call) -> web.StreamResponse:
        if call.request.method == "GET":
            accounts = self._selected(call.params)
            return success({"accounts": [{"account": a.account, **a.settings} for a in accounts]})
        changes = self._read(call.blob_json())
        for account, settings in changes:
            self._configure(account, settings)
        if changes:
            self._configured()
        return success()

    def _read(self, body: Json) -> list[tuple[SipAccount, Json]]:
        """Check everything before anything is changed."""
        wrong = ApiError(Code.INVALID_VALUE, "blob-json")
        entries = body.get("accounts")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise wrong
        changes = []
        for entry in entries:
            settings = {name: value for name, value in entry.items() if name != "account"}
            account = self.all.get(entry.get("account"))
            # Beside the number of the account at least one more is mandatory.
            if account is None or not settings or not all(_valid(*item) for item in settings.items()):
                raise wrong
            changes.append((account, settings))
        return changes

    def _configure(self, account: SipAccount, settings: Json) -> None:
        account.password = settings.pop(PASSWORD, account.password)
        account.settings |= settings
        if account.registered:
            self.register(account.account, registered=False)
        self._register_later(account)


def _valid(name: str, value: object) -> bool:
    if name == PASSWORD:
        return isinstance(value, str)
    if name.endswith("Port") and isinstance(value, int) and not isinstance(value, bool):
        return 0 < value < 2**16
    return name in DEFAULTS and type(value) is type(DEFAULTS[name])
