"""GET and POST "are equivalent from the viewpoint of HTTP API" (HTTP API Method): each function of the table by both."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
import json
from pathlib import Path

import pytest

from custom_components.ip_intercom.systems.akuvox.client import AkuvoxDevice, protocol
from custom_components.ip_intercom.systems.akuvox.client.logs import CallKind
from custom_components.ip_intercom.systems.akuvox.client.protocol import Endpoint, ListEndpoints
from custom_components.ip_intercom.systems.common.http import Stream
from tests.simulators.akuvox import make_firmware

from .conftest import Bench, Start, file, whole

DATA = Path(__file__).parents[3] / "data" / "akuvox_api.json"

type Ask = Callable[[AkuvoxDevice], Awaitable[object]]


def opened(export: Callable[[AkuvoxDevice], AbstractAsyncContextManager[Stream]]) -> Ask:
    """Read a file to its end."""

    async def ask(device: AkuvoxDevice) -> object:
        async with export(device) as stream:
            return await whole(stream)

    return ask


@dataclass(frozen=True)
class Case:
    """How to ask a function so that it answers with success, on which device, and after what."""

    path: str
    ask: Ask
    before: Ask | None = None
    dialect: str = "a_series"


async def sent(device: AkuvoxDevice) -> None:
    await device.firmware.prepare()
    await device.firmware.upload(*file(make_firmware("A02", "1")))


async def recording(device: AkuvoxDevice) -> None:
    await device.capture.start(seconds=60)


async def calling(device: AkuvoxDevice) -> None:
    await device.call.dial("1")


async def contact(device: AkuvoxDevice) -> None:
    await device.contacts.add([{"Name": "Lucy", "Phone": "1"}])


# By the order of protocol.py.
CASES = (
    Case("system/info", lambda device: device.system.info()),
    Case("system/status", lambda device: device.system.status()),
    Case("system/reboot", lambda device: device.system.reboot()),
    Case("firmware/status", lambda device: device.firmware.status()),
    Case("firmware/prepare", lambda device: device.firmware.prepare()),
    Case("firmware/upgrade", lambda device: device.firmware.upgrade(), sent),
    Case("config/get", lambda device: device.config.get()),
    Case("config/export", opened(lambda device: device.config.export())),
    Case("config/reset_factory", lambda device: device.config.reset_factory()),
    Case("relay/get", lambda device: device.relay.get()),
    Case("relay/status", lambda device: device.relay.status()),
    Case("relay/trig", lambda device: device.relay.trig(1, mode=1, level=0, delay=5)),
    Case("input/get", lambda device: device.input.get()),
    Case("input/status", lambda device: device.input.status()),
    Case("publiccode/get", lambda device: device.public_code.get()),
    Case("call/status", lambda device: device.call.status(), dialect="it83"),
    Case("call/dial", lambda device: device.call.dial("192.168.1.58", "Justa"), dialect="it83"),
    Case("call/hangup", lambda device: device.call.hangup(), calling, dialect="it83"),
    Case("sip/get", lambda device: device.sip.get()),
    Case("sip/status", lambda device: device.sip.status()),
    Case("log/get", lambda device: device.log.level()),
    Case("log/export", opened(lambda device: device.log.export())),
    Case("log/clear", lambda device: device.log.clear()),
    Case("calllog/get", lambda device: device.call_log.get(CallKind.MISSED)),
    Case("calllog/clear", lambda device: device.call_log.clear(CallKind.MISSED)),
    Case("calllog/export", opened(lambda device: device.call_log.export())),
    Case("doorlog/get", lambda device: device.door_log.get(page=1)),
    Case("doorlog/clear", lambda device: device.door_log.clear()),
    Case("doorlog/export", opened(lambda device: device.door_log.export())),
    Case("pcap/status", lambda device: device.capture.status()),
    Case("pcap/start", lambda device: device.capture.start(seconds=60)),
    Case("pcap/stop", lambda device: device.capture.stop(), recording),
    Case("pcap/export", opened(lambda device: device.capture.export()), recording),
    Case("user/info", lambda device: device.users.default_id()),
    Case("privatekey/get", lambda device: device.private_keys.get()),
    Case("privatekey/clear", lambda device: device.private_keys.clear()),
    Case("privatekey/export", opened(lambda device: device.private_keys.export())),
    Case("rfkey/get", lambda device: device.cards.get()),
    Case("rfkey/clear", lambda device: device.cards.clear()),
    Case("rfkey/export", opened(lambda device: device.cards.export())),
    Case("contact/get", lambda device: device.contacts.get()),
    Case("contact/clear", lambda device: device.contacts.clear()),
    Case("contact/export", opened(lambda device: device.contacts.export("xml")), contact),
    Case("group/get", lambda device: device.groups.get()),
    Case("group/clear", lambda device: device.groups.clear()),
    Case("dialreplace/get", lambda device: device.replacements.get()),
    Case("dialreplace/clear", lambda device: device.replacements.clear()),
    Case("dialreplace/export", opened(lambda device: device.replacements.export())),
    Case("user/get", lambda device: device.users.get(page=1)),
    Case("user/clear", lambda device: device.users.clear()),
    Case("user/export", opened(lambda device: device.users.export())),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("auth", ["4", "1"], ids=["digest", "basic"])
async def test_each_function_works_by_both_methods(start: Start, case: Case, method: str, auth: str) -> None:
    bench = await start(case.dialect, auth=auth, speed=50)
    device = bench.device(post=method == "POST")
    if case.before is not None:
        await case.before(device)
    bench.seen()
    await case.ask(device)
    # A file of users is fetched after the question where it is.
    last = [request for request in bench.seen() if request.function is not None][-1]
    assert (last.method, last.path, last.status) == (method, f"/api/{case.path}", 200)
    assert last.retcode is not None
    assert last.retcode >= 0
    if method == "POST":
        # Parameters of a POST are in its body.
        assert last.query == {}


async def test_a_contact_by_get(bench: Bench) -> None:
    """The example of the manual's introduction (HTTP API Method: GET)."""
    data = await bench.client().call(protocol.CONTACT_ADD_ONE, {"name": "Johnson", "phone": "110"})
    assert data["id"] == 1


@pytest.mark.parametrize(("post", "refused", "taken"), [(False, "GET", "POST"), (True, "POST", "GET")])
async def test_the_supported_method_of_each_function_is_learned_once(
    start: Start, monkeypatch: pytest.MonkeyPatch, post: bool, refused: str, taken: str
) -> None:
    """If neither method is supported, the first error is raised."""
    bench = await start("r29", auth="0")
    monkeypatch.setattr(
        "tests.simulators.akuvox.pipeline.methods",
        lambda _, name: frozenset() if name == "relay/get" else frozenset({taken}),
    )
    device = bench.device(post=post)
    for _ in range(2):
        assert await device.relay.status()
    assert [request.method for request in bench.seen()] == [refused, taken, taken]
    with pytest.raises(Exception, match="unsupport action"):
        await device.relay.get()


def rows() -> dict[str, set[str]]:
    """Return the functions of the manual and of devices with their methods, but for those that are only named."""
    found: dict[str, set[str]] = {}
    data = json.loads(DATA.read_text(encoding="utf-8"))
    for row in [*data["endpoints"], *data["beyond"]]:
        if row.get("played", True) and row["path"].startswith("/api/"):
            found.setdefault(row["path"], set()).update(row["methods"])
    return found


def test_each_function_that_has_both_methods_is_tested_by_both() -> None:
    ours = {f"/api/{case.path}" for case in CASES}
    both = {path for path, methods in rows().items() if methods >= {"GET", "POST"}}
    # These two have GET on one device each.
    assert both - ours == {"/api/config/set", "/api/contact/add"}
    assert ours <= both


def test_each_row_of_the_manual_is_a_row_here() -> None:
    here: dict[str, set[str]] = {}
    for value in vars(protocol).values():
        parts = [getattr(value, name) for name in value.__slots__] if isinstance(value, ListEndpoints) else [value]
        for part in parts:
            if isinstance(part, Endpoint):
                here.setdefault(part.path, set()).update(part.methods)
    del here["/api/group/export"], here["/api/group/import"]  # a list has them, the list of groups does not
    assert here == rows()
