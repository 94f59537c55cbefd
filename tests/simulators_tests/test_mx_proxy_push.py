"""Push tokens, and the pushes."""

from typing import Any

import pytest

from tests.simulators.mx_proxy import Form, Kind

from .conftest import MxFactory
from .mx_proxy_api import Inbox, MxApi

TOKEN = "7C179108B7BF759DED2D9CBED7969DE6"
PATH = f"/tokens/fcm/com.example.ha/{TOKEN}"


async def test_push_tokens_can_be_added_and_removed(mx: MxFactory) -> None:
    api = await mx()
    await api.send("PUT", PATH)
    await api.send("PUT", PATH)
    assert api.sim.state()["tokens"] == {"anna@office.test": [["fcm", "com.example.ha", False, TOKEN]]}
    await api.send("DELETE", PATH)
    assert await api.error("DELETE", PATH) == (404, "not found")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("fcm/com.example.ha/abc", 400, "bad push token"),
        (f"fcm/com.example.ha/{'a' * 19}", 400, "bad push token"),
        (f"fcm/other.app/{TOKEN}", 404, "unsupported FCM application ID"),
        (f"apn/other.topic/{TOKEN}", 404, "unsupported APNS topic ID or sandbox flag"),
        (f"apn/com.example.ha.voip/{TOKEN}?sandbox", 404, "unsupported APNS topic ID or sandbox flag"),
        (f"xyz/a/{TOKEN}", 404, 'unsupported push type "xyz"'),
    ],
)
async def test_an_invalid_push_token_is_rejected(mx: MxFactory, path: str, status: int, text: str) -> None:
    api = await mx()
    assert await api.error("PUT", f"/tokens/{path}") == (status, text)


async def test_push_tokens_need_an_allowed_topic(mx: MxFactory) -> None:
    api = await mx()
    api.sim.allow_topic("com.example.ha.voip", sandbox=True)
    api.sim.allow_app("other.app")
    await api.send("PUT", f"/tokens/apn/com.example.ha.voip/{TOKEN}")
    await api.send("PUT", f"/tokens/apn/com.example.ha.voip/{TOKEN}?sandbox")
    await api.send("PUT", f"/tokens/fcm/other.app/{TOKEN}")
    assert len(api.sim.state()["tokens"]["anna@office.test"]) == 3


async def pushed(api: MxApi, inbox: Inbox, form: Form) -> Any:
    """Let a call ring, and return the pushes."""
    api.sim.push_to(inbox.url, form)
    api.sim.incoming_call("3190")
    await api.sim.wait_for_pushes()
    [body] = inbox.bodies
    return body


async def test_a_bare_push_equals_the_call_info(mx: MxFactory, inbox: Inbox) -> None:
    """The same object as call info has."""
    api = await mx()
    body = await pushed(api, inbox, Form.BARE)
    assert body == await api.call(body["callId"])
    assert inbox.headers[0]["User-Agent"] == "MXProxy/2.1"
    assert inbox.headers[0]["Content-Type"] == "application/json"


async def test_a_google_push_has_its_envelope(mx: MxFactory, inbox: Inbox) -> None:
    api = await mx()
    await api.send("PUT", PATH)
    body = await pushed(api, inbox, Form.FCM)
    assert body.keys() == {"registration_ids", "data", "time_to_live"}
    assert body["registration_ids"][0] == TOKEN
    assert len(body["registration_ids"]) == 2
    assert body["data"]["type"] == "Delivered"


async def test_a_data_push_has_a_data_field(mx: MxFactory, inbox: Inbox) -> None:
    api = await mx()
    body = await pushed(api, inbox, Form.DATA)
    assert list(body) == ["data"]
    assert body["data"]["callTypeFlags"] == 170917889


@pytest.mark.parametrize("form", [Form.TEXT, Form.DATA_TEXT])
async def test_a_text_push_contains_only_texts(mx: MxFactory, inbox: Inbox, form: Form) -> None:
    api = await mx()
    body = await pushed(api, inbox, form)
    content = body["data"] if form is Form.DATA_TEXT else body
    assert content["type"] == "Delivered"
    assert {type(value) for value in content.values()} == {str}
    assert content["callTypeFlags"] == "170917889"
    api.sim.pick_up(int(content["callId"]))
    await api.sim.wait_for_pushes(2)
    content = inbox.bodies[1].get("data", inbox.bodies[1])
    assert content["cads"].startswith('[{"name":"__FIRST_CALL_ID__",')


async def test_each_change_of_a_call_is_pushed(mx: MxFactory, inbox: Inbox) -> None:
    api = await mx()
    api.sim.push_to(inbox.url)
    number = api.sim.incoming_call("3190")
    await api.send("PUT", f"/calls/{number}", {"device": "desk"})
    held = (await api.send("PUT", f"/calls/{number}/hold"))["held"]
    await api.send("PUT", f"/calls/{number}/unhold")
    await api.send("DELETE", f"/calls/{number}")
    made = (await api.send("POST", "/calls", {"from": "3107", "to": "3108"}))["makeCall"]["callId"]
    mail = api.sim.leave_voicemail("3190")
    await api.sim.wait_for_pushes(9)
    kinds = [body["type"] for body in inbox.bodies]
    first = [Kind.DELIVERED, Kind.ESTABLISHED, Kind.HELD, Kind.RETRIEVED, Kind.CLEARED, Kind.ORIGINATED]
    assert kinds == [*first, Kind.DELIVERED, Kind.CLEARED, Kind.MAIL]
    stamp = inbox.bodies[2]["timestamp"]
    assert stamp > 0
    # The reply has neither type nor time, the push has both.
    assert inbox.bodies[2] == {**held, "type": "HeldEvent", "timestamp": stamp}
    assert inbox.bodies[5]["callId"] == made
    assert inbox.bodies[8]["mailId"] == mail
    assert inbox.bodies[8]["ownerId"] == "43884851900310701"


async def test_each_push_service_gets_its_own_push(mx: MxFactory, inbox: Inbox) -> None:
    """One message for all of an FCM application, one more for each at APNs."""
    api = await mx()
    api.sim.push_to(inbox.url)
    await api.send("PUT", PATH)
    await api.send("PUT", f"/tokens/apn/com.example.ha.voip/{TOKEN}")
    api.sim.incoming_call("3190")
    await api.sim.wait_for_pushes(2)
    assert inbox.bodies[0] == inbox.bodies[1]
    api.sim.repeat_push()
    await api.sim.wait_for_pushes(3)
    assert inbox.bodies[2] == inbox.bodies[0]


async def test_no_push_is_sent_without_forwarder_token_or_link(mx: MxFactory, inbox: Inbox) -> None:
    """Calls of other accounts are not pushed either."""
    api = await mx()
    await api.send("PUT", PATH)
    api.sim.incoming_call("3190")
    api.sim.push_to(inbox.url)
    api.sim.drop_link()
    api.sim.incoming_call("3190")
    await api.login()
    api.sim.incoming_call("3190", login="ben@office.test")
    last = api.sim.incoming_call("3108")
    await api.sim.wait_for_pushes()
    assert [body["callId"] for body in inbox.bodies] == [last]


async def test_a_push_is_sent_once(mx: MxFactory, inbox: Inbox) -> None:
    api = await mx()
    api.sim.push_to("http://127.0.0.1:1/nobody")
    number = api.sim.incoming_call("3190")
    await api.sim.wait_for_pushes()
    assert api.sim.pushes.sent[0].status is None
    api.sim.push_to(inbox.url)
    inbox.status = 404
    api.sim.pick_up(number)
    await api.sim.wait_for_pushes(2)
    assert [body["type"] for body in inbox.bodies] == ["Established"]
    assert api.sim.pushes.sent[1].status == 404
