"""The browser runs; see `scripts/browser`."""

import argparse
import asyncio
import sys
import time

from playwright.async_api import Error as PlaywrightError  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.__main__ import FAILURES
from tests.demo.checks import Checks, say

from .card_check import check_card
from .chromium import browser, find_chromium
from .fake_home import server
from .hold_check import check_hold
from .install import check_install
from .live import check_live
from .pictures import take_pictures
from .popup_check import check_popup
from .talk import MICROPHONE, check_talk, take_talk


async def main(parts: list[str]) -> int:
    """Run the parts, and say what passed."""
    if find_chromium() is None:
        say("browser: skipped, there is no Chromium (apt-get install chromium)")
        return 0
    checks, begin = Checks(), time.monotonic()
    try:
        async with browser(*MICROPHONE) as chromium:
            if "components" in parts:
                async with server() as url:
                    for part in (check_hold, check_card, check_popup):
                        await part(checks, chromium, url)
            if "live" in parts:
                await check_live(checks, chromium)
            if "install" in parts or "pictures" in parts:
                await check_install(checks, chromium, pictured="pictures" in parts)
            if "talk" in parts:
                await check_talk(checks, chromium)
            if "pictures" in parts:
                await take_pictures(chromium)
                await take_talk(chromium)
    except (*FAILURES, PlaywrightError) as error:
        say(f"failed: {error}")
        return 1
    say(f"browser: {checks.passed} checks passed in {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="scripts/browser", description="The door card, the pop-up, and an installation in Chromium."
    )
    parser.add_argument(
        "parts",
        nargs="*",
        default=["components", "live", "install", "talk"],
        help="components, live, install, talk, or pictures for docs/; all but pictures by default",
    )
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.parts)))
