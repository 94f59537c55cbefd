"""The identity of a device of each dialect, and unsupported functions."""

import asyncio

import pytest

from custom_components.ip_intercom.systems.akuvox.client.phone import SipAccount
from custom_components.ip_intercom.systems.common.errors import ConnectionFailed, NotSupported

from .conftest import Bench, Start


async def test_info_identifies_the_device(any_bench: Bench) -> None:
    facts = any_bench.sim.dialect
    info = await any_bench.device().system.info()
    assert (info.model, info.firmware, info.hardware) == (facts.model, facts.firmware, facts.hardware)
    assert info.mac == facts.mac.lower()
    assert [account.account for account in info.accounts] == [1, 2]
    status = await any_bench.device().firmware.status()
    assert (status.model, status.mac, status.accounts) == (facts.model, facts.mac.lower(), ())


async def test_status_returns_the_uptime_and_the_clock(any_bench: Bench) -> None:
    status = await any_bench.device().system.status()
    assert status.uptime is not None
    assert 137 <= status.uptime < 160
    assert status.time is not None
    assert abs(status.time - any_bench.sim.clock.utc()) < 30


async def test_sip_accounts_are_decoded(start: Start) -> None:
    """Only "registered" is certain (field notes 4.1)."""
    bench = await start(
        config={
            "Config.Account1.GENERAL.Enable": "1",
            "Config.Account1.GENERAL.UserName": "141",
            "Config.Account1.SIP.Server": "192.168.1.115",
        }
    )
    bench.sim.register(1)
    device = bench.device()
    accounts = await device.sip.status()
    assert accounts == (SipAccount(1, "141", "192.168.1.115", 2), SipAccount(2, None, None, 0))
    assert (accounts[0].enabled, accounts[0].registered) == (True, True)
    assert (accounts[1].enabled, accounts[1].registered) == (False, False)
    assert (await device.system.info()).accounts == accounts
    bench.sim.register(1, reachable=False)
    failed = (await device.sip.status())[0]
    assert (failed.enabled, failed.registered, failed.status) == (True, False, 3)
    assert SipAccount(1, None, None, -1).enabled is None


async def test_reboot_restarts_the_device(start: Start) -> None:
    bench = await start(speed=20)
    device = bench.device()
    await device.system.reboot()
    async with asyncio.timeout(5):
        while bench.sim._online():
            await asyncio.sleep(0.005)
    with pytest.raises(ConnectionFailed):
        await device.system.status()
    await bench.sim.wait_until_up()
    assert (await device.system.status()).uptime is not None


async def test_a_reboot_without_a_response_is_not_repeated(bench: Bench) -> None:
    device = bench.device()
    await device.system.status()
    bench.sim.garbage("system/reboot", "truncated")
    bench.seen()
    with pytest.raises(Exception, match="reboot"):
        await device.system.reboot()
    assert len(bench.seen()) == 1


@pytest.mark.parametrize(
    ("dialect", "function"),
    [("a_series", "call"), ("e18", "private_keys"), ("e16c", "cards"), ("it83", "relay"), ("it83", "users")],
)
async def test_unsupported_functions_are_errors(start: Start, dialect: str, function: str) -> None:
    bench = await start(dialect)
    part = getattr(bench.device(), function)
    ask = part.status if hasattr(part, "status") else part.get
    with pytest.raises(NotSupported):
        await ask()
