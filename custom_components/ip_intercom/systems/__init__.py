"""The systems: adapters that turn a protocol client into the neutral model."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import ClientSession

from ..const import CONF_LATE_HOURS, CONF_SYSTEM, SYSTEM_AKUVOX, SYSTEM_MX_PROXY, SYSTEM_SMARTYARD, SYSTEM_TWO_N
from ..model import Description
from ..model.features import System
from . import akuvox, mx_proxy, smartyard, two_n
from .common.connection import shown_certificate, stream_url
from .common.errors import IntercomError, TlsRefused, WrongDevice

__all__ = [
    "Maker",
    "asks_for_proof",
    "create_system",
    "find_system",
    "is_forwarded",
    "is_replaceable",
    "logs_in",
    "options_of",
    "options_page",
    "recognised",
    "shown_certificate",
    "stream_url",
]

type _Find = Callable[
    [ClientSession, str, Mapping[str, Any], bool, str | None], Awaitable[tuple[dict[str, Any], Description]]
]


class _Recognises(Protocol):
    def __call__(self, session: ClientSession, address: str, *, likely: bool) -> Awaitable[bool]: ...


type _Create = Callable[
    [ClientSession, Mapping[str, Any], Mapping[str, Any], Mapping[str, object] | None],
    System,
]


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """What an entry needs of a maker's devices.

    Attributes:
        find: Finds a device by its address.
        create: Makes the system of an entry.
        options: The options that its devices have (``const``).
        logs_in: Its server keeps something open for the account, until it is logged out.
        forwarded: A person has to enter its push address in a forwarder: there is no device to configure.
        page: The page of its options.
        recognises: Tells whether a device at an address is of this maker; None where ``find`` tells.
        replaceable: They are units that another one may take the place of, with all that Home Assistant has of them.
        refusal: Finds a device that lets no one in from here and does not say whose it is; None where there is none.
        macs: How MAC addresses begin that it may share with other makers, so that ``recognises`` has to be asked.
    """

    find: _Find
    create: _Create
    options: frozenset[str]
    logs_in: bool = False
    forwarded: bool = False
    page: str = "init"
    recognises: _Recognises | None = None
    refusal: Callable[[ClientSession, str], Awaitable[IntercomError | None]] | None = None
    macs: tuple[str, ...] = ()
    replaceable: bool = False


# Those that can be recognized come first, those that only their login tells last.
SYSTEMS: Mapping[str, SystemSpec] = {
    SYSTEM_AKUVOX: SystemSpec(
        akuvox.find,
        akuvox.create,
        akuvox.OPTIONS,
        recognises=akuvox.recognises,
        refusal=akuvox.refusal,
        macs=("0c1105",),
        replaceable=True,
    ),
    SYSTEM_MX_PROXY: SystemSpec(
        mx_proxy.find, mx_proxy.create, mx_proxy.OPTIONS, logs_in=True, forwarded=True, page="extension"
    ),
    SYSTEM_SMARTYARD: SystemSpec(smartyard.find, smartyard.create, smartyard.OPTIONS, forwarded=True, page="account"),
    SYSTEM_TWO_N: SystemSpec(two_n.find, two_n.create, two_n.OPTIONS, replaceable=True),
}


def create_system(
    session: ClientSession,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    cursor: Mapping[str, object] | None,
) -> System:
    """Return the system of an entry.

    Args:
        session: For its requests.
        data: The entry's data.
        options: The entry's options.
        cursor: How far its events were read, None for a new one.
    """
    return SYSTEMS[data[CONF_SYSTEM]].create(session, data, options, cursor)


def options_of(data: Mapping[str, Any]) -> frozenset[str]:
    """Return the options that the device of an entry has."""
    return SYSTEMS[data[CONF_SYSTEM]].options | {CONF_LATE_HOURS}


def is_forwarded(data: Mapping[str, Any]) -> bool:
    """Return whether a person has to enter the push address of an entry in a forwarder."""
    return SYSTEMS[data[CONF_SYSTEM]].forwarded


def options_page(data: Mapping[str, Any]) -> str:
    """Return the page that shows the options of an entry."""
    return SYSTEMS[data[CONF_SYSTEM]].page


def logs_in(data: Mapping[str, Any]) -> bool:
    """Return whether the account of an entry has to be logged out some day."""
    return SYSTEMS[data[CONF_SYSTEM]].logs_in


def is_replaceable(data: Mapping[str, Any]) -> bool:
    """Return whether another unit may take the place of the one of an entry."""
    return SYSTEMS[data[CONF_SYSTEM]].replaceable


async def find_system(
    session: ClientSession,
    address: str,
    account: Mapping[str, Any],
    verify: bool,
    *,
    pinned: str | None = None,
    system: str | None = None,
) -> tuple[dict[str, Any], Description]:
    """Find the device at an address that a person typed, and log in.

    Args:
        session: For the requests.
        address: Host or IP address, with or without scheme and port.
        account: What logs in, under the names of the entry's data; empty where the device asks for nothing.
        verify: Check the certificate against the system's authorities.
        pinned: SHA-256 of the only certificate to talk to, in hexadecimal.
        system: Whose device it has to be, where that is known.

    Returns:
        The entry's data, and what was found.
    """
    name = system or await recognised(session, address)
    try:
        data, description = await SYSTEMS[name or SYSTEM_TWO_N].find(session, address, account, verify, pinned)
    except (WrongDevice, TlsRefused) as err:
        if name is None and (refusal := await _refusal(session, address)) is not None:
            raise refusal from err
        raise
    name = name or SYSTEM_TWO_N
    return {CONF_SYSTEM: name, **data}, description


async def recognised(session: ClientSession, address: str, mac: str = "") -> str | None:
    """Return whose device answers at an address; None where none says so without being asked for an account.

    Args:
        session: For the requests.
        address: Host or IP address, with or without scheme and port.
        mac: Its MAC address, where it is known.
    """
    for name, maker in SYSTEMS.items():
        likely = bool(mac) and _plain(mac).startswith(maker.macs)
        if maker.recognises is not None and await maker.recognises(session, address, likely=likely):
            return name
    return None


async def _refusal(session: ClientSession, address: str) -> IntercomError | None:
    for maker in SYSTEMS.values():
        if maker.refusal is not None and (refusal := await maker.refusal(session, address)) is not None:
            return refusal
    return None


def _plain(mac: str) -> str:
    return mac.replace(":", "").lower()


def asks_for_proof(mac: str) -> bool:
    """Return whether a device with a MAC address may be of another kind altogether."""
    return _plain(mac).startswith(tuple(start for maker in SYSTEMS.values() for start in maker.macs))
