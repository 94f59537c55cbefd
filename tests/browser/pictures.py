"""The pictures of the door card and the pop-up in docs/."""

import asyncio
from typing import Any

from playwright.async_api import Browser, Page  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.akuvox import PLANS, PUSHING
from tests.demo.screenshots import keep, log_in
from tests.demo.stage import Stage, set_up

from .chromium import PHONE, profile
from .live import ALICE, JIRI, PATH, save_dashboard

# Seconds until a page is at rest.
REST = 4
WIDE = {"width": 1100, "height": 760}
OPTIONS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": WIDE},
    "dark": {"color_scheme": "dark", "viewport": WIDE},
    "phone": {"color_scheme": "light", "viewport": PHONE, "has_touch": True, "is_mobile": True},
}


async def take_pictures(chromium: Browser) -> None:
    """Take the card in light, in dark, and on a phone while a visitor rings, and the pop-up."""
    async with set_up(akuvox=[plan for plan in PLANS if plan.dialect == PUSHING], log_level="info") as stage:
        await stage.add_intercom()
        await stage.add_akuvox()
        await save_dashboard(stage)
        await _let_visitors_ring(stage)
        for name, options in OPTIONS.items():
            async with profile(chromium, device_scale_factor=2, **options) as context:
                page = await context.new_page()
                await log_in(page, stage.url)
                await page.goto(f"{stage.url}/{PATH}")
                await page.locator("ip-intercom-door").first.wait_for()
                await asyncio.sleep(REST)
                await _take(stage, page, name)


async def _let_visitors_ring(stage: Stage) -> None:
    lock = (await stage.entities())["door_1_door"]
    for key in (ALICE, JIRI, ALICE):
        session = await stage.simulator.do("press", key=key)
        await asyncio.sleep(1)
        if key == JIRI:
            await stage.home_assistant.act("lock.open", lock)
        await stage.simulator.do("terminate", session=session)
        await asyncio.sleep(1)


async def _take(stage: Stage, page: Page, name: str) -> None:
    if name == "phone":
        session = await stage.simulator.do("press", key=ALICE)
        await asyncio.sleep(REST)
        keep("card-phone", await page.screenshot())
        await stage.simulator.do("terminate", session=session)
        return
    keep(f"card-{name}", await page.screenshot())
    if name == "light":
        session = await stage.simulator.do("press", key=ALICE)
        await page.get_by_role("alertdialog").wait_for()
        await asyncio.sleep(REST)
        keep("popup", await page.screenshot())
        await stage.simulator.do("terminate", session=session)
