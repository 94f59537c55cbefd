"""Lists and logs of an Akuvox as files."""

from collections.abc import Awaitable, Callable, Mapping
from typing import IO

from ...model.functions import Download, Payload
from .client import AkuvoxDevice
from .client.maintenance import LogKind

type _Export = Callable[[str], Download]
type _Import = Callable[[IO[bytes], str, int, Callable[[int], None] | None], Awaitable[None]]
type _Clear = Callable[[], Awaitable[None]]

# Contacts only: everything else has one format (Api contact export).
_FORMATS = frozenset({"csv", "vcf", "xml"})


class AkuvoxLists:
    """What the device exports, imports and clears; which of it there is, it says when asked."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._exports: Mapping[str, _Export] = {
            "users": lambda _: device.users.export(),
            "contacts": lambda suffix: device.contacts.export(_format(suffix)),
            "keys": lambda _: device.private_keys.export(),
            "cards": lambda _: device.cards.export(),
            "replacements": lambda _: device.replacements.export(),
            "access_log": lambda _: device.door_log.export(),
            "call_log": lambda _: device.call_log.export(),
            "system_log": lambda _: device.log.export(LogKind.LOG),
            "kernel_log": lambda _: device.log.export(LogKind.KERNEL),
            "debug_log": lambda _: device.log.export(LogKind.DEBUG),
        }
        self._imports: Mapping[str, _Import] = {
            "users": device.users.import_,
            "contacts": device.contacts.import_,
            "keys": device.private_keys.import_,
            "cards": device.cards.import_,
            "replacements": device.replacements.import_,
        }
        self._clears: Mapping[str, _Clear] = {
            "access_log": device.door_log.clear,
            "call_log": device.call_log.clear,
            "system_log": lambda: device.log.clear(LogKind.LOG),
            "kernel_log": lambda: device.log.clear(LogKind.KERNEL),
            "debug_log": lambda: device.log.clear(LogKind.DEBUG),
        }
        self.exported = frozenset(self._exports)
        self.imported = frozenset(self._imports)
        self.cleared = frozenset(self._clears)

    def export(self, name: str, suffix: str) -> Download:
        """Open one as a file, contacts in the format of the suffix."""
        return self._exports[name](suffix)

    async def replace(self, name: str, file: Payload) -> None:
        """Replace one by what a device exported."""
        await self._imports[name](file.file, file.name, file.size, file.progress)

    async def clear(self, name: str) -> None:
        """Empty a log."""
        await self._clears[name]()


def _format(suffix: str) -> str | None:
    wanted = suffix.removeprefix(".")
    return wanted if wanted in _FORMATS else None
