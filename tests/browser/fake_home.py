"""A page with a faked Home Assistant, on which the door card and the pop-up are checked alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
import json
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image
from playwright.async_api import Browser, Page  # type: ignore[import-not-found]  # in the docs environment only

from .chromium import Console, profile

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "ip_intercom"
DOMAIN = "ip_intercom"
HERE = Path(__file__).parent
# Milliseconds: a tap, and longer than a hold.
TAP, LONG = 250, 1600
MARKUP = '<img src=x onerror="window.cracked = true">'

LOCK, CAMERA, BELL, RINGING, VISITOR = (
    "lock.gate",
    "camera.gate",
    "event.bell",
    "binary_sensor.ringing",
    "event.visitor",
)
ANSWER, HANG_UP = "button.answer", "button.hang_up"
OTHER_BELL, OTHER_RINGING = "event.side_bell", "binary_sensor.side_ringing"
PAGE = """<!doctype html><meta charset="utf-8"><title>Card</title><link rel="icon" href="data:">
<body style="margin: 16px"><home-assistant></home-assistant><input id="typing"><main style="max-width: 420px"></main>"""


def _translations(language: str) -> dict[str, dict[str, str]]:
    """Return the texts as Home Assistant sends them: flat, by category."""
    content = json.loads((INTEGRATION / "translations" / f"{language}.json").read_text("utf-8"))

    def flatten(path: str, value: Any) -> dict[str, str]:
        if isinstance(value, str):
            return {path: value}
        return {key: text for name, part in value.items() for key, text in flatten(f"{path}.{name}", part).items()}

    return {name: flatten(f"component.{DOMAIN}.{name}", content[name]) for name in ("common", "entity")}


def make_home(language: str = "en", name: str = "Gate", bell: str = "Doorbell Alice") -> dict[str, Any]:
    """Return a home with two doors; the first has everything."""
    parts = [
        (LOCK, "gate", "door", None, "locked", {"supported_features": 1}),
        (CAMERA, "gate", "camera", "Camera", "idle", {"supported_features": 2, "entity_picture": "/api/camera_proxy/camera.gate?token=1"}),
        (BELL, "gate", "bell_named", bell, "unknown", {"device_class": "doorbell"}),
        (VISITOR, "gate", "visitor", "Visitor", "unknown", {}),
        (RINGING, "gate", "ringing", "Ringing", "off", {}),
        (ANSWER, "gate", "answer", "Answer", "unknown", {}),
        (HANG_UP, "gate", "hang_up", "Hang up", "unknown", {}),
        (OTHER_BELL, "side", "bell", "Doorbell", "unknown", {"device_class": "doorbell"}),
        (OTHER_RINGING, "side", "ringing", "Ringing", "off", {}),
    ]  # fmt: skip
    return {
        "language": language,
        "translations": _translations(language),
        "entities": {
            entity: {
                "entity_id": entity,
                "device_id": device,
                "platform": DOMAIN,
                "translation_key": key,
                "name": label,
            }
            for entity, device, key, label, _, _ in parts
        },
        "devices": {"gate": {"id": "gate", "name": name}, "side": {"id": "side", "name": "Side door"}},
        "states": {entity: [state, attributes] for entity, _, _, _, state, attributes in parts},
    }


def _jpeg() -> bytes:
    file = BytesIO()
    Image.new("RGB", (640, 360), (70, 110, 90)).save(file, "JPEG")
    return file.getvalue()


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """Serve the page, the modules, and pictures."""
    picture = _jpeg()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def image(_: web.Request) -> web.Response:
        return web.Response(body=picture, content_type="image/jpeg")

    async def slow_image(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return await image(request)

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/api/{proxy}/{entity}", image)
    app.router.add_get("/slow/{proxy}/{entity}", slow_image)
    app.router.add_static("/module/", INTEGRATION / "frontend")
    app.router.add_static("/test/", HERE)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


class Scene:
    """A page with a faked Home Assistant, `home` in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console = Console(page)
        self.popup = page.get_by_role("alertdialog")

    async def build(self, url: str, home: dict[str, Any]) -> None:
        """Load the page and the module."""
        await self.page.goto(url)
        await self.page.evaluate(
            """async (home) => {
                const { FakeHome } = await import("/test/fake.js");
                window.home = new FakeHome(home);
                await import("/module/ip-intercom.js");
            }""",
            home,
        )

    async def add_card(self, **config: Any) -> None:
        """Put a card on the page."""
        await self.page.evaluate(
            "(config) => { home.addCard(config); }",
            {name: value for name, value in ({"device_id": "gate"} | config).items() if value is not None},
        )

    async def popup_is_ready(self) -> None:
        """Wait until the pop-up follows the states."""
        await self.page.wait_for_function("home.subscriptions.some((one) => one.message.type === 'subscribe_entities')")

    async def ring(self, bell: str = BELL, sensor: str = RINGING, **attributes: Any) -> None:
        """Let a visitor ring."""
        await self.page.evaluate(
            "([bell, sensor, attributes]) => { home.event(bell, 'ring', attributes); home.set(sensor, 'on'); }",
            [bell, sensor, attributes],
        )

    async def visit(self, outcome: str) -> None:
        """Set the outcome of a visit."""
        await self.page.evaluate(f"home.event({VISITOR!r}, {outcome!r})")

    async def calls(self) -> list[str]:
        """Return the actions so far."""
        found: list[str] = await self.page.evaluate("home.calls")
        return found


@asynccontextmanager
async def scene_of(
    chromium: Browser, url: str, home: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Scene]:
    async with profile(chromium, **options) as context:
        scene = Scene(await context.new_page())
        await scene.build(url, home or make_home())
        yield scene
        assert scene.console.errors == [], scene.console.errors
