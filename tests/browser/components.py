"""The door card and the pop-up alone, on a page with a faked Home Assistant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
import json
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image
from playwright.async_api import Browser, Page, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.checks import Checks

from .chromium import PHONE, Console, profile

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


def _home(language: str = "en", name: str = "Gate", bell: str = "Doorbell Alice") -> dict[str, Any]:
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
async def _server() -> AsyncIterator[str]:
    """Serve the page, the modules, and pictures."""
    picture = _jpeg()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def image(_: web.Request) -> web.Response:
        return web.Response(body=picture, content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/api/{proxy}/{entity}", image)
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
        await self.page.evaluate("(config) => { home.addCard(config); }", {"device_id": "gate", **config})

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
        """Let something become of the visitor."""
        await self.page.evaluate(f"home.event({VISITOR!r}, {outcome!r})")

    async def calls(self) -> list[str]:
        """Return the actions so far."""
        found: list[str] = await self.page.evaluate("home.calls")
        return found


@asynccontextmanager
async def _scene(
    chromium: Browser, url: str, home: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Scene]:
    async with profile(chromium, **options) as context:
        scene = Scene(await context.new_page())
        await scene.build(url, home or _home())
        yield scene
        assert scene.console.errors == [], scene.console.errors


async def check_components(checks: Checks, chromium: Browser) -> None:
    """Check the elements, each on a page of its own."""
    async with _server() as url:
        for part in (
            _check_hold, _check_busy_page, _check_keys, _check_refusal, _check_names, _check_buttons, _check_talk,
            _check_visitors, _check_language, _check_reduced_motion, _check_picker, _check_popup, _check_closing,
            _check_typing, _check_choice, _check_restored, _check_two_doors,
        ):  # fmt: skip
            await part(checks, chromium, url)


async def _check_hold(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        await scene.add_card()
        page, button = scene.page, scene.page.get_by_role("button", name="Open", exact=True)
        box = await button.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        status = page.get_by_role("status")
        with checks("a tap, a double click, and a click of a script open nothing"):
            await button.click()
            await button.dblclick()
            await button.evaluate("(element) => element.click()")
            await button.click(delay=TAP)
            await expect(status).to_contain_text("Not opened")
            await asyncio.sleep(1)
            assert await scene.calls() == []
        with checks("leaving the button while it is held opens nothing"):
            await page.mouse.move(x, y)
            await page.mouse.down()
            await expect(status).to_contain_text("Keep holding")
            await page.mouse.move(x, y + 200)
            await asyncio.sleep(1.2)
            await page.mouse.up()
            assert await scene.calls() == []
        with checks("holding the other mouse button opens nothing"):
            await button.click(button="right", delay=LONG)
            assert await scene.calls() == []
        with checks("holding opens once, and says so"):
            await button.click(delay=LONG)
            await expect(status).to_have_text("Opened")
            assert await scene.calls() == [f"lock.open {LOCK}"]
        with checks("a state that arrives during a hold does not end it"):
            await page.mouse.move(x, y)
            await page.mouse.down()
            await page.evaluate(f"home.set({CAMERA!r}, 'streaming')")
            await asyncio.sleep(LONG / 1000)
            await page.mouse.up()
            assert len(await scene.calls()) == 2
    async with _scene(chromium, url, has_touch=True, viewport=PHONE) as scene:
        await scene.add_card()
        button = scene.page.get_by_role("button", name="Open", exact=True)
        box = await button.bounding_box()
        point = {"x": box["x"] + 20, "y": box["y"] + 20}
        session = await scene.page.context.new_cdp_session(scene.page)

        async def touch(kind: str, **place: float) -> None:
            points = [place] if place else []
            await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        with checks("a touch opens only if it is held, and not if it leaves the button"):
            await button.tap()
            await touch("touchStart", **point)
            await touch("touchMove", x=point["x"], y=point["y"] + 150)
            await asyncio.sleep(1.2)
            await touch("touchEnd")
            assert await scene.calls() == []
            await touch("touchStart", **point)
            await asyncio.sleep(LONG / 1000)
            await touch("touchEnd")
            assert await scene.calls() == [f"lock.open {LOCK}"]


async def _check_busy_page(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        await scene.add_card()
        button = scene.page.get_by_role("button", name="Open", exact=True)
        await button.evaluate(
            """(element) => element.addEventListener("pointerdown", () => {
                setTimeout(() => { const end = performance.now() + 2000; while (performance.now() < end); }, 50);
            })"""
        )
        with checks("a tap on a page that is busy for longer than a hold opens nothing"):
            await button.click(delay=TAP)
            await asyncio.sleep(2)
            assert await scene.calls() == []


async def _check_keys(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        await scene.add_card()
        page, button = scene.page, scene.page.get_by_role("button", name="Open", exact=True)
        await button.focus()
        for key in ("Enter", "Space"):
            with checks(f"{key} opens only if it is held"):
                before = len(await scene.calls())
                await page.keyboard.press(key, delay=TAP)
                await asyncio.sleep(1)
                assert len(await scene.calls()) == before
                await page.keyboard.press(key, delay=LONG)
                assert len(await scene.calls()) == before + 1
                await asyncio.sleep(0.2)
                await button.focus()
        with checks("a key that was held before the button had the focus opens nothing"):
            before = len(await scene.calls())
            await page.locator("body").focus()
            await page.evaluate("document.activeElement.blur()")
            await page.keyboard.down("Enter")
            await button.focus()
            await page.keyboard.down("Enter")  # repeats
            await asyncio.sleep(1.2)
            await page.keyboard.up("Enter")
            assert len(await scene.calls()) == before
        with checks("Esc ends a hold"):
            await button.focus()
            await page.keyboard.down("Enter")
            await page.keyboard.press("Escape")
            await asyncio.sleep(1.2)
            await page.keyboard.up("Enter")
            assert len(await scene.calls()) == before
        with checks("a screen reader is told to hold the button"):
            described = await button.evaluate(
                "(element) => element.getRootNode().getElementById(element.getAttribute('aria-describedby')).textContent"
            )
            assert described == "Hold to open", described


async def _check_refusal(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        await scene.add_card()
        with checks("the reason of a refusal is shown as it is"):
            await scene.page.evaluate("(text) => { home.refusal = text; }", MARKUP)
            await scene.page.get_by_role("button", name="Open", exact=True).click(delay=LONG)
            await expect(scene.page.get_by_role("status")).to_have_text(f"Failed: {MARKUP}")
            assert not await scene.page.evaluate("window.cracked")
        with checks("a lock that is unavailable cannot be held"):
            await scene.page.evaluate(f"home.set({LOCK!r}, 'unavailable')")
            await expect(scene.page.get_by_role("button", name="Open", exact=True)).to_be_disabled()


async def _check_names(checks: Checks, chromium: Browser, url: str) -> None:
    home = _home(name=MARKUP, bell=MARKUP)
    home["entities"]["lock.other"] = home["entities"][LOCK] | {"entity_id": "lock.other", "name": MARKUP}
    home["states"]["lock.other"] = ["locked", {"supported_features": 1}]
    async with _scene(chromium, url, home) as scene:
        page = scene.page
        await page.evaluate(
            "(name) => { home.visitors = [{ id: '1', time: '2026-11-30T08:00:00+00:00', bell: name, outcome: 'missed',"
            " late: false, picture: 'javascript:window.cracked = true' }]; }",
            MARKUP,
        )
        await scene.add_card()
        await scene.popup_is_ready()
        with checks("markup in the names of devices, bells, doors, callers, and visitors stays text"):
            await scene.ring(caller=MARKUP)
            await expect(scene.popup.get_by_role("heading")).to_have_text(MARKUP)
            await expect(page.get_by_text(f"{MARKUP}: {MARKUP}")).to_have_count(2)
            await expect(scene.popup.get_by_role("button", name=f"Open {MARKUP}")).to_have_count(1)
            assert await page.locator("ip-intercom-visitors li").count() == 1
            assert await page.locator("img[onerror], a[href^=javascript]").count() == 0
            assert not await page.evaluate("window.cracked")


async def _check_buttons(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url, viewport=PHONE) as scene:
        page = scene.page
        await scene.add_card()
        answer, hang_up = (page.get_by_role("button", name=name) for name in ("Answer", "Hang up"))
        with checks("Answer and Hang up are there while a visitor rings"):
            await expect(page.get_by_role("button", name="Open", exact=True)).to_be_visible()
            await expect(answer).to_be_hidden()
            await expect(hang_up).to_be_hidden()
            await scene.ring(caller="Mr. Novák")
            await expect(page.get_by_text("Doorbell Alice: Mr. Novák")).to_be_visible()
            await answer.click()
            await hang_up.click()
            assert await scene.calls() == [f"button.press {ANSWER}", f"button.press {HANG_UP}"]
        with checks("the camera streams only while a visitor rings"):
            stream = page.locator("img[src*=camera_proxy_stream]")
            await expect(stream).to_have_count(1)
            await page.evaluate(f"home.set({RINGING!r}, 'off')")
            await expect(stream).to_have_count(0)
            await expect(answer).to_be_hidden()
        with checks("the card says what became of the visitor"):
            await scene.visit("opened")
            await expect(page.get_by_role("status")).to_contain_text("Let in")
        with checks("a click on the picture opens the camera"):
            await page.evaluate(
                "addEventListener('hass-more-info', (event) => { window.asked = event.detail.entityId; })"
            )
            await page.locator("ip-intercom-picture").click()
            assert await page.evaluate("window.asked") == CAMERA


async def _check_talk(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        with checks("Talk is there only where the camera has audio in both directions"):
            await scene.add_card()
            await expect(scene.page.get_by_role("button", name="Open", exact=True)).to_be_visible()
            await expect(scene.page.get_by_role("button", name="Talk")).to_be_hidden()
            await scene.page.evaluate("home.twoWayAudio = true")
            await scene.add_card()
            await expect(scene.page.get_by_role("button", name="Talk")).to_have_count(1)


async def _check_visitors(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        page = scene.page
        with checks("the last visitors are small pictures, and absent where Home Assistant has none"):
            await scene.add_card()
            await expect(page.get_by_role("button", name="Open", exact=True)).to_be_visible()
            await expect(page.locator("ip-intercom-visitors")).to_be_hidden()
            await page.evaluate(
                """home.visitors = [...Array(8).keys()].map((id) => ({
                    id: String(id), time: `2026-11-30T0${id}:05:00+00:00`, bell: "Alice", outcome: "answered", late: false,
                    picture: id === 0 ? null : `/api/picture/${id}` }))"""
            )
            await scene.add_card(visitors=3)
            pictures = page.locator("ip-intercom-visitors").nth(1)
            await expect(pictures.get_by_role("listitem")).to_have_count(3)
            await expect(pictures.locator("img")).to_have_count(2)
            await expect(pictures.get_by_role("link").first).to_have_accessible_name("Mon 01:05, Alice, Answered")
        with checks("a card without visitors does not ask for them"):
            before = await page.evaluate("home.subscriptions.length")
            await scene.add_card(visitors=0)
            await expect(page.get_by_role("button", name="Open", exact=True)).to_have_count(3)
            assert await page.evaluate("home.subscriptions.length") == before


async def _check_language(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url, _home("ru")) as scene:
        with checks("the card speaks the language of the user"):
            await scene.add_card()
            await expect(scene.page.get_by_role("button", name="Открыть", exact=True)).to_be_visible()
            for text in await scene.page.get_by_role("button").all_text_contents():
                assert not text.isascii() or text == "", text
    async with _scene(chromium, url) as scene:
        with checks("from right to left, the card is mirrored and nothing overflows"):
            await scene.page.evaluate("document.dir = 'rtl'")
            await scene.add_card()
            title, switch = scene.page.get_by_role("heading"), scene.page.get_by_role("switch")
            assert (await title.bounding_box())["x"] > (await switch.bounding_box())["x"]
            assert await scene.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def _check_reduced_motion(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url, reduced_motion="reduce", viewport=PHONE) as scene:
        with checks("with reduced motion nothing swings or slides"):
            await scene.add_card()
            await scene.ring()
            assert (
                await scene.page.locator(".ring .icon").evaluate("(icon) => getComputedStyle(icon).animationName")
                == "none"
            )
            timing = await scene.page.locator(".bar").evaluate(
                "(bar) => { bar.parentElement.classList.add('holding'); return getComputedStyle(bar).transitionTimingFunction; }"
            )
            assert timing.startswith("steps"), timing


async def _check_picker(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        page = scene.page
        with checks("the card is in the card picker, with a device, suggestions, and an editor") as details:
            await scene.add_card()
            card = "customElements.get('ip-intercom-door')"
            entry = await page.evaluate("customCards.map(({ type, preview }) => [type, preview])")
            assert entry == [["ip-intercom-door", True]]
            assert await page.evaluate(f"{card}.getStubConfig(home.hass)") == {"device_id": "gate"}
            suggest = "(entity) => customCards[0].getEntitySuggestion(home.hass, entity)"
            assert await page.evaluate(suggest, LOCK) == {
                "config": {"type": "custom:ip-intercom-door", "device_id": "gate"}
            }
            assert await page.evaluate(suggest, ANSWER) is None
            assert await page.evaluate(suggest, "light.unknown") is None
            labels = await page.evaluate(
                f"(async () => {{ const form = await {card}.getConfigForm(); return form.schema.map(form.computeLabel); }})()"
            )
            assert "Device" in labels and "" not in labels, labels
            details.append(", ".join(labels))
        with checks("a configuration of the wrong type is refused"):
            for config in ({"device_id": 1}, {"visitors": "many"}):
                refused = await page.evaluate(
                    f"(config) => {{ try {{ new ({card})().setConfig(config); }} catch (error) {{ return error.message; }} }}",
                    config,
                )
                assert refused, config
        with checks("a second version of the module neither fails nor opens a second pop-up"):
            await page.evaluate("import('/module/ip-intercom.js?new')")
            await scene.popup_is_ready()
            await scene.ring()
            await expect(scene.popup).to_have_count(1)


async def _check_popup(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        page = scene.page
        await scene.popup_is_ready()
        with checks("the pop-up opens on a ring with picture and buttons, on a page without a card"):
            assert await scene.popup.count() == 0
            await scene.ring()
            await expect(scene.popup).to_have_accessible_name("Gate")
            await expect(scene.popup.get_by_text("Doorbell Alice: ringing")).to_be_visible()
            for name in ("Open", "Answer", "Hang up", "Close"):
                await expect(scene.popup.get_by_role("button", name=name, exact=True)).to_be_visible()
            await page.wait_for_function(
                """[...document.querySelector("ip-intercom-popup").shadowRoot.querySelector("ip-intercom-door-view")
                    .shadowRoot.querySelector("ip-intercom-picture").shadowRoot.querySelectorAll("img")]
                    .some((image) => image.complete && image.naturalWidth > 0)"""
            )
        with checks("the focus is in the pop-up, on no button, and stays in it"):
            inside = """() => { let element = document.activeElement, path = [];
                while (element) { path.push(element.localName); element = element.shadowRoot?.activeElement; } return path; }"""
            path = await page.evaluate(inside)
            assert path[0] == "ip-intercom-popup" and path[-1] == "h2", path
            for _ in range(12):
                await page.keyboard.press("Tab")
                path = await page.evaluate(inside)
                assert path[0] in {"ip-intercom-popup", "body"}, path  # body: the browser's own bar
        with checks("Esc closes it, and the same ring does not open it again"):
            await page.keyboard.press("Escape")
            await expect(scene.popup).to_have_count(0)
            await page.evaluate(f"home.set({CAMERA!r}, 'streaming')")
            await asyncio.sleep(0.3)
            assert await scene.popup.count() == 0
        with checks("the next ring opens it, and holding opens the door"):
            await scene.ring()
            button = scene.popup.get_by_role("button", name="Open", exact=True)
            await button.click(delay=TAP)
            assert await scene.calls() == []
            await button.click(delay=LONG)
            assert await scene.calls() == [f"lock.open {LOCK}"]
        with checks("a click on its picture opens the camera and closes it"):
            await page.evaluate(
                """document.querySelector("home-assistant").addEventListener("hass-more-info",
                    (event) => { window.asked = event.detail.entityId; })"""
            )
            await scene.popup.locator("ip-intercom-picture").click()
            await expect(scene.popup).to_have_count(0)
            assert await page.evaluate("window.asked") == CAMERA


async def _check_closing(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        page = scene.page
        await scene.popup_is_ready()
        for outcome, text in (("opened", "Let in"), ("answered", "Answered"), ("missed", "Missed")):
            with checks(f"it closes once the visitor is {outcome}"):
                await scene.ring()
                await expect(scene.popup).to_be_visible()
                if outcome == "missed":
                    await page.evaluate(f"home.set({RINGING!r}, 'off')")
                await scene.visit(outcome)
                if outcome != "missed":  # the ring ended before
                    await expect(scene.popup.get_by_role("status")).to_have_text(text)
                await expect(scene.popup).to_have_count(0)
                await page.evaluate(f"home.set({RINGING!r}, 'off')")
        with checks("it closes when the ring ends"):
            await scene.ring()
            await expect(scene.popup).to_be_visible()
            await page.evaluate(f"home.set({RINGING!r}, 'off')")
            await expect(scene.popup).to_have_count(0)
        with checks("the outcome of an earlier visitor does not close it"):
            await scene.ring()
            await scene.visit("missed")
            await asyncio.sleep(2)
            await expect(scene.popup).to_be_visible()
        with checks("nothing of it streams or is left on the page when it is closed"):
            await page.evaluate(f"home.set({RINGING!r}, 'off')")
            await expect(scene.popup).to_have_count(0)
            assert await page.locator("ip-intercom-popup, img").count() == 0


async def _check_typing(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        page, field = scene.page, scene.page.locator("#typing")
        await scene.popup_is_ready()
        await field.focus()
        await page.keyboard.type("Hello ")
        with checks("it does not take the focus from a field, and its keys do nothing"):
            await scene.ring()
            await expect(scene.popup).to_be_visible()
            await page.keyboard.type("world")
            await page.keyboard.press("Space", delay=LONG)
            await expect(field).to_have_value("Hello world ")
            assert await scene.calls() == []
        with checks("it keeps the focus once it has it"):
            await scene.popup.get_by_role("button", name="Answer").focus()
            for _ in range(8):
                await page.keyboard.press("Tab")
                assert await page.evaluate("document.activeElement.id") != "typing"
            await page.keyboard.press("Escape")
            await expect(scene.popup).to_have_count(0)
        with checks("it takes the focus once the user leaves the field"):
            await field.focus()
            await scene.ring()
            await expect(scene.popup).to_be_visible()
            assert await page.evaluate("document.activeElement.id") == "typing"
            await field.blur()
            await page.wait_for_function("document.activeElement.localName === 'ip-intercom-popup'")
            await page.keyboard.press("Escape")
            await expect(scene.popup).to_have_count(0)
        with checks("over a modal dialog with a field as well"):
            await page.evaluate(
                """() => { const dialog = document.createElement("dialog"), field = document.createElement("textarea");
                    dialog.append(field); document.body.append(dialog); dialog.showModal(); field.focus(); }"""
            )
            await scene.ring()
            await expect(scene.popup).to_be_visible()
            await page.keyboard.type("still here")
            await expect(page.locator("textarea")).to_have_value("still here")
            await page.locator("textarea").blur()
            await scene.popup.get_by_role("button", name="Answer").click()
            assert (await scene.calls())[-1] == f"button.press {ANSWER}"


async def _check_choice(checks: Checks, chromium: Browser, url: str) -> None:
    async with profile(chromium, viewport=PHONE) as context:
        scene = Scene(await context.new_page())
        await scene.build(url, _home())
        await scene.add_card()
        switch = scene.page.get_by_role("switch", name="Pop-up on a ring in this browser")
        with checks("on a phone it is off, and asks Home Assistant for nothing"):
            await expect(switch).not_to_be_checked()
            await scene.ring()
            await asyncio.sleep(0.5)
            assert await scene.popup.count() == 0
            assert await scene.page.evaluate("home.subscriptions.length") == 0
            await scene.page.evaluate(f"home.set({RINGING!r}, 'off')")
        with checks("the switch of the card turns it on, and the browser remembers it"):
            await switch.click()
            await expect(switch).to_be_checked()
            await scene.build(url, _home())
            await scene.popup_is_ready()
            await scene.ring()
            await expect(scene.popup).to_be_visible()
        with checks("its own button turns it off, in other tabs as well"):
            other = Scene(await context.new_page())
            await other.build(url, _home())
            await other.popup_is_ready()
            await scene.page.bring_to_front()
            await scene.popup.get_by_role("button", name="Do not show in this browser").click()
            await expect(scene.popup).to_have_count(0)
            await other.page.wait_for_function("home.subscriptions.length === 0")


async def _check_restored(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        page = scene.page
        await scene.popup_is_ready()
        with checks("an old ring that Home Assistant restores does not open it"):
            await page.evaluate(f"home.set({BELL!r}, 'unavailable')")
            await page.evaluate(f"home.set({BELL!r}, '2026-11-29T20:00:00.000+00:00', {{ event_type: 'ring' }})")
            await asyncio.sleep(0.5)
            assert await scene.popup.count() == 0
    home = _home()
    async with _scene(chromium, url) as scene:
        with checks("a page that is opened during a ring shows it, whatever its clock says"):
            await scene.page.clock.set_fixed_time("2026-11-30T20:00:00Z")
            home["states"][BELL] = ["2026-11-30T08:00:00.000+00:00", {"event_type": "ring"}]
            home["states"][RINGING] = ["on", {}]
            await scene.build(url, home)
            await expect(scene.popup).to_be_visible()


async def _check_two_doors(checks: Checks, chromium: Browser, url: str) -> None:
    async with _scene(chromium, url) as scene:
        await scene.popup_is_ready()
        with checks("with visitors at two doors it stays at the first and names the other"):
            await scene.ring()
            await expect(scene.popup).to_have_accessible_name("Gate")
            await scene.ring(OTHER_BELL, OTHER_RINGING)
            await expect(scene.popup).to_have_count(1)
            await expect(scene.popup).to_have_accessible_name("Gate")
            await scene.popup.get_by_role("button", name="Also ringing: Side door").click()
            await expect(scene.popup).to_have_accessible_name("Side door")
            await scene.page.evaluate(f"home.set({OTHER_RINGING!r}, 'off')")
            await expect(scene.popup).to_have_accessible_name("Gate")
