"""Switches: what opens the door (HTTP API 5.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
import math
import time
from typing import Any, NamedTuple

from aiohttp import web

from tests.simulators.common.clock import Clock, Timer

from .envelope import ApiError, Call, Code, Handler, Json, Params, action_failed, success, text_or_success
from .eventlog import EventLog
from .models import SwitchSpec
from .ports import Ports

MAX_HOLD = 86_400
MODES = frozenset({"monostable", "bistable"})
OLD_ACTIONS = frozenset({"on", "off", "trigger"})


class Activation(NamedTuple):
    """A command that a switch carried out; `account` is None at the door and for a service without authentication."""

    switch: int
    action: str
    account: str | None
    at: float


@dataclass(slots=True)
class Switch:
    """A switch; `active` is what the strike sees."""

    spec: SwitchSpec
    on: bool = False
    locked: bool = False
    held: bool = False
    active: bool = False
    on_timer: Timer | None = field(default=None, repr=False)
    hold_timer: Timer | None = field(default=None, repr=False)

    @property
    def hold_timeout(self) -> int | None:
        """Whole seconds until the hold ends by itself."""
        return None if self.hold_timer is None else math.ceil(self.hold_timer.remaining)

    def stop_on_timer(self) -> None:
        """End the monostable time."""
        if self.on_timer is not None:
            self.on_timer.cancel()
            self.on_timer = None

    def stop_hold_timer(self) -> None:
        """Make a hold permanent, or end it."""
        if self.hold_timer is not None:
            self.hold_timer.cancel()
            self.hold_timer = None


class Switches:
    """All switches, and the tamper block that stops them together."""

    def __init__(self, specs: tuple[SwitchSpec, ...], clock: Clock, log: EventLog, ports: Ports) -> None:
        """Outputs of the device follow some of them."""
        self.all = {spec.number: Switch(spec) for spec in specs}
        # False on firmware that knows only on, off and trigger.
        self.operations = True
        self.activations: list[Activation] = []
        self.blocked = False
        self._clock = clock
        self._log = log
        self._ports = ports
        self._actions: Mapping[str, Callable[[Switch], None]] = {
            "on": self._on,
            "off": self._off,
            "trigger": self._trigger,
            "lock": self._lock,
            "unlock": self._unlock,
            "hold": self._hold,
            "release": self._release,
        }
        self.handlers: dict[str, Handler] = {
            "switch/caps": self._caps,
            "switch/status": self._status,
            "switch/ctrl": self._ctrl,
        }

    def boot(self) -> None:
        """After a restart: monostable activations and running timers are gone, locks and bistable states stay."""
        for switch in self.all.values():
            if switch.hold_timer is not None:
                switch.hold_timer = None
                switch.held = False
            switch.on_timer = None
            switch.on = switch.on and switch.spec.mode == "bistable"
            switch.active = not switch.locked and (switch.held or switch.on)
            if switch.spec.relay is not None:
                self._ports.all[switch.spec.relay].state = switch.active

    def command(
        self,
        number: int,
        action: str,
        *,
        account: str | None = None,
        timeout: int | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Carry out an action; raises code 14 when the state cannot be reached."""
        switch = self.all[number]
        if not switch.spec.enabled:
            raise action_failed("switch disabled")
        before = (switch.locked, switch.held, switch.hold_timer)
        self._actions[action](switch)
        if action == "hold" and timeout is not None:
            switch.hold_timer = self._clock.later(timeout, lambda: self._end_hold(switch))
        self.activations.append(Activation(number, action, account, time.monotonic()))
        origin = {"originator": "api"} if origin is None else origin
        self._operation_changed(switch, before, origin)
        self._settle(switch, origin)

    def _on(self, switch: Switch) -> None:
        if switch.locked or self.blocked:
            raise action_failed()
        switch.on = True
        if switch.spec.mode == "monostable":
            switch.stop_on_timer()
            switch.on_timer = self._clock.later(switch.spec.duration, lambda: self._end_on(switch))

    def _off(self, switch: Switch) -> None:
        if switch.held and not switch.locked:
            raise action_failed()
        switch.stop_on_timer()
        switch.on = False

    def _trigger(self, switch: Switch) -> None:
        if switch.spec.mode == "monostable" or not switch.on:
            self._on(switch)
        else:
            self._off(switch)

    def _lock(self, switch: Switch) -> None:
        switch.stop_on_timer()
        switch.on = False
        switch.locked = True

    @staticmethod
    def _unlock(switch: Switch) -> None:
        switch.locked = False

    @staticmethod
    def _hold(switch: Switch) -> None:
        switch.stop_hold_timer()
        switch.held = True

    @staticmethod
    def _release(switch: Switch) -> None:
        switch.stop_hold_timer()
        switch.held = False

    def _end_on(self, switch: Switch) -> None:
        switch.on_timer = None
        switch.on = False
        self._settle(switch, {})

    def _end_hold(self, switch: Switch) -> None:
        before = (switch.locked, switch.held, switch.hold_timer)
        switch.hold_timer = None
        switch.held = False
        self._operation_changed(switch, before, {})
        self._settle(switch, {})

    def _operation_changed(
        self, switch: Switch, before: tuple[bool, bool, Timer | None], origin: Mapping[str, Any]
    ) -> None:
        changed: Json = {}
        if switch.locked is not before[0]:
            changed["locked"] = switch.locked
        if switch.held is not before[1] or switch.hold_timer is not before[2]:
            changed["held"] = switch.held
        if switch.hold_timer is not before[2] and switch.hold_timeout is not None:
            changed["hold_timeout"] = switch.hold_timeout
        if changed:
            self._log.record("SwitchOperationChanged", {"switch": switch.spec.number, **changed, **origin})

    def _settle(self, switch: Switch, origin: Mapping[str, Any]) -> None:
        # Locking has priority over holding (HTTP API 5.4.2); the tamper block holds the strike shut as well.
        active = not switch.locked and not self.blocked and (switch.held or switch.on)
        if active is switch.active:
            return
        switch.active = active
        params: Json = {"switch": switch.spec.number, "state": active}
        if self.operations:
            params |= origin
        self._log.record("SwitchStateChanged", params)
        if switch.spec.relay is not None:
            self._ports.set(switch.spec.relay, active)

    def block(self, blocked: bool) -> None:
        """Begin or end the tamper block; it survives a restart (HTTP API 5.10.4, SwitchesBlocked)."""
        if blocked is self.blocked:
            return
        self.blocked = blocked
        self._log.record("SwitchesBlocked", {"state": "in" if blocked else "out"})
        for switch in self.all.values():
            if blocked:
                switch.stop_on_timer()
                switch.on = switch.on and switch.spec.mode == "bistable"
            self._settle(switch, {})

    def configure(self, number: int, **changes: Any) -> bool:
        """Change `enabled`, `mode`, `duration` or `type` in Hardware / Switches; return whether `enabled` changed."""
        switch = self.all[number]
        enabled = switch.spec.enabled
        switch.spec = replace(switch.spec, **changes)
        if switch.spec.mode not in MODES:
            raise ValueError(switch.spec.mode)
        if switch.spec.enabled is not enabled or "mode" in changes:
            switch.stop_on_timer()
            switch.stop_hold_timer()
            switch.on = switch.held = switch.locked = False
            self._settle(switch, {})
        return switch.spec.enabled is not enabled

    def _switch(self, params: Params) -> Switch:
        if (switch := self.all.get(params.integer("switch"))) is None:
            # Real devices answer 14 here, not 12 (captures/errors.json).
            raise action_failed("switch not found")
        return switch

    def _selected(self, params: Params) -> list[Switch]:
        return [self._switch(params)] if "switch" in params else list(self.all.values())

    async def _caps(self, call: Call) -> web.StreamResponse:
        return success({"switches": [self._describe(switch.spec) for switch in self._selected(call.params)]})

    @staticmethod
    def _describe(spec: SwitchSpec) -> Json:
        caps: Json = {"switch": spec.number, "enabled": spec.enabled}
        if spec.enabled:
            caps["mode"] = spec.mode
            if spec.mode == "monostable":
                caps["switchOnDuration"] = spec.duration
            caps["type"] = spec.type
        return caps

    async def _status(self, call: Call) -> web.StreamResponse:
        return success({"switches": [self._report(switch) for switch in self._selected(call.params)]})

    def _report(self, switch: Switch) -> Json:
        status: Json = {"switch": switch.spec.number, "active": switch.active}
        if self.operations:
            status |= {"locked": switch.locked, "held": switch.held}
            if switch.hold_timeout is not None:
                status["holdTimeout"] = switch.hold_timeout
        return status

    async def _ctrl(self, call: Call) -> web.StreamResponse:
        params = call.params
        switch = self._switch(params)
        action = params.choice("action", frozenset(self._actions) if self.operations else OLD_ACTIONS)
        timeout = params.integer("timeout", 1, MAX_HOLD) if "timeout" in params else None
        if timeout is not None and action != "hold":
            raise ApiError(Code.UNEXPECTED_PARAMETER, "timeout")
        account = call.account.name if call.account else None
        self.command(switch.spec.number, action, account=account, timeout=timeout)
        return text_or_success(params)
