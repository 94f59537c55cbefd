"""Planted secrets appear in no output during the whole life of an entry, with full logging."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
import logging
from typing import Any
from urllib.parse import quote

from homeassistant.components.camera import async_get_stream_source
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.const import CONF_PUSH_TOKEN, DOMAIN, EVENT_LOG
from tests.common import (
    act,
    add_intercom,
    choose,
    command,
    configure,
    enter,
    entity_id,
    reopen,
    until,
    user_input,
    webhook_of,
)
from tests.simulators.akuvox import Simulator as Akuvox
from tests.simulators.common.host import Host
from tests.simulators.common.rtsp import RtspCamera, Ways
from tests.simulators.mx_proxy import APPS, LOGIN, Simulator as MxProxy
from tests.simulators.smartyard import PHONE, Form, Simulator as SmartYard
from tests.simulators.two_n import Account, Privilege, Simulator as TwoN
from tests.systems.akuvox.integration.conftest import BUTTON
from tests.systems.mx_proxy.integration.conftest import UNVERIFIED
from tests.systems.smartyard.integration.test_devices import place
from tests.talk.go2rtc import Go2rtc
from tests.talk.sounds import file_server, tone

from .rigs import RIGS
from .talkers import TALKERS, SmartYard as TalkingSmartYard, Talker
from .witness import Witness

PASSWORD, OTHER_PASSWORD = "Pa55word&ä 4711", "0ther-Pa55word&"
PIN, CARD, TONES = "73910264", "4BD9E903A7C1", "58203917"
SIP, RTSP, OPENING, TOKEN = "s1p-Secr3t-word", "rt5p-Secr3t-word", "0pen-Secr3t-word", "t0ken-5ecret-word"

type Life = Callable[[HomeAssistant, Witness, str, ClientSessionGenerator], Awaitable[None]]


@pytest.fixture
async def working() -> None:
    """Wait in real time while the recorder's thread sets up its database."""
    loop: Any = asyncio.get_running_loop()
    loop._skipping.busy += 1


@pytest.fixture(autouse=True)
async def recorder(working: None, recorder_mock: object, enable_custom_integrations: None) -> None:
    """Record everything; the recorder has to come before all else."""
    loop: Any = asyncio.get_running_loop()
    loop._skipping.busy -= 1


@pytest.fixture
def integration() -> None:
    """``recorder`` lets Home Assistant find this repository's integration, after the recorder."""


@pytest.fixture
async def witness(hass: HomeAssistant, caplog: pytest.LogCaptureFixture, hass_storage: dict[str, Any]) -> Witness:
    """Sees everything; an automation traces every record of a log."""
    automation = {
        "alias": "everything",
        "id": "everything",
        "triggers": [{"trigger": "event", "event_type": EVENT_LOG}],
        "actions": [{"event": "traced", "event_data": {"data": "{{ trigger.event.data }}"}}],
        "mode": "parallel",
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    return Witness(hass, caplog, hass_storage)


async def mended(
    hass: HomeAssistant, witness: Witness, entry: ConfigEntry, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    """Reauthenticate and reconfigure an entry, with wrong values first and once without a response."""
    for source in (SOURCE_REAUTH, SOURCE_RECONFIGURE):
        form = await reopen(hass, entry, source)
        for values in (wrong, right):
            if form["type"] != "form":
                break
            # The form itself is filled in with what the person may see and change.
            witness.show(f"errors of {source}", repr((form["errors"], form["description_placeholders"])))
            names = {str(key) for key in form["data_schema"].schema}
            form = await witness.attempt(configure(hass, form, {k: v for k, v in values.items() if k in names}))
        witness.show(f"end of {source}", repr((form.get("reason"), form.get("errors"))))
    await hass.async_block_till_done(wait_background_tasks=False)


async def ended(
    hass: HomeAssistant, witness: Witness, entry: ConfigEntry, sim: Host[Any], client: ClientSessionGenerator
) -> None:
    """Look at an entry, reload it, lose the device, and remove the entry."""
    await witness.look(entry, client)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=False)
    sim.lose_connection()
    await witness.attempt(entry.runtime_data.coordinator.async_refresh())
    await until(lambda: not entry.runtime_data.coordinator.last_update_success, "the loss")
    await witness.look(entry, client)
    await sim.restore_connection()
    assert await hass.config_entries.async_unload(entry.entry_id)
    witness.keep_storage()
    assert await hass.config_entries.async_remove(entry.entry_id)


async def life_of_a_2n(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """Codes, cards, tones, a SIP password, and a directory with credentials."""
    password, other = witness.plant("password", PASSWORD), witness.plant("wrong password", OTHER_PASSWORD)
    pin, card = witness.plant("PIN", PIN), witness.plant("card", CARD)
    witness.plant("SIP password", SIP)
    resident = {"name": "Alice", "buttons": "1", "callPos": [{"peer": "sip:101@192.168.1.20"}],
                "access": {"pin": pin, "card": [card], "code": ["", witness.plant("switch code", "6402817395")]}}  # fmt: skip
    async with TwoN("verso", accounts=[Account("ha", password, Privilege.ALL)], directory=[resident]) as sim:
        sim.sip.all[1].password = SIP
        address = sim.https_address
        refused = await enter(hass, user_input(address, "ha", other))
        witness.show("form", repr(refused.get("errors")))
        entry = (await configure(hass, refused, user_input(address, "ha", password)))["result"]
        stream = {"stream_username": "rtsp", "stream_password": witness.plant("RTSP password", RTSP)}
        await choose(hass, entry, {**entry.options, **stream})
        await sim.wait_for_pull()
        session = sim.press("%1")
        assert session is not None
        sim.answer(session)
        sim.dtmf(witness.plant("tones", TONES))
        sim.enter_code(pin)
        sim.enter_code(witness.plant("wrong code", "91746203"))
        sim.swipe_card(card)
        sim.swipe_card(witness.plant("unknown card", "0A1B2C3D4E5F"), valid=False)
        sim.emit(
            "MobKeyEntered", ap=1, session=0, direction="in", authid=witness.plant("mobile key", TOKEN), valid=True
        )
        end = datetime.now(UTC) + timedelta(hours=1)
        code = witness.plant("entered code", "20461937")
        await witness.attempt(command(hass, entry, "add_temporary_code", name="Cleaner", code=code, end=end))
        given = await witness.attempt(command(hass, entry, "add_temporary_code", name="Guest", end=end))
        witness.plant("generated code", f"{given['code']}")
        await witness.attempt(command(hass, entry, "add_temporary_code", name="Twice", code=code, end=end))
        (listed,) = (await command(hass, entry, "directory_query", fields=["name", "access.pin"]))["entries"][:1]
        update = [{"uuid": listed["uuid"], "access": {"pin": witness.plant("new PIN", "84015926")}}]
        await witness.attempt(command(hass, entry, "directory_update", entries=update))
        await witness.attempt(
            command(hass, entry, "directory_update", entries=[{"uuid": "x", "access": {"pin": code}}])
        )
        await witness.attempt(command(hass, entry, "sip_accounts"))
        await witness.attempt(act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_1_door")))
        await mended(hass, witness, entry, user_input(address, "ha", other), user_input(address, "ha", password))
        await ended(hass, witness, entry, sim, client)


async def life_of_an_akuvox(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """People with PINs, an opening over HTTP, action URLs, pictures with a login, and settings with passwords."""
    password, other = (
        witness.plant("password", PASSWORD.replace(" ", "")),
        witness.plant("wrong password", OTHER_PASSWORD),
    )
    pin, opening = witness.plant("PIN", PIN), witness.plant("opening password", OPENING)
    settings = {**BUTTON, "Config.Account1.GENERAL.Pwd": witness.plant("SIP password", SIP)}
    async with Akuvox("e16c", password=password, whitelist=["127.0.0.1"], config=settings) as sim:
        sim.add_user(Name="Alice", PrivatePIN=pin, CardCode=witness.plant("card", CARD))
        sim.allow_http_open("opener", opening)
        address = f"https://{sim.https_address}"
        refused = await enter(hass, user_input(address, "admin", other))
        witness.show("form", repr(refused.get("errors")))
        entry = (await configure(hass, refused, user_input(address, "admin", password)))["result"]
        options = {
            "push": True, "opening_username": "opener", "opening_password": opening, "stream_username": "rtsp",
            "stream_password": witness.plant("RTSP password", RTSP),
        }  # fmt: skip
        await choose(hass, entry, {**entry.options, **options})
        await until(lambda: entry.data.get(CONF_PUSH_TOKEN), "the push address")
        witness.plant("webhook", entry.data[CONF_PUSH_TOKEN])
        await until(lambda: sim.config["Config.Features.ACTIONURL.Enable"] == "1", "the action URLs")
        await hass.async_block_till_done(wait_background_tasks=False)
        sim.press()
        sim.enter_code(pin)
        sim.enter_code(witness.plant("wrong code", "91746203"))
        sim.swipe_card(CARD)
        sim.swipe_card(witness.plant("unknown card", "0A1B2C3D4E5F"))
        sim.dtmf(witness.plant("tones", TONES))
        end = datetime.now(UTC) + timedelta(hours=1)
        code = witness.plant("entered code", "20461937")
        await witness.attempt(command(hass, entry, "add_temporary_code", name="Cleaner", code=code, end=end))
        await witness.attempt(command(hass, entry, "add_temporary_code", name="Twice", code=code, end=end))
        await witness.attempt(command(hass, entry, "get_config"))
        values = {"Config.Account1.GENERAL.Pwd": witness.plant("new SIP password", "new-s1p-Secr3t")}
        await witness.attempt(command(hass, entry, "set_config", values=values))
        await witness.attempt(command(hass, entry, "directory_query", fields=["Name", "PrivatePIN"]))
        await witness.attempt(act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_A_door")))
        sim.allow_http_open("opener", "changed")
        await witness.attempt(act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_A_door")))
        await mended(hass, witness, entry, user_input(address, "admin", other), user_input(address, "admin", password))
        await ended(hass, witness, entry, sim, client)


async def life_of_an_extension(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """An application with a secret, tokens, a forwarder, a conference with a code, and a device token."""
    (app,) = APPS
    account = {
        "client_id": app,
        "client_secret": witness.plant("client secret", "cl1ent-Secr3t-word"),
        "username": LOGIN,
    }
    password, other = witness.plant("password", PASSWORD), witness.plant("wrong password", OTHER_PASSWORD)
    async with MxProxy(speed=10, apps={app: account["client_secret"]}) as sim:
        sim.change_password(password)
        base = {"host": sim.url, **account, **UNVERIFIED}
        refused = await enter(hass, {**base, "password": other}, "mx_proxy")
        witness.show("form", repr(refused.get("errors")))
        entry = (await configure(hass, refused, {**base, "password": password}))["result"]
        await choose(hass, entry, {**entry.options, "push": True})
        sim.push_to(await webhook_of(entry, url))
        witness.plant("webhook", entry.data[CONF_PUSH_TOKEN])
        sim.hang_up(sim.incoming_call("4711"))
        sim.leave_voicemail("4712")
        start = datetime.now(UTC) + timedelta(hours=1)
        meeting = {"name": "Board", "start": start, "duration": {"hours": 1}}
        code = witness.plant("conference code", "739102648")
        made = await witness.attempt(command(hass, entry, "conference_create", access_code=code, **meeting))
        witness.show("nothing", "" if made is None else "made")
        await witness.attempt(command(hass, entry, "conference_query"))
        token = {"kind": "fcm", "topic": "com.example.app", "token": witness.plant("device token", TOKEN)}
        await witness.attempt(command(hass, entry, "push_token_add", **token))
        await witness.attempt(command(hass, entry, "push_token_remove", **token))
        sim.expire_tokens()
        await witness.attempt(command(hass, entry, "voicemail_query"))
        right = {"host": sim.url, **account, **UNVERIFIED, "password": password}
        await mended(hass, witness, entry, {**right, "password": other}, right)
        await ended(hass, witness, entry, sim, client)


async def life_of_an_apartment(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """A login by code, tokens, door codes, SIP credentials, cameras with tokens, and a forwarder."""
    async with SmartYard() as sim:
        sim.set_log_delay(0)
        for flat in (51, 52):
            with suppress(KeyError):
                sim.town.flat(flat).door_code = witness.plant(f"door code of {flat}", f"739{flat}264")
        form = await enter(hass, {"host": sim.url, "phone": f"+{PHONE}", **UNVERIFIED}, "smartyard")
        refused = await configure(hass, form, {"code": "0000"})
        witness.show("form", repr(refused.get("errors")))
        entry = (await configure(hass, refused, {"code": sim.code_of(PHONE)}))["result"]
        for key, value in entry.data.items():
            if "token" in key:
                witness.plant(key, value)
        await choose(hass, entry, {**entry.options, "push": True})
        sim.push_to(await webhook_of(entry, url), Form.FCM)
        witness.plant("webhook", entry.data[CONF_PUSH_TOKEN])
        witness.plant("ring's secret", sim.ring(21))
        sim.happen("key", 21, flat=51, ago=30)
        await hass.async_block_till_done(wait_background_tasks=False)
        at = place(hass, entry, "flat_51").id
        for action, data in (
            ("get_door_code", {}), ("renew_door_code", {}), ("sip_account", {}), ("let_guests_in", {"duration": 60}),
        ):  # fmt: skip
            found = await witness.attempt(act(hass, f"ip_intercom.{action}", True, device_id=at, **data))
            for name in ("code", "password"):
                if found and len(found.get(name) or "") >= 6:
                    witness.plant(f"{name} of {action}", found[name])
        await witness.attempt(act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_21:0_door")))
        await ended(hass, witness, entry, sim, client)


async def answered(hass: HomeAssistant, witness: Witness, talker: Talker, browser: Go2rtc) -> None:
    """Watch, and talk until the door has heard it."""
    before = talker.heard()
    await browser.watch()
    await browser.talk()
    while talker.heard() <= before + 3:
        await browser.say(b"\x01" * 160)
        await asyncio.sleep(0.02)
    await hass.async_block_till_done(wait_background_tasks=False)


async def source_of(hass: HomeAssistant, witness: Witness, talker: Talker) -> str:
    """Return the address of the stream at this host, whose path is a secret."""
    camera = entity_id(hass, talker.rig.entry, "camera", f"camera_{talker.camera}")
    source = await async_get_stream_source(hass, camera)
    assert source is not None and "@" not in source
    witness.plant("path of the stream", source.rpartition("/")[2])
    return source


async def talk_at_a_2n(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """The account of ONVIF and RTSP: in an announcement, rejected, and in a call by SIP with the video of that account."""
    async with AsyncExitStack() as stack:
        rig = RIGS["two_n"](hass, url)
        await rig.add(stack, secure=False)
        talker = TALKERS["two_n"](rig)
        await talker.add(stack)
        for key in ("password", "stream_password"):
            witness.plant(key, (rig.entry.data | rig.entry.options)[key])
        sound = (await stack.enter_async_context(file_server()))(tone(0.5, rate=8000))
        await talker.announce(sound)
        await until(lambda: talker.heard() > 3, "the sound")
        camera = await async_get_stream_source(hass, entity_id(hass, rig.entry, "camera", "camera_internal"))
        assert camera is not None and "p%40ss%2Fw" in camera
        await witness.look(rig.entry, client)
        talker.breaks["401"]()
        await witness.attempt(act(hass, "button.press", entity_id=entity_id(hass, rig.entry, "button", "check_talk")))
        assert talker.status == "rtsp_login"
        await witness.attempt(talker.announce(sound))
        rig.sim.onvif.users = {}
        await witness.attempt(act(hass, "button.press", entity_id=entity_id(hass, rig.entry, "button", "check_talk")))
        assert talker.status == "onvif_login"
        await ended(hass, witness, rig.entry, rig.sim, client)


async def talk_at_an_akuvox(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """The RTSP account of the video in a call, and the path of the stream with both."""
    async with AsyncExitStack() as stack:
        password = witness.plant("RTSP password", RTSP)
        video = await stack.enter_async_context(RtspCamera(Ways(login="digest"), {"viewer": password}))
        rig = RIGS["akuvox"](hass, url)
        await rig.add(stack, secure=False)
        talker = TALKERS["akuvox"](rig)
        await talker.add(stack)
        await talker.turn_on(stream_username="viewer", stream_password=password, stream_port=video.port)
        witness.plant("webhook", rig.entry.data[CONF_PUSH_TOKEN])
        witness.plant("password", rig.entry.data["password"])
        async with Go2rtc(await source_of(hass, witness, talker)) as browser:
            await answered(hass, witness, talker, browser)
            assert any("authorization" in request.headers for request in video.requests)
            await witness.look(rig.entry, client)
        video.users.clear()
        async with Go2rtc(browser.url) as browser:
            with suppress(ConnectionError):
                await browser.watch()
        await ended(hass, witness, rig.entry, rig.sim, client)


async def talk_at_a_smartyard(hass: HomeAssistant, witness: Witness, url: str, client: ClientSessionGenerator) -> None:
    """The SIP account of a push, accepted and rejected; digits that open the door; and the path of the stream."""
    async with AsyncExitStack() as stack:
        rig = RIGS["smartyard"](hass, url)
        await rig.add(stack, secure=False)
        talker = TALKERS["smartyard"](rig)
        await talker.add(stack)
        assert isinstance(talker, TalkingSmartYard)
        witness.plant("webhook", rig.entry.data[CONF_PUSH_TOKEN])
        for key in [key for key in rig.entry.data if "token" in key]:
            witness.plant(key, rig.entry.data[key])
        digits = witness.plant("digits", TONES)
        talker.phones.changed = {"dtmf": digits}
        await talker.visit()
        account = talker.phones.of(talker.rung)
        witness.plant("SIP password", account.password)
        witness.plant("SIP account", account.extension)
        async with Go2rtc(await source_of(hass, witness, talker)) as browser:
            await answered(hass, witness, talker, browser)
            await witness.look(rig.entry, client)
            rig.sim.fault("address/openDoor", "reset")
            await act(hass, "lock.open", entity_id=entity_id(hass, rig.entry, "lock", "door_21:0_door"))
            await until(lambda: account.listen().digits == digits, "the digits")
            rig.sim.heal()
        await until(lambda: account.state == "ended", "the end of the call")
        talker.phones.wrong = True
        rejected = talker.phones.of(rig.sim.ring(21))
        witness.plant("rejected SIP account", rejected.extension)
        witness.plant("rejected SIP password", rejected.ring.hash)
        await until(lambda: talker.status == "account_refused", "the rejection")
        await witness.attempt(command(hass, rig.entry, "answer"))
        await ended(hass, witness, rig.entry, rig.sim, client)


LIVES: dict[str, Life] = {
    "two_n": life_of_a_2n, "akuvox": life_of_an_akuvox, "mx_proxy": life_of_an_extension, "smartyard": life_of_an_apartment,
    "talk at two_n": talk_at_a_2n, "talk at akuvox": talk_at_an_akuvox, "talk at smartyard": talk_at_a_smartyard,
}  # fmt: skip


@pytest.mark.parametrize("system", LIVES)
async def test_no_output_contains_a_secret(
    hass: HomeAssistant,
    witness: Witness,
    sockets: None,
    local_url: str,
    hass_client: ClientSessionGenerator,
    system: str,
) -> None:
    await LIVES[system](hass, witness, local_url, hass_client)
    assert len(witness.secrets) >= (2 if system.startswith("talk") else 6)
    found = await witness.search()
    assert found == [], "\n".join(found)


async def test_a_secret_is_found_in_each_place(
    hass: HomeAssistant,
    witness: Witness,
    sockets: None,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
) -> None:
    """Without this, finding nothing would prove nothing."""
    assert await async_setup_component(hass, "diagnostics", {})
    async with TwoN("verso") as sim:
        entry = await add_intercom(hass, sim)
        secret = witness.plant("secret", PASSWORD)
        hass.bus.async_fire(EVENT_LOG, {"pin": secret})
        hass.states.async_set("sensor.x", "on", {"url": f"rtsp://{quote(secret, safe='')}@x"})
        logging.getLogger("custom_components.ip_intercom").debug("sent %s", secret)
        hass_storage["ip_intercom.x"] = {"data": secret}
        ir.async_create_issue(
            hass, DOMAIN, "x", is_fixable=False, severity=ir.IssueSeverity.ERROR, translation_key="push_no_url",
            translation_placeholders={"name": secret},
        )  # fmt: skip
        await witness.attempt(failing(secret))
        await witness.look(entry, hass_client)
        found = await witness.search()
        assert await hass.config_entries.async_unload(entry.entry_id)
    places = {line.partition(" in ")[2].split()[0].rstrip(":") for line in found}
    assert places >= {"event", "exception", "log", "recorder's", "repair", "state", "stored", "trace"}, places


async def failing(secret: str) -> None:
    raise HomeAssistantError("failed") from ValueError(secret)


@pytest.mark.parametrize(
    ("recorder_config", "trace", "places"),
    [
        (None, {}, {"recorder's event_data", "trace of automation.guest"}),
        ({"exclude": {"event_types": ["call_service"]}}, {"stored_traces": 0}, set()),
    ],
    ids=["by default", "as SECURITY.md says"],
)
async def test_home_assistant_records_and_traces_the_data_of_an_action(
    hass: HomeAssistant, sockets: None, caplog: pytest.LogCaptureFixture, hass_storage: dict[str, Any],
    trace: dict[str, Any], places: set[str],
) -> None:  # fmt: skip
    """The data is recorded and traced before the integration receives it; both can be turned off."""
    witness = Witness(hass, caplog, hass_storage, calls=True)
    code = witness.plant("entered code", "20461937")
    async with TwoN("verso") as sim:
        entry = await add_intercom(hass, sim)
        data = {"name": "Guest", "code": code, "end": "{{ now() + timedelta(hours=1) }}"}
        action = {
            "action": "ip_intercom.add_temporary_code",
            "data": {**data, "device_id": entry.runtime_data.coordinator.device_id},
            "response_variable": "added",
        }
        guest = {"alias": "guest", "id": "guest", "triggers": [], "actions": [action], "trace": trace}
        assert await async_setup_component(hass, "automation", {"automation": [guest]})
        await act(hass, "automation.trigger", entity_id="automation.guest")
        await until(lambda: any(row["access"]["pin"] == code for row in sim.directory), "the code")
        found = await witness.search()
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert {line.removeprefix("entered code in ").partition(":")[0] for line in found} == places
