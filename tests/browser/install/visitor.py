"""A visitor in the pop-up of two windows, and later in the media browser."""

import re

from playwright.async_api import expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.browser.live import RESIDENT, add_resident, check_rings
from tests.demo.checks import Checks
from tests.demo.screenshots import log_in

from .house import House

SIZE = {"width": 900, "height": 480}
# What became of the visitor of `check_rings` who was let in.
VISITOR, OUTCOME = "Alice Gruberová", "Let in"


async def check_popup(checks: Checks, house: House) -> None:
    """Check rings in the windows of the administrator and of a resident."""
    await add_resident(house.stage.home_assistant)
    window = await house.open_window()
    await log_in(window.page, house.stage.url, *RESIDENT)
    await house.windows[0].open(house.stage, "home")
    await window.open(house.stage, "profile")
    await check_rings(checks, house.stage, house.windows)


async def check_media(checks: Checks, house: House) -> None:
    """Check that the visitor is in the media browser."""
    page = house.page
    with checks("the visitor is in the media browser, by device and day, and the picture opens") as details:
        await page.get_by_role("link", name="Media", exact=True).click()
        for folder in ("IP Intercom", "Visitors", "Front Gate", "20"):
            await page.locator("ha-media-player-browse .child", has_text=folder).first.click()
        await expect(page.locator("ha-media-player-browse .child", has_text=VISITOR)).not_to_have_count(0)
        await house.take_picture("visitors-dark", SIZE, dark=True)
        await page.locator("ha-media-player-browse .child", has_text=VISITOR).first.click()
        dialog = page.locator("hui-dialog-web-browser-play-media")
        await expect(dialog.locator("ha-dialog")).to_have_attribute(
            "header-title", re.compile(f"{VISITOR} - {OUTCOME}")
        )
        await page.wait_for_function(
            """() => document.querySelector("home-assistant").shadowRoot.querySelector("hui-dialog-web-browser-play-media")
                .shadowRoot.querySelector("img")?.naturalWidth > 0"""
        )
        details.append(str(await dialog.locator("ha-dialog").get_attribute("header-title")))
        await page.keyboard.press("Escape")
        await expect(dialog.locator("img")).to_have_count(0)
