"""Chromium with a fresh profile, and helpers for tests of pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import shutil
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.screenshots import FLAGS

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
TIMEOUT = 30_000.0
# What a page shows may take long on a busy machine.
EXPECTED_WITHIN = 20_000.0


def find_chromium() -> str | None:
    """Return the path of Chromium."""
    return shutil.which("chromium")


@asynccontextmanager
async def browser(*flags: str) -> AsyncIterator[Browser]:
    """Start Chromium without a window."""
    expect.set_options(timeout=EXPECTED_WITHIN)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=find_chromium(), args=[*FLAGS, *flags], headless=True
        )
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def profile(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """Open a fresh profile: its own storage and login."""
    context = await browser.new_context(**{"viewport": DESKTOP, "locale": "en-US"} | options)
    context.set_default_timeout(TIMEOUT)
    try:
        yield context
    finally:
        await context.close()


class Console:
    """The errors of a page, and where they are from."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        page.on("console", self._take)

    def _take(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")
