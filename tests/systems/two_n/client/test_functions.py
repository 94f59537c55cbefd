"""The functions of HTTP API 5, group by group, on every model."""

import asyncio
from collections.abc import Callable
import json

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common import errors
from custom_components.ip_intercom.systems.common.discovery import normalize_mac
from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    FileTooOld,
    InvalidRequest,
    NoData,
    NotSupported,
    PermissionDenied,
    Rejected,
    SecureConnectionRequired,
    ServiceDisabled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, TwoNDevice
from custom_components.ip_intercom.systems.two_n.client.client import is_permitted
from custom_components.ip_intercom.systems.two_n.client.directory import EntryError
from custom_components.ip_intercom.systems.two_n.client.doors import SwitchAction, SwitchCaps, SwitchStatus
from custom_components.ip_intercom.systems.two_n.client.phone import CallLeg, CallSession, SipAccount
from custom_components.ip_intercom.systems.two_n.client.protocol import CALL_DIAL, SWITCH_CTRL, SWITCH_STATUS
from tests.common import until
from tests.simulators.two_n import Account, Privilege

from .conftest import Bench, Start

ALICE = "54877B0E-4CC3-C645-9530-6C7850F47A9C"
JIRI = "8FA29EBC-2FE8-4A8C-9A3B-D8B0351FB6F8"
UNKNOWN_USER = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def device(bench: Bench) -> TwoNDevice:
    return bench.device()


def answers(bench: Bench, path: str, result: object) -> None:
    """Let a function answer with a result."""
    bench.sim.garbage(path, json.dumps({"success": True, "result": result}), "application/json")


# -- 2.3 replies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, NotSupported),
        (2, NotSupported),
        (3, NotSupported),
        (4, ServiceDisabled),
        (7, SecureConnectionRequired),
        (8, AuthenticationFailed),
        (9, AuthenticationFailed),
        (10, PermissionDenied),
        (11, InvalidRequest),
        (12, InvalidRequest),
        (13, InvalidRequest),
        (14, CommandFailed),
        (15, NoData),
        (17, InvalidRequest),
        (18, Rejected),
        (19, FileTooOld),
        (22, CommandFailed),
        ("12", InvalidRequest),
        (None, CommandFailed),
    ],
)
async def test_each_error_code_has_its_exception(bench: Bench, code: object, kind: type[Exception]) -> None:
    error = {"code": code, "param": "port", "description": "the device's own word"}
    bench.sim.garbage("switch/status", json.dumps({"success": False, "error": error}), "application/json")
    with pytest.raises(errors.IntercomError) as raised:
        await bench.device().switch.status()
    assert type(raised.value) is kind
    match raised.value:
        case InvalidRequest(reason=reason, parameter=parameter):
            assert (reason, parameter) == ("the device's own word", "port")
        case CommandFailed(reason=reason):
            assert reason == "the device's own word"
        case ServiceDisabled(service=service) | SecureConnectionRequired(service=service):
            assert service == "Switch API"
        case PermissionDenied(privilege=privilege):
            assert privilege == "Switches – Monitoring"


@pytest.mark.parametrize("error", [{}, [], "wrong", None, {"code": "x"}])
async def test_an_error_without_a_code_is_a_failed_command(bench: Bench, error: object) -> None:
    bench.sim.garbage("switch/status", json.dumps({"success": False, "error": error}), "application/json")
    with pytest.raises(CommandFailed, match="no reason given"):
        await bench.device().switch.status()


@pytest.mark.parametrize("success", [True, "true", 1, "1"])
async def test_success_may_have_another_type(bench: Bench, success: object) -> None:
    bench.sim.garbage("io/status", json.dumps({"success": success, "result": {"ports": []}}), "application/json")
    assert await bench.device().io.status() == {}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/html", "application/octet-stream"])
async def test_json_under_any_name(bench: Bench, content_type: str) -> None:
    bench.sim.garbage("io/status", '{"success": true, "result": {"ports": []}}', content_type)
    assert await bench.device().io.status() == {}


async def test_permits_asks_for_a_privilege_without_a_command(start: Start) -> None:
    bench = await start(accounts=[Account("ha", "ha-pass", Privilege.ALL & ~Privilege.SWITCH_CONTROL)])
    client = bench.client()
    assert await is_permitted(client.call(CALL_DIAL))
    assert not await is_permitted(client.call(SWITCH_CTRL))
    assert await is_permitted(client.call(SWITCH_STATUS))
    bench.sim.disable("phone")
    assert not await is_permitted(client.call(CALL_DIAL))
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await is_permitted(client.call(CALL_DIAL))


# -- 5.1 system --------------------------------------------------------------------------------------


async def test_the_identity_of_every_model_is_read(any_bench: Bench) -> None:
    reported = any_bench.sim.model.info
    info = await any_bench.device().system.info()
    assert (info.variant, info.name, info.serial) == (
        reported["variant"],
        reported["deviceName"],
        reported["serialNumber"],
    )
    assert (info.hardware, info.firmware, info.build) == (
        reported["hwVersion"],
        reported["swVersion"],
        reported["buildType"],
    )
    assert (info.mac is None) == ("macAddr" not in reported)


@pytest.mark.parametrize(
    ("reported", "mac"),
    [
        ("7C-1E-B3-05-2A-11", "7c:1e:b3:05:2a:11"),
        ("7c1eb3052a11", "7c:1e:b3:05:2a:11"),
        ("7C:1E:B3:05:2A:11", "7c:1e:b3:05:2a:11"),
        ("00-00-00-00-00-00", None),
        ("7C-1E-B3", None),
        ("", None),
        (None, None),
    ],
)
def test_mac_addresses_are_normalized(reported: str | None, mac: str | None) -> None:
    assert normalize_mac(reported) == mac


async def test_status_returns_the_clock_and_the_uptime(bench: Bench, device: TwoNDevice) -> None:
    status = await device.system.status()
    assert status.uptime is not None and abs(status.uptime - bench.sim.clock.uptime()) <= 1
    assert status.time is not None and abs(status.time - bench.sim.clock.utc()) <= 1


async def test_the_capabilities_are_read(device: TwoNDevice) -> None:
    caps = await device.system.caps()
    assert caps["camera"] == {"active"}
    assert caps["noiseDetection"] == {"active", "licensed"}


async def test_restart_restarts_the_device(start: Start) -> None:
    bench = await start(speed=60)
    before = bench.sim.clock.uptime()
    await bench.device().system.restart()
    await until(lambda: bench.sim.clock.uptime() < before)


# -- 5.4 switch --------------------------------------------------------------------------------------


async def test_switches_of_every_model(any_bench: Bench) -> None:
    sim, switch = any_bench.sim, any_bench.device().switch
    if "switch" in sim.model.lacks:
        with pytest.raises(NotSupported):
            await switch.caps()
        return
    assert [(caps.switch, caps.enabled) for caps in await switch.caps()] == [
        (spec.number, spec.enabled) for spec in sim.model.switches
    ]
    status = (await switch.status())[0]
    # Firmware 2.10 reports neither locks nor holds (HTTP API 1.1).
    assert status.locked is (False if sim.model.since(2, 20) else None)
    await switch.ctrl(1, SwitchAction.ON)
    assert (await switch.status())[0].active


async def test_switch_capabilities_and_status_are_decoded(device: TwoNDevice) -> None:
    caps = await device.switch.caps()
    assert caps[0] == SwitchCaps(1, enabled=True, bistable=False, on_duration=5, type="normal")
    assert caps[1] == SwitchCaps(2, enabled=True, bistable=True, on_duration=None, type="normal")
    assert caps[2] == SwitchCaps(3, enabled=False, bistable=False, on_duration=None, type=None)
    await device.switch.ctrl(1, SwitchAction.HOLD, 90)
    assert (await device.switch.status())[0] == SwitchStatus(1, active=True, locked=False, held=True, hold_timeout=90)


@pytest.mark.parametrize(
    ("action", "active", "locked", "held"),
    [
        (SwitchAction.ON, True, False, False),
        (SwitchAction.OFF, False, False, False),
        (SwitchAction.TRIGGER, True, False, False),
        (SwitchAction.LOCK, False, True, False),
        (SwitchAction.UNLOCK, False, False, False),
        (SwitchAction.HOLD, True, False, True),
        (SwitchAction.RELEASE, False, False, False),
    ],
)
async def test_each_switch_action_changes_the_status(
    bench: Bench, device: TwoNDevice, action: SwitchAction, active: bool, locked: bool, held: bool
) -> None:
    await device.switch.ctrl(2, action)
    status = (await device.switch.status())[1]
    assert (status.active, status.locked, status.held) == (active, locked, held)
    assert [(done.switch, done.action) for done in bench.sim.switch_activations] == [(2, action)]


async def test_invalid_switch_commands_are_errors(device: TwoNDevice) -> None:
    with pytest.raises(CommandFailed, match="switch disabled"):
        await device.switch.ctrl(3, SwitchAction.ON)
    with pytest.raises(CommandFailed, match="not found"):
        await device.switch.ctrl(9, SwitchAction.ON)
    await device.switch.ctrl(1, SwitchAction.LOCK)
    with pytest.raises(CommandFailed, match="action failed"):
        await device.switch.ctrl(1, SwitchAction.ON)
    for seconds in (0, 86401):
        with pytest.raises(InvalidRequest) as refused:
            await device.switch.ctrl(1, SwitchAction.HOLD, seconds)
        assert refused.value.parameter == "timeout"
    with pytest.raises(InvalidRequest):
        await device.switch.ctrl(1, SwitchAction.ON, 5)


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        ({}, UnexpectedReply),
        ({"switches": None}, ()),
        ({"switches": {"0": {"switch": 1, "active": True}}}, UnexpectedReply),
        ({"switches": [None, 5, {}, {"switch": "x"}]}, UnexpectedReply),
        ({"switches": []}, ()),
        (
            {"switches": [None, {"switch": "1", "active": "1"}, {"switch": 2}]},
            (SwitchStatus(1, True, None, None, None),),
        ),
        (
            {"switches": [{"switch": 1, "active": 0, "locked": "true", "held": "off", "holdTimeout": "7"}]},
            (SwitchStatus(1, False, True, False, 7),),
        ),
    ],
)
async def test_unusual_switch_values_are_decoded(bench: Bench, reported: object, decoded: object) -> None:
    """An unreadable list is an error; an unreadable row is skipped and counted."""
    answers(bench, "switch/status", reported)
    device = bench.device()
    if decoded is UnexpectedReply:
        with pytest.raises(UnexpectedReply):
            await device.switch.status()
        return
    assert await device.switch.status() == decoded
    rows = (reported["switches"] or []) if isinstance(reported, dict) else []
    assert device.client.skipped["/api/switch/status"] == sum(row is None or "active" not in row for row in rows)


# -- 5.5 io ------------------------------------------------------------------------------------------


async def test_each_model_has_its_ports(any_bench: Bench) -> None:
    io, ports = any_bench.device().io, any_bench.sim.model.ports
    assert await io.caps() == {name: kind == "output" for name, kind in ports.items()}
    for name, kind in ports.items():
        if kind == "output":
            await io.ctrl(name, True)
            assert any_bench.sim.ports[name].state is True
            assert (await io.status())[name] is True
            await io.ctrl(name, False)
            assert (await io.status())[name] is False
        else:
            with pytest.raises(InvalidRequest) as refused:
                await io.ctrl(name, True)
            assert refused.value.parameter == "port"
            any_bench.sim.set_input(name, True)
            assert (await io.status())[name] is True


@pytest.mark.parametrize(
    ("state", "on"), [(1, True), ("0", False), (True, True), ("in", True), ("out", False), (2, None), (None, None)]
)
async def test_each_form_of_a_port_state_is_decoded(bench: Bench, state: object, on: bool | None) -> None:
    answers(bench, "io/status", {"ports": [{"port": "x", "state": state}, {"state": 1}]})
    assert await bench.device().io.status() == ({} if on is None else {"x": on})


# -- 5.6 phone, 5.7 call -----------------------------------------------------------------------------


async def test_each_model_has_its_sip_accounts(any_bench: Bench) -> None:
    phone, model = any_bench.device().phone, any_bench.sim.model
    if "phone" in model.lacks:
        with pytest.raises(NotSupported):
            await phone.status()
        return
    accounts = await phone.status()
    assert [account.account for account in accounts] == list(range(1, model.sip_accounts + 1))
    assert [account.number for account in accounts if account.registered] == [n for n in model.sip_numbers if n]
    any_bench.sim.register(next(a.account for a in accounts if a.registered), registered=False)
    assert not any(account.registered for account in await phone.status())


async def test_unusual_sip_account_values_are_decoded(bench: Bench) -> None:
    bench.sim.garbage("phone/status", '[{"account": "2", "sipNumber": 5301}, {"sipNumber": "1"}]', "application/json")
    assert await bench.device().phone.status() == (SipAccount(2, True, "5301", False, None),)


async def test_calls_of_every_model(any_bench: Bench) -> None:
    """Firmware 3.x answers a bare array."""
    sim, call = any_bench.sim, any_bench.device().call
    if "phone" in sim.model.lacks:
        with pytest.raises(NotSupported):
            await call.status()
        return
    assert await call.status() == ()
    session = await call.dial("sip:100@pbx")
    known = (await call.status())[0]
    assert (known.session, known.direction) == (session, "outgoing")
    # Firmware 2.10 does not tell who is called.
    assert [leg.peer for leg in known.legs] == (["sip:100@pbx"] if sim.model.since(2, 36) else [])
    await call.hangup(session)
    assert await call.status() == ()
    incoming = sim.incoming_call()
    await call.answer(incoming)
    assert [(known.direction, known.state) for known in await call.status()] == [("incoming", "connected")]


async def test_a_group_call_has_legs(bench: Bench, device: TwoNDevice) -> None:
    session = await device.call.dial(users=[ALICE, JIRI])
    peers = ["sip:101@192.168.1.20", "sip:102@192.168.1.20", "sip:4374834473@proxy.my2n.com:5061"]
    legs = tuple(CallLeg(number, peer, "connecting") for number, peer in enumerate(peers, 1))
    assert await device.call.status() == (CallSession(session, "outgoing", "connecting", legs),)


async def test_dialing_needs_either_a_number_or_known_users(bench: Bench, device: TwoNDevice) -> None:
    for number, users in (("100", [ALICE]), (None, []), (None, [UNKNOWN_USER]), ("", [])):
        with pytest.raises(InvalidRequest):
            await device.call.dial(number, users)
    assert not bench.sim.calls


async def test_a_number_is_sent_as_it_is(bench: Bench, device: TwoNDevice) -> None:
    number = "sip:brána+1%20&x=1#2@pbx;transport=tls"
    session = await device.call.dial(number)
    assert bench.sim.calls[session].legs[0].peer == number


async def test_a_dial_response_without_a_session_is_an_error(bench: Bench) -> None:
    answers(bench, "call/dial", {})
    with pytest.raises(UnexpectedReply):
        await bench.device().call.dial("1")


@pytest.mark.parametrize("reason", [None, "normal", "rejected", "busy"])
async def test_hangup_ends_the_call_with_its_reason(bench: Bench, device: TwoNDevice, reason: str | None) -> None:
    session = bench.sim.incoming_call()
    await device.call.hangup(session, reason)
    ended = [event for event in bench.sim.history if event.name == "CallStateChanged"][-1]
    assert (ended.params["state"], ended.params["reason"]) == ("terminated", reason or "normal")
    for command in (device.call.hangup, device.call.answer):
        with pytest.raises(CommandFailed, match="session not found"):
            await command(session)


# -- 5.8 camera --------------------------------------------------------------------------------------


async def test_each_model_has_its_cameras(any_bench: Bench) -> None:
    sim, camera = any_bench.sim, any_bench.device().camera
    if "camera" in sim.model.lacks:
        with pytest.raises(NotSupported):
            await camera.caps()
        return
    caps = await camera.caps()
    assert caps.sources == sim.camera.sources
    assert set(caps.sizes) == set(sim.model.jpeg_sizes)
    assert list(caps.sizes) == sorted(caps.sizes, key=lambda size: size[0] * size[1])
    for source in caps.sources:
        for size in (caps.sizes[0], caps.sizes[-1]):
            assert (await camera.snapshot(source, size)).startswith(b"\xff\xd8")


async def test_invalid_snapshot_parameters_are_errors(bench: Bench, device: TwoNDevice) -> None:
    for source, size, parameter in (
        ("internal", (641, 480), "width"),
        ("internal", (640, 481), "height"),
        ("external", (640, 480), "source"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await device.camera.snapshot(source, size)
        assert refused.value.parameter == parameter
    with pytest.raises(InvalidRequest):
        await device.camera.snapshot("internal", (640, 480), 31)


async def test_a_snapshot_may_be_of_the_past(device: TwoNDevice) -> None:
    assert await device.camera.snapshot("internal", (320, 240), 20) != await device.camera.snapshot(
        "internal", (320, 240)
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("<html>", "text/html"), ("GIF89a", "image/gif"), ('{"success": true}', "application/json"), ("", "image/jpeg")],
)
async def test_an_invalid_snapshot_is_an_error(bench: Bench, body: str, content_type: str) -> None:
    bench.sim.garbage("camera/snapshot", body, content_type)
    with pytest.raises(UnexpectedReply):
        await bench.device().camera.snapshot("internal", (640, 480))


@pytest.mark.parametrize("auth", ["none", "basic", "digest"])
async def test_motion_jpeg_works_with_each_authentication(bench: Bench, auth: str) -> None:
    bench.set_auth(camera=auth)
    async with bench.device().camera.stream("internal", (160, 120), 99) as stream:
        assert stream.content_type == "multipart/x-mixed-replace; boundary=2n-frame"
        assert (await anext(stream.chunks())).startswith(b"--2n-frame")
        assert bench.sim.camera.streams == 1
    await until(lambda: bench.sim.camera.streams == 0, "the device to stop sending")
    assert bench.seen()[-1].query["fps"] == "15"


async def test_motion_jpeg_works_after_a_change_of_the_scheme(bench: Bench, device: TwoNDevice) -> None:
    await device.camera.caps()
    for auth in ("basic", "digest"):
        bench.set_auth(camera=auth)
        async with device.camera.stream("internal", (160, 120), 5) as stream:
            assert await anext(stream.chunks())


async def test_each_motion_jpeg_failure_has_its_error(bench: Bench, device: TwoNDevice) -> None:
    async def look(size: tuple[int, int] = (160, 120)) -> None:
        async with device.camera.stream("internal", size, 5):
            pytest.fail("there is no stream")

    with pytest.raises(InvalidRequest):
        await look((1, 1))
    bench.sim.garbage("camera/snapshot", "html")
    with pytest.raises(UnexpectedReply):
        await look()
    bench.sim.garbage("camera/snapshot", "gone", status=404)
    with pytest.raises(UnexpectedReply):
        await look()
    bench.sim.heal()
    bench.sim.disable("camera")
    with pytest.raises(ServiceDisabled):
        await look()
    bench.sim.enable("camera")
    bench.sim.change_password("ha", "new")
    with pytest.raises(AuthenticationFailed):
        await look()
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await look()


async def test_motion_jpeg_with_a_wrong_password_is_an_error(bench: Bench) -> None:
    for auth in ("basic", "digest"):
        bench.set_auth(camera=auth)
        with pytest.raises(AuthenticationFailed):
            await watch(bench.device(password="guess"))
        # The stream, and another function.
        assert bench.refused() == 2


async def test_a_motion_jpeg_stream_that_does_not_start_is_an_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.common.http.STREAM_TIMEOUT", 0.1)
    bench.sim.delay(30, "camera/snapshot")
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionFailed):
            await watch(bench.device())


async def watch(device: TwoNDevice, seen: Callable[[bytes], None] = lambda _: None) -> None:
    async with device.camera.stream("internal", (160, 120), 5) as stream:
        async for chunk in stream.chunks():
            seen(chunk)


async def test_a_stalled_motion_jpeg_stream_is_an_error(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cable is cut without a packet."""
    monkeypatch.setattr("custom_components.ip_intercom.systems.common.http.STREAM_TIMEOUT", 0.2)

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server, asyncio.timeout(5):
        host, port = server.sockets[0].getsockname()
        seen: list[bytes] = []
        with pytest.raises(ConnectionFailed):
            await watch(TwoNDevice(TwoNClient(HttpTransport(session, URL(f"http://{host}:{port}")))), seen.append)
        assert seen == [b"--b\r\n"]


async def test_a_broken_motion_jpeg_stream_is_an_error(bench: Bench, device: TwoNDevice) -> None:
    with pytest.raises(ConnectionFailed):
        await watch(device, lambda _: bench.sim.reset_connections())


class ViewerGone(ConnectionResetError):
    """The viewer closed the browser."""


@pytest.mark.parametrize("reason", [ViewerGone, aiohttp.ClientConnectionResetError, asyncio.CancelledError])
async def test_an_error_of_the_viewer_ends_the_motion_jpeg_stream(
    bench: Bench, device: TwoNDevice, reason: type[BaseException]
) -> None:
    def leave(_: bytes) -> None:
        raise reason

    with pytest.raises(reason):
        await watch(device, leave)
    await until(lambda: bench.sim.camera.streams == 0, "the device to stop sending")


# -- 5.14 directory ----------------------------------------------------------------------------------


async def test_each_model_changes_its_directory_or_rejects_it(any_bench: Bench) -> None:
    directory, model = any_bench.device().directory, any_bench.sim.model
    if not model.since(2, 27):
        for request in (directory.template, directory.query):
            with pytest.raises(NotSupported):
                await request()
        return
    template = await directory.template()
    assert template["name"] == "" and ("photo" in template) == model.display
    created = await directory.create([{"name": "Flat 7", "access": {"pin": "4321"}}])
    uuid = created.entries[0].uuid
    assert uuid is not None
    assert (await directory.get([uuid], ["name"])).entries[0].fields == {"name": "Flat 7"}
    updated = await directory.update([{"uuid": uuid, "name": "Flat 8"}])
    assert updated.entries[0].timestamp == created.entries[0].timestamp + 1  # type: ignore[operator]  # both are there
    assert (await directory.get([uuid])).entries[0].fields == {"name": "Flat 8", "access": {"pin": "4321"}}
    gone = await directory.delete([uuid])
    assert gone.entries[0].errors == ()
    left = await directory.query(["name"])
    assert sum(not entry.deleted for entry in left.entries) == 3


async def test_an_incremental_query_returns_only_changes(device: TwoNDevice) -> None:
    first = await device.directory.query(["name"])
    assert first.series is not None and first.invalid is None
    newest = max(entry.timestamp or 0 for entry in first.entries)
    await device.directory.update([{"uuid": ALICE, "name": "Alice"}])
    since = await device.directory.query(["name"], newest + 1, first.series)
    assert [entry.fields["name"] for entry in since.entries] == ["Alice"]
    await device.directory.delete([ALICE])
    since = await device.directory.query(["name"], newest + 2, first.series)
    assert [(entry.uuid, entry.deleted) for entry in since.entries] == [(ALICE, True)]


async def test_each_directory_entry_has_its_own_errors(device: TwoNDevice) -> None:
    answer = await device.directory.create(
        [{"name": "good"}, {"shoeSize": 44}, {"access": {"pin": "x"}}, {"uuid": ALICE, "name": "again"}]
    )
    assert [entry.errors for entry in answer.entries] == [
        (),
        (EntryError("EDIR_FIELD_NAME_UNKNOWN", "shoeSize"),),
        (EntryError("EDIR_FIELD_VALUE_ERROR", "access.pin"),),
        (EntryError("EDIR_UUID_ALREADY_EXISTS", None),),
    ]
    forced = await device.directory.create([{"uuid": ALICE, "name": "again"}], force=True)
    assert forced.entries[0].errors == ()
    for request in (
        device.directory.update([{"uuid": UNKNOWN_USER, "name": "x"}]),
        device.directory.get([UNKNOWN_USER]),
        device.directory.delete([UNKNOWN_USER]),
    ):
        assert (await request).entries[0].errors == (EntryError("EDIR_UUID_DOES_NOT_EXIST", None),)


async def test_all_entries_of_an_owner_are_deleted(bench: Bench, device: TwoNDevice) -> None:
    await device.directory.delete(owner="My2N")
    assert [entry["name"] for entry in bench.sim.directory] == ["Alice Gruberová", "Jiří Novák"]


# -- 5.10 log ----------------------------------------------------------------------------------------


async def test_each_model_returns_its_events(any_bench: Bench) -> None:
    log, sim = any_bench.device().log, any_bench.sim
    assert await log.caps() == frozenset(sim.model.events)
    channel = await log.subscribe(["DeviceState", "KeyPressed"], "all", 60)
    sim.press("%1", call=False)
    first, last = await log.pull(channel, 0)
    assert (first.id, first.event, first.up_time, first.params) == (1, "DeviceState", 8, {"state": "startup"})
    assert (last.id, last.event, last.params) == (sim.history[-1].id, "KeyPressed", {"key": "%1"})
    await log.unsubscribe(channel)
    for request in (log.pull(channel, 0), log.unsubscribe(channel)):
        with pytest.raises(InvalidRequest):
            await request


@pytest.mark.parametrize("reported", [{}, {"events": "KeyPressed"}, {"events": [None]}])
async def test_unreadable_log_caps_are_an_error(bench: Bench, reported: object) -> None:
    answers(bench, "log/caps", reported)
    with pytest.raises(UnexpectedReply):
        await bench.device().log.caps()
    answers(bench, "log/caps", [])
    assert await bench.device().log.caps() == frozenset()
    answers(bench, "log/caps", {"events": None})
    assert await bench.device().log.caps() == frozenset()


@pytest.mark.parametrize(
    ("record", "decoded"),
    [
        ({"id": "7", "event": "E", "utcTime": "5", "upTime": 6.0, "params": {"a": 1}}, (7, "E", 5, 6, {"a": 1})),
        ({"id": 7, "event": "E"}, (7, "E", 0, 0, {})),
        ({"id": 7, "event": "E", "utcTime": 10**12, "upTime": -5, "params": []}, (7, "E", 2**32 - 1, 0, {})),
        ({"event": "E"}, None),
        ({"id": 7}, None),
        (None, None),
    ],
)
async def test_unusual_event_values_are_decoded(
    bench: Bench, record: object, decoded: tuple[object, ...] | None
) -> None:
    answers(bench, "log/pull", {"events": [record]})
    device = bench.device()
    events = await device.log.pull(1, 0)
    assert [(e.id, e.event, e.utc_time, e.up_time, e.params) for e in events] == ([decoded] if decoded else [])
    assert device.client.skipped["/api/log/pull"] == (decoded is None)


async def test_a_subscription_without_an_id_is_an_error(bench: Bench) -> None:
    answers(bench, "log/subscribe", {})
    with pytest.raises(UnexpectedReply):
        await bench.device().log.subscribe(["KeyPressed"], "new", 90)
