"""The description of each 2N model in the neutral model, also with missing functions."""

import asyncio
from dataclasses import replace
import itertools
import time
from typing import Any

import pytest

from custom_components.ip_intercom.const import (
    CONF_FINGERPRINT,
    CONF_LEGACY_TLS,
    CONF_PASSWORD,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_SYSTEM,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    SYSTEM_TWO_N,
)
from custom_components.ip_intercom.model.events import AccessDecided, ButtonPressed
from custom_components.ip_intercom.model.features import Delivery
from custom_components.ip_intercom.model.parts import Alarm, Bell, CallState, Control, Direction, DoorCommand
from custom_components.ip_intercom.model.state import Description, Missing, described
from custom_components.ip_intercom.systems import create_system
from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    IntercomError,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
)
from custom_components.ip_intercom.systems.two_n.adapter import find
from custom_components.ip_intercom.systems.two_n.system import TwoNSystem
from tests.common import until
from tests.simulators.two_n import MODELS, Account, Privilege, Service
from tests.systems.two_n.client.conftest import PASSWORD, USERNAME, Bench, Start

ACCOUNT = {CONF_USERNAME: USERNAME, CONF_PASSWORD: PASSWORD}
ALL = frozenset(Control)


async def next_events(system: TwoNSystem) -> Delivery:
    """Return the next events of a device that has a log."""
    assert system.log is not None
    return await system.log.next()


def system_of(bench: Bench, password: str = PASSWORD, **options: Any) -> TwoNSystem:
    data = {
        CONF_SYSTEM: SYSTEM_TWO_N,
        CONF_URL: f"http://{bench.sim.http_address}",
        CONF_USERNAME: USERNAME,
        CONF_PASSWORD: password,
    }
    system = create_system(bench.session, data, options, None)
    assert isinstance(system, TwoNSystem)
    return system


async def connected(system: TwoNSystem, controls: frozenset[Control] | None = None) -> Description:
    """Connect, and return the complete description, with the state that the coordinator makes of both parts."""
    first = await system.connect(controls)
    assert first.incomplete
    rest = await system.complete()
    return replace(rest, state=described(first.state, rest.state, rest.unread), unread=first.unread)


# -- each model --------------------------------------------------------------------------------------

EXPECTED: dict[str, dict[str, Any]] = {
    "verso": {
        "id": "7c:1e:b3:05:2a:11",
        "doors": {"1": False, "2": True},
        "lines": {"1": True, "2": None},
        "cameras": ["internal"],
        "bells": {"1": "Alice Gruberová", "2": "Jiří Novák"},
        "controls": ALL,
        "alarms": set(Alarm) - {Alarm.DEVICE_ERROR},
    },
    "vario": {
        "id": "08-1860-0035",
        "doors": {"1": False, "2": False},
        "lines": {"1": True},
        "cameras": ["internal", "external"],
        "bells": {"call": None},
        "controls": ALL - {Control.ACCESS_POINTS},
        "alarms": set(),
    },
    "access_unit": {
        "id": "7c:1e:b3:04:91:c2",
        "doors": {"1": False},
        "lines": {},
        "cameras": [],
        "bells": {},
        "controls": ALL - {Control.CALLS},
        "alarms": set(Alarm) - {Alarm.DEVICE_ERROR, Alarm.MOTION, Alarm.NOISE},
    },
    "indoor": {
        "id": "7c:1e:b3:07:33:5e",
        "doors": {},
        "lines": {"1": True, "2": None},
        "cameras": [],
        "bells": {},
        "controls": {Control.CALLS, Control.MAINTENANCE},
        "alarms": set(),
    },
    "verso3": {
        "id": "7c:1e:b3:0b:6d:42",
        "doors": {"1": False, "2": True},
        "lines": {"1": None, "2": True, "3": None, "4": None},
        "cameras": ["internal"],
        "bells": {"1": "Alice Gruberová", "2": "Jiří Novák"},
        "controls": ALL,
        "alarms": set(Alarm),
    },
}


async def test_each_model_is_described(any_bench: Bench) -> None:
    sim, expected = any_bench.sim, EXPECTED[any_bench.sim.model_key]
    system = system_of(any_bench)
    found = await system.connect(None)
    state = found.state
    assert found.identity.id == expected["id"]
    assert found.identity.name == sim.model.info["deviceName"]
    assert found.identity.firmware == sim.model.info["swVersion"]
    assert {door.id: door.latching for door in state.doors.values()} == expected["doors"]
    assert {port.id: port.output for port in state.ports.values()} == {
        name: kind == "output" for name, kind in sim.model.ports.items()
    }
    assert {line.id: line.registered for line in state.lines.values()} == expected["lines"]
    assert list(state.cameras) == expected["cameras"]
    assert {bell.id: bell.name for bell in state.bells.values()} == expected["bells"]
    assert set(state.alarms) - {Alarm.TAMPER} == expected["alarms"] - {Alarm.TAMPER}
    # Known from the first reading if a port reports it, else unknown until the first event.
    assert state.alarms.get(Alarm.TAMPER) is (False if "tamper" in sim.model.ports else None)
    assert found.controls == expected["controls"]
    assert (found.pushes, found.missing, state.calls) == (True, frozenset(), {})
    features = (
        system.features.doors,
        system.features.outputs,
        system.features.calls,
        system.features.cameras,
        system.features.directory,
    )
    assert [feature is not None for feature in features] == [
        Control.DOORS in expected["controls"],
        Control.OUTPUTS in expected["controls"],
        Control.CALLS in expected["controls"],
        bool(expected["cameras"]),
        sim.model.since(2, 27),
    ]
    assert sim.switch_activations == [] and sim.calls == {}, "the check of privileges sent a command"
    await system.close()
    assert sim.channels == []


async def test_connecting_takes_few_requests(any_bench: Bench) -> None:
    system = system_of(any_bench)
    controls = frozenset(EXPECTED[any_bench.sim.model_key]["controls"])
    await system.connect(controls)
    seen = any_bench.seen()
    answered = [(request.path, tuple(request.query)) for request in seen if request.status == 200]
    assert len(set(answered)) == len(answered), "a function was requested twice"
    assert len(seen) <= 16
    await system.close()


async def test_connecting_takes_few_round_trips(bench: Bench) -> None:
    system = system_of(bench)
    bench.sim.delay(0.2)
    await system.connect(ALL)
    answered = sorted(request.at for request in bench.seen())
    # Those of one round are answered together; the challenge is a round of its own.
    rounds = 1 + sum(later - earlier > 0.1 for earlier, later in itertools.pairwise(answered))
    assert rounds <= 5
    bench.sim.heal()
    await system.close()


async def test_connecting_again_leaves_no_open_channel(bench: Bench) -> None:
    system = system_of(bench)
    bench.sim.garbage("switch/status", "html", times=1)
    assert (await system.connect(ALL)).unanswered == {"switch/status"}
    assert not (await system.connect(ALL)).unanswered
    await system.close()
    assert bench.sim.channels == []


async def test_wrong_credentials_are_an_authentication_error(bench: Bench) -> None:
    system = system_of(bench, "guess")
    with pytest.raises(AuthenticationFailed):
        await system.connect(None)
    # The first function, and another one that distinguishes a wrong login from a function that rejects it.
    assert bench.refused() <= 2
    await system.close()


async def test_connecting_to_an_unreachable_device_is_an_error(bench: Bench) -> None:
    bench.sim.lose_connection()
    system = system_of(bench)
    with pytest.raises(ConnectionFailed):
        await system.connect(None)
    await system.close()


# -- what is missing ---------------------------------------------------------------------------------

USED = {
    Service.SWITCH: "Switch API",
    Service.IO: "I/O API",
    Service.CAMERA: "Camera API",
    Service.PHONE: "Phone/Call API",
    Service.LOGGING: "Logging API",
}


def parts(found: Description, system: TwoNSystem) -> dict[str, bool]:
    return {
        "switch": bool(found.state.doors) and system.features.doors is not None,
        "io": bool(found.state.ports) and system.features.outputs is not None,
        "camera": system.features.cameras is not None,
        "phone": bool(found.state.lines) and system.features.calls is not None,
        "logging": found.pushes,
        "directory": system.features.directory is not None,
    }


@pytest.mark.parametrize("service", USED)
@pytest.mark.parametrize("how", ["disabled", "over HTTPS only"])
async def test_a_disabled_service_removes_only_its_functions(bench: Bench, service: Service, how: str) -> None:
    if how == "disabled":
        bench.sim.disable(service)
    else:
        bench.sim.require_tls(service)
    system = system_of(bench)
    found = await system.connect(None)
    assert found.missing == {Missing("service" if how == "disabled" else "secure", USED[service])}
    assert parts(found, system) == {part: part != service.value for part in parts(found, system)}
    assert (system.log is None) is (service is Service.LOGGING)
    await system.close()


@pytest.mark.parametrize(
    ("lost", "part", "named"),
    [
        (Privilege.SWITCH_CONTROL, "switch", None),
        (Privilege.SWITCH_MONITORING | Privilege.SWITCH_CONTROL, "switch", "Switches – Monitoring"),
        (Privilege.IO_CONTROL, "io", None),
        (Privilege.IO_MONITORING, "io", "Inputs and outputs – Monitoring"),
        (Privilege.PHONE_CONTROL, "phone", None),
        (Privilege.PHONE_MONITORING, "phone", "Phone/Calls – Monitoring"),
        (Privilege.CAMERA_MONITORING, "camera", "Camera – Monitoring"),
        (Privilege.SYSTEM_CONTROL, "directory", "System – Control"),
        (Privilege.SYSTEM_MONITORING, None, "System – Monitoring"),
        (Privilege.ACCESS_MONITORING, None, "Access Control – Monitoring"),
        (Privilege.DISPLAY_CONTROL, None, None),
        (Privilege.KEYPAD_MONITORING, None, None),
        (Privilege.UID_MONITORING, None, None),
    ],
)
async def test_a_missing_privilege_removes_only_its_functions(
    start: Start, lost: Privilege, part: str | None, named: str | None
) -> None:
    bench = await start(accounts=[Account(USERNAME, PASSWORD, Privilege.ALL & ~lost)])
    system = system_of(bench)
    found = await connected(system)
    assert parts(found, system) == {name: name != part for name in parts(found, system)}
    # What can be done without is no shortcoming.
    vital = named is not None and not named.startswith(("System", "Access"))
    assert found.missing == ({Missing("privilege", named, vital)} if named else frozenset())
    await system.close()


@pytest.mark.parametrize("how", ["privilege", "service"])
async def test_buttons_ring_without_access_to_the_phone(bench: Bench, how: str) -> None:
    system = system_of(bench)
    everything = await connected(system)
    if how == "service":
        bench.sim.disable("phone")
    else:
        bench.sim.revoke(USERNAME, Privilege.PHONE_MONITORING)
    found = await system.describe()
    assert found.state.bells == everything.state.bells and not found.has_phone
    bells = await system.read_bells()
    assert bells is not None and bells.bells == everything.state.bells
    await system.close()


async def test_a_read_only_account_reads_everything(start: Start) -> None:
    bench = await start(accounts=[Account(USERNAME, PASSWORD, Privilege.MONITORING)])
    system = system_of(bench)
    found = await system.connect(None)
    assert found.controls == frozenset() and found.pushes
    assert (system.features.doors, system.features.outputs, system.features.calls, system.features.directory) == (
        None,
        None,
        None,
        None,
    )
    assert found.state.doors and found.state.ports and found.state.lines and system.features.cameras is not None
    # Without the directory, the buttons are unknown: there is a bell for any call.
    assert found.state.bells == {"call": Bell("call")}
    await system.close()


async def test_a_service_that_is_enabled_again_is_read(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    bench.sim.disable("phone")
    reading = await system.read()
    assert reading.lines is None and reading.calls is None and reading.doors
    bench.sim.enable("phone")
    assert (await system.read()).lines
    await system.close()


async def test_a_new_description_reads_the_privileges_again(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    bench.sim.revoke(USERNAME, Privilege.SWITCH_CONTROL)
    assert (await system.describe()).controls == ALL - {Control.DOORS}
    assert system.features.doors is None
    bench.sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    assert await system.read_bells() is None
    await system.close()


async def test_bells_are_named_from_the_directory(bench: Bench) -> None:
    system = system_of(bench)
    found = await system.connect(ALL)
    assert found.peers == {"101": "1", "102": "1", "4374834473": "2"}
    assert system.features.directory is not None
    await system.features.directory.create([{"name": "Bob", "buttons": "1,12", "callPos": [{"peer": "300"}]}], False)
    bells = await system.read_bells()
    assert bells is not None
    assert bells.bells == {
        "1": Bell("1", "Alice Gruberová / Bob", 1),
        "2": Bell("2", "Jiří Novák", 2),
        "12": Bell("12", "Bob", 12),
    }
    assert bells.peers["300"] == "1"
    await system.close()


# -- readings and events -----------------------------------------------------------------------------


async def test_a_reading_contains_doors_ports_and_calls(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    assert (
        system.features.doors is not None and system.features.outputs is not None and system.features.calls is not None
    )
    doors = system.features.doors
    one, two = await doors.read("1"), await doors.read("2")
    assert one is not None and two is not None
    await doors.send(DoorCommand.HOLD, one, 100)
    await doors.send(DoorCommand.BLOCK, two)
    await system.features.outputs.set_output("led_secured", True)
    session = await system.features.calls.dial("sip:100@pbx", [])
    reading = await system.read()
    assert reading.doors and reading.ports and reading.calls
    first, second = reading.doors["1"], reading.doors["2"]
    assert (first.released, first.held_open, second.blocked) == (True, True, True)
    assert first.hold_until is not None and abs(first.hold_until.timestamp() - time.time() - 100) < 20
    assert reading.ports["led_secured"].on is True
    call = reading.calls[session]
    assert (call.direction, call.state, call.peer) == (Direction.OUTGOING, CallState.CONNECTING, "sip:100@pbx")
    assert await system.features.calls.in_progress() == reading.calls
    await system.features.calls.hang_up(session)
    await doors.send(DoorCommand.END_HOLD, one)
    await doors.send(DoorCommand.UNBLOCK, two)
    await doors.send(DoorCommand.OPEN, two)
    assert [(done.switch, done.action) for done in bench.sim.switch_activations] == [
        (1, "hold"), (2, "lock"), (1, "release"), (2, "unlock"), (2, "on"),
    ]  # fmt: skip
    await doors.send(DoorCommand.CLOSE, two)
    incoming = bench.sim.incoming_call()
    await system.features.calls.answer(incoming)
    reading = await system.read()
    assert reading.doors and reading.doors["2"].released is False
    assert reading.calls and reading.calls[incoming].state is CallState.CONNECTED
    await system.close()


async def test_calls_in_an_unknown_state_are_skipped(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    sessions = '[{"session": 1, "direction": "outgoing", "state": "parked"}, {"session": 2, "state": "ringing"}]'
    bench.sim.garbage("call/status", sessions, "application/json")
    assert (await system.read()).calls == {}
    await system.close()


async def test_events_continue_at_the_stored_cursor(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    assert (await next_events(system)).events == ()
    bench.sim.press("%1", call=False)
    delivery = await next_events(system)
    assert [(e.type, e.facts, e.late) for e in delivery.events] == [("KeyPressed", (ButtonPressed("1", 1),), False)]
    await system.close()
    bench.sim.press("%2", call=False)
    again = TwoNSystem(bench.device(), delivery.cursor)
    await again.connect(ALL)
    missed = await next_events(again)
    # It is a moment old: a visitor waits.
    assert [(e.facts, e.late) for e in missed.events] == [((ButtonPressed("2", 2),), False)]
    await again.close()


async def test_the_ring_of_a_press_does_not_wait_for_the_records_after_it(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    await next_events(system)
    bench.sim.press("%1")
    press = await next_events(system)
    assert [event.type for event in press.events] == ["KeyPressed"]
    assert press.more
    after = await next_events(system)
    assert "CallStateChanged" in [event.type for event in after.events]
    assert not after.more
    await system.close()
    # After a crash between them, the next run continues behind the press.
    again = TwoNSystem(bench.device(), press.cursor)
    await again.connect(ALL)
    assert [event.id for event in (await next_events(again)).events] == [event.id for event in after.events]
    await again.close()


async def test_a_change_during_the_connection_causes_another_read(bench: Bench) -> None:
    """The state may have been read before the change."""
    system = system_of(bench)
    await system.connect(ALL)
    bench.sim.set_input("input1", True)
    delivery = await next_events(system)
    assert delivery.missed
    await system.close()


async def test_a_restart_is_a_gap_with_bounds(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    bench.sim.press("%1", call=False)
    await next_events(system)
    bench.sim.advance_clock(60)
    await bench.sim.reboot(0.05)
    delivery: Delivery | None = None
    while delivery is None:
        try:
            delivery = await next_events(system)
        except IntercomError:
            await asyncio.sleep(0.01)
    gap = delivery.events[0]
    assert (gap.type, gap.late, set(gap.data)) == ("LogGap", True, {"start", "end", "reason"})
    assert gap.data["start"] <= gap.data["end"]  # type: ignore[operator]  # both are text
    assert delivery.events[1].type == "DeviceState" and delivery.missed
    await system.close()


@pytest.mark.parametrize("model", [key for key, model in MODELS.items() if model.card_reader])
async def test_a_denied_card_is_one_denial(start: Start, model: str) -> None:
    """Newer firmware reports the card and the denial, 2.10 reports the card only."""
    bench = await start(model)
    system = system_of(bench)
    await system.connect(ALL)
    await next_events(system)
    pending = asyncio.ensure_future(next_events(system))
    await bench.sim.wait_for_pull()
    bench.sim.swipe_card("DEADBEEF")
    facts = [fact for event in (await pending).events for fact in event.facts if isinstance(fact, AccessDecided)]
    assert [fact.access.granted for fact in facts] == [False]
    await system.close()


# -- the picture -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (None, None, "1280x960"),
        (600, None, "640x360"),
        (640, 480, "640x480"),
        (5000, 5000, "1280x960"),
        (1, 1, "160x120"),
    ],
)
async def test_a_snapshot_has_a_size_that_the_device_supports(
    bench: Bench, width: int | None, height: int | None, size: str
) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    assert system.features.cameras is not None
    bench.seen()
    assert (await system.features.cameras.snapshot("internal", width, height)).startswith(b"\xff\xd8")
    [asked] = bench.seen()
    assert f"{asked.query['width']}x{asked.query['height']}" == size
    with pytest.raises(NotSupported):
        await system.features.cameras.snapshot("cellar", 640, 480)
    await system.close()


async def test_closing_a_motion_jpeg_stream_stops_the_camera(bench: Bench) -> None:
    system = system_of(bench)
    await system.connect(ALL)
    assert system.features.cameras is not None
    async with system.features.cameras.mjpeg("internal") as stream:
        assert stream.content_type.startswith("multipart/x-mixed-replace; boundary=")
        assert (await anext(stream.chunks())).startswith(b"--")
    await until(lambda: bench.sim.camera.streams == 0)
    await system.close()


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({}, None),
        ({CONF_STREAM_USERNAME: "tv"}, "rtsp://tv@127.0.0.1:554/h264_stream"),
        (
            {CONF_STREAM_USERNAME: "a b", CONF_STREAM_PASSWORD: "p:/?#@ž%", CONF_STREAM_PATH: "/mjpeg_stream"},
            "rtsp://a%20b:p%3A%2F%3F%23%40%C5%BE%25@127.0.0.1:554/mjpeg_stream",
        ),
        (
            {CONF_STREAM_USERNAME: "tv", CONF_STREAM_PATH: "onvif/media?transport=unicast&profile=profile_h264_hq"},
            "rtsp://tv@127.0.0.1:554/onvif/media?transport=unicast&profile=profile_h264_hq",
        ),
    ],
)
async def test_the_stream_address_has_its_own_account(
    start: Start, options: dict[str, str], address: str | None
) -> None:
    system = system_of(await start("vario"), **options)
    await system.connect(ALL)
    assert system.features.cameras is not None
    assert await system.features.cameras.stream_address("internal") == address
    assert await system.features.cameras.stream_address("external") is None
    assert not system.features.cameras.streams("external")
    await system.close()


# -- finding -----------------------------------------------------------------------------------------


async def test_find_describes_each_model(any_bench: Bench) -> None:
    sim = any_bench.sim
    found = await find(any_bench.session, sim.https_address, ACCOUNT, False)
    data = found.data
    assert data.keys() == {
        CONF_URL,
        CONF_USERNAME,
        CONF_PASSWORD,
        CONF_VERIFY_SSL,
        CONF_FINGERPRINT,
        CONF_LEGACY_TLS,
    }
    assert data[CONF_URL] == f"https://{sim.https_address}" and len(bytes.fromhex(data[CONF_FINGERPRINT])) == 32
    assert found.description.identity.id == EXPECTED[sim.model_key]["id"]
    assert found.system is not None
    any_bench.seen()
    assert await found.system.connect(None) is found.description
    assert any_bench.seen() == []
    await found.system.close()
    assert sim.channels == []
    found = await find(any_bench.session, sim.http_address, ACCOUNT, False)
    assert found.data[CONF_FINGERPRINT] is None
    assert found.system is not None
    await found.system.close()


async def test_find_without_any_usable_function_is_an_error(start: Start) -> None:
    bench = await start(accounts=[Account(USERNAME, PASSWORD, Privilege.NONE)])
    bench.sim.disable("logging")
    with pytest.raises((PermissionDenied, ServiceDisabled)):
        await find(bench.session, bench.sim.http_address, ACCOUNT, False)


async def test_find_over_http_where_one_part_insists_on_https(bench: Bench) -> None:
    bench.sim.require_tls("camera")
    with pytest.raises(SecureConnectionRequired) as refused:
        await find(bench.session, f"http://{bench.sim.http_address}", ACCOUNT, False)
    assert refused.value.service == "Camera API"
    found = await find(bench.session, bench.sim.https_address, ACCOUNT, False)
    assert found.system is not None
    await found.system.close()


async def test_find_identifies_a_device_that_needs_a_login_for_it(bench: Bench) -> None:
    bench.sim.open_info = False
    found = await find(bench.session, bench.sim.http_address, ACCOUNT, False)
    assert found.description.identity.mac
    assert found.system is not None
    await found.system.close()
    with pytest.raises(AuthenticationFailed):
        await find(bench.session, bench.sim.http_address, ACCOUNT | {CONF_PASSWORD: "guess"}, False)


async def test_find_with_a_wrong_password_sends_few_logins(bench: Bench) -> None:
    bench.seen()
    with pytest.raises(AuthenticationFailed) as refused:
        await find(bench.session, bench.sim.http_address, ACCOUNT | {CONF_PASSWORD: "guess-it"}, False)
    assert bench.refused() <= 2
    assert "guess-it" not in str(refused.value)


async def test_names_are_redacted_without_the_option(bench: Bench) -> None:
    system = system_of(bench, show_names=False)
    await system.connect(ALL)
    await next_events(system)
    pending = asyncio.ensure_future(next_events(system))
    await bench.sim.wait_for_pull()
    bench.sim.enter_code("1234")
    assert "Alice" not in repr((await pending).events)
    await system.close()


@pytest.mark.parametrize(
    ("told", "shown"), [("  Front\r\n door ", "Front door"), (" \n", "2N IP Verso"), ("Gate", "Gate")]
)
async def test_a_name_is_one_line(start: Start, told: str, shown: str) -> None:
    bench = await start(identity={"deviceName": told})
    bench.sim.rename_entry("Alice Gruberová", " Alice\n Gruberová ")
    bench.sim.rename_entry("Jiří Novák", "  ")
    system = system_of(bench)
    found = await system.connect(ALL)
    assert found.identity.name == shown
    assert {bell.id: bell.name for bell in found.state.bells.values()} == {"1": "Alice Gruberová", "2": None}
    await system.close()
