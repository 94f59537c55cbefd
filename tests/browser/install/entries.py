"""Adding each system by hand: Settings > Devices & services > Add integration > IP Intercom."""

from collections.abc import Awaitable, Callable, Mapping
import re

from playwright.async_api import Locator, Page, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.browser.chromium import PHONE
from tests.demo import akuvox, extension
from tests.demo.stage import ACCOUNT

from .house import House

NAME = "IP Intercom"
# What the menu of the config flow offers.
INTERCOM, EXTENSION, APARTMENT = "(2N, Akuvox)", "(Zultys MX with MX Proxy)", "(SmartYard, RBT, LanTa, AXIOSTV)"


class Form:
    """The dialog of a config flow."""

    def __init__(self, page: Page) -> None:
        self._dialog: Locator = page.locator("dialog-data-entry-flow")

    async def choose(self, option: str) -> None:
        """Choose from a menu."""
        await self._dialog.get_by_text(option).click()

    async def fill(self, **fields: str) -> None:
        """Type into text fields, which are named by their labels with underscores."""
        for label, text in fields.items():
            await self._dialog.get_by_role("textbox", name=label.replace("_", " ")).fill(text)

    async def expect_field(self, label: str) -> None:
        """Wait for a step by one of its fields."""
        await expect(self._dialog.get_by_role("textbox", name=label)).to_be_visible()

    async def submit(self) -> None:
        """Send the form."""
        await self._dialog.get_by_role("button", name="Submit").click()

    async def expect_error(self, text: str) -> None:
        """Wait for the error above the fields."""
        await expect(self._dialog.locator("ha-alert")).to_contain_text(text)

    async def expect_area(self, name: str) -> None:
        """Wait for a device in an area, among those of the added entry."""
        await expect(self._dialog.locator("ha-area-picker").get_by_text(name, exact=True).first).to_be_visible()

    async def finish(self) -> str:
        """Close the dialog of the added entry, and return the suggested name of its first device."""
        name = self._dialog.get_by_role("textbox", name="Device name").first
        await expect(name).to_be_visible()
        suggested: str = await name.input_value()
        # It is "Skip and finish" if no device has an area yet.
        finish = self._dialog.get_by_role("button", name=re.compile("^(Skip and finish|Finish)$"))
        await finish.click()
        await expect(finish).to_be_hidden()
        return suggested


async def open_form(page: Page, option: str) -> Form:
    """Open the form of a system as a user does."""
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Devices & services").click()
    await page.get_by_role("button", name="Add integration").click()
    brands = page.locator("dialog-add-integration")
    await brands.get_by_role("textbox").fill(NAME)
    await brands.get_by_role("button", name=NAME, exact=True).click()
    form = Form(page)
    await form.choose(option)
    return form


async def add_two_n(house: House) -> str:
    """Add the 2N, with a wrong password first."""
    username, password = ACCOUNT
    form = await open_form(house.page, INTERCOM)
    await form.fill(Address=house.stage.address, Username=username, Password="wrong")
    await form.submit()
    await form.expect_error("Invalid authentication")
    await form.fill(Password=password)
    await form.submit()
    return await form.finish()


async def add_akuvox(house: House) -> str:
    """Add the Akuvox."""
    username, password = akuvox.API
    form = await open_form(house.page, INTERCOM)
    await form.fill(Address=f"http://{house.akuvox.addresses['http']}", Username=username, Password=password)
    await house.take_picture("setup-phone", PHONE)
    await form.submit()
    return await form.finish()


async def add_extension(house: House) -> str:
    """Add the extension."""
    client_id, secret = extension.APP
    username, password = extension.PERSON
    form = await open_form(house.page, EXTENSION)
    await form.fill(
        Proxy_address=f"http://{house.extension.address}", Client_ID=client_id, Client_secret=secret, Username=username,
        Password=password,
    )  # fmt: skip
    await form.submit()
    return await form.finish()


async def add_account(house: House) -> str:
    """Add the account of the apartment, with the code that is sent to its phone."""
    server = house.account
    form = await open_form(house.page, APARTMENT)
    await form.fill(Server_address=server.base, Phone_number=f"+{server.phone}")
    await form.submit()
    await form.expect_field("Code")
    await form.fill(Code=str(await server.control.do("code_of")))
    await form.submit()
    await form.expect_area("Калитка")
    return await form.finish()


SYSTEMS: Mapping[str, Callable[[House], Awaitable[str]]] = {
    "2N": add_two_n,
    "Akuvox": add_akuvox,
    "extension": add_extension,
    "apartment account": add_account,
}
