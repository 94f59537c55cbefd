"""Houses, doors, settings of flats, the log, tracked events (field notes 5)."""

import json
from typing import Any

import pytest

from tests.simulators.smartyard import NEIGHBOUR, ROOMMATE, Form

from .smartyard_api import Catcher, YardApi, YardFactory

BLOCKED = (404, "Not found", "The service is unavailable (the contract is blocked or not paid)")


async def doors(api: YardApi) -> dict[tuple[str, str], dict[str, Any]]:
    houses = await api.post("address/getAddressList")
    return {(str(row["domophoneId"]), str(row["doorId"])): row for house in houses for row in house["doors"]}


async def test_houses_are_returned_with_their_doors(yard: YardFactory) -> None:
    api = await yard(seed=None)
    garden, river = await api.post("address/getAddressList")
    assert (garden["houseId"], garden["hasPlog"], garden["cctv"]) == ("11", "t", 4)
    # The second entrance is that of the neighbour.
    assert [(row["icon"], row["name"]) for row in garden["doors"]] == [
        ("entrance", "Подъезд 1"),
        ("wicket", "Калитка"),
        ("barrier", "Шлагбаум"),
    ]
    assert [row.get("doorCode") for row in garden["doors"]] == ["40374", "40374", None]
    assert [(row["icon"], row.get("entrance")) for row in river["doors"]] == [("entrance", 35), ("gate", None)]
    await api.login(NEIGHBOUR)
    assert ("23", "0") in await doors(api)


async def test_numbers_are_now_text_now_numbers(yard: YardFactory) -> None:
    """The same seed makes the same choice."""

    async def kinds(seed: int | None) -> list[list[type]]:
        api = await yard(seed=seed)
        rows = [[type(row["domophoneId"]) for row in (await doors(api)).values()] for _ in range(4)]
        cameras = await api.post("cctv/all")
        return [*rows, [type(row["id"]) for row in cameras]]

    one, same, other = await kinds(5), await kinds(5), await kinds(6)
    assert one == same
    assert one != other
    assert {kind for row in one for kind in row} == {int, str}
    assert {kind for row in (await kinds(None))[:4] for kind in row} == {str}


async def test_apartment_settings_depend_on_the_resident(yard: YardFactory) -> None:
    api = await yard(seed=None)
    first, second = await api.post("address/getSettingsList")
    assert first["address"] == "г. Примерск, ул. Садовая, д. 3, кв. 7"
    assert (first["flatId"], first["flatNumber"], first["flatOwner"]) == ("51", "7", "t")
    assert first["roommates"] == [{"phone": ROOMMATE, "expire": "3001-01-01 00:00:00", "type": "inner"}]
    assert [key["rfId"] for key in first["keys"]] == ["0000001A2B3C4D", "00000000C0FFEE"]
    assert second["flatId"] == "53"
    await api.login(ROOMMATE)
    [own] = await api.post("address/getSettingsList")
    assert own["flatOwner"] == "f"
    assert "keys" not in own


async def test_intercom_settings_can_be_changed(yard: YardFactory) -> None:
    api = await yard(seed=None)
    before = await api.post("address/intercom", flatId="51")
    assert before == {
        "allowDoorCode": "t",
        "doorCode": "40374",
        "CMS": "t",
        "VoIP": "t",
        "autoOpen": "1970-01-01 03:00:00",
        "whiteRabbit": "0",
        "disablePlog": "f",
        "hiddenPlog": "f",
    }
    changed = await api.post("address/intercom", flatId=51, settings={"CMS": "f", "whiteRabbit": 5})
    assert changed == {**before, "CMS": "f", "whiteRabbit": "5"}
    settings = {"VoIP": "f", "whiteRabbit": "4", "autoOpen": "2026-12-01 10:00:00", "hiddenPlog": "t"}
    changed = await api.post("address/intercom", flatId=51, settings=settings)
    assert changed == {**before, "CMS": "f", "VoIP": "f", "autoOpen": settings["autoOpen"], "hiddenPlog": "t"}
    settings = {"autoOpen": "tomorrow", "VoIP": "t", "hiddenPlog": "f"}
    changed = await api.post("address/intercom", flatId=51, settings=settings)
    assert changed["autoOpen"] == "1970-01-01 03:00:00"


async def test_a_roommate_cannot_change_some_settings(yard: YardFactory) -> None:
    api = await yard()
    await api.post("address/intercom", flatId=51, settings={"hiddenPlog": "t"})
    await api.login(ROOMMATE)
    answer = await api.post("address/intercom", flatId=51, settings={"disablePlog": "t", "hiddenPlog": "f"})
    assert "hiddenPlog" not in answer
    assert (await api.error("address/plog", flatId=51, day="2026-11-20"))[0] == 403
    [house] = await api.post("address/getAddressList")
    assert house["hasPlog"] == "f"


@pytest.mark.parametrize("path", ["intercom", "resetCode", "plogDays", "plog", "trackEvent"])
async def test_apartments_of_others_are_rejected(yard: YardFactory, path: str) -> None:
    api = await yard()
    for number in (52, 99999):
        assert (await api.error(f"address/{path}", flatId=number, day="2026-11-20"))[0] == 404
    for body in ({}, {"flatId": "x"}, {"flatId": None}, {"flatId": [51]}):
        assert (await api.error(f"address/{path}", **body))[0] == 422


async def test_reset_code_sets_a_new_code(yard: YardFactory) -> None:
    api = await yard()
    answer = await api.post("address/resetCode", flatId=51)
    assert isinstance(answer["code"], int)
    assert (await api.post("address/intercom", flatId=51))["doorCode"] == str(answer["code"])


async def test_only_own_working_doors_open(yard: YardFactory) -> None:
    api = await yard()
    assert await api.post("address/openDoor", domophoneId=21, doorId=1) is None
    # Without a number it is the first door.
    await api.post("address/openDoor", domophoneId="22")
    assert api.sim.state()["opened"] == [[21, 1, api.sim.phone], [22, 0, api.sim.phone]]
    for foreign in ({"domophoneId": 23}, {"domophoneId": 21, "doorId": 2}, {"domophoneId": "x"}, {}):
        assert await api.error("address/openDoor", **foreign) == BLOCKED
    api.sim.break_door(22)
    assert await api.error("address/openDoor", domophoneId=22) == (404, "Error", "Intercom is unavailable")
    api.sim.break_door(22, broken=False)
    api.sim.block_door(22)
    assert await api.error("address/openDoor", domophoneId=22) == BLOCKED
    assert (await doors(api))["22", "0"]["blocked"] == "На ремонте"
    api.sim.block_door(22, reason="")
    await api.post("address/openDoor", domophoneId=22)
    assert len(api.sim.state()["opened"]) == 3


async def test_blocked_apartments_cannot_open_doors(yard: YardFactory) -> None:
    api = await yard()
    for block, status in ((api.sim.block_flat, 403), (api.sim.leave_unpaid, 402)):
        block(51)
        assert await api.error("address/openDoor", domophoneId=21) == BLOCKED
        await api.post("address/openDoor", domophoneId=25)
        found = await doors(api)
        # What the operator blocks by hand is in no list.
        assert ("blocked" in found["21", "0"]) is (block == api.sim.leave_unpaid)
        assert "blocked" not in found["25", "0"]
        for path in ("plog", "plogDays"):
            assert (await api.error(f"address/{path}", flatId=51, day="2026-11-20"))[0] == status
        assert {str(row["id"]) for row in await api.post("cctv/all")} == {"44", "46"}
        block(51, False)
        await api.post("address/openDoor", domophoneId=21)


# ---- The log ----


async def log(api: YardApi, flat: int = 51) -> list[dict[str, Any]]:
    days = await api.post("address/plogDays", flatId=flat) or []
    return [row for day in days for row in await api.post("address/plog", flatId=flat, day=day["day"])]


async def test_the_journal_is_written_late(yard: YardFactory) -> None:
    api = await yard()
    await api.post("address/openDoor", domophoneId=21)
    assert await log(api) == []
    assert await api.post("address/plogDays", flatId=51) is None
    api.sim.pass_time(121)
    [row] = await log(api)
    assert (str(row["event"]), row["detailX"], row["mechanizmaDescription"]) == (
        "4",
        {"phone": api.sim.phone},
        "Подъезд 1",
    )
    picture = await api.get(row["preview"])
    assert b'"camera": 41' in picture
    response, _ = await api.raw("GET", f"{row['preview']}0", token="")
    assert response.status == 404


async def test_everything_in_the_log(yard: YardFactory) -> None:
    api = await yard(seed=None)
    for number, event in enumerate(("missed", "answered", "key", "app", "face", "code", "guest", "vehicle")):
        api.sim.happen(event, ago=86400 * 2 + 60 - number)
    api.sim.happen("code", 21, 1, ago=86400 * 40)
    rows = await log(api)
    assert [row["event"] for row in rows] == ["9", "7", "6", "5", "4", "3", "2", "1", "6"]
    assert len({row["uuid"] for row in rows}) == 9
    assert [row["previewType"] for row in rows] == [1, 1, 1, 2, 1, 1, 1, 1, 0]
    assert "preview" not in rows[8]
    assert "cameraId" not in rows[8]
    assert len(await api.post("address/plogDays", flatId=51)) == 2
    [day] = await api.post("address/plogDays", flatId=51, events="1,2")
    assert day["events"] == "8"
    assert await api.post("address/plogDays", flatId=51, events="77") is None
    assert await log(api, 53) == []
    assert (await api.error("address/plog", flatId=51))[0] == 404
    assert await api.post("address/plog", flatId=51, day="2001-01-01") is None


async def test_rings_in_the_log(yard: YardFactory) -> None:
    """The ring is answered, canceled, or times out."""
    api = await yard(speed=100)
    api.sim.set_log_delay(0)
    api.sim.answer(api.sim.ring(22))
    api.sim.walk_away(api.sim.ring(22))
    left = api.sim.ring(21)
    while not api.sim.rings.rows[left].over:
        await api.post("user/ping")
    rows = await log(api)
    assert sorted(str(row["event"]) for row in rows) == ["1", "1", "2"]
    assert sorted(row["detailX"]["opened"] for row in rows) == ["f", "f", "t"]


# ---- Tracked events ----


async def test_a_tracked_event_is_pushed(yard: YardFactory, catcher: Catcher) -> None:
    api = await yard(seed=None)
    api.sim.push_to(catcher.url, Form.FCM)
    body: dict[str, Any] = {"flatId": 51, "eventType": "3", "eventDetail": "0000001A2B3C4D", "comments": "kid"}
    number = (await api.post("address/trackEvent", **body))["watcherId"]
    assert await api.post("address/getTrackedEvents") == [
        {"watcherId": number, "flatId": 51, "eventType": 3, "eventDetail": "0000001A2B3C4D", "comments": "kid"}
    ]
    assert await api.post("address/watching") == await api.post("address/getTrackedEvents")
    api.sim.happen("key", detail={"key": "00000000C0FFEE"})
    api.sim.happen("code", detail={"code": "0000001A2B3C4D"})
    api.sim.happen("key")
    await api.sim.wait_for_pushes()
    [content] = catcher.contents
    assert (content["data"]["action"], content["data"]["body"]) == ("paranoid", "kid")
    assert b'"camera": 41' in await api.get(f"{api.sim.url}/call/camshot/{content['data']['hash']}")
    await api.post("address/untrackEvent", watcherId=number)
    assert await api.post("address/getTrackedEvents") is None
    assert (await api.error("address/untrackEvent"))[0] == 422
    for wrong in ({"eventType": 1}, {"eventDetail": ""}):
        assert (await api.error("address/trackEvent", **{**body, **wrong}))[0] == 422
    # They are those of the device.
    await api.post("address/watch", **body)
    mine = api.token
    await api.login(device="another-0123456789")
    assert await api.post("address/getTrackedEvents") is None
    await api.post("address/untrackEvent", watcherId=number + 1)
    assert len(await api.post("address/watching", token=mine)) == 1


async def test_empty_and_odd_bodies(yard: YardFactory) -> None:
    api = await yard()
    for data in (b"", b"{", b"[1]", b"null", b"\xff"):
        response, answer = await api.raw("POST", "address/getAddressList", data=data)
        assert response.status == 200
        assert len(json.loads(answer)["data"]) == 2
