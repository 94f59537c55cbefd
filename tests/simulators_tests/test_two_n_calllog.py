"""The call log and the SIP accounts' settings of the 2N simulator (HTTP API 5.6.2, and 5.6.3 of the later manuals)."""

import json
from typing import Any

import pytest

from tests.simulators.two_n import Account, Privilege, Timing

from .conftest import OK, Api, Factory, failure, until


async def log(api: Api) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = (await api.result("phone/calllog"))["callLog"]
    return records


async def types(api: Api) -> list[str]:
    return [record["callType"] for record in await log(api)]


async def test_the_call_log_is_empty_at_first(api: Api) -> None:
    assert await log(api) == []


async def test_outgoing_calls_are_logged_with_their_names(api: Api) -> None:
    """Regardless of the result; the name is that of the directory."""
    api.sim.set_time(1_825_503_832)
    session = api.sim.press("%1")
    assert session is not None
    api.sim.answer(session)
    api.sim.advance_clock(100)
    api.sim.terminate(session)
    await api.result("call/dial", number="sip:77@pbx.example.com")
    await api.do("call/hangup", session=2)
    second, first = await log(api)
    assert first == {
        "id": 1, "callType": "outgoing", "name": "Alice Gruberová", "date": "2027-11-06T12:23:52Z", "duration": 0,
    }  # fmt: skip
    assert second.keys() == {"id", "callType", "date", "duration"}


async def test_the_call_log_contains_the_duration(device: Factory) -> None:
    api = await device(speed=200)
    session = api.sim.incoming_call("sip:101@192.168.1.20:5060;user=phone")
    await api.do("call/answer", session=session)
    await until(lambda: api.sim.calls[session].connected_at is not None)
    connected = api.sim.calls[session].connected_at
    assert connected is not None
    await until(lambda: api.sim.clock.now() > connected + 15)
    api.sim.terminate(session)
    [record] = await log(api)
    assert record["duration"] >= 15
    assert (record["callType"], record["name"]) == ("incoming", "Alice Gruberová")


async def test_each_incoming_call_is_logged_with_its_type(api: Api) -> None:
    """Connected or declined, missed, completed elsewhere."""
    declined = api.sim.incoming_call()
    await api.do("call/hangup", session=declined, reason="rejected")
    for reason in ("normal", "noanswer", "completedElsewhere"):
        api.sim.terminate(api.sim.incoming_call(), reason)
    assert await types(api) == ["completedElsewhere", "missed", "missed", "incoming"]
    assert all("name" not in record for record in await log(api))


async def test_the_call_log_contains_the_type_of_a_local_device(api: Api) -> None:
    """`devType` names the device; for other devices it is unknown."""
    api.sim.terminate(api.sim.incoming_call("device:Hallway", dev_type="4-13-1-2"))
    api.sim.terminate(api.sim.incoming_call())
    unknown, known = await log(api)
    assert known["devType"] == "4-13-1-2"
    assert "devType" not in unknown


async def test_the_call_log_is_sorted_by_time(api: Api) -> None:
    """Records are sorted by absolute time, even if the clock was set back."""
    for step in (0, -3600, 7200):
        api.sim.advance_clock(step)
        api.sim.terminate(api.sim.incoming_call())
    assert [record["id"] for record in await log(api)] == [3, 1, 2]


async def test_records_of_the_call_log_can_be_deleted(api: Api) -> None:
    for _ in range(3):
        api.sim.terminate(api.sim.incoming_call())
    assert await api.delete("phone/calllog", id=2) == OK
    assert [record["id"] for record in await log(api)] == [3, 1]
    answer = await api.delete("phone/calllog", id=2)
    assert answer["error"] == {"code": 12, "param": "id", "description": "record not found"}
    assert failure(await api.delete("phone/calllog", id="x")) == (12, "id")
    assert failure(await api.delete("phone/calllog", id="")) == (12, "id")
    assert await api.delete("phone/calllog") == OK
    assert await log(api) == []
    api.sim.terminate(api.sim.incoming_call())
    assert [record["id"] for record in await log(api)] == [4]


async def test_records_outlive_a_restart(api: Api) -> None:
    api.sim.terminate(api.sim.incoming_call())
    await api.sim.reboot(0)
    assert await types(api) == ["missed"]


async def test_reading_and_deleting_need_other_privileges(device: Factory) -> None:
    api = await device(accounts=[Account("ha", "ha-pass", Privilege.PHONE_MONITORING)])
    assert await log(api) == []
    assert failure(await api.delete("phone/calllog")) == (10, None)
    api.sim.grant("ha", Privilege.PHONE_CONTROL)
    api.sim.revoke("ha", Privilege.PHONE_MONITORING)
    assert await api.error("phone/calllog") == (10, None)
    assert await api.delete("phone/calllog") == OK


async def test_the_log_came_with_2_36(device: Factory) -> None:
    api = await device("verso", firmware="2.35.0.45.0")
    assert await api.error("phone/calllog") == (2, None)


# ---- phone/config ----


async def configure(api: Api, *accounts: Any) -> Any:
    return await api.put("phone/config", {"blob-json": json.dumps({"accounts": accounts})})


@pytest.mark.parametrize(("model", "accounts"), [("verso", 2), ("indoor", 2), ("verso3", 4)])
async def test_account_settings_contain_no_password(device: Factory, model: str, accounts: int) -> None:
    """captures/phone_config_manual3x.json; a password is never returned."""
    api = await device(model)
    found = (await api.result("phone/config"))["accounts"]
    assert len(found) == accounts
    assert found[-1] == {
        "account": accounts, "enabled": False, "displayName": "", "sipNumber": "", "domain": "", "domainPort": "",
        "authId": "", "proxyAddress": "", "proxyPort": "", "registrationEnabled": False, "registrarAddress": "",
        "registrarPort": "", "answerMode": "1",
    }  # fmt: skip
    assert not any("secret" in str(value) for account in found for value in account.values())
    assert (await api.result("phone/config", account=1))["accounts"] == found[:1]
    assert await api.error("phone/config", account=accounts + 1) == (12, "account")


async def test_account_settings_can_be_changed(device: Factory) -> None:
    api = await device(timing=Timing(register_delay=0.05))
    changes = {"enabled": True, "sipNumber": "5208", "domain": "pbx.example.com", "domainPort": 5062}
    secret = {"registrationEnabled": True, "password": "sip-secret"}
    assert await configure(api, {"account": 2, **changes, **secret}) == OK
    [account] = (await api.result("phone/config", account=2))["accounts"]
    assert account.items() >= changes.items()
    assert "password" not in account
    assert api.sim.sip.all[2].password == "sip-secret"
    assert await api.events("ConfigurationChanged") == [("ConfigurationChanged", {})]
    await until(lambda: api.sim.sip.all[2].registered)
    status = (await api.result("phone/status", account=2))["accounts"][0]
    assert (status["sipNumber"], status["registered"]) == ("5208", True)
    assert await configure(api, {"account": 2, "enabled": False}) == OK
    assert (await api.result("phone/status", account=2))["accounts"][0]["registered"] is False


@pytest.mark.parametrize(
    "account",
    [
        {"account": 1},
        {"enabled": True},
        {"account": 3, "enabled": True},
        {"account": 1, "enabled": 1},
        {"account": 1, "colour": "red"},
        {"account": 1, "domainPort": 70_000},
        "account",
    ],
)
async def test_invalid_account_settings_are_rejected(api: Api, account: Any) -> None:
    """Beside the account's number at least one more is mandatory."""
    before = await api.result("phone/config")
    assert failure(await configure(api, {"account": 2, "sipNumber": "1"}, account)) == (12, "blob-json")
    assert await api.put_error("phone/config", {"blob-json": "{}"}) == (12, "blob-json")
    assert await api.put_error("phone/config") == (11, "blob-json")
    assert await api.result("phone/config") == before
