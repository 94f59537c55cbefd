"""Two doors of an account ring at once: which call a button, an action, and a microphone answer."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from tests.common import act, command, entity_id, until
from tests.simulators.smartyard import Simulator
from tests.simulators.smartyard.telephony import Account, Telephony
from tests.talk.go2rtc import Go2rtc

from .talking import idle, press, rings, source_of


@pytest.fixture
async def two(sim: Simulator, phones: Telephony, talking: ConfigEntry) -> tuple[Account, Account]:
    """The calls of two doors that ring."""
    return await rings(sim, 21), await rings(sim, 22)


def device_of(hass: HomeAssistant, entry: ConfigEntry, place: str) -> str:
    """Return the device of a place of the account."""
    [device] = [
        device.id
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        if any(identifier.endswith(f"_{place}") for _, identifier in device.identifiers)
    ]
    return device


async def at(hass: HomeAssistant, entry: ConfigEntry, action: str, place: str) -> None:
    await act(hass, f"ip_intercom.{action}", device_id=device_of(hass, entry, place))


@pytest.mark.parametrize("number", [0, 1])
async def test_the_buttons_of_a_door_control_its_call(
    hass: HomeAssistant, talking: ConfigEntry, two: tuple[Account, Account], number: int
) -> None:
    own, other = two[number], two[1 - number]
    place = f"door_{21 + number}_0"
    await press(hass, talking, f"answer_{place}")
    assert (own.state, other.state) == ("talking", "ringing")
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass, talking, f"answer_{place}")
    assert caught.value.translation_key == "no_incoming_call"
    await press(hass, talking, f"hang_up_{place}")
    assert (own.state, other.state) == ("ended", "ringing")
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass, talking, f"hang_up_{place}")
    assert caught.value.translation_key == "no_call"
    assert str(caught.value).startswith(talking.runtime_data.coordinator.data.places[place].name)
    # Only one door is left.
    await press(hass, talking, "answer")
    assert other.state == "talking"
    await press(hass, talking, "hang_up")
    await idle(hass, talking, other)


@pytest.mark.parametrize("number", [0, 1])
async def test_the_actions_at_a_door_control_its_call(
    hass: HomeAssistant, talking: ConfigEntry, two: tuple[Account, Account], number: int
) -> None:
    own, other = two[number], two[1 - number]
    place = f"door_{21 + number}_0"
    await at(hass, talking, "answer", place)
    assert (own.state, other.state) == ("talking", "ringing")
    await at(hass, talking, "hang_up", place)
    assert (own.state, other.state) == ("ended", "ringing")


@pytest.mark.parametrize("action", ["answer", "hang_up"])
async def test_without_a_door_the_error_lists_the_calls(
    hass: HomeAssistant, talking: ConfigEntry, two: tuple[Account, Account], action: str
) -> None:
    sessions = [
        state.attributes["session"]
        for bell in ("21", "22")
        if (state := hass.states.get(entity_id(hass, talking, "event", f"bell_{bell}")))
    ]
    devices = dr.async_get(hass)
    names = [
        device.name
        for place in ("door_21_0", "door_22_0")
        if (device := devices.async_get(device_of(hass, talking, place)))
    ]
    for attempt in (lambda: press(hass, talking, action), lambda: command(hass, talking, action)):
        with pytest.raises(HomeAssistantError) as caught:
            await attempt()
        assert caught.value.translation_key == "which_door"
        for name, session in zip(names, sessions, strict=True):
            assert f"{name} ({session})" in str(caught.value)
    assert [account.state for account in two] == ["ringing", "ringing"]
    await command(hass, talking, action, session=sessions[1])
    assert two[0].state == "ringing"
    assert two[1].state == ("talking" if action == "answer" else "ended")


async def test_a_place_without_a_doorbell_controls_the_calls_of_its_house(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    """The second door of an intercom, the house above it, and an apartment of that house."""
    first = await rings(sim, 21)
    places = talking.runtime_data.coordinator.data.places
    house = places["door_21_0"].parent
    flat = next(place.id for place in places.values() if place.id.startswith("flat_") and place.parent == house)
    for place in (house, flat):
        await at(hass, talking, "answer", place)
        assert first.state == "talking"
        await at(hass, talking, "hang_up", place)
        assert first.state == "ended"
        await idle(hass, talking)
        first = await rings(sim, 21)


async def test_the_microphone_of_a_camera_answers_its_door(
    hass: HomeAssistant, talking: ConfigEntry, two: tuple[Account, Account]
) -> None:
    async with Go2rtc(await source_of(hass, talking, "camera_intercom_22")) as browser:
        await browser.talk()
        await browser.say(b"\x11" * 160)
        await until(lambda: two[1].state == "talking", "the answer")
        assert two[0].state == "ringing"
        # The other door is answered beside it, by its own camera.
        async with Go2rtc(await source_of(hass, talking)) as other:
            await other.talk()
            await other.say(b"\x22" * 160)
            await until(lambda: two[0].state == "talking", "the answer")
            for _ in range(5):
                await browser.say(b"\x11" * 160)
                await other.say(b"\x22" * 160)
            await until(lambda: two[0].listen().heard and two[1].listen().heard, "the microphones")
            assert set(two[0].heard) == {b"\x22" * 160}
            assert set(two[1].heard) == {b"\x11" * 160}
        await until(lambda: two[0].state == "ended", "the end")
        assert two[1].state == "talking"
    await until(lambda: two[1].state == "ended", "the end")
    await idle(hass, talking)


async def test_turning_talk_off_removes_the_buttons_of_doors(hass: HomeAssistant, talking: ConfigEntry) -> None:
    buttons = [entity_id(hass, talking, "button", f"{key}_door_21_0") for key in ("answer", "hang_up")]
    options = {**talking.options, "talk": False}
    assert hass.config_entries.async_update_entry(talking, options=options)
    assert await hass.config_entries.async_reload(talking.entry_id)
    assert [er.async_get(hass).async_get(button) for button in buttons] == [None, None]
