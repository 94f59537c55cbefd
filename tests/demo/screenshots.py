"""The pictures of the README, taken from the running demo in Chromium."""

import argparse
import asyncio
from datetime import datetime, timedelta
import json
import shutil
import sys
import tempfile

from playwright.async_api import Page, async_playwright  # type: ignore[import-not-found]  # in the docs environment only

from .__main__ import DISPLAY, run, show_dashboard
from .account_check import INTERCOM
from .akuvox import PLANS, PUSHING
from .check import KNOWN_CARD
from .checks import say
from .dashboard import URL_PATH
from .extension_check import DOOR, PARCEL, plan_conference
from .home_assistant import PASSWORD, USERNAME
from .photo import side_by_side
from .stage import DOMAIN, ROOT, Stage, set_up
from .transfer_check import VERSION, write_firmware

WIDTH, HEIGHT = 1280, 900
# Wide enough for six columns; it ends here.
DASHBOARD_SIZE = 2360, 780
FIRMWARE_SIZE = 960, 510
MEDIA_SIZE = 1100, 440
# As wide as the form of an action needs, and high enough for all of it.
FORM_SIZE = 640, 1000
MESSAGE = {"title": "Just a moment", "message": "We are on our way to the gate."}
ANNAS_PIN = "60718"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
TIMEOUT = 30_000.0
NARROW_SIDEBAR = "localStorage.setItem('dockedSidebar', '\"auto\"')"


async def play(stage: Stage) -> None:
    """Create events of a morning at the gate for the pictures."""
    home, simulator, entities = stage.home_assistant, stage.simulator, await stage.entities()
    for alarm in ("motion", "noise", "tamper", "unauthorized_door", "door_too_long"):
        await simulator.do(alarm, state=False)
    await simulator.do("door", opened=False)
    for event in ("SwitchesBlocked", "ApLockStateChanged", "AccessLimited"):
        await simulator.do("emit", event=event, state="out")
    await simulator.do("swipe_card", uid=KNOWN_CARD)
    lock = entities["door_1_door"]
    for state in ("unlocked", "locked"):
        await home.wait_state(lock, state, 10.0)
    session = await simulator.do("press", key="%2")
    await home.wait_state(entities["call_state"], "ringing")
    await home.act("lock.open", lock)
    await simulator.do("terminate", session=session)
    for state in ("unlocked", "locked"):
        await home.wait_state(lock, state, 10.0)
    await simulator.do("press", key="%1")
    await home.wait_state(entities["call_state"], "ringing")


async def play_akuvox(stage: Stage) -> None:
    """Let a resident come home by the side door, and a visitor ring."""
    home, device = stage.home_assistant, stage.akuvox[PUSHING]
    lock = device.entities["door_A_door"]
    await device.control.do("add_user", Name="Anna", PrivatePIN=ANNAS_PIN, ScheduleRelay="1001-1")
    await device.control.do("enter_code", code=ANNAS_PIN)
    await home.wait_state(device.entities["last_access"], lambda state: state[:1].isdigit(), 10.0)
    for state in ("unlocked", "locked"):
        await home.wait_state(lock, state, 20.0)
    await device.control.do("press")
    await home.wait_state(device.entities["last_visitor"], lambda state: state[:1].isdigit(), 10.0)


async def play_extension(stage: Stage) -> None:
    """Create a missed call, a message, two conferences, and a call from the door."""
    home, phone = stage.home_assistant, stage.extension
    assert phone is not None
    hour = datetime.now().astimezone().replace(minute=0, second=0, microsecond=0)
    for name, delay in (("Residents' meeting", timedelta(hours=2)), ("Handover of the keys", timedelta(days=1))):
        await plan_conference(home, phone.entities["conferences"], name, hour + delay, timedelta(minutes=45))
    await phone.control.do("hang_up", call=await phone.control.do("incoming_call", caller=PARCEL))
    await phone.control.do("leave_voicemail", caller=DOOR, duration=12)
    await home.wait_state(phone.entities["voicemail"], lambda state: state[:1].isdigit(), 10.0)
    await phone.control.do("incoming_call", caller=DOOR)
    await home.wait_state(phone.entities["call_state"], "ringing")


async def play_account(stage: Stage) -> None:
    """Create a ring at the apartment and a message of the operator."""
    home, flat = stage.home_assistant, stage.account
    assert flat is not None
    await flat.control.do("message", text="The elevator is out of order until noon.", title="Operator")
    await home.wait_state(flat.entities["message"], lambda state: state[:1].isdigit(), 10.0)
    await flat.control.do("ring", domophone=INTERCOM)
    await home.wait_state(flat.entities["bell_21_last_visitor"], lambda state: state[:1].isdigit(), 10.0)


async def listen(page: Page, stage: Stage) -> bytes:
    """Listen to the newest voicemail as a person does, and take the media browser while it plays."""
    assert stage.extension is not None
    title = stage.home_assistant.states[stage.extension.entities["call_state"]]["attributes"]["friendly_name"]
    await page.set_viewport_size({"width": MEDIA_SIZE[0], "height": MEDIA_SIZE[1]})
    await page.goto(f"{stage.url}/media-browser/browser")
    for folder in ("IP Intercom", title.removesuffix(" Call state")):
        await page.locator("ha-media-player-browse .child", has_text=folder).first.click()
    await page.locator("ha-media-player-browse mwc-list-item, ha-media-player-browse ha-list-item").first.click()
    await page.get_by_text("00:03", exact=True).wait_for()  # it plays
    return bytes(await page.screenshot())


async def log_in(page: Page, url: str, username: str = USERNAME, password: str = PASSWORD) -> None:
    """Log in as a person does."""
    await page.goto(url)
    await page.locator("input[name=username]").fill(username)
    await page.locator("input[name=password]").fill(password)
    await page.locator("input[name=password]").press("Enter")
    await page.locator("home-assistant-main").wait_for(state="attached")  # a phone hides the sidebar


async def take(page: Page, url: str, wanted: str, size: tuple[int, int], part: str | None = None) -> bytes:
    """Take a picture of a page, or a part of it, once it is complete and at rest."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.goto(url)
    await page.locator(wanted).first.wait_for()
    shown = page if part is None else page.locator(part).first
    before = b""
    async with asyncio.timeout(TIMEOUT / 1000):
        while True:
            busy = await page.locator("ha-spinner:visible, hui-error-card:visible").count()
            picture: bytes = await shown.screenshot()
            if not busy and picture == before:
                return picture
            before = picture
            await asyncio.sleep(0.5)


def keep(name: str, picture: bytes) -> None:
    """Write a picture of the README."""
    file = ROOT / "docs" / f"{name}.png"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(picture)
    say(f"  {file.relative_to(ROOT)}, {len(picture) // 1000} kB")


async def take_firmware(page: Page, stage: Stage) -> bytes:
    """Upload a firmware, and take a picture of the update dialog."""
    file = write_firmware(stage.files, VERSION, size=4096)
    await stage.home_assistant.ask(f"{DOMAIN}.upload_firmware", device_id=stage.device_id, filename=str(file))
    update = (await stage.entities())["firmware"]
    await stage.home_assistant.wait_state(update, "on")
    url = f"{stage.url}/config/devices/device/{stage.device_id}?more-info-entity-id={update}"
    return await take(page, url, "ha-more-info-dialog ha-markdown", FIRMWARE_SIZE)


async def take_display(page: Page, stage: Stage) -> bytes:
    """Send a message as a person does with the actions tool, and take it beside what the display shows."""
    notifier = (await stage.entities())[f"display_{DISPLAY}"]
    action = {"action": "notify.send_message", "target": {"entity_id": [notifier]}, "data": MESSAGE}
    await page.evaluate(
        "action => localStorage.setItem('panel-dev-action-state-service-data', action)", json.dumps(action)
    )
    url, button = f"{stage.url}/config/developer-tools/action", page.get_by_text("Perform action", exact=True)
    form = await take(page, url, "ha-service-control ha-selector", FORM_SIZE, "ha-card:has(ha-service-control)")
    await button.first.click()
    async with asyncio.timeout(TIMEOUT / 1000):
        while not (shown := await stage.simulator.display(DISPLAY)):
            await asyncio.sleep(0.1)
    await page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    await page.set_content(side_by_side(form, shown))
    return bytes(await page.locator("main").screenshot())


async def photograph(stage: Stage, chromium: str, profile: str) -> None:
    """Take every picture."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=FLAGS, headless=True, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light",
            locale="en-GB",
        )  # fmt: skip
        context.set_default_timeout(TIMEOUT)
        await context.add_init_script(NARROW_SIDEBAR)
        page = context.pages[0]
        await log_in(page, stage.url)
        keep("dashboard", await take(page, f"{stage.url}/{URL_PATH}", "hui-logbook-card", DASHBOARD_SIZE))
        device = f"{stage.url}/config/devices/device/{stage.device_id}"
        keep("device-page", await take(page, device, "ha-config-device-page", (WIDTH, HEIGHT)))
        akuvox = f"{stage.url}/config/devices/device/{stage.akuvox[PUSHING].device_id}"
        keep("akuvox", await take(page, akuvox, "ha-config-device-page", (WIDTH, HEIGHT)))
        assert stage.extension is not None
        extension = f"{stage.url}/config/devices/device/{stage.extension.device_id}"
        keep("extension", await take(page, extension, "ha-config-device-page", (WIDTH, HEIGHT)))
        assert stage.account is not None
        entrance = await stage.home_assistant.device_of_entity(stage.account.entities["door_21:0_door"])
        entrance_page = f"{stage.url}/config/devices/device/{entrance}"
        keep("entrance", await take(page, entrance_page, "ha-config-device-page", (WIDTH, HEIGHT)))
        keep("voicemail", await listen(page, stage))
        keep("firmware", await take_firmware(page, stage))
        keep("display", await take_display(page, stage))
        await context.close()


async def main(chromium: str) -> None:
    """Set the stage, play, and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="ip-intercom-chromium-", ignore_cleanup_errors=True) as profile:
        async with set_up(akuvox=[plan for plan in PLANS if plan.dialect == PUSHING], others=True) as stage:
            await stage.simulator.do("plug_module", name=DISPLAY, kind="display")
            await stage.add_intercom()
            await stage.add_akuvox()
            await stage.add_extension()
            await stage.add_account()
            await show_dashboard(stage)
            await play(stage)
            await play_akuvox(stage)
            await play_extension(stage)
            await play_account(stage)
            await photograph(stage, chromium, profile)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description="Take the pictures of the README.")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    sys.exit(run(main(parser.parse_args().chromium)))
