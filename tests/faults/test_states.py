"""Spoiled values in everything that a device or server says: no entity fails or shows the impossible, and the entry recovers."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
import logging
from math import isfinite
import os
from random import Random

import aiohttp
from homeassistant.components.recorder.db_schema import MAX_STATE_ATTRS_BYTES
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_bytes
import pytest
from yarl import URL

from custom_components.ip_intercom.const import CONF_FINGERPRINT, CONF_URL
from tests.common import until

from .grammar import Reply, spoiled_body
from .proxy import Asked, Proxy, fetched
from .rigs import RIGS, Rig

# The long run: IP_INTERCOM_FUZZ=100000 makes a hundredth of it.
ROUNDS = max(6, int(os.environ.get("IP_INTERCOM_FUZZ", "0")) // 100)
# After so many rounds, the entry is reloaded, also with spoiled values.
RELOAD = 3
# Seconds on the shared clock of each round, in which systems without a channel are polled.
ROUND = 5.0
# Entries of these keys are secrets.
SECRETS = ("password", "client_secret", "token", "push_token")
# The longest state that Home Assistant accepts.
LONGEST = 255
# Attributes of entities of Home Assistant that say which states they may have.
CHOICES = ("options", "event_types")


def is_loaded(entry: ConfigEntry) -> bool:
    """Return whether an entry is loaded now."""
    return entry.state is ConfigEntryState.LOADED


def states_of(hass: HomeAssistant, entry: ConfigEntry) -> Iterator[tuple[str, State]]:
    """Iterate over the unique ids and states of the entities of an entry."""
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if (state := hass.states.get(entity.entity_id)) is not None:
            yield entity.unique_id, state


def usable(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    """Return the unique ids of the entities that are available."""
    return {name for name, state in states_of(hass, entry) if state.state != "unavailable"}


def impossible(state: State) -> str | None:
    """Return the first value that no entity may show, or None."""
    value, attributes = state.state, state.attributes
    if value in {"unavailable", "unknown"}:
        return None
    if len(value) > LONGEST:
        return "overlong"
    try:
        # As the frontend and the recorder get it.
        stored = json_bytes(dict(attributes))
        json_bytes(state.as_dict())
    except ValueError, TypeError:
        return "not JSON"
    if len(stored) > MAX_STATE_ATTRS_BYTES:
        return "attributes that the recorder drops"
    if "\x00" in value:
        return "a character that no database takes"
    if state.domain in {"select", "sensor"} and value not in attributes.get("options", [value]):
        return "no option"
    if state.domain == "event" and attributes["event_type"] not in attributes["event_types"]:
        return "no event type"
    if "unit_of_measurement" in attributes or state.domain == "number":
        number = float(value)
        low, high = attributes.get("min", float("-inf")), attributes.get("max", float("inf"))
        if attributes.get("unit_of_measurement") == "%":
            low, high = 0, 100
        if not isfinite(number) or not low <= number <= high:
            return "out of range"
    return None


@pytest.mark.parametrize("system", RIGS)
async def test_no_entity_fails_on_spoiled_answers(
    hass: HomeAssistant, sockets: None, local_url: str, caplog: pytest.LogCaptureFixture, system: str
) -> None:
    async with AsyncExitStack() as stack:
        rig = RIGS[system](hass, local_url)
        await rig.add(stack, secure=False)
        far = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        base = URL(rig.entry.data[CONF_URL])

        async def plain(asked: Asked) -> Reply:
            return await fetched(far, base, asked)

        proxy = await stack.enter_async_context(Proxy.start(plain))
        data = {key: value for key, value in rig.entry.data.items() if key != CONF_FINGERPRINT}
        hass.config_entries.async_update_entry(rig.entry, data=data | {CONF_URL: str(proxy.url.join(base.relative()))})
        assert await hass.config_entries.async_reload(rig.entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=False)
        await _spoil(hass, rig, proxy, caplog)
        assert await hass.config_entries.async_unload(rig.entry.entry_id)


async def _spoil(hass: HomeAssistant, rig: Rig, proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    entry, plain, random, sent = rig.entry, proxy.answer, Random(), list[bytes]()
    await asyncio.sleep(ROUND)
    working = usable(hass, entry)
    secrets = [str(entry.data[key]) for key in SECRETS if entry.data.get(key)]
    assert secrets
    spoilt = 0

    async def spoil(asked: Asked) -> Reply:
        reply = await plain(asked)
        if random.random() < 0.3 and reply.status.startswith("2"):
            reply = spoiled_body(reply, random)
            sent.append(reply.body[:2000])
        return reply

    def lost() -> set[str]:
        return working - usable(hass, entry)

    def look(seed: int) -> None:
        failures = [
            record.getMessage() for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR
        ]
        assert failures == [], (seed, sent)
        caplog.clear()
        for _, state in states_of(hass, entry):
            assert impossible(state) is None, (seed, impossible(state), state.entity_id, str(state)[:1000])
            assert not [secret for secret in secrets if secret in repr(state.as_dict())], (seed, state.entity_id)

    for seed in range(ROUNDS):
        random, sent = Random(seed), []
        proxy.answer = spoil
        if seed % RELOAD == RELOAD - 1:
            await hass.config_entries.async_reload(entry.entry_id)
        elif is_loaded(entry):
            rig.ring()
            await entry.runtime_data.coordinator.async_describe()
            await entry.runtime_data.coordinator.async_refresh()
            await asyncio.sleep(ROUND)
            rig.end_ring()
        await asyncio.sleep(ROUND)
        await hass.async_block_till_done(wait_background_tasks=False)
        spoilt += len(sent)
        look(seed)
        proxy.answer = plain
        if not is_loaded(entry):
            await hass.config_entries.async_reload(entry.entry_id)
            assert is_loaded(entry), (seed, entry.state, entry.reason, sent)
        else:
            await entry.runtime_data.coordinator.async_describe()
        await until(lambda: not lost(), f"{lost()} of {seed}")
        await until(lambda: entry.runtime_data.coordinator.last_update_success, "the polls")
        look(seed)
    assert spoilt > ROUNDS
