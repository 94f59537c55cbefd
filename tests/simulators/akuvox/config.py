"""The configuration: config/*, and the parts of it that relay, input, publiccode, sip and log show (Api config)."""

from collections.abc import Callable, Iterable, Mapping
import gzip
import hashlib
import json
import re
from typing import Any

from .config_keys import ACTIONURL, DTMF, INPUT, LIMITS, LOGLEVEL, PASSWORD, RELAY, SOFTKEY, factory
from .dialects import Dialect
from .envelope import ApiError, Call, File, Handler, Reply, as_text, bad_param

VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
MAGIC = b"AKUVOXCFG1"
# Encryption of our own; a device's is secret.
PAD = hashlib.sha256(b"akuvox").digest()


class Config:
    """Keys and values, all of them text."""

    def __init__(self, dialect: Dialect, initial: Mapping[str, str], restart: Callable[[], None]) -> None:
        """`initial` is the configuration at the start; `restart` begins a reboot."""
        self._dialect = dialect
        self._restart = restart
        self.values = factory(dialect) | dict(initial)
        self.listeners: list[Callable[[str, str], None]] = []
        # How many numbers the button keeps: eight on an E12, R20A and S532; it drops the others without a word.
        self.button_numbers = 8
        self.handlers: dict[str, Handler] = {
            "config/get": self._get,
            "config/set": self._set_one if dialect.sets_by_get else self._set,
            "config/export": self._export,
            "config/import": self._import,
            "config/reset_factory": self._reset,
            "relay/get": self._relay_get,
            "relay/set": lambda call: self._set_within(call, RELAY, DTMF),
            "input/get": lambda _: Reply(self.section(INPUT)),
            "input/set": lambda call: self._set_within(call, INPUT),
            "publiccode/get": lambda _: Reply(self.section(PASSWORD)),
            "publiccode/set": lambda call: self._set_within(call, PASSWORD),
            "sip/get": lambda _: Reply(self.section("Config.Account")),
            "sip/set": lambda call: self._set_within(call, "Config.Account"),
            "log/get": lambda _: Reply(self.section(f"{LOGLEVEL}Level")),
            "log/set": self._log_set,
        }

    def __getitem__(self, key: str) -> str:
        """Return a value; what the device does not have is empty."""
        return self.values.get(key, "")

    def number(self, key: str, default: int = 0) -> int:
        """Return a value that is a number."""
        text = self[key]
        return int(text) if text.isdecimal() else default

    def section(self, *prefixes: str) -> dict[str, str]:
        """Return the keys with a prefix."""
        return {key: value for key, value in self.values.items() if key.startswith(prefixes)}

    def write(self, key: str, value: object) -> None:
        """Change a value; unknown keys are left out without a word, and so are URLs with unknown variables."""
        text = as_text(value)
        if key not in self.values or (key.startswith(ACTIONURL) and self._unknown_variable(text)):
            return
        if key == SOFTKEY:
            text = ";".join(text.split(";")[: self.button_numbers])
        self.values[key] = text
        for listener in self.listeners:
            listener(key, text)

    def _unknown_variable(self, url: str) -> bool:
        return any(name not in self._dialect.variables for name in VARIABLE.findall(url))

    def _write_all(self, changes: Mapping[str, Any]) -> None:
        for key, value in changes.items():
            limit = next((high for start, high in LIMITS.items() if key.startswith(start) and key in self.values), None)
            text = as_text(value)
            if limit is not None and not (text.isdecimal() and int(text) <= limit):
                raise bad_param()
        for key, value in changes.items():
            self.write(key, value)

    def _get(self, call: Call) -> Reply:
        if "filter" in call.data:
            return Reply(self.section(*(f"{name}." for name in _names(call.data["filter"]))))
        if "item" in call.data:
            return Reply({key: self.values[key] for key in _names(call.data["item"]) if key in self.values})
        return Reply(dict(self.values))

    def _set(self, call: Call) -> Reply:
        if not call.data:
            raise bad_param()
        self._write_all(call.data)
        return Reply()

    def _set_one(self, call: Call) -> Reply:
        """Set one key for each request; the others of a query are ignored."""
        for key, value in call.data.items():
            self._write_all({key: value})
            return Reply()
        raise bad_param()

    def _set_within(self, call: Call, *prefixes: str) -> Reply:
        if not call.data:
            raise bad_param()
        self._write_all({key: value for key, value in call.data.items() if key.startswith(prefixes)})
        return Reply()

    def _relay_get(self, _: Call) -> Reply:
        return Reply(self.section(RELAY, DTMF), bare=self._dialect.bare_relay_get)

    def _log_set(self, call: Call) -> Reply:
        self._set_within(call, LOGLEVEL)
        return Reply(self.section(f"{LOGLEVEL}Level"))

    def _export(self, _: Call) -> File:
        return File.of("Config.tgz", seal(self.values))

    def _import(self, call: Call) -> Reply:
        try:
            values = unseal(call.file().data)
        except ValueError:
            raise ApiError(-1, "Import Failed.") from None
        self.values.update((key, value) for key, value in values.items() if key in self.values)
        self._restart()
        return Reply()

    def _reset(self, _: Call) -> Reply:
        self.reset()
        self._restart()
        return Reply()

    def reset(self) -> None:
        """Become as the factory made it: the whitelist is on, and empty."""
        self.values = factory(self._dialect)


def _names(value: object) -> Iterable[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise bad_param()
    return value


def seal(content: object) -> bytes:
    """Pack content that must not be modified: gzip of a magic, a hash, and the content."""
    plain = json.dumps(content).encode()
    body = bytes(byte ^ PAD[place % len(PAD)] for place, byte in enumerate(plain))
    return gzip.compress(MAGIC + hashlib.sha256(plain).digest() + body, mtime=0)


def unseal(data: bytes) -> dict[str, Any]:
    """Unpack it; raises ValueError for anything else."""
    try:
        content = gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise ValueError("no tgz") from error
    start = len(MAGIC) + 32
    plain = bytes(byte ^ PAD[place % len(PAD)] for place, byte in enumerate(content[start:]))
    if content[: len(MAGIC)] != MAGIC or hashlib.sha256(plain).digest() != content[len(MAGIC) : start]:
        raise ValueError("not exported by a device")
    values: dict[str, Any] = json.loads(plain)
    return values
