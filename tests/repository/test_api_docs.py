"""The pages on the HTTP APIs are current, and name only existing entities and actions."""

import pytest

from tests import api_docs


def test_the_pages_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert api_docs.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("system", [page.system for page in api_docs.PAGES])
def test_each_function_and_event_of_the_manual_has_its_place(system: str) -> None:
    api, surfaces = api_docs.read(f"{system}_api.json"), api_docs.read(f"{system}_surfaces.json")
    left = {row["path"] for row in api["endpoints"] if "left" in row} | set(surfaces.get("left", ()))
    unsent = {row["type"] for row in api.get("unsent", ())}
    # What differs by method is named with it.
    by_method = {name.partition(" ")[2] for name in surfaces["endpoints"] if " " in name}
    functions = {
        f"{method} {row['path']}" if row["path"] in by_method else row["path"]
        for row in api["endpoints"]
        for method in row["methods"]
    }
    assert functions | unsent == set(surfaces["endpoints"]) | left
    assert {row["type"] for row in api["events"]} == set(surfaces["events"])
    assert {row["path"] for row in api.get("beyond", ())} == set(surfaces.get("beyond", ()))
    assert not left & {*surfaces["endpoints"], *surfaces["events"]}
    assert all(surfaces["endpoints"].values()) and all(surfaces["events"].values())


@pytest.mark.parametrize("surface", ["lock.drawbridge", "action.fly", "option.wings", "moon.light", "nothing"])
def test_the_docs_cannot_name_an_unknown_surface(surface: str) -> None:
    words: dict[str, dict[str, object]] = {
        "services": {}, "entity": {"lock": {}}, "options": {"step": {"init": {"data": {}}}},
    }  # fmt: skip
    with pytest.raises(KeyError):
        api_docs.named(surface, words)


def test_the_docs_use_the_names_that_users_see() -> None:
    words = {"services": {"dial": {}}, "entity": {"binary_sensor": {"port": {"name": "{port}"}}}}
    assert api_docs.cell(["action.dial", "binary_sensor.port", "setup", "setup"], words) == (
        "`ip_intercom.dial`, `binary_sensor` *‹port›*, setup"
    )
