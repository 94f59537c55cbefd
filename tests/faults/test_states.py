"""Spoiled values in everything that a device says: no entity fails, and the entry recovers."""

from collections.abc import AsyncGenerator
import logging
import os
from random import Random

import aiohttp
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from yarl import URL

from custom_components.ip_intercom.const import CONF_URL
from tests.common import PASSWORD, USERNAME, enter, user_input
from tests.simulators.two_n import Simulator

from .grammar import Reply, spoiled_body
from .proxy import Asked, Proxy, fetched

# The long run: IP_INTERCOM_FUZZ=100000 makes a hundredth of it.
ROUNDS = max(16, int(os.environ.get("IP_INTERCOM_FUZZ", "0")) // 100)
# After so many rounds, the entry is reloaded, also with spoiled values.
RELOAD = 8


@pytest.fixture
async def proxy(sockets: None, sim: Simulator) -> AsyncGenerator[Proxy]:
    """What stands before a Verso and passes everything on."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as far:

        async def answer(asked: Asked) -> Reply:
            return await fetched(far, URL(f"http://{sim.http_address}"), asked)

        async with Proxy.start(answer) as proxy:
            yield proxy


def is_loaded(entry: ConfigEntry) -> bool:
    """Return whether an entry is loaded now."""
    return entry.state is ConfigEntryState.LOADED


async def test_no_entity_fails(
    hass: HomeAssistant, sim: Simulator, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    entry: ConfigEntry = (await enter(hass, user_input(str(proxy.url), USERNAME, PASSWORD)))["result"]
    await hass.async_block_till_done(wait_background_tasks=False)
    assert entry.data[CONF_URL] == str(proxy.url).rstrip("/")
    plain, random, sent = proxy.answer, Random(), list[bytes]()

    async def spoil(asked: Asked) -> Reply:
        reply = await plain(asked)
        if random.random() < 0.3 and reply.status.startswith("200"):
            reply = spoiled_body(reply, random)
            sent.append(reply.body[:2000])
        return reply

    for seed in range(ROUNDS):
        random, sent = Random(seed), []
        proxy.answer = spoil
        if seed % RELOAD == RELOAD - 1:
            await hass.config_entries.async_reload(entry.entry_id)
        elif is_loaded(entry):
            sim.press("%1")
            await entry.runtime_data.coordinator.async_describe()
            await entry.runtime_data.coordinator.async_refresh()
        await hass.async_block_till_done(wait_background_tasks=False)
        failures = [
            record.getMessage() for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR
        ]
        assert failures == [], (seed, sent)
        caplog.clear()
        proxy.answer = plain
        if not is_loaded(entry):
            await hass.config_entries.async_reload(entry.entry_id)
            assert is_loaded(entry), (seed, sent)
    await hass.config_entries.async_unload(entry.entry_id)
