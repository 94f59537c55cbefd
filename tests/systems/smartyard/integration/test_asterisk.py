"""Asterisk as the phone server of an operator; ``scripts/talk asterisk`` unpacks it and runs this, in real time."""

import asyncio
from collections.abc import AsyncGenerator
import logging
import os
from pathlib import Path
import time

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import act, entity_id, state_of, until
from tests.simulators.smartyard import Simulator
from tests.talk.go2rtc import Go2rtc
from tests.talk.proof.asterisk import VISITOR, Asterisk
from tests.talk.proof.baresip import linear, share, tone

from .conftest import pushing
from .talking import OURS, call_state, idle, press, source_of

pytestmark = [
    pytest.mark.skipif("IP_INTERCOM_ASTERISK" not in os.environ, reason="scripts/talk asterisk runs these"),
    pytest.mark.real_time,
]

# What Home Assistant says, in Hz.
HERTZ = 1000


@pytest.fixture(params=["udp", "tcp"])
async def asterisk(sim: Simulator, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Asterisk]:
    server = Asterisk(tmp_path, time.monotonic, request.param)
    sim.telephony = server
    await server.start()
    yield server
    await server.stop()
    sim.telephony = None


@pytest.fixture
async def talking(hass: HomeAssistant, sim: Simulator, asterisk: Asterisk, local_url: str) -> ConfigEntry:
    return await pushing(hass, sim, local_url, talk=True)


async def speak(browser: Go2rtc) -> None:
    """Say a tone for as long as the task lasts."""
    packets, began, number = tone(HERTZ), time.monotonic(), 0
    while True:
        await browser.say(packets[number % len(packets)])
        number += 1
        await asyncio.sleep(max(0.0, began + number * 0.02 - time.monotonic()))


async def rings(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, server: Asterisk) -> str:
    """Ring, wait for the call of Asterisk, and return the secret of the ring."""
    secret = sim.ring(21)
    await until(lambda: call_state(hass, entry) == "ringing", "the call")
    await until(lambda: server.door.state == "ringing", "the ring at the door")
    return secret


async def test_the_microphone_answers_and_the_digit_opens(
    hass: HomeAssistant,
    sim: Simulator,
    asterisk: Asterisk,
    talking: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    sim.break_door(21)
    secret = await rings(hass, sim, talking, asterisk)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.talk()
        speaking = asyncio.create_task(speak(browser))
        await until(lambda: asterisk.door.state == "talking", "the answer")
        await asyncio.sleep(4)
        sound = b"".join(packet[12:] for packet in browser.heard[2 * browser.track_of("recvonly")][-100:])
        heard = asterisk.door.heard[-16000:]
        await act(hass, "lock.open", entity_id=entity_id(hass, talking, "lock", "door_21:0_door"))
        await until(lambda: asterisk.door.digits, "the digit")
        assert asterisk.door.digits == "1"
        assert call_state(hass, talking) == "connected"
        speaking.cancel()
    await idle(hass, talking)
    await until(lambda: asterisk.door.state == "ended", "the end at the door")
    await asterisk.has([], contacts=0)
    here = share([linear(code) for code in sound], VISITOR)
    there = share([linear(code) for code in heard], HERTZ)
    print(f"tone of the other side: {here:.1%} of what is heard here, {there:.1%} at the door")  # noqa: T201
    assert min(here, there) > 0.9
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OURS))
    extension = next(iter(asterisk.accounts))
    assert secret not in said
    assert extension not in said
    assert "Registered at" in said


async def test_the_button_answers_and_the_visitor_hangs_up(
    hass: HomeAssistant, sim: Simulator, asterisk: Asterisk, talking: ConfigEntry
) -> None:
    await rings(hass, sim, talking, asterisk)
    await press(hass, talking, "answer")
    await until(lambda: asterisk.door.state == "talking", "the answer")
    asterisk.door.hang_up()
    await idle(hass, talking)
    await until(lambda: asterisk.door.state == "ended", "the end at the door")
    await asterisk.has([], contacts=0)


async def test_the_visitor_gives_up(
    hass: HomeAssistant, sim: Simulator, asterisk: Asterisk, talking: ConfigEntry
) -> None:
    await rings(hass, sim, talking, asterisk)
    asterisk.door.hang_up()
    await idle(hass, talking)
    assert state_of(hass, talking, "binary_sensor", "bell_21_ringing") == "off"


async def test_a_ring_is_declined(
    hass: HomeAssistant, sim: Simulator, asterisk: Asterisk, talking: ConfigEntry
) -> None:
    await rings(hass, sim, talking, asterisk)
    await press(hass, talking, "hang_up")
    await idle(hass, talking)
    await until(lambda: asterisk.door.state == "ended", "the end at the door")
    await asterisk.has([], contacts=0)


async def test_rejected_credentials_are_shown_by_the_talk_sensor(
    hass: HomeAssistant, sim: Simulator, asterisk: Asterisk, talking: ConfigEntry
) -> None:
    asterisk.changed = {"pass": "0" * 32, "hash": None}
    sim.ring(21)
    await until(lambda: state_of(hass, talking, "sensor", "talk") == "account_refused", "the refusal")
    assert await asterisk.contacts() == 0
