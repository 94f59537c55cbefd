"""The onboarding of a fresh Home Assistant."""

from playwright.async_api import expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.home_assistant import PASSWORD, USERNAME

from .house import House

USER = {"name": "Demo", "username": USERNAME, "password": PASSWORD, "password_confirm": PASSWORD}


async def onboard(house: House) -> None:
    """Create the first user, and answer what Home Assistant asks; the other clients log in as that user."""
    page = (await house.open_window()).page
    await page.goto(house.stage.url)
    await page.get_by_role("button", name="Create my smart home").click()
    for name, text in USER.items():
        await page.locator(f"onboarding-create-user input[name={name}]").fill(text)
    await page.get_by_role("button", name="Create account").click()
    for step in ("Home location", "the country your home is in", "Help us help you"):
        await expect(page.get_by_text(step)).to_be_visible()
        await page.get_by_role("button", name="Next").click()
    await page.get_by_role("button", name="Finish").click()
    # Home Assistant asks for the port from YAML; without an answer, it is taken back after five minutes.
    confirm = page.get_by_role("button", name="Confirm")
    await confirm.click()
    await expect(confirm).to_be_hidden()
    await house.stage.log_in(await page.evaluate("JSON.parse(localStorage.hassTokens).access_token"))
