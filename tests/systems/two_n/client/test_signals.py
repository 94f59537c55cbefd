"""Audio test, email, automation, doorbell, and the call log (5.5 to 5.19)."""

from datetime import UTC, datetime
import json

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    ConnectionFailed,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
)
from custom_components.ip_intercom.systems.two_n.client.phone import CallRecord
from tests.common import until
from tests.simulators.two_n import Account, Privilege

from .conftest import Bench, Start

# -- 5.11 audio --------------------------------------------------------------------------------------


async def test_each_model_tests_its_audio_or_rejects_it(start: Start, any_bench: Bench) -> None:
    if not any_bench.has("audio/test", 2, 14):
        with pytest.raises(NotSupported):
            await any_bench.device().audio.test()
        return
    bench = await start(any_bench.sim.model_key, speed=50)
    await bench.device().audio.test()
    await until(lambda: bench.sim.history[-1].name == "AudioLoopTest", "the result")


# -- 5.12 email -------------------------------------------------------------------------------------


async def test_each_model_sends_email_or_rejects_it(any_bench: Bench) -> None:
    email, sim = any_bench.device().email, any_bench.sim
    if not any_bench.has("email/send", 2, 14):
        with pytest.raises(NotSupported):
            await email.send("me@example.com", "Hello")
        return
    await email.send("me@example.com", "Hello")
    size = sim.model.jpeg_sizes[0]
    await email.send("me@example.com", "Zvonění & <b>", "Dobrý den?\r\n#1 100%", 5, 30, size)
    assert [tuple(mail) for mail in sim.email.outbox] == [
        ("me@example.com", "Hello", "", 0, 0, None),
        ("me@example.com", "Zvonění & <b>", "Dobrý den?\r\n#1 100%", 5, 30, size),
    ]


async def test_a_long_email_is_sent_in_the_body(bench: Bench) -> None:
    """Small servers limit the length of a URL and log it."""
    body = "x" * 200_000
    await bench.device().email.send("me@example.com", "Hello", body)
    assert bench.sim.email.outbox[0].body == body
    request = bench.seen()[-1]
    assert (request.method, request.query) == ("POST", {})


async def test_invalid_email_parameters_are_errors(bench: Bench) -> None:
    email = bench.device().email
    for request, parameter in (
        (email.send("me", "Hello"), "to"),
        (email.send("me@example.com", "Hello", pictures=6), "pictureCount"),
        (email.send("me@example.com", "Hello", pictures=1, size=(1, 1)), "width"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await request
        assert refused.value.parameter == parameter


async def test_an_email_is_not_sent_twice(bench: Bench) -> None:
    device = bench.device()
    await device.system.status()
    bench.sim.reset_connections()
    bench.seen()
    with pytest.raises(ConnectionFailed):
        await device.email.send("me@example.com", "Hello")
    assert not bench.sim.email.outbox
    await device.email.send("me@example.com", "Hello")
    assert len(bench.sim.email.outbox) == 1


# -- 5.19 automation ---------------------------------------------------------------------------------


async def test_each_model_runs_triggers_or_rejects_it(any_bench: Bench) -> None:
    automation, sim = any_bench.device().automation, any_bench.sim
    if not any_bench.has("automation/trigger"):
        with pytest.raises(NotSupported):
            await automation.trigger("openGate", {})
        return
    await automation.trigger("openGate", {"who": "postman & son", "triggerId": "nightMode"})
    assert [tuple(one) for one in sim.automation.activations] == [("openGate", {"who": "postman & son"})]
    with pytest.raises(InvalidRequest) as refused:
        await automation.trigger("nothing", {})
    assert refused.value.parameter == "triggerId"


async def test_the_trigger_name_is_sent_in_the_path(start: Start) -> None:
    """2N OS (firmware 3) has the trigger in the path."""
    bench = await start("verso3")
    unknown = '{"success": false, "error": {"code": 2, "description": "invalid request path"}}'
    bench.sim.garbage("automation/trigger", unknown, "application/json")
    names = ["openGate", "večer č. 1", "50%", "a?b#c", "%2e%2e"]
    bench.sim.set_triggers(names)
    automation = bench.device().automation
    for name in names:
        await automation.trigger(name, {"who": "postman & son"})
    assert [tuple(one) for one in bench.sim.automation.activations] == [
        (name, {"who": "postman & son"}) for name in names
    ]
    with pytest.raises(InvalidRequest, match="not found"):
        await automation.trigger("nothing", {})


@pytest.mark.parametrize("name", ["..", ".", "", "../../system/restart", "a/b", "/"])
async def test_a_trigger_name_cannot_change_the_path(start: Start, name: str) -> None:
    bench = await start("verso3")
    unknown = '{"success": false, "error": {"code": 2, "description": "invalid request path"}}'
    bench.sim.garbage("automation/trigger", unknown, "application/json")
    with pytest.raises(InvalidRequest) as refused:
        await bench.device().automation.trigger(name, {})
    assert refused.value.parameter == "triggerId"
    assert {request.path for request in bench.seen()} == {"/api/automation/trigger"}


async def test_a_trigger_without_a_license_is_unsupported(bench: Bench) -> None:
    bench.sim.take_licence("automation")
    with pytest.raises(NotSupported):
        await bench.device().automation.trigger("openGate", {})


# -- io/doorbell -------------------------------------------------------------------------------------


async def test_door_stations_have_no_doorbell_function(any_bench: Bench) -> None:
    with pytest.raises(NotSupported):
        await any_bench.device().io.doorbell()
    assert any_bench.sim.doorbell.rings == 0


async def test_the_doorbell_of_an_answering_unit_rings(start: Start) -> None:
    bench = await start("indoor", firmware="3.3.1.82.4")
    await bench.device().io.doorbell()
    assert bench.sim.doorbell.rings == 1


# -- privileges --------------------------------------------------------------------------------------


async def test_signals_need_privileges(start: Start) -> None:
    bench = await start(accounts=[Account("ha", "ha-pass", Privilege.MONITORING)])
    device = bench.device()
    for request, privilege in (
        (device.audio.test(), "Audio – Control"),
        (device.email.send("me@example.com", "Hello"), "E-Mail – Control"),
        (device.automation.trigger("openGate", {}), "Access to Automation"),
        (device.phone.delete_calls(), "Phone/Calls – Control"),
        (device.phone.set_config(1, {"enabled": True}), "Phone/Calls – Control"),
    ):
        with pytest.raises(PermissionDenied) as refused:
            await request
        assert refused.value.privilege == privilege


# -- 5.6.2 call log, 5.6.3 accounts ------------------------------------------------------------------


async def test_the_call_log_of_every_model(any_bench: Bench) -> None:
    phone, sim = any_bench.device().phone, any_bench.sim
    if not any_bench.has("phone/calllog", 2, 36):
        for request in (phone.call_log(), phone.delete_calls()):
            with pytest.raises(NotSupported):
                await request
        return
    assert await phone.call_log() == ()
    missed = sim.incoming_call("sip:101@192.168.1.20", "2-14-0-0")
    sim.terminate(missed)
    sim.clock.step(60)
    answered = sim.incoming_call()
    sim.answer(answered)
    sim.terminate(answered)
    newest, oldest = await phone.call_log()
    assert (newest.type, newest.duration) == ("incoming", 0)
    assert (oldest.type, oldest.device) == ("missed", "2-14-0-0")
    assert newest.date is not None and newest.date.tzinfo is UTC
    assert abs(newest.date.timestamp() - sim.clock.utc()) <= 2
    await phone.delete_calls(oldest.id)
    assert await phone.call_log() == (newest,)
    with pytest.raises(InvalidRequest, match="record not found"):
        await phone.delete_calls(oldest.id)
    await phone.delete_calls()
    assert await phone.call_log() == ()


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        (
            {"id": 7, "callType": "doorbell button", "date": "2027-11-06T12:23:52Z"},
            CallRecord("7", "doorbell", None, datetime(2027, 11, 6, 12, 23, 52, tzinfo=UTC), None, None),
        ),
        (
            {"id": "a", "callType": "incoming", "name": "Eva", "date": "2027-11-06T12:23:52+02:00", "duration": "15"},
            CallRecord("a", "incoming", "Eva", datetime(2027, 11, 6, 10, 23, 52, tzinfo=UTC), 15, None),
        ),
        (
            {"id": 1, "date": "2027-11-06T12:23:52"},
            CallRecord("1", None, None, datetime(2027, 11, 6, 12, 23, 52, tzinfo=UTC), None, None),
        ),
        ({"id": 1, "date": "yesterday"}, CallRecord("1", None, None, None, None, None)),
        ({"callType": "incoming"}, None),
        (None, None),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
async def test_unusual_call_log_values_are_decoded(
    bench: Bench, reported: object, decoded: CallRecord | None, bare: bool
) -> None:
    answer = [reported] if bare else {"success": True, "result": {"callLog": [reported]}}
    bench.sim.garbage("phone/calllog", json.dumps(answer), "application/json")
    assert await bench.device().phone.call_log() == (() if decoded is None else (decoded,))


async def test_each_model_changes_sip_settings_or_rejects_it(any_bench: Bench) -> None:
    phone, sim = any_bench.device().phone, any_bench.sim
    if not any_bench.has("phone/config", 2, 43):
        for request in (phone.config(), phone.set_config(1, {"sipNumber": "1"})):
            with pytest.raises(NotSupported):
                await request
        return
    settings = await phone.config()
    assert [account["account"] for account in settings] == list(range(1, sim.model.sip_accounts + 1))
    assert "password" not in settings[0]
    await phone.set_config(2, {"sipNumber": "5299", "enabled": True, "password": "s3cret"})
    changed = (await phone.config())[1]
    assert (changed["sipNumber"], changed["enabled"]) == ("5299", True)
    assert sim.sip.all[2].password == "s3cret"
    assert (await phone.config())[0] == settings[0]
    for account, wrong in ((9, {"password": "s3cret"}), (1, {"shoeSize": 44}), (1, {})):
        with pytest.raises(InvalidRequest) as refused:
            await phone.set_config(account, wrong)
        assert refused.value.parameter == "blob-json"
        assert "s3cret" not in repr(refused.value)
