"""Check the pop-up."""

import asyncio

from playwright.async_api import Browser, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.checks import Checks

from .chromium import PHONE, profile
from .fake_home import (
    ANSWER,
    BELL,
    CAMERA,
    LOCK,
    LONG,
    OTHER_BELL,
    OTHER_RINGING,
    RINGING,
    TAP,
    Scene,
    make_home,
    scene_of,
)


async def check_popup(checks: Checks, chromium: Browser, url: str) -> None:
    """Check the pop-up."""
    for part in (
        _check_popup,
        _check_closing,
        _check_typing,
        _check_choice,
        _check_restored,
        _check_lost_connection,
        _check_two_doors,
    ):
        await part(checks, chromium, url)


async def _check_popup(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
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
    async with scene_of(chromium, url) as scene:
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
    async with scene_of(chromium, url) as scene:
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
        await scene.build(url, make_home())
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
            await scene.build(url, make_home())
            await scene.popup_is_ready()
            await scene.ring()
            await expect(scene.popup).to_be_visible()
        with checks("its own button turns it off, in other tabs as well"):
            other = Scene(await context.new_page())
            await other.build(url, make_home())
            await other.popup_is_ready()
            await scene.page.bring_to_front()
            await scene.popup.get_by_role("button", name="Do not show in this browser").click()
            await expect(scene.popup).to_have_count(0)
            await other.page.wait_for_function("home.subscriptions.length === 0")


async def _check_restored(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
        page = scene.page
        await scene.popup_is_ready()
        with checks("an old ring that Home Assistant restores does not open it"):
            await page.evaluate(f"home.set({BELL!r}, 'unavailable')")
            await page.evaluate(f"home.set({BELL!r}, '2026-11-29T20:00:00.000+00:00', {{ event_type: 'ring' }})")
            await asyncio.sleep(0.5)
            assert await scene.popup.count() == 0
    home = make_home()
    async with scene_of(chromium, url) as scene:
        with checks("a page that is opened during a ring shows it, whatever its clock says"):
            await scene.page.clock.set_fixed_time("2026-11-30T20:00:00Z")
            home["states"][BELL] = ["2026-11-30T08:00:00.000+00:00", {"event_type": "ring"}]
            home["states"][RINGING] = ["on", {}]
            await scene.build(url, home)
            await expect(scene.popup).to_be_visible()


async def _check_lost_connection(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
        page = scene.page
        await scene.popup_is_ready()
        with checks("a ring that is over when the connection returns does not open it; one that lasts does"):
            await page.evaluate(
                f"""() => {{ const time = new Date(Date.now() - 600_000).toISOString();
                    home.states[{BELL!r}] = {{ ...home.states[{BELL!r}], state: time, last_changed: time }};
                    home.reconnect(); }}"""
            )
            await asyncio.sleep(1)
            assert await scene.popup.count() == 0
            await page.evaluate(
                f"""() => {{ const time = new Date(Date.now() - 300_000).toISOString();
                    home.states[{BELL!r}] = {{ ...home.states[{BELL!r}], state: time, last_changed: time }};
                    home.states[{RINGING!r}] = {{ ...home.states[{RINGING!r}], state: "on" }};
                    home.reconnect(); }}"""
            )
            await expect(scene.popup).to_be_visible()
        with checks("a call without a ring does not open it"):
            await page.evaluate(f"home.set({RINGING!r}, 'off')")
            await expect(scene.popup).to_have_count(0)
            await asyncio.sleep(6)  # a sensor may follow its ring a moment later
            await page.evaluate(f"home.set({RINGING!r}, 'on')")
            await asyncio.sleep(0.5)
            assert await scene.popup.count() == 0


async def _check_two_doors(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
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
