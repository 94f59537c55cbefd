"""Values of the configuration: read, guarded, set and read back."""

import logging

import probatio as vol
import pytest

from tests.simulators.akuvox.config_keys import APIFCGI, LOCATION, PASSWORD, RELAY
from tests.simulators.akuvox.envelope import Reply

from .conftest import Add, Intercom

HOLD_DELAY = f"{RELAY}HoldDelayA"
CLOUD = "Config.DoorSetting.CLOUDSERVER"


async def test_values_by_name_and_by_section(intercom: Intercom) -> None:
    answer = await intercom.do("get_config", keys=[HOLD_DELAY, "Config.Nothing"])
    assert answer == {"values": {HOLD_DELAY: "5"}, "hidden": []}
    answer = await intercom.do("get_config", sections=[CLOUD])
    assert answer["values"][f"{CLOUD}.RpsEnable"] == "1"
    assert all(key.startswith(f"{CLOUD}.") for key in answer["values"])
    both = await intercom.do("get_config", keys=[HOLD_DELAY], sections=[f"{CLOUD}."])
    assert both["values"] == {**answer["values"], HOLD_DELAY: "5"}
    everything = await intercom.do("get_config")
    assert {*everything["values"], *everything["hidden"]} == intercom.sim.config.values.keys()


async def test_secrets_are_returned_only_if_requested_by_name(intercom: Intercom) -> None:
    intercom.sim.configure("Config.Account1.GENERAL.Pwd", "sip-secret-99")
    intercom.sim.configure("Config.Features.ACTIONURL.RelayATriggered", "http://192.168.1.2/hook-token-77")
    everything = await intercom.do("get_config")
    told = str(everything["values"].values())
    for secret in ("sip-secret-99", "hook-token-77", "httpapi", "33333333"):
        assert secret not in told
    assert {
        "Config.Account1.GENERAL.Pwd",
        "Config.Features.ACTIONURL.RelayATriggered",
        f"{APIFCGI}Password",
        f"{PASSWORD}PublicKey1",
        f"{CLOUD}.Token",
        f"{CLOUD}.UploadPassword",
        "Config.DoorSetting.DTMF.MultiCode1",
        f"{RELAY}Password",
    } <= set(everything["hidden"])
    assert not {f"{RELAY}NameA", f"{APIFCGI}UserName", f"{PASSWORD}PublicKeyEnable"} & set(everything["hidden"])
    named = await intercom.do("get_config", keys=[f"{PASSWORD}PublicKey1"])
    assert named == {"values": {f"{PASSWORD}PublicKey1": "33333333"}, "hidden": []}


@pytest.mark.parametrize("dialect", ["a_series", "e16c", "r29"])
async def test_values_are_set_and_read_back(add: Add, dialect: str) -> None:
    """An E16C accepts one value for each request, by GET."""
    intercom = await add(dialect)
    volume = "Config.Settings.HANDFREE.MicVol"
    answer = await intercom.do("set_config", values={volume: 5, LOCATION: "Gate"})
    assert answer == {"values": {volume: "5", LOCATION: "Gate"}, "hidden": []}
    assert (intercom.sim.config[volume], intercom.sim.config[LOCATION]) == ("5", "Gate")


async def test_setting_an_unknown_key_is_an_error(intercom: Intercom) -> None:
    assert await intercom.refuses("set_config", values={"Config.Nothing": "1", HOLD_DELAY: "9"}) == "config_unknown"
    assert intercom.sim.config[HOLD_DELAY] == "5"


async def test_set_config_with_an_invalid_value_is_an_error(intercom: Intercom) -> None:
    assert await intercom.refuses("set_config", values={HOLD_DELAY: "61"}) == "invalid_request"


async def test_a_value_that_the_device_ignores_is_an_error(intercom: Intercom) -> None:
    intercom.sim.handlers["config/set"] = lambda _: Reply()
    assert await intercom.refuses("set_config", values={HOLD_DELAY: "9"}) == "config_not_taken"


async def test_action_urls_of_home_assistant_cannot_be_set(intercom: Intercom) -> None:
    key = "Config.Features.ACTIONURL.RelayATriggered"
    assert await intercom.refuses("set_config", values={key: "http://192.168.1.2/"}) == "config_owned"
    assert intercom.sim.config[key] == ""


@pytest.mark.parametrize("dialect", ["a_series", "e16c"])
async def test_changing_the_login_of_home_assistant_needs_confirmation(
    add: Add, caplog: pytest.LogCaptureFixture, dialect: str
) -> None:
    intercom = await add(dialect)
    key = f"{APIFCGI}Password"
    name = intercom.entry.runtime_data.coordinator.description.identity.name
    wanted = {key: "another-secret-5", HOLD_DELAY: "9"}
    assert await intercom.refuses("set_config", values=wanted) == "config_confirmation"
    assert await intercom.refuses("set_config", values=wanted, confirmation="yes") == "config_confirmation"
    assert (intercom.sim.config[key], intercom.sim.config[HOLD_DELAY]) == ("httpapi", "5")
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "custom_components.ip_intercom"):
        answer = await intercom.do("set_config", values=wanted, confirmation=name)
    assert answer == {"values": {}, "hidden": [], "unchecked": sorted(wanted)}
    assert (intercom.sim.config[key], intercom.sim.config[HOLD_DELAY]) == ("another-secret-5", "9")
    lines = [record.getMessage() for record in caplog.records if "ip_intercom" in record.name]
    assert not [line for line in lines if "another-secret-5" in line]


@pytest.mark.parametrize("values", ["secret-text", {}, {"Config.Key": ["secret-text"]}, ["secret-text"]])
async def test_a_wrong_form_repeats_no_value(intercom: Intercom, values: object) -> None:
    with pytest.raises(vol.Invalid) as failed:
        await intercom.do("set_config", values=values)
    assert "secret-text" not in str(failed.value)


async def test_the_name_of_the_device(intercom: Intercom) -> None:
    assert await intercom.do("device_name") == {"name": "Front Door"}
    assert await intercom.do("device_name", name="Back Gate") == {"name": "Back Gate"}
    assert intercom.sim.config[LOCATION] == "Back Gate"
    intercom.sim.handlers["config/set"] = lambda _: Reply()
    assert await intercom.refuses("device_name", name="Front Gate") == "command_failed"


async def test_sip_accounts_are_returned_without_passwords(intercom: Intercom) -> None:
    intercom.sim.configure("Config.Account2.GENERAL.Pwd", "sip-secret-99")
    answer = await intercom.do("sip_accounts", account=2, settings={"GENERAL.UserName": "130", "SIP.Port": 5070})
    first, second = answer["accounts"]
    assert (first["account"], second["account"]) == (1, 2)
    assert (second["GENERAL.UserName"], second["SIP.Port"]) == ("130", "5070")
    assert "sip-secret-99" not in str(answer) and not [name for name in second if "Pwd" in name]
    assert await intercom.refuses("sip_accounts", account=3, settings={"GENERAL.UserName": "1"}) == "not_supported"
    assert await intercom.refuses("sip_accounts", account=1, settings={"GENERAL.Colour": "1"}) == "not_supported"


@pytest.mark.parametrize("action", ["time_zone", "get_holidays"])
async def test_unsupported_settings_are_errors(intercom: Intercom, action: str) -> None:
    assert await intercom.refuses(action) == "no_settings"
