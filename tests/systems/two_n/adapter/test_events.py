"""2N log events in the neutral model: their facts, without secrets (HTTP API 5.10.4)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import json
from typing import Any

import pytest

from custom_components.ip_intercom.model.events import (
    AccessDecided,
    AccessPointBlocked,
    AlarmChanged,
    ButtonPressed,
    CallChanged,
    CapabilitiesChanged,
    DirectoryChanged,
    DoorMode,
    DoorReleased,
    Event,
    EventsLost,
    Fact,
    FloorsOpened,
    LineChanged,
    Occurred,
    PortChanged,
    Restarted,
)
from custom_components.ip_intercom.model.parts import Access, Alarm, CallState, Direction, Occurrence
from custom_components.ip_intercom.systems.common.privacy import REDACTED, Privacy
from custom_components.ip_intercom.systems.two_n import privacy as two_n_privacy
from custom_components.ip_intercom.systems.two_n.cameras import fitting_size
from custom_components.ip_intercom.systems.two_n.client.cursor import Gap, GapReason, LogEvent, Reading
from custom_components.ip_intercom.systems.two_n.directory import fit, without_defaults
from custom_components.ip_intercom.systems.two_n.events import Credentials, gap_event, neutral_event
from tests.api_docs import read

UTC_TIME = 1_790_000_000
TIME = datetime.fromtimestamp(UTC_TIME, UTC)


def neutral(name: str, params: Mapping[str, Any], privacy: Privacy | None = None, decide: bool = False) -> Event:
    record = LogEvent(7, name, UTC_TIME, 50, params)
    return neutral_event(Reading(record, late=False), privacy or Privacy(), decide)


def refused(reason: str | None = None, **details: Any) -> AccessDecided:
    return AccessDecided(Access(TIME, False, reason=reason, **details))


@pytest.mark.parametrize(
    ("name", "params", "facts"),
    [
        ("DeviceState", {"state": "startup"}, [Restarted()]),
        ("DeviceState", {"state": "other"}, []),
        ("KeyPressed", {"key": "%1"}, [ButtonPressed("1", 1)]),
        ("KeyPressed", {"key": "%150"}, [ButtonPressed("150", 150)]),
        ("KeyPressed", {"key": "1"}, []),
        ("KeyPressed", {"key": "#"}, []),
        ("KeyPressed", {"key": "A"}, []),  # the Bluetooth trigger (field notes 3.11)
        ("KeyReleased", {"key": "%1"}, []),
        ("SwitchStateChanged", {"switch": 1, "state": True, "originator": "api"}, [DoorReleased("1", True)]),
        ("SwitchStateChanged", {"switch": "2", "state": "0"}, [DoorReleased("2", False)]),
        ("SwitchOperationChanged", {"switch": 1, "locked": True}, [DoorMode("1", blocked=True)]),
        ("SwitchOperationChanged", {"switch": 3, "enabled": True}, [DoorMode("3"), CapabilitiesChanged()]),
        ("MotionDetected", {"state": "in", "id": 2}, [AlarmChanged(Alarm.MOTION, True, "2")]),
        (
            "AccessLimited",
            {"ap": 1, "type": "code", "state": "in"},
            [AlarmChanged(Alarm.ACCESS_LIMITED, True, "exit code")],
        ),
        ("AccessBlocked", {"ap": 1, "state": "out"}, [AccessPointBlocked("exit", False)]),
        ("AccessBlocked", {"ap": 7, "state": "in"}, []),
        ("LiftStatusChanged", {"module": 0, "ready": False}, [AlarmChanged(Alarm.LIFT, True, "0")]),
        ("LiftFloorsEnabled", {"type": "public", "floors": [1, "4", None]}, [FloorsOpened((1, 4))]),
        ("LiftFloorsEnabled", {"type": "user", "floors": [1]}, []),
        ("VirtualInput", {"port": 3, "state": "in"}, [PortChanged("virtual_input_3", True, virtual=True)]),
        ("ErrorStateChanged", {"state": "in"}, [AlarmChanged(Alarm.DEVICE_ERROR, True)]),
        ("ErrorStateChanged", {}, []),
        ("RescueStateChanged", {"state": "out", "reason": "x"}, [AlarmChanged(Alarm.RESCUE, False)]),
        ("AudioLoopTest", {"result": "passed"}, [Occurred(Occurrence.AUDIO_TEST, "passed")]),
        ("RexActivated", {"ap": 1}, [Occurred(Occurrence.EXIT_BUTTON, None, {"entrance": "exit"})]),
        ("CapabilitiesChanged", {}, [CapabilitiesChanged()]),
        ("HardwareChanged", {"reason": 1, "class": 5, "id": "ext1"}, [CapabilitiesChanged()]),
        ("ConfigurationChanged", {}, [CapabilitiesChanged()]),
        ("ExternalCameraStateChanged", {}, [CapabilitiesChanged()]),
        (
            "SwitchOperationChanged",
            {"switch": 1, "held": True, "hold_timeout": 60},
            [DoorMode("1", held_open=True, hold_until=TIME + timedelta(seconds=60))],
        ),
        (
            "SwitchOperationChanged",
            {"switch": 1, "held": True, "hold_timeout": 10**15},
            [DoorMode("1", held_open=True)],
        ),
        ("InputChanged", {"port": "input1", "state": True}, [PortChanged("input1", True)]),
        ("OutputChanged", {"port": "relay1", "state": 0}, [PortChanged("relay1", False)]),
        ("MotionDetected", {"state": "in", "id": 1}, [AlarmChanged(Alarm.MOTION, True, "1")]),
        ("NoiseDetected", {"state": "out"}, [AlarmChanged(Alarm.NOISE, False)]),
        ("TamperSwitchActivated", {"state": "in"}, [AlarmChanged(Alarm.TAMPER, True)]),
        ("UnauthorizedDoorOpen", {"state": "in"}, [AlarmChanged(Alarm.DOOR_FORCED, True)]),
        ("DoorOpenTooLong", {"state": "out"}, [AlarmChanged(Alarm.DOOR_HELD_OPEN, False)]),
        ("DoorStateChanged", {"state": "opened"}, [AlarmChanged(Alarm.DOOR_OPEN, True)]),
        ("DoorStateChanged", {"state": "closed"}, [AlarmChanged(Alarm.DOOR_OPEN, False)]),
        ("SwitchesBlocked", {"state": "in"}, [AlarmChanged(Alarm.SWITCHES_BLOCKED, True)]),
        ("ApLockStateChanged", {"ap": 0, "state": "in"}, [AlarmChanged(Alarm.LOCKDOWN, True, "entry")]),
        ("RegistrationStateChanged", {"sipAccount": 1, "state": "registered"}, [LineChanged("1", True)]),
        ("RegistrationStateChanged", {"sipAccount": 1, "state": "unregistered"}, [LineChanged("1", False)]),
        ("RegistrationStateChanged", {"sipAccount": 1, "state": "registering"}, []),
        (
            "CallStateChanged",
            {
                "direction": "outgoing",
                "state": "terminated",
                "peer": "sip:1",
                "session": 4,
                "call": 6,
                "reason": "busy",
            },
            [CallChanged(4, Direction.OUTGOING, CallState.TERMINATED, "sip:1", 6, "busy")],
        ),
        ("CallStateChanged", {"state": "parked", "session": 4}, []),
        (
            "CallSessionStateChanged",
            {"session": 4, "state": "terminated"},
            [CallChanged(4, None, CallState.TERMINATED)],
        ),
        ("CallSessionStateChanged", {"session": 4, "state": "ringing"}, []),
        ("DirectoryChanged", {"series": "1", "timestamp": 2}, [DirectoryChanged()]),
        (
            "UserAuthenticated",
            {"ap": 1, "session": 3, "name": "Alice", "uuid": "x", "apbBroken": False},
            [AccessDecided(Access(TIME, True, "Alice", entrance="exit"))],
        ),
        ("UserRejected", {"ap": 0, "reason": "invalidTime"}, [refused("invalidTime", entrance="entry")]),
        ("CardEntered", {"ap": 0, "uid": "1234", "valid": False}, []),
    ],
)
def test_each_event_becomes_facts(name: str, params: Mapping[str, Any], facts: list[Fact]) -> None:
    event = neutral(name, params)
    assert list(event.facts) == facts
    assert (event.type, event.time, event.sequence, event.late) == (name, TIME, 7, False)


@pytest.mark.parametrize("valid", [True, False])
def test_accesses_of_old_firmware_are_read_from_credentials(valid: bool) -> None:
    event = neutral("CardEntered", {"direction": "in", "uid": "4BD9E903", "valid": valid}, decide=True)
    assert event.facts == (AccessDecided(Access(TIME, valid, method="card")),)


ODD: tuple[Any, ...] = (None, "", "x", "-1", -1, 0, 1.5, 10**30, True, [], [None], {}, {"a": [{}]}, "1" * 5000, "ž\x00")
PARAMS = (
    "ap", "session", "direction", "code", "type", "uuid", "valid", "uid", "reader", "port", "state", "switch", "locked",
    "held", "hold_timeout", "peer", "call", "reason", "sipAccount", "name", "key", "id", "authid", "licensePlate",
    "series", "timestamp", "x", "address", "module", "ready", "floors", "result", "enabled",
)  # fmt: skip


@pytest.mark.parametrize("name", [*(event["type"] for event in read("two_n_api.json")["events"]), "SomethingNew"])
def test_any_event_with_any_parameters_is_mapped(name: str) -> None:
    assert neutral(name, {}).data == {}
    for value in ODD:
        for params in (dict.fromkeys(PARAMS, value), dict.fromkeys(PARAMS[::2], value)):
            event = neutral(name, params)
            assert set(event.data) <= set(params)
            json.dumps(dict(event.data))


# -- secrets -----------------------------------------------------------------------------------------

CARD = "4BD9E903"


@pytest.mark.parametrize(
    ("name", "params", "secret"),
    [
        *[("KeyPressed", {"key": str(digit)}, str(digit)) for digit in range(10)],
        ("KeyPressed", {"key": 5}, "5"),
        ("KeyReleased", {"key": "7"}, "7"),
        ("CodeEntered", {"code": "9876", "valid": True}, "9876"),
        ("CodeEntered", {"code": 9876, "valid": True}, "9876"),
        ("CodeEntered", {"CODE": "9876"}, "9876"),
        ("DtmfEntered", {"code": "9876", "type": "uni", "call": 3}, "9876"),
        ("DtmfPressed", {"digit": "8", "call": 3}, "8"),
        ("DtmfSent", {"dtmf": "98", "call": 3}, "98"),
        ("DtmfSent", {"tones": ["9", "8"]}, "9"),
        ("MobKeyEntered", {"authid": "48c481", "action": "enter"}, "48c481"),
        ("PairingStateChanged", {"state": "pending", "authId": "48c481"}, "48c481"),
        ("LicensePlateRecognized", {"licensePlate": "1A23456"}, "1A23456"),
        ("CardEntered", {"uid": CARD}, CARD[-4:]),
        ("CardHeld", {"uid": CARD}, CARD[-4:]),
    ],
)
def test_secrets_of_events_are_redacted(name: str, params: Mapping[str, Any], secret: str) -> None:
    event = neutral(name, params)
    assert secret not in json.dumps(dict(event.data)).replace(REDACTED, "")
    assert secret not in repr(event.facts)
    assert secret not in json.dumps(dict(neutral(name, params, Privacy(unknown=True)).data)).replace(REDACTED, "")


@pytest.mark.parametrize(
    ("uid", "shown"), [(CARD, "…E903"), ("12345", "…2345"), ("1234", REDACTED), ("", REDACTED), (None, REDACTED)]
)
def test_the_option_shows_the_end_of_a_card_number(uid: Any, shown: str) -> None:
    assert neutral("CardEntered", {"uid": uid}, Privacy(cards=True)).data == {"uid": shown}


def test_the_option_shows_the_end_of_each_listed_card() -> None:
    event = neutral("SomethingNew", {"card": [CARD, "0A1B2C3D"]}, Privacy(cards=True, unknown=True))
    assert event.data == {"card": ["…E903", "…2C3D"]}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("KeyPressed", {"key": "%1"}),
        ("KeyPressed", {"key": "#"}),
        ("InputChanged", {"port": "input1", "state": True}),
        ("UserAuthenticated", {"name": "Alice", "ap": 0, "session": 4}),
        ("DtmfEntered", {"type": "uni", "call": 3, "valid": True}),
        ("CallStateChanged", {"peer": "sip:101@pbx", "session": 1}),
    ],
)
def test_harmless_fields_are_shown(name: str, params: Mapping[str, Any]) -> None:
    assert neutral(name, params).data == params


NEW = {"pad": 3, "busy": True, "where": "hall", "list": [1], "users": [{"access": {"pin": "9876", "card": [CARD]}}]}


def test_an_unknown_event_shows_numbers_and_booleans() -> None:
    assert neutral("SomethingNew", NEW).data == {"pad": 3, "busy": True}
    # They may be digits of a PIN.
    assert neutral("KeypadDigit", {"value": 3, "valid": True}).data == {"valid": True}
    assert neutral("SomethingNew", {"accessCode": 9876, "ap": 0}).data == {"ap": 0}


def test_the_debug_option_shows_an_unknown_event_without_secrets() -> None:
    told = neutral("SomethingNew", NEW, Privacy(unknown=True)).data
    assert told == {**NEW, "users": [{"access": {"pin": REDACTED, "card": REDACTED}}]}


def test_unknown_fields_with_harmless_values_are_shown() -> None:
    params = {"ap": 0, "session": 4, "extra": 9876, "note": "9876", "side": "in", "quick": True, "more": {"a": True}}
    assert neutral("RexActivated", params).data == {"ap": 0, "session": 4, "side": "in", "quick": True}
    assert neutral("RexActivated", params, Privacy(unknown=True)).data == params


def test_a_password_in_a_sip_address_is_left_out() -> None:
    event = neutral("CallStateChanged", {"peer": "sip:101:hunter2@pbx", "session": 1, "state": "ringing"})
    assert event.data["peer"] == "sip:101@pbx"
    assert "hunter2" not in repr(event.facts)


EVENTS = [event["type"] for event in read("two_n_api.json")["events"]]
# Texts by their nature: names of people and addresses of calls.
TEXTS = {"name", "peer", "sipCallId"}
PLANTED = "98761234"


@pytest.mark.parametrize("name", [*EVENTS, "SomethingNew"])
def test_a_secret_in_any_field_of_any_event_is_redacted(name: str) -> None:
    """The secret is a text in all fields and a number in secret or unknown ones."""
    documented = {key for event in read("two_n_api.json")["events"] if event["type"] == name for key in event["params"]}
    odd = {
        "note",
        "secret",
        "newField",
        "pin",
        "code",
        "uid",
        "authid",
        "licensePlate",
        "password",
        "key",
        "digits",
        "dtmf",
    }
    text_only = {*PARAMS, *documented} - TEXTS
    for value in (f"Tr0ub4dor&{PLANTED}", [f"x{PLANTED}"], {"pin": PLANTED}, [{"code": PLANTED}]):
        event = neutral(name, dict.fromkeys(text_only | odd, value))
        assert PLANTED not in json.dumps(dict(event.data)), event.data
        assert PLANTED not in repr(event.facts)
    unknown = odd - {"note", "newField"} if name == "SomethingNew" else odd
    for number in (int(PLANTED), PLANTED):
        event = neutral(name, dict.fromkeys(unknown, number))
        assert PLANTED not in json.dumps(dict(event.data)), event.data
        assert PLANTED not in repr(event.facts)


def test_every_event_of_the_manual_is_in_the_list() -> None:
    """All documented fields except secrets are reported."""
    for event in read("two_n_api.json")["events"]:
        assert set(neutral(event["type"], event["params"]).data) == set(event["params"]), event["type"]


def test_names_of_events_are_redacted_without_the_option() -> None:
    event = neutral("UserAuthenticated", {"name": "Alice", "ap": 0}, Privacy(names=False))
    assert event.data == {"name": REDACTED, "ap": 0}
    assert "Alice" not in repr(event)


@pytest.mark.parametrize(
    ("reason", "facts"), [(GapReason.RESTART, (Restarted(),)), (GapReason.OVERFLOW, (EventsLost(),))]
)
def test_a_gap_is_an_event(reason: GapReason, facts: tuple[Fact, ...]) -> None:
    event = gap_event(Gap(UTC_TIME - 100.5, UTC_TIME, reason))
    assert (event.type, event.time, event.late, event.facts) == ("LogGap", TIME, True, facts)
    start = TIME - timedelta(seconds=100.5)
    assert event.data == {"start": start.isoformat(), "end": TIME.isoformat(), "reason": reason.value}


# -- directory entries -------------------------------------------------------------------------------

TEMPLATE = {
    "name": "",
    "treepath": "/",
    "callPos": [{"peer": "", "grouped": False}, {"peer": "", "grouped": False}],
    "access": {"validFrom": "0", "pin": "", "code": ["", ""], "apbException": False},
}


@pytest.mark.parametrize(
    ("entry", "fitted"),
    [
        ({"name": 5}, {"name": "5"}),
        ({"name": ""}, {"name": ""}),
        ({"treepath": ""}, {"treepath": "/"}),
        ({"access": {"pin": 1234, "validFrom": 1577836800}}, {"access": {"pin": "1234", "validFrom": "1577836800"}}),
        ({"access": {"validFrom": ""}}, {"access": {"validFrom": "0"}}),
        ({"access": {"code": ["", 7755, 1]}}, {"access": {"code": ["", "7755", "1"]}}),
        ({"access": {"apbException": True}}, {"access": {"apbException": True}}),
        ({"callPos": [{"peer": 100}, {"grouped": True}]}, {"callPos": [{"peer": "100"}, {"grouped": True}]}),
        ({"shoeSize": 44, "access": "no"}, {"shoeSize": 44, "access": "no"}),
        ({"name": True}, {"name": True}),
        (
            {"access.pin": 1234, "access.shoe": 4, "nothing.at.all": 4},
            {"access.pin": "1234", "access.shoe": 4, "nothing.at.all": 4},
        ),
    ],
)
def test_values_fit_the_device_template(entry: dict[str, Any], fitted: dict[str, Any]) -> None:
    assert fit(entry, TEMPLATE) == fitted


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ({"name": "", "treepath": "/", "access": {"pin": ""}}, {}),
        ({"name": "x", "access": {"pin": "", "validFrom": "1"}}, {"name": "x", "access": {"validFrom": "1"}}),
        ({"callPos": TEMPLATE["callPos"], "uuid": ""}, {"uuid": ""}),
        ({"access": None, "unknown": ""}, {"access": None, "unknown": ""}),
    ],
)
def test_default_values_of_an_entry_are_omitted(entry: dict[str, Any], kept: dict[str, Any]) -> None:
    assert without_defaults(entry, TEMPLATE) == kept


SIZES = ((160, 120), (320, 240), (640, 360), (640, 480), (1280, 720), (1280, 960), (1920, 1080))


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (None, None, (1280, 960)),
        (320, 240, (320, 240)),
        (321, None, (640, 360)),
        (None, 400, (640, 480)),
        (9999, 1, (1920, 1080)),
        (0, 0, (160, 120)),
    ],
)
def test_the_smallest_sufficient_size_is_chosen(width: int | None, height: int | None, size: tuple[int, int]) -> None:
    assert fitting_size(SIZES, width, height) == size
    assert fitting_size(((5000, 4000),), None, None) == (5000, 4000)


@pytest.mark.parametrize(
    ("records", "methods"),
    [
        pytest.param(
            [("CardEntered", {"ap": 0, "session": 6}, 0), ("UserAuthenticated", {"ap": 0, "session": 6}, 0)],
            ["card", "card"],
            id="a card",
        ),
        pytest.param(
            [("CodeEntered", {"ap": "0"}, 0), ("UserRejected", {"ap": 0, "session": "6"}, 1)],
            ["code", "code"],
            id="without a session",
        ),
        pytest.param(
            [
                ("CardEntered", {"ap": 0, "session": 6}, 0),
                ("CodeEntered", {"ap": 1, "session": 7}, 0),
                ("UserAuthenticated", {"ap": 0, "session": 6}, 0),
                ("UserRejected", {"ap": 1, "session": 7}, 0),
            ],
            ["card", "code", "card", "code"],
            id="two access points",
        ),
        pytest.param(
            [("CardEntered", {"ap": 0, "session": 6}, 0), ("UserAuthenticated", {"ap": 0, "session": 7}, 0)],
            ["card", None],
            id="another session",
        ),
        pytest.param(
            [("CardEntered", {"ap": 0}, 0), ("UserAuthenticated", {"ap": 0}, 60)], ["card", None], id="a minute later"
        ),
        pytest.param(
            [
                ("CardEntered", {"ap": 0}, 0),
                ("UserAuthenticated", {"ap": 0}, 0),
                ("UserAuthenticated", {"ap": 0}, 1),
            ],
            ["card", "card", None],
            id="a decision without a credential",
        ),
        pytest.param([("DeviceState", {}, 0)], [None], id="another event"),
    ],
)
def test_a_decision_has_the_method_of_its_credential(
    records: list[tuple[str, dict[str, Any], int]], methods: list[str | None]
) -> None:
    credentials = Credentials()
    found = [
        credentials.method(LogEvent(number, name, UTC_TIME + seconds, 50, params))
        for number, (name, params, seconds) in enumerate(records)
    ]
    assert found == methods


def test_the_data_of_an_event_is_redacted_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    redact = two_n_privacy.redact

    def count(event: str, params: Mapping[str, object], privacy: Privacy) -> Mapping[str, object]:
        calls.append(event)
        return redact(event, params, privacy)

    monkeypatch.setattr(two_n_privacy, "redact", count)
    event = neutral("KeyPressed", {"key": "1", "new": "hidden"})
    assert calls == []
    assert (dict(event.data), len(event.data)) == ({"key": REDACTED}, 1)
    assert repr(event.data) == repr({"key": REDACTED})
    assert calls == ["KeyPressed"], "the data is redacted once"
