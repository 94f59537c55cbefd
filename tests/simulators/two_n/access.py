"""The access point: codes and cards at the door (HTTP API 5.10.4)."""

from collections.abc import Callable

from .clock import Clock
from .directory import Directory
from .envelope import ApiError, Json
from .eventlog import EventLog
from .models import Model
from .switches import Switches

ENTRY = 0
DOOR_SWITCH = 1


class AccessPoint:
    """Reads a credential, looks it up and opens switch 1 or the switch of an individual code."""

    def __init__(self, model: Model, clock: Clock, log: EventLog, directory: Directory, switches: Switches) -> None:
        """Wire it to the parts it drives."""
        self._model = model
        self._clock = clock
        self._log = log
        self._directory = directory
        self._switches = switches
        self._sessions = 0

    def boot(self) -> None:
        """Count sessions from one again."""
        self._sessions = 0

    def code(self, code: str, *, valid: bool | None) -> None:
        """Enter a code: a PIN, an individual switch code, or with `valid=True` a universal one."""
        entry = self._find(lambda access: access["pin"] == code or code in access["code"], valid)
        switch = DOOR_SWITCH
        if entry is not None and code in entry["access"]["code"]:
            switch = entry["access"]["code"].index(code) + 1
        kind = "user" if entry is not None or not valid else "uni"
        details: Json = {"direction": "in", "code": code, "type": kind}
        self._present("CodeEntered", details, entry, valid, switch)

    def card(self, uid: str, *, valid: bool | None) -> None:
        """Tap a card."""
        entry = self._find(lambda access: uid.upper() in (card.upper() for card in access["card"]), valid)
        self._present("CardEntered", {"direction": "in", "reader": "internal", "uid": uid}, entry, valid, DOOR_SWITCH)

    def _find(self, matches: Callable[[Json], bool], valid: bool | None) -> Json | None:
        return None if valid is False else self._directory.find(lambda entry: matches(entry["access"]))

    def _present(self, event: str, details: Json, entry: Json | None, valid: bool | None, switch: int) -> None:
        self._sessions += 1
        where: Json = {"ap": ENTRY, "session": self._sessions}
        # Events write a uuid in small letters, the directory in capitals (examples of 5.10.4 and 5.14).
        who: Json = {} if entry is None else {"name": entry["name"], "uuid": entry["uuid"].lower()}
        accepted = entry is not None or bool(valid)
        params = where | details | ({"uuid": who["uuid"]} if who else {}) | {"valid": accepted}
        if not self._model.since(2, 22):
            params = {name: value for name, value in params.items() if name not in {"ap", "session", "uuid", "type"}}
        # All records of one passage carry the same second.
        stamp = self._clock.stamp()
        self._log.record(event, params, stamp)
        reason = self._refusal(entry, switch) if accepted else "invalidCredential"
        if reason is not None:
            self._log.record("UserRejected", {**where, **who, "reason": reason}, stamp)
            return
        if who:
            self._log.record("UserAuthenticated", {**where, **who, "apbBroken": False}, stamp)
        origin = {"originator": "ap", **where} if who else {"originator": "uni"}
        try:
            self._switches.command(switch, "trigger", origin=origin)
        except ApiError, KeyError:
            return

    def _refusal(self, entry: Json | None, number: int) -> str | None:
        if entry is not None:
            access = entry["access"]
            start, end = int(access["validFrom"]), int(access["validTo"])
            if self._clock.utc() < start or (end and self._clock.utc() >= end):
                return "invalidTime"
            if not access["accessPoints"][ENTRY]["enabled"]:
                return "invalidProfile"
        switch = self._switches.all.get(number)
        if switch is None or not switch.spec.enabled:
            return "switchDisabled"
        return "switchLocked" if switch.locked or self._switches.blocked else None
