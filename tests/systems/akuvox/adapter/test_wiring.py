"""Relays and inputs from the configuration keys of a device."""

import pytest

from custom_components.ip_intercom.systems.akuvox.wiring import (
    INPUT,
    RELAY,
    Input,
    Relay,
    doors_named,
    input_named,
    inputs_of,
    relays_of,
)


def test_relays_are_read_from_the_keys_of_the_manual() -> None:
    config = {f"{RELAY}TypeA": "1", f"{RELAY}HoldDelayA": "8", f"{RELAY}NameA": "RelayA", f"{RELAY}NameB": "Gate"}
    assert relays_of(config, "AB", (), ()) == {"A": Relay("A", 1, level=1, delay=8), "B": Relay("B", 2, name="Gate")}


def test_relays_are_read_from_the_keys_of_real_devices() -> None:
    config = {f"{RELAY}RelayAType": "1", f"{RELAY}RelayAMode": "1", f"{RELAY}RelayBDelay": "3"}
    assert relays_of(config, "AB", (), ()) == {"A": Relay("A", 1, level=1, latching=True), "B": Relay("B", 2, delay=3)}


def test_relays_known_from_the_configuration_alone_are_found() -> None:
    config = {f"{RELAY}NameA": "RelayA", f"{RELAY}RelayBType": "0", f"{RELAY}HttpTrig": "1", f"{RELAY}UserName": "x"}
    assert relays_of(config, None, (), ()).keys() == {"A", "B"}


def test_options_override_relays_of_the_configuration() -> None:
    relays = relays_of({f"{RELAY}TypeB": "1"}, "AB", ("SB", "SX"), ("A", "B", "SB"))
    assert {door: relay.level for door, relay in relays.items()} == {"A": 1, "B": 0, "SB": 1}
    assert relays["SB"].number == 12
    assert (relays["SB"].fcgi_number, relays["B"].fcgi_number) == ("SB", "2")


@pytest.mark.parametrize("name", ["RelayA", "Relay A", "relay1", "Relay", ""])
def test_factory_names_of_relays_are_ignored(name: str) -> None:
    assert relays_of({f"{RELAY}NameA": name}, "A", (), ())["A"].name is None


def test_enabled_inputs_are_read_from_the_configuration() -> None:
    manual = {f"{INPUT}EnableA": "1", f"{INPUT}OptionA": "1", f"{INPUT}EnableB": "0"}
    assert inputs_of(manual, "AB") == {"A": Input("input_A", level=1)}
    live = {f"{INPUT}InputEnable": "0", f"{INPUT}InputBEnable": "1", f"{INPUT}InputBTrigger": "1"}
    assert inputs_of(live, "ABC") == {"B": Input("input_B", level=1), "C": Input("input_C")}


@pytest.mark.parametrize("names", ["A", "1", "1A"])
def test_a_relay_with_several_names_in_the_configuration_is_one(names: str) -> None:
    config = {f"{RELAY}Type1": "1", f"{RELAY}RelayADelay": "9", f"{RELAY}Name1": "Gate"}
    (relay,) = relays_of(config, names, (), ()).values()
    assert relay == Relay(names[-1], 1, level=1, delay=9, name="Gate")


def test_keys_without_a_relay_name_are_ignored() -> None:
    config = dict.fromkeys((f"{RELAY}RelayDelay", f"{RELAY}RelayBeep", f"{RELAY}RelayE", f"{RELAY}NameAll"), "1")
    assert relays_of(config, None, (), ()) == {}
    assert relays_of({f"{RELAY}Relay2Type": "0", **config}, None, (), ()).keys() == {"2"}


def test_unknown_relay_names_are_skipped() -> None:
    assert relays_of({}, ("A", "E", "SA", "", "12", "Spare"), (), ()).keys() == {"A"}


@pytest.mark.parametrize(
    ("word", "doors"),
    [
        ("1", ["A"]),
        ("A", ["A"]),
        ("RelayA", ["A"]),
        ("Relay B", ["B"]),
        ("Door2", ["B"]),
        ("relay_c", ["C"]),
        ("12", ["A", "B"]),
        ("A,B", ["A", "B"]),
        ("RelayA;RelayB", ["A", "B"]),
        ("11", ["SA"]),
        ("SB", ["SB"]),
        ("1;11", ["A", "SA"]),
        ("--", []),
        ("", []),
        (None, []),
        ("Garage", []),
    ],
)
def test_words_of_the_door_log_are_mapped_to_doors(word: str | None, doors: list[str]) -> None:
    """11 is a security relay, and not door A."""
    assert doors_named(relays_of({}, "ABC", (), ()), word) == doors


def test_doors_that_a_log_names_are_those_of_the_device() -> None:
    assert doors_named(relays_of({}, "12", (), ()), "RelayA") == ["1"]
    assert doors_named(relays_of({}, "AB", ("SB",), ()), "12") == ["SB"]


def test_an_input_with_several_names_in_pushes_is_one_port() -> None:
    inputs = inputs_of({f"{INPUT}OptionA": "1", f"{INPUT}Input2Trigger": "1", f"{INPUT}EnableC": "0"}, "123E")
    assert inputs == {"1": Input("input_1", level=1), "2": Input("input_2", level=1), "E": Input("input_E")}
    assert [input_named(inputs, name) for name in "A1BE"] == ["input_1", "input_1", "input_2", "input_E"]
    assert input_named({}, "A") == "input_A"
