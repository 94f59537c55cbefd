"""Logins, tokens, and requests without them (field notes 3 and 4)."""

import json
from typing import Any

import pytest

from tests.simulators.smartyard import PHONE, ROOMMATE, Simulator

from .smartyard_api import DEVICE, YardApi, YardFactory

STRANGER = "79169999999"


async def confirm(api: YardApi, code: str, **more: Any) -> tuple[int, str, str]:
    return await api.error("user/confirmCode", token="", userPhone=PHONE, smsCode=code, deviceToken=DEVICE, **more)


def wrong(sim: Simulator) -> str:
    return f"{(int(sim.code_of()) + 1) % 10000:04}"


async def test_a_code_by_sms_logs_in_once(yard: YardFactory) -> None:
    api = await yard(logged_in=False)
    assert await api.post("user/phonePattern") == "7 (###) ###-##-##"
    assert await api.post("user/requestCode", userPhone=PHONE) == {"method": "sms"}
    answer = await api.post("user/confirmCode", userPhone=PHONE, smsCode=api.sim.code_of(), deviceToken=DEVICE)
    assert answer["names"] == {"name": "Анна", "patronymic": "Петровна", "last": "Ключева"}
    api.token = answer["accessToken"]
    assert await api.post("user/ping") is None
    assert await api.post("user/getName") == answer["names"]
    # A code is good once.
    assert (await confirm(api, "0000"))[0] == 404


@pytest.mark.parametrize("method", ["sms", "smsCode", "flashCall"])
async def test_each_login_method_has_a_code_of_four_digits(yard: YardFactory, method: str) -> None:
    api = await yard(logged_in=False)
    api.sim.set_login_method(method)
    assert await api.post("user/requestCode", userPhone=f"8{PHONE[1:]}") == {"method": method}
    assert len(api.sim.code_of()) == 4


async def test_a_call_of_the_user(yard: YardFactory) -> None:
    api = await yard(logged_in=False)
    answer = await api.post("user/requestCode", userPhone=PHONE, method="outgoingCall")
    assert answer == {"method": "outgoingCall", "confirmationNumbers": ["74750000001", "74750000002"]}
    # There is nothing pending that could be asked for too often.
    await api.post("user/requestCode", userPhone=PHONE, method="outgoingCall")
    body: dict[str, Any] = {"userPhone": PHONE, "deviceToken": DEVICE, "platform": 0}
    assert await api.error("user/checkPhone", **body) == (401, "Unauthorized", "Unauthorized")
    api.sim.call_in()
    api.token = (await api.post("user/checkPhone", **body))["accessToken"]
    await api.post("user/ping")
    assert (await api.error("user/checkPhone", **body))[0] == 401
    api.sim.call_in()
    api.sim.pass_time(61)
    assert (await api.error("user/checkPhone", **body))[0] == 401


async def test_an_invalid_phone_number_is_rejected(yard: YardFactory) -> None:
    api = await yard(logged_in=False)
    for phone in ("abc", "", "123", "791612345011", None):
        assert (await api.error("user/requestCode", userPhone=phone))[0] == 422
    assert (await api.error("user/requestCode"))[0] == 422


async def test_a_code_can_be_requested_once_a_minute(yard: YardFactory) -> None:
    api = await yard(logged_in=False)
    await api.post("user/requestCode", userPhone=PHONE)
    assert (await api.error("user/requestCode", userPhone=PHONE))[0] == 429
    await api.post("user/requestCode", userPhone=ROOMMATE)
    api.sim.pass_time(61)
    assert (await confirm(api, "0000"))[0] == 404
    await api.post("user/requestCode", userPhone=PHONE)
    assert (await confirm(api, "12"))[0] == 422


async def test_the_wait_for_a_new_code_follows_the_speed(yard: YardFactory) -> None:
    """The length of a minute is set at the start."""
    api = await yard(logged_in=False, speed=3600)
    await api.post("user/requestCode", userPhone=PHONE)
    while (await api.raw("POST", "user/requestCode", json={"userPhone": PHONE}))[0].status == 429:
        pass
    assert len(api.sim.login.codes) == 1


async def test_the_sixth_wrong_code_ends_the_login(yard: YardFactory) -> None:
    api = await yard(logged_in=False)
    await api.post("user/requestCode", userPhone=PHONE)
    text = "The PIN code was entered incorrectly"
    for _ in range(5):
        assert await confirm(api, wrong(api.sim)) == (403, text, text)
    assert (await confirm(api, wrong(api.sim)))[2] == "Maximum number of login attempts exceeded"
    assert (await confirm(api, "0000"))[0] == 404
    await api.post("user/requestCode", userPhone=PHONE)


async def test_a_new_login_replaces_the_token_of_its_device(yard: YardFactory) -> None:
    """The new token replaces the old one; another device has its own token."""
    api = await yard()
    old = api.token
    other = await api.login(device="phone-0123456789")
    new = await api.login()
    assert old != new
    assert (await api.error("user/ping", token=old))[0] == 401
    for token in (other, new):
        await api.post("user/ping", token=token)
    # The same device of a different user is not the same.
    roommate = await api.login(ROOMMATE)
    for token in (other, new, roommate):
        await api.post("user/ping", token=token)


async def test_a_login_without_a_device_token_replaces_the_last(yard: YardFactory) -> None:
    """Clients with the same description replace each other's token."""
    api = await yard(logged_in=False)
    tokens = [await api.login(device="") for _ in range(2)]
    assert (await api.error("user/ping", token=tokens[0]))[0] == 401
    await api.post("user/ping", token=tokens[1])


async def test_a_login_beyond_the_device_limit_is_rejected(yard: YardFactory) -> None:
    api = await yard()
    api.sim.limit_devices(1)
    await api.login()
    await api.post("user/requestCode", userPhone=PHONE)
    body = {"userPhone": PHONE, "smsCode": api.sim.code_of(), "deviceToken": "another"}
    response, data = await api.raw("POST", "user/confirmCode", json=body)
    assert response.status == 403
    reason = {"error": "The limit of devices is exceeded"}
    assert json.loads(data) == {"code": 403, "name": "Forbidden", "message": "Forbidden", "data": reason}
    await api.post("user/ping")


async def test_an_unknown_phone_number_has_no_apartments(yard: YardFactory) -> None:
    api = await yard(logged_in=False)
    await api.login(STRANGER)
    assert await api.post("user/getName") == {"name": "", "patronymic": "", "last": ""}
    for path in ("address/getAddressList", "address/getSettingsList", "cctv/all", "cctv/allTree", "cctv/camMap"):
        assert await api.post(path) is None
    assert (await api.error("address/intercom", flatId=51))[0] == 404
    api.sim.move_in(STRANGER, 53)
    assert len(await api.post("address/getAddressList")) == 1


async def test_a_revoked_token_is_rejected(yard: YardFactory) -> None:
    api = await yard()
    api.sim.revoke_tokens()
    assert await api.error("user/ping") == (401, "Не авторизован", "Не авторизован")


@pytest.mark.parametrize("language", ["en", "ru", ""])
async def test_errors_of_authorization_are_russian(yard: YardFactory, language: str) -> None:
    api = await yard()
    api.language = language
    cases = {"": (403, "Ошибка авторизации"), "Basic xxx": (422, "Отсутствует токен авторизации")}
    cases |= {"Bearer": cases["Basic xxx"], "Bearer nope": (401, "Не авторизован")}
    for value, (status, text) in cases.items():
        headers = {"Authorization": value} if value else {}
        response, data = await api.raw("POST", "user/ping", token="", json={}, headers=headers)
        assert response.status == status
        assert json.loads(data) == {"code": status, "name": text, "message": text}


async def test_errors_are_in_english_or_russian(yard: YardFactory) -> None:
    api = await yard()
    english = await api.error("address/intercom", flatId=1)
    assert english == (404, "Not Found", "Not Found")
    for language in ("ru", "", "de"):
        api.language = language
        assert await api.error("address/intercom", flatId=1) == (404, "Не найдено", "Не найдено")
