"""Check when holding a button has an effect."""

import asyncio

from playwright.async_api import Browser, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.checks import Checks

from .chromium import PHONE
from .fake_home import CAMERA, LOCK, LONG, MARKUP, TAP, make_home, scene_of


async def check_hold(checks: Checks, chromium: Browser, url: str) -> None:
    """Check when holding a button has an effect."""
    for part in (_check_hold, _check_gate, _check_busy_page, _check_keys, _check_refusal):
        await part(checks, chromium, url)


async def _check_hold(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
        await scene.add_card()
        page, button = scene.page, scene.page.get_by_role("button", name="Open", exact=True)
        box = await button.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        status = page.get_by_role("status")
        with checks("a tap and a double click open nothing"):
            await button.click()
            await button.dblclick()
            await expect(status).to_contain_text("Not opened")
            await button.click(delay=TAP)
            await expect(status).to_contain_text("Not opened")
            await asyncio.sleep(1)
            assert await scene.calls() == []
        with checks("the click of a screen reader opens nothing, and tells to hold the button"):
            await asyncio.sleep(4)
            await expect(status).to_have_text("Hold to open")
            await button.evaluate("(element) => element.click()")
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
    async with scene_of(chromium, url, has_touch=True, viewport=PHONE) as scene:
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


async def _check_gate(checks: Checks, chromium: Browser, url: str) -> None:
    home = make_home()
    gate = "cover.gate"
    home["entities"][gate] = home["entities"].pop(LOCK) | {"entity_id": gate, "translation_key": "gate"}
    del home["states"][LOCK]
    home["states"][gate] = ["unknown", {"supported_features": 1, "device_class": "gate"}]
    async with scene_of(chromium, url, home) as scene:
        await scene.add_card()
        await scene.popup_is_ready()
        with checks("a gate is opened by holding, on the card and in the pop-up"):
            button = scene.page.get_by_role("button", name="Open", exact=True)
            await button.click(delay=TAP)
            assert await scene.calls() == []
            await button.click(delay=LONG)
            await scene.ring()
            await scene.popup.get_by_role("button", name="Open", exact=True).click(delay=LONG)
            assert await scene.calls() == [f"cover.open_cover {gate}"] * 2


async def _check_busy_page(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
        await scene.add_card()
        button = scene.page.get_by_role("button", name="Open", exact=True)
        with checks("a tap on a page that is busy for longer than a hold opens nothing"):
            # The release comes after the timer, as browsers do not promise to deliver it first.
            await button.evaluate(
                """(element) => {
                    const tap = (type) => element.dispatchEvent(new PointerEvent(type, { isPrimary: true, button: 0 }));
                    tap("pointerdown");
                    const end = performance.now() + 1500;
                    while (performance.now() < end);
                    setTimeout(() => tap("pointerup"), 5);
                }"""
            )
            await expect(scene.page.get_by_role("status")).to_contain_text("Not opened")
            await asyncio.sleep(1)
            assert await scene.calls() == []


async def _check_keys(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
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
        with checks("a focus that moves away ends a hold"):
            await button.focus()
            await page.keyboard.down("Enter")
            await page.keyboard.press("Tab")
            await asyncio.sleep(1.2)
            await page.keyboard.up("Enter")
            assert len(await scene.calls()) == before
        with checks("a screen reader is told to hold the button"):
            described = await button.evaluate(
                "(element) => element.getRootNode().getElementById(element.getAttribute('aria-describedby')).textContent"
            )
            assert described == "Hold to open", described


async def _check_refusal(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
        await scene.add_card()
        with checks("the reason of a refusal is shown as it is"):
            await scene.page.evaluate("(text) => { home.refusal = text; }", MARKUP)
            await scene.page.get_by_role("button", name="Open", exact=True).click(delay=LONG)
            await expect(scene.page.get_by_role("status")).to_have_text(f"Failed: {MARKUP}")
            assert not await scene.page.evaluate("window.cracked")
        with checks("a lock that is unavailable cannot be held"):
            await scene.page.evaluate(f"home.set({LOCK!r}, 'unavailable')")
            await expect(scene.page.get_by_role("button", name="Open", exact=True)).to_be_disabled()
