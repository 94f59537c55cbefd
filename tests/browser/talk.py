"""Talk by clicking: the demo's Home Assistant with a real go2rtc, a 2N with ONVIF, and an Akuvox that is called by SIP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import tempfile
import time
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.akuvox import RTSP, Akuvox, Plan
from tests.demo.checks import Checks, say
from tests.demo.recorded import errors
from tests.demo.screenshots import keep, log_in
from tests.demo.stage import DOMAIN, Stage, set_up
from tests.simulators.common.rtsp import RtspCamera, Ways
from tests.simulators.two_n.onvif import rtsp_server
from tests.talk.door import Door

from .chromium import TIMEOUT, profile
from .film import film
from .go2rtc import Go2rtc, find_go2rtc, go2rtc
from .live import PATH, Window, save_dashboard

# A microphone that beeps each second, without a question to the user.
MICROPHONE = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
VIEWER = ("viewer", "pw-V1ewer-64")
# The port of the RTSP server of an Akuvox; it cannot be set there.
RTSP_PORT = 554
PLAN = Plan(
    "e16c", "Side door", {"Config.DoorSetting.RTSP.MJPEGAuthorization": "0", "Config.DoorSetting.RTSP.Password": RTSP[1]},
    has_options=False,
)  # fmt: skip
# Seconds of viewing alone, and until what is awaited has to happen.
WATCHED, PATIENCE = 5.0, 20.0
# Pixels of the picture for the docs.
SIZE = {"width": 760, "height": 640}
# Notes the connections of a page, and the direction of the audio in each of its offers.
NOTE_OFFERS = """
    window.offers = [];
    window.connections = [];
    const original = RTCPeerConnection.prototype.setLocalDescription;
    RTCPeerConnection.prototype.setLocalDescription = async function (...given) {
        const result = await original.apply(this, given);
        window.connections.push(this);
        const audio = this.localDescription.sdp.split("m=").find((part) => part.startsWith("audio"));
        window.offers.push(audio.match(/a=(sendrecv|recvonly|sendonly|inactive)/)[1]);
        return result;
    };
"""
PLAYS = """() => { const find = (root, name) => [...root.querySelectorAll("*")].flatMap((element) =>
    [...(element.localName === name ? [element] : []), ...(element.shadowRoot ? find(element.shadowRoot, name) : [])]);
    return find(document, "video").some((video) => video.videoWidth > 0 && video.currentTime > 0.5); }"""
# The energy of the sound that the last connection has played, in full scale times seconds.
ENERGY = """async () => { const stats = await window.connections.at(-1).getStats();
    return [...stats.values()].find((one) => one.type === "inbound-rtp" && one.kind === "audio")?.totalAudioEnergy ?? 0; }"""
# 20 ms of a loud tone of 1 kHz as PCMU.
TONE = (b"\x10" * 4 + b"\x90" * 4) * 20
# Loudness that only a beep has, as the exponent of G.711 (ITU-T G.711, table 2a).
LOUD = 4


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition of the simulators."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {PATIENCE:g} s") from None


def beeps(payloads: Sequence[bytes]) -> bool:
    """Return whether sound in PCMU has a beep and silence."""
    loud = [max(~byte >> 4 & 7 for byte in payload) >= LOUD for payload in payloads if payload]
    return any(loud) and not all(loud)


@dataclass(frozen=True, slots=True)
class House:
    """The simulated devices, as a visitor uses them."""

    stage: Stage
    rtsp: RtspCamera
    camera: RtspCamera
    door: Door
    akuvox: Akuvox
    # Whether the Akuvox has an RTSP server.
    streams: bool

    def heard_at_two_n(self) -> list[bytes]:
        """Return the sound that arrived at the 2N."""
        return [packet[12:] for packet in self.rtsp.microphone]


@asynccontextmanager
async def house(server: Go2rtc) -> AsyncIterator[House]:
    """Start Home Assistant with go2rtc, and the devices with their cameras; talk is not turned on yet."""
    more = f"go2rtc:\n  url: {server.url}\n"
    rtsp, camera = rtsp_server(), RtspCamera(Ways(login="digest"), dict((RTSP,)))
    rtsp.users, rtsp.ways.takes_basic, camera.port = dict((VIEWER,)), True, RTSP_PORT
    async with set_up(more=more, akuvox=[PLAN], log_level="debug") as stage, rtsp, Door() as door:
        streams = True
        try:
            await camera.start()
        except OSError as error:
            streams = False
            say(
                f"      the Akuvox shows snapshots: no RTSP server can be started on port {RTSP_PORT} ({os.strerror(error.errno or 0)})"
            )
        try:
            await stage.simulator.do("set_stream", port=rtsp.port, users=rtsp.users)
            await stage.add_intercom()
            await stage.add_akuvox()
            (akuvox,) = stage.akuvox.values()
            await _set_accounts(stage, akuvox, rtsp, door, streams=streams)
            rtsp.film = camera.film = film((await stage.home_assistant.picture(await camera_of_two_n(stage)))[1])
            yield House(stage, rtsp, camera, door, akuvox, streams)
        finally:
            if streams:
                await camera.stop()


async def _set_accounts(stage: Stage, akuvox: Akuvox, rtsp: RtspCamera, door: Door, *, streams: bool) -> None:
    home = stage.home_assistant
    account = dict(zip(("stream_username", "stream_password"), VIEWER, strict=True))
    # Nothing listens there: a 2N without the track is not called instead.
    path = f"rtsp://127.0.0.1:{rtsp.port}/h264_stream"
    result = await home.set_options(stage.entry_id, {"stream": account | {"stream_path": path, "sip_port": 9}})
    assert result["type"] == "create_entry", result
    port = str(akuvox.addresses["camera"]).rpartition(":")[2]
    stream: dict[str, Any] = {"picture_port": int(port), "sip_port": door.port}
    if streams:
        stream |= {"stream_username": RTSP[0], "stream_password": RTSP[1]}
    await akuvox.choose(home, {"push": False, "show_names": True, "stream": stream, "opening": {}}, probe="door_A_door")


async def camera_of_two_n(stage: Stage) -> str:
    """Return the camera at the door."""
    return (await stage.entities())["camera_internal"]


class Dialog:
    """The dialog of a camera, and its buttons."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.page: Page = window.page
        self.dialog: Locator = self.page.locator("ha-more-info-dialog")
        self.start: Locator = self.dialog.get_by_role("button", name="Start talking")
        self.stop: Locator = self.dialog.get_by_role("button", name="Stop talking")

    async def open(self, stage: Stage, entity_id: str, *, streams: bool = True) -> None:
        """Open the dialog, and wait until it shows video or a picture."""
        await self.window.open(stage, f"{PATH}/door?more-info-entity-id={entity_id}")
        if streams:
            await self.plays()
        else:
            await expect(self.dialog.locator("ha-camera-stream img")).to_be_visible(timeout=TIMEOUT)

    async def plays(self) -> None:
        """Wait until the video plays."""
        await self.page.wait_for_function(PLAYS)

    async def close(self) -> None:
        """Close the dialog."""
        await self.page.keyboard.press("Escape")
        await expect(self.dialog.locator("video")).to_have_count(0)

    async def offers(self) -> list[str]:
        """Return the directions of the audio in all offers since the page was loaded."""
        found: list[str] = await self.page.evaluate("window.offers")
        return found


async def check_talk(checks: Checks, chromium: Browser) -> None:
    """Run all checks of talk."""
    if (binary := find_go2rtc()) is None:
        say("talk: skipped, there is no go2rtc (npm gets it; or set IP_INTERCOM_GO2RTC)")
        return
    with tempfile.TemporaryDirectory(prefix="ip-intercom-go2rtc-") as folder:
        async with go2rtc(binary, Path(folder)) as server, house(server) as home, profile(chromium) as context:
            await context.add_init_script(NOTE_OFFERS)
            window = Window(await context.new_page())
            await log_in(window.page, home.stage.url)
            await _prepare(checks, home, server)
            await _turn_on(checks, home, window)
            dialog = Dialog(window)
            await _check_two_n(checks, home, dialog)
            await _check_akuvox(checks, home, dialog)
            await _check_card(checks, home, dialog)
            await _check_without_track(checks, home, dialog)
            with checks("no error of the integration in the console, in responses, and in the log"):
                window.check()
                found = [line for line in errors(home.stage.log) if DOMAIN in line]
                assert not found, "\n".join(found)
            with checks("no password in the log"):
                for _, password in (VIEWER, RTSP):
                    assert password not in home.stage.log


async def _prepare(checks: Checks, home: House, server: Go2rtc) -> None:
    client = home.stage.home_assistant
    with checks("Home Assistant accepts go2rtc") as details:
        entries = await client.command("config_entries/get", domain="go2rtc")
        assert [entry["state"] for entry in entries] == ["loaded"], entries
        details.append(server.version)
    with checks("the preview Two-way audio is turned on"):
        feature = {"domain": "camera", "preview_feature": "two_way_audio"}
        await client.command("labs/update", **feature, enabled=True)
    await save_dashboard(home.stage)


async def _turn_on(checks: Checks, home: House, window: Window) -> None:
    """Turn on talk in the options of both devices."""
    dialog = Dialog(window)
    cameras = {await camera_of_two_n(home.stage): True, home.akuvox.entities["camera_main"]: home.streams}
    with checks("without the option no camera offers to talk"):
        for camera, streams in cameras.items():
            await dialog.open(home.stage, camera, streams=streams)
            await expect(dialog.start).to_have_count(0)
    listed = await home.stage.home_assistant.command("config_entries/get", domain=DOMAIN)
    titles = {entry["entry_id"]: entry["title"] for entry in listed}
    entries = (home.stage.entry_id, "ONVIF"), (home.akuvox.entry_id, "SIP")
    for (entry_id, way), title in zip(entries, ("2N", "Akuvox"), strict=True):
        name = titles[entry_id]
        with checks(f"{title}: the option is turned on, and the options say that talk works") as details:
            await _choose(home, window, name)
            details.append(await _sensor(home, entry_id, way))


async def _sensor(home: House, entry_id: str, way: str) -> str:
    """Wait until the talk sensor shows a route."""
    client = home.stage.home_assistant
    async with asyncio.timeout(PATIENCE):
        while (sensor := (await client.entities_of(entry_id)).get("talk")) is None:
            await asyncio.sleep(0.2)  # the entry reloads
    return str((await client.wait_state(sensor, lambda state: state.startswith(way.lower()), PATIENCE))["state"])


async def _choose(home: House, window: Window, title: str) -> None:
    page = window.page
    await window.open(home.stage, f"config/integrations/integration/{DOMAIN}")
    row = page.locator("ha-config-entry-row", has_text=title)
    await row.get_by_role("button", name="Configure").first.click()
    form = page.locator("dialog-data-entry-flow")
    option = form.get_by_role("checkbox", name="Talk to visitors")
    await option.focus()
    await option.press("Space")
    await expect(option).to_be_checked()
    await form.get_by_role("button", name="Submit").click()
    await expect(form.get_by_text("Talk works")).to_be_visible()
    await form.get_by_role("button", name="Submit").click()
    finish = form.get_by_role("button", name="Finish")
    await finish.click()
    await expect(finish).to_have_count(0)


async def _check_two_n(checks: Checks, home: House, dialog: Dialog) -> None:
    rtsp = home.rtsp
    with checks("2N: a viewer offers no microphone, and the door hears nothing") as details:
        await dialog.open(home.stage, await camera_of_two_n(home.stage))
        await expect(dialog.start).to_be_visible()
        await asyncio.sleep(WATCHED)
        assert (rtsp.talking, rtsp.microphone) == (0, [])
        offers = await dialog.offers()
        assert set(offers) == {"recvonly"}
        details.append(f"audio {offers[-1]}")
    with checks("2N: Start talking lets the door hear the microphone") as details:
        begin = time.monotonic()
        await dialog.start.click()
        await until(lambda: bool(rtsp.microphone), "the microphone")
        details.append(f"first packet {time.monotonic() - begin:.1f} s after the click")
        await until(lambda: beeps(home.heard_at_two_n()), "the beep")
        assert (await dialog.offers())[-1] == "sendrecv"
        await expect(dialog.stop).to_be_visible()
        await dialog.plays()
    with checks("2N: Stop talking ends it, the video goes on"):
        await dialog.stop.click()
        await expect(dialog.start).to_be_visible()
        await _falls_silent(home)
        await dialog.plays()
    with checks("2N: to close the dialog ends it"):
        await dialog.start.click()
        before = len(rtsp.microphone)
        await until(lambda: len(rtsp.microphone) > before, "the microphone")
        await dialog.close()
        await until(lambda: rtsp.talking == 0, "the end")
        await _falls_silent(home)


async def _falls_silent(home: House) -> None:
    await asyncio.sleep(1)
    before = len(home.rtsp.microphone)
    await asyncio.sleep(1)
    assert len(home.rtsp.microphone) == before


async def _check_akuvox(checks: Checks, home: House, dialog: Dialog) -> None:
    door, camera = home.door, home.akuvox.entities["camera_main"]
    with checks("Akuvox: a viewer places no call") as details:
        await dialog.open(home.stage, camera)
        await expect(dialog.start).to_be_visible()
        await asyncio.sleep(WATCHED)
        assert door.invites == 0
        details.append(f"{door.invites} INVITEs in {WATCHED:g} s, audio {(await dialog.offers())[-1]}")
    with checks("Akuvox: Start talking calls the door once, which hears the microphone") as details:
        begin = time.monotonic()
        await dialog.start.click()
        await until(lambda: door.call is not None, "the call")
        details.append(f"{time.monotonic() - begin:.1f} s after the click")
        await until(lambda: beeps(door.listen()), "the beep")
        await expect(dialog.stop).to_be_visible()
        await dialog.plays()
        assert door.invites == 1
        details.append(f"{door.invites} INVITE, {len(door.heard)} packets of sound")
    with checks("Akuvox: the browser hears the door") as details:
        quiet = await _hears(dialog, lambda: None)
        loud = await _hears(dialog, lambda: door.say(TONE))
        details.append(f"energy {loud:.3f}, {quiet:.3f} in silence")
        assert loud > 10 * quiet + 0.01
    with checks("Akuvox: Stop talking ends the call, the video goes on") as details:
        begin = time.monotonic()
        await dialog.stop.click()
        await until(lambda: door.call is None, "the end of the call")
        details.append(f"after {time.monotonic() - begin:.1f} s")
        await dialog.plays()
    with checks("Akuvox: to close the dialog ends the call") as details:
        await dialog.start.click()
        await until(lambda: door.call is not None, "the second call")
        begin = time.monotonic()
        await dialog.close()
        await until(lambda: door.call is None, "the end of the call")
        assert door.invites == 2
        details.append(f"after {time.monotonic() - begin:.1f} s")


async def _hears(dialog: Dialog, say_20_ms: Callable[[], None]) -> float:
    """Return the energy of the sound in a browser while the door sends a tone for a second."""
    before: float = await dialog.page.evaluate(ENERGY)
    for _ in range(50):
        say_20_ms()
        await asyncio.sleep(0.02)
    after: float = await dialog.page.evaluate(ENERGY)
    return after - before


async def _check_card(checks: Checks, home: House, dialog: Dialog) -> None:
    with checks("the Talk of the door card leads to Start talking"):
        await dialog.window.open(home.stage, PATH)
        cards = dialog.page.locator("ip-intercom-door")
        await expect(cards.get_by_role("button", name="Talk", exact=True)).to_have_count(2)
        before = len(home.rtsp.microphone)
        await cards.first.get_by_role("button", name="Talk", exact=True).click()
        await dialog.start.click()
        await until(lambda: len(home.rtsp.microphone) > before, "the microphone")
        await dialog.close()


async def _check_without_track(checks: Checks, home: House, dialog: Dialog) -> None:
    with checks("2N: without a track to the door there is no Start talking") as details:
        home.rtsp.ways.speaker = None
        entities, client = await home.stage.entities(), home.stage.home_assistant
        details.append(await client.refusal("button.press", entities["check_talk"]))
        await client.wait_state(entities["talk"], "no_speaker")
        await dialog.open(home.stage, entities["camera_internal"])
        await expect(dialog.start).to_have_count(0)


async def take_talk(chromium: Browser) -> None:
    """Take the dialog of a camera while the user talks."""
    if (binary := find_go2rtc()) is None:
        say("docs/talk.png: skipped, there is no go2rtc")
        return
    options = {"device_scale_factor": 1, "color_scheme": "light", "viewport": SIZE}
    with tempfile.TemporaryDirectory(prefix="ip-intercom-go2rtc-") as folder:
        async with (
            go2rtc(binary, Path(folder)) as server,
            house(server) as home,
            profile(chromium, **options) as context,
        ):
            window = Window(await context.new_page())
            await log_in(window.page, home.stage.url)
            checks = Checks()
            await _prepare(checks, home, server)
            await _choose(home, window, "Front Gate")
            await _sensor(home, home.stage.entry_id, "ONVIF")
            dialog = Dialog(window)
            await dialog.open(home.stage, await camera_of_two_n(home.stage))
            await dialog.start.click()
            await until(lambda: bool(home.rtsp.microphone), "the microphone")
            await expect(dialog.stop).to_be_visible()
            await dialog.plays()
            await asyncio.sleep(1)
            keep("talk", await window.page.screenshot())
