"""Logs, errors, and representations of objects contain no credential."""

from collections.abc import Coroutine
from datetime import datetime
import logging
import traceback
from typing import Any

import aiohttp
import pytest

from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.smartyard.client import (
    Camera,
    IntercomChanges,
    LogEvent,
    SmartYard,
    check,
    live_url,
    still,
)
from tests.simulators.smartyard import PHONE, ROOMMATE, Dialect, Simulator

from .conftest import log_in, stranger

DEVICE = "ha-device-token-of-mine"
PUSH_TOKEN = "push-token-of-mine-0123456789"
VOIP_TOKEN = "voip-token-of-mine-0123456789"
QR = "qr-code-of-mine"


class Witness:
    """Collects every text that could be read."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.failures = 0

    async def of(self, asked: Coroutine[Any, Any, Any]) -> Any:
        """Ask for something, which may be refused."""
        try:
            found = await asked
        except IntercomError as err:
            self.failures += 1
            self.seen += ["".join(traceback.format_exception(err)), repr(err), str(vars(err))]
            return None
        self.seen.append(repr(found))
        return found


async def tell_everything(sim: Simulator, yard: SmartYard, session: aiohttp.ClientSession, witness: Witness) -> None:
    """Call every function of the account, with the server in any state."""
    await witness.of(yard.login.request_code(PHONE))
    await witness.of(yard.login.confirm_code(PHONE, "0000", DEVICE))
    await witness.of(yard.login.check_phone(PHONE, DEVICE))
    for path in (yard.address.houses, yard.address.settings, yard.cameras.all, yard.cameras.of_intercoms):
        await witness.of(path())
    await witness.of(yard.address.intercom("51"))
    await witness.of(yard.address.intercom("51", IntercomChanges(cms=True, auto_open=datetime(2026, 11, 22))))
    await witness.of(yard.address.open_door("21"))
    await witness.of(yard.address.give_access("51", ROOMMATE))
    await witness.of(yard.address.register_qr(QR))
    await witness.of(yard.address.track("51", LogEvent.CODE, "40374"))
    await witness.of(yard.address.tracked())
    for day in await witness.of(yard.address.log_days("51")) or ():
        await witness.of(yard.address.log("51", day.day))
    await witness.of(yard.user.register_push(PUSH_TOKEN, "android", "fcm", voip_token=VOIP_TOKEN))
    await witness.of(yard.user.push_tokens())
    await witness.of(yard.sip.credentials())
    await witness.of(yard.images.camshot("hash-of-a-ring"))
    await witness.of(yard.images.live("hash-of-a-ring"))
    await witness.of(yard.images.log_picture("uuid-of-a-picture"))
    await witness.of(yard.images.at(f"{sim.origin}/shot/hash-of-a-ring.jpg"))
    await witness.of(yard.images.at("https://elsewhere.test/shot/hash-of-a-ring.jpg"))


async def read_stream(session: aiohttp.ClientSession, camera: Camera) -> None:
    """Read the stream of a camera, whose address must contain the token."""
    await check(session, await live_url(session, camera))


@pytest.mark.parametrize("dialect", Dialect)
async def test_errors_and_logs_contain_no_secret(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, dialect: Dialect
) -> None:
    caplog.set_level(logging.DEBUG)
    witness = Witness()
    async with Simulator(dialect) as sim:
        for event in ("key", "app", "code", "guest"):
            sim.happen(event, ago=600)
        yard = await log_in(sim, session, device_token=DEVICE)
        witness.seen.append(repr(await stranger(sim, session).login.request_code(PHONE, "outgoingCall")))
        token, pictures = yard.client.token, [record.picture for record in sim.history.records]
        await tell_everything(sim, yard, session, witness)
        cameras = await yard.cameras.all()
        for camera in cameras:
            sim.renew_camera_token(int(camera.id))
            await witness.of(read_stream(session, camera))
            await witness.of(still(session, camera))
        whole = witness.failures
        sim.revoke_tokens()
        await tell_everything(sim, yard, session, witness)
        for status in (402, 403, 404, 406, 422, 429):
            for function in ("user/requestCode", "user/confirmCode", "address/openDoor", "user/registerPushToken"):
                sim.refuse(function, status, None)
            await tell_everything(sim, yard, session, witness)
        sim.break_server()
        await tell_everything(sim, yard, session, witness)
        sim.lose_connection()
        await tell_everything(sim, yard, session, witness)
        witness.seen += [repr(yard), str(vars(yard)), caplog.text]
        assert whole
        assert witness.failures > 100
    secrets = [
        token, DEVICE, PUSH_TOKEN, VOIP_TOKEN, QR, PHONE, PHONE[1:], ROOMMATE, "40374", "0000001A2B3C4D", "00000000C0FFEE",
        "support-secret", "'123'", "hash-of-a-ring", "uuid-of-a-picture", "79161234599", *(camera.token for camera in cameras),
        *(camera.url for camera in cameras), *pictures,
    ]  # fmt: skip
    told = [(secret, text[:500]) for secret in secrets for text in witness.seen if secret in text]
    assert told == []
    assert "address/getAddressList: 200" in caplog.text


async def test_secrets_repeated_by_the_server_are_not_logged(
    session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Error texts of the server may repeat values that the client sent."""
    caplog.set_level(logging.DEBUG)
    async with Simulator() as sim:
        yard = await log_in(sim, session)
        said = f"{PHONE} with {yard.client.token} has no {QR} and no {PUSH_TOKEN}"
        witness = Witness()
        for function in ("address/registerQR", "user/registerPushToken", "user/requestCode", "user/ping"):
            sim.garbage(function, f'{{"code": 403, "message": "{said}"}}', "application/json", status=403)
        await witness.of(yard.address.register_qr(QR))
        await witness.of(yard.user.register_push(PUSH_TOKEN, "android", "fcm"))
        await witness.of(yard.login.request_code(PHONE))
        assert witness.failures == 3
    registered, pushed, requested = ("".join(witness.seen[place : place + 3]) for place in (0, 3, 6))
    assert QR not in registered
    assert PUSH_TOKEN not in pushed
    assert PHONE not in requested
    assert [text for text in witness.seen if yard.client.token in text] == []
