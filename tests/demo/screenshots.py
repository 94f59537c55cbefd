"""The pictures of the README, taken from the running demo in Chromium."""

import argparse
import asyncio
from pathlib import Path
import shutil
import sys
import tempfile

from playwright.async_api import Page, async_playwright  # type: ignore[import-not-found]  # in the docs environment only

from .__main__ import run, show_dashboard
from .check import KNOWN_CARD
from .checks import say
from .dashboard import URL_PATH
from .home_assistant import PASSWORD, USERNAME
from .stage import ROOT, Stage, set_up

WIDTH, HEIGHT = 1280, 900
# The dashboard ends here.
DASHBOARD_HEIGHT = 680
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
TIMEOUT = 30_000.0
NARROW_SIDEBAR = "localStorage.setItem('dockedSidebar', '\"auto\"')"


async def play(stage: Stage) -> None:
    """Let a morning happen at the gate, so that there is something to see."""
    home, simulator, entities = stage.home_assistant, stage.simulator, await stage.entities()
    for alarm in ("motion", "noise", "tamper", "unauthorized_door", "door_too_long"):
        await simulator.do(alarm, state=False)
    await simulator.do("door", opened=False)
    await simulator.do("emit", event="SwitchesBlocked", state="out")
    await simulator.do("emit", event="ApLockStateChanged", state="out")
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


async def log_in(page: Page, url: str) -> None:
    """Log in as a person does."""
    await page.goto(url)
    await page.locator("input[name=username]").fill(USERNAME)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("input[name=password]").press("Enter")
    await page.locator("ha-sidebar").wait_for()


async def take(page: Page, url: str, wanted: str, file: Path, height: int = HEIGHT) -> None:
    """Take a page once what is wanted is there and everything is at rest."""
    await page.set_viewport_size({"width": WIDTH, "height": height})
    await page.goto(url)
    await page.locator(wanted).first.wait_for()
    before = b""
    async with asyncio.timeout(TIMEOUT / 1000):
        while True:
            busy = await page.locator("ha-spinner:visible, hui-error-card:visible").count()
            picture = await page.screenshot()
            if not busy and picture == before:
                break
            before = picture
            await asyncio.sleep(0.5)
    file.write_bytes(picture)
    say(f"  {file.relative_to(ROOT)}, {len(picture) // 1000} kB")


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
        docs = ROOT / "docs"
        docs.mkdir(exist_ok=True)
        await take(page, f"{stage.url}/{URL_PATH}", "hui-logbook-card", docs / "dashboard.png", DASHBOARD_HEIGHT)
        device = f"{stage.url}/config/devices/device/{stage.device_id}"
        await take(page, device, "ha-config-device-page", docs / "device-page.png")
        await context.close()


async def main(chromium: str) -> None:
    """Set the stage, play, and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="ip-intercom-chromium-", ignore_cleanup_errors=True) as profile:
        async with set_up() as stage:
            await stage.add_intercom()
            await show_dashboard(stage)
            await play(stage)
            await photograph(stage, chromium, profile)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description="Take the pictures of the README.")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    sys.exit(run(main(parser.parse_args().chromium)))
