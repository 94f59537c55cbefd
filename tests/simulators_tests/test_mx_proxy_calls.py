"""Calls, the call log, and responses of the MX."""

import asyncio
from typing import Any

import pytest

from .conftest import MxFactory, until
from .mx_proxy_api import MxApi

CALL = {"from": "3107", "to": "3108"}


def numbers(content: Any) -> list[int]:
    return [row["record_id"] for row in content["callLog"] or ()]


# ---- The log ----


async def test_the_call_log_is_returned(mx: MxFactory) -> None:
    api = await mx()
    rows = (await api.get("/calls"))["callLog"]
    assert [row["record_id"] for row in rows] == [1301, 1302, 1303]
    assert [row["missed"] for row in rows] == [True, False, False]
    assert rows[0] == {
        "missed": True,
        "direction": "incoming",
        "record_id": 1301,
        "gcid": "63107-00-0000D-51",
        "connectTimestamp": 1790000100,
        "disconnectTimestamp": 1790000112,
        "callingPartyNo": "3190",
        "originalCalledPartyNo": "3107",
        "firstName": "Front",
        "lastName": "door",
        "ext": "3190",
        "callType": 1,
        "legType": 1,
        "selfLegType": 9,
    }
    assert "connectTimestamp" not in rows[1]
    assert rows[2]["extension"] == "3108"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("", [1301, 1302, 1303]),
        ("0", [1301, 1302, 1303]),
        ("1790000111", [1301, 1302, 1303]),
        ("1790000112", [1302, 1303]),
        ("2026-09-21T14:15:12Z", [1302, 1303]),
        ("2026-09-21T16:15:12%2B02:00", [1302, 1303]),
        ("1790007200", []),
    ],
)
async def test_the_call_log_begins_at_the_given_time(mx: MxFactory, moment: str, expected: list[int]) -> None:
    """Only calls after that time."""
    api = await mx()
    assert numbers(await api.get(f"/calls?timestamp={moment}")) == expected


@pytest.mark.parametrize(
    "moment", ["yesterday", "2026-09-21", "2026-09-21T14:15:12", "2026-09-21T14Z", "2026-02-30T00:00:00Z", "1.5"]
)
async def test_an_invalid_time_is_rejected(mx: MxFactory, moment: str) -> None:
    api = await mx()
    assert await api.error("GET", f"/calls?timestamp={moment}") == (400, "bad timestamp format")


async def test_empty_lists_are_null(mx: MxFactory) -> None:
    api = await mx(empty=True)
    assert await api.get("/calls") == {"callLog": None}
    assert await api.get("/contacts") == {"contacts": None}
    assert await api.get("/services") == {"services": None}
    assert await api.get("/voicemails") == {"voiceMails": None}
    assert await api.get("/conferences") == {"conferences": None}


@pytest.mark.parametrize("blocks", [1, 2])
async def test_a_full_last_block_delays_the_call_log(
    mx: MxFactory, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await mx(empty=True, speed=200)
    api.sim.fill_log(21 * blocks - 1)
    assert len(numbers(await api.get("/calls"))) == 21 * blocks - 1
    api.sim.fill_log(1)
    paused = []
    pause = api.sim.mx.pause

    async def wait() -> None:
        paused.append(True)
        await pause()

    monkeypatch.setattr(api.sim.mx, "pause", wait)
    assert len(numbers(await api.get("/calls"))) == 21 * blocks
    assert paused == [True]


# ---- Address book and services ----


async def test_contacts_and_services_are_returned(mx: MxFactory) -> None:
    api = await mx()
    contacts = (await api.get("/contacts"))["contacts"]
    assert [row["ext"] for row in contacts] == ["3107", "3108", "3190"]
    assert contacts[2] == {"jid": "43884851900319002", "firstName": "Front", "lastName": "door", "ext": "3190"}
    services = (await api.get("/services"))["services"]
    assert services[0] == {"id": "3458764513956071007", "name": "voicemail", "type": "VM", "ext": "*86"}


# ---- Call mode and devices ----


async def test_the_call_mode_can_be_changed(mx: MxFactory) -> None:
    api = await mx()
    mode = {"remote": True, "device": "12025550107", "ringDelay": 1, "vmDelay": 30}
    assert await api.send("PATCH", "/calls", {"remote": True, "device": "12025550107"}) == {"callMode": mode}
    other = {"remote": True, "deviceName": "phone", "ringDelay": 2, "vmDelay": 20}
    assert (await api.send("PATCH", "/calls", other))["callMode"]["device"] == ""
    assert api.sim.state()["modes"]["anna@office.test"]["ringDelay"] == 2


async def test_only_known_devices_can_be_assigned(mx: MxFactory) -> None:
    api = await mx()
    assert await api.send("PATCH", "/calls/doorPhone") is None
    assert api.sim.state()["assigned"]["anna@office.test"] == "doorPhone"
    assert (await api.error("PATCH", "/calls/fax"))[0] == 400
    assert (await api.error("POST", "/calls", {**CALL, "device": "fax"}))[0] == 400
    assert api.sim.state()["calls"]["anna@office.test"] == {}


# ---- Live calls ----


async def test_an_incoming_call_is_returned_as_delivered(mx: MxFactory) -> None:
    api = await mx()
    number = api.sim.incoming_call("3190")
    ringing = await api.call(number)
    stamp = ringing.pop("timestamp")
    assert ringing == {
        "type": "Delivered",
        "callId": number,
        "deviceId": "3107",
        "globalCallId": str(2808630435142300000 + number),
        "callingDevice": "3190",
        "calledDevice": "3107",
        "alertingDevice": "3107",
        "lastRedirectionDevice": "",
        "localConnectionInfo": "alerting",
        "cause": "normal",
        "callTypeFlags": 170917889,
    }
    answer = {"sipAnswer": {"callId": number, "device": "doorPhone", "timeout": 30, "assign": False}}
    assert await api.send("PUT", f"/calls/{number}", {"device": "doorPhone"}) == answer
    talking = await api.call(number)
    assert talking["type"] == "Established"
    assert talking["timestamp"] >= stamp
    assert (talking["callingDisplayName"], talking["answeringDisplayName"]) == ("Front door", "Anna Keller")
    assert talking["cads"][0]["name"] == "__FIRST_CALL_ID__"
    cleared = {
        "type": "",
        "callId": number,
        "deviceId": "3107",
        "releasingDevice": "3107",
        "cause": "normal",
        "timestamp": 0,
    }
    assert await api.send("DELETE", f"/calls/{number}") == {"connectionCleared": cleared}
    assert await api.error("GET", f"/calls/{number}") == (404, "not found")
    assert await api.error("DELETE", f"/calls/{number}") == (500, "invalidCallIdentifier")
    row = (await api.get("/calls"))["callLog"][-1]
    assert (row["missed"], row["direction"], row["ext"], row["selfLegType"]) == (False, "incoming", "3190", 1)
    assert row["gcid"] == talking["cads"][0]["value"]


async def test_a_missed_call_is_in_the_log(mx: MxFactory) -> None:
    api = await mx(empty=True)
    api.sim.hang_up(api.sim.incoming_call("12025550142"))
    [row] = (await api.get("/calls"))["callLog"]
    assert row["missed"]
    assert row["selfLegType"] == 9
    assert "ext" not in row


async def test_an_established_call_can_be_held(mx: MxFactory) -> None:
    api = await mx()
    number = api.sim.incoming_call("3190")
    assert (await api.error("PUT", f"/calls/{number}/hold"))[0] == 500
    api.sim.pick_up(number)
    common = {"type": "", "callId": number, "deviceId": "3107", "releasingDevice": "3107", "cause": "normal"}
    held = {**common, "callTypeFlags": 141565955, "cmdsAllowed": 376, "timestamp": 0}
    assert await api.send("PUT", f"/calls/{number}/hold") == {"held": held}
    assert (await api.error("PUT", f"/calls/{number}/hold"))[0] == 500
    # Call info knows nothing of it.
    assert (await api.call(number))["type"] == "Established"
    retrieved = {**common, "callTypeFlags": 3145728, "timestamp": 0}
    assert await api.send("PUT", f"/calls/{number}/unhold") == {"retrieved": retrieved}
    assert (await api.error("PUT", f"/calls/{number}/unhold"))[0] == 500


async def test_a_call_from_here(mx: MxFactory) -> None:
    """The proxy does not know it until it is answered."""
    api = await mx()
    made = (await api.send("POST", "/calls", {"from": "12025550107", "to": "3108"}))["makeCall"]
    number = made["callId"]
    assert made == {"callId": number, "deviceId": "12025550107", "calledDevice": "3108"}
    assert await api.error("GET", f"/calls/{number}") == (404, "not found")
    api.sim.pick_up(number)
    assert (await api.call(number))["answeringDevice"] == "3108"
    api.sim.hang_up(number)
    assert await api.error("GET", f"/calls/{number}") == (404, "not found")
    row = (await api.get("/calls"))["callLog"][-1]
    assert (row["missed"], row["direction"], row["firstName"]) == (False, "outgoing", "Ben")


@pytest.mark.parametrize("body", [{"from": "1", "to": "2"}, {"from": "3107"}, {}])
async def test_a_call_without_valid_numbers_is_denied(mx: MxFactory, body: dict[str, str]) -> None:
    api = await mx()
    assert await api.error("POST", "/calls", body) == (400, "URM Denied")


async def test_a_transferred_call_ends_for_the_extension(mx: MxFactory) -> None:
    api = await mx(speed=100)
    number = api.sim.incoming_call("3190")
    api.sim.pick_up(number)
    given = {"device": "desk", "to": "3108"}
    assert await api.send("POST", f"/calls/{number}", given) == {"transfer": {"callId": number, **given}}
    await until(lambda: number not in api.sim.extensions[api.sim.login].calls.live)
    assert (await api.error("GET", f"/calls/{number}"))[0] == 404
    assert await api.error("POST", f"/calls/{number}", given) == (500, "invalidCallIdentifier")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("POST", ""),
        ("DELETE", ""),
        ("PUT", "/hold"),
        ("PUT", "/unhold"),
        ("POST", "/conference"),
    ],
)
async def test_an_invalid_call_number_is_rejected(mx: MxFactory, method: str, path: str) -> None:
    api = await mx()
    for text, reason in (("abc", "invalid syntax"), ("9" * 20, "value out of range")):
        expected = (404, f'strconv.ParseInt: parsing "{text}": {reason}')
        assert await api.error(method, f"/calls/{text}{path}", {}) == expected


async def test_commands_for_an_unknown_call_are_rejected(mx: MxFactory) -> None:
    api = await mx()
    for method, path in (("PUT", ""), ("DELETE", ""), ("PUT", "/hold"), ("PUT", "/unhold")):
        assert await api.error(method, f"/calls/9999{path}", {}) == (500, "invalidCallIdentifier")


# ---- What goes wrong on the way to the MX ----


async def hold(api: MxApi) -> tuple[int, str]:
    number = api.sim.incoming_call("3190")
    api.sim.pick_up(number)
    return await api.error("PUT", f"/calls/{number}/hold")


async def test_a_command_without_a_reply_is_a_timeout(mx: MxFactory) -> None:
    api = await mx(speed=100)
    api.sim.ignore("hold")
    assert await hold(api) == (408, "mx response timeout")
    assert set(api.sim.state()["calls"]["anna@office.test"].values()) == {"talking"}


async def test_a_command_with_a_lost_reply_is_executed(mx: MxFactory) -> None:
    """The command was executed."""
    api = await mx(speed=100)
    api.sim.lose_reply("hold")
    assert await hold(api) == (408, "mx response timeout")
    assert set(api.sim.state()["calls"]["anna@office.test"].values()) == {"held"}


async def test_a_command_with_an_empty_reply_is_not_executed(mx: MxFactory) -> None:
    api = await mx()
    api.sim.empty_reply("hold")
    assert await hold(api) == (400, "empty mx response")
    assert set(api.sim.state()["calls"]["anna@office.test"].values()) == {"talking"}


async def test_a_link_lost_during_a_command_is_a_timeout(mx: MxFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    api = await mx(speed=100)
    ask = api.sim.mx.ask

    async def dropped(*args: Any) -> Any:
        asking = asyncio.create_task(ask(*args))
        await asyncio.sleep(0)
        api.sim.drop_link()
        return await asking

    monkeypatch.setattr(api.sim.mx, "ask", dropped)
    assert await api.error("PATCH", "/calls/desk") == (408, "mx response timeout")
    assert api.sim.state()["assigned"]["anna@office.test"] == ""


@pytest.mark.parametrize(
    ("function", "method", "path", "status"),
    [
        ("make_call", "POST", "/calls", 400),
        ("assign", "PATCH", "/calls/desk", 400),
        ("answer", "PUT", "/calls/1", 500),
        ("transfer", "POST", "/calls/1", 500),
        ("clear", "DELETE", "/calls/1", 500),
        ("voicemails", "GET", "/voicemails", 404),
        ("conference_create", "POST", "/conferences", 404),
    ],
)
async def test_the_mx_rejects_each_function_with_its_status(
    mx: MxFactory, function: str, method: str, path: str, status: int
) -> None:
    """The status depends on the function."""
    api = await mx()
    api.sim.refuse(function, "some reason")
    assert await api.error(method, path, CALL) == (status, "some reason")


async def test_parallel_equal_requests_swap_their_replies(mx: MxFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    api = await mx()
    first, second = api.sim.incoming_call("3190"), api.sim.incoming_call("3108")
    for number in (first, second):
        api.sim.pick_up(number)
    # Both are on their way to the MX before it replies.
    both = asyncio.Barrier(2)
    ask = api.sim.mx.ask

    async def together(*args: Any) -> Any:
        await both.wait()
        return await ask(*args)

    monkeypatch.setattr(api.sim.mx, "ask", together)
    results = await asyncio.gather(*(api.send("PUT", f"/calls/{number}/hold") for number in (first, second)))
    assert [result["held"]["callId"] for result in results] == [second, first]
    monkeypatch.undo()
    assert [request.overlapped for request in api.sim.requests[-2:]] == [True, True]
    await api.get("/contacts")
    assert not api.sim.requests[-1].overlapped
