"""Messages, push tokens, and pushes in every form (field notes 5 and 7, seeds)."""

import json
from typing import Any

import pytest

from tests.simulators.smartyard import ELSEWHERE, PHONE, ROOMMATE, Dialect, Form, Hostile

from .conftest import until
from .smartyard_api import DEVICE, PUSH_TOKEN, Catcher, YardApi, YardFactory

JSON_FORMS = [Form.SEED, Form.BARE, Form.DATA, Form.FCM]
BUNDLE = "ha"


async def register(api: YardApi, **more: Any) -> None:
    body = {"pushToken": PUSH_TOKEN, "platform": "android", "pushService": "fcm", "bundle": BUNDLE, **more}
    await api.post("user/registerPushToken", **body)


# ---- Messages ----


async def test_read_messages_and_chats_are_not_counted(yard: YardFactory) -> None:
    api = await yard(seed=None)
    assert await api.post("inbox/unreaded") == {"count": 0, "chat": 0}
    first = api.sim.message("One <b>", "Title")
    api.sim.message("Two")
    api.sim.chat(3)
    assert await api.post("inbox/unreaded") == {"count": 2, "chat": 3}
    await api.post("inbox/readed", messageId=str(first))
    await api.post("inbox/readed", messageId="none")
    assert await api.post("inbox/unreaded") == {"count": 1, "chat": 3}
    await api.post("inbox/chatReaded")
    page = await api.post("inbox/inbox")
    assert "One &lt;b&gt;" in page["code"]
    assert page["basePath"] == f"{api.sim.origin}/static/"
    # To look is to have read.
    assert await api.post("inbox/unreaded") == {"count": 0, "chat": 0}
    api.sim.message("Three")
    await api.post("inbox/readed")
    assert await api.post("inbox/unreaded") == {"count": 0, "chat": 0}
    assert (await api.error("inbox/delivered", messageId="1"))[0] == 405


async def test_the_axios_dialect_marks_messages_as_delivered(yard: YardFactory) -> None:
    api = await yard(dialect=Dialect.AXIOS)
    number = api.sim.message("One")
    await api.post("inbox/delivered", messageId=str(number))
    [message] = api.sim.people.subscribers[PHONE].messages
    assert message.delivered
    assert not message.read
    response, data = await api.raw("POST", "inbox/delivered", json={"messageId": "77"})
    assert (response.status, json.loads(data)) == (404, {"error": "Not Found"})


async def test_an_alert_is_pushed_to_its_sender(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard()
    await register(api)
    api.sim.push_to(catcher.url, Form.FCM, bundle=BUNDLE)
    await api.post("inbox/alert", msg="Test **message**", action="anything")
    await api.sim.wait_for_pushes()
    [content] = catcher.contents
    assert content["token"] == PUSH_TOKEN
    data = content["data"]
    assert (data["action"], data["body"], data["badge"]) == ("anything", "Test **message**", "1")
    assert await api.error("inbox/alert") == (406, "Error", "Message (msg) must not be empty")
    for action in ({}, {"action": ""}):
        assert (await api.error("inbox/alert", msg="unseen", **action))[0] == 406


async def test_disabled_notifications_are_not_pushed(yard: YardFactory, catcher: Catcher) -> None:
    """Each device has its own setting: a forwarding phone still gets all notifications."""
    api = await yard()
    await register(api)
    api.sim.push_to(catcher.url, Form.BARE, bundle=BUNDLE)
    assert await api.post("user/notification") == {"money": "t", "enable": "t"}
    assert await api.post("user/notification", money="f", enable="x") == {"money": "f", "enable": "t"}
    api.sim.text_push("money")
    api.sim.text_push("inbox")
    assert await api.post("user/notification", enable="f") == {"money": "f", "enable": "f"}
    await api.post("inbox/alert", msg="unseen", action="inbox")
    await api.post("user/notification", enable="t", money="t")
    api.sim.text_push("money")
    await api.sim.wait_for_pushes(2)
    assert [content["action"] for content in catcher.contents] == ["inbox", "money"]
    assert int((await api.post("inbox/unreaded"))["count"]) == 1


# ---- Tokens ----


async def test_invalid_push_tokens_are_rejected(yard: YardFactory) -> None:
    api = await yard()
    assert await api.post("user/pushTokens") == {"pushToken": None, "voipToken": None}
    for token in ("", "x" * 15, "x" * 1024):
        assert (await api.error("user/registerPushToken", pushToken=token, platform="android"))[0] == 406
    assert (await api.error("user/registerPushToken", platform="web"))[0] == 406
    assert (await api.error("user/registerPushToken", pushToken=PUSH_TOKEN, platform="web", voipToken="x"))[0] == 406
    for more in ({}, {"platform": "amiga"}, {"platform": "ios", "pushService": "smoke"}):
        assert (await api.error("user/registerPushToken", pushToken=PUSH_TOKEN, **more))[0] == 422
    await register(api)
    assert await api.post("user/pushTokens") == {"pushToken": PUSH_TOKEN, "voipToken": "off"}
    await register(api, pushToken="y" * 1023, platform="ios", pushService="apn", voipToken="v" * 16, production="t")
    assert await api.post("user/pushTokens") == {"pushToken": "y" * 1023, "voipToken": "v" * 16}


async def test_an_error_of_the_push_service_invalidates_the_token(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard()
    await register(api)
    api.sim.push_to(catcher.url, Form.QUERY, bundle=BUNDLE)
    catcher.answer = "ERR:broken"
    api.sim.ring()
    await api.sim.wait_for_pushes()
    assert (await api.post("user/pushTokens"))["pushToken"] == "err"
    api.sim.ring()
    await register(api)
    catcher.answer = "OK"
    last = api.sim.ring()
    await api.sim.wait_for_pushes(2)
    assert [query["hash"] == last for query in catcher.queries] == [False, True]


async def test_events_of_watches_are_pushed_only_without_a_bundle(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard()
    await register(api)
    await api.post("address/trackEvent", flatId=51, eventType=3, eventDetail="0000001A2B3C4D", comments="Ключ")
    api.sim.push_to(catcher.url, Form.QUERY, bundle=BUNDLE)
    api.sim.happen("key")
    api.sim.ring()
    await api.sim.wait_for_pushes()
    assert [query["title"] for query in catcher.queries] == ["Входящий вызов"]


async def test_only_devices_of_the_bundle_get_a_push(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard()
    api.sim.push_to(catcher.url, Form.QUERY, bundle=BUNDLE)
    await register(api, bundle="other")
    api.sim.ring()
    await api.login(device="second-0123456789")
    await register(api)
    api.sim.ring()
    await api.sim.wait_for_pushes()
    assert [query["bundle"] for query in catcher.queries] == [BUNDLE]


async def test_the_server_can_require_an_upgrade(yard: YardFactory) -> None:
    api = await yard()
    body = {"version": "1", "platform": "android"}
    assert await api.post("user/appVersion", token=None, **body) is None
    for what in ("upgrade", "force_upgrade"):
        api.sim.require_version(what)
        assert await api.post("user/appVersion", token=None, **body) == what
    assert (await api.error("user/appVersion"))[0] == 422


# ---- Calls ----


async def ring(api: YardApi, catcher: Catcher, form: Form, platform: str = "android") -> tuple[str, Any]:
    api.sim.push_to(catcher.url, form, platform)
    name = api.sim.ring(21)
    await api.sim.wait_for_pushes()
    return name, catcher


@pytest.mark.parametrize("form", JSON_FORMS)
@pytest.mark.parametrize("dialect", Dialect)
async def test_a_ring_is_pushed_in_each_form(yard: YardFactory, catcher: Catcher, dialect: Dialect, form: Form) -> None:
    api = await yard(dialect=dialect)
    name, _ = await ring(api, catcher, form)
    [content] = catcher.contents
    data = content["data"] if form in (Form.DATA, Form.FCM) else content
    assert {type(value) for value in data.values()} == {str}
    assert (data["callerId"], data["flatId"], data["ttl"]) == ("Подъезд 1", "51", "30")
    assert data["pass"] == name
    assert int(data["timestamp"]) == api.sim.rings.rows[name].moment
    if form is Form.SEED or dialect is Dialect.AXIOS:
        assert "hash" not in data
        pictures = [data["image"], data["live"]]
    else:
        assert data["hash"] == name
        assert "image" not in data
        pictures = [f"{api.sim.url}/call/camshot/{name}", f"{api.sim.url}/call/live/{name}"]
    for picture in pictures:
        assert b'"visitor": true' in await api.get(picture)


async def test_the_axios_dialect_pushes_its_own_fields(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard(dialect=Dialect.AXIOS)
    await ring(api, catcher, Form.BARE)
    [content] = catcher.contents
    assert content["type"] == "call"
    assert content["stun_transport"] == content["stunTransport"] == "udp"
    assert {"webRtcUrl", "noVideoSip", "houseId"} < content.keys()
    api.sim.text_push("eventLog", more={"eventDate": "2026-11-21", "eventLogId": "7"})
    await api.sim.wait_for_pushes(2)
    assert catcher.contents[1]["eventLogId"] == "7"


@pytest.mark.parametrize("form", [Form.QUERY, Form.FORM])
async def test_a_ring_is_pushed_as_a_query_or_a_form(yard: YardFactory, catcher: Catcher, form: Form) -> None:
    api = await yard()
    name, _ = await ring(api, catcher, form)
    if form is Form.QUERY:
        assert (catcher.methods, catcher.bodies) == (["GET"], [b""])
        [query] = catcher.queries
        assert query["callerId"] == "Подъезд 1"
    else:
        assert catcher.types == ["application/x-www-form-urlencoded"]
        query = dict(part.split("=", 1) for part in catcher.bodies[0].decode().split("&"))
    assert (query["hash"], query["type"], query["domophoneId"]) == (name, "0", "21")


async def test_a_ring_is_pushed_repeatedly_to_an_iphone(yard: YardFactory, catcher: Catcher) -> None:
    """It is repeated with the same hash until it is answered; other devices have other extensions."""
    api = await yard(speed=50)
    api.sim.set_push_ttl(3600)
    api.sim.push_to(catcher.url, Form.FCM, "android", ROOMMATE)
    name, _ = await ring(api, catcher, Form.FCM, "ios")
    await api.sim.wait_for_pushes(5)
    api.sim.answer(name)
    sent = [content["data"] for content in catcher.contents]
    assert {data["hash"] for data in sent} == {name}
    assert [data["platform"] for data in sent].count("android") == 1
    assert len({data["extension"] for data in sent}) == 2
    assert {
        str(content.get("notification")) for content in catcher.contents if content["data"]["platform"] == "ios"
    } == {"{'title': 'Входящий вызов', 'body': 'Подъезд 1'}"}
    # Only what was on its way may still come.
    count = len(catcher.bodies)
    # The last timer is that of an unanswered ring.
    await until(lambda: len(api.sim.clock._timers) == 1)
    assert len(catcher.bodies) <= count + 1


async def test_a_ring_is_pushed_only_to_devices_of_the_apartment(yard: YardFactory, catcher: Catcher) -> None:
    """Devices of other apartments and devices with calls turned off get no push."""
    api = await yard()
    await register(api)
    api.sim.push_to(catcher.url, Form.BARE, bundle=BUNDLE)
    api.sim.ring(23, flat=52)
    api.sim.ring(24)
    await api.post("address/intercom", flatId=51, settings={"VoIP": "f"})
    api.sim.ring(21)
    await api.post("address/intercom", flatId=51, settings={"VoIP": "t"})
    api.sim.set_push_ttl(5)
    api.sim.ring(22)
    await api.sim.wait_for_pushes(2)
    assert [(content["domophoneId"], content["ttl"]) for content in catcher.contents] == [("24", "30"), ("22", "5")]


async def test_a_call_of_the_support_is_pushed(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard()
    api.sim.push_to(catcher.url, Form.BARE)
    name = api.sim.support_calls()
    await api.sim.wait_for_pushes()
    [content] = catcher.contents
    assert [content[key] for key in ("callerId", "domophoneId", "flatNumber", "hash")] == ["Support", "-1", "-1", name]


async def test_pictures_of_a_ring_expire(yard: YardFactory) -> None:
    api = await yard()
    name = api.sim.ring()
    api.sim.pass_time(170)
    # A clock that is wrong ends nothing.
    api.sim.advance_clock(3600)
    await api.get(f"{api.sim.url}/call/live/{name}")
    api.sim.pass_time(15)
    for path in ("camshot", "live"):
        for unknown in (name, "f" * 32):
            response, data = await api.raw("GET", f"call/{path}/{unknown}", token="")
            assert response.status == 404
            assert json.loads(data) == {"code": 404, "name": "Not Found", "message": "Not Found"}


async def test_a_push_is_sent_once(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard()
    api.sim.push_to("http://127.0.0.1:1/nobody", Form.BARE)
    api.sim.ring()
    await api.sim.wait_for_pushes()
    assert api.sim.pushes.sent[0].status is None
    api.sim.stop_pushes()
    api.sim.push_to(catcher.url, Form.BARE)
    name = api.sim.ring()
    await api.sim.wait_for_pushes(2)
    api.sim.repeat_push()
    await api.sim.wait_for_pushes(3)
    assert [content["hash"] for content in catcher.contents] == [name, name]
    assert catcher.bodies[0] == catcher.bodies[1]


@pytest.mark.parametrize("kind", Hostile)
async def test_hostile_pushes_do_not_change_the_state(yard: YardFactory, catcher: Catcher, kind: Hostile) -> None:
    api = await yard()
    name, _ = await ring(api, catcher, Form.SEED)
    before = {**api.sim.state(), "pushes": [], "requests": 0}
    [real] = catcher.contents
    api.sim.hostile_push(kind)
    await api.sim.wait_for_pushes(2)
    assert {**api.sim.state(), "pushes": [], "requests": 0} == before
    if kind is Hostile.HUGE:
        assert api.sim.pushes.sent[1].status == 413
        assert len(api.sim.pushes.sent[1].fields["callerId"]) > 2**20
        return
    data = catcher.bodies[1]
    if kind is Hostile.EMPTY:
        assert data == b""
        return
    if kind is Hostile.NOT_JSON:
        with pytest.raises(ValueError):
            json.loads(data)
        return
    content = json.loads(data)
    assert (content == real) is (kind is Hostile.REPLAY)
    assert (content["pass"] == name) is (kind is Hostile.REPLAY)
    foreign = api.sim.elsewhere in str(content)
    assert foreign is (kind in {Hostile.FOREIGN_IMAGE, Hostile.BASE_URL, Hostile.WRONG_TYPES})
    if kind is Hostile.REDIRECTING_IMAGE:
        for picture in (content["image"], f"{api.sim.url}/call/camshot/{content['pass']}"):
            response, _ = await api.raw("GET", picture, token="")
            assert response.status == 302
            assert response.headers["Location"].startswith(api.sim.elsewhere)
            await api.get(response.headers["Location"])
        assert [request.host for request in api.sim.requests].count(ELSEWHERE) == 2
    if kind is Hostile.OLD:
        assert int(content["timestamp"]) < api.sim.clock.utc() - 3000
    if kind is Hostile.FUTURE:
        assert int(content["timestamp"]) > api.sim.clock.utc() + 80000


async def test_the_device_token_is_not_the_push_token(yard: YardFactory) -> None:
    """Neither token is shown in the list of devices."""
    api = await yard()
    await register(api)
    [device] = api.sim.people.devices
    text = f"{device!r} {api.sim.state()}"
    for secret in (DEVICE, PUSH_TOKEN, api.token):
        assert secret not in text
