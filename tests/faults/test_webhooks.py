"""Spoiled pushes to the webhook of every system: each gets an answer, none an error, and the entry stays loaded."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
import logging
import os
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from yarl import URL

from custom_components.ip_intercom.runtime import webhook
from tests.common import until, webhook_of
from tests.simulators.akuvox import Simulator as Akuvox
from tests.simulators.mx_proxy import Form as MxForm, Simulator as MxProxy
from tests.simulators.smartyard import Form as YardForm, Simulator as SmartYard
from tests.systems.akuvox.integration.conftest import BUTTON, add as add_akuvox
from tests.systems.mx_proxy.integration.conftest import pushing as push_mx_proxy
from tests.systems.smartyard.integration.conftest import pushing as push_smartyard

from .grammar import JUNK, Reply, spoiled
from .proxy import HOPS, Asked, Proxy

# The long run: IP_INTERCOM_FUZZ=100000.
ROUNDS = int(os.environ.get("IP_INTERCOM_FUZZ", "300"))
OK = Reply("200 OK", (("Content-Type", "text/plain"),), b"OK")
METHODS = ("GET", "POST", "PUT", "HEAD", "PATCH", "", "get", "X" * 300)

type Add = Callable[[HomeAssistant, str, Proxy, Any], Awaitable[ConfigEntry]]


async def of_two_houses(hass: HomeAssistant, url: str, proxy: Proxy, sim: SmartYard) -> ConfigEntry:
    """Add an account, and have its pushes of each form recorded."""
    entry = await push_smartyard(hass, sim, url)
    for form in YardForm:
        sim.push_to(str(proxy.url), form)
        ring = sim.ring(21)
        sim.walk_away(ring)
        sim.text_push("title", "text")
        await asyncio.sleep(5)
    return entry


async def of_an_extension(hass: HomeAssistant, url: str, proxy: Proxy, sim: MxProxy) -> ConfigEntry:
    """Add an extension, and have its pushes of each form recorded."""
    entry = await push_mx_proxy(hass, sim, url)
    for form in MxForm:
        sim.push_to(str(proxy.url), form)
        sim.hang_up(sim.incoming_call("4711"))
        sim.leave_voicemail("4712")
        await asyncio.sleep(5)
    return entry


async def of_a_door_phone(hass: HomeAssistant, url: str, proxy: Proxy, sim: Akuvox) -> ConfigEntry:
    """Add a door phone, and have its action URLs recorded."""
    entry = await add_akuvox(hass, sim, push=True)
    address = await webhook_of(entry, url)
    await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the action URLs")
    await hass.async_block_till_done(wait_background_tasks=False)
    for key, value in sim.config.values.items():
        if address in value:
            sim.configure(key, value.replace(url, str(proxy.url).rstrip("/")))
    sim.press()
    sim.call_ended()
    sim.enter_code("1234")
    sim.input("A", closed=True)
    sim.tamper()
    await asyncio.sleep(5)
    return entry


SYSTEMS: dict[str, tuple[Callable[[], Any], Add]] = {
    "akuvox": (partial(Akuvox, "r29", whitelist=["127.0.0.1"], config=BUTTON), of_a_door_phone),
    "mx_proxy": (partial(MxProxy, speed=10), of_an_extension),
    "smartyard": (SmartYard, of_two_houses),
}


def spoiled_push(push: Asked, path: str, random: Random) -> bytes:
    """Return the bytes of a push in which something is wrong: its query, body, headers, length, or method."""
    query = parse_qsl(urlsplit(push.target).query, keep_blank_values=True)
    for _ in range(random.choice((0, 0, 1, 2))):
        name, value = random.choice(query) if query else ("event", "MakeCall")
        query = random.choice((
            [pair for pair in query if pair[0] != name],
            [*query, (name, value)],
            [(name, str(random.choice(JUNK))[:3000]) if pair[0] == name else pair for pair in query],
            [(str(random.choice(JUNK))[:3000], value), *query],
        ))  # fmt: skip
    kept = tuple(pair for pair in push.headers if pair[0].lower() not in HOPS | {"content-type"})
    kept = (*kept, *(pair for pair in push.headers if pair[0].lower() == "content-type"))
    sent = Reply("", kept, push.body)
    if random.random() < 0.9:
        # Statuses are only of replies.
        sent = replace(spoiled(sent, random), status="")
    wire, _ = sent.wire()
    _, _, rest = wire.partition(b"\r\n")
    method = random.choice(METHODS) if random.random() < 0.1 else push.method
    target = path + ("?" + urlencode(query, errors="replace") if query else "")
    return f"{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n".encode() + rest


async def answer_to(wire: bytes, url: URL) -> int | None:
    """Send bytes, and return the status of the answer, None if the connection ends without one."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(wire)
        with suppress(OSError):
            await writer.drain()
            # What is announced but not sent never comes.
            async with asyncio.timeout(60):
                line = await reader.readline()
            return int(line.split()[1]) if line else None
        return None
    finally:
        writer.transport.abort()


def is_error(record: logging.LogRecord) -> bool:
    """Return whether a record is an error; the HTTP server logs what is not HTTP as one."""
    error = None if record.exc_info is None else record.exc_info[1]
    malformed = isinstance(error, HttpProcessingError | RequestPayloadError)
    return record.levelno >= logging.ERROR and not (record.name == "aiohttp.server" and malformed)


@pytest.mark.parametrize("system", SYSTEMS)
async def test_every_push_is_answered(
    hass: HomeAssistant, sockets: None, local_url: str, system: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    # pytest keeps everything that is logged until the end.
    caplog.set_level(logging.WARNING)
    for limit in ("RATE", "BURST", "_TOTAL_RATE", "_TOTAL_BURST"):
        monkeypatch.setattr(webhook, limit, 1e9)
    pushes: list[Asked] = []

    async def record(push: Asked) -> Reply:
        pushes.append(push)
        return OK

    simulator, add = SYSTEMS[system]
    async with simulator() as sim, Proxy.start(record) as proxy:
        entry = await add(hass, local_url, proxy, sim)
        assert len(pushes) > 3
        token = urlsplit(await webhook_of(entry, local_url)).path
        limiter = entry.runtime_data.push_address.limiter
        statuses: Counter[int | None] = Counter()
        for seed in range(ROUNDS):
            random = Random(seed)
            wire = spoiled_push(random.choice(pushes), token, random)
            caplog.clear()
            status = await answer_to(wire, URL(local_url))
            statuses[status] += 1
            assert status is None or status // 100 in {2, 4}, (seed, status, wire[:3000])
            errors = [record.getMessage() for record in caplog.records if is_error(record)]
            assert errors == [], (seed, wire[:3000])
            assert entry.state is ConfigEntryState.LOADED, (seed, wire[:3000])
        await hass.async_block_till_done(wait_background_tasks=False)
        with capsys.disabled():
            print(f"\n{system}: {ROUNDS} pushes made of {len(pushes)}, statuses {dict(statuses)}")  # noqa: T201
        assert limiter.dropped == 0
        assert statuses[200] > ROUNDS / 2
        assert statuses[None] < ROUNDS / 4
