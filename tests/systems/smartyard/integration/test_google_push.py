"""Pushes by Google's service without a forwarder: only if turned on, and with each failure."""

import asyncio
from collections.abc import AsyncGenerator
import json
import logging
import subprocess
import sys
from typing import Any, override

from homeassistant import requirements
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_validation as cv, issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.requirements import RequirementsNotFound
import probatio
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONFS_FCM, DOMAIN
from custom_components.ip_intercom.model.features import PushMessage
from custom_components.ip_intercom.runtime import event_stream as push, google_push
from custom_components.ip_intercom.systems.common import fcm
from tests.common import capture_log_events, entity_id, until
from tests.entity_states import wait_for_state
from tests.google import VALUES, google_here
from tests.repository.repository_rules import ROOT, translations
from tests.simulators.fcm import API_KEY, Simulator as Google, Spoilt
from tests.simulators.smartyard import Simulator
from tests.test_repairs import lacking

from .conftest import Start, add
from .test_push import listen

OURS = "custom_components.ip_intercom"


@pytest.fixture
async def google(sockets: None, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Google]:
    monkeypatch.setattr(google_push, "_RETRY_DELAY", 0.1)
    monkeypatch.setattr(google_push, "_CHECK_RETRY", 0.1)
    async with google_here(monkeypatch) as sim:
        yield sim


@pytest.fixture
async def sim(google: Google, device: Start) -> Simulator:
    """A server whose push service sends by Google's."""
    made = await device()
    made.push_by_service(google.send_url)
    return made


def token_of(sim: Simulator) -> str | None:
    """Return the push token that the server has for Home Assistant."""
    return sim.people.devices[-1].push_token


async def logged_in(google: Google, logins: int) -> None:
    """Wait until the given number of logins is reached."""
    await until(lambda: google.mcs.logins >= logins, "the login")


async def connected(google: Google, sim: Simulator, logins: int = 1) -> None:
    """Wait until pushes can arrive."""
    await logged_in(google, logins)
    await until(lambda: token_of(sim) == google.registration.token, "the token")


async def added(hass: HomeAssistant, google: Google, sim: Simulator) -> ConfigEntry:
    """Add an account with pushes by Google's service."""
    entry = await add(hass, sim, **VALUES)
    await connected(google, sim)
    return entry


def registrations(sim: Simulator) -> int:
    """Return how often the server got a token."""
    return len([request for request in sim.requests if request.function == "/user/registerPushToken"])


# -- what arrives ----------------------------------------------------------------------------------


async def test_a_google_push_rings_the_bell(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    entry = await added(hass, google, sim)
    rings = listen(entry)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    assert rings[0].bell.id == "22"
    assert rings[0].picture is not None
    await wait_for_state(hass, entry, "binary_sensor", "bell_22_ringing", "on")
    assert hass.states.get(entity_id(hass, entry, "event", "bell_22")).state != "unknown"  # type: ignore[union-attr]
    assert token_of(sim) == google.registration.token
    assert (sim.people.devices[-1].platform, sim.people.devices[-1].service) == ("android", "fcm")


async def test_a_pushed_message_is_reported(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    await added(hass, google, sim)
    events = capture_log_events(hass)
    sim.text_push("paySuccess", "Заголовок", "Текст")
    await until(lambda: events, "the message")
    assert events[0].data["data"]["kind"] == "pay_success"


@pytest.mark.parametrize("kind", [kind for kind in Spoilt if kind is not Spoilt.NOT])
async def test_a_spoiled_message_does_not_stop_the_others(
    hass: HomeAssistant, google: Google, sim: Simulator, kind: Spoilt
) -> None:
    entry = await added(hass, google, sim)
    rings = listen(entry)
    bad = google.push({"data": {"action": "inbox"}}, kind)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    await until(lambda: bad.acknowledged, "the acknowledgement")
    await hass.config_entries.async_reload(entry.entry_id)
    await connected(google, sim, 2)
    rings = listen(entry)
    sim.ring(21)
    await until(lambda: rings, "the ring")
    assert (len(rings), bad.sent) == (1, 1)


async def test_an_invalid_push_is_one_debug_line(
    hass: HomeAssistant, google: Google, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await added(hass, google, sim)
    caplog.set_level(logging.DEBUG, push.__name__)
    before = entry.runtime_data.coordinator.data
    nonsense = google.push(b"secret nonsense")
    await until(lambda: nonsense.acknowledged, "the acknowledgement")
    lines = [record for record in caplog.records if record.name == push.__name__]
    assert [(line.levelno, "nonsense" in line.getMessage()) for line in lines] == [(logging.DEBUG, False)]
    assert entry.runtime_data.coordinator.data == before


async def test_a_google_push_is_received_like_a_forwarded_push(
    hass: HomeAssistant, google: Google, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await added(hass, google, sim)
    heard: list[PushMessage] = []

    def receive(message: PushMessage) -> str:
        heard.append(message)
        return "it is heard here"

    monkeypatch.setattr(entry.runtime_data.coordinator.features.push, "receive", receive)
    google.push(b"any body")
    await until(lambda: heard, "the push")
    assert heard == [PushMessage("POST", {}, b"any body")]


# -- what goes wrong -------------------------------------------------------------------------------


async def test_a_lost_connection_is_restored(
    hass: HomeAssistant, google: Google, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await added(hass, google, sim)
    caplog.clear()
    google.break_connections()
    await connected(google, sim, 2)
    rings = listen(entry)
    sim.ring(22)
    await until(lambda: rings, "the ring")
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_google_push_restarts_after_the_library_gave_up(
    hass: HomeAssistant, google: Google, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await added(hass, google, sim)
    caplog.set_level(logging.INFO)
    caplog.clear()

    def lines() -> list[str]:
        return [record.levelname for record in caplog.records if record.name == google_push.__name__]

    await google.shut()
    await until(lines, "the line")
    await until(lambda: google.registry.calls.count("checkin") >= 4, "further attempts")
    await google.open()
    await connected(google, sim, 2)
    await until(lambda: len(lines()) == 2, "the other line")
    assert lines() == ["WARNING", "INFO"]
    assert google.registry.calls.count("registrations") == 1
    rings = listen(entry)
    sim.ring(22)
    await until(lambda: rings, "the ring")


async def test_setup_does_not_wait_for_google(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    google.registry.phone_errors = 2
    google.mcs.mute = True
    entry = await add(hass, sim, **VALUES)
    assert entry.state is ConfigEntryState.LOADED
    assert google.mcs.logins == 0


async def test_an_error_of_the_registration_passes(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    google.registry.phone_errors = 3  # the library tries twice before it gives up
    await added(hass, google, sim)
    assert google.registry.calls.count("register3") == 4
    assert lacking(hass) == {}


async def test_a_forgotten_registration_is_replaced(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    entry = await added(hass, google, sim)
    first = google.registration.token
    google.registry.forget()
    await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: google.registry.registrations, "another registration")
    assert google.registration.token != first
    await connected(google, sim)


async def test_registration_is_retried_though_the_disk_is_read_only(
    hass: HomeAssistant, google: Google, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lasting(Store[dict[str, Any]]):
        @override
        async def async_remove(self) -> None:
            raise OSError("Read-only file system")

    monkeypatch.setattr(google_push, "Store", Lasting)
    await added(hass, google, sim)
    first = google.registration.token
    google.registry.forget()
    google.break_connections()
    await until(lambda: google.registry.registrations, "another registration")
    assert google.registration.token != first
    await connected(google, sim)


async def test_a_rejected_api_key_is_a_repair(
    hass: HomeAssistant,
    google: Google,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(google_push, "_RETRY_DELAY", 600.0)
    google.registry.refuse_key = True
    entry = await add(hass, sim, **VALUES)
    await until(lambda: lacking(hass), "the repair")
    assert lacking(hass) == {"Firebase Cloud Messaging": "push_key_refused"}
    # Who says that it is mended learns whether it is.
    await entry.runtime_data.async_recheck()
    assert lacking(hass) != {}
    google.registry.refuse_key = False
    sim.refuse("address/getAddressList", 555)  # Google does not care
    await entry.runtime_data.async_recheck()
    assert lacking(hass) == {}
    sim.mend_server()
    await connected(google, sim)
    assert API_KEY not in caplog.text
    issues = [issue for issue in ir.async_get(hass).issues.values() if issue.domain == DOMAIN]
    assert issues == []
    before = google.registry.calls.count("checkin")
    await entry.runtime_data.async_recheck()  # all is well: nothing is retried
    assert google.registry.calls.count("checkin") == before


def test_attempts_become_rarer_after_failures() -> None:
    assert [google_push.back_off(failures) for failures in (0, 1, 2, 6, 7, 5000)] == [30, 60, 120, 1920, 3600, 3600]


async def reject_three_times(google: Google) -> None:
    """Let the library give up: Google rejects it three times."""
    for logins in range(google.mcs.logins + 1, google.mcs.logins + 4):
        google.say_close()
        await logged_in(google, logins)


@pytest.mark.parametrize(("lasted", "expected"), [(0.0, [0, 0, 0]), (600.0, [0, 1, 2])])
async def test_the_back_off_restarts_after_a_lasting_connection(
    hass: HomeAssistant,
    google: Google,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    lasted: float,
    expected: list[int],
) -> None:
    failures: list[int] = []

    def note(count: int) -> float:
        failures.append(count)
        return 0.01

    monkeypatch.setattr(google_push, "_LASTED", lasted)
    monkeypatch.setattr(google_push, "back_off", note)
    entry = await added(hass, google, sim)
    for _ in expected:
        await reject_three_times(google)
    assert failures == expected
    rings = listen(entry)
    sim.ring(22)
    await until(lambda: rings, "the ring")


async def test_an_unexpected_error_is_logged_once_and_retried(
    hass: HomeAssistant,
    google: Google,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts = 0
    register = fcm.FcmReceiver.register

    async def fail_at_first(receiver: fcm.FcmReceiver) -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ZeroDivisionError
        return await register(receiver)

    monkeypatch.setattr(fcm.FcmReceiver, "register", fail_at_first)
    await added(hass, google, sim)
    lines = [record for record in caplog.records if record.name == google_push.__name__]
    assert [(line.levelname, line.exc_info is not None) for line in lines if line.levelno > logging.INFO] == [
        ("ERROR", True)
    ]


# -- the token -------------------------------------------------------------------------------------


async def test_the_registration_outlives_a_reload(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    entry = await added(hass, google, sim)
    token = token_of(sim)
    await hass.config_entries.async_reload(entry.entry_id)
    await connected(google, sim, 2)
    await until(lambda: asked(sim) == 2, "the second poll")
    assert token_of(sim) == token
    assert (google.registry.calls.count("registrations"), registrations(sim)) == (1, 1)


def asked(sim: Simulator) -> int:
    """Return how often the token of the server was read."""
    return len([request for request in sim.requests if request.function == "/user/pushTokens"])


@pytest.mark.parametrize("other", ["err", "off", None, "another-device-0123456789"])
async def test_the_token_is_sent_again_to_a_server_that_lost_it(
    hass: HomeAssistant, google: Google, sim: Simulator, monkeypatch: pytest.MonkeyPatch, other: str | None
) -> None:
    monkeypatch.setattr(google_push, "_CHECK_INTERVAL", 0.05)
    await added(hass, google, sim)
    poller = asked(sim)
    await until(lambda: asked(sim) > poller + 2, "some polls")
    assert registrations(sim) == 1
    sim.people.devices[-1].push_token = other
    await connected(google, sim)
    assert registrations(sim) == 2


async def test_the_token_is_sent_once_to_a_server_that_hides_it(
    hass: HomeAssistant, google: Google, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google_push, "_CHECK_INTERVAL", 0.05)
    sim.refuse("/user/pushTokens", 404)
    await added(hass, google, sim)
    poller = asked(sim)
    await until(lambda: asked(sim) > poller + 2, "some polls")
    assert registrations(sim) == 1


async def test_the_token_is_sent_later_to_an_unreachable_server(
    hass: HomeAssistant, google: Google, sim: Simulator
) -> None:
    sim.refuse("/user/registerPushToken", 406)
    await add(hass, sim, **VALUES)
    await until(lambda: registrations(sim) > 1, "some attempts")
    sim.mend_server()
    await connected(google, sim)


async def test_the_token_is_sent_once_the_server_is_known(
    hass: HomeAssistant,
    google: Google,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(google_push, "_CHECK_INTERVAL", 0.05)
    caplog.set_level(logging.DEBUG, google_push.__name__)
    entry = await added(hass, google, sim)
    features = entry.runtime_data.coordinator.features
    features.push_service, known = None, features.push_service
    await until(lambda: "the server has not been read yet" in caplog.text, "an attempt")
    sim.people.devices[-1].push_token = None
    features.push_service = known
    await connected(google, sim)


# -- what is there only where it is wanted ---------------------------------------------------------


async def test_the_library_is_installed_only_with_all_options(
    hass: HomeAssistant,
    google: Google,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted: list[list[str]] = []

    async def note(_: HomeAssistant, name: str, needed: list[str], is_built_in: bool) -> None:
        wanted.append(needed)

    monkeypatch.setattr(google_push, "async_process_requirements", note)
    entry = await add(hass, sim, **{**VALUES, "fcm_api_key": ""})
    assert (wanted, list(google.registry.calls)) == ([], [])
    hass.config_entries.async_update_entry(entry, options=VALUES)
    await hass.config_entries.async_reload(entry.entry_id)
    await connected(google, sim)
    assert wanted == [["firebase-messaging==0.4.5"]]


def test_the_library_is_loaded_by_one_module_only() -> None:
    """All other modules load without it."""
    source = """
import importlib, pathlib, sys
root = pathlib.Path("custom_components/ip_intercom")
names = [".".join(path.with_suffix("").parts) for path in root.rglob("*.py") if path.name != "fcm.py"]
for name in names:
    importlib.import_module(name.removesuffix(".__init__"))
assert "custom_components.ip_intercom.runtime.google_push" in sys.modules
print(sorted({"firebase_messaging", "google.protobuf", "http_ece"} & set(sys.modules)))
importlib.import_module("custom_components.ip_intercom.systems.common.fcm")
print(sorted({"firebase_messaging", "google.protobuf", "http_ece"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['firebase_messaging', 'google.protobuf', 'http_ece']"]


async def test_a_library_that_cannot_be_installed_is_tried_again(
    hass: HomeAssistant,
    google: Google,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts = 0

    async def fail_at_first(_: HomeAssistant, name: str, needed: list[str], is_built_in: bool) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise RequirementsNotFound(name, needed)

    monkeypatch.setattr(google_push, "async_process_requirements", fail_at_first)
    entry = await added(hass, google, sim)
    assert entry.state is ConfigEntryState.LOADED
    lines = [record.levelname for record in caplog.records if record.name == google_push.__name__]
    assert lines.count("WARNING") == 1


async def test_an_installation_that_failed_is_tried_again(
    hass: HomeAssistant, google: Google, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant remembers failed installations until its next start."""
    attempts = 0

    def install(wanted: list[str], _: dict[str, Any]) -> tuple[set[str], set[str]]:
        nonlocal attempts
        if wanted != google_push.REQUIREMENTS:
            return set(wanted), set()
        attempts += 1
        return (set(), set(wanted)) if attempts < 3 else (set(wanted), set())

    monkeypatch.setattr(requirements, "_install_requirements_if_missing", install)
    hass.config.skip_pip = False
    await added(hass, google, sim)
    assert attempts == 3


async def test_removing_the_entry_deletes_the_registration(
    hass: HomeAssistant, google: Google, sim: Simulator, hass_storage: dict[str, Any]
) -> None:
    entry = await added(hass, google, sim)
    key = f"{DOMAIN}.{entry.entry_id}.google_push"
    assert hass_storage[key]["data"]["credentials"]["fcm"]["registration"]["token"] == google.registration.token
    assert API_KEY not in json.dumps(hass_storage[key])
    await hass.config_entries.async_remove(entry.entry_id)
    await until(lambda: not google.mcs.connections, "the end of the connection")
    assert key not in hass_storage


async def test_removing_the_options_deletes_the_registration(
    hass: HomeAssistant, google: Google, sim: Simulator, hass_storage: dict[str, Any]
) -> None:
    entry = await added(hass, google, sim)
    hass.config_entries.async_update_entry(entry, options={})
    await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: f"{DOMAIN}.{entry.entry_id}.google_push" not in hass_storage, "the end of the registration")
    await until(lambda: not google.mcs.connections, "the end of the connection")


async def test_another_application_gets_its_own_registration(
    hass: HomeAssistant, google: Google, sim: Simulator
) -> None:
    entry = await added(hass, google, sim)
    hass.config_entries.async_update_entry(entry, options={**VALUES, "fcm_sender_id": "210987654321"})
    await hass.config_entries.async_reload(entry.entry_id)
    await connected(google, sim, 2)
    assert google.registry.calls.count("registrations") == 2


@pytest.mark.parametrize("state", ["backing off", "connecting", "logging in", "receiving"])
async def test_google_push_ends_with_its_entry_in_any_state(
    hass: HomeAssistant, google: Google, sim: Simulator, state: str
) -> None:
    google.registry.refuse_key = state == "backing off"
    google.mcs.mute = state == "logging in"
    if state == "connecting":
        await google.shut()
    entry = await add(hass, sim, **VALUES)
    match state:
        case "backing off":
            await until(lambda: lacking(hass), "the refusal")
        case "connecting":
            await until(library_tasks, "the library")
        case "logging in":
            await until(lambda: google.mcs.connections, "the connection")
        case _:
            await connected(google, sim)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert library_tasks() == []
    await until(lambda: not google.mcs.connections, "the end of the connection")
    checkins = google.registry.calls.count("checkin")
    await asyncio.sleep(0.3)  # three times as long as until another attempt
    assert google.registry.calls.count("checkin") == checkins


def library_tasks() -> list[asyncio.Task[Any]]:
    """Return the running tasks of the library."""
    return [task for task in asyncio.all_tasks() if "FcmPushClient" in repr(task.get_coro())]


async def test_google_push_ends_with_home_assistant(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    await added(hass, google, sim)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await until(lambda: not google.mcs.connections, "the end of the connection")


# -- secrets ---------------------------------------------------------------------------------------


def secrets_of(google: Google) -> list[str]:
    registration = google.registration
    device = registration.device
    return [registration.token, str(device.android_id), str(device.security_token), *device.subtypes]


async def test_diagnostics_show_no_secret_of_google_push(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, google: Google, sim: Simulator, local_url: str
) -> None:
    entry = await added(hass, google, sim)
    shown: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(shown)
    assert [word for word in (*VALUES.values(), *secrets_of(google)) if word in text] == []
    assert "push_service" in shown["features"]


async def test_the_log_shows_no_secret_of_google_push(
    hass: HomeAssistant, google: Google, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    entry = await added(hass, google, sim)
    google.push(b"nothing", Spoilt.WRONG_KEYS)
    name = sim.ring(22)
    await wait_for_state(hass, entry, "binary_sensor", "bell_22_ringing", "on")
    google.registry.forget()
    google.break_connections()
    await until(lambda: google.registry.registrations, "another registration")
    said = [record for record in caplog.records if record.name.startswith((OURS, "firebase_messaging"))]
    text = "\n".join(record.getMessage() for record in said)
    assert [word for word in (API_KEY, name, *secrets_of(google)) if word in text] == []
    assert {record.levelname for record in said if record.name.startswith("firebase")} == {"DEBUG"}


# -- options ---------------------------------------------------------------------------------------


async def choose(hass: HomeAssistant, entry: ConfigEntry, **values: str) -> Any:
    """Fill in the page of options, and return the result."""
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    page = {"push": False, "show_names": True, "fcm": values}
    return await hass.config_entries.options.async_configure(result["flow_id"], page)


async def test_google_push_is_configured_by_options(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    entry = await add(hass, sim)
    result = await choose(hass, entry, **{key: f" {value} " for key, value in VALUES.items()})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert {key: entry.options[key] for key in CONFS_FCM} == VALUES
    await connected(google, sim)
    # The key is never shown, and stays if nothing is entered.
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert API_KEY not in str(probatio.to_field_list(result["data_schema"], custom_serializer=cv.custom_serializer))
    result = await choose(hass, entry, **{**VALUES, "fcm_api_key": ""})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert {key: entry.options[key] for key in CONFS_FCM} == VALUES
    # None of them ends it.
    await choose(hass, entry)
    await until(lambda: not google.mcs.connections, "the end of the connection")
    assert not any(entry.options[key] for key in CONFS_FCM)


@pytest.mark.parametrize("missing", CONFS_FCM)
async def test_incomplete_google_options_are_an_error(
    hass: HomeAssistant, google: Google, sim: Simulator, missing: str
) -> None:
    entry = await add(hass, sim)
    given = {key: value for key, value in VALUES.items() if key != missing}
    result = await choose(hass, entry, **given)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {"base": "fcm_incomplete"})
    assert "fcm_incomplete" in translations()["options"]["error"]
    fields = next(field for name, field in result["data_schema"].schema.items() if name == "fcm").schema.schema
    suggested = {str(key): (key.description or {}).get("suggested_value") for key in fields}
    assert suggested["fcm_api_key"] is None
    assert {key: suggested[key] for key in given if key != "fcm_api_key"} == {
        key: value for key, value in given.items() if key != "fcm_api_key"
    }
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"push": False, "show_names": True, "fcm": VALUES}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await connected(google, sim)


async def test_the_api_key_of_an_incomplete_form_is_kept(hass: HomeAssistant, google: Google, sim: Simulator) -> None:
    """The form does not show the key again."""
    entry = await add(hass, sim, **VALUES)
    result = await choose(hass, entry, **{**VALUES, "fcm_api_key": "another", "fcm_sender_id": ""})
    assert result["errors"] == {"base": "fcm_incomplete"}
    page = {"push": False, "show_names": True, "fcm": {**VALUES, "fcm_api_key": ""}}
    result = await hass.config_entries.options.async_configure(result["flow_id"], page)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["fcm_api_key"] == "another"
