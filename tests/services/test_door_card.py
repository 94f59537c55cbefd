"""The module with the door card: where it is served, which pages load it, and the texts that it uses."""

from http import HTTPStatus
from pathlib import Path
import re

from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, UrlManager
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.services import door_card
from tests.common import add_intercom
from tests.repository.repository_rules import translations
from tests.simulators.two_n import Simulator

FILES = sorted(door_card.FOLDER.glob("*.js"))
SOURCE = "\n".join(path.read_text("utf-8") for path in FILES)
IMPORT = re.compile(r'^import (?:.* from )?"\./([\w-]+\.js)";$', re.MULTILINE)

type Changes = list[tuple[str, str]]


@pytest.fixture
def changes(hass: HomeAssistant) -> Changes:
    """Load the part of the frontend that has no files; return the changes that open pages receive."""
    sent: Changes = []
    hass.config.components.add("frontend")
    hass.data[DATA_EXTRA_MODULE_URL] = UrlManager(lambda kind, url: sent.append((kind, url)), [])
    return sent


def loaded(hass: HomeAssistant) -> frozenset[str]:
    return hass.data[DATA_EXTRA_MODULE_URL].urls


async def test_pages_load_the_module_once(hass: HomeAssistant, changes: Changes, entry: ConfigEntry) -> None:
    (url,) = loaded(hass)
    await hass.config_entries.async_reload(entry.entry_id)
    async with Simulator("access_unit") as other:
        await add_intercom(hass, other)
    assert loaded(hass) == {url}
    assert changes == [("added", url)]


async def test_pages_load_the_module_without_a_connection(
    hass: HomeAssistant, changes: Changes, entry: ConfigEntry, sim: Simulator
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    door_card.async_unload_module(hass)
    await sim.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(loaded(hass)) == 1


async def test_removing_the_last_entry_unloads_the_frontend_module(
    hass: HomeAssistant, changes: Changes, entry: ConfigEntry, sim: Simulator
) -> None:
    (url,) = loaded(hass)
    async with Simulator("access_unit") as simulator:
        other = await add_intercom(hass, simulator)
        await hass.config_entries.async_remove(other.entry_id)
        assert loaded(hass) == {url}
    await hass.config_entries.async_remove(entry.entry_id)
    assert loaded(hass) == frozenset()
    await add_intercom(hass, sim)
    assert loaded(hass) == {url}
    assert [kind for kind, _ in changes] == ["added", "removed", "added"]


async def test_an_entry_works_without_the_frontend(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert entry.state is ConfigEntryState.LOADED
    assert DATA_EXTRA_MODULE_URL not in hass.data
    assert await hass.config_entries.async_remove(entry.entry_id) == {"require_restart": False}


async def test_files_are_served_without_a_login(
    hass: HomeAssistant, changes: Changes, entry: ConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> None:
    (url,) = loaded(hass)
    client = await hass_client_no_auth()
    folder = url.rpartition("/")[0]
    assert FILES
    for path in FILES:
        response = await client.get(f"{folder}/{path.name}")
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/javascript"
        assert "max-age" in response.headers["Cache-Control"]
        assert await response.text() == path.read_text("utf-8")
    for name in ("", "other.js", "..%2Fconst.py", "%2E%2E/const.py"):
        response = await client.get(f"{folder}/{name}")
        assert response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}, name


def test_the_address_changes_with_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_card, "FOLDER", tmp_path)
    (tmp_path / "a.js").write_text("1")
    before = door_card._hash_files()
    assert door_card._hash_files() == before
    (tmp_path / "b.js").write_text("2")
    assert door_card._hash_files() != before


def test_every_file_is_imported_and_exists() -> None:
    assert set(IMPORT.findall(SOURCE)) | {"ip-intercom.js"} == {path.name for path in FILES}
    assert SOURCE.count("\nimport ") == len(IMPORT.findall(SOURCE)), "an import has an unknown form"


def test_the_frontend_never_inserts_html() -> None:
    assert not re.findall(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", SOURCE)


def test_texts_are_translated_and_used() -> None:
    used = set(re.findall(r'exts\??\.get\("(\w+)"', SOURCE))
    fields = set(re.findall(r'\{ name: "(\w+)", selector', SOURCE))
    assert used and fields
    translated = {key.removeprefix("card_") for key in translations()["common"] if key.startswith("card_")}
    assert used | {f"field_{name}" for name in fields} == translated


def test_texts_of_entities_are_translated() -> None:
    entities = translations()["entity"]
    named = re.findall(r'exts\.entity\("(\w+)", "(\w+)"\)', SOURCE)
    assert named
    assert [name for name in named if name[1] not in entities[name[0]]] == []
