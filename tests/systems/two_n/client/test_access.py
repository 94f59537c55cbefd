"""Access points, elevator, license plates and Bluetooth keys (HTTP API 5.15 to 5.18)."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
import json

from PIL import Image
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    InvalidRequest,
    NoData,
    NotSupported,
    PermissionDenied,
    Rejected,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.two_n.client.directory import MobileKey, MobileKeyConfig
from custom_components.ip_intercom.systems.two_n.client.doors import Grant
from tests.simulators.two_n import Account, Privilege
from tests.simulators.two_n.mobilekey import FAKE_KEY

from .conftest import Bench, Start

ALICE = "54877B0E-4CC3-C645-9530-6C7850F47A9C"
UNKNOWN_USER = "00000000-0000-0000-0000-000000000001"
EVENTS = ["bc4baad9-d2cd-4706-986f-b942963bfa9f", "0c3f5a64-2f0f-4bb8-8f2b-0d2a2a0b7c11"]
KEY = b64encode(FAKE_KEY).decode()


def answers(bench: Bench, path: str, result: object) -> None:
    bench.sim.garbage(path, json.dumps({"success": True, "result": result}), "application/json")


def recorded(bench: Bench, name: str) -> list[object]:
    return [event.params for event in bench.sim.history if event.name == name]


# -- 5.17 access points ------------------------------------------------------------------------------


async def test_each_model_blocks_access_points_or_rejects_it(any_bench: Bench) -> None:
    access = any_bench.device().access
    if not any_bench.has("accesspoint/blocking/ctrl", 2, 26):
        for request in (access.blocked(), access.block(0, True)):
            with pytest.raises(NotSupported):
                await request
        return
    assert await access.blocked() == {0: False, 1: False}
    await access.block(1, True)
    await access.block(1, True)  # "regardless of a change"
    assert await access.blocked() == {0: False, 1: True}
    await access.block(1, False)
    assert await access.blocked() == {0: False, 1: False}


async def test_access_is_granted_on_every_model(any_bench: Bench) -> None:
    access = any_bench.device().access
    if not any_bench.has("accesspoint/grantaccess", 2, 37):
        with pytest.raises(NotSupported):
            await access.grant(0, ALICE)
        return
    assert await access.grant(0, ALICE) == Grant(granted=True, reason=None)
    assert any_bench.sim.switches[1].active
    assert len(recorded(any_bench, "UserAuthenticated")) == 1
    await access.block(0, True)
    assert await access.grant(0, ALICE) == Grant(granted=False, reason="accessBlocked")
    assert (await access.grant(0, UNKNOWN_USER)).granted is False


async def test_invalid_access_point_requests_are_errors(bench: Bench) -> None:
    access = bench.device().access
    for request in (access.block(2, True), access.grant(7, ALICE)):
        with pytest.raises(InvalidRequest) as refused:
            await request
        assert refused.value.parameter == "id"
    with pytest.raises(InvalidRequest) as refused:
        await access.grant(0, "Alice")
    assert refused.value.parameter == "user"
    bench.sim.disable_access_point(0)
    for request in (access.block(0, True), access.grant(0, ALICE)):
        with pytest.raises(Rejected, match="disabled"):
            await request


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        ({"accessPoints": [{"id": "0", "blocked": 1}, {"id": 1, "blocked": "false"}]}, {0: True, 1: False}),
        ({"accessPoints": [{"id": 0}, {"blocked": True}, {"id": 1, "blocked": True}]}, {1: True}),
        ({"accessPoints": []}, {}),
    ],
)
async def test_unusual_access_point_values_are_decoded(bench: Bench, reported: object, decoded: object) -> None:
    answers(bench, "accesspoint/blocking/status", reported)
    assert await bench.device().access.blocked() == decoded


@pytest.mark.parametrize("reported", [{"accessPoints": [{"id": 0}, {"blocked": True}, None]}, {}])
async def test_an_unreadable_list_of_access_points_is_an_error(bench: Bench, reported: object) -> None:
    answers(bench, "accesspoint/blocking/status", reported)
    with pytest.raises(UnexpectedReply):
        await bench.device().access.blocked()


@pytest.mark.parametrize(
    ("reported", "decoded"),
    [
        ({"accessGranted": True}, Grant(True, None)),
        ({"accessGranted": "false", "reason": "invalidAp"}, Grant(False, "invalidAp")),
        ({}, Grant(True, None)),
    ],
)
async def test_unusual_grant_values_are_decoded(bench: Bench, reported: object, decoded: Grant) -> None:
    answers(bench, "accesspoint/grantaccess", reported)
    assert await bench.device().access.grant(0, ALICE) == decoded


async def test_access_needs_privileges(start: Start) -> None:
    bench = await start("access_unit", accounts=[Account("ha", "ha-pass", Privilege.MONITORING)])
    device = bench.device()
    assert await device.access.blocked()
    for request in (
        device.access.block(0, True),
        device.access.grant(0, ALICE),
        device.lift.grant(ALICE),
        device.lpr.recognize(EVENTS[0], 0, "ABC123"),
    ):
        with pytest.raises(PermissionDenied) as refused:
            await request
        assert refused.value.privilege == "Access Control – Control"
    bench.sim.revoke("ha", Privilege.ACCESS_MONITORING)
    for look in (device.access.blocked, device.mobilekey.config, lambda: device.lpr.image("ABC123")):
        with pytest.raises(PermissionDenied) as refused:
            await look()
        assert refused.value.privilege == "Access Control – Monitoring"


# -- 5.18 elevator ---------------------------------------------------------------------------------------


async def test_each_model_grants_lift_access_or_rejects_it(any_bench: Bench) -> None:
    lift = any_bench.device().lift
    if not any_bench.has("lift/grantaccess", 2, 34):
        with pytest.raises(NotSupported):
            await lift.grant(ALICE)
        return
    await any_bench.device().directory.update([{"uuid": ALICE, "access": {"liftFloors": "F=1,3"}}])
    await lift.grant(ALICE)
    by_default = any_bench.sim.lift.floors
    assert set(by_default) == {1, 3}
    await lift.grant(ALICE, 600)
    assert 590 < any_bench.sim.lift.floors[1] <= 600


async def test_invalid_elevator_access_is_an_error(start: Start) -> None:
    lift = (await start("access_unit")).device().lift
    with pytest.raises(InvalidRequest, match="User not found"):
        await lift.grant(UNKNOWN_USER)
    for seconds in (0, 601):
        with pytest.raises(InvalidRequest) as refused:
            await lift.grant(ALICE, seconds)
        assert refused.value.parameter == "duration"


# -- 5.16 license plates ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    content = BytesIO()
    Image.new("RGB", (64, 32), "white").save(content, "JPEG")
    return content.getvalue()


async def test_each_model_recognizes_license_plates_or_rejects_it(any_bench: Bench, jpeg: bytes) -> None:
    device, sim = any_bench.device(), any_bench.sim
    if not any_bench.has("lpr/licenseplate", 2, 32):
        for request in (device.lpr.recognize(EVENTS[0], 0, "ABC123"), device.lpr.image("ABC123")):
            with pytest.raises(NotSupported):
                await request
        return
    await device.directory.update([{"uuid": ALICE, "access": {"licensePlates": "ABC123"}}])
    with pytest.raises(NoData):
        await device.lpr.image("ABC123")
    await device.lpr.recognize(EVENTS[0], 1, "ABC123", jpeg, 77, 2)
    await device.lpr.recognize(EVENTS[0], 1, "ABC123")  # ignored: known
    seen = sim.license_plates.sightings
    assert [(car.uuid, car.plate, car.ap, car.lpr_id, car.direction) for car in seen] == [
        (EVENTS[0], "ABC123", 1, 77, 2)
    ]
    assert sim.switches[1].active
    assert await device.lpr.image("ABC123") == jpeg


async def test_another_car_gets_another_lpr_id(bench: Bench) -> None:
    """Firmware 2.40 requires an ``lprID``, which is the same for one arrival."""
    lpr = bench.device().lpr
    for event in EVENTS:
        await lpr.recognize(event, 0, "XYZ")
    first, second = (car.lpr_id for car in bench.sim.license_plates.sightings)
    assert first is not None and second is not None
    assert first != second


async def test_an_invalid_license_plate_is_an_error(bench: Bench, jpeg: bytes) -> None:
    lpr = bench.device().lpr
    for request, parameter in (
        (lpr.recognize("no uuid", 0, "ABC123"), "lprUuid"),
        (lpr.recognize(EVENTS[0], 2, "ABC123"), "accessPoint"),
        (lpr.recognize(EVENTS[0], 0, ""), "plateText"),
        (lpr.recognize(EVENTS[0], 0, "A" * 13), "plateText"),
        (lpr.recognize(EVENTS[0], 0, "ABC123", direction=4), "lprDir"),
        (lpr.recognize(EVENTS[0], 0, "ABC123", bytes(256 * 1024 + 1)), "plateImage"),
        (lpr.image(""), None),
    ):
        with pytest.raises((InvalidRequest, NoData)) as refused:
            await request
        assert getattr(refused.value, "parameter", None) == parameter
    assert not bench.sim.license_plates.sightings


@pytest.mark.parametrize(("body", "content_type"), [("<html>", "text/html"), ("GIF89a", "image/gif"), ("", None)])
async def test_an_invalid_plate_image_is_an_error(bench: Bench, body: str, content_type: str | None) -> None:
    bench.sim.garbage("lpr/image", body, content_type)
    with pytest.raises(UnexpectedReply):
        await bench.device().lpr.image("ABC123")


# -- 5.15 keys ---------------------------------------------------------------------------------------


async def test_each_model_stores_mobile_keys_or_rejects_it(any_bench: Bench) -> None:
    keys, sim = any_bench.device().mobilekey, any_bench.sim
    if not any_bench.has("mobilekey/config", 2, 31):
        for request in (keys.config(), keys.set_config("home")):
            with pytest.raises(NotSupported):
                await request
        return
    first = MobileKey("rsa", KEY, 1_608_046_389)
    assert await keys.config() == MobileKeyConfig(sim.model.info["serialNumber"], (first,))
    await keys.set_config("home")
    assert await keys.config() == MobileKeyConfig("home", (first,))
    another = b64encode(FAKE_KEY[:-1] + b"\0").decode()
    second = MobileKey(None, another, None)
    await keys.set_config(keys=[second, first])
    assert await keys.config() == MobileKeyConfig("home", (MobileKey("rsa", another, None), first))
    await keys.set_config(keys=[])
    assert (await keys.config()).keys == ()


@pytest.mark.parametrize(
    ("location", "keys", "parameter"),
    [("x" * 128, None, "location"), (None, [MobileKey("rsa", KEY, None)] * 5, "keys")],
)
async def test_invalid_mobile_key_settings_are_errors(
    bench: Bench, location: str | None, keys: Sequence[MobileKey] | None, parameter: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await bench.device().mobilekey.set_config(location, keys)
    assert refused.value.parameter == parameter
    assert KEY not in f"{refused.value!r} {refused.value}"


async def test_the_repr_of_mobile_keys_hides_them(bench: Bench) -> None:
    config = await bench.device().mobilekey.config()
    assert config.keys[0].key == KEY
    assert KEY[:20] not in repr(config) + str(config)


async def test_each_model_sets_its_compatibility_or_rejects_it(any_bench: Bench) -> None:
    keys = any_bench.device().mobilekey
    if not any_bench.has("mobilekey/compatibility", 2, 50):
        for request in (keys.compatibility(), keys.set_compatibility(True)):
            with pytest.raises(NotSupported):
                await request
        return
    assert await keys.compatibility() is False
    await keys.set_compatibility(True)
    assert await keys.compatibility() is True
