"""Other functions of an exchange: contacts, services, push tokens."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.ip_intercom.const import DOMAIN
from tests.common import command, refusal, until
from tests.entity_states import wait_for_state
from tests.simulators.mx_proxy import LOGIN, Simulator

TOKEN = "7C179108B7BF759DED2D9CBED7969DE6"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ["Anna Keller", "Ben Osei", "Front door"]),
        ("OSEI", ["Ben Osei"]),
        ("319", ["Front door"]),
        ("202-555-0118", ["Ben Osei"]),
        ("anna@", ["Anna Keller"]),
        ("nobody", []),
    ],
)
async def test_contacts_query_filters_the_contacts(
    hass: HomeAssistant, entry: ConfigEntry, text: str | None, names: list[str]
) -> None:
    data = {} if text is None else {"filter": text}
    found = (await command(hass, entry, "contacts_query", **data))["contacts"]
    assert [contact["name"] for contact in found] == names


async def test_a_contact_has_its_numbers_and_email(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert (await command(hass, entry, "contacts_query", filter="Ben"))["contacts"] == [
        {
            "id": "43884851900310803",
            "name": "Ben Osei",
            "extension": "3108",
            "numbers": {"cell": "+1-202-555-0108", "home": "+1-202-555-0118", "did": "12025550108"},
            "email": "ben@office.test",
        }
    ]


async def test_services_query_returns_the_services(hass: HomeAssistant, entry: ConfigEntry) -> None:
    services = (await command(hass, entry, "services_query"))["services"]
    assert services[0] == {"id": "3458764513956071007", "name": "voicemail", "kind": "VM", "extension": "*86"}
    assert len(services) == 3


async def test_push_tokens_of_phones_are_added_and_removed(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    telephone = {"kind": "fcm", "topic": "com.example.ha", "token": TOKEN}
    await command(hass, entry, "push_token_add", **telephone)
    assert [(token.kind, token.token) for token in sim.pushes.tokens[LOGIN]] == [("fcm", TOKEN)]
    await command(hass, entry, "push_token_remove", **telephone)
    assert sim.pushes.tokens[LOGIN] == []
    sim.allow_topic("com.example.ha.voip", sandbox=True)
    apple = {"kind": "apn", "topic": "com.example.ha.voip", "token": TOKEN, "sandbox": True}
    await command(hass, entry, "push_token_add", **apple)
    assert sim.pushes.tokens[LOGIN][0].sandbox
    await command(hass, entry, "push_token_remove", **apple)
    assert sim.pushes.tokens[LOGIN] == []


async def test_a_token_is_in_no_error(
    hass: HomeAssistant, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    for action, data in (
        ("push_token_add", {"kind": "fcm", "topic": "elsewhere", "token": TOKEN}),
        ("push_token_remove", {"kind": "fcm", "topic": "com.example.ha", "token": TOKEN}),
    ):
        assert await refusal(hass, entry, action, **data)
    assert TOKEN not in "".join(record.getMessage() for record in caplog.records if "ip_intercom" in record.name)


FOR_ADMINISTRATORS: list[tuple[str, dict[str, Any]]] = [
    ("voicemail_delete", {"voicemail": "82"}),
    ("voicemail_download", {"voicemail": "82", "filename": "/media/a.wav"}),
    ("conference_query", {}),
    ("conference_invitation", {"conference": "1"}),
    ("push_token_add", {"kind": "fcm", "topic": "com.example.ha", "token": TOKEN}),
    ("push_token_remove", {"kind": "fcm", "topic": "com.example.ha", "token": TOKEN}),
]


@pytest.mark.parametrize(("action", "data"), FOR_ADMINISTRATORS)
async def test_some_actions_are_for_administrators(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_read_only_user: MockUser,
    action: str, data: dict[str, Any],
) -> None:  # fmt: skip
    asked = {request.function for request in sim.requests}
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": entry.runtime_data.coordinator.device_id, **data},
            blocking=True,
            context=context,
        )
    assert list(sim.extensions[LOGIN].mailbox.mails) == ["82", "89"]
    assert not {request.function for request in sim.requests} - asked & {"token_add", "token_remove"}


async def test_another_user_after_a_new_login_is_noticed_by_the_next_poll(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.users[LOGIN].jid = "43884851900319999"
    sim.expire_tokens()
    await entry.runtime_data.coordinator.async_refresh()  # logs in
    await entry.runtime_data.coordinator.async_refresh()
    await until(lambda: entry.state is not ConfigEntryState.LOADED)


async def test_a_new_extension_number_after_a_new_login_is_shown(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.users[LOGIN].ext = "3999"
    sim.expire_tokens()
    await entry.runtime_data.coordinator.async_refresh()
    await entry.runtime_data.coordinator.async_refresh()
    await wait_for_state(hass, entry, "sensor", "extension", "3999")
