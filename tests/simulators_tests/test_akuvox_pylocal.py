"""An independent client, whose author runs it against real devices, reads and commands the simulators."""

from typing import Any

import pytest

from tests.simulators.akuvox import Auth

from .conftest import AkuvoxFactory

pylocal: Any = pytest.importorskip("pylocal_akuvox")

METHODS = {Auth.NONE: "none", Auth.BASIC: "basic", Auth.DIGEST: "digest", Auth.WHITELIST: "allowlist"}


def client(api: Any) -> Any:
    """Connect to a device by HTTPS where HTTP leads there, slowly enough for it."""
    sim = api.sim
    method = METHODS[Auth(sim.authenticator.mode)]
    login = {"username": "admin", "password": "httpapi"} if method in {"basic", "digest"} else {}
    auth = pylocal.AuthConfig(method=pylocal.AuthMethod(method), **login)
    secure = api.base.startswith("https")
    address = sim.https_address if secure else sim.http_address
    return pylocal.AkuvoxDevice(address, auth, use_ssl=secure, verify_ssl=False, request_delay=sim.pipeline.gap * 1.2)


@pytest.mark.parametrize("dialect", ["a_series", "e16c", "r29"])
async def test_pylocal_akuvox_reads_and_commands_the_simulator(akuvox: AkuvoxFactory, dialect: str) -> None:
    """The client cannot read an E18, which appends bytes to its JSON."""
    api = await akuvox(dialect)
    api.sim.pipeline.throttle = 0
    async with client(api) as device:
        device.attempt_unknown_capability = True
        info = await device.get_info()
        facts = api.sim.dialect
        assert (info.model, info.mac_address, info.firmware_version) == (facts.model, facts.mac, facts.firmware)
        assert (await device.get_status()).uptime >= 137
        status = await device.get_relay_status()
        assert status == {f"Relay{letter}": 0 for letter in facts.relays}
        await device.trigger_relay(num=1, mode=0, level=0, delay=5, adapter=pylocal.Capability.RELAY_TRIGGER_API)
        assert api.sim.relay_status()["A"]
        assert (await device.get_relay_status())["RelayA"] == 1
        await device.add_user(name="Lucy", user_id="7", schedule_relay="1001-1", lift_floor_num="0", private_pin="2468")
        [user] = await device.list_users(page=1)
        assert (user.name, user.user_id, user.private_pin) == ("Lucy", "7", "2468")
        assert api.sim.enter_code("2468")
        await device.delete_user(id=user.id)
        assert await device.list_users(page=1) == []
