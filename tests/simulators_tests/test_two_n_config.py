"""Configuration, holidays, time, zone and name of the 2N simulator (HTTP API 5.1 and 5.3)."""

import json
from typing import Any
from xml.parsers import expat

import aiohttp
import pytest

from tests.simulators.two_n import MODELS, Timing

from .conftest import OK, Api, Factory, failure, until


async def download(api: Api) -> str:
    async with api.session.get(api.url("config")) as response:
        assert response.content_type == "application/xml"
        assert "Content-Length" not in response.headers
        return await response.text()


# ---- 5.3.1 ----


@pytest.mark.parametrize("model", MODELS)
async def test_the_configuration_can_be_downloaded(device: Factory, model: str) -> None:
    api = await device(model)
    text = await download(api)
    info = MODELS[model].info
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!--\n    Product name: {info["variant"]}\n'
    assert text.startswith(head)
    assert f"    Software version: {info['swVersion']}\n" in text
    assert '<DeviceDatabase Version="4">' in text
    expat.ParserCreate().Parse(text, True)


async def test_the_file_is_full_of_secrets(api: Api) -> None:
    """Passwords, PINs and switch codes: a stored file contains them all."""
    text = await download(api)
    assert {"ha-pass", "1234", "7755", "sip-Secret-5207"} <= set(api.sim.config_file.secrets)
    assert [secret for secret in api.sim.config_file.secrets if secret not in text] == []


async def test_an_uploaded_configuration_is_applied_later(device: Factory) -> None:
    """It takes effect about 15 seconds later."""
    assert Timing().config_apply == 15
    api = await device(timing=Timing(config_apply=0.2))
    text = (await download(api)).replace("Front Gate", "Garden &amp; Gate")
    assert await api.put("config", {"blob-cfg": text}) == OK
    assert (await api.result("system/info"))["deviceName"] == "Front Gate"
    assert await api.events("ConfigurationChanged") == []
    await until(lambda: api.sim.history[-1].name == "ConfigurationChanged")
    assert (await api.result("system/info"))["deviceName"] == "Garden & Gate"
    assert api.sim.config_file.uploaded == text.encode()


@pytest.mark.parametrize(
    "content", ["", "no xml", "<DeviceDatabase>", "<Other></Other>", "<!DOCTYPE html><html></html>"]
)
async def test_an_invalid_configuration_file_is_rejected(device: Factory, content: str) -> None:
    api = await device(timing=Timing(config_apply=0))
    assert await api.put_error("config", {"blob-cfg": content}) == (12, "blob-cfg")
    assert api.sim.config_file.uploaded is None
    assert await api.put_error("config") == (11, "blob-cfg")
    assert await api.put_error("config", {"blob-cfg": "x" * (8 * 2**20 + 1)}) == (13, "blob-cfg")


# ---- 5.3.2 ----


async def test_a_factory_reset_removes_accounts_and_directory(device: Factory) -> None:
    """About 15 seconds later all accounts are gone, and the directory is empty."""
    assert Timing().factory_reset == 15
    api = await device(timing=Timing(factory_reset=0.1))
    # Not even a service without authentication stays open.
    api.sim.set_auth("system", "none")
    await api.do("config/factoryreset")
    assert len(api.sim.directory) == 3
    await until(lambda: not api.sim.accounts)
    assert len(api.sim.directory) == 0
    async with api.session.get(api.url("system/status")) as response:
        assert response.status == 401
    assert (await api.result("system/info"))["deviceName"] == "2N IP Verso"


# ---- 5.3.3 ----


@pytest.mark.parametrize("path", ["config/holidays", "holidays"])
async def test_holidays_can_be_changed(api: Api, path: str) -> None:
    assert await api.result(path) == {"dates": ["01/01", "24/12", "01/04/2018"]}
    dates = ["29/02", "17/11/2026"]
    # JSON may write a slash with a backslash before it.
    text = json.dumps({"dates": dates}).replace("/", "\\/")
    assert await api.put(path, {"blob-json": text}) == OK
    assert await api.result("holidays") == {"dates": dates}
    assert await api.events("ConfigurationChanged") == [("ConfigurationChanged", {})]
    assert await api.put(path, {"blob-json": '{"dates": []}'}) == OK
    assert await api.result(path) == {"dates": []}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"dates": "01/01"}',
        # What the manual prints is no JSON.
        '{"dates": ["01\\01"]}',
        *(json.dumps({"dates": [text]}) for text in ("1/1", "01.01", "32/01", "31/04", "01/13", "29/02/2026", "01/01/26", 5)),
    ],
)  # fmt: skip
async def test_invalid_holidays_are_rejected(api: Api, content: str) -> None:
    assert await api.put_error("config/holidays", {"blob-json": content}) == (12, "blob-json")
    assert await api.result("holidays") == {"dates": ["01/01", "24/12", "01/04/2018"]}


async def test_holidays_are_accepted_by_multipart_only(api: Api) -> None:
    assert await api.put_error("holidays") == (11, "blob-json")
    assert failure(await api.send("PUT", "holidays", json={"dates": []})) == (11, "blob-json")
    assert failure(await api.send("PUT", "holidays", data={"blob-json": '{"dates": []}'})) == (11, "blob-json")


# ---- 5.1.5 and 5.1.6: time ----


async def test_ntp_overrides_a_time_set_by_hand(device: Factory) -> None:
    """NTP overrides a time that was set by hand."""
    api = await device(timing=Timing(time_from_network=0.2))
    right = await api.result("system/time")
    assert (right["source"], right["automatic"]) == ("ntp", True)
    assert await api.error("system/time/set") == (11, "time")
    for time in ("tomorrow", "-1", "2147483648"):
        assert await api.error("system/time/set", time=time) == (12, "time")
    await api.do("system/time/set", time=1_639_472_172)
    assert await api.result("system/time") == {
        "utcTime": pytest.approx(1_639_472_172, abs=5), "source": "api", "automatic": True,
    }  # fmt: skip
    await until(lambda: api.sim.system.time_source == "ntp")
    assert (await api.result("system/time"))["utcTime"] == pytest.approx(right["utcTime"], abs=5)


async def test_ntp_can_be_turned_off(device: Factory) -> None:
    """Firmware 2.44 can turn NTP off."""
    api = await device(timing=Timing(time_from_network=0.05))
    assert await api.put("system/time", automatic=0, utcTime=1_700_829_813, server="pool.example.org") == OK
    assert await api.result("system/time") == {
        "utcTime": pytest.approx(1_700_829_813, abs=5), "source": "api", "automatic": False,
    }  # fmt: skip
    assert api.sim.system.time_server == "pool.example.org"
    await api.do("system/time/set", time=1_639_472_172)
    await api.sim.reboot(0.1)
    assert (await api.result("system/time"))["utcTime"] == pytest.approx(1_639_472_172, abs=10)
    assert await api.put("system/time", automatic=1) == OK
    clock = await api.result("system/time")
    assert (clock["source"], clock["automatic"]) == ("ntp", True)
    assert clock["utcTime"] > 1_700_829_900


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, (11, "automatic")),
        ({"automatic": "true"}, (12, "automatic")),
        ({"automatic": 2}, (12, "automatic")),
        ({"automatic": 1, "utcTime": 1_700_829_813}, (17, "utcTime")),
        ({"automatic": 1, "server": "pool.example.org"}, (17, "server")),
        ({"automatic": 0, "utcTime": 1_000_000_000}, (12, "utcTime")),
        ({"automatic": 0, "utcTime": 2**31}, (12, "utcTime")),
        ({"automatic": 0, "server": ""}, (12, "server")),
    ],
)
async def test_invalid_time_settings_are_rejected(api: Api, params: dict[str, Any], error: tuple[int, str]) -> None:
    assert await api.put_error("system/time", **params) == error
    assert api.sim.system.automatic_time


async def test_old_firmware_rejects_time_settings(device: Factory) -> None:
    api = await device("verso", firmware="2.43.0.1.1")
    assert await api.put_error("system/time", automatic=1) == (3, None)
    assert await api.error("system/timezone") == (2, None)


# ---- 5.1.6 and 5.1.7 of the later manuals: the zone ----


async def test_the_time_zone_can_be_changed(api: Api) -> None:
    assert await api.result("system/timezone") == {"automatic": True, "zone": "Europe/Prague"}
    zones = (await api.result("system/timezone/caps"))["timezones"]
    assert "America/Los Angeles" in zones
    assert await api.put("system/timezone", automatic=0, zone="America/Los Angeles") == OK
    assert await api.result("system/timezone") == {"automatic": False, "zone": "America/Los Angeles"}
    assert await api.put("system/timezone", automatic=0, zone="custom", custom="UTC+05:45") == OK
    assert await api.result("system/timezone") == {"automatic": False, "zone": "custom", "custom": "UTC+05:45"}
    api.sim.motion()
    assert api.sim.history[-1].tz_shift == 345
    assert await api.put("system/timezone", automatic=1) == OK
    api.sim.motion()
    assert [event.tz_shift for event in api.sim.history if event.name == "MotionDetected"] == [345, 60]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, (11, "automatic")),
        ({"automatic": 0}, (11, "zone")),
        ({"automatic": 0, "zone": "Atlantis"}, (12, "zone")),
        ({"automatic": 0, "zone": "custom"}, (11, "custom")),
        ({"automatic": 0, "zone": "custom", "custom": "+01:00"}, (12, "custom")),
        ({"automatic": 0, "zone": "custom", "custom": "UTC+15:00"}, (12, "custom")),
        ({"automatic": 0, "zone": "UTC", "custom": "UTC+01:00"}, (17, "custom")),
        ({"automatic": 1, "zone": "UTC"}, (17, "zone")),
    ],
)
async def test_invalid_time_zone_settings_are_rejected(
    api: Api, params: dict[str, Any], error: tuple[int, str]
) -> None:
    assert await api.put_error("system/timezone", **params) == error
    assert await api.result("system/timezone") == {"automatic": True, "zone": "Europe/Prague"}


# ---- The name ----


async def test_the_device_name_can_be_changed(api: Api) -> None:
    """Of firmware 2.50; its parameter is a guess."""
    assert await api.result("system/devicename") == {"deviceName": "Front Gate"}
    await api.do("system/devicename", deviceName="Back Gate")
    assert (await api.result("system/info"))["deviceName"] == "Back Gate"
    assert await api.send("POST", "system/devicename", data={"deviceName": "Gate"}) == OK
    assert await api.result("system/devicename") == {"deviceName": "Gate"}
    for name in ("", "x" * 64):
        assert await api.error("system/devicename", deviceName=name) == (12, "deviceName")
    assert MODELS["verso"].info["deviceName"] == "Front Gate"


async def test_a_restart_resets_the_uptime(api: Api) -> None:
    await api.do("system/restart")
    await until(lambda: api.sim.clock.uptime() < 1000)
    await api.sim.wait_until_up()
    assert (await api.result("system/status"))["upTime"] < 1000


async def test_html_can_be_sent_instead_of_the_configuration(api: Api) -> None:
    """captures/errors.json: some firmware shows its login page."""
    api.sim.garbage("config", "html")
    async with aiohttp.request("GET", api.url("config")) as response:
        assert (response.status, response.content_type) == (200, "text/html")
