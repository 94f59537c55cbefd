"""Events in each form of a push."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web
import pytest

from custom_components.ip_intercom.systems.mx_proxy.client import Kind
from custom_components.ip_intercom.systems.mx_proxy.client.events import CallEvent, MailEvent, parse
from tests.common import until
from tests.mx_proxy_recordings import PUSHES, pushed
from tests.simulators.mx_proxy import Form, Kind as Sent

from .conftest import Bench

DELIVERED = CallEvent(
    "Delivered", 126, "3095", "2808630435142227620", calling="3044", called="3095", alerting="3095",
    local_connection="alerting", cause="normal", flags=170917889, timestamp=1795222091,
)  # fmt: skip
ESTABLISHED = CallEvent(
    "Established", 126, "3095", "2808630435142227620", "63022-00-0000D-6A4", "3044", "Peter Hyde", "3095",
    answering="3095", answering_name="Dmitry Sedykh", cause="normal", flags=170917889, timestamp=1795222092,
)  # fmt: skip
HELD = CallEvent(
    "HeldEvent", 126, "3095", releasing="3095", cause="normal", flags=141565955, commands=376, timestamp=1795222092
)
ROW = {"type": "Delivered", "callId": 5, "callingDevice": "3190"}
EVENT = CallEvent("Delivered", 5, calling="3190")
MAIL = {
    "type": "MailIncoming",
    "from": "3108",
    "fromName": "Ben Osei",
    "callerName": "",
    "to": "3107",
    "ownerId": "43884851900310701",
    "ownerType": "user",
    "mailId": "96",
    "gcid": "63107-00-0000D-7B",
    "received": 1795222000,
    "duration": 12,
    "note": "urgent",
    "timestamp": 1795222012,
}
LEFT = MailEvent(
    "96", "3108", "Ben Osei", None, "3107", "43884851900310701", "user", "63107-00-0000D-7B", 1795222000, 12, "urgent",
    1795222012,
)  # fmt: skip


def test_the_client_knows_each_kind_of_the_simulator() -> None:
    assert [kind.value for kind in Kind] == [kind.value for kind in Sent]


@pytest.mark.skipif(not PUSHES, reason="the recordings are not here")
@pytest.mark.parametrize(
    ("file", "event"),
    zip(PUSHES, (DELIVERED, ESTABLISHED, HELD), strict=bool(PUSHES)),
    ids=lambda value: getattr(value, "stem", ""),
)
def test_recorded_pushes_are_parsed_in_each_form(file: Path, event: CallEvent) -> None:
    """The proxy sends these to FCM, which converts all values to text."""
    body = pushed(file)
    assert parse(body) == event
    data = json.loads(body)["data"]
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in data.items()}
    for form in (
        data,
        texts,
        {"data": data},
        {"data": texts},
        {"data": json.dumps(data)},
        {"message": {"data": texts}},
    ):
        assert parse(json.dumps(form).encode()) == event


def test_a_voicemail_push_is_parsed() -> None:
    assert parse(json.dumps(MAIL).encode()) == LEFT
    assert parse(json.dumps({name: str(value) for name, value in MAIL.items()}).encode()) == LEFT
    assert parse(json.dumps({**MAIL, "mailId": ""}).encode()) is None


@pytest.mark.parametrize(
    "value",
    [
        json.dumps(ROW),
        json.dumps({**ROW, "callId": "5"}),
        json.dumps({**ROW, "cads": "not JSON", "callTypeFlags": "x", "timestamp": 0, "news": [1]}),
        json.dumps({**ROW, "cads": [{"name": "other", "value": "1"}, 5]}),
        json.dumps({"data": {"data": json.dumps(ROW)}}),
        json.dumps({"type": "notification", "data": ROW}),
        "\ufeff" + json.dumps(ROW),
    ],
)
def test_each_form_of_a_push_is_parsed(value: str) -> None:
    assert parse(value.encode()) == EVENT


def test_an_unknown_event_type_is_passed_on() -> None:
    """The event is passed on if it is about a call."""
    assert parse(b'{"type": "RecordingState", "callId": 5}') == CallEvent("RecordingState", 5)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"null",
        b"5",
        b"[]",
        b"{}",
        b'"text"',
        b'[{"type": "Delivered", "callId": 5}]',
        b'{"type": "Delivered"}',
        b'{"callId": 5}',
        b'{"type": "", "callId": 5}',
        b'{"type": {}, "callId": 5}',
        b'{"type": "Delivered", "callId": "five"}',
        b'{"type": "Delivered", "callId": 1.5}',
        b'{"type": "Delivered", "callId": Infinity}',
        b'{"type": "MailIncoming", "callId": 5}',
        b'{"data": "text"}',
        b'{"data": null}',
        b"\xff\xfe\xfd",
        b"[" * 200_000,
        b'{"type": "Delivered", "callId": ' + b"9" * 10_000 + b"}",
        b'{"data":' * 20 + b'{"type": "Delivered", "callId": 5}' + b"}" * 20,
    ],
)
def test_an_invalid_push_is_no_event(body: bytes) -> None:
    assert parse(body) is None


@pytest.mark.parametrize("form", Form)
async def test_pushes_of_a_server(bench: Bench, form: Form) -> None:
    """A call and a voicemail are pushed by each kind of forwarder."""
    bodies: list[bytes] = []

    async def take(request: web.BaseRequest) -> web.Response:
        bodies.append(await request.read())
        return web.Response()

    runner = web.ServerRunner(web.Server(take), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    sim = bench.sim
    await bench.proxy().session.login()
    sim.push_to(f"http://{host}:{port}/", form)
    call = sim.incoming_call("3108")
    for step in (sim.pick_up, sim.hold, sim.retrieve, sim.hang_up):
        step(call)
    placed = sim.dial("3108")
    sim.leave_voicemail("3108", 7, "Ben")
    await until(lambda: len(bodies) == 9)
    await runner.cleanup()
    events: list[Any] = [parse(body) for body in bodies]
    kinds = ["Delivered", "Established", "HeldEvent", "RetrievedEvent", "ConnectionCleared", "Originated"]
    assert [(event.type, event.call_id) for event in events[:6]] == [
        (kind, placed if kind == "Originated" else call) for kind in kinds
    ]
    assert events[0].calling == "3108"
    assert events[1].gcid is not None
    assert events[2].commands == 376
    [mail] = [event for event in events if isinstance(event, MailEvent)]
    assert (mail.sender, mail.caller_name, mail.duration, mail.owner_type) == ("3108", "Ben", 7, "user")
    assert {event.timestamp is None for event in events} == {False}
