"""An update, and entries that are removed and added again: entities and devices keep their ids."""

from collections.abc import Mapping

from playwright.async_api import expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.checks import Checks
from tests.demo.stage import DOMAIN

from .entries import SYSTEMS
from .house import House

LATER = "99.0.0"


async def check_update(checks: Checks, house: House) -> None:
    """Check that an update changes no id."""
    with checks("after an update and a restart, all unique ids, entity ids, and device ids are the same") as details:
        before = await house.ids()
        await house.unpack(LATER)
        await house.restart()
        await _open_page(house)
        await expect(house.page.get_by_text(f"Version {LATER}")).to_be_visible()
        await house.wait_ids(before)
        details.append(f"{len(before)} entities")


async def check_again(checks: Checks, house: House, titles: Mapping[str, str]) -> None:
    """Check that entries, whose titles are given by system, get the same ids again."""
    for name, add in SYSTEMS.items():
        with checks(f"{name}: removed and added again, it has the same ids") as details:
            before = await house.ids()
            await _remove(house, titles[name])
            left = await house.ids()
            assert len(left) < len(before)
            assert await add(house) == titles[name]
            await house.wait_ids(before)
            details.append(f"{len(before) - len(left)} entities")


async def _open_page(house: House) -> None:
    await house.page.goto(f"{house.stage.url}/config/integrations/integration/{DOMAIN}")


async def _remove(house: House, title: str) -> None:
    await _open_page(house)
    row = house.page.locator("ha-config-entry-row", has_text=title).first
    await row.get_by_role("button", name="Menu").first.click()
    await row.get_by_role("menuitem", name="Delete").click()
    await house.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(house.page.locator("ha-config-entry-row", has_text=title)).to_have_count(0)
