"""The page on the HTTP API is current, and speaks only of what there is."""

import pytest

from tests import api_docs


def test_the_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert api_docs.main(["--check"]) == 0, capsys.readouterr().out


def test_each_function_and_event_of_the_manual_has_its_place() -> None:
    api, surfaces = api_docs.read("two_n_api.json"), api_docs.read("two_n_surfaces.json")
    assert {row["path"] for row in api["endpoints"] if row.get("played", True)} == set(surfaces["endpoints"])
    assert {row["type"] for row in api["events"]} == set(surfaces["events"])
    assert all(surfaces["endpoints"].values()) and all(surfaces["events"].values())


@pytest.mark.parametrize("surface", ["lock.drawbridge", "action.fly", "moon.light", "nothing"])
def test_what_the_integration_has_not_cannot_be_written_of(surface: str) -> None:
    words: dict[str, dict[str, object]] = {"services": {}, "entity": {"lock": {}}}
    with pytest.raises(KeyError):
        api_docs.named(surface, words)


def test_names_are_those_that_people_see() -> None:
    words = {"services": {"dial": {}}, "entity": {"binary_sensor": {"port": {"name": "{port}"}}}}
    assert api_docs.cell(["action.dial", "binary_sensor.port", "setup", "setup"], words) == (
        "`ip_intercom.dial`, `binary_sensor` *‹port›*, set-up"
    )
