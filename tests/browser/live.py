"""The door card and the pop-up in the demo: a real Home Assistant, a simulated 2N and Akuvox, and two browsers."""

import asyncio
from contextlib import AsyncExitStack
from statistics import median
import time
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.akuvox import PLANS, PUSHING
from tests.demo.checks import Checks, say
from tests.demo.home_assistant import PASSWORD, USERNAME, HomeAssistant
from tests.demo.recorded import errors
from tests.demo.screenshots import log_in
from tests.demo.stage import DOMAIN, Stage, set_up

from .chromium import Console, profile

PATH = "door-card"
ALICE, JIRI = "%1", "%2"
RINGS = 30
# The account in the second browser.
RESIDENT = ("resident", "pw-R3sident-55")
# Milliseconds: a tap, and longer than a hold.
TAP, LONG = 250, 1600
# Records in the page when the pop-up first has a picture: there is no event of this that leaves a shadow root.
WATCH_PICTURE = """() => {
    window.shownAt = null;
    const timer = setInterval(() => {
        const view = document.querySelector("ip-intercom-popup")?.shadowRoot.querySelector("ip-intercom-door-view");
        const images = view?.shadowRoot.querySelector("ip-intercom-picture").shadowRoot.querySelectorAll("img[src]") ?? [];
        if ([...images].some((image) => !image.classList.contains("failed") && image.naturalWidth > 0)) {
            window.shownAt = Date.now();
            clearInterval(timer);
        }
    }, 4);
}"""


async def add_resident(home: HomeAssistant) -> None:
    """Add a user who is no administrator."""
    username, password = RESIDENT
    created = await home.command("config/auth/create", name="Resident", group_ids=["system-users"])
    await home.command(
        "config/auth_provider/homeassistant/create", user_id=created["user"]["id"], username=username, password=password
    )


async def save_dashboard(stage: Stage) -> None:
    """Make a dashboard with a card for each intercom."""
    home, devices = stage.home_assistant, [stage.device_id, *(device.device_id for device in stage.akuvox.values())]
    await home.command(
        "lovelace/dashboards/create", url_path=PATH, title="Door", icon="mdi:doorbell-video", show_in_sidebar=True,
        require_admin=False,
    )  # fmt: skip
    cards = [{"type": "custom:ip-intercom-door", "device_id": device_id} for device_id in devices]
    sections = [{"type": "grid", "cards": [card]} for card in cards]
    view = {"type": "sections", "title": "Door", "path": "door", "sections": sections}
    await home.command("lovelace/config/save", url_path=PATH, config={"title": "Door", "views": [view]})


class Window:
    """A page in a browser of its own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console = Console(page)
        self.popup: Locator = page.get_by_role("alertdialog")
        self.card: Locator = page.locator("ip-intercom-door").first
        self.refused: list[str] = []
        page.on("response", self._take)

    def _take(self, response: Any) -> None:
        if response.status >= 400 and any(part in response.url for part in (DOMAIN, "camera_proxy", "image_proxy")):
            self.refused.append(f"{response.status} {response.url.partition('?')[0]}")

    async def open(self, stage: Stage, path: str) -> None:
        """Open a page of Home Assistant."""
        await self.page.goto(f"{stage.url}/{path}")

    @property
    def own_errors(self) -> list[str]:
        """The errors of this integration in the console."""
        return [error for error in self.console.errors if DOMAIN in error or "ip-intercom" in error]

    def check(self) -> None:
        """Raise if the page had an error of this integration."""
        own = self.own_errors
        assert own == [], own
        assert self.refused == [], self.refused


async def _released(stage: Stage) -> int:
    return len((await stage.simulator.state())["activations"])


async def check_live(checks: Checks, chromium: Browser) -> None:
    """Check the card and the pop-up, and measure how soon a picture is there."""
    plans = [plan for plan in PLANS if plan.dialect == PUSHING]
    async with set_up(akuvox=plans, log_level="info") as stage, AsyncExitStack() as stack:
        await stage.add_intercom()
        await stage.add_akuvox()
        await add_resident(stage.home_assistant)
        windows = []
        for account in ((USERNAME, PASSWORD), RESIDENT):
            context = await stack.enter_async_context(profile(chromium))
            window = Window(await context.new_page())
            await log_in(window.page, stage.url, *account)
            windows.append(window)
        await _check_card(checks, stage, windows[0])
        await windows[0].open(stage, PATH)
        await windows[1].open(stage, "profile")
        await check_rings(checks, stage, windows)
        await _measure(checks, stage, windows)
        await _check_visitors(checks, windows[0])
        await _check_picker(checks, stage, windows[0])
        with checks("pages load the module until the last entry is removed"):
            home = stage.home_assistant
            for entry_id in (stage.entry_id, *(device.entry_id for device in stage.akuvox.values())):
                assert f"/{DOMAIN}/".encode() in (await home.download("/"))[1]
                await home.remove(entry_id)
            assert f"/{DOMAIN}/".encode() not in (await home.download("/"))[1]
        with checks("no error of the integration in the consoles, in responses, and in the log"):
            for window in windows:
                window.check()
            found = [line for line in errors(stage.log) if DOMAIN in line]
            assert not found, "\n".join(found)


async def _check_card(checks: Checks, stage: Stage, window: Window) -> None:
    await save_dashboard(stage)
    await window.open(stage, PATH)
    with checks("a dashboard shows the card without a resource to add"):
        await expect(window.card.locator("h2")).not_to_be_empty()
        # All pictures, in whichever shadow roots they are.
        await window.page.wait_for_function(
            """() => { const find = (root, name) => [...root.querySelectorAll("*")].flatMap((element) =>
                [...(element.localName === name ? [element] : []), ...(element.shadowRoot ? find(element.shadowRoot, name) : [])]);
                const pictures = find(document, "ip-intercom-picture");
                return pictures.length === 2 && pictures.every((one) => one.shadowRoot.querySelector("img").naturalWidth > 0); }"""
        )
    button = window.card.get_by_role("button", name="Open").first
    with checks("a tap opens nothing"):
        before = await _released(stage)
        await button.click(delay=TAP)
        await asyncio.sleep(1.5)
        assert await _released(stage) == before
    with checks("holding the button releases the door once"):
        await button.click(delay=LONG)
        await expect(window.card.get_by_role("status")).to_have_text("Opened")
        assert await _released(stage) == before + 1


async def check_rings(checks: Checks, stage: Stage, windows: list[Window]) -> None:
    """Check what a ring does in two windows."""
    with checks(
        "a ring opens the pop-up with a picture in both browsers, also for a user who is no administrator and has no "
        "dashboard open"
    ):
        await asyncio.sleep(2)  # both pages have just been opened
        for window in windows:
            await window.page.evaluate(WATCH_PICTURE)
        session = await stage.simulator.do("press", key=ALICE)
        for window in windows:
            await expect(window.popup).to_be_visible()
            await window.page.wait_for_function("window.shownAt !== null")
    with checks("a tap on Open opens nothing"):
        before = await _released(stage)
        await windows[1].popup.get_by_role("button", name="Open").first.click(delay=TAP)
        await asyncio.sleep(1.5)
        assert await _released(stage) == before
    with checks("holding Open in one opens the door and closes both") as details:
        before = await _released(stage)
        start = time.monotonic()
        await windows[1].popup.get_by_role("button", name="Open").first.click(delay=LONG)
        for window in windows:
            await expect(window.popup).to_have_count(0)
        assert await _released(stage) == before + 1
        details.append(f"{time.monotonic() - start:.1f} s")
        await stage.simulator.do("terminate", session=session)
    with checks("the end of a ring closes both"):
        session = await stage.simulator.do("press", key=JIRI)
        for window in windows:
            await expect(window.popup).to_be_visible()
        await stage.simulator.do("terminate", session=session)
        for window in windows:
            await expect(window.popup).to_have_count(0)


async def _measure(checks: Checks, stage: Stage, windows: list[Window]) -> None:
    taken: list[float] = []
    with checks(f"{RINGS} rings show a picture in two browsers") as details:
        for _ in range(RINGS):
            for window in windows:
                await window.page.evaluate(WATCH_PICTURE)
            start = time.time()
            session = await stage.simulator.do("press", key=ALICE)
            for window in windows:
                await window.page.wait_for_function("window.shownAt !== null")
                taken.append(await window.page.evaluate("window.shownAt") - 1000 * start)
            await stage.simulator.do("terminate", session=session)
            for window in windows:
                await expect(window.popup).to_have_count(0)
            await asyncio.sleep(0.5)
        details.append(f"from press to picture: median {median(taken):.0f} ms, worst {max(taken):.0f} ms")
    say(f"      each ring, one browser after the other: {', '.join(f'{one:.0f}' for one in taken)} ms")


async def _check_visitors(checks: Checks, window: Window) -> None:
    with checks("the card shows the last visitors, and a click opens a picture"):
        visitors = window.card.locator("ip-intercom-visitors")
        await expect(visitors.get_by_role("listitem")).to_have_count(5)
        await expect(visitors.locator("img")).to_have_count(5)
        async with window.page.expect_popup() as opened:
            await visitors.get_by_role("link").first.click()
        picture = await opened.value
        await picture.wait_for_function("document.images[0]?.naturalWidth > 0")
        await picture.close()


async def _check_picker(checks: Checks, stage: Stage, window: Window) -> None:
    page = window.page
    with checks("a user adds the card with the card picker and its visual editor"):
        await window.open(stage, f"{PATH}/door?edit=1")
        await page.get_by_role("button", name="Add card").first.click()
        await page.get_by_text("Browse all cards").click()
        await page.locator("hui-card-picker .card", has_text="IP Intercom").first.click()
        editor = page.locator("hui-dialog-edit-card")
        await expect(editor.get_by_text("Number of visitors").first).to_be_visible()
        await expect(editor.locator("ip-intercom-door").get_by_role("heading")).to_have_text("Front Gate")
        await editor.get_by_role("button", name="Save").click()
        await expect(page.locator("hui-section ip-intercom-door")).to_have_count(3)
