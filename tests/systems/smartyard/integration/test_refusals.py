"""Errors of the server contain its own text, if there is one."""

from collections.abc import Callable
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.ip_intercom.const import DOMAIN
from tests.common import act, entity_id
from tests.repository.repository_rules import translations
from tests.simulators.smartyard import Breakage, Simulator

from .conftest import Start, add
from .test_devices import place

OPEN, HISTORY, CODE = "address/openDoor", "address/plog", "address/resetCode"
CONTRACT = "The service is unavailable (the contract is blocked or not paid)"
# Words of other makers, and of intercoms at home.
OTHERS = re.compile(r"2N|Akuvox|MX|Zultys|HTTP API|RTSP|extension", re.IGNORECASE)

type Trouble = Callable[[Simulator], object]


def refuse(function: str, status: int) -> Trouble:
    return lambda sim: sim.refuse(function, status, None)


async def ask(hass: HomeAssistant, entry: ConfigEntry, function: str) -> None:
    """Call the function."""
    if function == OPEN:
        await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:0_door"))
        return
    device = place(hass, entry, "flat_51").id
    more: dict[str, Any] = {"day": "2026-11-20"} if function == HISTORY else {}
    action = "history_query" if function == HISTORY else "renew_door_code"
    await act(hass, f"{DOMAIN}.{action}", response=True, device_id=device, **more)


@pytest.mark.parametrize(
    ("function", "trouble", "key", "said"),
    [
        (OPEN, lambda sim: sim.leave_unpaid(51), "command_failed", CONTRACT),
        (OPEN, lambda sim: sim.block_flat(51), "command_failed", CONTRACT),
        (OPEN, lambda sim: sim.break_door(21), "command_failed", "Intercom is unavailable"),
        (OPEN, refuse(OPEN, 401), "token_refused", None),
        (OPEN, refuse(OPEN, 402), "not_paid", "Payment Required"),
        (OPEN, refuse(OPEN, 403), "command_failed", "Forbidden"),
        (OPEN, refuse(OPEN, 405), "not_supported", None),
        (OPEN, refuse(OPEN, 406), "token_refused", None),
        (OPEN, refuse(OPEN, 422), "invalid_request", "Unprocessable Entity"),
        (OPEN, refuse(OPEN, 429), "too_soon", "Too Many Requests"),
        (OPEN, refuse(OPEN, 418), "command_failed", "Unknown error"),
        (OPEN, lambda sim: sim.break_server(), "server_broken", None),
        (OPEN, lambda sim: sim.break_server(Breakage.NAMELESS), "command_failed", "Unknown error"),
        (OPEN, lambda sim: sim.break_server(Breakage.EMPTY), "unconfirmed", None),
        (OPEN, lambda sim: sim.redirect(OPEN), "redirected", None),
        (
            OPEN,
            lambda sim: sim.redirect(OPEN, "https://yard.example.test/mobile/address/openDoor"),
            "https_required",
            None,
        ),
        (OPEN, lambda sim: sim.lose_connection(), "door_may_have_opened", None),
        (HISTORY, lambda sim: sim.leave_unpaid(51), "not_paid", "Payment Required"),
        (HISTORY, refuse(HISTORY, 404), "not_found", "Not Found"),
        (HISTORY, lambda sim: sim.break_server(Breakage.NAMELESS), "server_broken", None),
        (CODE, refuse(CODE, 403), "command_failed", "Forbidden"),
        (CODE, refuse(CODE, 404), "not_found", "Not Found"),
    ],
)
@pytest.mark.parametrize("dialect", ["rbt", "axios"])
async def test_a_rejection_is_a_translated_error_with_its_reason(
    hass: HomeAssistant, device: Start, dialect: str, function: str, trouble: Trouble, key: str, said: str | None
) -> None:
    sim = await device(dialect=dialect)
    entry = await add(hass, sim)
    trouble(sim)
    with pytest.raises(HomeAssistantError) as failed:
        await ask(hass, entry, function)
    assert failed.value.translation_key == key
    sentence = str(failed.value)
    assert ("Подъезд 1" if function == OPEN else entry.title) in sentence
    assert said is None or said in sentence
    assert not OTHERS.search(sentence)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_texts_of_the_account_forms_name_no_other_maker(language: str) -> None:
    """The texts are those of its errors and login steps."""
    config = translations(language)["config"]
    errors = {
        "another_phone", "cannot_connect", "certificate_changed", "certificate_invalid", "code_already_requested",
        "code_expired", "command_failed", "invalid_code", "invalid_host", "invalid_phone", "invalid_request",
        "login_unknown", "no_data", "no_more_attempts", "not_called_yet", "not_found", "not_paid", "not_supported",
        "server_broken", "server_https", "tls_refused", "token_refused", "too_soon", "unconfirmed", "unexpected_reply",
        "wrong_code", "wrong_server",
    }  # fmt: skip
    steps = [step for name, step in config["step"].items() if "smartyard" in name]
    assert len(steps) == 5
    for text in (*(config["error"][key] for key in errors), *map(str, steps)):
        assert not OTHERS.search(text), text
