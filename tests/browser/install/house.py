"""The house of the run: a fresh Home Assistant, simulated devices, and the browsers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
import json
from pathlib import Path
import shutil
import sys
import tempfile
import zipfile

from playwright.async_api import Browser, Page, ViewportSize  # type: ignore[import-not-found]  # in the docs environment only

from tests.browser.chromium import DESKTOP, profile
from tests.browser.live import Window
from tests.demo.account import Account
from tests.demo.akuvox import PLANS, PUSHING, Akuvox
from tests.demo.checks import say
from tests.demo.extension import Extension
from tests.demo.screenshots import keep
from tests.demo.stage import DOMAIN, RECORDER, ROOT, Stage, free_port

PATIENCE = 30.0
# Seconds until a page is at rest.
REST = 2
# What Home Assistant writes into its first configuration for the editor, too.
AUTOMATIONS = "automations.yaml"
MORE = f"{RECORDER}my:\nautomation: !include {AUTOMATIONS}\n"


class House:
    """The running processes, and the window of the administrator."""

    def __init__(self, stage: Stage, chromium: Browser, contexts: AsyncExitStack, *, pictured: bool) -> None:
        """Pictures for docs/ are taken only where it is `pictured`."""
        self.stage = stage
        self._pictured = pictured
        self.windows: list[Window] = []
        self._chromium = chromium
        self._contexts = contexts

    @property
    def page(self) -> Page:
        """The page of the administrator."""
        return self.windows[0].page

    @property
    def akuvox(self) -> Akuvox:
        """The Akuvox."""
        return self.stage.akuvox[PUSHING]

    @property
    def extension(self) -> Extension:
        """The extension of the exchange."""
        assert self.stage.extension is not None
        return self.stage.extension

    @property
    def account(self) -> Account:
        """The account of the apartment."""
        assert self.stage.account is not None
        return self.stage.account

    async def open_window(self) -> Window:
        """Open a page in a browser of its own."""
        context = await self._contexts.enter_async_context(profile(self._chromium))
        self.windows.append(window := Window(await context.new_page()))
        return window

    async def take_picture(self, name: str, size: ViewportSize, *, dark: bool = False) -> None:
        """Take the page of the administrator as a picture for docs/, if pictures are wanted."""
        if not self._pictured:
            return
        await self.page.emulate_media(color_scheme="dark" if dark else "light")
        await self.page.set_viewport_size(size)
        await self.page.mouse.move(0, 0)
        await asyncio.sleep(REST)
        keep(name, await self.page.screenshot())
        await self.page.emulate_media(color_scheme="light")
        await self.page.set_viewport_size(DESKTOP)
        await asyncio.sleep(REST)

    @asynccontextmanager
    async def pictures_of_failure(self) -> AsyncIterator[None]:
        """Keep a picture of each window when a check inside fails."""
        try:
            yield
        except Exception:
            folder = Path(tempfile.mkdtemp(prefix="ip-intercom-failed-"))
            for number, window in enumerate(self.windows):
                await window.page.screenshot(path=folder / f"{number}.png")
            say(f"  pictures of the windows: {folder}")
            raise

    async def unpack(self, version: str | None = None) -> None:
        """Build the zip of a release and unpack it as the Marketplace does: in place of what is there.

        `version` replaces the one in the manifest.
        """
        archive, folder = self.stage.folder / "release.zip", self.stage.config / "custom_components" / DOMAIN
        process = await asyncio.create_subprocess_exec(sys.executable, ROOT / "scripts" / "release-zip", archive)
        assert await process.wait() == 0, "the zip was not built"
        await asyncio.to_thread(_unpack, archive, folder)
        if version is not None:
            manifest = json.loads((folder / "manifest.json").read_text())
            (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))

    async def restart(self) -> None:
        """Restart Home Assistant as a user does, and load its page again."""
        before = [len(window.console.errors) for window in self.windows]
        await self.page.get_by_role("link", name="Settings").click()
        await self.page.locator("ha-config-dashboard").get_by_role("button", name="Menu").click()
        await self.page.get_by_text("Restart Home Assistant").click()
        await self.page.locator("dialog-restart").get_by_role("button", name="Restart Home Assistant").click()
        await self.page.get_by_role("button", name="Restart", exact=True).click()
        await self.stage.start_after_restart()
        await self.stage.running()
        # A page that is connected again may wait forever for what it asked for before.
        for window, known in zip(self.windows, before, strict=True):
            await window.page.goto(self.stage.url)
            # Pages of Home Assistant fail in many ways while it is away.
            window.console.errors[known:] = [
                error for error in window.own_errors if error not in window.console.errors[:known]
            ]

    async def ids(self) -> dict[str, tuple[str, str]]:
        """Return the entity id and the device id of each entity of the integration by unique id."""
        registry = await self.stage.home_assistant.command("config/entity_registry/list")
        return {
            entry["unique_id"]: (entry["entity_id"], entry["device_id"])
            for entry in registry
            if entry["platform"] == DOMAIN
        }

    async def wait_ids(self, wanted: Mapping[str, tuple[str, str]]) -> None:
        """Wait until all entities are back, with these ids and no others."""
        found: dict[str, tuple[str, str]] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while (found := await self.ids()) != wanted:
                    await asyncio.sleep(0.2)
        gone = sorted(f"-{key} {wanted[key]}" for key in wanted if found.get(key) != wanted[key])
        new = sorted(f"+{key} {found[key]}" for key in found if found[key] != wanted.get(key))
        assert not gone and not new, [*gone, *new]


def _unpack(archive: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)


@asynccontextmanager
async def house_of(chromium: Browser, *, pictured: bool = False) -> AsyncIterator[House]:
    """Start a fresh Home Assistant without user and integration, and a device of each system."""
    plans = [plan for plan in PLANS if plan.dialect == PUSHING]
    with tempfile.TemporaryDirectory(prefix="ip-intercom-install-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), free_port(), plans, others=True)
        try:
            stage.write_configuration(MORE, "info", all_entities=False, fresh=True)
            (stage.config / AUTOMATIONS).touch()
            await stage.start_simulators("verso")
            await stage.start_process()
            async with AsyncExitStack() as contexts:
                yield House(stage, chromium, contexts, pictured=pictured)
        finally:
            await asyncio.shield(stage.stop())
