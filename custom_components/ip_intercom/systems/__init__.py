"""The table of systems. Their modules are imported only when an entry or a search needs them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

from aiohttp import ClientSession

from ..const import (
    CONF_CALL_DEVICE,
    CONF_GARAGE_DOORS,
    CONF_GATES,
    CONF_INVERTED,
    CONF_LATE_HOURS,
    CONF_MOBILE_NUMBER,
    CONF_OPENING_PASSWORD,
    CONF_OPENING_USERNAME,
    CONF_PICTURE_PORT,
    CONF_PLAIN_SWITCHES,
    CONF_PUSH,
    CONF_PUSH_ROUTE,
    CONF_RING_DELAY,
    CONF_SECURITY_RELAYS,
    CONF_SHOW_CARDS,
    CONF_SHOW_NAMES,
    CONF_SHOW_TOUCHES,
    CONF_SHOW_UNKNOWN,
    CONF_SIP_PORT,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_PORT,
    CONF_STREAM_USERNAME,
    CONF_SYSTEM,
    CONF_TALK,
    CONF_TALK_BUTTONS,
    CONF_VISITOR_DAYS,
    CONF_VISITOR_STORAGE,
    CONF_VOICEMAIL_DELAY,
    CONFS_FCM,
    SYSTEM_AKUVOX,
    SYSTEM_MX_PROXY,
    SYSTEM_SMARTYARD,
    SYSTEM_TWO_N,
)
from ..model.features import System
from .common.adapter import Adapter, Found
from .common.discovery import Answers
from .common.errors import IntercomError, TlsRefused, WrongDevice


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """Facts about a system that are known without importing it.

    Attributes:
        options: Names of the options of its entries (``const``).
        logs_in: The server keeps a session for the account until logout.
        forwarded: The user enters the push address in a forwarder; there is no device to configure.
        page: Translation key of the options page.
        replaceable: A device can be replaced by another unit.
        recognizable: A device identifies itself without an account.
        macs: Prefixes of MAC addresses, possibly shared with other manufacturers.
        has_actions: The system has its own actions in its ``services`` module.
        package: Package of its ``adapter`` and ``services`` modules; by default the folder with its name.
    """

    options: frozenset[str]
    logs_in: bool = False
    forwarded: bool = False
    page: str = "init"
    replaceable: bool = False
    recognizable: bool = False
    macs: tuple[str, ...] = ()
    has_actions: bool = False
    package: str | None = None


# Options of systems with visitors.
_VISITORS = (CONF_VISITOR_DAYS, CONF_VISITOR_STORAGE)

# Recognizable systems come first; the others are identified by their login.
SYSTEMS: dict[str, SystemSpec] = {
    SYSTEM_AKUVOX: SystemSpec(
        frozenset(
            {
                CONF_GARAGE_DOORS,
                CONF_GATES,
                CONF_INVERTED,
                CONF_OPENING_PASSWORD,
                CONF_OPENING_USERNAME,
                CONF_PICTURE_PORT,
                CONF_PLAIN_SWITCHES,
                CONF_PUSH,
                CONF_SECURITY_RELAYS,
                CONF_SHOW_NAMES,
                CONF_SIP_PORT,
                CONF_STREAM_PASSWORD,
                CONF_STREAM_PORT,
                CONF_STREAM_USERNAME,
                CONF_TALK,
                CONF_TALK_BUTTONS,
                *_VISITORS,
            }
        ),
        replaceable=True,
        recognizable=True,
        macs=("0c1105",),
        has_actions=True,
    ),
    SYSTEM_MX_PROXY: SystemSpec(
        frozenset(
            {
                CONF_CALL_DEVICE,
                CONF_MOBILE_NUMBER,
                CONF_PUSH,
                CONF_RING_DELAY,
                CONF_SHOW_NAMES,
                CONF_VOICEMAIL_DELAY,
            }
        ),
        logs_in=True,
        forwarded=True,
        page="extension",
        has_actions=True,
    ),
    SYSTEM_SMARTYARD: SystemSpec(
        frozenset({CONF_PUSH, CONF_PUSH_ROUTE, CONF_SHOW_NAMES, CONF_TALK, *CONFS_FCM, *_VISITORS}),
        forwarded=True,
        page="account",
        has_actions=True,
    ),
    SYSTEM_TWO_N: SystemSpec(
        frozenset(
            {
                CONF_GARAGE_DOORS,
                CONF_GATES,
                CONF_PLAIN_SWITCHES,
                CONF_SHOW_CARDS,
                CONF_SHOW_NAMES,
                CONF_SHOW_TOUCHES,
                CONF_SHOW_UNKNOWN,
                CONF_SIP_PORT,
                CONF_STREAM_PASSWORD,
                CONF_STREAM_PATH,
                CONF_STREAM_USERNAME,
                CONF_TALK,
                CONF_TALK_BUTTONS,
                *_VISITORS,
            }
        ),
        replaceable=True,
        has_actions=True,
    ),
}


def load_systems(names: Collection[str], *, talk: bool = False) -> None:
    """Import systems, with ``talk`` also what an entry with that option needs. This reads files: run it in an executor."""
    for name in names:
        adapter_of(name)
        if talk and CONF_TALK in SYSTEMS[name].options:
            _module(name, "talk")


def candidates_of(system: str | None = None) -> tuple[str, ...]:
    """Return the systems that ``find_system`` and ``recognized`` need: all of local devices if none is expected."""
    recognizable = (name for name, spec in SYSTEMS.items() if spec.recognizable)
    return (*recognizable, SYSTEM_TWO_N) if system is None else (system,)


def adapter_of(name: str) -> Adapter:
    """Return the adapter of a system, importing it if necessary."""
    adapter: Adapter = _module(name, "adapter").ADAPTER
    return adapter


def load_actions() -> dict[str, tuple[Any, ...]]:
    """Return the actions of single systems, by system. No adapter is imported; run it in an executor."""
    return {name: _module(name, "services").ACTIONS for name, spec in SYSTEMS.items() if spec.has_actions}


def _module(name: str, module: str) -> ModuleType:
    return import_module(f"{SYSTEMS[name].package or f'{__package__}.{name}'}.{module}")


def create_system(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> System:
    """Return the system of an entry.

    Args:
        cursor: Stored position in the event log; None for a new entry.
    """
    return adapter_of(data[CONF_SYSTEM]).create(session, data, options, cursor)


def spec_of(data: Mapping[str, Any]) -> SystemSpec:
    """Return the facts about the system of an entry."""
    return SYSTEMS[data[CONF_SYSTEM]]


def options_of(data: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the options that an entry has."""
    return spec_of(data).options | {CONF_LATE_HOURS}


async def find_system(
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    *,
    pinned: str | None = None,
    system: str | None = None,
) -> Found:
    """Find the device at an address that the user entered, and log in.

    Args:
        address: Host or IP address, with or without scheme and port.
        account: Credentials with the keys of the entry data; empty if the device requires none.
        verify: Verify the certificate against the trusted authorities.
        pinned: SHA-256 of the only accepted certificate, in hexadecimal.
        system: The expected system, if known.
    """
    answers = Answers()
    name = system or await recognized(session, address, answers=answers)
    try:
        found = await adapter_of(name or SYSTEM_TWO_N).find(session, address, account, verify, pinned, answers)
    except (WrongDevice, TlsRefused) as err:
        if name is None and (refusal := await _refusal(session, address)) is not None:
            raise refusal from err
        raise
    return replace(found, data={CONF_SYSTEM: name or SYSTEM_TWO_N, **found.data})


async def recognized(
    session: ClientSession, address: str, mac: str = "", *, answers: Answers | None = None
) -> str | None:
    """Return the system of the device at an address; None if it does not identify itself without an account.

    Args:
        address: Host or IP address, with or without scheme and port.
        mac: MAC address of the device, if known.
        answers: Keeps what the device answers.
    """
    answers = answers or Answers()
    for name, spec in SYSTEMS.items():
        likely = bool(mac) and _plain(mac).startswith(spec.macs)
        if not spec.recognizable or (recognizes := adapter_of(name).recognizes) is None:
            continue
        if await recognizes(session, address, likely=likely, answers=answers):
            return name
    return None


async def _refusal(session: ClientSession, address: str) -> IntercomError | None:
    for name, spec in SYSTEMS.items():
        if spec.recognizable and (ask := adapter_of(name).refusal) is not None:
            if (refusal := await ask(session, address)) is not None:
                return refusal
    return None


def _plain(mac: str) -> str:
    return mac.replace(":", "").lower()


def needs_recognition(mac: str) -> bool:
    """Return whether a MAC address has a prefix that other products share, so the device must be recognized."""
    return _plain(mac).startswith(tuple(start for spec in SYSTEMS.values() for start in spec.macs))
