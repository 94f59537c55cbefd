"""The two access points: codes, cards, fingers and phones at the door (HTTP API 5.10.4)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.common.clock import Clock, Stamp

from .config import Timing
from .directory import Directory
from .envelope import ApiError, Json
from .eventlog import EventLog
from .lift import Lift
from .models import Model
from .profiles import Profiles
from .switches import Switches

ENTRY, EXIT = 0, 1
DIRECTIONS = ("in", "out")
DOOR_SWITCH = 1
# Unsuccessful attempts of one kind in a row after which an access point is limited (5.10.1 of the later manuals).
ATTEMPTS = 5
# What older firmware does not tell (1.1: release notes of 2.22).
SINCE_2_22 = frozenset({"ap", "session", "uuid", "type"})


@dataclass(slots=True)
class Point:
    """An access point: 0 is the entry, 1 the exit."""

    id: int
    enabled: bool = True
    blocked: bool = False
    lockdown: bool = False
    failures: Counter[str] = field(default_factory=Counter)
    limited: set[str] = field(default_factory=set)

    @property
    def closed(self) -> bool:
        """Return whether it rejects all people."""
        return not self.enabled or self.blocked or self.lockdown


class AccessPoints:
    """Read a credential, look it up and open switch 1 or the switch of an individual code."""

    def __init__(
        self,
        model: Model,
        clock: Clock,
        log: EventLog,
        timing: Timing,
        directory: Directory,
        switches: Switches,
        profiles: Profiles,
        lift: Lift | None,
    ) -> None:
        """Wire them to the parts they drive."""
        self.all = (Point(ENTRY), Point(EXIT))
        self.limit_failed_access = True
        # The manual shows an unknown finger without a rejection (HTTP API 5.10.4).
        self.rejects_unknown = True
        self._model = model
        self._clock = clock
        self._log = log
        self._timing = timing
        self._directory = directory
        self._switches = switches
        self._profiles = profiles
        self._lift = lift
        self._sessions = 0

    def boot(self) -> None:
        """Count sessions from one again; blocks stay, limits do not."""
        self._sessions = 0
        for point in self.all:
            point.limited.clear()
            point.failures.clear()

    def begin(self) -> int:
        """Return the number of a new session."""
        self._sessions += 1
        return self._sessions

    def block(self, ap: int, blocked: bool) -> None:
        """Block access or allow it again (5.17.1)."""
        point = self.all[ap]
        if point.blocked is not blocked:
            point.blocked = blocked
            self._log.record("AccessBlocked", {"ap": ap, "state": "in" if blocked else "out"})

    def lock(self, ap: int, lockdown: bool) -> None:
        """Begin or end the emergency lockdown."""
        point = self.all[ap]
        if point.lockdown is not lockdown:
            point.lockdown = lockdown
            self._log.record("ApLockStateChanged", {"ap": ap, "state": "in" if lockdown else "out"})

    def code(self, code: str, *, valid: bool | None, ap: int = ENTRY) -> None:
        """Enter a code: a PIN, an individual switch code, or with `valid=True` a universal one."""
        entry = self._find(lambda access: access["pin"] == code or code in access["code"], valid)
        switch = DOOR_SWITCH
        if entry is not None and code in entry["access"]["code"]:
            switch = entry["access"]["code"].index(code) + 1
        kind = "user" if entry is not None or not valid else "uni"
        self._present(ap, "code", "CodeEntered", {"code": code, "type": kind}, entry, valid, switch)

    def card(self, uid: str, *, valid: bool | None, ap: int = ENTRY) -> bool:
        """Tap a card; return whether it was accepted."""
        entry = self._find(lambda access: uid.upper() in (card.upper() for card in access["card"]), valid)
        return self._present(ap, "card", "CardEntered", {"reader": "internal", "uid": uid}, entry, valid)

    def finger(self, entry: Json | None, *, ap: int = ENTRY) -> None:
        """Put a finger of a known or unknown person on the reader."""
        self._present(ap, "finger", "FingerEntered", {}, entry, None)

    def phone(self, authid: str, *, valid: bool | None, ap: int = ENTRY) -> None:
        """Come with a phone (Mobile Key, WaveKey)."""
        entry = self._find(lambda access: access["mobkey"].lower() == authid.lower(), valid)
        # Seen on 2.4x and described nowhere (field notes 3.11).
        action = {"action": "normal"} if self._model.since(2, 40) else {}
        self._present(ap, "mobkey", "MobKeyEntered", {"authid": authid.lower(), **action}, entry, valid)

    def _find(self, matches: Callable[[Json], bool], valid: bool | None) -> Json | None:
        return None if valid is False else self._directory.find(lambda entry: matches(entry["access"]))

    def _present(
        self,
        ap: int,
        kind: str,
        event: str,
        details: Json,
        entry: Json | None,
        valid: bool | None,
        switch: int = DOOR_SWITCH,
    ) -> bool:
        where: Json = {"ap": ap, "session": self.begin()}
        accepted = entry is not None or bool(valid)
        params = where | {"direction": DIRECTIONS[ap]} | details
        if entry is not None:
            params["uuid"] = entry["uuid"].lower()
        params["valid"] = accepted
        if not self._model.since(2, 22):
            params = {name: value for name, value in params.items() if name not in SINCE_2_22}
        # All records of one passage carry the same second.
        stamp = self._clock.stamp()
        self._log.record(event, params, stamp)
        reason = "invalidCredential"
        if kind in self.all[ap].limited:
            reason = "accessBlocked"
        elif accepted:
            reason = self.refusal(ap, entry) or self._switch_refusal(switch) or ""
        if reason:
            if entry is not None or reason != "invalidCredential" or self.rejects_unknown:
                self.reject(where, entry, reason, stamp)
            if reason == "invalidCredential":
                self._count_failure(self.all[ap], kind)
            return False
        self.all[ap].failures.pop(kind, None)
        self.admit(where, entry, stamp, switch)
        return True

    def refusal(self, ap: int, entry: Json | None) -> str | None:
        """Say why an access point does not let that entry in, as UserRejected does."""
        if self.all[ap].closed:
            return "accessBlocked"
        if entry is None:
            return None
        access = entry["access"]
        start, end = int(access["validFrom"]), int(access["validTo"])
        if self._clock.utc() < start or (end and self._clock.utc() >= end):
            return "invalidTime"
        rule = access["accessPoints"][ap]
        return None if rule["enabled"] and self._profiles.valid(rule["profiles"]) else "invalidProfile"

    def _switch_refusal(self, number: int) -> str | None:
        switch = self._switches.all.get(number)
        if switch is None or not switch.spec.enabled:
            return "switchDisabled"
        return "switchLocked" if switch.locked or self._switches.blocked else None

    def reject(self, where: Json, entry: Json | None, reason: str, stamp: Stamp | None = None) -> None:
        """Reject a person."""
        self._log.record("UserRejected", {**where, **_who(entry), "reason": reason}, stamp)

    def admit(
        self, where: Json, entry: Json | None, stamp: Stamp | None = None, switch: int = DOOR_SWITCH, **extra: Any
    ) -> None:
        """Grant access: to a user, or with a universal code to any person."""
        if entry is not None:
            self._log.record("UserAuthenticated", {**where, **_who(entry), "apbBroken": False, **extra}, stamp)
        self.open(switch, {"originator": "uni"} if entry is None else {"originator": "ap", **where})
        if entry is not None and self._lift is not None:
            self._lift.serve(entry)

    def open(self, switch: int, origin: Json) -> None:
        """Open a door, if its switch lets itself be opened."""
        try:
            self._switches.command(switch, "trigger", origin=origin)
        except ApiError, KeyError:
            return

    def _count_failure(self, point: Point, kind: str) -> None:
        point.failures[kind] += 1
        if not self.limit_failed_access or kind == "mobkey" or point.failures[kind] < ATTEMPTS:
            return
        point.failures[kind] = 0
        self._limit(point, kind, limited=True)
        self._clock.later(self._timing.access_limited, lambda: self._limit(point, kind, limited=False))

    def _limit(self, point: Point, kind: str, *, limited: bool) -> None:
        (point.limited.add if limited else point.limited.discard)(kind)
        state = "in" if limited else "out"
        self._log.record("AccessLimited", {"ap": point.id, "type": kind, "state": state})

    def rex(self, ap: int = EXIT) -> None:
        """Press the exit button; a blocked access point does not open (5.10.1 of the later manuals)."""
        where: Json = {"ap": ap, "session": self.begin()}
        self._log.record("RexActivated", where)
        if not self.all[ap].closed:
            self.open(DOOR_SWITCH, {"originator": "rex"})

    def silent_alarm(self, entry: Json, ap: int = ENTRY) -> None:
        """A user opens under duress: with their code, with one added to its last digit."""
        where: Json = {"ap": ap, "session": self.begin()}
        pin = entry["access"]["pin"]
        code = f"{pin[:-1]}{(int(pin[-1]) + 1) % 10}" if pin else "00"
        uuid = entry["uuid"].lower()
        stamp = self._clock.stamp()
        entered = {"direction": DIRECTIONS[ap], "code": code, "type": "user", "uuid": uuid, "valid": True}
        self._log.record("CodeEntered", {**where, **entered}, stamp)
        self._log.record("SilentAlarm", {**where, **_who(entry)}, stamp)
        self.admit(where, entry, stamp)


def _who(entry: Json | None) -> Json:
    # Events write a uuid in small letters, the directory in capitals (examples of 5.10.4 and 5.14).
    return {} if entry is None else {"name": entry["name"], "uuid": entry["uuid"].lower()}
