"""Adding an Akuvox: by an address and the login of its HTTP API, with a message for each error."""

from typing import Any

from aiohttp import web
from homeassistant.components.camera import async_get_stream_source
from homeassistant.config_entries import SOURCE_DHCP, SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
import pytest

from custom_components.ip_intercom.const import CONF_LEGACY_TLS, CONF_SYSTEM, CONF_URL, DOMAIN, SYSTEM_AKUVOX
from custom_components.ip_intercom.flows import options as options_flow
from custom_components.ip_intercom.repairs import async_create_fix_flow
from tests.common import enter, entity_id, user_input
from tests.simulators.akuvox import DIALECTS, Auth, Root, Simulator
from tests.simulators.akuvox.envelope import Answer, ApiError, Call, unsupported

from .conftest import Start, add, address_of
from .test_push import repairs

UNVERIFIED = {"security": {"verify_ssl": False}}
LOGIN = {"username": "admin", "password": "httpapi"}

# What a device of each dialect has, by platform; the numbers are those of entities of a kind.
KINDS: dict[str, dict[str, set[str]]] = {
    "a_series": {
        "lock": {"door_A_door", "door_B_door", "door_C_door"},
        "binary_sensor": {
            "connectivity",
            "event_log",
            "port_input_A",
            "port_input_B",
            "port_input_C",
            "line_1",
            "line_2",
        },
        "event": {"access"},
        "camera": set(),
        "image": set(),
    },
    "e18": {
        "lock": {"door_A_door", "door_B_door"},
        "binary_sensor": {
            "connectivity",
            "event_log",
            "port_input_A",
            "port_input_B",
            "port_input_C",
            "line_1",
            "line_2",
            "ringing",
        },
        "event": {"access", "bell_call", "call", "visitor"},
        "camera": {"camera_main", "camera_sub"},
        "image": {"last_visitor"},
    },
    "e16c": {
        "lock": {"door_A_door"},
        "binary_sensor": {"connectivity", "event_log", "port_input_A", "line_1", "line_2", "ringing"},
        "event": {"access", "bell_call", "call", "visitor"},
        "camera": {"camera_main", "camera_sub"},
        "image": {"last_visitor"},
    },
    "r29": {
        "lock": {"door_A_door", "door_B_door", "door_C_door"},
        "binary_sensor": {
            "connectivity",
            "event_log",
            "port_input_A",
            "port_input_B",
            "port_input_C",
            "line_1",
            "line_2",
            "ringing",
        },
        "event": {"access", "bell_call", "call", "visitor"},
        "camera": {"camera_main", "camera_sub"},
        "image": {"last_visitor"},
    },
    "it83": {
        "lock": {"door_A_door", "door_B_door"},
        "binary_sensor": {"connectivity", "event_log", "line_1", "line_2", "ringing"},
        "event": {"call"},
        "camera": set(),
        "image": set(),
    },
}


def entities(hass: HomeAssistant, entry: ConfigEntry, platform: str) -> set[str]:
    """Return what distinguishes a device's entities of a platform."""
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {item.unique_id.removeprefix(f"{entry.unique_id}_") for item in registered if item.domain == platform}


async def start(hass: HomeAssistant, address: str, password: str = "httpapi") -> Any:  # noqa: S107 - the manual's
    return await enter(hass, user_input(address, "admin", password))


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_an_entry_is_created_from_address_and_login(hass: HomeAssistant, device: Start, dialect: str) -> None:
    sim = await device(dialect)
    entry = await add(hass, sim)
    assert entry.data[CONF_SYSTEM] == SYSTEM_AKUVOX
    assert entry.unique_id == sim.dialect.mac.lower()
    shown = {platform: entities(hass, entry, platform) for platform in KINDS[dialect]}
    assert shown == KINDS[dialect]
    (registered,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert (registered.manufacturer, registered.model) == ("Akuvox", sim.dialect.model)
    assert (registered.sw_version, registered.hw_version) == (sim.dialect.firmware, sim.dialect.hardware)


@pytest.mark.parametrize("function", ["calllog/get", "doorlog/get", "input/status"])
async def test_an_entry_loads_if_a_function_answers_error_param(
    hass: HomeAssistant, device: Start, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    """Some firmware answers "Error param" to unknown functions."""

    def refuse(_: Call) -> Answer:
        raise ApiError(-1, "Error param")

    sim = await device("e16c")
    monkeypatch.setitem(sim.pipeline._handlers, function, refuse)
    entry = await add(hass, sim)
    assert entry.state is ConfigEntryState.LOADED
    assert entities(hass, entry, "lock") == {"door_A_door"}


@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c"])
async def test_a_wrong_login_can_be_corrected(hass: HomeAssistant, device: Start, dialect: str) -> None:
    sim = await device(dialect)
    result = await start(hass, address_of(sim), "wrong")
    assert result["errors"] == {"base": "login_refused"}
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], user_input(address_of(sim), "admin", "httpapi")
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY, result


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_an_address_off_the_whitelist_is_an_error_until_allowed(
    hass: HomeAssistant, device: Start, dialect: str
) -> None:
    sim = await device(dialect, auth=Auth.WHITELIST, whitelist=[])
    result = await start(hass, address_of(sim))
    assert result["errors"] == {"base": "address_refused"}
    assert result["description_placeholders"]["address"] == "127.0.0.1"
    sim.set_whitelist("127.0.0.1")
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], user_input(address_of(sim), "admin", "httpapi")
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY, result


@pytest.mark.parametrize(
    ("dialect", "root", "says_who"),
    [
        *zip(sorted(DIALECTS), Root, (True, False, True, False, True), strict=True),
        *(("e16c", root, False) for root in Root),
        ("r29", Root.NAMELESS_APP, False),
        ("e18", Root.FORBIDDEN, False),
    ],
)
async def test_an_empty_whitelist_is_an_error_with_the_address(
    hass: HomeAssistant, device: Start, dialect: str, root: Root, says_who: bool
) -> None:
    """The error names the address to allow, for a typed address and one found by DHCP."""
    sim = await device(dialect, auth=Auth.WHITELIST, whitelist=[])
    sim.pipeline.root = root
    if not says_who:
        sim.pipeline.identity_path = ""
        sim.pages.all.clear()
    result = await start(hass, address_of(sim))
    assert result["errors"] == {"base": "address_refused"}
    assert result["description_placeholders"]["address"] == "127.0.0.1"
    found: Any = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_DHCP}, data=lease(sim))
    assert found["step_id"] == "discovery_confirm", found
    found = await hass.config_entries.flow.async_configure(found["flow_id"], {**LOGIN, **UNVERIFIED})
    assert found["errors"] == {"base": "address_refused"}
    assert found["description_placeholders"]["address"] == "127.0.0.1"
    assert not any(request.authorization for request in sim.requests)


@pytest.mark.parametrize("whitelist", [False, True])
async def test_a_disabled_api_is_a_repair_until_it_is_enabled(
    hass: HomeAssistant, device: Start, whitelist: bool
) -> None:
    """The repair survives a restart."""
    sim = await device("e16c", auth=Auth.NONE)
    entry = await add(hass, sim)

    def shut(closed: bool) -> None:
        if whitelist:
            sim.set_auth(Auth.WHITELIST)
            sim.set_whitelist(*() if closed else ("127.0.0.1",))
        else:
            sim.enable_api(not closed)

    shut(True)
    await entry.runtime_data.coordinator.async_refresh()
    (issue,) = (issue for issue in ir.async_get(hass).issues.values() if issue.translation_key == "address_refused")
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["name"] == "127.0.0.1"
    await hass.config_entries.async_reload(entry.entry_id)
    assert str(entry.state) == str(ConfigEntryState.SETUP_RETRY)
    assert "address_refused" in repairs(hass)
    flow: Any = await async_create_fix_flow(hass, issue.issue_id, {"entry_id": entry.entry_id})
    flow.hass, flow.issue_id = hass, issue.issue_id
    assert (await flow.async_step_confirm({}))["errors"] == {"base": "still_missing"}
    shut(False)
    assert (await flow.async_step_confirm({}))["type"] is FlowResultType.CREATE_ENTRY
    assert str(entry.state) == str(ConfigEntryState.LOADED)
    assert "address_refused" not in repairs(hass)
    shut(True)
    await entry.runtime_data.coordinator.async_refresh()
    assert "address_refused" in repairs(hass)
    shut(False)
    await entry.runtime_data.coordinator.async_refresh()
    assert "address_refused" not in repairs(hass)


async def test_the_api_is_off(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    sim.enable_api(False)
    result = await start(hass, address_of(sim))
    assert result["errors"] == {"base": "address_refused"}


@pytest.mark.parametrize("auth", [Auth.NONE, Auth.BASIC, Auth.DIGEST, Auth.BASIC_DIGEST, Auth.DIGEST_SERVER])
async def test_a_device_is_added_with_each_authentication(hass: HomeAssistant, device: Start, auth: Auth) -> None:
    sim = await device("r29", auth=auth)
    entry = await add(hass, sim)
    assert entry.data[CONF_URL].startswith("https://")


async def test_a_device_with_old_tls_is_added_by_https(hass: HomeAssistant, device: Start) -> None:
    """The user typed the scheme; without it, HTTP with Digest is equally good."""
    sim = await device("e18")
    result = await start(hass, f"https://{sim.https_address}")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].data[CONF_LEGACY_TLS] is True
    await hass.async_block_till_done()
    assert result["result"].runtime_data.coordinator.last_update_success


async def test_a_device_cannot_be_added_twice(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    before = dict(entry.data)
    for address in (sim.http_address, f"https://{sim.https_address}"):
        result = await start(hass, address)
        assert result["reason"] == "already_configured"
        assert entry.data == before


def lease(sim: Simulator, mac: str | None = None) -> DhcpServiceInfo:
    mac = (mac or sim.dialect.mac).replace(":", "").lower()
    return DhcpServiceInfo(ip=sim.http_address, hostname="akuvox", macaddress=mac)


async def test_a_discovered_device_is_added(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_DHCP}, data=lease(sim))
    assert result["step_id"] == "discovery_confirm"
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {**LOGIN, **UNVERIFIED})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == sim.dialect.mac.lower()


@pytest.mark.parametrize("status", [200, 401, 403, 404])
async def test_a_phone_with_an_akuvox_mac_address_is_rejected(
    hass: HomeAssistant, sockets: None, unused_tcp_port: int, status: int
) -> None:
    """Old phones of a different brand share it: no password is requested for them."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>LXP200</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    try:
        info = DhcpServiceInfo(ip=f"127.0.0.1:{unused_tcp_port}", hostname="lxp", macaddress="0c1105000001")
        result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_DHCP}, data=info)
        assert result["reason"] == "wrong_device"
    finally:
        await runner.cleanup()


async def test_a_reauth_stores_the_new_password(hass: HomeAssistant, device: Start) -> None:
    sim = await device("e16c")
    entry = await add(hass, sim)
    sim.change_password("new")
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_REAUTH, "entry_id": entry.entry_id}, data=dict(entry.data)
    )
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {"username": "admin", "password": "old"})
    assert result["errors"] == {"base": "login_refused"}
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {"username": "admin", "password": "new"})
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert entry.data["password"] == "new"


async def test_reconfigure_rejects_another_device(hass: HomeAssistant, device: Start, any_model: Any) -> None:
    """A 2N at the new address is a different device."""
    sim = await device("e16c")
    entry = await add(hass, sim)
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    stranger = user_input(any_model.https_address)
    result = await hass.config_entries.flow.async_configure(result["flow_id"], stranger)
    assert result["step_id"] == "certificate"
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {})
    assert result["errors"] == {"base": "wrong_device"}
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], user_input(f"https://{sim.https_address}", "admin", "httpapi")
    )
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()


async def test_options_are_those_of_the_device(hass: HomeAssistant, device: Start, entry: ConfigEntry) -> None:
    """A 2N has no Action URLs, an Akuvox has no touch events."""
    akuvox = await add(hass, await device("r29"))

    async def offered(of: ConfigEntry) -> set[str]:
        result: Any = await hass.config_entries.options.async_init(of.entry_id)
        return {str(key) for key in result["data_schema"].schema}

    common = {"late_hours", "plain_switches", "gates", "garage_doors", "show_names", "stream", "talk", "talk_buttons"}
    common |= {"visitor_days", "visitor_storage"}
    assert await offered(entry) == common | {"show_cards", "show_touches", "show_unknown"}
    assert await offered(akuvox) == common | {"inverted", "security_relays", "push", "opening"}


async def test_doors_are_offered_by_id_and_by_their_names(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    sim.configure("Config.DoorSetting.RELAY.NameA", "Gate")
    entry = await add(hass, sim)
    names = {door.id: door.name for door in entry.runtime_data.coordinator.data.doors.values()}
    assert names["A"] == "Gate"
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    offered = next(field for key, field in result["data_schema"].schema.items() if key == "inverted")
    labels = {option["value"]: option["label"] for option in offered.config["options"]}
    assert labels == {door: f"{door} ({name})" if name else door for door, name in names.items()}
    # What was selected stays available as long as it is, though the device is away.
    hass.config_entries.async_update_entry(entry, options={"inverted": ["A", "D"]})
    await hass.config_entries.async_unload(entry.entry_id)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    offered = next(field for key, field in result["data_schema"].schema.items() if key == "inverted")
    assert {"A", "D"} <= {option["value"] for option in offered.config["options"]}


async def test_options_are_stored_and_empty_passwords_keep_the_old_ones(hass: HomeAssistant, device: Start) -> None:
    sim = await device("r29")
    assert sim.camera_address is not None
    entry = await add(hass, sim)

    async def choose(**chosen: Any) -> None:
        result: Any = await hass.config_entries.options.async_init(entry.entry_id)
        everything = {
            "show_names": True,
            "push": False,
            options_flow.SECTION_STREAM: {},
            options_flow.SECTION_OPENING: {},
        }
        result = await hass.config_entries.options.async_configure(result["flow_id"], everything | chosen)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()

    await choose(opening={"opening_username": "opener", "opening_password": "secret"}, inverted=["B"])
    assert entry.options["opening_password"] == "secret"
    assert entry.options["picture_port"] == 8080
    assert entry.options["stream_port"] == 554
    await choose(opening={"opening_username": "opener"}, security_relays=["SA"])
    assert entry.options["opening_password"] == "secret", "an empty password keeps the one from before"
    assert entry.runtime_data.coordinator.data.doors["SA"].released is None
    picture_port = int(sim.camera_address.rpartition(":")[2])
    account = {"stream_username": "admin", "stream_password": "admin"}
    await choose(stream={**account, "stream_port": 8554, "picture_port": picture_port})
    source = await async_get_stream_source(hass, entity_id(hass, entry, "camera", "camera_sub"))
    assert source == "rtsp://admin:admin@127.0.0.1:8554/live/ch00_1"


async def test_entities_of_missing_functions_are_removed_after_retries(hass: HomeAssistant, device: Start) -> None:
    """Entities with changes by the user stay until several checks failed."""

    def away(_: Call) -> Answer:
        raise unsupported(sim.dialect.lacks_text)

    sim = await device("e16c")
    entry = await add(hass, sim)
    coordinator = entry.runtime_data.coordinator
    was = sim.handlers["input/status"]
    sim.handlers["input/status"] = away
    for _ in range(2):
        await coordinator.async_describe()
        assert "port_input_A" in entities(hass, entry, "binary_sensor")
    sim.handlers["input/status"] = was
    await coordinator.async_describe()
    assert coordinator.data.ports["input_A"].on is False
    sim.handlers["input/status"] = away
    for _ in range(3):
        await coordinator.async_describe()
    assert "port_input_A" not in entities(hass, entry, "binary_sensor")


@pytest.mark.parametrize("names", [("Gate", "Gate"), ("Gate", " gate"), ("Relay", "Door A")])
async def test_no_two_entities_of_a_device_have_the_same_name(
    hass: HomeAssistant, device: Start, names: tuple[str, str]
) -> None:
    relay = "Config.DoorSetting.RELAY.Name"
    sim = await device("e16c", config=dict(zip((f"{relay}A", f"{relay}B"), names, strict=True)))
    entry = await add(hass, sim)
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    told = [f"{entity.domain} {(entity.original_name or '').casefold()}" for entity in entities]
    assert sorted(told) == sorted(set(told))
