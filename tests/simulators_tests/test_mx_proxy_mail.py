"""Voicemails and conferences."""

from io import BytesIO
import json
import wave

import pytest

from .conftest import MxFactory

OWNER = 43892779647572507
CONFERENCE = {
    "Id": "",
    "ownerId": OWNER,
    "name": "Door meeting",
    "accessId": 47281964,
    "type": "Once",
    "startDate": 1795300000,
    "duration": 30,
    "waitForOwner": False,
    "delOnOwnerLeave": True,
    "ws": "None",
    "wsType": "Undefined",
}


async def test_voicemails_omit_empty_fields(mx: MxFactory) -> None:
    """Empty fields are omitted, `read` too."""
    api = await mx()
    rows = (await api.get("/voicemails"))["voiceMails"]
    assert rows == [
        {
            "from": "3108",
            "fromName": "Ben Osei",
            "to": "3107",
            "ownerType": "user",
            "id": "82",
            "received": 1789990000,
            "duration": 4,
            "read": True,
            "note": "call back",
        },
        {
            "from": "12025550142",
            "callerName": "Parcel service",
            "to": "3107",
            "ownerType": "user",
            "id": "89",
            "received": 1790000400,
            "duration": 2,
        },
    ]


async def test_a_voicemail_file_is_sent_in_chunks(mx: MxFactory) -> None:
    """The file is chunked, without a length."""
    api = await mx()
    response, body = await api.raw("GET", "/voicemails/82")
    assert response.status == 200
    assert response.headers["Content-Type"] == "audio/wave"
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in response.headers
    name = "u00043884851900310701/m0082.wav"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    with wave.open(BytesIO(body)) as sound:
        assert sound.getnframes() / sound.getframerate() == 4


async def test_a_voicemail_can_be_noted_and_marked(mx: MxFactory) -> None:
    api = await mx()
    assert await api.send("PATCH", "/voicemails/89", {"read": True}) == {"vm": {"read": True}}
    assert await api.send("PATCH", "/voicemails/89", {"note": "at the <door>"}) == {"vm": {"note": "at the <door>"}}
    row = (await api.get("/voicemails"))["voiceMails"][1]
    assert (row["read"], row["note"]) == (True, "at the <door>")
    both = {"note": "", "read": False}
    assert await api.send("PATCH", "/voicemails/89", both) == {"vm": both}
    row = (await api.get("/voicemails"))["voiceMails"][1]
    assert row.keys().isdisjoint({"read", "note"})
    assert await api.error("PATCH", "/voicemails/89", {}) == (400, "bad request")
    assert await api.error("PATCH", "/voicemails/89", {"note": None}) == (400, "bad request")


async def test_a_deleted_voicemail_is_not_found(mx: MxFactory) -> None:
    api = await mx()
    await api.send("DELETE", "/voicemails/82")
    assert [row["id"] for row in (await api.get("/voicemails"))["voiceMails"]] == ["89"]
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"read": True})):
        assert await api.error(method, "/voicemails/82", body) == (404, "not found")


async def test_a_new_voicemail_is_in_the_call_log(mx: MxFactory) -> None:
    """The log has the missed call and the voicemail, with one gcid."""
    api = await mx()
    api.sim.clear_everything()
    number = api.sim.leave_voicemail("3190", 2)
    [row] = (await api.get("/voicemails"))["voiceMails"]
    assert (row["id"], row["from"], row["to"], row["duration"]) == (number, "3190", "3107", 2)
    assert "read" not in row
    missed, left = (await api.get("/calls"))["callLog"]
    assert missed["missed"]
    assert not left["missed"]
    assert left["originalCalledPartyNo"] == "voicemail.3107"
    assert left["selfLegType"] == 3
    assert missed["gcid"] == left["gcid"]


# ---- Conferences ----


async def test_conference_info_has_its_fields(mx: MxFactory) -> None:
    api = await mx()
    assert (await api.get("/conferences/info"))["conferences"].keys() == {"ext", "did", "subject", "body", "meeting"}


async def test_a_conference_can_be_created_and_changed(mx: MxFactory) -> None:
    api = await mx()
    created = {**CONFERENCE, "Id": "1"}
    assert await api.send("POST", "/conferences", CONFERENCE) == {"conference": created}
    _, body = await api.raw("GET", "/conferences")
    # Beyond what a double holds, to the last digit.
    assert f'"ownerId": {OWNER},'.encode() in body
    assert json.loads(body) == {"conferences": [created]}
    changed = {"name": "Later", "accessId": 5, "startDate": 1795303600, "duration": 45}
    updated = (await api.send("PUT", "/conferences/1", changed))["conference"]
    # Who does not say whose it is becomes its owner; what is not given is not kept.
    assert updated == {
        **changed,
        "Id": "1",
        "ownerId": 43884851900310701,
        "type": "",
        "waitForOwner": False,
        "delOnOwnerLeave": False,
        "ws": "",
        "wsType": "",
    }
    await api.send("POST", "/conferences/1", {"accessId": 5})
    assert await api.error("POST", "/conferences/1", {"accessId": 6}) == (404, "URM Denied")
    await api.send("DELETE", "/conferences/1")
    assert await api.get("/conferences") == {"conferences": None}


@pytest.mark.parametrize(("method", "body"), [("PUT", CONFERENCE), ("POST", {"accessId": 1}), ("DELETE", None)])
async def test_an_unknown_conference_is_not_found(mx: MxFactory, method: str, body: object) -> None:
    api = await mx()
    assert (await api.error(method, "/conferences/9", body))[0] == 404


async def test_a_wrong_type_is_rejected(mx: MxFactory) -> None:
    api = await mx()
    body = {**CONFERENCE, "ownerId": str(OWNER)}
    text = "json: cannot unmarshal string into Go struct field .ownerId of type int64"
    assert await api.error("POST", "/conferences", body) == (500, text)


async def test_a_conference_from_calls(mx: MxFactory) -> None:
    api = await mx()
    first, second = api.sim.incoming_call("3190"), api.sim.incoming_call("3108")
    await api.send("POST", f"/calls/{first}/conference", {"ownerCallId": second})
    assert await api.error("POST", f"/calls/{first}/conference", {"ownerCallId": 9999}) == (
        404,
        "invalidCallIdentifier",
    )
    assert (await api.error("POST", "/calls/9999/conference", {"ownerCallId": first}))[0] == 404
