"""GET and POST "are equivalent from the viewpoint of HTTP API" (2.1): each function of the table by both (chapter 5)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
import json
from pathlib import Path
from types import MappingProxyType

from PIL import Image
import pytest

from custom_components.ip_intercom.systems.common.errors import NotSupported
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, protocol
from custom_components.ip_intercom.systems.two_n.client.client import is_permitted
from custom_components.ip_intercom.systems.two_n.client.protocol import Endpoint
from tests.simulators.two_n import make_firmware

from .conftest import Bench, Start

DATA = Path(__file__).parents[3] / "data" / "two_n_api.json"
ALICE = "54877B0E-4CC3-C645-9530-6C7850F47A9C"
EVENT = "bc4baad9-d2cd-4706-986f-b942963bfa9f"
PLATE = "ABC123"

type Ask = Callable[[TwoNClient, Endpoint, Mapping[str, str]], Awaitable[object]]


async def call(client: TwoNClient, endpoint: Endpoint, params: Mapping[str, str]) -> object:
    """Answered with JSON."""
    return await client.call(endpoint, params)


async def fetch(client: TwoNClient, endpoint: Endpoint, params: Mapping[str, str]) -> object:
    """Answered with a picture."""
    return (await client.fetch(endpoint, params, max_bytes=2**20)).content_type


async def download(client: TwoNClient, endpoint: Endpoint, params: Mapping[str, str]) -> object:
    """Answered with a file."""
    async with client.download(endpoint, params) as stream:
        return [chunk async for chunk in stream.chunks()]


@dataclass(frozen=True)
class Case:
    """How to ask a function so that it answers with success, on which device, and after what."""

    endpoint: Endpoint
    params: Mapping[str, str] = MappingProxyType({})
    ask: Ask = call
    model: str = "verso3"
    before: Callable[[Bench], Awaitable[Mapping[str, str] | None]] | None = None


async def subscribed(bench: Bench) -> Mapping[str, str]:
    return {"id": str(await bench.device().log.subscribe(["KeyPressed"], "all", 60))}


async def ringing(bench: Bench) -> Mapping[str, str]:
    return {"session": str(bench.sim.incoming_call())}


async def uploaded(bench: Bench) -> Mapping[str, str]:
    content = make_firmware("verso2", "3.4.0.90.1")
    return {"fileId": (await bench.device().firmware.upload(BytesIO(content), "x", len(content))).id}


async def seen(bench: Bench) -> None:
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    await bench.device().lpr.recognize(EVENT, 0, PLATE, picture.getvalue())


FRAME = {"width": "160", "height": "120", "source": "internal"}
MAIL = {"to": "me@example.com", "subject": "Hello & goodbye", "body": "Ž"}
# By the order of protocol.py.
CASES = (
    Case(protocol.SYSTEM_INFO),
    Case(protocol.SYSTEM_STATUS),
    Case(protocol.SYSTEM_RESTART),
    Case(protocol.SWITCH_CAPS, {"switch": "1"}),
    Case(protocol.SWITCH_STATUS, {"switch": "1"}),
    Case(protocol.SWITCH_CTRL, {"switch": "1", "action": "hold", "timeout": "30"}),
    Case(protocol.SWITCH_CTRL, {"switch": "1", "action": "trigger"}),
    Case(protocol.IO_CAPS, {"port": "relay1"}),
    Case(protocol.IO_STATUS, {"port": "relay1"}),
    Case(protocol.IO_CTRL, {"port": "output1", "action": "on"}),
    Case(protocol.PHONE_STATUS, {"account": "2"}),
    Case(protocol.CALL_STATUS, before=ringing),
    Case(protocol.CALL_DIAL, {"number": "sip:100@pbx;transport=tls"}),
    Case(protocol.CALL_ANSWER, before=ringing),
    Case(protocol.CALL_HANGUP, {"reason": "busy"}, before=ringing),
    Case(protocol.CAMERA_CAPS),
    Case(protocol.CAMERA_SNAPSHOT, FRAME, fetch),
    Case(protocol.LOG_CAPS),
    Case(protocol.LOG_SUBSCRIBE, {"include": "new", "filter": "KeyPressed,KeyReleased", "duration": "60"}),
    Case(protocol.LOG_UNSUBSCRIBE, before=subscribed),
    Case(protocol.LOG_PULL, {"timeout": "0"}, before=subscribed),
    Case(protocol.DIR_TEMPLATE),
    Case(protocol.SYSTEM_TIME),
    Case(protocol.SYSTEM_TIME_SET, {"time": "1790000000"}),
    Case(protocol.SYSTEM_DEVICENAME, {"deviceName": "Brána & vrata"}),
    Case(protocol.FIRMWARE_APPLY, before=uploaded),
    Case(protocol.FIRMWARE_REJECT, before=uploaded),
    Case(protocol.CONFIG, ask=download),
    Case(protocol.CONFIG_FACTORYRESET),
    Case(protocol.PHONE_CALLLOG),
    Case(protocol.DISPLAY_CAPS),
    Case(protocol.AUDIO_TEST),
    Case(protocol.EMAIL_SEND, MAIL),
    Case(protocol.PCAP, ask=download),
    Case(protocol.PCAP_RESTART),
    Case(protocol.PCAP_STOP),
    Case(protocol.PCAP_LIVE, {"duration": "10"}, download),
    Case(protocol.PCAP_LIVE_STOP),
    Case(protocol.PCAP_LIVE_STATS),
    Case(protocol.LPR_IMAGE, {"plateText": PLATE}, fetch, before=seen),
    Case(protocol.ACCESS_BLOCKING_CTRL, {"id": "0", "action": "on"}),
    Case(protocol.ACCESS_BLOCKING_STATUS, {"id": "0"}),
    Case(protocol.ACCESS_GRANT, {"id": "0", "user": ALICE}),
    Case(protocol.LIFT_GRANT, {"user": ALICE, "duration": "60"}, model="access_unit"),
)


def name(case: Case) -> str:
    return case.endpoint.path.removeprefix("/api/")


@pytest.mark.parametrize("case", CASES, ids=name)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("auth", ["digest", "basic"])
async def test_each_function_works_by_both_methods(start: Start, case: Case, method: str, auth: str) -> None:
    bench = await start(case.model, speed=50)
    params = dict(case.params)
    if case.before is not None:
        params |= await case.before(bench) or {}
    for service in ("system", "phone", "access_control", "switch", "camera", "display", "email"):
        bench.sim.set_auth(service, auth)
    bench.seen()
    answer = await case.ask(bench.client(), replace(case.endpoint, method=method), params)
    last = bench.seen()[-1]
    assert (last.method, last.path, last.status, last.error_code) == (method, case.endpoint.path, 200, None)
    # Parameters of a POST are a form: they are in no address.
    assert last.query == (params if method == "GET" else {})
    assert answer is not None


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_motion_jpeg_works_by_both_methods(bench: Bench, method: str) -> None:
    endpoint = replace(protocol.CAMERA_SNAPSHOT, method=method)
    async with bench.client().open(endpoint, FRAME | {"fps": "5"}) as stream:
        assert await anext(stream.chunks())


def rows() -> Mapping[str, set[str]]:
    """Return the functions of the manual and their methods, but for those that it only names."""
    found: dict[str, set[str]] = {}
    for row in json.loads(DATA.read_text(encoding="utf-8"))["endpoints"]:
        if row.get("played", True):
            found.setdefault(row["path"], set()).update(row["methods"])
    return found


def test_the_table_of_the_manual_is_complete() -> None:
    both = {path for path, methods in rows().items() if methods >= {"GET", "POST"}}
    assert both == {case.endpoint.path for case in CASES}


def test_each_row_of_the_manual_is_a_row_here() -> None:
    here: dict[str, set[str]] = {}
    for endpoint in vars(protocol).values():
        if isinstance(endpoint, Endpoint):
            here.setdefault(endpoint.path, set()).add(endpoint.method)
    assert here.keys() == rows().keys()
    for path, methods in rows().items():
        # Of GET and POST, which are equal, one will do.
        assert methods - here[path] <= {"GET", "POST"} and here[path] <= methods, path


@pytest.mark.parametrize("firmware", [None, "3.3.1.82.4"])
async def test_a_post_without_parameters_sends_a_form(start: Start, firmware: str | None) -> None:
    """Firmware 2.50 answers one without with code 14, or ignores it (field notes 3.4)."""
    bench = await start("indoor", firmware=firmware)
    client = bench.client()
    for endpoint in (protocol.SYSTEM_STATUS, protocol.PHONE_STATUS, protocol.LOG_CAPS):
        assert await client.call(replace(endpoint, method="POST"))
    bench.sim.post_refused = True
    assert await is_permitted(client.call(replace(protocol.SYSTEM_STATUS, method="POST")))
    if firmware is None:
        with pytest.raises(NotSupported):
            await client.call(protocol.IO_DOORBELL)
