"""Automations as a user builds them: in the editor, and from a blueprint that is imported."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from aiohttp import web
from playwright.async_api import Locator, Page, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.browser.live import ALICE
from tests.demo.checks import Checks
from tests.demo.stage import HOST, ROOT
from tests.demo.waiting import until

from .entries import NAME
from .house import House

TRIGGER = "Visitor rang"
GATE = "Front Gate"
NOTIFICATION = "Send a persistent notification"
RUN = 20.0
WIDE = {"width": 1100, "height": 720}
BLUEPRINT = "automation/ip_intercom/door_alarm.yaml"
# The button of a blueprint leads to this page of the user's Home Assistant.
IMPORT = "_my_redirect/blueprint_import?blueprint_url="


async def check_editor(checks: Checks, house: House) -> None:
    """Check an automation with a trigger of the integration."""
    page, message = house.page, "A visitor is at the gate."
    with checks(f"the automation editor finds the trigger {TRIGGER}, and offers only doorbells as its target"):
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("link", name="Automations & scenes").click()
        await page.get_by_role("button", name="Create automation").click()
        await page.get_by_text("Create new automation").click()
        await _add(page, "Add trigger", "rang", TRIGGER)
        await page.get_by_role("button", name="Add target").click()
        offered = await _options(page)
        bells = [one for one in offered if "Doorbell" in one]
        areas = {place.partition(" ▸ ")[0] for bell in bells for place in bell.split("\n") if " ▸ " in place}
        assert areas
        assert all(one in bells or NAME in one or one.strip() in areas for one in offered), offered
        await house.take_picture("trigger", WIDE)
        await page.get_by_role("option", name=f"{GATE} {NAME}").click()
    with checks("the automation is saved, and a ring runs it"):
        await _notify(page, message)
        await _save(page, "Visitor at the gate")
        await house.stage.home_assistant.wait_state("automation.visitor_at_the_gate", "on", RUN)
        session = await house.stage.simulator.do("press", key=ALICE)
        await _wait_notification(house, message)
        await house.stage.simulator.do("terminate", session=session)
        await expect(house.windows[0].popup).to_have_count(0)


async def check_blueprint(checks: Checks, house: House) -> None:
    """Check the import of a blueprint, and an automation from it."""
    page, message = house.page, "The gate was tampered with."
    async with _server() as url:
        with checks("the redirect of a blueprint's button opens the import dialog, which imports it"):
            await page.goto(f"{house.stage.url}/{IMPORT}{quote(url + BLUEPRINT, safe='')}")
            dialog = page.locator("ha-dialog-import-blueprint")
            await dialog.get_by_role("button", name="Preview").click()
            await expect(dialog.get_by_text("IP Intercom: alarm for a forced or held door", exact=True)).to_be_visible()
            await dialog.get_by_role("button", name="Import blueprint").click()
    with checks("the blueprint offers only alarms, and an automation from it runs"):
        await page.get_by_role("button", name="IP Intercom: alarm").click()
        await page.get_by_role("button", name="Select an entity").click()
        names = sorted(one.partition("\n")[0].strip() for one in await _options(page))
        assert names == ["Door forced", "Door open too long", "Tamper"], names
        await page.get_by_role("option", name=f"Tamper {GATE}").click()
        await _notify(page, message)
        await house.take_picture("blueprint", WIDE)
        await _save(page)
        automation = "automation.ip_intercom_alarm_for_a_forced_or_held_door"
        await house.stage.home_assistant.wait_state(automation, "on", RUN)
        await house.stage.simulator.do("tamper", state=True)
        await _wait_notification(house, message)
        await house.stage.simulator.do("tamper", state=False)


async def _add(page: Page, button: str, search: str, option: str) -> None:
    await page.get_by_role("button", name=button).click()
    dialog = page.locator("add-automation-element-dialog")
    await dialog.get_by_role("textbox").fill(search)
    await dialog.get_by_role("button", name=option).click()
    await expect(dialog.get_by_role("textbox")).to_be_hidden()


async def _options(page: Page) -> list[str]:
    options = page.get_by_role("listbox").get_by_role("option")
    await expect(options.first).to_be_visible()
    return list(await options.all_inner_texts())


async def _notify(page: Page, message: str) -> None:
    await _add(page, "Add action", "persistent notification", NOTIFICATION)
    # The fields have no names for assistive technology; the message is the first.
    field: Locator = page.locator("ha-service-control ha-selector-text").first.get_by_role("textbox")
    await field.fill(message)


async def _save(page: Page, name: str | None = None) -> None:
    """Save the automation, and name it if the blueprint gives it no name."""
    await page.get_by_role("button", name="Save").click()
    if name is not None:
        dialog = page.locator("ha-dialog-automation-save")
        await dialog.get_by_role("textbox", name="Name").fill(name)
        await dialog.get_by_role("button", name="Save").click()
    await page.wait_for_url(lambda url: not url.endswith("/new"))


async def _wait_notification(house: House, message: str) -> None:
    home = house.stage.home_assistant

    async def look() -> list[str]:
        return [one["message"] for one in await home.command("persistent_notification/get")]

    await until(look, lambda messages: message in messages or None, message, RUN)


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    """Serve the blueprints of the repository, as GitHub does for the buttons; Home Assistant has no internet here."""
    app = web.Application()
    app.router.add_static("/", ROOT / "blueprints")
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    try:
        yield f"http://{HOST}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
