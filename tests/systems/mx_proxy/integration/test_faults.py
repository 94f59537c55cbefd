"""A part of an extension fails alone: the others work, and it is added when it responds."""

import asyncio
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.helpers.failures import PATIENCE
from tests.common import capture_changes, capture_log_events, command, refusal, state_of, until
from tests.outages import lines, pass_time, repairs, unusable
from tests.simulators.common.faults import Fault
from tests.simulators.mx_proxy import PASSWORD, Simulator

from .conftest import Start, add

# What of the entities needs a part, where it is refused; what only does not answer is there, and not known.
NEEDS = {"/calls": (), "/conferences": ("conferences",), "/contacts": (), "/voicemails": ("voicemail", "voicemails")}
KINDS = [
    (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.STATUS, 404), (Fault.PAGE, 200), (Fault.DEEP, 200),
    (Fault.WRONG_VALUES, 0), (Fault.WRONG_SHAPES, 0), (Fault.REFUSED, 0),
]  # fmt: skip
CASES = [(path, Fault.HANG, 0) for path in NEEDS] + [
    (path, fault, status) for path in ("/conferences", "/voicemails") for fault, status in KINDS
]
BUSY = [(503, "overloaded"), (429, "throttled")]


async def test_each_failed_function_is_retried_and_leaves_the_others(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert unusable(hass, entry) == set()
    for path, fault, status in CASES:
        what = f"{path} {fault} {status}"
        assert await hass.config_entries.async_unload(entry.entry_id), what
        sim.fault(f"GET {path}", fault, status=status)
        assert await hass.config_entries.async_setup(entry.entry_id), what
        await hass.async_block_till_done()
        refused = fault is Fault.REFUSED or status == 404
        assert unusable(hass, entry) == (set(NEEDS[path]) if refused else set()), what
        assert state_of(hass, entry, "sensor", "call_state") == "idle", what
        sim.heal()
        await pass_time(hass, 11)
        await until(lambda: not unusable(hass, entry), what)
        await until(lambda: state_of(hass, entry, "sensor", "voicemails") == "1", what)
        await until(lambda: state_of(hass, entry, "sensor", "last_call") != "unknown", what)
        await until(lambda: entry.runtime_data.coordinator.data.conferences == {}, what)


async def test_a_calendar_added_after_a_failure_works(hass: HomeAssistant, sim: Simulator) -> None:
    sim.fault("GET /conferences", Fault.REFUSED)
    entry = await add(hass, sim)
    assert [state for state in hass.states.async_all() if state.domain == "calendar"] == []
    sim.heal()
    await pass_time(hass, 11)
    await until(lambda: [state for state in hass.states.async_all() if state.domain == "calendar"], "the calendar")
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(hass, entry, "calendar", "conferences") == "off"


async def test_two_failed_functions_leave_the_others(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    for path in ("/voicemails", "/conferences"):
        sim.fault(f"GET {path}", Fault.STATUS)
    await entry.runtime_data.coordinator.async_refresh()
    assert unusable(hass, entry) == set()
    session = (await command(hass, entry, "dial", number="3108"))["session"]
    assert session in sim.extensions[sim.login].calls.live


# -- a source of events ----------------------------------------------------------------------------

SILENT = [
    (Fault.HANG, 0), (Fault.RESET, 0), (Fault.STATUS, 500), (Fault.STATUS, 429), (Fault.PAGE, 200), (Fault.REFUSED, 0)
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "fault", "status"), [*(("/calls", *kind) for kind in SILENT), ("/voicemails", Fault.STATUS, 500)]
)
async def test_a_failing_source_leaves_entities_and_other_sources_working(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
    source: str,
    fault: Fault,
    status: int,
) -> None:
    events = capture_log_events(hass)
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    sim.fault(f"GET {source}", fault, status=status)
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "off", "the source to be missed")
    mail = sim.leave_voicemail("3108")
    told = "MailIncoming" if source == "/calls" else "CallLog"
    await until(lambda: [event for event in events if event.data["type"] == told], "the other source")
    await entry.runtime_data.coordinator.async_refresh()
    assert unusable(hass, entry) == set()
    assert repairs(hass) == [], "not at once"
    caplog.clear()
    await pass_time(hass, PATIENCE + 1)
    assert repairs(hass) == ["event_source_lost"]
    sim.heal()
    await until(lambda: state_of(hass, entry, "binary_sensor", "event_log") == "on", "the source to be back")
    assert repairs(hass) == []
    await until(lambda: entry.runtime_data.coordinator.data.missed_calls == 1, "the call")
    await until(lambda: mail in entry.runtime_data.coordinator.data.voicemails, "the message")
    assert len(lines(caplog)) == 2, lines(caplog)


# -- a server that is busy -------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_a_busy_server_is_unavailable_and_gets_no_requests(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture, status: int, key: str
) -> None:
    coordinator = entry.runtime_data.coordinator
    await until(lambda: entry.runtime_data.events.following, "the first polls")
    caplog.clear()
    sim.overload(status, "300")
    await until(lambda: not coordinator.last_update_success, "the device to be unavailable")
    assert coordinator.last_exception.translation_key == key
    await hass.async_block_till_done()
    sim.clear_requests()
    for _ in range(3):
        await pass_time(hass, 100)
        await asyncio.sleep(30)  # for attempts in the background
    assert sim.requests == [], "no request is sent during the time in Retry-After"
    assert await refusal(hass, entry, "contacts_query") == key
    sim.heal()
    entry.runtime_data.events.async_hasten()
    await until(lambda: coordinator.last_update_success, "the device to be available")
    assert len(lines(caplog)) == 2, lines(caplog)


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_a_push_requests_nothing_from_a_busy_server(
    hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry, status: int, key: str
) -> None:
    await until(lambda: pushed.runtime_data.events.following, "the first polls")
    sim.overload(status, "300")
    await until(lambda: not pushed.runtime_data.coordinator.last_update_success, "the device to be unavailable")
    sim.clear_requests()
    sim.incoming_call("3108")
    await until(lambda: pushed.runtime_data.coordinator.data.calls, "the call")
    await asyncio.sleep(30)  # for a look in the background
    assert sim.requests == []


@pytest.mark.parametrize(("status", "key"), BUSY)
async def test_setup_of_a_busy_server_waits_for_retry_after(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, status: int, key: str
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    sim.clear_requests()
    sim.overload(status, "300")
    for is_first in (True, False):
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == key
        assert bool(sim.requests) is is_first
        sim.clear_requests()


# -- a login that is refused -----------------------------------------------------------------------

# So many are refused while a server starts; each wait is twice the last one, for a directory may lock the account.
REFUSED_LOGINS = 5


def questions(hass: HomeAssistant) -> list[object]:
    """Return the flows that ask for a password."""
    return list(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


@pytest.mark.parametrize("while_set_up", [False, True])
async def test_a_login_rejected_while_the_server_starts_is_retried(
    hass: HomeAssistant, device: Start, while_set_up: bool
) -> None:
    sim = await device()
    entry = await add(hass, sim)
    sim.change_password("another")
    sim.rotate_key()

    def refused() -> int:
        return sum(request.function == "login" and request.status == 401 for request in sim.requests)

    if while_set_up:
        await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_ERROR
    await until(lambda: questions(hass) and refused() >= REFUSED_LOGINS, "the question")
    sim.change_password(PASSWORD)
    await until(lambda: not questions(hass), "its end")
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry")
    await pass_time(hass, 11)  # Home Assistant's pause between two polls that are asked for
    await until(lambda: not unusable(hass, entry), "the state")
    logins = [request.status for request in sim.requests if (request.method, request.path) == ("POST", "/auth")]
    assert logins[-1] == 200
    assert refused() <= REFUSED_LOGINS + 1


async def test_a_doubtful_login_keeps_entities_unavailable(hass: HomeAssistant, device: Start) -> None:
    """Entities stay unavailable until the wrong password is confirmed."""
    sim = await device()
    entry = await add(hass, sim)
    sim.lose_connection()
    await until(lambda: state_of(hass, entry, "sensor", "call_state") == "unavailable", "the loss")
    changes = capture_changes(hass, entry, "sensor")
    sim.change_password("another")
    sim.rotate_key()
    await sim.restore_connection()
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: questions(hass), "the question")
    await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()
    assert changes == []


async def test_a_slash_in_an_id_is_an_error(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    """The server reads a slash as the next part of the path."""
    sim.clear_requests()
    for action, data in (
        ("assign_device", {"device": "Reception/2"}),
        ("push_token_add", {"kind": "fcm", "topic": "com.example/ha", "token": "7C179108B7BF759DED2D9CBE"}),
    ):
        assert await refusal(hass, entry, action, **data) == "invalid_request"
    assert not [request for request in sim.requests if request.method in {"PATCH", "PUT"}]


async def test_diagnostics_are_json(
    hass: HomeAssistant, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    session = (await command(hass, entry, "dial", number="3108"))["session"]
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert diagnostics["state"]["dialed_calls"] == [session]
