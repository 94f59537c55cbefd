"""The simulator compared with the recordings of the published server: equal requests, responses of equal form."""

import json
from typing import Any

from multidict import CIMultiDict
import pytest

from tests.mx_proxy_recordings import FILES, Recording, read
from tests.simulators.mx_proxy import fixtures

from .conftest import MxFactory
from .mx_proxy_api import MxApi

# Calls and voicemails have other numbers here.
OWN_MAIL = {"117": "89"}
COMPARED = ("Content-Type", "WWW-Authenticate", "Server", "Location", "Transfer-Encoding")


def form(value: Any) -> Any:
    """Return names and types, in their order."""
    if isinstance(value, dict):
        return [(name, form(content)) for name, content in value.items()]
    return [form(content) for content in value] if isinstance(value, list) else type(value)


def move_in(api: MxApi) -> None:
    """Create the accounts of the recordings, one of them with a history."""
    sim = api.sim
    for login in ("dmitrys@example.test", "bad", "unprovisioned"):
        sim.add_user(
            login=login,
            password="78561",
            ext="3095",
            jid="43884851147406145",
            first_name="Dmitry",
            last_name="Sedykh",
            soft_phone_password="x" * 32,
            devices={"sipPhone", "dmitrys"},
            numbers={"79031744445"},
            provisioned=login != "unprovisioned",
            mx_takes_password=login != "bad",
        )
    names = ("jid", "firstName", "lastName", "ext", "homePhone", "cellPhone", "email", "did")
    sim.contacts += [dict.fromkeys(names, "1"), dict.fromkeys((*names[:4], *names[5:7]), "3095")]
    sim.services += [dict.fromkeys(("id", "name", "type", "ext"), "1")] * 2
    sim.login = "dmitrys@example.test"
    log = sim.extensions[sim.login].log
    ended = {"disconnectTimestamp": 1503258153, "callingPartyNo": "1", "originalCalledPartyNo": "2"}
    missed = {"connectTimestamp": 1503223469, **ended, "disconnectTimestamp": 1503223472}
    log.enter(missed=True, direction="incoming", gcid="1", **missed, firstName="A", lastName="B", ext="1")
    log.enter(missed=False, direction="outgoing", gcid="2", **ended)
    first, second = fixtures.mails()
    second.from_name = second.caller_name
    for mail in (first, second):
        sim.extensions[sim.login].mailbox.add(mail)


def prepare(api: MxApi, number: str) -> None:
    """Create the state before a recording."""
    match number:
        case "23" | "47":
            api.sim.incoming_call("3108")
        case "31":
            # The one that was handed over leaves when it likes: a loaded machine may come too late for it.
            for call in tuple(api.sim.extensions[api.sim.login].calls.live):
                api.sim.hang_up(call)
            api.sim.pick_up(api.sim.incoming_call("3108"))
        case "61":
            api.sim.ignore("services")
        case "66":
            api.sim.drop_link()


async def differences(api: MxApi, recording: Recording) -> list[str]:
    """Send the recorded request, and return the differences of the response."""
    call = str(max(api.sim.extensions[api.sim.login].calls.live, default=125))
    known = ("125", "43")
    parts = [OWN_MAIL.get(part, call if part in known else part) for part in recording.path.split("/")]
    body = recording.body.replace(b'"ownerCallId":43', f'"ownerCallId":{call}'.encode())
    given = {**recording.headers, "Accept-Encoding": "identity"}
    if given.get("Authorization", "").startswith("Bearer eyJ"):
        given["Authorization"] = f"Bearer {api.token}"
    response, content = await api.raw(
        recording.method,
        "/".join(parts),
        token="",
        data=body or None,
        headers=given,
        skip_auto_headers=["Content-Type"],
    )
    found = [f"status {response.status}"] if response.status != recording.status else []
    recorded = CIMultiDict(recording.reply_headers)
    ours = response.headers
    found += [f"{name} {ours.get(name)}" for name in COMPARED if ours.get(name) != recorded.get(name)]
    if "json" in recording.reply_headers.get("Content-Type", "") and not found:
        answer, expected = json.loads(content), json.loads(recording.reply)
        same = answer == expected if "error" in expected else form(answer) == form(expected)
        found += [] if same else [f"{answer} is not {expected}"]
        api.token = answer.get("access_token", api.token)
    return found


@pytest.mark.skipif(not FILES, reason="the recordings are not here")
async def test_the_simulator_matches_the_recordings(mx: MxFactory) -> None:
    api = await mx(logged_in=False, apps={"client1": "client-secret"}, empty=True, speed=50)
    move_in(api)
    found = {}
    for file in FILES:
        prepare(api, file.name[:2])
        if problems := await differences(api, read(file)):
            found[file.name] = problems
    assert found == {}
