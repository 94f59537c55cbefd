"""Check the pop-up."""

import asyncio
from typing import Any

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
    VISITOR,
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
        _check_old_rings,
        _check_no_sensor,
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
            await expect(page.get_by_role("alert")).to_have_text("Gate, Doorbell Alice: ringing")
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


def _home_with_ring(time: str, sensor: str = "off") -> dict[str, Any]:
    home = make_home()
    home["states"][BELL] = [time, {"event_type": "ring"}]
    home["states"][RINGING] = [sensor, {}]
    return home


async def _check_old_rings(checks: Checks, chromium: Browser, url: str) -> None:
    old = "2026-11-29T20:00:00.000+00:00"
    async with scene_of(chromium, url, _home_with_ring(old)) as scene:
        page = scene.page
        await scene.popup_is_ready()
        with checks(
            "an old ring does not open it when the device is available again, and a call without a ring neither"
        ):
            await page.evaluate(f"home.set({BELL!r}, 'unavailable')")
            await page.evaluate(f"home.set({BELL!r}, {old!r})")
            await asyncio.sleep(6)  # the sensor of a ring follows sooner
            await page.evaluate(f"home.set({RINGING!r}, 'on')")
            await asyncio.sleep(0.5)
            assert await scene.popup.count() == 0
    home = _home_with_ring(old)
    home["entities"]["event.other"] = home["entities"][BELL] | {"entity_id": "event.other"}
    home["states"]["event.other"] = [old, {"event_type": "ring"}]
    async with scene_of(chromium, url, home) as scene:
        await scene.popup_is_ready()
        with checks("a ring that was closed stays closed when its bell is available again before another bell"):
            await scene.ring()
            await expect(scene.popup).to_be_visible()
            await scene.page.keyboard.press("Escape")
            rang = await scene.page.evaluate(f"home.states[{BELL!r}].state")
            await scene.page.evaluate(f"home.set({RINGING!r}, 'off')")
            await scene.page.evaluate(f"home.set({BELL!r}, 'unavailable')")
            await scene.page.evaluate(f"home.set({BELL!r}, {rang!r})")
            await asyncio.sleep(0.5)
            assert await scene.popup.count() == 0
    async with scene_of(chromium, url) as scene:
        with checks("a page that is opened just after a ring does not show it"):
            recent = await scene.page.evaluate("new Date(Date.now() - 20_000).toISOString()")
            await scene.build(url, _home_with_ring(recent))
            await scene.popup_is_ready()
            await asyncio.sleep(1)
            assert await scene.popup.count() == 0
    async with scene_of(chromium, url) as scene:
        with checks("a page that is opened during a ring shows it, even if its clock is wrong"):
            await scene.page.clock.set_fixed_time("2026-11-30T20:00:00Z")
            await scene.build(url, _home_with_ring("2026-11-30T08:00:00.000+00:00", "on"))
            await expect(scene.popup).to_be_visible()
    async with scene_of(chromium, url) as scene:
        with checks("a page that is opened after the visitor was let in does not show the ring"):
            home = _home_with_ring("2026-11-30T08:00:00.000+00:00", "on")
            home["states"][VISITOR] = ["2026-11-30T08:00:05.000+00:00", {"event_type": "opened"}]
            await scene.build(url, home)
            await scene.popup_is_ready()
            await asyncio.sleep(1)
            assert await scene.popup.count() == 0


async def _check_no_sensor(checks: Checks, chromium: Browser, url: str) -> None:
    home = make_home()
    del home["entities"][OTHER_RINGING], home["states"][OTHER_RINGING]
    async with scene_of(chromium, url, home) as scene:
        page = scene.page
        await page.clock.install()
        await scene.build(url, home)
        await page.clock.run_for(100)
        await scene.popup_is_ready()
        with checks("the first ring of a door without a sensor opens it, and it closes after a minute"):
            await page.evaluate(f"home.event({OTHER_BELL!r}, 'ring')")
            await expect(scene.popup).to_have_accessible_name("Side door")
            await page.clock.run_for(55_000)
            await expect(scene.popup).to_be_visible()
            await page.clock.run_for(7_000)
            await expect(scene.popup).to_have_count(0)
        with checks("it never shows the picture of an earlier visitor"):
            await scene.ring()
            picture = scene.popup.locator("ip-intercom-picture img:not(.failed)")
            await expect(picture.first).to_be_visible()
            await page.evaluate(f"home.set({RINGING!r}, 'off')")
            await expect(scene.popup).to_have_count(0)
            await page.evaluate(
                f"home.set({CAMERA!r}, 'idle', {{ entity_picture: '/slow/camera_proxy/camera.gate?token=1' }})"
            )
            await scene.ring()
            await expect(scene.popup).to_be_visible()
            assert await picture.count() == 0


async def _check_lost_connection(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url, _home_with_ring("2026-11-29T20:00:00.000+00:00")) as scene:
        page = scene.page
        await scene.popup_is_ready()

        async def reconnect(seconds: int, sensor: str) -> None:
            """Reconnect after a ring some seconds ago."""
            await page.evaluate(
                """([bell, ringing, seconds, sensor]) => {
                    const time = new Date(Date.now() - 1000 * seconds).toISOString();
                    home.states[bell] = { ...home.states[bell], state: time, last_changed: time };
                    home.states[ringing] = { ...home.states[ringing], state: sensor };
                    home.reconnect();
                }""",
                [BELL, RINGING, seconds, sensor],
            )

        with checks("a ring that is over when the connection returns does not open it; one that lasts does"):
            await reconnect(600, "off")
            await asyncio.sleep(1)
            assert await scene.popup.count() == 0
            await reconnect(300, "on")
            await expect(scene.popup).to_be_visible()
        with checks("a lost connection keeps it open, and it closes if the ring ended meanwhile"):
            await reconnect(300, "on")
            await expect(scene.popup).to_be_visible()
            await reconnect(300, "off")
            await expect(scene.popup).to_have_count(0)


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
    async with scene_of(chromium, url) as scene:
        await scene.popup_is_ready()
        with checks("a visitor who was let in leaves the pop-up to the other one"):
            await scene.ring()
            await scene.ring(OTHER_BELL, OTHER_RINGING)
            await scene.visit("opened")
            await expect(scene.popup.get_by_role("status")).to_have_text("Let in")
            await scene.popup.get_by_role("button", name="Also ringing: Side door").click()
            await expect(scene.popup).to_have_accessible_name("Side door")
            await scene.page.evaluate(f"home.set({OTHER_RINGING!r}, 'off')")
            await expect(scene.popup).to_have_count(0)
        with checks("the message of a button is not shown again at the next ring"):
            await scene.page.evaluate(f"home.set({RINGING!r}, 'off')")
            await scene.ring()
            await expect(scene.popup).to_have_accessible_description("Doorbell Alice: ringing")
            await scene.popup.get_by_role("button", name="Open", exact=True).click(delay=TAP)
            await expect(scene.popup.get_by_role("status")).to_contain_text("Not opened")
            await scene.page.keyboard.press("Escape")
            await scene.ring()
            await expect(scene.popup.get_by_role("status")).to_have_text("Hold to open")
