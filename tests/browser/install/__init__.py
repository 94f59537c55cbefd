"""The installation as a user does it: from a fresh Home Assistant and the zip of a release, by clicking."""

from playwright.async_api import Browser  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.checks import Checks
from tests.demo.recorded import errors
from tests.demo.stage import DOMAIN

from .automations import check_blueprint, check_editor
from .entries import SYSTEMS
from .house import House, house_of
from .onboarding import onboard
from .renewal import check_again, check_update
from .visitor import check_media, check_popup

# What else is in the consoles: brands and maps cannot be had without the internet.
FOREIGN = ("/api/brands/", "/api/map_tiles/")


async def check_install(checks: Checks, chromium: Browser, *, pictured: bool = False) -> None:
    """Install the zip in a fresh Home Assistant and use it; on request, take the pictures for docs/."""
    async with house_of(chromium, pictured=pictured) as house, house.pictures_of_failure():
        with checks("a user onboards a fresh Home Assistant"):
            await onboard(house)
        # Whose errors these are is certain: the integration is not installed yet.
        house.windows[0].console.errors.clear()
        with checks("the zip of a release is installed, and Home Assistant restarts"):
            await house.unpack()
            await house.restart()
        titles: dict[str, str] = {}
        for name, add in SYSTEMS.items():
            with checks(f"{name}: added by hand") as details:
                details.append(titles.setdefault(name, await add(house)))
        await check_popup(checks, house)
        await house.restart()
        await check_media(checks, house)
        await check_editor(checks, house)
        await check_blueprint(checks, house)
        await check_update(checks, house)
        await check_again(checks, house, titles)
        with checks("no error of the integration in the consoles, in responses, and in the log"):
            _check_errors(house)


def _check_errors(house: House) -> None:
    for window in house.windows:
        window.check()
        others = [error for error in window.console.errors if not any(part in error for part in FOREIGN)]
        assert others == [], others
    found = [line for line in errors(house.stage.log) if DOMAIN in line]
    assert not found, "\n".join(found)
