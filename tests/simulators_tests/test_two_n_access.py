"""Access points, license plates, elevator floors and phones of the 2N simulator (HTTP API 5.15 to 5.18, 5.10.4)."""

from base64 import b64encode
from typing import Any
import uuid

import pytest

from tests.simulators.two_n import Privilege

from .conftest import OK, Api, Factory, failure, until

ALICE = "54877b0e-4cc3-c645-9530-6c7850f47a9c"
JIRI = "8fa29ebc-2fe8-4a8c-9a3b-d8b0351fb6f8"
CLEANER = "621a5a49-1f8b-d34c-9a8b-881055864deb"
UNKNOWN_USER = "09ebfd7d-24e4-4d58-ad02-804ad69938a6"
CARD = "4BD9E903"
WITH_ACCESS = ["verso", "verso3", "access_unit"]


async def configure(api: Api, user: str, **access: Any) -> None:
    await api.directory("PUT", "update", users=[{"uuid": user, "access": access}])


# ---- 5.17.1 and 5.17.2 ----


@pytest.mark.parametrize("model", WITH_ACCESS)
async def test_a_change_of_blocking_is_an_event(device: Factory, model: str) -> None:
    api = await device(model)
    assert await api.result("accesspoint/blocking/status") == {
        "accessPoints": [{"id": 0, "blocked": False}, {"id": 1, "blocked": False}]
    }
    for _ in range(2):
        await api.do("accesspoint/blocking/ctrl", id=0, action="on")
    assert (await api.result("accesspoint/blocking/status", id=0))["accessPoints"] == [{"id": 0, "blocked": True}]
    assert (await api.result("accesspoint/blocking/status", id=1))["accessPoints"] == [{"id": 1, "blocked": False}]
    await api.do("accesspoint/blocking/ctrl", id=0, action="off")
    # "In the desired state regardless of a change": a change alone is an event.
    events = await api.events("AccessBlocked")
    assert [params for _, params in events] == [{"ap": 0, "state": "in"}, {"ap": 0, "state": "out"}]


async def test_invalid_blocking_parameters_are_rejected(api: Api) -> None:
    assert await api.error("accesspoint/blocking/ctrl") == (11, "id")
    assert await api.error("accesspoint/blocking/ctrl", id=0) == (11, "action")
    assert await api.error("accesspoint/blocking/ctrl", id=2, action="on") == (12, "id")
    assert await api.error("accesspoint/blocking/ctrl", id="entry", action="on") == (12, "id")
    assert await api.error("accesspoint/blocking/ctrl", id=0, action="block") == (12, "action")
    assert await api.error("accesspoint/blocking/status", id=2) == (12, "id")


async def test_a_disabled_access_point_rejects_commands(api: Api) -> None:
    """Code 18; reading the status still works."""
    api.sim.disable_access_point(1)
    assert await api.error("accesspoint/blocking/ctrl", id=1, action="on") == (18, None)
    assert await api.error("accesspoint/grantaccess", id=1, user=ALICE) == (18, None)
    assert (await api.result("accesspoint/blocking/status", id=1))["accessPoints"][0]["blocked"] is False
    await api.do("accesspoint/blocking/ctrl", id=0, action="on")
    api.sim.disable_access_point(1, False)
    await api.do("accesspoint/blocking/ctrl", id=1, action="on")


async def test_a_blocked_access_point_rejects(api: Api) -> None:
    """Users, exit button and license plates."""
    await configure(api, ALICE, licensePlates="ABC 123")
    for ap in (0, 1):
        await api.do("accesspoint/blocking/ctrl", id=ap, action="on")
    api.sim.swipe_card(CARD)
    api.sim.rex()
    assert (await recognise(api, "ABC123", 1)) == OK
    events = await api.events("CardEntered", "UserRejected", "RexActivated", "LicensePlateRecognized")
    assert [name for name, _ in events] == [
        "CardEntered", "UserRejected", "RexActivated", "LicensePlateRecognized", "UserRejected",
    ]  # fmt: skip
    assert {params["reason"] for name, params in events if name == "UserRejected"} == {"accessBlocked"}
    assert events[3][1]["valid"] is False
    assert not api.sim.switch_activations
    await api.do("accesspoint/blocking/ctrl", id=0, action="off")
    api.sim.swipe_card(CARD)
    assert [activation.switch for activation in api.sim.switch_activations] == [1]


async def test_a_block_outlives_a_restart(api: Api) -> None:
    await api.do("accesspoint/blocking/ctrl", id=0, action="on")
    await api.sim.reboot(0)
    assert (await api.result("accesspoint/blocking/status", id=0))["accessPoints"][0]["blocked"] is True


# ---- 5.17.3 ----


@pytest.mark.parametrize("model", WITH_ACCESS)
@pytest.mark.parametrize("user", [ALICE, ALICE.upper()])
async def test_access_is_granted(device: Factory, model: str, user: str) -> None:
    api = await device(model)
    assert await api.result("accesspoint/grantaccess", id=0, user=user) == {"accessGranted": True}
    events = await api.events("ApiAccessRequested", "UserAuthenticated", "SwitchStateChanged")
    session = {"ap": 0, "session": 1}
    assert events == [
        ("ApiAccessRequested", {**session, "uuid": ALICE, "valid": True}),
        ("UserAuthenticated", {**session, "name": "Alice Gruberová", "uuid": ALICE, "apbBroken": False}),
        ("SwitchStateChanged", {"switch": 1, "state": True, "originator": "ap", **session}),
    ]


async def test_access_is_not_granted(api: Api) -> None:
    async def reason(user: str, ap: int = 0) -> str:
        result = await api.result("accesspoint/grantaccess", id=ap, user=user)
        assert result.keys() == {"accessGranted", "reason"}
        assert result["accessGranted"] is False
        return str(result["reason"])

    assert await reason(UNKNOWN_USER) == "invalidCredential"
    assert await reason(CLEANER) == "invalidCredential"
    await configure(api, ALICE, accessPoints=[{}, {"enabled": False}])
    assert await reason(ALICE, 1) == "invalidAp"
    await api.do("accesspoint/blocking/ctrl", id=0, action="on")
    assert await reason(ALICE) == "accessBlocked"
    events = await api.events("ApiAccessRequested", "UserRejected")
    assert [params["valid"] for name, params in events if name == "ApiAccessRequested"] == [False] * 4
    assert events[0] == ("ApiAccessRequested", {"ap": 0, "valid": False})
    reasons = [params["reason"] for name, params in events if name == "UserRejected"]
    assert reasons == ["invalidTime", "invalidProfile", "accessBlocked"]
    assert not api.sim.switch_activations


async def test_invalid_grant_parameters_are_rejected(api: Api) -> None:
    assert await api.error("accesspoint/grantaccess") == (11, "id")
    assert await api.error("accesspoint/grantaccess", id=0) == (11, "user")
    assert await api.error("accesspoint/grantaccess", id=7, user=ALICE) == (12, "id")
    assert await api.error("accesspoint/grantaccess", id=0, user="Alice") == (12, "user")
    assert await api.events("ApiAccessRequested") == []


async def test_granting_needs_the_control_privilege(api: Api) -> None:
    """Privileges are checked before parameters."""
    api.sim.revoke("ha", Privilege.ACCESS_CONTROL)
    assert await api.error("accesspoint/grantaccess") == (10, None)
    assert await api.error("accesspoint/blocking/ctrl", id=0, action="on") == (10, None)
    assert (await api.result("accesspoint/blocking/status"))["accessPoints"][0]["blocked"] is False


# ---- Credentials at the door ----


async def test_five_wrong_cards_limit_the_access(api: Api) -> None:
    """AccessLimited: a valid card is rejected for half a minute."""
    for _ in range(5):
        api.sim.swipe_card("FFFFFF")
    assert await api.events("AccessLimited") == [("AccessLimited", {"ap": 0, "type": "card", "state": "in"})]
    api.sim.swipe_card(CARD)
    assert not api.sim.switch_activations
    # The keypad beside it goes on to work, and so does the reader at the exit.
    api.sim.enter_code("1234")
    api.sim.swipe_card(CARD, ap=1)
    assert len(api.sim.switch_activations) == 2
    await until(lambda: api.sim.history[-1].name == "AccessLimited")
    assert api.sim.history[-1].params["state"] == "out"
    api.sim.swipe_card(CARD)
    assert len(api.sim.switch_activations) == 3


async def test_a_right_code_forgives_wrong_ones(api: Api) -> None:
    for _ in range(3):
        for _ in range(4):
            api.sim.enter_code("0000")
        api.sim.enter_code("1234")
    assert await api.events("AccessLimited") == []
    api.sim.limit_failed_access = False
    for _ in range(5):
        api.sim.enter_code("0000")
    assert await api.events("AccessLimited") == []


async def test_a_lockdown_rejects_cards(api: Api) -> None:
    api.sim.lockdown()
    api.sim.swipe_card(CARD)
    api.sim.lockdown(False)
    api.sim.swipe_card(CARD)
    events = await api.events("ApLockStateChanged", "UserRejected", "UserAuthenticated")
    assert [name for name, _ in events] == [
        "ApLockStateChanged", "UserRejected", "ApLockStateChanged", "UserAuthenticated",
    ]  # fmt: skip
    assert events[0][1] == {"ap": 0, "state": "in"}


async def test_the_exit_button_opens_the_door(api: Api) -> None:
    api.sim.rex()
    events = await api.events("RexActivated", "SwitchStateChanged")
    assert events == [
        ("RexActivated", {"ap": 1, "session": 1}),
        ("SwitchStateChanged", {"switch": 1, "state": True, "originator": "rex"}),
    ]


async def test_a_silent_alarm_opens_the_door(api: Api) -> None:
    """The door opens as if nothing had happened."""
    api.sim.silent_alarm("Alice Gruberová")
    events = await api.events("CodeEntered", "SilentAlarm", "UserAuthenticated", "SwitchStateChanged")
    assert [name for name, _ in events] == ["CodeEntered", "SilentAlarm", "UserAuthenticated", "SwitchStateChanged"]
    assert events[0][1]["code"] == "1235"
    assert events[1][1] == {"ap": 0, "session": 1, "name": "Alice Gruberová", "uuid": ALICE}


async def test_a_held_card_is_two_events(api: Api) -> None:
    api.sim.hold_card(CARD)
    events = await api.events("CardEntered", "CardHeld")
    assert [name for name, _ in events] == ["CardEntered", "CardHeld"]
    assert events[1][1] == {
        "ap": 0, "session": 2, "direction": "in", "reader": "internal", "uid": CARD, "valid": True,
    }  # fmt: skip


async def test_fingers_are_accepted_or_rejected(api: Api) -> None:
    api.sim.swipe_finger("Alice Gruberová")
    api.sim.swipe_finger()
    events = await api.events("FingerEntered", "UserAuthenticated", "UserRejected")
    assert events[0] == ("FingerEntered", {"ap": 0, "session": 1, "direction": "in", "uuid": ALICE, "valid": True})
    assert events[1][0] == "UserAuthenticated"
    assert events[2] == ("FingerEntered", {"ap": 0, "session": 2, "direction": "in", "valid": False})
    assert events[3] == ("UserRejected", {"ap": 0, "session": 2, "reason": "invalidCredential"})


async def test_a_paired_phone_opens_the_door(api: Api) -> None:
    authid = "48c48155eed7ea1dbb0b4d534b7459b9"
    await configure(api, ALICE, mobkey=authid.upper())
    api.sim.pair(authid)
    api.sim.pair(authid, "paired")
    api.sim.wave_key()
    api.sim.mobile_key_entered(authid, ap=1)
    events = await api.events("PairingStateChanged", "WaveKeyActivated", "MobKeyEntered", "UserAuthenticated")
    assert events[0] == ("PairingStateChanged", {"state": "pending", "authId": authid.upper()})
    assert events[1][1]["state"] == "paired"
    assert events[2][0] == "WaveKeyActivated"
    assert events[3] == (
        "MobKeyEntered",
        {
            "ap": 1, "session": 1, "direction": "out", "authid": authid, "action": "normal", "uuid": ALICE,
            "valid": True,
        },
    )  # fmt: skip
    assert events[4][0] == "UserAuthenticated"


async def test_time_profiles_limit_the_access(api: Api) -> None:
    """The syntax of 5.14.1."""
    # 2026-11-21 12:00 in Prague is a Saturday.
    api.sim.set_time(1_795_258_800)
    for profile, valid in [
        ("D=6", True),
        ("D=0,1", False),
        ("D=6@11:30-12:30", True),
        ("D=6@12:30-13:30", False),
        ("D=1@0:00-23:59;D=6", True),
        ("P=3", False),
    ]:
        await configure(api, ALICE, accessPoints=[{"profiles": profile}])
        granted = (await api.result("accesspoint/grantaccess", id=0, user=ALICE))["accessGranted"]
        assert granted is valid, profile
    api.sim.profiles.active.add(3)
    assert (await api.result("accesspoint/grantaccess", id=0, user=ALICE))["accessGranted"] is True


# ---- 5.16 ----

JPEG = b"\xff\xd8\xff\xe0" + bytes(5000)


async def recognise(api: Api, plate: str, ap: int = 0, **changes: Any) -> Any:
    body = {"lprUuid": str(uuid.uuid4()), "lprID": 143_289, "accessPoint": ap, "plateText": plate, **changes}
    body = {name: value for name, value in body.items() if value is not None}
    return await api.send("POST", "lpr/licenseplate", json=body)


@pytest.mark.parametrize("model", WITH_ACCESS)
async def test_a_license_plate_opens(device: Factory, model: str) -> None:
    api = await device(model)
    await configure(api, ALICE, licensePlates="1A2 3456, ABC123456")
    assert await recognise(api, "ABC123456", lprDir=2) == OK
    session = {"ap": 0, "session": 1}
    events = await api.events("LicensePlateRecognized", "UserAuthenticated", "SwitchStateChanged")
    assert events[0] == (
        "LicensePlateRecognized",
        {**session, "licensePlate": "ABC123456", "uuid": ALICE, "valid": True},
    )
    assert [name for name, _ in events[1:]] == ["UserAuthenticated", "SwitchStateChanged"]
    assert (api.sim.license_plates.sightings[0].lpr_id, api.sim.license_plates.sightings[0].direction) == (143_289, 2)


async def test_an_unknown_license_plate_is_rejected(api: Api) -> None:
    assert await recognise(api, "XYZ 999", 1) == OK
    events = await api.events("LicensePlateRecognized", "UserRejected")
    assert events[0] == ("LicensePlateRecognized", {"ap": 1, "session": 1, "licensePlate": "XYZ 999", "valid": False})
    assert events[1][1]["reason"] == "invalidCredential"


async def test_repeated_license_plates_are_ignored(api: Api) -> None:
    """The last ten successful requests are held in the memory."""
    first = str(uuid.uuid4())
    assert await recognise(api, "XYZ999", lprUuid=first) == OK
    for _ in range(9):
        assert await recognise(api, "XYZ999") == OK
    assert await recognise(api, "XYZ999", lprUuid=first.upper()) == OK
    assert len(await api.events("LicensePlateRecognized")) == 10
    assert await recognise(api, "XYZ999") == OK
    assert await recognise(api, "XYZ999", lprUuid=first) == OK
    assert len(await api.events("LicensePlateRecognized")) == 12
    # A refused request is not held.
    again = str(uuid.uuid4())
    assert failure(await recognise(api, "XYZ999", 5, lprUuid=again)) == (12, "accessPoint")
    assert await recognise(api, "XYZ999", lprUuid=again) == OK
    assert len(await api.events("LicensePlateRecognized")) == 13


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lprUuid": None}, (11, "lprUuid")),
        ({"lprUuid": "1234"}, (12, "lprUuid")),
        ({"accessPoint": None}, (11, "accessPoint")),
        ({"accessPoint": 2}, (12, "accessPoint")),
        ({"accessPoint": "0"}, (12, "accessPoint")),
        ({"plateText": None}, (11, "plateText")),
        ({"plateText": " "}, (12, "plateText")),
        ({"plateText": "ABCDEFGHIJKLM"}, (12, "plateText")),
        ({"lprID": None}, (11, "lprID")),
        ({"lprID": "one"}, (12, "lprID")),
        ({"lprDir": 4}, (12, "lprDir")),
        ({"plateImage": "no base64!"}, (12, "plateImage")),
        ({"plateImage": b64encode(bytes(256 * 1024 + 1)).decode()}, (13, "plateImage")),
    ],
)
async def test_an_invalid_license_plate_is_rejected(api: Api, changes: dict[str, Any], error: tuple[int, str]) -> None:
    assert failure(await recognise(api, "ABC123", **changes)) == error
    assert await api.events("LicensePlateRecognized") == []


async def test_old_firmware_does_not_need_an_lpr_id(device: Factory) -> None:
    """Mandatory since 2.40."""
    api = await device("verso", firmware="2.38.0.50.1")
    assert await recognise(api, "ABC123", lprID=None) == OK


async def test_the_newest_pictures_of_license_plates_are_stored(api: Api) -> None:
    async def picture(plate: str) -> tuple[str, bytes]:
        async with api.session.get(api.url("lpr/image"), params={"plateText": plate}) as response:
            return response.content_type, await response.read()

    assert await api.error("lpr/image") == (11, "plateText")
    for number in range(6):
        image = b64encode(JPEG + bytes([number])).decode()
        assert await recognise(api, f"CAR{number % 5}", plateImage=image) == OK
    # Two pictures of one plate: the newest is returned. Five are stored.
    assert await picture("CAR0") == ("image/jpeg", JPEG + bytes([5]))
    assert await picture("CAR 1") == ("image/jpeg", JPEG + bytes([1]))
    for number in range(4):
        assert await recognise(api, "OTHER", plateImage=b64encode(JPEG + bytes([number])).decode()) == OK
    assert await api.error("lpr/image", plateText="CAR1") == (15, None)
    assert await recognise(api, "BLANK") == OK
    assert await api.error("lpr/image", plateText="BLANK") == (15, None)
    largest = bytes(256 * 1024)
    assert await recognise(api, "LARGE", plateImage=b64encode(largest).decode()) == OK
    assert await picture("LARGE") == ("image/jpeg", largest)


# ---- 5.18 ----


@pytest.fixture
async def lift(device: Factory) -> Api:
    api = await device("access_unit", speed=20)
    await configure(api, ALICE, liftFloors="F=0,2|F=5@P=7")
    return api


@pytest.mark.parametrize("name", ["uuid", "user"])
async def test_lift_access_opens_the_floors_of_the_user(lift: Api, name: str) -> None:
    """The table has `uuid`, the example `user`."""
    await lift.do("lift/grantaccess", **{name: ALICE}, duration=180)
    event = ("LiftFloorsEnabled", {"type": "user", "floors": [0, 2], "uuid": ALICE})
    assert await lift.events("LiftFloorsEnabled") == [event]
    floors = lift.sim.lift.floors
    assert floors == {0: pytest.approx(180, abs=20), 2: pytest.approx(180, abs=20)}


async def test_the_longer_duration_applies(lift: Api) -> None:
    await lift.do("lift/grantaccess", uuid=ALICE, duration=600)
    await lift.do("lift/grantaccess", uuid=ALICE)
    assert lift.sim.lift.floors[0] > 500
    lift.sim.lift.boot()
    await lift.do("lift/grantaccess", uuid=ALICE, duration=4)
    await lift.do("lift/grantaccess", uuid=ALICE)
    # Switch-On Duration, ten seconds.
    assert lift.sim.lift.floors[0] > 5
    await until(lambda: not lift.sim.lift.floors)


async def test_invalid_lift_parameters_are_rejected(lift: Api) -> None:
    assert await lift.error("lift/grantaccess") == (11, "uuid")
    assert await lift.error("lift/grantaccess", uuid="Alice") == (12, "uuid")
    assert await lift.error("lift/grantaccess", user="") == (12, "user")
    assert await lift.error("lift/grantaccess", uuid=UNKNOWN_USER) == (12, "user")
    for duration in (0, 601, "long"):
        assert await lift.error("lift/grantaccess", uuid=ALICE, duration=duration) == (12, "duration")
    # Who may go nowhere is granted nothing.
    await lift.do("lift/grantaccess", uuid=JIRI)
    assert await lift.events("LiftFloorsEnabled") == []


async def test_a_valid_card_opens_the_floors_of_its_user(lift: Api) -> None:
    """A person with access at the access unit gets their floors."""
    lift.sim.swipe_card(CARD)
    assert list(lift.sim.lift.floors) == [0, 2]


async def test_events_of_the_elevator_are_logged(lift: Api) -> None:
    lift.sim.lift_module(0, True)
    lift.sim.lift_public_floors([1, 4])
    lift.sim.lift_config(11)
    assert await lift.events("LiftStatusChanged", "LiftFloorsEnabled", "LiftConfigChanged") == [
        ("LiftStatusChanged", {"module": 0, "ready": True}),
        ("LiftFloorsEnabled", {"type": "public", "floors": [1, 4]}),
        ("LiftConfigChanged", {"hash": 11}),
    ]


@pytest.mark.parametrize(("model", "code"), [("verso", 1), ("verso3", 1), ("indoor", 1), ("vario", 2)])
async def test_a_model_without_an_elevator_rejects_access(device: Factory, model: str, code: int) -> None:
    assert await (await device(model)).error("lift/grantaccess", uuid=ALICE) == (code, None)


# ---- 5.15 ----


def key(filler: int, size: int = 600) -> str:
    """Make DER that begins like an RSA key."""
    content = bytes([2, 1, 0]) + bytes([filler]) * (size - 3)
    return b64encode(bytes([0x30, 0x82]) + len(content).to_bytes(2) + content).decode()


async def put_keys(api: Api, **body: Any) -> Any:
    return await api.send("PUT", "mobilekey/config", json=body)


async def test_the_mobile_key_settings_can_be_changed(api: Api) -> None:
    config = await api.result("mobilekey/config")
    assert config["location"] == "54-2201-0017"
    assert len(config["keys"]) == 4
    assert config["keys"][0].keys() == {"type", "key", "ctime"}
    assert config["keys"][1:] == [{}, {}, {}]
    newest = {"type": "rsa", "key": key(1), "ctime": 1_608_047_606}
    assert await put_keys(api, location="Home", keys=[newest, config["keys"][0]]) == OK
    assert await api.result("mobilekey/config") == {"location": "Home", "keys": [newest, config["keys"][0], {}, {}]}
    # A shorter array deletes what it does not name; no array leaves them alone.
    assert await put_keys(api, keys=[newest]) == OK
    assert await put_keys(api, location="") == OK
    assert await put_keys(api) == OK
    assert await api.result("mobilekey/config") == {"location": "", "keys": [newest, {}, {}, {}]}
    assert await api.events("ConfigurationChanged") == [("ConfigurationChanged", {})] * 4


async def test_the_time_of_a_mobile_key_is_optional(api: Api) -> None:
    assert await put_keys(api, keys=[{"key": key(1)}, {"key": key(2), "ctime": "yesterday"}]) == OK
    keys = (await api.result("mobilekey/config"))["keys"]
    assert keys == [{"type": "rsa", "key": key(1)}, {"type": "rsa", "key": key(2)}, {}, {}]


@pytest.mark.parametrize(
    "bad", [{"key": "no base64"}, {"key": b64encode(b"no DER").decode()}, {"key": key(1)[:-8]}, {"ctime": 1},
            {"type": "ec", "key": key(1)}, {"key": 5}],
)  # fmt: skip
async def test_an_invalid_key_is_silently_not_written(api: Api, bad: dict[str, Any]) -> None:
    before = (await api.result("mobilekey/config"))["keys"]
    good = {"type": "rsa", "key": key(2)}
    assert await put_keys(api, keys=[bad, good]) == OK
    assert (await api.result("mobilekey/config"))["keys"] == [before[0], good, {}, {}]


async def test_invalid_mobile_key_parameters_are_rejected(api: Api) -> None:
    assert await put_keys(api, location="x" * 127) == OK
    assert failure(await put_keys(api, location="x" * 128)) == (12, "location")
    assert failure(await put_keys(api, location=7)) == (12, "location")
    assert failure(await put_keys(api, keys=[{}] * 5)) == (12, "keys")
    assert failure(await put_keys(api, keys={})) == (12, "keys")
    assert failure(await api.put("mobilekey/config", location="Home")) == (14, None)


async def test_the_compatibility_mode_can_be_changed(api: Api) -> None:
    """Of firmware 2.50."""
    assert await api.result("mobilekey/compatibility") == {"compatibilityMode": False}
    assert await api.send("PUT", "mobilekey/compatibility", json={"compatibilityMode": True}) == OK
    assert await api.result("mobilekey/compatibility") == {"compatibilityMode": True}
    answer = await api.send("PUT", "mobilekey/compatibility", json={})
    assert failure(answer) == (11, "compatibilityMode")
    answer = await api.send("PUT", "mobilekey/compatibility", json={"compatibilityMode": 1})
    assert failure(answer) == (12, "compatibilityMode")


async def test_session_numbers_restart_after_a_reboot(api: Api) -> None:
    api.sim.swipe_card(CARD)
    api.sim.take_access()
    assert (await api.events("AccessTaken"))[0][1] == {"ap": 0, "session": 2}
    await api.sim.reboot(0)
    api.sim.swipe_card(CARD)
    assert (await api.events("CardEntered"))[0][1]["session"] == 1
