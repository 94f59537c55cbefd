"""A configuration folder that the version before the redesign wrote (commit 7a3ceab) loads without a loss.

``data/before_redesign`` has a file for each system. In the harness of that version a device was added with options, rang,
was opened and held, and got a temporary code; then the entry was unloaded, and its stores were copied, with what the
simulator remembered. Pictures were made small.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
import ssl
from typing import Any

from homeassistant.bootstrap import DATA_REGISTRIES_LOADED
from homeassistant.components.image import DATA_COMPONENT
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    category_registry as cr,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    issue_registry as ir,
    label_registry as lr,
    restore_state,
)
from homeassistant.setup import async_setup_component
import pytest

from custom_components.ip_intercom.const import CONF_FINGERPRINT, DOMAIN
from custom_components.ip_intercom.systems.akuvox.client import exchange
from tests.common import act, capture_log_events, command, entity_id, state_of, until
from tests.simulators.akuvox import Simulator as Akuvox
from tests.simulators.common.state_file import StateFile
from tests.simulators.mx_proxy import Simulator as MxProxy
from tests.simulators.mx_proxy.voicemail import Mail
from tests.simulators.smartyard import Simulator as SmartYard
from tests.simulators.smartyard.history import Event as HistoryEvent, Record
from tests.simulators.smartyard.people import Device
from tests.simulators.two_n import Simulator as TwoN

FOLDER = Path(__file__).parent / "data" / "before_redesign"
SYSTEMS = ("akuvox", "mx_proxy", "smartyard", "two_n")
PIN = "837261"

type Json = dict[str, Any]
type Sim = Akuvox | MxProxy | SmartYard | TwoN


@dataclass
class Stored:
    """The folder of one system, its entry as it was, and the device that it belongs to."""

    system: str
    content: Json
    sim: Any

    @property
    def entry(self) -> Json:
        """The entry as it was stored."""
        (entry,) = self.content["storage"]["core.config_entries"]["data"]["entries"]
        return dict(entry)

    @property
    def entities(self) -> dict[tuple[str, str], Json]:
        """The entities as they were stored, by platform and unique id."""
        rows = self.content["storage"]["core.entity_registry"]["data"]["entities"]
        return {(row["entity_id"].partition(".")[0], row["unique_id"]): row for row in rows}

    @property
    def reported_events(self) -> set[str]:
        """The events that were reported already."""
        return set(self.content["told"])

    def own(self, store: str = "") -> Any:
        """Return the content of a store of the entry."""
        return self.content["storage"][f"{DOMAIN}.{self.entry['entry_id']}{store}"]["data"]


def two_n(device: Json, log: Path) -> TwoN:
    sim = TwoN("verso")
    sim.directory._entries = {row["uuid"]: row for row in device["directory"]}
    sim.keep_log(StateFile(log))
    return sim


def akuvox(device: Json, log: Path) -> Akuvox:
    sim = Akuvox("e16c", config={"Config.Programable.SOFTKEY01.LocalParam1": "192.168.1.20"}, whitelist=["127.0.0.1"])
    sim.keep_log(StateFile(log))
    sim.users.rows = device["users"]
    return sim


def mx_proxy(device: Json, _: Path) -> MxProxy:
    sim = MxProxy()
    extension = sim.extensions[sim.login]
    extension.log.records[:] = device["records"]
    extension.log._next = 1 + max(record["record_id"] for record in device["records"])
    extension.mailbox._next = 1 + max(int(row["id"]) for row in device["mails"])
    extension.mailbox.mails = {
        row["id"]: Mail(
            row["id"], row["from"], row.get("fromName", ""), row["to"], row["received"], row["duration"],
            row.get("callerName", ""), row.get("read", False), row.get("note", ""),
        )
        for row in device["mails"]
    }  # fmt: skip
    return sim


def smartyard(device: Json, _: Path) -> SmartYard:
    sim = SmartYard()
    sim.set_log_delay(0)
    sim.people.devices[:] = [Device(**row) for row in device["devices"]]
    for row in device["records"]:
        door = sim.town.door(row["domophone"], row["door"])
        assert door is not None
        sim.history.records.append(
            Record(
                row["uuid"], row["picture"], row["flat"], door, HistoryEvent(row["event"]), row["moment"], 0,
                row["detail"], row["preview_type"],
            )
        )  # fmt: skip
    return sim


async def _fingerprint(address: str) -> str:
    host, _, port = address.partition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return hashlib.sha256(certificate).hexdigest()


pytestmark = [pytest.mark.default_entities, pytest.mark.parametrize("load_registries", [False])]


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Allow the timer by which Home Assistant looks for devices without entities after one was removed."""
    return True


@pytest.fixture(params=SYSTEMS)
async def stored(
    request: pytest.FixtureRequest,
    sockets: None,
    hass_storage: Json,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Stored]:
    """The folder of a system, and its device at another port: 127.0.0.1 has no other addresses."""
    monkeypatch.setattr(exchange, "PACE", 0.0)
    name = request.param
    text = (FOLDER / f"{name}.json").read_text()
    device = json.loads(text)["device"]
    log = tmp_path / "log"
    log.write_text("".join(f"{json.dumps(line)}\n" for line in device.get("log", [])))
    make: Callable[[Json, Path], Any] = {
        "two_n": two_n,
        "akuvox": akuvox,
        "mx_proxy": mx_proxy,
        "smartyard": smartyard,
    }[name]
    async with make(device, log) as sim:
        addresses = {device["address"]: sim.url if name in ("mx_proxy", "smartyard") else sim.https_address}
        if "camera" in device:
            addresses[device["camera"]] = sim.camera_address
        for old, new in addresses.items():
            assert new is not None
            text = text.replace(old, new)
        content = json.loads(text)
        (entry,) = content["storage"]["core.config_entries"]["data"]["entries"]
        if entry["data"]["fingerprint"] is not None:
            entry["data"][CONF_FINGERPRINT] = await _fingerprint(sim.https_address)
        if "picture_port" in entry["options"]:
            entry["options"]["picture_port"] = int(sim.camera_address.rpartition(":")[2])
        if isinstance(sim, Akuvox):
            sim.relays.open(sim.relays.all["A"], seconds=60000, held=False)
        hass_storage.update(json.loads(json.dumps(content["storage"])))
        yield Stored(name, content, sim)


async def load(hass: HomeAssistant, stored: Stored) -> ConfigEntry:
    """Start Home Assistant with the folder; the harness starts it without reading any."""
    dr.async_setup(hass)
    for registry in (ar, cr, dr, er, fr, ir, lr, restore_state):
        await registry.async_load(hass)
    hass.data[DATA_REGISTRIES_LOADED] = None
    await hass.config_entries.async_initialize()
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def test_every_entity_device_and_option_is_there(hass: HomeAssistant, stored: Stored) -> None:
    entry = await load(hass, stored)
    before = stored.entry
    kept = ("entry_id", "unique_id", "title", "data", "options", "version", "minor_version")
    assert {key: entry.as_dict()[key] for key in kept} == {key: before[key] for key in kept}
    found = {
        (entity.domain, entity.unique_id): (entity.entity_id, entity.id, entity.disabled_by)
        for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    }
    added = ("_hold_time", "_visitor")  # since then
    assert {key: row for key, row in found.items() if not key[1].endswith(added) or key in stored.entities} == {
        key: (row["entity_id"], row["id"], row["disabled_by"])
        for key, row in stored.entities.items()
        if not (key[0] == "sensor" and "_door_code_" in key[1])  # a code is no state
    }
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    rows = stored.content["storage"]["core.device_registry"]["data"]["devices"]
    assert {device.id: sorted(map(list, device.identifiers)) for device in devices} == {
        row["id"]: sorted(row["identifiers"]) for row in rows
    }


async def test_events_and_pictures_of_the_earlier_version_are_restored(hass: HomeAssistant, stored: Stored) -> None:
    """No device reports these again."""
    entry = await load(hass, stored)
    shown = {
        entity: state
        for entity, state in stored.content["states"].items()
        if entity.startswith(("event.", "image.")) or entity.endswith("_last_access")
    }
    assert any(state != "unknown" for state in shown.values())
    assert {entity: getattr(hass.states.get(entity), "state", None) for entity in shown} == shown
    pictures = stored.own(".visitors") if stored.system != "mx_proxy" else {}
    for key, (_, picture) in pictures.items():
        image = hass.data[DATA_COMPONENT].get_entity(entity_id(hass, entry, "image", key))
        assert image is not None
        assert await image.async_image() == base64.b64decode(picture)


def _happen(sim: Sim) -> None:
    """Let the device log an event."""
    match sim:
        case TwoN():
            sim.swipe_card("4BD9E903")
        case Akuvox():
            sim.enter_code("445566")
        case MxProxy():
            sim.hang_up(sim.incoming_call("3190"))
        case SmartYard():
            sim.happen("key", 22, ago=1)


async def test_an_update_reports_only_new_events(hass: HomeAssistant, stored: Stored) -> None:
    """Events during the update are reported, earlier ones are not."""
    events = capture_log_events(hass)
    _happen(stored.sim)
    await load(hass, stored)
    await until(lambda: any(event.data["id"] for event in events), "the missed event")
    ids = {event.data["id"] for event in events}
    assert stored.reported_events
    assert not ids & stored.reported_events


@pytest.mark.parametrize("stored", ["akuvox", "two_n"], indirect=True)
async def test_a_temporary_code_of_the_earlier_version_can_be_removed(hass: HomeAssistant, stored: Stored) -> None:
    entry = await load(hass, stored)
    (code,) = stored.own(".codes")["codes"]
    (listed,) = (await command(hass, entry, "list_temporary_codes"))["codes"]
    assert (listed["id"], listed["name"], listed["active"]) == (code["id"], "Cleaner", True)
    assert PIN in _pins(stored.sim)
    await command(hass, entry, "remove_temporary_code", id=code["id"])
    assert PIN not in _pins(stored.sim)


def _pins(sim: Sim) -> set[str]:
    if isinstance(sim, TwoN):
        return {row["access"]["pin"] for row in sim.directory}
    assert isinstance(sim, Akuvox)
    return {row["PrivatePIN"] for row in sim.users.rows.values()}


@pytest.mark.parametrize("stored", ["akuvox"], indirect=True)
async def test_a_hold_of_the_earlier_version_continues_and_can_be_ended(
    hass: HomeAssistant, stored: Stored, hass_storage: Json
) -> None:
    entry = await load(hass, stored)
    assert state_of(hass, entry, "switch", "door_A_hold_open") == "on"
    assert hass_storage[f"{DOMAIN}.{entry.entry_id}.holds"]["data"] == {"A": None}
    hold = entity_id(hass, entry, "switch", "door_A_hold_open")
    await act(hass, "switch.turn_off", entity_id=hold)
    await until(lambda: not stored.sim.relays.all["A"].open, "the relay to close")
    assert state_of(hass, entry, "switch", "door_A_hold_open") == "off"


@pytest.mark.parametrize("stored", ["two_n"], indirect=True)
async def test_a_bell_that_was_found_rings_again(hass: HomeAssistant, stored: Stored) -> None:
    """The directory does not list it."""
    entry = await load(hass, stored)
    before = state_of(hass, entry, "event", "bell_7")
    await stored.sim.wait_for_pull()
    stored.sim.press("%7")
    await until(lambda: state_of(hass, entry, "event", "bell_7") != before, "the bell")
