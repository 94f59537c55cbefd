"""The phone servers that a SmartYard with talk trusts, and their faults."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
import json
import logging
from types import MethodType
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.systems.smartyard import visitor_calls
from custom_components.ip_intercom.systems.smartyard.visitors import phone_server
from tests.common import refusal, state_of, until
from tests.simulators.smartyard import Simulator
from tests.simulators.smartyard.telephony import Telephony
from tests.talk.go2rtc import Go2rtc
from tests.talk.peer import Telephone, UdpLine, description, rtp, rtp_port

from .conftest import pushing
from .talking import OURS, calls_of, has_button, idle, press, rings, source_of


async def test_rejected_credentials_are_tried_once_per_ring(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.wrong = True
    key = sim.ring(21)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "account_refused", "the reason")
    assert phones.of(key).contact is None
    assert phones.of(key).refused == 1  # not again and again
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "on", "the ring")
    assert not has_button(hass, talking)
    assert await refusal(hass, talking, "answer") == "no_incoming_call"
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass, talking, "check_talk")
    assert caught.value.translation_key == "talk_account_refused"
    phones.wrong = False
    await rings(sim, 22)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "sip_account", "the next ring")


async def test_a_silent_phone_server_is_an_unreachable_account(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.silent = True
    sim.ring(21)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "account_unreachable", "the reason")
    await idle(hass, talking)


async def test_a_call_is_answered_though_the_phone_server_starts_late(
    hass: HomeAssistant, sim: Simulator, local_url: str
) -> None:
    phones = await sim.start_telephony("tcp")
    entry = await pushing(hass, sim, local_url, talk=True)
    port = phones.line.port
    phones.line.close()
    key = sim.ring(21)
    await until(lambda: calls_of(entry).ring_at("21"), "the ring")
    await asyncio.sleep(5)
    await phones.line.open(port=port)
    await until(lambda: phones.of(key).state == "ringing", "the call")
    await press(hass, entry, "answer")
    assert phones.of(key).state == "talking"


@pytest.mark.parametrize(
    "fields",
    [{"server": None}, {"server": "a b"}, {"transport": "ws"}, {"port": "70000"}],
)
async def test_a_push_without_a_usable_account_only_rings(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, fields: dict[str, str | None]
) -> None:
    phones.changed = fields
    sim.ring(21)
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "on", "the ring")
    assert await refusal(hass, talking, "answer") == "no_incoming_call"
    assert phones.line.heard == []


async def test_the_phone_server_is_verified_by_the_operator(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    """Its host name differs from that of the API server."""
    phones.changed = {"server": "localhost"}
    account = await rings(sim)
    assert account.registrations == 1


async def test_the_phone_server_may_name_its_port(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.changed = {"server": f" 127.0.0.1:{phones.line.port}", "port": None, "transport": "UDP"}
    account = await rings(sim)
    assert account.registrations == 1


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("SIP.operator.test", ("sip.operator.test", None)),
        ("sip.operator.test:5070", ("sip.operator.test", 5070)),
        ("[fd00::5]:5070", ("fd00::5", 5070)),
        ("[fd00::5]", ("fd00::5", None)),
        ("FD00::5", ("fd00::5", None)),
        ("fe80::5%eth0", ("fe80::5%eth0", None)),
        ("оператор.рф", ("оператор.рф", None)),
        ("192.0.2.5:", ("192.0.2.5", None)),
        *(
            (server, None)
            for server in (None, "", ":5060", "a b", "user@sip.test", "sip.test/x", "sip.test:99999", "[fd00::5")
        ),
    ],
)
def test_the_address_of_a_phone_server_is_split(server: str | None, expected: tuple[str, int | None] | None) -> None:
    assert phone_server(server) == expected


async def test_an_unverified_phone_server_gets_no_packet(
    hass: HomeAssistant,
    sim: Simulator,
    phones: Telephony,
    talking: ConfigEntry,
    local_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, OURS)
    phones.changed = {"server": "localhost", "hash": "0" * 32, "pass": "0" * 32}
    sim.ring(21)
    await until(lambda: "is not the operator's" in caplog.text, "the objection")
    assert phones.line.heard == []
    await idle(hass, talking)


async def test_packets_of_unknown_senders_are_ignored_and_counted(
    hass: HomeAssistant,
    sim: Simulator,
    phones: Telephony,
    talking: ConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    async def talk_state() -> Any:
        """Return the state of talk at the door, and the number of ignored packets."""
        diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, talking)
        assert account.extension not in str(diagnostics["talk"])
        return diagnostics["talk"]["cameras"]["intercom_21"], diagnostics["talk"]["ignored"]

    door = {"route": "sip_account", "reason": None, "ready": True, "registered": True, "failure": None}
    account = await rings(sim)
    assert await talk_state() == (door | {"line": "idle", "ringing": True}, 0)
    stranger = await UdpLine().open("127.0.0.2")
    assert account.dialog is not None
    telephone = Telephone(stranger)
    telephone.agent = account.address
    # A call of its own, and the end of the one that rings.
    telephone.invite(description(9, "0"))
    telephone.request("BYE", account.dialog)
    telephone.request("CANCEL", account.dialog, number=1, branch=account.dialog.branch)
    await telephone.silence(3)
    assert account.state == "ringing"
    await press(hass, talking, "answer")
    async with Go2rtc(await source_of(hass, talking)) as browser, rtp_port("127.0.0.2") as noise:
        await browser.watch()
        noise.send(rtp(1, b"\x66" * 160), account.remote)
        account.speak(b"\x42" * 160)
        sound = 2 * browser.track_of("recvonly")
        await until(lambda: any(packet.endswith(b"\x42" * 160) for packet in browser.heard.get(sound, [])), "the door")
        assert not any(b"\x66" * 100 in packet for packet in browser.heard[sound])
        assert await talk_state() == (door | {"line": "talking", "ringing": False}, 4)
    stranger.close()
    phones.hang_up(account)
    await idle(hass, talking, account)
    assert await talk_state() == (door | {"line": "idle", "ringing": False, "ready": False, "registered": False}, 4)


async def test_no_output_contains_sip_credentials(
    hass: HomeAssistant,
    sim: Simulator,
    phones: Telephony,
    talking: ConfigEntry,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    account = await rings(sim)
    secret = account.ring.hash
    await press(hass, talking, "answer")
    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, talking)
    states = json.dumps([state.as_dict() for state in hass.states.async_all()], default=str)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.talk()
        await browser.say(b"\x11" * 160)
    await press(hass, talking, "hang_up")
    await idle(hass, talking, account)
    await hass.async_block_till_done()
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OURS))
    for word in (secret, account.extension):
        assert word not in said
        assert word not in states
        assert word not in json.dumps(diagnostics, default=str)
        assert word not in json.dumps(hass_storage, default=str)
    assert "Registered at" in said
    await asyncio.sleep(700)
    assert list(_paths_to(talking.runtime_data.coordinator.system, secret, "system", set())) == []


def _paths_to(value: object, secret: str, path: str, seen: set[int]) -> Iterator[str]:
    """Return where objects of the integration hold a secret."""
    if isinstance(value, str | bytes):
        if secret in (value if isinstance(value, str) else value.decode("latin-1")):
            yield path
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _paths_to(key, secret, f"{path}.{key!r}", seen)
            yield from _paths_to(item, secret, f"{path}[{key!r}]", seen)
    elif isinstance(value, list | tuple | set | frozenset | deque):
        for item in value:
            yield from _paths_to(item, secret, f"{path}[]", seen)
    elif isinstance(value, partial):
        yield from _paths_to((value.func, value.args, value.keywords), secret, f"{path}()", seen)
    elif isinstance(value, MethodType):
        yield from _paths_to(value.__self__, secret, f"{path}.self", seen)
    elif type(value).__module__.startswith(OURS):
        for name in (*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())):
            yield from _paths_to(getattr(value, name, None), secret, f"{path}.{name}", seen)


async def test_more_rings_than_can_be_answered(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_calls, "_MOST", 1)
    await rings(sim)
    key = sim.ring(22)
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_22_ringing") == "on", "the ring")
    assert phones.of(key).registrations == 0
    assert not has_button(hass, talking, "camera_intercom_22")


async def test_a_phone_server_that_cannot_be_verified_is_not_used(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.changed = {"server": "localhost"}
    sim.fault("call/*", "hang")
    key = sim.ring(21)
    await until(lambda: state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "on", "the ring")
    await idle(hass, talking)
    assert phones.of(key).registrations == 0
