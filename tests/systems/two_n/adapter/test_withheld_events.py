"""Missing ids in the log reveal which privilege the account lacks (HTTP API 5.10.2, 5.10.4)."""

from typing import Any

import pytest

from custom_components.ip_intercom.systems.two_n.client.cursor import LogEvent
from custom_components.ip_intercom.systems.two_n.log import CARDS, KEYPAD, WithheldEvents

ALL = frozenset({"KeyPressed", "CardEntered", "CallStateChanged", "UserAuthenticated"})
CALL = {"state": "connecting", "direction": "outgoing"}


def seen(*records: Record, listed: frozenset[str] = ALL, exact: bool = True) -> WithheldEvents:
    withheld = WithheldEvents(listed, exact=exact)
    for number, name, params in records:
        withheld.observe(LogEvent(number, name, 1000 + number, number, params))
    return withheld


type Record = tuple[int, str, dict[str, Any]]

START: Record = (1, "DeviceState", {})


def test_two_calls_after_hidden_records_mean_hidden_keypad_events() -> None:
    once = seen(START, (3, "CallStateChanged", CALL))
    assert once.missing == set()
    assert seen(START, (3, "CallStateChanged", CALL), (8, "CallStateChanged", CALL)).missing == {KEYPAD}


@pytest.mark.parametrize("name", ["UserAuthenticated", "UserRejected"])
def test_one_hidden_record_before_an_access_is_a_card(name: str) -> None:
    assert seen(START, (3, name, {}), (5, name, {})).missing == {CARDS}


def test_many_hidden_records_before_an_access_are_a_code() -> None:
    assert seen(START, (11, "UserAuthenticated", {}), (21, "UserAuthenticated", {})).missing == {KEYPAD}
    # Two or three may be anything.
    assert seen(START, (4, "UserAuthenticated", {}), (7, "UserAuthenticated", {})).missing == set()


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([(2, "CallStateChanged", CALL), (3, "CallStateChanged", CALL)], id="consecutive ids"),
        pytest.param([(3, "CallStateChanged", CALL | {"direction": "incoming calls"})] * 2, id="incoming calls"),
        pytest.param([(3, "CallStateChanged", CALL | {"state": "connected"})] * 2, id="calls in progress"),
        pytest.param([(3, "InputChanged", {}), (9, "OutputChanged", {})], id="other events"),
    ],
)
def test_other_records_are_no_evidence_of_hidden_events(records: list[Record]) -> None:
    assert seen(START, *records).missing == set()


@pytest.mark.parametrize("name", ["FingerEntered", "MobKeyEntered", "LicensePlateRecognized", "CodeEntered"])
def test_a_hidden_record_after_another_credential_is_no_card(name: str) -> None:
    """The credential is there: a record that the device does not list came in between."""
    records: list[Record] = [(2, name, {}), (4, "UserAuthenticated", {}), (5, name, {}), (7, "UserAuthenticated", {})]
    assert seen(START, *records).missing == set()
    # It belongs to one access only, and to one that is soon.
    assert seen(START, *records, (9, "UserAuthenticated", {}), (11, "UserAuthenticated", {})).missing == {CARDS}
    late: list[Record] = [(2, name, {}), (42, "InputChanged", {}), (44, "UserAuthenticated", {})]
    again: list[Record] = [(45, name, {}), (85, "InputChanged", {}), (87, "UserAuthenticated", {})]
    assert seen(START, *late, *again).missing == {CARDS}


def test_numbers_of_another_boot_are_no_hidden_events() -> None:
    withheld = WithheldEvents(ALL)
    for number, up_time in ((40, 900), (6, 5), (12, 3)):
        withheld.observe(LogEvent(number, "UserAuthenticated", 1000, up_time, {}))
    assert withheld.missing == set()


def test_unsupported_events_are_not_hidden() -> None:
    records: tuple[Record, ...] = (START, (3, "UserAuthenticated", {}), (5, "UserAuthenticated", {}))
    assert seen(*records, listed=frozenset({"UserAuthenticated"})).missing == set()
    # Other things are known to be hidden: they fill the holes.
    assert seen(*records, exact=False).missing == set()


@pytest.mark.parametrize("proof", ["KeyPressed", "KeyReleased", "CodeEntered"])
def test_a_received_event_clears_the_evidence(proof: str) -> None:
    withheld = seen(START, (3, "CallStateChanged", CALL), (8, "CallStateChanged", CALL))
    assert withheld.missing == {KEYPAD}
    withheld.observe(LogEvent(9, proof, 1009, 9, {}))
    assert withheld.missing == set()
    # One hole after it is one; the second is a privilege that was taken away.
    withheld.observe(LogEvent(20, "CallStateChanged", 1020, 20, CALL))
    assert withheld.missing == set()
    withheld.observe(LogEvent(30, "CallStateChanged", 1030, 30, CALL))
    assert withheld.missing == {KEYPAD}


def test_lost_records_are_no_hidden_events() -> None:
    withheld = seen(START, (3, "CallStateChanged", CALL))
    withheld.reset()
    withheld.observe(LogEvent(90, "CallStateChanged", 1090, 90, CALL))
    assert withheld.missing == set()
