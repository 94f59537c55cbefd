"""Audio, email, captures, automation and the doorbell of the 2N simulator (HTTP API 5.11 to 5.13, 5.19, 5.5.4)."""

from collections.abc import Iterator
import struct
from typing import Any

import pytest

from tests.simulators.common.pcap import blocks
from tests.simulators.two_n import Timing

from .conftest import OK, Api, Factory, failure, until

# ---- 5.11 ----


@pytest.mark.parametrize("result", ["passed", "failed"])
async def test_an_audio_test_is_logged_with_its_result(device: Factory, result: str) -> None:
    """The result is logged a moment later."""
    api = await device(timing=Timing(audio_test=1.0))
    api.sim.set_audio_result(result)
    await api.do("audio/test")
    assert await api.events("AudioLoopTest") == []
    await until(lambda: api.sim.history[-1].name == "AudioLoopTest")
    assert api.sim.history[-1].params == {"result": result}


@pytest.mark.parametrize("model", ["access_unit", "indoor"])
async def test_a_model_without_an_audio_test_rejects_it(device: Factory, model: str) -> None:
    assert await (await device(model)).error("audio/test") == (1, None)


# ---- 5.12 ----


async def test_an_email_is_sent_with_its_pictures(api: Api) -> None:
    await api.do("email/send", to="somebody@email.com", subject="Hello", body="Hello")
    pictures = {"pictureCount": 5, "timeSpan": 10, "width": 640, "height": 480}
    assert await api.send("POST", "email/send", data={"to": "a@b.c", "subject": "Ring", **map_text(pictures)}) == OK
    first, second = api.sim.email.outbox
    assert first == ("somebody@email.com", "Hello", "Hello", 0, 0, None)
    assert second == ("a@b.c", "Ring", "", 5, 10, (640, 480))


def map_text(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"to": None}, (11, "to")),
        ({"subject": None}, (11, "subject")),
        ({"to": "nobody"}, (12, "to")),
        ({"pictureCount": 6}, (12, "pictureCount")),
        ({"pictureCount": -1}, (12, "pictureCount")),
        ({"timeSpan": "long"}, (12, "timeSpan")),
        ({"width": 640}, (11, "height")),
        ({"height": 480}, (11, "width")),
        ({"width": 641, "height": 480}, (12, "width")),
        ({"width": 640, "height": 481}, (12, "height")),
    ],
)
async def test_invalid_email_parameters_are_rejected(api: Api, params: dict[str, Any], error: tuple[int, str]) -> None:
    wanted = {"to": "a@b.c", "subject": "Ring", **params}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    assert await api.error("email/send", **wanted) == error
    assert api.sim.email.outbox == []


# ---- 5.13 ----


def records(data: bytes) -> Iterator[bytes]:
    """Read a capture as Wireshark does."""
    assert struct.unpack("<IHH", data[:8]) == (0xA1B2C3D4, 2, 4)
    assert struct.unpack("<I", data[20:24]) == (1,)
    data = data[24:]
    while data:
        _, _, held, length = struct.unpack("<IIII", data[:16])
        assert held == length <= len(data) - 16
        yield data[16 : 16 + held]
        data = data[16 + held :]


async def download(api: Api) -> bytes:
    async with api.session.get(api.url("pcap")) as response:
        data = await response.read()
        assert response.content_length == len(data)
        return data


@pytest.mark.parametrize("size", [24, 40, 553, 567, 100_000])
async def test_a_packet_capture_has_the_set_size(api: Api, size: int) -> None:
    api.sim.pcap_content_type = "application/octet-stream"
    await api.do("pcap/stop")
    api.sim.set_pcap_size(size)
    data = await download(api)
    assert len(data) == size
    packets = list(records(data))
    assert (len(packets) > 0) is (size > 24)
    with pytest.raises(ValueError, match="packet"):
        api.sim.set_pcap_size(30)


async def test_restart_deletes_the_packet_capture(api: Api) -> None:
    """`restart` deletes all records and begins again, `stop` ends it."""
    await api.do("pcap/stop")
    before = await download(api)
    assert await download(api) == before
    await api.do("pcap/restart")
    begun = await download(api)
    assert len(begun) < len(before)
    assert len(await download(api)) > len(begun)
    await api.do("pcap/stop")
    assert len(await download(api)) == len(await download(api))


async def test_a_capture_has_the_content_type_of_the_manual(api: Api) -> None:
    """5.13.1 calls it application/json."""
    async with api.session.get(api.url("pcap")) as response:
        assert response.content_type == "application/json"
        assert (await response.read())[:4] == bytes.fromhex("d4c3b2a1")


async def test_large_captures_are_not_held(api: Api) -> None:
    api.sim.set_pcap_size(64 * 2**20)
    async with api.session.get(api.url("pcap")) as response:
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
    assert size == 64 * 2**20
    assert max(len(piece) for piece in blocks(0, 2**20)) < 2**17


async def test_a_live_capture_continues_until_it_is_stopped(api: Api) -> None:
    """Without `duration` the chunked download continues until it is stopped."""
    assert await api.result("pcap/live/stats") == {"running": False, "bytesSent": 0, "packetsSent": 0}
    await api.do("pcap/live/stop")
    async with api.session.get(api.url("pcap/live")) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        data = await response.content.readexactly(24 + 528 * 8)
        stats = await api.result("pcap/live/stats")
        assert stats["running"] is True
        assert stats["bytesSent"] == 24 + 528 * stats["packetsSent"] >= len(data)
        # "If a packet capture is already running, another packet capture cannot be started."
        assert await api.error("pcap/live") == (18, None)
        await api.do("pcap/live/stop")
        data += await response.read()
    assert len(list(records(data))) >= 8
    assert await api.result("pcap/live/stats") == {"running": False, "bytesSent": 0, "packetsSent": 0}


async def test_a_live_capture_ends_after_its_duration(api: Api) -> None:
    for duration in ("-1", "long"):
        assert await api.error("pcap/live", duration=duration) == (12, "duration")
    async with api.session.get(api.url("pcap/live"), params={"duration": "4"}) as response:
        data = await response.read()
    assert len(list(records(data))) > 8
    assert (await api.result("pcap/live/stats"))["running"] is False


async def test_a_live_capture_ends_with_its_connection(api: Api) -> None:
    """The download can be severed by its receiver."""
    async with api.session.get(api.url("pcap/live"), params={"duration": "0"}) as response:
        await response.content.readexactly(24)
    await until(lambda: api.sim.capture.live is None)
    async with api.session.get(api.url("pcap/live")) as response:
        await response.content.readexactly(24)
        await api.sim.reboot(0)
    assert api.sim.capture.live is None


# ---- 5.19 ----


async def test_only_known_automation_triggers_are_accepted(api: Api) -> None:
    await api.do("automation/trigger", triggerId="openGate", car="blue")
    assert api.sim.automation.activations == [("openGate", {"car": "blue"})]
    assert await api.error("automation/trigger") == (11, "triggerId")
    answer = await api.get("automation/trigger", triggerId="nonsense")
    assert answer["error"] == {"code": 12, "param": "triggerId", "description": "HttpTrigger not found."}
    api.sim.set_triggers(["nonsense"])
    await api.do("automation/trigger", triggerId="nonsense")
    assert failure(await api.send("POST", "automation/trigger", data={"triggerId": "nonsense"})) == (3, None)
    assert await api.error("automation/trigger/openGate") == (2, None)


async def test_a_trigger_name_may_be_in_the_path(device: Factory) -> None:
    """2N OS."""
    api = await device("verso3")
    assert await api.send("POST", "automation/trigger/openGate?car=blue", data={"colour": "red"}) == OK
    assert api.sim.automation.activations == [("openGate", {"car": "blue", "colour": "red"})]
    assert failure(await api.send("POST", "automation/trigger/nonsense", data={"a": "b"})) == (12, "triggerId")
    assert await api.error("automation/trigger/openGate") == (3, None)


# ---- 5.5.4 of the later manuals ----

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_the_doorbell_is_in_the_call_log(device: Factory) -> None:
    """It rings in the apartment and is in the call log; no key is pressed."""
    api = await device("indoor", firmware="3.3.1.82.4")
    assert await api.send("POST", "io/doorbell", headers=FORM) == OK
    assert api.sim.doorbell.rings == 1
    assert [record["callType"] for record in (await api.result("phone/calllog"))["callLog"]] == ["doorbell"]
    assert await api.events("KeyPressed", "InputChanged", "CallStateChanged") == []
    assert await api.error("io/doorbell") == (3, None)


async def test_the_doorbell_button_changes_an_input(device: Factory) -> None:
    api = await device("indoor")
    api.sim.ring_doorbell()
    assert [params["state"] for _, params in await api.events("InputChanged")] == [True, False]
    assert (await api.result("phone/calllog"))["callLog"][0]["callType"] == "doorbell"
    verso = await device("verso")
    with pytest.raises(ValueError, match="answering"):
        verso.sim.ring_doorbell()
