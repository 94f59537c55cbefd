"""How parameters reach the 2N simulator (HTTP API 2.2), and who may send them (3 and 4)."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.simulators.two_n import Account, Privilege, Service, make_firmware

from .conftest import OK, Api, Factory, failure

FILE = make_firmware("verso", "2.51.0.77.1", 3 * 2**20)


async def endless(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 2**16):
        yield content[start : start + 2**16]
        await asyncio.sleep(0)


async def test_an_upload_without_a_length_is_rejected(api: Api) -> None:
    """A request without Content-Length is rejected before all other checks."""
    async with api.session.put(api.url("firmware"), data=endless(FILE)) as response:
        assert response.status == 411
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("blob-fw", endless(FILE), filename="fw.bin", content_type="application/octet-stream")
    async with api.session.put(api.url("firmware"), data=form) as response:
        assert response.status == 411
    assert api.sim.firmware.upload is None
    assert [request.status for request in api.sim.requests] == [411, 411]
    assert (await api.result("system/info"))["variant"] == "2N IP Verso"


@pytest.mark.parametrize(
    ("password", "status"), [("ha-pass", 200), ("wrong", 401)], ids=["right password", "wrong password"]
)
async def test_an_upload_is_authenticated(device: Factory, password: str, status: int) -> None:
    api = await device()
    middleware = aiohttp.DigestAuthMiddleware("ha", password)
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("blob-fw", FILE, filename="fw.bin")
    async with (
        aiohttp.ClientSession(middlewares=(middleware,)) as session,
        session.put(api.url("firmware"), data=form) as response,
    ):
        assert response.status == status
    assert (api.sim.firmware.upload is not None) is (status == 200)


async def test_an_upload_without_the_privilege_is_rejected(device: Factory) -> None:
    """Code 10 is returned first for any content."""
    api = await device(accounts=[Account("ha", "ha-pass", Privilege.MONITORING)])
    assert await api.put_error("firmware", {"blob-fw": FILE}) == (10, None)
    assert await api.put_error("config") == (10, None)
    assert await api.put_error("holidays", {"blob-json": "no json"}) == (10, None)
    assert failure(await api.delete("phone/calllog", id=1)) == (10, None)
    assert failure(await api.send("POST", "lpr/licenseplate", json={})) == (10, None)
    api.sim.disable(Service.SYSTEM)
    assert await api.put_error("firmware", {"blob-fw": FILE}) == (4, None)
    assert api.sim.firmware.upload is None


async def test_an_invalid_form_is_rejected(api: Api) -> None:
    """Without a boundary, or with too large a text."""
    headers = {"Content-Type": "multipart/form-data"}
    assert failure(await api.send("PUT", "firmware", data=b"x", headers=headers)) == (14, None)
    assert failure(await api.send("PUT", "firmware", data=b"", headers=headers)) == (11, "blob-fw")
    assert await api.put_error("display/image", {"display": "x" * 70_000}) == (1, None)
    assert await api.put_error("holidays", {"blob-json": "x" * 70_000}) == (13, "blob-json")
    assert await api.put_error("holidays", {"text": "x" * 70_000}) == (13, "text")


async def test_unknown_parameters_are_ignored(api: Api) -> None:
    blobs: dict[str, bytes | str] = {"blob-other": bytes(2**20), "colour": "red", "blob-json": '{"dates": []}'}
    assert await api.put("holidays", blobs, shape="round") == OK


async def test_a_form_may_be_empty(api: Api) -> None:
    """Firmware 2.50 rejects a POST without a body, but not an empty form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await api.send("POST", "switch/caps", data=b"", headers=headers))["success"]
    assert failure(await api.send("POST", "switch/caps")) == (14, None)


async def test_responses_escape_slashes(api: Api) -> None:
    """The escaping is that of the example in 5.14.1; JSON parsers accept it."""
    async with api.session.get(api.url("holidays")) as response:
        assert b'"01\\/01"' in await response.read()
