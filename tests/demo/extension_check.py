"""What the check asserts of the phone extension beside the intercoms: calls, voicemails, conferences, the call mode."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .check import Scene
from .checks import Checks
from .entry import DOMAIN
from .extension import APP, MOBILE, PERSON, Extension
from .home_assistant import HomeAssistant
from .unit import SEEN, Unit
from .waiting import until

DOOR, PARCEL = "3190", "12025550142"
SOFTPHONE_PASSWORD = "Zk81vTnQ0pLr5xWd7MbY"
SECRETS = (APP[1], PERSON[1], SOFTPHONE_PASSWORD)
WAVE = b"RIFF"

CALL, CALL_STATE, RINGING, LAST_CALL, MISSED, CLEAR, VOICEMAIL, UNREAD, NUMBER, MODE, CONFERENCES = (
    "call", "call_state", "ringing", "last_call", "missed_calls", "clear_missed_calls", "voicemail", "voicemails",
    "extension", "call_mode", "conferences",
)  # fmt: skip
EXPECTED = (CALL, CALL_STATE, RINGING, LAST_CALL, MISSED, CLEAR, VOICEMAIL, UNREAD, NUMBER, MODE, CONFERENCES)

# The call log and the mailbox are looked at this often at the least, also while pushes come.
LOOKED = 75.0

type Phone = Unit[Extension]


def _phone(scene: Scene) -> Phone:
    assert scene.stage.extension is not None
    return Unit(scene, scene.stage.extension)


async def check_set_up(checks: Checks, scene: Scene) -> None:
    """Add the extension."""
    with checks("an extension of a phone exchange is added by client, secret, and account") as details:
        await scene.stage.add_extension()
        phone = _phone(scene)
        phone.check_entities(EXPECTED)
        await phone.wait(CALL_STATE, "idle")
        assert phone.state(NUMBER) == "3107", phone.state(NUMBER)
        details.append(f"{len(phone.device.entities)} entities")


async def check_extension(checks: Checks, scene: Scene) -> None:
    """Check the extension: calls, voicemails, conferences, and the call mode."""
    phone = _phone(scene)
    await _check_pushed_call(checks, phone)
    await _check_missed_call(checks, phone)
    await _check_voicemail(checks, phone)
    await _check_dialled_call(checks, phone)
    await _check_conference(checks, phone)
    await _check_mode(checks, phone)
    await _check_diagnostics(checks, phone)


def _steps(phone: Phone, mark: int) -> list[str]:
    """Return the types of the pushed call events."""
    return [event["type"] for event in phone.logged_events(mark) if "session" in event["data"]]


async def _check_pushed_call(checks: Checks, phone: Phone) -> None:
    with checks("a call of the door that is pushed repeatedly rings once") as details:
        mark, last_call = phone.mark, phone.state(LAST_CALL)
        call = await phone.control.do("incoming_call", caller=DOOR)
        await phone.wait(RINGING, "on")
        shown = await phone.wait(CALL_STATE, "ringing")
        assert shown["attributes"]["peer"] == DOOR, shown["attributes"]
        await phone.control.do("repeat_push")
        await phone.control.do("pick_up", call=call)
        await phone.wait(CALL_STATE, "connected")
        await phone.wait(RINGING, "off")
        await phone.ask("hold")
        await phone.wait(CALL_STATE, "held")
        assert (await phone.device.seen())["calls"] == {str(call): "held"}
        await phone.ask("resume")
        await phone.wait(CALL_STATE, "connected")
        await phone.ask("hang_up")
        await phone.wait(CALL_STATE, "idle")
        steps = _steps(phone, mark)
        assert steps.count("Delivered") == steps.count("Established") == steps.count("ConnectionCleared") == 1, steps
        details.extend(steps)
    with checks("the record of the call is the last call") as details:
        logged = await phone.wait_told("CallLog", mark, LOOKED)
        shown = await phone.wait_news(LAST_CALL, last_call)
        assert "Front door" in str(shown["attributes"]), shown["attributes"]
        details.append(f"{logged}")


async def _check_missed_call(checks: Checks, phone: Phone) -> None:
    with checks("a missed call is reported and counted until it is cleared") as details:
        before, count = phone.state(CALL), int(phone.state(MISSED))
        call = await phone.control.do("incoming_call", caller=PARCEL)
        await phone.wait(RINGING, "on")
        await phone.control.do("hang_up", call=call)
        await phone.wait(RINGING, "off")

        async def call_state() -> Any:
            return phone.home.states[phone.entity(CALL)]

        def missed(state: Any) -> Any:
            return state if state["state"] != before and state["attributes"]["event_type"] == "missed" else None

        await until(call_state, missed, "the missed call", LOOKED)
        assert int(phone.state(MISSED)) == count + 1, phone.state(MISSED)
        await phone.home.act("button.press", phone.entity(CLEAR))
        await phone.wait(MISSED, "0")
        details.append(f"{count + 1} missed")


async def _check_voicemail(checks: Checks, phone: Phone) -> None:
    home = phone.home
    with checks("a voicemail is reported at once and plays in the media browser") as details:
        before, unread = phone.state(VOICEMAIL), int(phone.state(UNREAD))
        voicemail = await phone.control.do("leave_voicemail", caller=DOOR, duration=2)
        received = await phone.wait_news(VOICEMAIL, before)
        assert received["attributes"]["event_type"] == "received", received["attributes"]
        await phone.wait(UNREAD, str(unread + 1))
        content_type, sound = await _play(phone)
        assert content_type in {"audio/wave", "audio/wav", "audio/x-wav"} and sound.startswith(WAVE), content_type
        details.append(f"{len(sound) // 1000} kB of {content_type}")
    with checks("the voicemail is marked as heard with a note and deleted"):
        await phone.ask("voicemail_update", voicemail=voicemail, read=True, note="the gardener")
        await phone.wait(UNREAD, str(unread))
        rows = (await phone.device.seen())["voicemails"]
        assert [row["note"] for row in rows if row["id"] == voicemail] == ["the gardener"], rows
        await phone.ask("voicemail_delete", voicemail=voicemail)
        assert voicemail not in [row["id"] for row in (await phone.device.seen())["voicemails"]]
        refused = await home.refusal(
            f"{DOMAIN}.voicemail_delete", device_id=phone.device.device_id, voicemail=voicemail
        )
        assert refused, "the voicemail was deleted twice"


async def _play(phone: Phone) -> tuple[str, bytes]:
    """Find the newest message as a person does in the media browser, and listen to it."""
    home = phone.home
    top = await home.command("media_source/browse_media", media_content_id=f"media-source://{DOMAIN}")
    while not top["children"][0]["can_play"]:
        top = await home.command("media_source/browse_media", media_content_id=top["children"][0]["media_content_id"])
    media = top["children"][0]["media_content_id"]
    return await home.download((await home.command("media_source/resolve_media", media_content_id=media))["url"])


async def _check_dialled_call(checks: Checks, phone: Phone) -> None:
    with checks("a dialed call is followed to its end") as details:
        session = (await phone.ask("dial", number="3108"))["session"]
        await phone.wait(CALL_STATE, lambda state: state != "idle")
        await phone.control.do("pick_up", call=session)
        await phone.wait(CALL_STATE, "connected")
        await phone.ask("transfer", to=DOOR)
        await phone.wait(CALL_STATE, "idle", 20.0)
        details.append(f"call {session}")


def _event(name: str, start: datetime, duration: timedelta) -> dict[str, str]:
    return {"summary": name, "dtstart": start.isoformat(), "dtend": (start + duration).isoformat()}


async def plan_conference(home: HomeAssistant, calendar: str, name: str, start: datetime, duration: timedelta) -> None:
    """Enter a conference in the calendar as the frontend does."""
    await home.command("calendar/event/create", entity_id=calendar, event=_event(name, start, duration))


async def _check_conference(checks: Checks, phone: Phone) -> None:
    home, calendar = phone.home, phone.entity(CONFERENCES)
    start = datetime.now(UTC).replace(microsecond=0, second=0) + timedelta(hours=2)

    async def planned() -> list[Any]:
        return [row for row in (await phone.device.seen())["conferences"] if row["name"].startswith("Residents")]

    with checks("a conference is planned in the calendar, moved and deleted there") as details:
        await plan_conference(home, calendar, "Residents", start, timedelta(minutes=45))
        (row,) = await planned()
        assert (row["startDate"], row["duration"]) == (int(start.timestamp()), 45), row
        event = await _calendar_event(phone, start)
        assert str(row["accessId"]) not in str(event), "the calendar contains the access code"
        await home.command(
            "calendar/event/update",
            entity_id=calendar,
            uid=event["uid"],
            event=_event("Residents' meeting", start, timedelta(hours=1)),
        )
        assert [(row["name"], row["duration"]) for row in await planned()] == [("Residents' meeting", 60)]
        invitation = await phone.ask("conference_invitation", conference=row["Id"])
        assert str(row["accessId"]) in str(invitation), invitation
        await home.command("calendar/event/delete", entity_id=calendar, uid=event["uid"])
        assert await planned() == []
        details.append(str(event["summary"]))


async def _calendar_event(phone: Phone, start: datetime) -> dict[str, Any]:
    span = f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"

    async def events() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await phone.home.get(f"/api/calendars/{phone.entity(CONFERENCES)}?{span}")
        return found

    return await until(events, lambda found: found[0] if found else None, "the conference in the calendar", SEEN)


async def _check_mode(checks: Checks, phone: Phone) -> None:
    with checks("calls ring on the mobile phone, and then at the desk again"):
        for option, remote in (("remote", True), ("local", False)):
            await phone.home.act("select.select_option", phone.entity(MODE), option=option)
            await phone.wait(MODE, option)
            mode = (await phone.device.seen())["modes"]
            assert mode["remote"] is remote, mode
            assert not remote or mode["device"] == MOBILE, mode


async def _check_diagnostics(checks: Checks, phone: Phone) -> None:
    with checks("diagnostics of the extension contain no secret, password, account, name, or address"):
        data = await phone.diagnostics()
        assert data["connected"], data
        found = [text for text in (*SECRETS, PERSON[0], phone.device.address, "Front door") if text in str(data)]
        assert not found, found
