"""What an Akuvox is asked at the first contact and at a reload."""

from collections import Counter

from homeassistant.core import HomeAssistant
import pytest

from custom_components.ip_intercom.systems.akuvox import log
from tests.common import enter, user_input

from .conftest import Start, address_of

DESCRIPTION = Counter(
    {
        "system/info": 1,
        "system/status": 1,
        "config/get": 1,
        "relay/status": 1,
        "input/status": 1,
        "call/status": 1,
        "calllog/get": 1,
        "doorlog/get": 1,
    }
)

LOGS = Counter(["calllog/get", "doorlog/get"])


@pytest.mark.parametrize(
    ("dialect", "challenges", "known"),
    # Who it is, without and with the login, and its name; each request of an E16C is authenticated on its own.
    [("e16c", 4, Counter({"config/get": 1})), ("r29", 2, Counter({"system/info": 1, "config/get": 1}))],
)
async def test_nothing_is_asked_twice(
    hass: HomeAssistant,
    device: Start,
    monkeypatch: pytest.MonkeyPatch,
    dialect: str,
    challenges: int,
    known: Counter[str],
) -> None:
    monkeypatch.setattr(log, "_CALL_INTERVALS", (60.0, 60.0))  # no poll before the end
    sim = await device(dialect)

    def answered(since: int = 0) -> Counter[str]:
        done = (request for request in sim.requests[since:] if request.status == 200)
        return Counter(request.path.removeprefix("/api/") for request in done if request.path != "/picture.jpg")

    result = await enter(hass, user_input(address_of(sim), "admin", "httpapi"))
    # The event stream begins with a page of each log.
    assert answered() - DESCRIPTION - known <= LOGS
    assert sum(request.status != 200 for request in sim.requests) == challenges
    await hass.async_block_till_done()
    entry = result["result"]
    assert await hass.config_entries.async_unload(entry.entry_id)
    before = len(sim.requests)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert answered(before) - DESCRIPTION <= LOGS
