"""Check the card."""

from playwright.async_api import Browser, expect  # type: ignore[import-not-found]  # in the docs environment only

from tests.demo.checks import Checks

from .chromium import PHONE
from .fake_home import ANSWER, BELL, CAMERA, DOMAIN, HANG_UP, LOCK, MARKUP, OTHER_BELL, RINGING, make_home, scene_of


async def check_card(checks: Checks, chromium: Browser, url: str) -> None:
    """Check the card."""
    for part in (
        _check_names,
        _check_buttons,
        _check_talk,
        _check_account,
        _check_visitors,
        _check_late_visitors,
        _check_extension,
        _check_own_button,
        _check_language,
        _check_reduced_motion,
        _check_picker,
    ):
        await part(checks, chromium, url)


async def _check_names(checks: Checks, chromium: Browser, url: str) -> None:
    home = make_home(name=MARKUP, bell=MARKUP)
    home["entities"]["lock.other"] = home["entities"][LOCK] | {"entity_id": "lock.other", "name": MARKUP}
    home["states"]["lock.other"] = ["locked", {"supported_features": 1}]
    async with scene_of(chromium, url, home) as scene:
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
    async with scene_of(chromium, url, viewport=PHONE) as scene:
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
    async with scene_of(chromium, url) as scene:
        with checks("Talk is there only where the camera has audio in both directions"):
            await scene.add_card()
            await expect(scene.page.get_by_role("button", name="Open", exact=True)).to_be_visible()
            await expect(scene.page.get_by_role("button", name="Talk")).to_be_hidden()
            await scene.page.evaluate("home.twoWayAudio = true")
            await scene.add_card()
            await expect(scene.page.get_by_role("button", name="Talk")).to_have_count(1)
    async with scene_of(chromium, url) as scene:
        with checks("Talk appears with a ring where a door can be talked to only then"):
            await scene.add_card()
            talk = scene.page.get_by_role("main").get_by_role("button", name="Talk")
            await expect(scene.page.get_by_role("button", name="Open", exact=True)).to_be_visible()
            await expect(talk).to_be_hidden()
            await scene.page.evaluate("home.twoWayAudio = true")
            await scene.ring()
            await expect(talk).to_be_visible()
            await scene.page.evaluate(f"home.twoWayAudio = false; home.set({RINGING!r}, 'off')")
            await expect(talk).to_be_hidden()


async def _check_account(checks: Checks, chromium: Browser, url: str) -> None:
    """Check the card of an entrance whose calls belong to the account above it."""
    home = make_home()
    home["devices"]["gate"]["via_device_id"] = "house"
    home["devices"] |= {"house": {"id": "house", "via_device_id": "account"}, "account": {"id": "account"}}
    for entity in (ANSWER, HANG_UP):
        home["entities"][entity]["device_id"] = "account"
    async with scene_of(chromium, url, home) as scene:
        with checks("the calls of a door may belong to the account above it"):
            await scene.add_card()
            await scene.ring()
            await scene.popup.get_by_role("button", name="Answer").click()
            await scene.popup.get_by_role("button", name="Hang up").click()
            assert await scene.calls() == [f"button.press {ANSWER}", f"button.press {HANG_UP}"]


async def _check_visitors(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
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


async def _check_late_visitors(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url) as scene:
        page, visitors = scene.page, scene.page.locator("ip-intercom-visitors")
        await page.clock.install()
        await page.evaluate("home.visitorsRefusal = 'not_found'")
        await scene.add_card()
        await expect(page.get_by_role("button", name="Open", exact=True)).to_be_visible()
        with checks("the visitors of a device that is loaded later appear, and come back after a lost connection"):
            await page.evaluate(
                "home.visitors = [{ id: '1', time: '2026-11-30T08:00:00+00:00', bell: 'Alice', outcome: null, picture: null }]"
            )
            await expect(visitors).to_be_hidden()
            await page.clock.run_for(11_000)
            await expect(visitors.get_by_role("listitem")).to_have_count(1)
            await page.evaluate("home.reconnect()")
            await page.wait_for_function(
                "home.subscriptions.filter((one) => one.message.type === 'ip_intercom/visitors/subscribe').length === 1"
            )
        with checks("a card that is removed follows no visitors"):
            await page.evaluate("document.querySelector('ip-intercom-door').remove(); home.listeners.clear()")
            await page.evaluate("home.reconnect()")
            await page.clock.run_for(11_000)
            assert (
                await page.evaluate(
                    "home.subscriptions.filter((one) => one.message.type.startsWith('ip_intercom')).length"
                )
                == 0
            )


async def _check_extension(checks: Checks, chromium: Browser, url: str) -> None:
    home = make_home()
    extension = {"device_id": "desk", "platform": DOMAIN, "name": "Call state"}
    home["devices"]["desk"] = {"id": "desk", "name": "Extension"}
    for entity, key, state in (
        ("sensor.call", "call_state", ["idle", {}]),
        ("button.desk_answer", "answer", ["unknown", {}]),
    ):
        home["entities"][entity] = extension | {"entity_id": entity, "translation_key": key}
        home["states"][entity] = state
    async with scene_of(chromium, url, home) as scene:
        page = scene.page
        await scene.add_card(device_id="desk")
        with checks("the card of an extension has no picture, and shows who calls"):
            await expect(page.get_by_role("heading", name="Extension")).to_be_visible()
            await expect(page.locator("ip-intercom-picture")).to_be_hidden()
            await page.evaluate("home.set('sensor.call', 'ringing', { peer: 'Front door' })")
            await expect(page.get_by_text("Front door")).to_be_visible()
            await page.get_by_role("button", name="Answer").click()
            assert await scene.calls() == ["button.press button.desk_answer"]
    async with scene_of(chromium, url) as scene:
        with checks("a card without a device says what to do"):
            await scene.add_card(device_id=None)
            await expect(scene.page.get_by_text("Choose a device")).to_be_visible()
            await expect(scene.page.locator("ip-intercom-door-view")).to_be_hidden()


async def _check_own_button(checks: Checks, chromium: Browser, url: str) -> None:
    home = make_home()
    home["devices"]["account"] = {"id": "account", "name": "Account"}
    home["devices"]["gate"]["via_device_id"] = "account"
    for entity, key in (("sensor.call", "call_state"), ("button.any_answer", "answer")):
        home["entities"][entity] = {
            "entity_id": entity,
            "device_id": "account",
            "platform": DOMAIN,
            "name": key,
            "translation_key": key,
        }
        home["states"][entity] = ["idle", {}]
    async with scene_of(chromium, url, home) as scene:
        card = scene.page.get_by_role("main")
        answer = card.get_by_role("button", name="Answer")
        await scene.add_card()
        with checks("the card of one door of an account answers only its own visitors"):
            await scene.page.evaluate("home.set('sensor.call', 'ringing')")
            await expect(card.get_by_role("button", name="Hang up")).to_be_visible()
            await expect(answer).to_be_hidden()
            await scene.ring()
            await answer.dispatch_event("click")  # the pop-up is above it
            assert await scene.calls() == [f"button.press {ANSWER}"]
    async with scene_of(chromium, url, home) as scene:
        hang_up = scene.page.get_by_role("main").get_by_role("button", name="Hang up")
        await scene.add_card()
        with checks("the card of one door of an account ends only the call at this door"):
            await scene.page.evaluate(f"home.set('sensor.call', 'connected', {{ bell: '{BELL}' }})")
            await expect(hang_up).to_be_visible()
            await scene.page.evaluate(f"home.set('sensor.call', 'connected', {{ bell: '{OTHER_BELL}' }})")
            await expect(hang_up).to_be_hidden()


async def _check_language(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url, make_home("ru")) as scene:
        with checks("the card speaks the language of the user"):
            await scene.add_card()
            await expect(scene.page.get_by_role("button", name="Открыть", exact=True)).to_be_visible()
            for text in await scene.page.get_by_role("button").all_text_contents():
                assert not text.isascii() or text == "", text
    async with scene_of(chromium, url) as scene:
        with checks("from right to left, the card is mirrored and nothing overflows"):
            await scene.page.evaluate("document.dir = 'rtl'")
            await scene.add_card()
            title, switch = scene.page.get_by_role("heading"), scene.page.get_by_role("switch")
            assert (await title.bounding_box())["x"] > (await switch.bounding_box())["x"]
            assert await scene.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def _check_reduced_motion(checks: Checks, chromium: Browser, url: str) -> None:
    async with scene_of(chromium, url, reduced_motion="reduce", viewport=PHONE) as scene:
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
    async with scene_of(chromium, url) as scene:
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
            for config in ({"device_id": 1}, {"visitors": "many"}, {"lock": [1]}):
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
